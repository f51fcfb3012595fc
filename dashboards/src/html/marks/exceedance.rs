//! How often a year costs more than a sum: both axes stretched, rarer years further down.
use std::fmt::Write as _;

use maud::{Markup, html};

use super::percent;
use crate::html::words;

/// The rarest year on the axis.
const RAREST: f64 = 200.0;
/// Labelled places of the axis of years.
const YEARS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, RAREST];
/// Powers of ten that the axis of sums spans at most: smaller sums decide nothing.
const MOST_DECADES: f64 = 3.0;
/// How finely curves are followed.
const STEPS: u32 = 60;

/// A curve: sums in minor units, rising, each with the chance of a dearer year.
pub type Points = Vec<(i64, f64)>;

/// Curves with the years that are marked on them.
#[derive(Debug, Clone)]
pub struct LossExceedance<'a> {
    /// Id that the title hangs on; unique on its page.
    pub id: &'a str,
    /// What is shown, for those who do not see it.
    pub title: String,
    /// The figures in a sentence.
    pub description: String,
    /// Height of the plot in pixels.
    pub height: f64,
    /// Code of the money.
    pub currency: &'a str,
    /// Today's curve.
    pub today: Points,
    /// The ends of where it could lie: the rarer, the more often.
    pub ends: [Points; 2],
    /// The marked year of today: how many years apart, and its sum.
    pub marked: Option<(f64, i64)>,
    /// The curve with fixes.
    pub fixed: Option<Points>,
    /// Its marked year.
    pub fixed_marked: Option<(f64, i64)>,
}

/// Where sums and years stand, in logarithms of base 10.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    sums: (f64, f64),
    years: (f64, f64),
}

impl Frame {
    /// From the last sum that nearly every costly year exceeds to the first that
    /// hardly any does, in marks of 1 and 3, over a factor of 10 at least.
    fn of(curves: &LossExceedance<'_>) -> Option<Self> {
        let (_, most) = *curves.today.first()?;
        let often = if most > 0.5 { 1.0_f64 } else { 2.0 };
        let flat = curves.today.iter().take_while(|(_, chance)| *chance > 0.93 * most).last();
        let start = flat.or(curves.today.first())?.0;
        let dearest = curves.ends[1].iter().find(|(_, chance)| *chance < 1.0 / RAREST);
        let end = dearest.or(curves.ends[1].last()).or(curves.today.last())?.0;
        let high = mark_above(end as f64);
        let low = mark_below(start as f64).max(high - MOST_DECADES).min(high - 1.0);
        Some(Self { sums: (low, high), years: (often.log10(), RAREST.log10()) })
    }

    fn x(self, sum: f64) -> f64 {
        (sum - self.sums.0) / (self.sums.1 - self.sums.0)
    }

    fn y(self, years: f64) -> f64 {
        ((years - self.years.0) / (self.years.1 - self.years.0)).clamp(0.0, 1.0)
    }

    /// Labelled sums: powers of ten, with their threefold where there is room.
    fn ticks(self) -> Vec<f64> {
        let (low, high) = self.sums;
        let threes = high - low < 2.6;
        let all = (low.floor() as i32..=high.ceil() as i32)
            .flat_map(|power| [f64::from(power), f64::from(power) + 3_f64.log10()]);
        let is_shown = |(at, tick): &(usize, f64)| {
            (threes || at % 2 == 0) && *tick > low - 1e-9 && *tick < high + 1e-9
        };
        all.enumerate().filter(is_shown).map(|(_, tick)| tick).collect()
    }
}

fn mark_below(sum: f64) -> f64 {
    let (whole, three) = (sum.log10().floor(), 3_f64.log10());
    if sum.log10() - whole >= three { whole + three } else { whole }
}

fn mark_above(sum: f64) -> f64 {
    let (whole, three) = (sum.log10().floor(), 3_f64.log10());
    match sum.log10() - whole {
        rest if rest < 1e-9 => whole,
        rest if rest <= three => whole + three,
        _ => whole + 1.0,
    }
}

