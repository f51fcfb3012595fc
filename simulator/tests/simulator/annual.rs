//! The year: O16, O18 and O19 against exact answers, band B3, and what must hold of any year.
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{AnnualSummary, Band};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::annual::{AnnualJob, Happening, Loss, Years, annual};
use evenkeel_simulator::key::Purposes;
use jiff::Timestamp;
use statrs::distribution::{ContinuousCDF, Gamma, LogNormal, Normal};

use crate::support::{map, scenario, shuffled};

const MAINS: &str = include_str!("../cases/o16-outage.map.toml");
const OUTAGE: &str = include_str!("../cases/o16-outage.scenario.toml");
const OFFICE: &str = include_str!("../cases/o18-office.map.toml");
const CLAIM: &str = include_str!("../cases/o18-claim.scenario.toml");
const SEEN: &str = include_str!("../cases/o19-seen.scenario.toml");
const OLD: &str = include_str!("../cases/o19-old-host.map.toml");
const OLD_HOST: &str = include_str!("../cases/o19-old-host.scenario.toml");
const SEEDS: [u64; 3] = [1, 2, 3];
const SIGMAS: f64 = 3.89;

struct Asked<'a> {
    seed: u64,
    trials: u64,
    years: u64,
    threads: Option<usize>,
    as_of: &'a str,
}

const ASKED: Asked<'_> =
    Asked { seed: 1, trials: 100, years: 100, threads: None, as_of: "2026-11-17T13:00:00Z" };

fn year(map_text: &str, scenarios: &[&str], asked: &Asked<'_>) -> AnnualSummary {
    answer(map_text, scenarios, asked).unwrap_or_else(|p| panic!("{p}"))
}

fn answer(
    map_text: &str,
    scenarios: &[&str],
    asked: &Asked<'_>,
) -> Result<AnnualSummary, Problems> {
    let map = map(map_text);
    let scenarios: Vec<Scenario> = scenarios.iter().map(|text| scenario(text)).collect();
    let question = AnnualJob {
        map: &map,
        scenarios: &scenarios,
        modifiers: &[],
        fixes: &[],
        evidence: &[],
        as_of: Some(asked.as_of.parse::<Timestamp>().expect("an instant")),
        seed: asked.seed,
        trials: asked.trials,
        years: asked.years,
        threads: asked.threads,
        strict: true,
    };
    annual(&question, &|_, _| {})
}

fn exact(got: f64, exact: f64, within: f64) {
    assert!((got / exact - 1.0).abs() <= within, "{got} is not {exact}");
}

fn holds(band: Band, exact: f64) {
    assert!(band.low <= exact && exact <= band.high, "{band:?} does not hold {exact}");
}

#[test]
fn o16_outages_that_outlast_the_battery() {
    for seed in SEEDS {
        let asked = Asked { seed, trials: 200_000, ..ASKED };
        let summary = year(MAINS, &[OUTAGE], &asked);
        let f = &summary.functions[0];
        // Four standard errors of a share and of an exponential that often is 0.
        exact(f.touched.middle, 0.778_800_8, 4.0 * 0.533 / 447.0);
        exact(f.lost_hours.middle * 60.0, 93.456, 4.0 * 1.254 / 447.0);
        holds(f.touched, 0.778_800_8);
        holds(f.lost_hours, 93.456 / 60.0);
        assert!(summary.cost.is_none() && summary.events[0].source.contains("SAIFI of the case"));
    }
    let names = [("s", "till"), ("battery", "box"), ("mains", "grid")];
    let twin = year(
        &shuffled(MAINS, &names),
        &[&OUTAGE.replace("\"mains\"", "\"grid\"")],
        &Asked { trials: 200_000, ..ASKED },
    );
    exact(twin.functions[0].touched.middle, 0.778_800_8, 4.0 * 0.533 / 447.0);
    exact(twin.functions[0].lost_hours.middle * 60.0, 93.456, 4.0 * 1.254 / 447.0);
    for (saifi, caidi, battery) in [(0.4, 30.0, 5.0), (3.0, 400.0, 120.0), (12.0, 60.0, 60.0_f64)] {
        let map = MAINS.replace("[1, 1]", &format!("[{saifi}, {saifi}]"));
        let map = map.replace("\"30min\"", &format!("\"{battery}min\""));
        let scenario = OUTAGE.replace("120min", &format!("{caidi}min"));
        let f = year(&map, &[&scenario], &Asked { trials: 40_000, ..ASKED }).functions.remove(0);
        let through = (-battery / caidi).exp();
        let error = 4.0 * ((1.0 - through) / through / 40_000.0).sqrt();
        exact(f.touched.middle, saifi * through, error);
        // An exponential time is as long as ever once it has outlasted the battery.
        exact(
            f.lost_hours.middle * 60.0,
            saifi * through * caidi,
            error + 4.0 / 200.0 / through.sqrt(),
        );
    }
}

