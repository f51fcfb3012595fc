//! Where the spread of a function's nights comes from, and what drill or measurement would narrow it.
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{DrillPlan, DrillValue, Elapsed, FunctionSummary, Summary};
use maud::{Markup, html};

use super::fix_table::straight_scale;
use super::headline;
use super::marks::{self, Axis, swing};
use super::names::Names;
use super::{figures, words};

/// Assumptions that the sentence names.
const MOST_NAMES: usize = 3;

/// Of the spread of its nights, what part comes from our assumptions; nothing when
/// there is no spread.
pub fn from_assumptions(
    function: &FunctionSummary,
    summary: &Summary,
    names: &Names<'_>,
) -> Option<String> {
    let share = function.spread_from_defaults?;
    let title = words::possessive(&words::mid_sentence(&headline::title(function, names)));
    let about = words::list(&assumed(summary, names), MOST_NAMES);
    let percent = (share * 100.0).round();
    Some(match percent {
        _ if about.is_empty() => format!(
            "None of the spread of {title} nights comes from assumptions of ours: every figure \
             is measured or was told to us."
        ),
        ..1.0 => format!(
            "Hardly any of the spread of {title} nights comes from our assumptions about {about}."
        ),
        percent => format!(
            "{percent}{}% of the spread of {title} nights comes from our assumptions about {about}, \
             not from measurements of yours.",
            words::JOIN
        ),
    })
}

/// What we assume something about, each heading once.
fn assumed(summary: &Summary, names: &Names<'_>) -> Vec<String> {
    let assumed = summary.inputs.iter().filter(|input| input.provenance == Provenance::Default);
    let mut all: Vec<String> =
        assumed.map(|input| words::mid_sentence(&names.text(&input.group))).collect();
    all.sort();
    all.dedup();
    all
}

/// A drill with the ends between which it would move the bad night.
struct Move<'a> {
    drill: &'a DrillValue,
    ends: [Elapsed; 2],
}

impl Move<'_> {
    /// How far apart the ends are; never counts as farthest.
    fn width(&self) -> i64 {
        let [best, worst] = self.ends.map(|end| end.ms().unwrap_or(i64::MAX / 2));
        worst - best
    }
}

/// What would move a function's bad night, the farthest first. The differences come
/// from fewer of the same nights and are laid on the bad night of all of them.
fn moves<'a>(plan: &'a DrillPlan, function: &FunctionSummary) -> Vec<Move<'a>> {
    let Some(today) = figures::at(&function.usable, 0.9) else { return Vec::new() };
    let laid = |drill: &DrillValue, end: Elapsed| match (today, drill.promise, end) {
        (Elapsed::Ms(today), Elapsed::Ms(before), Elapsed::Ms(after)) => {
            Elapsed::Ms((today + after - before).max(0))
        }
        (_, _, end) => end,
    };
    let of_it = plan.drills.iter().filter(|drill| drill.function == function.id);
    let mut moves: Vec<Move<'_>> = of_it
        .filter_map(|drill| {
            let ends = drill.outcomes.iter().map(|outcome| laid(drill, outcome.promise));
            let (best, worst) = (ends.clone().min()?, ends.max()?);
            (words::back_after(best) != words::back_after(worst))
                .then_some(Move { drill, ends: [best, worst] })
        })
        .collect();
    moves.sort_by_key(|one| std::cmp::Reverse((one.width(), one.drill.expected_change_ms)));
    moves
}

