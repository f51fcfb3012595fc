//! The result of one scenario for the town.
use evenkeel_config::map::Objectives;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    Cause, Chance, CurvePoint, DatasetSummary, Elapsed, FixEffect, FixSummary, FunctionSummary,
    HoursShare, InputFigure, MoneyQuantile, Quantile, ScenarioName, Summary, WorkaroundSummary,
};

const H: f64 = 3_600_000.0;

/// What stands in one row: id, title, life safety, promised, likely and bad
/// night in hours, share of nights in which the promise is kept.
type Row = (&'static str, &'static str, bool, f64, f64, f64, f64);

const ROWS: [Row; 8] = [
    ("emergency-calls", "Emergency calls", true, 0.083, 0.033, 0.05, 0.99),
    ("emergency-dispatch", "Emergency dispatch", true, 0.5, 72.0, 336.0, 0.1),
    ("payroll", "Payroll", false, 24.0, 48.0, 216.0, 0.2),
    ("permits", "Permits", false, 48.0, 84.0, 264.0, 0.3),
    ("tax-and-deeds", "Tax and deeds", false, 48.0, 72.0, f64::INFINITY, 0.4),
    ("billing", "Utility billing", false, 72.0, 40.0, 90.0, 0.6),
    ("docket", "Court docket", false, 72.0, 40.0, 60.0, 0.92),
    ("notices", "Council notices", false, 24.0, 0.0, 10.0, 0.95),
];

/// The result, with so many days added to each bad night.
pub(super) fn summary(later: i64) -> Summary {
    let functions = ROWS.iter().map(|row| function(*row, later as f64 * 24.0)).collect();
    Summary {
        schema_version: 1,
        engine_version: "0.1.0".to_owned(),
        key_hash: "xxh3".to_owned(),
        generator: "philox".to_owned(),
        inputs_digest: "0".to_owned(),
        organisation: "Town of Quillhaven".to_owned(),
        timezone: "America/New_York".to_owned(),
        currency: "USD".to_owned(),
        scenario: ScenarioName {
            id: "ransomware".to_owned(),
            title: "ransomware".to_owned(),
            question: "If ransomware hits tonight".to_owned(),
            with: Vec::new(),
        },
        as_of: super::as_of() - jiff::SignedDuration::from_hours(24 * 90 * later.min(1)),
        seed: 20_261_117,
        trials: 10_000,
        precision: None,
        horizon: Span::from_hours(8760),
        functions,
        datasets: vec![DatasetSummary {
            id: "erp-data".parse().expect("an id"),
            title: "ERP data".to_owned(),
            rpo: Some(Span::from_hours(24)),
            loss: quantiles(26.0, 144.0),
            all_lost: chance(0.02),
        }],
        cost: money(9_000_000, 26_000_000),
        fixes: vec![
            fix("console", "Take the backup console off the town's login", 60_000, 65_000, 96.0),
            fix(
                "vault-paper",
                "Keep the password vault on paper and USB in the clerk's safe",
                15_000,
                10_000,
                43.0,
            ),
            fix("server", "Replace the 8-year-old server hv-1", 2_400_000, 120_000, 29.0),
            fix("second", "Train a second person to rebuild the directory", 350_000, 80_000, 24.0),
            fix("cloud", "Copy to the cloud daily, keep 90 d", 0, 190_000, 7.0),
            fix("county", "Sign the county agreement for dispatch from hour 24", 0, 400_000, 0.0),
        ],
        inputs: inputs(),
        notes: Vec::new(),
    }
}

fn function(row: Row, later: f64) -> FunctionSummary {
    let (id, title, life_safety, promised, likely, bad, kept) = row;
    let usable = quantiles(likely, bad + later);
    FunctionSummary {
        id: id.parse().expect("an id"),
        title: title.to_owned(),
        summary: None,
        life_safety,
        objectives: Objectives { rto: Some(span(promised)), rpo: Some(span(24.0)), mtd: None },
        workaround: life_safety.then(|| WorkaroundSummary {
            name: "cards and radio".to_owned(),
            capacity: 0.5,
            after: Span::from_secs(300),
            lasts: Span::from_hours(24),
            counts_as_usable: false,
        }),
        touched: chance(if likely > 0.0 { 1.0 } else { 0.4 }),
        system_back: usable.clone(),
        recovered: usable.clone(),
        usable,
        rto: Some(chance(kept)),
        rpo: Some(chance(0.4)),
        mtd: None,
        data_loss: quantiles(26.0, 144.0),
        mean_hours_below_minimum: likely,
        mean_lost_hours: likely,
        cost: if life_safety { Vec::new() } else { money(1_000_000, 5_000_000) },
        curve: curve(likely, bad + later),
        hours: hours(),
        likely_night: None,
        bad_night: None,
        never: Vec::new(),
        spread_from_defaults: None,
        stale: Vec::new(),
        cannot: None,
    }
}

