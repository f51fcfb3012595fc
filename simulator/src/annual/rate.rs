//! How often: from what is written, believed, seen and worn, to a range of events a year.
use evenkeel_config::frequency::{Belief, Frequency, SeenEvents, Wear};
use evenkeel_config::map::{Component, DependencyMap};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::Band;
use evenkeel_config::scenario::{Pick, Scenario};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libm::{expm1, pow, sqrt};

use crate::calendar::local_instant;
use crate::model::Model;
use crate::special::gamma_quantile;

/// Hours of a year.
const YEAR: f64 = 8766.0;
/// A single figure (by age, or a mean time between failures) is taken as right
/// to this factor either way: our assumption, 2026.
const WITHIN: f64 = 2.0;

/// Events a year, how they are known and from what.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Low, middle and high.
    pub per_year: Band,
    /// How it is known.
    pub provenance: Provenance,
    /// From what, in words.
    pub source: String,
}

/// The gamma law of a rate: what was believed and what was seen (shape in
/// events, weight in years). Its mean is the rate to expect.
pub fn gamma_poisson(prior: Belief, seen: Option<SeenEvents>) -> (f64, f64) {
    let years = |span: Span| span.as_hours() / YEAR;
    let (events, during) = seen.map_or((0.0, 0.0), |s| (f64::from(s.events), years(s.during)));
    (prior.per_year * years(prior.weight) + events, years(prior.weight) + during)
}

/// The chance that something of this age fails within the next year: Weibull,
/// given that it has lived so long.
pub fn fails_within_a_year(wear: Wear, age_years: f64) -> f64 {
    -expm1(-hazard(wear, age_years))
}

/// Failures to expect in the next year at this age.
fn hazard(wear: Wear, age_years: f64) -> f64 {
    let scale = wear.scale.as_hours() / YEAR;
    let age = age_years.max(0.0);
    pow((age + 1.0) / scale, wear.shape) - pow(age / scale, wear.shape)
}

/// The range of a stated frequency, for something of a known age. `None` where
/// nothing is stated, or wear without an age.
pub fn band(frequency: &Frequency, age_years: Option<f64>) -> Option<Band> {
    let band = if let Some([low, high]) = frequency.per_year {
        // Between 1 and 100 lies 10; a range from zero has no such middle.
        let middle = if low > 0.0 { sqrt(low * high) } else { 0.5 * high };
        Band { low, middle, high }
    } else if let Some(prior) = frequency.prior {
        let (shape, weight) = gamma_poisson(prior, frequency.seen);
        let at = |u: f64| gamma_quantile(shape, u, shape) / weight;
        Band { low: at(0.05), middle: shape / weight, high: at(0.95) }
    } else {
        let middle = hazard(frequency.wear?, age_years?);
        Band { low: middle / WITHIN, middle, high: middle * WITHIN }
    };
    let count = f64::from(frequency.count.unwrap_or(1));
    Some(scaled(band, count))
}

fn scaled(band: Band, by: f64) -> Band {
    Band { low: band.low * by, middle: band.middle * by, high: band.high * by }
}

/// How often a scenario happens on a map, if anybody knows.
pub(crate) fn of_scenario(
    scenario: &Scenario,
    map: &DependencyMap,
    model: Option<&Model>,
    as_of: Timestamp,
) -> Option<Rate> {
    let frequency = scenario.frequency.as_ref()?;
    let own = model.filter(|_| frequency.components);
    if let Some(rate) = own.and_then(|model| of_components(scenario, map, model, as_of)) {
        return Some(rate);
    }
    let provenance = match frequency {
        Frequency { seen: Some(_), .. } => Provenance::Measured,
        Frequency { source: None, .. } => Provenance::Declared,
        Frequency { .. } => Provenance::Default,
    };
    let source = frequency.source.clone().unwrap_or_else(|| "the scenario".to_owned());
    Some(Rate { per_year: band(frequency, None)?, provenance, source })
}

