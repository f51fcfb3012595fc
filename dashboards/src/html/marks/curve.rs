//! The chance of being back by a time, with its band, the promise and a fix.
use std::fmt::Write as _;

use evenkeel_config::record::{CurvePoint, Elapsed};
use maud::{Markup, html};

use super::percent;
use super::scale::Axis;
use crate::html::words;

/// Usual height of a plot in pixels.
pub const TALL: f64 = 300.0;

/// Height of a plot that shares a printed page with much else, in pixels.
pub const LOW: f64 = 150.0;

/// A curve with the figures that are marked on it.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// Id that the title hangs on; unique on its page.
    pub id: &'a str,
    /// What is shown, for those who do not see it.
    pub title: String,
    /// The figures in a sentence.
    pub description: String,
    /// Height of the plot in pixels, [`TALL`] or [`LOW`].
    pub height: f64,
    /// What the height counts, such as "nights in 10 that payroll is back".
    pub height_words: String,
    /// Today's curve.
    pub points: &'a [CurvePoint],
    /// Half of the nights are better.
    pub likely: Elapsed,
    /// 9 nights in 10 are better.
    pub bad_night: Elapsed,
    /// The promise in milliseconds, and how often it is kept in words.
    pub promised: Option<(i64, String)>,
    /// The same nights with a fix.
    pub second: Option<Second<'a>>,
}

/// The curve with a fix.
#[derive(Debug, Clone)]
pub struct Second<'a> {
    /// Its points.
    pub points: &'a [CurvePoint],
    /// Its bad night.
    pub bad_night: Elapsed,
    /// The fix in a few words.
    pub words: String,
}

impl Curve<'_> {
    /// From 0 to the first even step at which today's curve has passed 96 %,
    /// or has come as far as it ever does.
    pub fn axis(&self) -> Axis {
        let highest = self.points.last().map_or(0.0, |point| point.share);
        let enough = highest.min(0.96).min((highest - 0.005).max(0.0));
        let passed = self.points.iter().find(|point| point.share >= enough);
        let end = passed.map_or(0, |point| point.at_ms);
        let figures = [self.likely, self.bad_night].into_iter().filter_map(Elapsed::ms);
        let end = figures.chain(self.promised.iter().map(|(at, _)| *at)).fold(end, i64::max);
        Axis::reaching(end as f64)
    }

    /// Where a share stands, in pixels from the top.
    fn y(&self, share: f64) -> f64 {
        ((1.0 - share) * self.height).round()
    }

    /// The share back by a time.
    pub fn share_by(points: &[CurvePoint], ms: i64) -> f64 {
        let after = points.partition_point(|point| point.at_ms <= ms);
        after.checked_sub(1).map_or(0.0, |at| points[at].share)
    }
}

/// Draws the curve: straight axis, lines at 5 and 9 nights, which define
/// likely and bad night.
pub fn curve(curve: &Curve<'_>) -> Markup {
    let axis = curve.axis();
    let (title, description) = (format!("{}-t", curve.id), format!("{}-d", curve.id));
    let labelled = format!("{title} {description}");
    html! {
        div.plot.wide {
            svg width="100%" height=(curve.height) role="img" aria-labelledby=(labelled) {
                title id=(title) { (curve.title) }
                desc id=(description) { (curve.description) " The figures are in the table below." }
                (frame(curve, axis))
                svg x="0" y="0" width="100%" height=(curve.height) viewBox="0 0 1000 1000"
                    preserveAspectRatio="none" {
                    path.bd d=(band(curve.points, axis)) {}
                    @if let Some(second) = &curve.second {
                        path.cv2 d=(path(second.points, axis, |point| point.share)) {}
                    }
                    path.cv d=(path(curve.points, axis, |point| point.share)) {}
                }
                (marked(curve, axis))
            }
        }
    }
}

/// Axis lines and their labels.
fn frame(curve: &Curve<'_>, axis: Axis) -> Markup {
    html! {
        line.base x1="0" x2="100%" y1=(curve.height) y2=(curve.height) {}
        text.ax.e x="-8" y=(curve.height + 4.0) { "0" }
        @for nights in [5.0, 9.0, 10.0] {
            @let at = curve.y(nights / 10.0);
            line.grid x1="0" x2="100%" y1=(at) y2=(at) {}
            text.ax.e x="-8" y=(at + 4.0) { (nights) }
        }
        text.ax x="-30" y="-30" { (curve.height_words) }
        @for tick in axis.ticks() {
            text.ax.m x=(percent(tick.at)) y=(curve.height + 18.0) { (tick.label) }
        }
    }
}