fn hours() -> Vec<HoursShare> {
    let share = |cause, who: &str, step: &str, share| HoursShare {
        cause,
        component: None,
        who: who.to_owned(),
        step: step.to_owned(),
        total_ms: "1".to_owned(),
        share,
    };
    vec![
        share(Cause::PersonAway, "IT lead", "", 0.41),
        share(Cause::Declaration, "", "decide", 0.2),
        share(Cause::LinkContention, "fibre", "", 0.14),
        share(Cause::Transfer, "weekly copy", "", 0.11),
        share(Cause::Effort, "hv-1", "reinstall", 0.09),
        share(Cause::Vendor, "cad vendor", "", 0.05),
    ]
}

fn fix(id: &str, title: &str, once: i64, yearly: i64, won: f64) -> FixSummary {
    let effect = |function: &str, won: f64| FixEffect {
        function: function.parse().expect("an id"),
        likely: [elapsed(48.0), elapsed(48.0 - won / 6.0)],
        bad_night: [elapsed(216.0), elapsed(216.0 - won)],
        won_ms: Some([(won * H) as i64, (won * 0.85 * H) as i64, (won * 1.15 * H) as i64]),
        rto: Some([0.2, 0.4]),
        data_loss: [elapsed(144.0), elapsed(144.0)],
        curve: curve(48.0 - won / 6.0, 216.0 - won),
    };
    let dispatch = FixEffect {
        bad_night: [elapsed(336.0), elapsed(24.0)],
        rto: Some([0.1, 0.9]),
        ..effect("emergency-dispatch", 312.0)
    };
    let effects = if won > 0.0 { vec![effect("payroll", won)] } else { vec![dispatch] };
    FixSummary {
        id: id.parse().expect("an id"),
        title: title.to_owned(),
        once,
        yearly,
        staff_days: 1.0,
        effects,
        saved: [2_000_000, 1_500_000, 2_500_000],
        break_even_years: (won > 0.0).then_some(40.0),
        cannot: None,
    }
}

fn inputs() -> Vec<InputFigure> {
    let groups = [
        ("Age and schedule of copies", 12, 0, 0),
        ("Speed of restore", 6, 0, 2),
        ("Success of restore", 5, 0, 1),
        ("People’s hours and skills", 0, 5, 0),
        ("Suppliers and insurer", 0, 4, 1),
    ];
    let mut all = Vec::new();
    for (group, measured, told, assumed) in groups {
        let kinds = [
            (Provenance::Measured, measured),
            (Provenance::Declared, told),
            (Provenance::Default, assumed),
        ];
        for (provenance, count) in kinds {
            all.extend((0..count).map(|at| InputFigure {
                key: format!("{group}.{at}"),
                component: None,
                group: group.to_owned(),
                value: "1 h".to_owned(),
                provenance,
                source: "the map".to_owned(),
            }));
        }
    }
    all
}

fn quantiles(likely: f64, bad: f64) -> Vec<Quantile> {
    let at = |p, hours: f64| Quantile {
        p,
        value: elapsed(hours),
        low: elapsed(hours * 0.9),
        high: elapsed(hours * 1.1),
    };
    vec![at(0.5, likely), at(0.8, (likely + bad) / 2.0), at(0.9, bad), at(0.95, bad * 1.2)]
}

fn curve(likely: f64, bad: f64) -> Vec<CurvePoint> {
    let bad = if bad.is_finite() { bad } else { 400.0 };
    (1..=60_u32)
        .map(|at| {
            let hours = f64::from(at) / 60.0 * bad * 1.6;
            let share = 1.0 - 0.5_f64.powf((hours / likely.max(0.01)).powf(0.9));
            let points = |by: f64| (share + by).clamp(0.0, 1.0);
            CurvePoint {
                at_ms: (hours * H) as i64,
                share: points(0.0),
                low: points(-0.05),
                high: points(0.05),
            }
        })
        .collect()
}

fn money(likely: i64, bad: i64) -> Vec<MoneyQuantile> {
    let at = |p, value: i64| MoneyQuantile { p, value, low: value / 2, high: value * 2 };
    vec![at(0.5, likely), at(0.8, (likely + bad) / 2), at(0.9, bad), at(0.95, bad * 2)]
}

fn chance(share: f64) -> Chance {
    let count = (share * 10_000.0) as u64;
    Chance { share, low: (share - 0.01).max(0.0), high: (share + 0.01).min(1.0), count, of: 10_000 }
}

fn elapsed(hours: f64) -> Elapsed {
    if hours.is_finite() { Elapsed::Ms((hours * H) as i64) } else { Elapsed::Never }
}

fn span(hours: f64) -> Span {
    Span::from_ms((hours * H) as i64)
}
