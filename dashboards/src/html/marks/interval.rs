//! Bars in table rows: likely to bad night, the promise, the stopgap and the gap after it.
use evenkeel_config::record::Elapsed;
use maud::{Markup, html};

use super::percent;
use super::scale::Axis;

/// Where an arrow that leaves the bar begins.
const ARROW: f64 = 0.97;

/// Where the bar of a night that never ends begins.
const STUB: f64 = 0.93;

/// One interval bar on the stretched axis.
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// What the bar says, as a sentence for those who do not see it.
    pub label: String,
    /// The promise, in milliseconds.
    pub promised: Option<i64>,
    /// Half of the nights are better; absent when nothing is known.
    pub likely: Option<Elapsed>,
    /// 9 nights in 10 are better.
    pub bad_night: Option<Elapsed>,
    /// Start and end of the stopgap, in milliseconds.
    pub stopgap: Option<(i64, i64)>,
    /// Drawn from old data.
    pub old: bool,
}

impl Interval {
    /// From the stopgap's end to the system's return, if nothing is arranged
    /// in between on a likely night.
    fn gap(&self) -> Option<(f64, f64)> {
        let (_, end) = self.stopgap?;
        let back = self.likely?;
        let back = match back {
            Elapsed::Ms(ms) if ms > end => Axis::Log.place(ms as f64),
            Elapsed::Ms(_) => return None,
            Elapsed::Never => ARROW,
        };
        Some((Axis::Log.place(end as f64), back))
    }
}

/// Draws an interval bar. Grid lines run through the rows at 10 min, 1 h, 1 d
/// and 1 wk.
pub fn interval(bar: &Interval) -> Markup {
    let place = |elapsed: Elapsed| elapsed.ms().map(|ms| Axis::Log.place(ms as f64));
    // A ring stays clear of the arrow, also where it stands beyond the axis.
    let clear =
        |place: f64| if bar.bad_night == Some(Elapsed::Never) { place.min(STUB) } else { place };
    let likely = bar.likely.map(|likely| place(likely).map(clear));
    let bad_night = bar.bad_night.map(place);
    let end = bad_night.map(|place| place.unwrap_or(ARROW));
    // A night that never ends has no ring; its bar is a stub before the arrow.
    let start = likely.map(|place| place.unwrap_or(STUB));
    let tone = |class: &'static str, old: &'static str| if bar.old { old } else { class };
    html! {
        svg.iv width="100%" role="img" aria-label=(bar.label) {
            (lines(Axis::Log))
            svg y="50%" width="100%" height="1" {
                @if let Some((from, to)) = bar.stopgap {
                    @let (from, to) = (Axis::Log.place(from as f64), Axis::Log.place(to as f64));
                    rect.wa x=(percent(from)) y="-6" width=(percent(to - from)) height="12" {}
                }
                @if let Some((from, to)) = bar.gap() {
                    line.gap x1=(percent(from)) x2=(percent(to)) y1="0" y2="0" {}
                }
                @if let (Some(start), Some(end)) = (start, end) {
                    line class=(tone("rng", "rng-u")) x1=(percent(start))
                        x2=(percent(end.max(start))) y1="0" y2="0" {}
                }
                @match bad_night {
                    Some(Some(at)) => line class=(tone("cap", "cap-u")) x1=(percent(at))
                        x2=(percent(at)) y1="-7" y2="7" {},
                    Some(None) => svg x=(percent(ARROW)) { path.arrow d="M-2-8 10 0-2 8z" {} },
                    None => {}
                }
                @if let Some(promised) = bar.promised {
                    @let at = percent(Axis::Log.place(promised as f64));
                    line.obj x1=(at) x2=(at) y1="-11" y2="11" {}
                }
                @if let Some(Some(at)) = likely {
                    circle class=(tone("dot", "dot-u")) cx=(percent(at)) cy="0" r="4.5" {}
                }
            }
        }
    }
}

