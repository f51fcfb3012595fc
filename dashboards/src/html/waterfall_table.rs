//! Where the hours of one night go: a row per step, whose parts add up to the whole.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Cause, Elapsed, FunctionSummary, Night};
use maud::{Markup, html};

use super::causes::{part_kind, step_words};
use super::marks::{self, Axis, Part, PartKind, part_row};
use super::names::Names;
use super::words;

/// More rows than this are folded: the shortest ones into one.
const MOST_ROWS: usize = 16;

/// What makes two stretches of a night the same step.
type StepKey<'a> = (Cause, Option<&'a Id>, &'a str, &'a str);

/// One step: its stretches in the likely night, and its time in the bad one.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    heading: String,
    under: String,
    kind: PartKind,
    parts: Vec<(i64, i64)>,
    bad_night: i64,
    provenance: Provenance,
}

impl Row {
    fn likely(&self) -> i64 {
        self.parts.iter().map(|(from, to)| to - from).sum()
    }
}

/// The waterfall of the night nearest the middle, with the bad night's own
/// column. Nothing when the function was never touched.
pub fn waterfall_table(
    function: &FunctionSummary,
    timezone: &str,
    names: &Names<'_>,
) -> Option<Markup> {
    let night = function.likely_night.as_ref()?;
    let bad_night = function.bad_night.as_ref();
    let rows = folded(rows(night, bad_night, names));
    let end = night.segments.last().map_or(0, |segment| segment.to_ms).max(1);
    let axis = Axis::Linear(end as f64);
    let grid = grid(end);
    let promised = function.objectives.rto.map(|rto| rto.as_ms());
    let promised_at = promised.map(|ms| ms as f64 / end as f64);
    let total = |elapsed: Elapsed| words::back_after(elapsed);
    Some(html! {
        (PartKind::key())
        table.stack.mid role="table" {
            thead role="rowgroup" { tr role="row" {
                th role="columnheader" scope="col" { "Step" }
                th.bar role="columnheader" scope="col" {
                    span.vh { "When, in the likely night" }
                    (head(night, end, &grid, promised, timezone))
                }
                th.r role="columnheader" scope="col" { "Likely night" }
                th.r.q role="columnheader" scope="col" { "Bad night" }
                th role="columnheader" scope="col" { "How we know" }
            } }
            tbody role="rowgroup" {
                @for row in &rows {
                    (drawn(row, axis, &grid, promised_at, bad_night.is_some()))
                }
                tr.sum role="row" {
                    th role="rowheader" scope="row" { "Usable again" }
                    td.bar role="cell" {}
                    td.r.q.i role="cell" data-l="likely night" { (total(night.usable)) }
                    td.r.q.i role="cell" data-l="bad night" {
                        @match bad_night {
                            Some(bad) => (total(bad.usable)),
                            None => (marks::missing()),
                        }
                    }
                    td role="cell" {}
                }
            }
        }
    })
}

/// Steps in the order in which they first occur; what happens in the bad night
/// alone stands where that night has it.
fn rows(night: &Night, bad_night: Option<&Night>, names: &Names<'_>) -> Vec<Row> {
    let mut order: Vec<StepKey<'_>> = Vec::new();
    let mut found: BTreeMap<StepKey<'_>, Row> = BTreeMap::new();
    let nights = [Some(night), bad_night].into_iter().flatten().enumerate();
    for (which, night) in nights {
        let mut after = 0;
        for segment in &night.segments {
            let component = segment.component.as_ref();
            let key = (segment.cause, component, segment.who.as_str(), segment.step.as_str());
            let place = order.iter().position(|known| *known == key).unwrap_or_else(|| {
                let place = after.min(order.len());
                order.insert(place, key);
                place
            });
            after = place + 1;
            let row = found.entry(key).or_insert_with(|| {
                let (heading, under) =
                    step_words(segment.cause, component, &segment.who, &segment.step, names);
                let kind = part_kind(segment.cause);
                let provenance = segment.provenance;
                Row { heading, under, kind, parts: Vec::new(), bad_night: 0, provenance }
            });
            if which == 0 {
                row.parts.push((segment.from_ms, segment.to_ms));
            } else {
                row.bad_night += segment.to_ms - segment.from_ms;
            }
        }
    }
    order.iter().filter_map(|key| found.remove(key)).collect()
}

/// Folds the shortest rows into one, so that the parts still add up.
fn folded(rows: Vec<Row>) -> Vec<Row> {
    if rows.len() <= MOST_ROWS {
        return rows;
    }
    let length = |row: &Row| row.likely().max(row.bad_night);
    let mut lengths: Vec<i64> = rows.iter().map(length).collect();
    lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    let limit = lengths[MOST_ROWS - 2];
    let (kept, short): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| length(row) >= limit);
    let count = short.len() as u64;
    let mut rest = Row {
        heading: format!("{} shorter steps", words::spelled(count)),
        under: "each shorter than the rows above".to_owned(),
        kind: PartKind::Work,
        parts: Vec::new(),
        bad_night: 0,
        provenance: Provenance::Default,
    };
    for row in short {
        rest.bad_night += row.bad_night;
        rest.parts.extend(row.parts);
    }
    rest.parts.sort_unstable();
    kept.into_iter().chain((count > 0).then_some(rest)).collect()
}