/// The logarithm of how many years apart a sum is exceeded, between the points of a
/// curve along straight lines; endless beyond its last.
fn years_at(points: &Points, sum: f64) -> f64 {
    let logs = |(sum, chance): (i64, f64)| ((sum.max(1) as f64).log10(), -chance.log10());
    let after = points.partition_point(|(point, _)| (*point as f64).log10() <= sum);
    let Some(before) = after.checked_sub(1).map(|at| logs(points[at])) else {
        return points.first().map_or(f64::INFINITY, |first| logs(*first).1);
    };
    match points.get(after).map(|next| logs(*next)) {
        Some(next) if next.1.is_finite() && before.1.is_finite() => {
            before.1 + (next.1 - before.1) * (sum - before.0) / (next.0 - before.0)
        }
        _ if (sum - before.0).abs() < 1e-9 => before.1,
        _ => f64::INFINITY,
    }
}

/// Draws the curves. Nothing without a year that costs anything.
pub fn loss_exceedance(curves: &LossExceedance<'_>) -> Option<Markup> {
    let frame = Frame::of(curves)?;
    let (title, description) = (format!("{}-t", curves.id), format!("{}-d", curves.id));
    let labelled = format!("{title} {description}");
    let height = curves.height;
    Some(html! {
        div.plot.wide {
            svg width="100%" height=(height) role="img" aria-labelledby=(labelled) {
                title id=(title) { (curves.title) }
                desc id=(description) { (curves.description) " The figures are in the table below." }
                (axes(curves, frame))
                svg x="0" y="0" width="100%" height=(height) viewBox="0 0 1000 1000"
                    preserveAspectRatio="none" {
                    path.bd d=(band(curves, frame)) {}
                    @if let Some(fixed) = &curves.fixed { path.cv2 d=(path(fixed, frame)) {} }
                    path.cv d=(path(&curves.today, frame)) {}
                }
                @if let (Some(_), Some((years, sum))) = (&curves.fixed, curves.fixed_marked) {
                    @let (x, y) = (frame.x((sum as f64).log10()), frame.y(years.log10()) * height);
                    circle.pt-b cx=(percent(x)) cy=(y.round()) r="4.5" {}
                    text.lb2.halo.e[x > 0.3] x=(percent(x)) dx=(if x > 0.3 { -8 } else { 8 })
                        y=(y.round() + 16.0) { "with fixes" (words::JOIN) (words::money_short(sum, curves.currency)) }
                }
                @if let Some((years, sum)) = curves.marked {
                    @let (x, y) = (frame.x((sum as f64).log10()), frame.y(years.log10()) * height);
                    circle.pt-a cx=(percent(x)) cy=(y.round()) r="4.5" {}
                    text.lbm.halo.e[x > 0.75] x=(percent(x)) dx=(if x > 0.75 { 16 } else { 8 })
                        y=(y.round() - 8.0) {
                        (words::money_short(sum, curves.currency)) ": " (years) (words::JOIN) "y"
                    }
                }
            }
        }
    })
}

fn axes(curves: &LossExceedance<'_>, frame: Frame) -> Markup {
    let height = curves.height;
    let shown = YEARS.iter().filter(|years| years.log10() > frame.years.0 - 1e-9);
    html! {
        text.ax x="-30" y="-30" { "such a year comes once in" }
        @for years in shown {
            @let at = (frame.y(years.log10()) * height).round();
            line.grid x1="0" x2="100%" y1=(at) y2=(at) {}
            text.ax.e x="-7" y=(at + 4.0) { (years) (words::JOIN) "y" }
        }
        line.base x1="0" x2="100%" y1=(height) y2=(height) {}
        @for tick in frame.ticks() {
            @let at = frame.x(tick);
            text.ax.m[at > 0.05 && at < 0.95].e[at >= 0.95] x=(percent(at)) y=(height + 17.0) {
                (words::money_short(10_f64.powf(tick).round() as i64, curves.currency))
            }
        }
    }
}