/// How to read interval bars; `stopgap` and `old` only where they occur.
pub fn interval_key(stopgaps: bool, old: bool) -> Markup {
    let sample = |mark: Markup, words: &str| {
        html! { li { svg.kx aria-hidden="true" { (mark) } (words) } }
    };
    html! {
        ul.key aria-label="How to read the bars" {
            (sample(html! { line.obj x1="18" x2="18" y1="-2" y2="18" {} }, "promised"))
            (sample(html! {
                line.rng x1="4" x2="32" y1="8" y2="8" {}
                line.cap x1="32" x2="32" y1="1" y2="15" {}
                circle.dot cx="5" cy="8" r="4.5" {}
            }, "likely to bad night"))
            @if stopgaps {
                (sample(html! { rect.wa x="2" y="2" width="32" height="12" {} },
                    "stopgap at part capacity"))
                (sample(html! { line.gap x1="2" x2="34" y1="8" y2="8" {} }, "nothing arranged"))
            }
            @if old {
                (sample(html! {
                    line.rng-u x1="4" x2="32" y1="8" y2="8" {}
                    circle.dot-u cx="5" cy="8" r="4.5" {}
                }, "from old data"))
            }
            (sample(html! {
                line.rng x1="4" x2="24" y1="8" y2="8" {}
                svg x="26" y="8" { path.arrow d="M-3-8 9 0-3 8z" {} }
            }, "never in some nights"))
        }
    }
}

/// What a fix wins: ring = best figure, bar = where it could lie, in
/// milliseconds on a straight axis.
pub fn effect_bar(label: &str, best: i64, low: i64, high: i64, axis: Axis) -> Markup {
    let place = |ms: i64| percent(axis.place(ms as f64));
    html! {
        svg.iv width="100%" role="img" aria-label=(label) {
            (lines(axis))
            svg y="50%" width="100%" height="1" {
                line.rng2 x1=(place(low)) x2=(place(high)) y1="0" y2="0" {}
                circle.dot.dot2 cx=(place(best)) cy="0" r="4.5" {}
            }
        }
    }
}

/// Grid lines of a row.
pub(super) fn lines(axis: Axis) -> Markup {
    html! {
        @for at in axis.lines() {
            line.grid x1=(percent(at)) x2=(percent(at)) y1="0" y2="100%" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600_000;

    fn drawn(bar: &Interval) -> String {
        interval(bar).into_string()
    }

    #[test]
    fn the_bar_stands_where_the_mock_has_it() {
        let svg = drawn(&Interval {
            promised: Some(24 * H),
            likely: Some(Elapsed::Ms(48 * H)),
            bad_night: Some(Elapsed::Ms(216 * H)),
            ..Interval::default()
        });
        assert!(svg.contains(r#"<line class="rng" x1="74.6%" x2="88.7%""#), "{svg}");
        assert!(svg.contains(r#"<line class="obj" x1="68.1%""#), "{svg}");
        assert!(svg.contains(r#"<circle class="dot" cx="74.6%""#), "{svg}");
        assert!(!svg.contains("gap"), "{svg}");
    }

    #[test]
    fn nothing_arranged_is_drawn_from_the_stopgap_s_end_to_the_return() {
        let svg = drawn(&Interval {
            likely: Some(Elapsed::Ms(72 * H)),
            bad_night: Some(Elapsed::Ms(14 * 24 * H)),
            stopgap: Some((600_000, 24 * H)),
            ..Interval::default()
        });
        assert!(svg.contains(r#"<line class="gap" x1="68.1%" x2="78.4%""#), "{svg}");
    }

    #[test]
    fn never_leaves_the_bar_and_old_data_is_grey() {
        let never = Some(Elapsed::Never);
        let svg = drawn(&Interval { likely: never, bad_night: never, ..Interval::default() });
        assert!(svg.contains("arrow") && !svg.contains("circle"), "{svg}");
        let hit = Some(Elapsed::Ms(H));
        let svg =
            drawn(&Interval { likely: hit, bad_night: never, old: true, ..Interval::default() });
        assert!(svg.contains("rng-u") && svg.contains("dot-u") && svg.contains("arrow"), "{svg}");
    }
}
