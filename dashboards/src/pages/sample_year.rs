//! The invented town's year, and what would move its promises, for tests of pages: the figures of the pages' design.
use std::collections::BTreeMap;

use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{
    About, AnnualCost, AnnualEvent, AnnualFunction, AnnualQuantile, AnnualSummary, Band, DrillKind,
    DrillOutcome, DrillPlan, DrillValue, Elapsed, Exceedance, LeftOut, MoneyBand,
};

use evenkeel_config::quantity::Span;

use super::sample::id;
use crate::picture::Year;

fn band(low: f64, middle: f64, high: f64) -> Band {
    Band { low, middle, high }
}

fn money(low: i64, middle: i64, high: i64) -> MoneyBand {
    let minor = 100;
    MoneyBand { low: low * minor, middle: middle * minor, high: high * minor }
}

/// Sums in dollars with how many years apart they are exceeded: rarely, about, often.
const CURVE: [(i64, f64, f64, f64); 9] = [
    (5_000, 12.0, 5.6, 3.0),
    (10_000, 13.0, 6.0, 3.1),
    (20_000, 16.0, 7.0, 3.5),
    (50_000, 24.0, 10.0, 5.0),
    (100_000, 40.0, 16.0, 8.0),
    (200_000, 80.0, 31.0, 15.0),
    (500_000, 220.0, 90.0, 42.0),
    (1_000_000, 700.0, 210.0, 100.0),
    (2_000_000, 9e9, 9e9, 500.0),
];

/// The year, `times` as rare and as dear.
fn summary(times: f64) -> AnnualSummary {
    let exceedance = CURVE.map(|(above, rarely, about, often)| Exceedance {
        above: above * 100,
        chance: band(times / rarely, times / about, times / often),
    });
    let dollars = |sum: i64| (sum as f64 * times) as i64;
    let quantile = |p, low, middle, high| AnnualQuantile {
        p,
        value: money(dollars(low), dollars(middle), dollars(high)),
    };
    AnnualSummary {
        schema_version: 1,
        engine_version: "0.1.0".to_owned(),
        key_hash: "xxh3".to_owned(),
        generator: "philox".to_owned(),
        inputs_digest: String::new(),
        organisation: "Town of Quillhaven".to_owned(),
        currency: "USD".to_owned(),
        as_of: "2026-11-17T13:00:00Z".parse().expect("an instant"),
        seed: 20_261_117,
        trials: 10_000,
        years: 100_000,
        with: Vec::new(),
        fixes: Vec::new(),
        events: vec![AnnualEvent {
            id: "ransomware".to_owned(),
            title: "ransomware".to_owned(),
            per_year: band(0.05, 0.1, 0.2),
            happens: band(0.05, 0.1, 0.18),
            provenance: Provenance::Default,
            source: "a survey of 2025".to_owned(),
            mean_cost: Some(9_000_000),
        }],
        left_out: vec![LeftOut {
            id: "flood".to_owned(),
            title: "flood".to_owned(),
            why: "nobody says how often: add `frequency = { per_year = [0.01, 0.1] }` to it"
                .to_owned(),
        }],
        functions: vec![AnnualFunction {
            id: id("payroll"),
            title: "Payroll".to_owned(),
            life_safety: false,
            objectives: Default::default(),
            touched: band(0.1, 0.2, 0.4),
            lost_hours: band(1.0, 2.0, 4.0),
            hours_below_minimum: band(1.0, 2.0, 4.0),
            rto_missed: Some(band(0.04, 0.08, 0.16)),
            never_back: band(0.0, 0.0, 0.01),
            cannot: None,
        }],
        quiet: band(0.8, 0.9, 0.95),
        cost: Some(AnnualCost {
            mean: money(dollars(4_000), dollars(9_000), dollars(18_000)),
            deviation: money(20_000, 40_000, 80_000),
            nothing: band(0.6, 0.8, 0.9),
            quantiles: vec![
                quantile(0.9, 0, 50_000, 130_000),
                quantile(0.95, 70_000, 130_000, 260_000),
                quantile(0.99, 260_000, 520_000, 900_000),
            ],
            exceedance: exceedance.to_vec(),
        }),
        steady: Vec::new(),
        notes: Vec::new(),
    }
}

/// Today, and with two fixes that halve it.
pub(crate) fn year() -> Year {
    let mut fixed = summary(0.5);
    fixed.fixes = vec![id("console"), id("vault")];
    Year::Known { today: Box::new(summary(1.0)), fixed: Some(Box::new(fixed)) }
}

/// What would move payroll under ransomware: one restore never tried, one absence.
pub(crate) fn moves() -> BTreeMap<String, DrillPlan> {
    const DAY: i64 = 86_400_000;
    let drill = |kind, what: &str, today: &str, provenance, before, outcomes: [Elapsed; 2]| {
        let outcomes = outcomes.map(|promise| DrillOutcome {
            result: "if it is so".to_owned(),
            chance: 0.5,
            promise,
            rto: None,
        });
        DrillValue {
            kind,
            component: None,
            what: what.to_owned(),
            today: today.to_owned(),
            provenance,
            exact: false,
            function: id("payroll"),
            title: "Payroll".to_owned(),
            promise: Elapsed::Ms(before),
            rto: None,
            outcomes: outcomes.to_vec(),
            expected_change_ms: DAY,
            expected_rto_change: None,
            decides: false,
            band_gone: 0.3,
            others: Vec::new(),
        }
    };
    let plan = DrillPlan {
        schema_version: 1,
        about: About {
            engine_version: "0.1.0".to_owned(),
            key_hash: "xxh3".to_owned(),
            generator: "philox".to_owned(),
            inputs_digest: String::new(),
            organisation: "Town of Quillhaven".to_owned(),
            timezone: "America/New_York".to_owned(),
            currency: "USD".to_owned(),
            scenarios: Vec::new(),
            as_of: "2026-11-17T13:00:00Z".parse().expect("an instant"),
            seed: 20_261_117,
            trials: 1_000,
            horizon: Span::from_hours(365 * 24),
        },
        promise_at: 0.9,
        drills: vec![
            drill(
                DrillKind::Absence,
                "find out when Dana Reyes is away, from the leave calendar",
                "away in 14 of 100 nights",
                Provenance::Declared,
                8 * DAY,
                [Elapsed::Ms(6 * DAY), Elapsed::Ms(10 * DAY)],
            ),
            drill(
                DrillKind::Restore,
                "restore payroll from the cloud once",
                "the chance that it works is taken as 80 of 100",
                Provenance::Default,
                9 * DAY,
                [Elapsed::Ms(5 * DAY), Elapsed::Never],
            ),
        ],
        considered: 52,
        notes: Vec::new(),
    };
    BTreeMap::from([("ransomware".to_owned(), plan)])
}