/// EIA-861, table 11.3, 2023: New England and Maine; 2022: all states.
#[test]
fn b3_a_state_s_power_cuts() {
    for (saifi, caidi, saidi) in
        [(1.398, 343.7, 480.5), (3.314, 562.0, 1863.0), (1.4, 240.0, 336.0)]
    {
        let map = MAINS.replace("[1, 1]", &format!("[{saifi}, {saifi}]"));
        let map = map.replace("power = \"battery\"", "power = \"mains\"");
        let scenario = OUTAGE.replace("120min", &format!("{caidi}min"));
        for seed in SEEDS {
            let asked = Asked { seed, trials: 100_000, ..ASKED };
            let f = year(&map, &[&scenario], &asked).functions.remove(0);
            exact(f.touched.middle, saifi, 0.02);
            exact(f.lost_hours.middle * 60.0, saidi, 0.02);
        }
        let names = [("s", "till"), ("battery", "box"), ("mains", "grid")];
        let twin = shuffled(&map, &names);
        assert_ne!(twin, map);
        let scenario = scenario.replace("\"mains\"", "\"grid\"");
        let f = year(&twin, &[&scenario], &Asked { trials: 100_000, ..ASKED }).functions.remove(0);
        exact(f.touched.middle, saifi, 0.02);
        exact(f.lost_hours.middle * 60.0, saidi, 0.02);
    }
}

fn claim(frequency: f64, low: f64, high: f64) -> String {
    CLAIM
        .replace("[0.3, 0.3]", &format!("[{frequency}, {frequency}]"))
        .replace("[0.05, 10000]", &format!("[0.05, {low}]"))
        .replace("[0.95, 500000]", &format!("[0.95, {high}]"))
}

/// Simulated years of one scenario that costs money alone.
fn years(text: &str, seed: u64, years: u64) -> Years {
    let scenario = scenario(text);
    let rate = scenario.frequency.as_ref().and_then(|f| f.per_year).expect("a range");
    let band = Band { low: rate[0], middle: rate[0], high: rate[1] };
    let loss = scenario.loss.as_ref().map(Loss::new);
    let event = Happening::new(&scenario.id, band, Vec::new(), loss, &mut Purposes::default());
    Years::simulate(&[event], seed, years)
}

fn share_above(years: &Years, sum: f64, exact: f64) {
    let n = years.costs[1].len() as f64;
    let share = years.above(1, (sum * 100.0) as i64) as f64 / n;
    let error = SIGMAS * (exact * (1.0 - exact) / n).sqrt();
    assert!((share - exact).abs() <= error, "P(> {sum}) is {exact}, simulated {share}");
}

fn quantile(years: &Years, p: f64, exact: f64) {
    let costs = &years.costs[1];
    let n = costs.len() as f64;
    let spread = SIGMAS * (n * p * (1.0 - p)).sqrt();
    let at = |place: f64| costs[place as usize] as f64 / 100.0;
    let (low, high) = (at((n * p - spread).floor() - 1.0), at((n * p + spread).ceil()));
    assert!(
        low - 1.0 <= exact && exact <= high + 1.0,
        "P{p} is {exact}, simulated {low} to {high}"
    );
}