/// The promise, likely and bad night, each labelled on the mark.
fn marked(curve: &Curve<'_>, axis: Axis) -> Markup {
    let place = |ms: i64| axis.place(ms as f64);
    html! {
        @if let Some((ms, kept)) = &curve.promised {
            @let at = place(*ms);
            @let (x, class, dx) = (percent(at), beside(at), shift(at, 7));
            line.obj x1=(x) x2=(x) y1="0" y2=(curve.height) {}
            text class={ "lb halo" (class) } x=(x) dx=(dx) y=(curve.height - 28.0) {
                "promised " (words::duration(*ms))
            }
            text class={ "ax halo" (class) } x=(x) dx=(dx) y=(curve.height - 12.0) { (kept) }
        }
        @if let Elapsed::Ms(ms) = curve.likely {
            @let at = place(ms);
            circle.pt-a cx=(percent(at)) cy=(curve.y(0.5)) r="4.5" {}
            text class={ "lbm halo" (beside(at)) } x=(percent(at)) dx=(shift(at, 12)) y=(curve.y(0.5) + 24.0) {
                "likely " (words::back_after(curve.likely))
            }
        }
        @if let Elapsed::Ms(ms) = curve.bad_night {
            @let at = place(ms);
            circle.pt-a cx=(percent(at)) cy=(curve.y(0.9)) r="4.5" {}
            line.lead x1=(percent(at)) x2=(percent(at)) y1=(curve.y(0.9)) y2=(curve.y(0.9) + 60.0) {}
            text class={ "lbm halo" (over(at)) } x=(percent(at)) y=(curve.y(0.9) + 74.0) {
                "bad night " (words::back_after(curve.bad_night))
            }
        }
        @if let Some(second) = &curve.second {
            @if let Elapsed::Ms(ms) = second.bad_night {
                @let at = place(ms);
                circle.pt-b cx=(percent(at)) cy=(curve.y(0.9)) r="4.5" {}
                line.lead x1=(percent(at)) x2=(percent(at)) y1="-6" y2=(curve.y(0.9)) {}
                text class={ "lb2 halo" (over(at)) } x=(percent(at)) y="-11" {
                    (second.words) ": " (words::back_after(second.bad_night))
                }
            }
        }
    }
}

/// A label beside its mark stands to the right, where the curve leaves room,
/// except near the edge of the plot.
fn beside(at: f64) -> &'static str {
    if at > 0.8 { " e" } else { "" }
}

fn shift(at: f64, pixels: i32) -> i32 {
    if at > 0.8 { -pixels } else { pixels }
}

/// A label over or under its mark is centred, except near the edges.
fn over(at: f64) -> &'static str {
    match at {
        ..0.2 => "",
        0.8.. => " e",
        _ => " m",
    }
}

/// The points inside the plot, as a path in thousandths.
fn path(points: &[CurvePoint], axis: Axis, value: impl Fn(&CurvePoint) -> f64) -> String {
    let mut path = "M0 1000".to_owned();
    for (x, y) in inside(points, axis, value) {
        // Writing to a string cannot fail.
        let _ = write!(path, " {x} {y}");
    }
    path
}

/// The band: along its upper edge, and back along the lower one.
fn band(points: &[CurvePoint], axis: Axis) -> String {
    let mut path = path(points, axis, |point| point.high);
    for (x, y) in inside(points, axis, |point| point.low).iter().rev() {
        let _ = write!(path, " {x} {y}");
    }
    path + " 0 1000z"
}

fn inside(
    points: &[CurvePoint],
    axis: Axis,
    value: impl Fn(&CurvePoint) -> f64,
) -> Vec<(i64, i64)> {
    let Axis::Linear(end) = axis else { return Vec::new() };
    let thousandths = |share: f64| (share * 1000.0).round() as i64;
    let mut out: Vec<(i64, i64)> = points
        .iter()
        .take_while(|point| point.at_ms as f64 <= end)
        .map(|point| (thousandths(axis.place(point.at_ms as f64)), thousandths(1.0 - value(point))))
        .collect();
    // The line goes on to the plot's edge: towards the next point, or level.
    if let Some(last) = out.len().checked_sub(1).map(|at| &points[at])
        && out.last().is_some_and(|(x, _)| *x < 1000)
    {
        let edge = points.get(out.len()).map_or(value(last), |next| {
            let part = (end - last.at_ms as f64) / (next.at_ms - last.at_ms) as f64;
            value(last) + part * (value(next) - value(last))
        });
        out.push((1000, thousandths(1.0 - edge)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(hours: i64, share: f64) -> CurvePoint {
        let (low, high) = ((share - 0.1).max(0.0), (share + 0.1).min(1.0));
        CurvePoint { at_ms: hours * 3_600_000, share, low, high }
    }

    #[test]
    fn the_curve_ends_where_it_passes_96_in_100() {
        let points = [point(24, 0.2), point(48, 0.5), point(216, 0.9), point(300, 0.97)];
        let of = |points: &[CurvePoint], bad_night| {
            let curve = Curve {
                id: "e",
                title: String::new(),
                description: String::new(),
                height: TALL,
                height_words: String::new(),
                points,
                likely: Elapsed::Ms(48 * 3_600_000),
                bad_night,
                promised: None,
                second: None,
            };
            curve.axis()
        };
        let bad = Elapsed::Ms(216 * 3_600_000);
        assert_eq!(of(&points, bad), Axis::reaching(300.0 * 3.6e6));
        assert_eq!(of(&points[..2], Elapsed::Never), Axis::reaching(48.0 * 3.6e6));
        assert_eq!(of(&[], Elapsed::Never), Axis::reaching(48.0 * 3.6e6));
    }

    #[test]
    fn shares_are_read_off_as_steps() {
        let points = [point(1, 0.2), point(3, 0.5)];
        assert_eq!(Curve::share_by(&points, 0), 0.0);
        assert_eq!(Curve::share_by(&points, 3_600_000), 0.2);
        assert_eq!(Curve::share_by(&points, 2 * 3_600_000), 0.2);
        assert_eq!(Curve::share_by(&points, 9 * 3_600_000), 0.5);
    }

    #[test]
    fn paths_stay_inside_the_plot() {
        let points = [point(1, 0.2), point(3, 0.5), point(30, 1.0)];
        let path = path(&points, Axis::Linear(4.0 * 3.6e6), |point| point.share);
        assert_eq!(path, "M0 1000 250 800 750 500 1000 481");
    }
}