/// How often the components that the first blow can strike fail by themselves:
/// all of them together where it strikes one of them, else the likeliest, for
/// they fall together.
fn of_components(
    scenario: &Scenario,
    map: &DependencyMap,
    model: &Model,
    as_of: Timestamp,
) -> Option<Rate> {
    let strike = model.strikes.first()?;
    let default = scenario.frequency.as_ref();
    let zone = TimeZone::get(&map.organisation.timezone).unwrap_or(TimeZone::UTC);
    let known: Vec<(Band, &Component)> = strike
        .targets
        .iter()
        .filter_map(|target| map.components.get(&model.names.ids[target.node as usize]))
        .filter_map(|component| Some((of_component(component, default, &zone, as_of)?, component)))
        .collect();
    let mut total = Band::default();
    for (band, _) in &known {
        let add = |a: f64, b: f64| if strike.pick == Pick::One { a + b } else { a.max(b) };
        total = Band {
            low: add(total.low, band.low),
            middle: add(total.middle, band.middle),
            high: add(total.high, band.high),
        };
    }
    let titles: Vec<String> = known.iter().map(|(_, component)| component.title()).collect();
    let stated = known.iter().find_map(|(_, component)| {
        let common = &component.common;
        match (&common.fails, common.mtbf) {
            (Some(fails), _) => fails.source.clone(),
            (None, Some(_)) => None,
            (None, None) => default.and_then(|frequency| frequency.source.clone()),
        }
    });
    let by_age = known.iter().all(|(_, c)| c.common.fails.is_none() && c.common.mtbf.is_none());
    let provenance = if by_age { Provenance::Default } else { Provenance::Declared };
    let whose = match titles.len() {
        0 => return None,
        1..=3 => titles.join(" and "),
        more => format!("{} of {}", more, scenario.strike.first().map_or("", |s| s.name.as_str())),
    };
    let source = match stated {
        Some(stated) => format!("the map, of {whose}: {stated}"),
        None => format!("the map, of {whose}"),
    };
    Some(Rate { per_year: total, provenance, source })
}

/// How often one component fails by itself: its `fails`, else its `mtbf`, else
/// by its age as the scenario has it.
fn of_component(
    component: &Component,
    scenario: Option<&Frequency>,
    zone: &TimeZone,
    as_of: Timestamp,
) -> Option<Band> {
    let common = &component.common;
    let bought = common.bought.map(|day| local_instant(zone, day, 0));
    let age = bought.map(|at| (as_of.as_millisecond() - at) as f64 / 3.6e6 / YEAR);
    if let Some(fails) = &common.fails {
        return band(fails, age);
    }
    if common.mtbf.is_none() {
        let wear = scenario.filter(|frequency| frequency.wear.is_some())?;
        return band(wear, Some(age?));
    }
    let hours = common.mtbf?.as_hours();
    let middle = YEAR / hours;
    (hours > 0.0).then_some(Band { low: middle / WITHIN, middle, high: middle * WITHIN })
}

/// So many events to expect, as the chance of at least one.
pub(crate) fn at_least_one(expected: f64) -> f64 {
    -expm1(-expected)
}

/// Events of a Poisson law of mean `expected`, from one uniform number for each
/// 500 of them: rising with the mean, so that low, middle and high share their luck.
pub(crate) fn poisson(expected: f64, mut uniform: impl FnMut(u32) -> f64) -> u32 {
    const CHUNK: f64 = 500.0;
    // Far beyond what a chunk can come to; ends the search where sums round to below 1.
    const MOST_IN_CHUNK: u32 = 2000;
    let (mut rest, mut events, mut chunk) = (expected, 0, 0);
    while rest > 0.0 {
        let mean = rest.min(CHUNK);
        let u = uniform(chunk);
        let mut term = libm::exp(-mean);
        let mut share = term;
        let mut count = 0_u32;
        while share < u && count < MOST_IN_CHUNK {
            count += 1;
            term *= mean / f64::from(count);
            share += term;
        }
        events += count;
        rest -= mean;
        chunk += 1;
    }
    events
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Discrete, Poisson};

    use super::*;

    fn wear(shape: f64, scale: &str) -> Wear {
        Wear { shape, scale: scale.parse().expect("a span") }
    }

    #[test]
    fn the_older_the_likelier() {
        for (age, exact) in [(5.0, 0.157_915_6), (7.0, 0.208_934_9)] {
            let chance = fails_within_a_year(wear(2.0, "8y"), age);
            assert!((chance / exact - 1.0).abs() < 1e-6, "{age} {chance}");
        }
        // Without wear the age does not matter: 1 - exp(-1 / scale).
        let young = fails_within_a_year(wear(1.0, "5y"), 0.0);
        assert!((young - (1.0 - libm::exp(-0.2))).abs() < 1e-12);
        assert!((fails_within_a_year(wear(1.0, "5y"), 9.0) - young).abs() < 1e-12);
    }

    #[test]
    fn poisson_counts_have_the_right_shares() {
        const DRAWS: u32 = 20_000;
        for mean in [0.05, 1.0, 7.5, 40.0] {
            let law = Poisson::new(mean).expect("a law");
            let mut counts = vec![0_u32; 200];
            for draw in 0..DRAWS {
                let u = (f64::from(draw) + 0.5) / f64::from(DRAWS);
                counts[poisson(mean, |_| u) as usize] += 1;
            }
            for (count, seen) in counts.iter().enumerate() {
                let share = f64::from(*seen) / f64::from(DRAWS);
                assert!((share - law.pmf(count as u64)).abs() < 2e-4, "{mean} {count} {share}");
            }
        }
        assert_eq!(poisson(0.0, |_| 0.999), 0);
        let many = poisson(1250.0, |_| 0.5);
        assert!((1245..=1255).contains(&many), "{many}");
    }
}