#[test]
fn o18_a_year_of_claims() {
    for seed in SEEDS {
        let summary = year(OFFICE, &[CLAIM], &Asked { seed, years: 200_000, ..ASKED });
        let cost = summary.cost.expect("it is priced");
        exact(cost.mean.middle as f64 / 100.0, 43_020.95, 1e-6);
        exact(cost.deviation.middle as f64 / 100.0, 159_291.65, 1e-6);
        exact(cost.nothing.middle, 0.740_818_2, 1e-6);
        exact(summary.quiet.middle, 0.740_818_2, 1e-6);
        for (q, value) in cost.quantiles.iter().zip([118_640.0, 236_019.0, 664_201.0]) {
            let (low, high) = (q.value.low as f64 / 100.0, q.value.high as f64 / 100.0);
            assert!(low * 0.985 <= value && value <= high * 1.015, "{q:?} is not {value}");
        }
        let years = years(CLAIM, seed, 200_000);
        for (sum, exact) in [
            (0.0, 1.0 - 0.740_818_2),
            (50_000.0, 0.171_197),
            (100_000.0, 0.114_190),
            (250_000.0, 0.046_587),
            (1e6, 0.004_310_4),
        ] {
            share_above(&years, sum, exact);
        }
        for (p, exact) in [(0.9, 118_640.0), (0.95, 236_019.0), (0.99, 664_201.0)] {
            quantile(&years, p, exact);
        }
    }
    // Under another name, and after a claim that costs nothing in most years.
    let renamed = CLAIM.replace("\"claim\"", "\"suit\"");
    let rare = claim(1e-9, 1.0, 2.0).replace("\"claim\"", "\"another\"");
    let twin = year(OFFICE, &[&rare, &renamed], &Asked { years: 200_000, ..ASKED });
    let cost = twin.cost.expect("it is priced");
    exact(cost.mean.middle as f64 / 100.0, 43_020.95, 1e-6);
    exact(cost.nothing.middle, 0.740_818_2, 1e-6);
    let twin = years(&renamed, 1, 200_000);
    share_above(&twin, 100_000.0, 0.114_190);
    quantile(&twin, 0.95, 236_019.0);
    assert_ne!(twin.costs, years(CLAIM, 1, 200_000).costs, "luck of its own");
    // The figures that riskquant publishes: its README and its test.
    for (frequency, low, high, mean) in
        [(0.1, 100_000.0, 1e6, 40_400.128), (1.0, 635_000.0, 19e6, 5_922_706.83)]
    {
        let summary = year(OFFICE, &[&claim(frequency, low, high)], &ASKED);
        exact(summary.cost.expect("it is priced").mean.middle as f64 / 100.0, mean, 1e-6);
    }
    for (frequency, low, high) in [(0.05, 1000.0, 50_000.0), (0.8, 200.0, 900.0), (2.5, 10.0, 1e6)]
    {
        let text = claim(frequency, low, high);
        let z = Normal::standard().inverse_cdf(0.95);
        let (mu, sigma) = ((low.ln() + high.ln()) / 2.0, (high / low).ln() / (2.0 * z));
        let cost = year(OFFICE, &[&text], &ASKED).cost.expect("it is priced");
        let mean = frequency * (mu + sigma * sigma / 2.0).exp();
        exact(cost.mean.middle as f64 / 100.0, mean, 1e-5);
        let square = frequency * (2.0 * mu + 2.0 * sigma * sigma).exp();
        exact(cost.deviation.middle as f64 / 100.0, square.sqrt(), 1e-5);
        // No more than one event: exact up to what two or more can add.
        let law = LogNormal::new(mu, sigma).expect("a law");
        let years = years(&text, 4, 40_000);
        share_above(&years, 0.0, 1.0 - (-frequency).exp());
        let sum = law.inverse_cdf(0.5);
        let one = (-frequency).exp() * frequency * 0.5;
        let several = 1.0 - (-frequency).exp() * (1.0 + frequency);
        let share = years.above(1, (sum * 100.0) as i64) as f64 / 40_000.0;
        let slack = SIGMAS * (0.25_f64 / 40_000.0).sqrt();
        assert!(one - slack <= share && share <= one + several + slack, "{share}");
    }
}