/// The table: each drill or measurement with the bad night at both ends of what it
/// may show. Nothing when none moves it.
pub fn table(plan: &DrillPlan, function: &FunctionSummary, names: &Names<'_>) -> Option<Markup> {
    let moves = moves(plan, function);
    let today = figures::at(&function.usable, 0.9)?;
    let known = moves.iter().flat_map(|one| one.ends).chain([today]).filter_map(Elapsed::ms);
    let axis = Axis::reaching(known.max()? as f64);
    let title = words::possessive(&headline::title(function, names));
    (!moves.is_empty()).then(|| {
        html! {
            p.note {
                (title) " bad night at each end of what one drill or measurement may show; the line \
                 is today’s. Long bars are the cheapest things to go and find out."
            }
            table.stack.mid.mv role="table" {
                thead role="rowgroup" { tr role="row" {
                    th role="columnheader" scope="col" { "What to find out" }
                    th.bar role="columnheader" scope="col" {
                        span.vh { (title) " bad night" }
                        (straight_scale(axis))
                    }
                    th.r.q role="columnheader" scope="col" { "Bad night" }
                    th role="columnheader" scope="col" { "How we know" }
                } }
                tbody role="rowgroup" { @for one in &moves { (row(one, today, axis, names)) } }
            }
            p.note {
                "Looked at on " (words::count(plan.about.trials)) " of the same nights, "
                (plan.considered) " things in all."
            }
        }
    })
}

fn row(one: &Move<'_>, today: Elapsed, axis: Axis, names: &Names<'_>) -> Markup {
    let what = words::sentence_case(&names.text(&one.drill.what));
    let told = match one.ends {
        [Elapsed::Ms(best), Elapsed::Ms(worst)] => words::range(best, worst),
        [best, worst] => format!("{} to {}", words::back_after(best), words::back_after(worst)),
    };
    let label = format!("{what}: bad night {told}");
    let word = match one.drill.provenance {
        Provenance::Measured => "measured",
        Provenance::Declared => "told to us",
        Provenance::Default => "assumed",
    };
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                (what) small { (words::shortened(&names.text(&one.drill.today), 110)) }
            }
            td.bar role="cell" { (swing(&label, one.ends, today, axis)) }
            td.r.q role="cell" data-l="bad night" { (told) }
            td role="cell" { (marks::provenance(one.drill.provenance, word)) }
        }
    }
}

/// What would tell most, in a sentence; nothing when none is known.
pub fn in_short(plan: &DrillPlan, function: &FunctionSummary, names: &Names<'_>) -> Option<String> {
    let first = moves(plan, function).into_iter().next()?;
    let what = words::shortened(&names.text(&first.drill.what), 90);
    Some(format!("To narrow it most: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn the_share_of_assumptions_is_stated() {
        let mut picture = sample::picture();
        let told = |picture: &crate::picture::Picture| {
            let names = Names::new(&picture.map);
            let payroll = sample::function(picture, "payroll");
            from_assumptions(payroll, &picture.summaries[0], &names)
        };
        assert_eq!(
            told(&picture).as_deref(),
            Some(
                "62\u{a0}% of the spread of payroll’s nights comes from our assumptions about \
                 spread to the backup console, not from measurements of yours."
            )
        );
        picture.summaries[0].inputs.retain(|input| input.provenance != Provenance::Default);
        assert!(told(&picture).is_some_and(|told| told.starts_with("None of the spread")));
        let functions = &mut picture.summaries[0].functions;
        functions.iter_mut().for_each(|function| function.spread_from_defaults = None);
        assert_eq!(told(&picture), None);
    }

    #[test]
    fn the_farthest_move_comes_first_and_differences_are_laid_on_today() {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let payroll = sample::function(&picture, "payroll");
        let plan = &picture.moves["ransomware"];
        let page = table(plan, payroll, &names).expect("moves").into_string();
        let page = page.replace(words::JOIN, " ");
        let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words} in {page}"));
        assert!(place("Restore payroll from the cloud once") < place("Find out when IT lead"));
        assert!(page.contains("5 d to never") && page.contains("assumed"), "{page}");
        // Measured on fewer nights as 8 d to 6 d and 10 d, which of today’s 9 d is 7 d and 11 d.
        assert!(page.contains("7 to 11 d"), "{page}");
        assert_eq!(
            in_short(plan, payroll, &names).as_deref(),
            Some("To narrow it most: restore payroll from the cloud once.")
        );
    }
}
