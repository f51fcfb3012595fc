//! What one input could do to a bad night: from end to end, around today's.
use evenkeel_config::record::Elapsed;
use maud::{Markup, html};

use super::interval::lines;
use super::percent;
use super::scale::Axis;

/// Where an arrow that leaves the bar begins.
const ARROW: f64 = 0.97;

/// A bar from the best to the worst end, with a line at today's figure; an arrow leaves
/// the bar where the worst end is never.
pub fn swing(label: &str, ends: [Elapsed; 2], today: Elapsed, axis: Axis) -> Markup {
    let place = |elapsed: Elapsed| elapsed.ms().map_or(ARROW, |ms| axis.place(ms as f64));
    let [best, worst] = ends.map(place);
    html! {
        svg.iv width="100%" role="img" aria-label=(label) {
            (lines(axis))
            line.tie x1=(percent(place(today))) x2=(percent(place(today))) y1="0" y2="100%" {}
            svg y="50%" width="100%" height="1" {
                line.rng x1=(percent(best)) x2=(percent(worst)) y1="0" y2="0" {}
                line.cap x1=(percent(best)) x2=(percent(best)) y1="-6" y2="6" {}
                @match ends[1] {
                    Elapsed::Ms(_) => line.cap x1=(percent(worst)) x2=(percent(worst)) y1="-6" y2="6" {},
                    Elapsed::Never => svg x=(percent(ARROW)) { path.arrow d="M-2-8 10 0-2 8z" {} },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_caps_and_never_leaves_the_bar() {
        let axis = Axis::Linear(10.0);
        let drawn =
            swing("x", [Elapsed::Ms(2), Elapsed::Ms(8)], Elapsed::Ms(5), axis).into_string();
        assert!(drawn.contains(r#"<line class="rng" x1="20%" x2="80%""#), "{drawn}");
        assert!(drawn.contains(r#"<line class="tie" x1="50%""#) && !drawn.contains("arrow"));
        let drawn =
            swing("x", [Elapsed::Ms(2), Elapsed::Never], Elapsed::Ms(5), axis).into_string();
        assert!(drawn.contains("arrow") && drawn.matches("class=\"cap\"").count() == 1, "{drawn}");
    }
}