/// Sums at which curves are followed, with every point of the curve itself.
fn stations(points: &Points, frame: Frame) -> Vec<f64> {
    let (low, high) = frame.sums;
    let even = (0..=STEPS).map(|step| low + (high - low) * f64::from(step) / f64::from(STEPS));
    let own = points.iter().map(|(sum, _)| (*sum as f64).log10());
    let mut all: Vec<f64> = even.chain(own.filter(|sum| (low..=high).contains(sum))).collect();
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    all
}

/// The curve as sums and years, both in logarithms, down to the rarest year of the axis.
fn followed(points: &Points, frame: Frame) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for sum in stations(points, frame) {
        let years = years_at(points, sum);
        if years > frame.years.1 {
            // It leaves the plot on the way here.
            if let Some((before, from)) = out.last().copied() {
                let part = (frame.years.1 - from) / (years - from);
                let part = if part.is_finite() { part } else { 0.0 };
                out.push((before + (sum - before) * part, frame.years.1));
            }
            break;
        }
        out.push((sum, years));
    }
    out
}

fn path(points: &Points, frame: Frame) -> String {
    let mut path = String::new();
    for (at, (sum, years)) in followed(points, frame).into_iter().enumerate() {
        let letter = if at == 0 { "M" } else { " " };
        let (x, y) = (thousandths(frame.x(sum)), thousandths(frame.y(years)));
        // Writing to a string cannot fail.
        let _ = write!(path, "{letter}{x} {y}");
    }
    path
}

/// Where the curve could lie: along the end of more often, back along the other.
fn band(curves: &LossExceedance<'_>, frame: Frame) -> String {
    let [rarely, often] = &curves.ends;
    let mut path = path(often, frame);
    for (sum, years) in followed(rarely, frame).into_iter().rev() {
        let _ = write!(path, " {} {}", thousandths(frame.x(sum)), thousandths(frame.y(years)));
    }
    path + "z"
}

fn thousandths(share: f64) -> i64 {
    (share * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(points: &[(i64, f64)]) -> LossExceedance<'static> {
        LossExceedance {
            id: "l",
            title: String::new(),
            description: String::new(),
            height: 170.0,
            currency: "USD",
            today: points.to_vec(),
            ends: [points.to_vec(), points.to_vec()],
            marked: None,
            fixed: None,
            fixed_marked: None,
        }
    }

    #[test]
    fn the_frame_holds_what_falls() {
        let curves =
            curves(&[(100_000, 0.2), (1_000_000, 0.19), (10_000_000, 0.02), (50_000_000, 0.0)]);
        let frame = Frame::of(&curves).expect("a frame");
        assert_eq!(frame.years.0, 2_f64.log10(), "no year is likelier than not");
        assert_eq!(frame.sums.0, 6.0, "the flat start is left out");
        assert!((frame.sums.1 - 8.0).abs() < 1e-9, "to $1M: {frame:?}");
        let labels: Vec<String> = frame
            .ticks()
            .iter()
            .map(|tick| words::money_short(10_f64.powf(*tick).round() as i64, "USD"))
            .collect();
        assert_eq!(labels, ["$10k", "$30k", "$100k", "$300k", "$1M"]);
    }

    #[test]
    fn a_curve_ends_at_the_rarest_year() {
        let points = vec![(1_000_000, 0.1), (10_000_000, 0.001)];
        let frame = Frame { sums: (6.0, 7.0), years: (1.0, RAREST.log10()) };
        assert!((years_at(&points, 6.5) - 2.0).abs() < 1e-9, "straight in logarithms");
        let path = path(&points, frame);
        assert!(path.starts_with("M0 0 ") && path.ends_with(" 651 1000"), "{path}");
        assert!(years_at(&points, 7.5).is_infinite());
    }

    #[test]
    fn nothing_to_lose_draws_nothing() {
        assert!(loss_exceedance(&curves(&[])).is_none());
    }
}