#[test]
fn o18_what_cannot_be_lost_is_cut() {
    let capped = CLAIM.replace("500000]]", "500000]], at_most = 60000");
    let cost = year(OFFICE, &[&capped], &Asked { years: 50_000, ..ASKED }).cost.expect("priced");
    let (mu, sigma) = ((1e4_f64.ln() + 5e5_f64.ln()) / 2.0, 50.0_f64.ln() / 3.289_707_253_902_944);
    let normal = Normal::standard();
    let z = (6e4_f64.ln() - mu) / sigma;
    let mean = (mu + sigma * sigma / 2.0).exp() * normal.cdf(z - sigma) + 6e4 * normal.cdf(-z);
    exact(cost.mean.middle as f64 / 100.0, 0.3 * mean, 1e-6);
    assert!(cost.quantiles[0].value.middle <= 6_000_000);
}

#[test]
fn o19_how_often_after_what_was_seen() {
    for seed in SEEDS {
        let summary = year(OFFICE, &[SEEN], &Asked { seed, ..ASKED });
        exact(summary.events[0].per_year.middle, 0.1875, 1e-6);
        exact(summary.quiet.middle, (-0.1875_f64).exp(), 1e-6);
    }
    let renamed = SEEN.replace("\"seen\"", "\"again\"");
    let twin = year(OFFICE, &[CLAIM, &renamed], &ASKED);
    let event = twin.events.iter().find(|event| event.id == "again");
    exact(event.expect("it is there").per_year.middle, 0.1875, 1e-6);
    for (per_year, weight, events, during) in
        [(0.5, 2.0, 0, 6.0), (2.0, 1.0, 9, 3.0), (0.01, 20.0, 2, 1.0)]
    {
        let text = SEEN
            .replace("per_year = 0.1", &format!("per_year = {per_year}"))
            .replace("\"5y\"", &format!("\"{weight}y\""))
            .replace("events = 1", &format!("events = {events}"))
            .replace("\"3y\"", &format!("\"{during}y\""));
        let rate = year(OFFICE, &[&text], &ASKED).events[0].per_year;
        let law =
            Gamma::new(per_year * weight + f64::from(events), weight + during).expect("a law");
        exact(rate.middle, (per_year * weight + f64::from(events)) / (weight + during), 1e-9);
        assert!(
            (law.cdf(rate.low) - 0.05).abs() < 1e-6 && (law.cdf(rate.high) - 0.95).abs() < 1e-6
        );
    }
}

#[test]
fn o19_an_old_machine_fails_sooner() {
    // Five and seven years of 8,766 hours after midnight of the purchase.
    for (at, chance) in
        [("2026-11-17T06:00:00Z", 0.157_915_6), ("2028-11-16T18:00:00Z", 0.208_934_9)]
    {
        let event = year(OLD, &[OLD_HOST], &Asked { as_of: at, ..ASKED }).events.remove(0);
        exact(event.happens.middle, chance, 1e-6);
        assert!(event.happens.low < chance && event.happens.high > chance);
    }
    // The same by the scenario's law for what was bought.
    let plain = OLD
        .replace("fails = { wear = { shape = 2, scale = \"8y\" }, source = \"the case\" }\n", "");
    assert_ne!(plain, OLD);
    let law = OLD_HOST
        .replace("components = true", "components = true, wear = { shape = 2, scale = \"8y\" }");
    let asked = Asked { as_of: "2026-11-17T06:00:00Z", ..ASKED };
    exact(year(&plain, &[&law], &asked).events[0].happens.middle, 0.157_915_6, 1e-6);
    // Nobody tells: left out, and said.
    let silent = year(&plain, &[OLD_HOST], &asked);
    assert!(silent.events.is_empty() && silent.left_out[0].why.contains("`fails`"), "{silent:?}");
}

