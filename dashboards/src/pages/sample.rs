//! A picture of an invented town, for tests of pages: the same figures as in
//! the pages' design, which are no target.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::law::normal_quantile;
use evenkeel_config::load::{Source, map_from};
use evenkeel_config::map::{DependencyMap, Objectives};
use evenkeel_config::problem::Problems;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    Cause, Chance, CurvePoint, DatasetSummary, DrillFacts, DrillLevel, Elapsed, FixEffect,
    FixSummary, FunctionSummary, HoursShare, InputFigure, MoneyQuantile, NeverReason, Night,
    Quantile, ScenarioName, Segment, Summary, WorkaroundSummary,
};
use jiff::Timestamp;

use crate::picture::{HostPicture, MapFinding, Picture};

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const NEVER: f64 = f64::INFINITY;

const MAP: &str = include_str!("sample.toml");

pub(crate) fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn time(ms: f64) -> Elapsed {
    if ms.is_finite() { Elapsed::Ms(ms.round() as i64) } else { Elapsed::Never }
}

fn quantiles(likely: f64, bad_night: f64) -> Vec<Quantile> {
    let between = if bad_night.is_finite() { (likely + bad_night) / 2.0 } else { likely * 2.0 };
    [(0.5, likely), (0.8, between), (0.9, bad_night), (0.95, bad_night * 1.2)]
        .map(|(p, ms)| Quantile { p, value: time(ms), low: time(ms * 0.9), high: time(ms * 1.1) })
        .to_vec()
}

pub(crate) fn chance(share: f64) -> Chance {
    let (low, high) = ((share - 0.01).max(0.0), (share + 0.01).min(1.0));
    Chance { share, low, high, count: (share * 1e4) as u64, of: 10_000 }
}

fn money(likely: i64, bad_night: i64) -> Vec<MoneyQuantile> {
    [(0.5, likely), (0.8, (likely + bad_night) / 2), (0.9, bad_night), (0.95, bad_night * 2)]
        .map(|(p, major)| {
            let value = major * 100;
            MoneyQuantile { p, value, low: value / 10 * 9, high: value / 10 * 11 }
        })
        .to_vec()
}

/// A lognormal curve through likely and bad night.
fn curve(likely: f64, bad_night: f64) -> Vec<CurvePoint> {
    if likely <= 0.0 || !likely.is_finite() {
        return Vec::new();
    }
    let spread = if bad_night.is_finite() { (bad_night / likely).ln() / 1.2816 } else { 0.7 };
    let most = if bad_night.is_finite() { 199 } else { 168 };
    (1..=most)
        .map(|step| {
            let share = f64::from(step) / 200.0;
            let at_ms = (likely * (spread * normal_quantile(share)).exp()).round() as i64;
            let open = 0.08 * (1.0 - (2.0 * share - 1.0).powi(2));
            CurvePoint { at_ms, share, low: share - open, high: (share + open).min(1.0) }
        })
        .collect()
}

/// One function by id, with its summary words and its promise.
fn timed(
    id_text: &str,
    title: &str,
    promised: f64,
    usable: [f64; 2],
    kept: f64,
) -> FunctionSummary {
    let span = |ms: f64| Span::from_ms(ms as i64);
    let [likely, bad_night] = usable;
    FunctionSummary {
        id: id(id_text),
        title: title.to_owned(),
        summary: None,
        life_safety: false,
        objectives: Objectives { rto: Some(span(promised)), rpo: None, mtd: None },
        workaround: None,
        touched: chance(if likely > 0.0 { 1.0 } else { 0.3 }),
        usable: quantiles(likely, bad_night),
        system_back: quantiles(likely, bad_night),
        recovered: quantiles(likely * 3.0, bad_night * 7.0 / 3.0),
        rto: Some(chance(kept)),
        rpo: None,
        mtd: None,
        data_loss: quantiles(26.0 * HOUR, 6.0 * DAY),
        mean_hours_below_minimum: likely / HOUR,
        mean_lost_hours: likely / HOUR,
        cost: Vec::new(),
        curve: curve(likely, bad_night),
        hours: Vec::new(),
        likely_night: None,
        bad_night: None,
        never: Vec::new(),
        spread_from_defaults: None,
        stale: Vec::new(),
        cannot: None,
    }
}