fn drawn(row: &Row, axis: Axis, grid: &[f64], promised: Option<f64>, bad_night: bool) -> Markup {
    let parts: Vec<Part> = row
        .parts
        .iter()
        .map(|(from, to)| Part { from: axis.place(*from as f64), to: axis.place(*to as f64) })
        .collect();
    let label = match row.parts.as_slice() {
        [] => format!("{}: not in the likely night", row.heading),
        [(from, to)] => {
            format!("{}: from {} to {}", row.heading, words::duration(*from), words::duration(*to))
        }
        many => {
            format!("{}: {} in {} parts", row.heading, words::duration(row.likely()), many.len())
        }
    };
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (row.heading) small { (row.under) } }
            td.bar role="cell" { (part_row(&label, row.kind, &parts, grid, promised)) }
            td.r.q.i role="cell" data-l="likely night" {
                @if row.parts.is_empty() { (marks::missing()) }
                @else { (words::duration(row.likely())) }
            }
            td.r.q.i role="cell" data-l="bad night" {
                @if !bad_night || row.bad_night == 0 { (marks::missing()) }
                @else { (words::duration(row.bad_night)) }
            }
            td role="cell" { (marks::provenance(row.provenance, row.provenance.word())) }
        }
    }
}

/// Lines at even hours or days, as shares of the night.
fn grid(end: i64) -> Vec<f64> {
    const STEPS: [i64; 11] = [1, 2, 4, 6, 12, 24, 48, 96, 168, 336, 672];
    let hour = 3_600_000;
    let step = STEPS.iter().copied().find(|step| end <= 4 * step * hour).unwrap_or(1344) * hour;
    let inner = (1..).map(|at| at * step).take_while(|at| *at < end);
    inner.map(|at| at as f64 / end as f64).collect()
}

/// Start and end of the night, the grid's hours, and the promise above them.
fn head(night: &Night, end: i64, grid: &[f64], promised: Option<i64>, timezone: &str) -> Markup {
    let percent = |share: f64| format!("{}%", (share * 1000.0).round() / 10.0);
    let strike = words::weekday_time(night.strike, timezone);
    let usable = night.strike.checked_add(jiff::SignedDuration::from_millis(end));
    let promised = promised.filter(|ms| *ms <= end).map(|ms| (ms, ms as f64 / end as f64));
    html! {
        svg width="100%" height="32" aria-hidden="true" {
            @if let Some((ms, at)) = promised {
                @let class = match at { ..0.2 => "lb", 0.8.. => "lb e", _ => "lb m" };
                text class=(class) x=(percent(at)) y="10" { "promised " (words::duration(ms)) }
            }
            text.ax x="0%" y="28" { (strike) }
            @for at in grid.iter().filter(|at| (0.2..0.8).contains(*at)) {
                text.ax.m x=(percent(*at)) y="28" { (words::duration((at * end as f64) as i64)) }
            }
            @if let Ok(usable) = usable {
                text.ax.e x="100%" y="28" { (words::weekday_time(usable, timezone)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn the_parts_add_up_to_the_whole() {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let payroll = sample::function(&picture, "payroll");
        let (night, bad_night) = (payroll.likely_night.as_ref(), payroll.bad_night.as_ref());
        let rows = rows(night.expect("a night"), bad_night, &names);
        let likely: i64 = rows.iter().map(Row::likely).sum();
        let bad: i64 = rows.iter().map(|row| row.bad_night).sum();
        assert_eq!(Some(Elapsed::Ms(likely)), night.map(|night| night.usable));
        assert_eq!(Some(Elapsed::Ms(bad)), bad_night.map(|night| night.usable));
        let headings: Vec<&str> = rows.iter().map(|row| row.heading.as_str()).collect();
        assert_eq!(headings[2], "Hold on the servers", "only in the bad night, after the decision");
        assert_eq!(headings[3], "Waiting for the IT lead");
    }

    #[test]
    fn many_steps_are_folded_without_losing_time() {
        let row = |hours: i64| Row {
            heading: hours.to_string(),
            under: String::new(),
            kind: PartKind::Work,
            parts: vec![(0, hours * 3_600_000)],
            bad_night: hours,
            provenance: Provenance::Measured,
        };
        let rows: Vec<Row> = (1..=40).map(row).collect();
        let total: i64 = rows.iter().map(Row::likely).sum();
        let folded = folded(rows);
        assert_eq!(folded.len(), MOST_ROWS);
        assert_eq!(folded.iter().map(Row::likely).sum::<i64>(), total);
    }
}