#[test]
fn more_years_than_can_be_kept_are_refused() {
    for years in [0, 1_000_001] {
        let problems = answer(MAINS, &[OUTAGE], &Asked { years, ..ASKED }).expect_err("refused");
        assert!(problems.to_string().contains("choose from 1 to 1,000,000"), "{problems}");
    }
}

#[test]
fn a_year_is_the_same_on_any_number_of_threads_and_beside_other_events() {
    let ask = |scenarios: &[&str], threads| {
        year(MAINS, scenarios, &Asked { threads, years: 3000, ..ASKED })
    };
    let two = ask(&[OUTAGE, CLAIM], Some(2));
    assert_eq!(ask(&[CLAIM, OUTAGE], Some(1)), two);
    let alone = ask(&[CLAIM], None);
    assert_eq!(alone.cost.as_ref().map(|c| &c.quantiles), two.cost.as_ref().map(|c| &c.quantiles));
}

#[test]
fn more_often_is_never_cheaper() {
    let wide = CLAIM.replace("[0.3, 0.3]", "[0.05, 2.0]");
    let cost = year(OFFICE, &[&wide], &Asked { years: 20_000, ..ASKED }).cost.expect("priced");
    for quantile in &cost.quantiles {
        let value = quantile.value;
        assert!(value.low <= value.middle && value.middle <= value.high, "{value:?}");
    }
    assert!(cost.exceedance.iter().all(|p| p.chance.low <= p.chance.middle));
    assert!(
        cost.exceedance
            .is_sorted_by(|a, b| a.above < b.above && a.chance.middle >= b.chance.middle)
    );
    assert!(cost.nothing.low < cost.nothing.high);
}

#[test]
fn a_year_can_have_a_fix_and_a_modifier_already() {
    // Lost twelve hours a night, eight with the fix; one more with nobody there.
    let map = map("[organisation]\nname = \"o\"\nbad_day = 0\n[function.f]\nneeds = [\"a\"]\n\
         loss = [{ after = \"0h\", per_hour = 100 }]\n\
         [host.a]\nrecover = [{ step = \"order\", lead_time = \"12h\" }]\n\
         [fix.stock]\ntitle = \"a spare\"\nonce = 1\n\
         [fix.stock.set.host.a]\nrecover = [{ step = \"order\", lead_time = \"8h\" }]\n");
    let lost = "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\n\
        frequency = { per_year = [1, 1] }\n\
        [[strike]]\nname = \"blow\"\nreach = { ids = [\"a\"] }\neffect = \"lost\"\n";
    let slow = "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\nmodifier = true\nlead_times = 2\n";
    let (lost, slow) = ([scenario(lost)], [scenario(slow)]);
    let stock = ["stock".parse().expect("an id")];
    let asked = |modifiers: &[Scenario], fixes: &[evenkeel_config::id::Id]| {
        let question = AnnualJob {
            map: &map,
            scenarios: &lost,
            modifiers,
            fixes,
            evidence: &[],
            as_of: None,
            seed: 1,
            trials: 10,
            years: 10,
            threads: None,
            strict: true,
        };
        annual(&question, &|_, _| {})
    };
    let hours = |modifiers: &[Scenario], fixes: &[evenkeel_config::id::Id]| {
        let summary = asked(modifiers, fixes).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!((summary.fixes.len(), summary.with.len()), (fixes.len(), modifiers.len()));
        (summary.functions[0].lost_hours.middle, summary.inputs_digest)
    };
    let all = [hours(&[], &[]), hours(&[], &stock), hours(&slow, &[]), hours(&slow, &stock)];
    assert_eq!(all.each_ref().map(|(hours, _)| *hours), [12.0, 8.0, 24.0, 16.0]);
    // Each question has a digest of its own, the same each time.
    let digests: std::collections::BTreeSet<&str> = all.iter().map(|one| one.1.as_str()).collect();
    assert_eq!(digests.len(), 4);
    assert_eq!(hours(&slow, &stock).1, all[3].1);
    let wrong = asked(&[], &["shelf".parse().expect("an id")]).expect_err("no such fix");
    assert!(wrong.to_string().contains("the map has no fix `shelf`"), "{wrong}");
}