/// Small changes to a function, chained.
trait Tailored: Sized {
    fn with(self, change: impl FnOnce(&mut FunctionSummary)) -> FunctionSummary;

    fn life(self) -> FunctionSummary {
        self.with(|function| {
            function.life_safety = true;
            function.cost.clear();
        })
    }

    fn stopgap(self, name: &str, after: f64, lasts: f64) -> FunctionSummary {
        self.with(|function| {
            function.workaround = Some(WorkaroundSummary {
                name: name.to_owned(),
                capacity: 0.5,
                after: Span::from_ms(after as i64),
                lasts: Span::from_ms(lasts as i64),
                counts_as_usable: false,
            });
        })
    }

    fn loses(self, likely: f64, bad_night: f64) -> FunctionSummary {
        self.with(|function| function.data_loss = quantiles(likely, bad_night))
    }

    fn about(self, words: &str) -> FunctionSummary {
        self.with(|function| function.summary = Some(words.to_owned()))
    }

    fn mostly(self, cause: Cause, component: &str, who: &str, share: f64) -> FunctionSummary {
        self.with(|function| function.hours.push(hours(cause, component, who, "", share)))
    }
}

impl Tailored for FunctionSummary {
    fn with(mut self, change: impl FnOnce(&mut FunctionSummary)) -> FunctionSummary {
        change(&mut self);
        self
    }
}

fn hours(cause: Cause, component: &str, who: &str, step: &str, share: f64) -> HoursShare {
    HoursShare {
        cause,
        component: (!component.is_empty()).then(|| id(component)),
        who: who.to_owned(),
        step: step.to_owned(),
        total_ms: format!("{:.0}", share * 1e12),
        share,
    }
}

fn functions() -> Vec<FunctionSummary> {
    let link = |function: FunctionSummary| {
        function.mostly(Cause::Transfer, "restore-link", "restore link", 0.38)
    };
    vec![
        timed("calls", "Emergency calls", 5.0 * MINUTE, [2.0 * MINUTE, 3.0 * MINUTE], 0.99)
            .about("caller to desk")
            .stopgap("the county answers", 2.0 * MINUTE, 7.0 * DAY)
            .mostly(Cause::Failover, "calls", "calls", 0.9)
            .loses(0.0, 0.0)
            .life(),
        timed("dispatch", "Emergency dispatch", 30.0 * MINUTE, [3.0 * DAY, 14.0 * DAY], 0.1)
            .about("desk to crew")
            .stopgap("cards and radio", 5.0 * MINUTE, DAY - 5.0 * MINUTE)
            .loses(HOUR, 26.0 * HOUR)
            .life(),
        timed("water", "Water operations", 4.0 * HOUR, [0.0, HOUR], 0.9)
            .about("plant to operator")
            .stopgap("rounds by hand", HOUR, 3.0 * DAY)
            .loses(0.0, 0.0)
            .life(),
        link(timed("police", "Police records", 8.0 * HOUR, [3.5 * DAY, 12.0 * DAY], 0.1))
            .about("stop to report")
            .stopgap("paper", 0.0, 5.0 * DAY),
        payroll(),
        link(timed("permits", "Permits", 2.0 * DAY, [3.5 * DAY, 11.0 * DAY], 0.3))
            .about("form to inspection")
            .stopgap("paper forms", DAY, 20.0 * DAY),
        timed("tax", "Tax and deeds", 2.0 * DAY, [3.0 * DAY, NEVER], 0.4)
            .stopgap("paper", DAY, 14.0 * DAY)
            .loses(26.0 * HOUR, NEVER)
            .with(|tax| {
                let reason = "map files are in no backup job".to_owned();
                tax.never =
                    vec![NeverReason { reason, component: Some(id("map-files")), count: 1600 }];
            }),
        link(timed("payable", "Accounts payable", 3.0 * DAY, [2.5 * DAY, 10.0 * DAY], 0.6))
            .stopgap("bank transfers by hand", DAY, 12.0 * DAY),
        link(timed("billing", "Utility billing", 3.0 * DAY, [2.5 * DAY, 10.0 * DAY], 0.6)),
        timed("mail", "Mail and phones", 4.0 * HOUR, [3.0 * HOUR, 20.0 * HOUR], 0.6)
            .stopgap("mobile phones", HOUR, 7.0 * DAY)
            .mostly(Cause::LinkContention, "fibre", "fibre", 0.5)
            .loses(0.0, 0.0),
        timed("library", "Library", DAY, [5.0 * HOUR, 20.0 * HOUR], 0.9).loses(0.0, 0.0).with(
            |library| {
                library.objectives = Objectives::default();
                library.rto = None;
            },
        ),
        link(timed("docket", "Court docket", 3.0 * DAY, [2.0 * DAY, 8.0 * DAY], 0.6))
            .about("clerk to judge")
            .with(|docket| docket.stale = vec![id("forms")]),
    ]
}

fn payroll() -> FunctionSummary {
    timed("payroll", "Payroll", DAY, [2.0 * DAY, 9.0 * DAY], 0.2)
        .about("time sheet to bank")
        .mostly(Cause::PersonAway, "dana", "IT lead", 0.21)
        .mostly(Cause::PersonOffShift, "dana", "IT lead", 0.2)
        .with(|payroll| {
            payroll.spread_from_defaults = Some(0.62);
            payroll.objectives.rpo = Some(Span::from_hours(24));
            payroll.rpo = Some(chance(0.4));
            payroll.cost = money(40_000, 120_000);
            payroll.hours.push(hours(Cause::Effort, "dana", "IT lead", "rebuild", 0.25));
            payroll.hours.push(hours(Cause::Transfer, "erp-db", "accounts", "restore", 0.2));
            payroll.hours.push(hours(Cause::Vendor, "bank", "bank", "admit the new PC", 0.14));
            payroll.likely_night = Some(night("2026-11-17T23:24:00Z", LIKELY_NIGHT));
            payroll.bad_night = Some(night("2026-11-17T23:50:00Z", BAD_NIGHT));
        })
}

/// Hours, cause, component, its name, step, how known.
type Stretch = (f64, Cause, &'static str, &'static str, &'static str, Provenance);

const LIKELY_NIGHT: &[Stretch] = &[
    (4.0, Cause::Detection, "", "", "first odd screens at the police desk", Provenance::Declared),
    (2.0, Cause::Declaration, "", "", "shut the town's login", Provenance::Declared),
    (10.1, Cause::PersonAway, "dana", "Dana Reyes", "rebuild the directory", Provenance::Declared),
    (6.0, Cause::Effort, "dana", "Dana Reyes", "rebuild the directory", Provenance::Declared),
    (3.9, Cause::Transfer, "erp-db", "accounts", "restore the accounts", Provenance::Measured),
    (
        2.6,
        Cause::LinkContention,
        "restore-link",
        "restore link",
        "restore the accounts",
        Provenance::Measured,
    ),
    (9.5, Cause::PersonOffShift, "dana", "Dana Reyes", "clear 5 finance PCs", Provenance::Declared),
    (3.7, Cause::Effort, "dana", "Dana Reyes", "clear 5 finance PCs", Provenance::Measured),
    (2.0, Cause::Effort, "finance", "Finance lead", "trial pay run", Provenance::Declared),
    (4.2, Cause::Vendor, "bank", "bank", "admit the new PC", Provenance::Declared),
];

const BAD_NIGHT: &[Stretch] = &[
    (9.0, Cause::Detection, "", "", "first odd screens at the police desk", Provenance::Declared),
    (5.0, Cause::Declaration, "", "", "shut the town's login", Provenance::Declared),
    (72.0, Cause::Hold, "insurer", "insurer", "hold on the servers", Provenance::Default),
    (78.0, Cause::PersonAway, "dana", "Dana Reyes", "rebuild the directory", Provenance::Declared),
    (12.0, Cause::Effort, "dana", "Dana Reyes", "rebuild the directory", Provenance::Declared),
    (14.0, Cause::Transfer, "erp-db", "accounts", "restore the accounts", Provenance::Measured),
    (
        12.0,
        Cause::LinkContention,
        "restore-link",
        "restore link",
        "restore the accounts",
        Provenance::Measured,
    ),
    (8.0, Cause::Effort, "dana", "Dana Reyes", "clear 5 finance PCs", Provenance::Measured),
    (6.0, Cause::Vendor, "bank", "bank", "admit the new PC", Provenance::Declared),
];

fn night(strike: &str, stretches: &[Stretch]) -> Night {
    let mut at = 0;
    let segments: Vec<Segment> = stretches
        .iter()
        .map(|(length, cause, component, who, step, provenance)| {
            let from_ms = at;
            at += (length * HOUR) as i64;
            Segment {
                from_ms,
                to_ms: at,
                cause: *cause,
                component: (!component.is_empty()).then(|| id(component)),
                who: (*who).to_owned(),
                step: (*step).to_owned(),
                provenance: *provenance,
            }
        })
        .collect();
    Night { trial: 17, strike: instant(strike), usable: Elapsed::Ms(at), segments }
}

fn dataset(id_text: &str, title: &str, rpo: f64, loss: [f64; 2]) -> DatasetSummary {
    DatasetSummary {
        id: id(id_text),
        title: title.to_owned(),
        rpo: Some(Span::from_ms(rpo as i64)),
        loss: quantiles(loss[0], loss[1]),
        all_lost: chance(0.1),
    }
}

fn fix(id_text: &str, title: &str, cost: [i64; 2], won_days: [f64; 3], years: f64) -> FixSummary {
    let [best, ..] = won_days;
    let (likely, bad_night) = (time(2.0 * DAY), time(9.0 * DAY));
    FixSummary {
        id: id(id_text),
        title: title.to_owned(),
        once: cost[0] * 100,
        yearly: cost[1] * 100,
        staff_days: 1.0,
        effects: vec![FixEffect {
            function: id("payroll"),
            likely: [likely, time(2.0 * DAY - best * 4.0 * HOUR)],
            bad_night: [bad_night, time((9.0 - best) * DAY)],
            won_ms: Some(won_days.map(|days| (days * DAY) as i64)),
            rto: Some([0.2, 0.2 + best / 20.0]),
            data_loss: [time(6.0 * DAY), time(6.0 * DAY)],
            curve: curve(2.0 * DAY - best * 4.0 * HOUR, (9.0 - best) * DAY),
        }],
        saved: [1_000_000, 900_000, 1_100_000],
        break_even_years: Some(years),
        cannot: None,
    }
}

fn inputs() -> Vec<InputFigure> {
    let figures = [(Provenance::Measured, 31), (Provenance::Declared, 9), (Provenance::Default, 4)];
    let groups =
        ["Speed of restore", "Backup age", "Working hours", "Spread to the backup console"];
    figures
        .iter()
        .flat_map(|(provenance, count)| {
            (0..*count).map(move |at: usize| InputFigure {
                key: format!("figure-{at}"),
                component: None,
                group: groups[if *provenance == Provenance::Default { 3 } else { at % 3 }]
                    .to_owned(),
                value: "30 MB/s".to_owned(),
                provenance: *provenance,
                source: "drill of 6 Oct".to_owned(),
            })
        })
        .collect()
}

/// The result of the ransomware scenario.
pub(crate) fn summary() -> Summary {
    Summary {
        schema_version: 1,
        engine_version: "0.1.0".to_owned(),
        key_hash: "xxh3".to_owned(),
        generator: "philox".to_owned(),
        inputs_digest: "0".repeat(64),
        organisation: "Town of Quillhaven".to_owned(),
        timezone: "America/New_York".to_owned(),
        currency: "USD".to_owned(),
        scenario: ScenarioName {
            id: "ransomware".to_owned(),
            title: "ransomware".to_owned(),
            question: "If ransomware hits tonight".to_owned(),
            with: Vec::new(),
        },
        as_of: instant("2026-11-17T13:00:00Z"),
        seed: 20_261_117,
        trials: 10_000,
        precision: None,
        horizon: Span::from_hours(365 * 24),
        functions: functions(),
        datasets: vec![
            dataset("dispatch-log", "Dispatch entries", 15.0 * MINUTE, [HOUR, 26.0 * HOUR]),
            dataset("erp-db", "Payroll and accounts", DAY, [26.0 * HOUR, 6.0 * DAY]),
            dataset("map-files", "Map files", DAY, [26.0 * HOUR, NEVER]),
        ],
        cost: money(90_000, 260_000),
        fixes: vec![
            fix(
                "console",
                "Take the backup console off the town's login",
                [600, 650],
                [4.0, 3.4, 4.6],
                40.0,
            ),
            fix(
                "vault",
                "Keep the password vault on paper and USB in the clerk's safe",
                [150, 100],
                [1.8, 1.4, 2.3],
                110.0,
            ),
            fix(
                "server",
                "Replace the 8-year-old server hv-1",
                [24_000, 1_200],
                [1.2, 0.7, 1.7],
                2.0,
            ),
            fix(
                "train",
                "Train a second person to rebuild the directory",
                [3_500, 800],
                [1.0, 0.5, 1.5],
                6.0,
            ),
        ],
        inputs: inputs(),
        notes: vec!["Nobody has measured how fast the county takes calls over.".to_owned()],
    }
}

/// The whole picture.
pub(crate) fn picture() -> Picture {
    let as_of = instant("2026-11-17T13:00:00Z");
    let mut quiet = summary();
    quiet.scenario = ScenarioName {
        id: "isp_outage".to_owned(),
        title: "internet cut".to_owned(),
        question: "If the internet is cut tonight".to_owned(),
        with: Vec::new(),
    };
    for function in &mut quiet.functions {
        function.usable = quantiles(0.0, 0.0);
        function.data_loss = quantiles(0.0, 0.0);
        function.rto = function.rto.map(|_| chance(1.0));
        function.stale.clear();
    }
    quiet.datasets.clear();
    quiet.fixes.clear();
    let host = |name: &str, silent: bool| {
        let heard = if silent { "2026-11-12T09:00:00Z" } else { "2026-11-17T12:59:00Z" };
        let checks = BTreeMap::new();
        (name.to_owned(), HostPicture { last_heard: instant(heard), silent, checks })
    };
    Picture {
        organisation: "Town of Quillhaven".to_owned(),
        timezone: "America/New_York".to_owned(),
        as_of,
        map: map(),
        recorded: BTreeMap::new(),
        hosts: [host("erp", false), host("forms", true), host("gis", true)].into(),
        drills: drills(),
        summaries: vec![summary(), quiet],
        year: super::sample_year::year(),
        moves: super::sample_year::moves(),
        cannot: Vec::new(),
        map_findings: vec![MapFinding {
            critical: true,
            components: vec![id("hv-1"), id("vault")],
            edges: vec![(id("hv-1"), id("vault")), (id("vault"), id("hv-1"))],
            sentence: "to bring hv-1 back you need the vault, and the vault lives on hv-1"
                .to_owned(),
            short: "loop with the vault".to_owned(),
        }],
        warnings: Problems::default(),
        earlier: BTreeMap::new(),
        version: "0.1.0",
    }
}

fn drills() -> Vec<DrillFacts> {
    let drill = |dataset: &str, started: &str, worked: bool, why: &str| DrillFacts {
        worked,
        why: why.to_owned(),
        files: 1000,
        bytes: 420_000_000_000,
        seconds: 14_000.0,
        ..DrillFacts::new(id("restic-nas"), Some(id(dataset)), instant(started), DrillLevel::Full)
    };
    vec![
        drill("erp-db", "2026-09-01T08:00:00Z", true, ""),
        drill("dispatch-log", "2026-10-06T08:00:00Z", false, "the repository key was refused"),
    ]
}

/// The map of the town.
pub(crate) fn map() -> DependencyMap {
    map_from(&[Source::new("sample.toml", MAP)]).expect("the sample map is valid").value
}

/// One function of the first result.
pub(crate) fn function<'a>(picture: &'a Picture, id: &str) -> &'a FunctionSummary {
    let functions = &picture.summaries[0].functions;
    functions.iter().find(|function| function.id.as_str() == id).expect("a function of the sample")
}
