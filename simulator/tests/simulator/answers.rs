//! `compare` and `promise`: exact differences, Graham's anomaly, promises that hold.
use evenkeel_config::id::Id;
use evenkeel_config::load::{Source, lay_patch};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{Comparison, Elapsed, Promises, VariantEffect};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::compare::compare;
use evenkeel_simulator::promise::promise;
use evenkeel_simulator::sides::Variant;
use evenkeel_simulator::{Job, nights};

use crate::support::{HOUR, Trials, as_of, map, scenario, shuffled};

const GRAHAM: &str = include_str!("../cases/o11-graham.map.toml");
const SHARED: &str = include_str!("../cases/o19-shared-luck.map.toml");
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");

pub(crate) fn job<'a>(
    map: &'a DependencyMap,
    scenario: &'a Scenario,
    seed: u64,
    trials: u64,
) -> Job<'a> {
    Job {
        map,
        scenario,
        modifiers: &[],
        evidence: &[],
        as_of: Some(as_of()),
        seed,
        trials,
        threads: None,
        fixes: false,
    }
}

pub(crate) fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

fn compared(text: &str, fixes: &[&str], seed: u64, trials: u64) -> Comparison {
    let (map, scenario) = (map(text), scenario(DOWN));
    let variants: Vec<Variant> = fixes
        .iter()
        .map(|names| Variant {
            name: (*names).to_owned(),
            fixes: names.split('+').map(id).collect(),
        })
        .collect();
    compare(&job(&map, &scenario, seed, trials), &variants, &|_, _| {})
        .unwrap_or_else(|p| panic!("{p}"))
}

fn hours(effect: &VariantEffect) -> [f64; 2] {
    let bad = effect.functions[0].bad_night;
    [bad.before, bad.after].map(|value| match value {
        Elapsed::Ms(ms) => ms as f64 / HOUR,
        Elapsed::Never => f64::INFINITY,
    })
}

#[test]
fn o19_the_same_nights_make_a_difference_23_times_sharper() {
    for seed in [1, 2, 3] {
        let trials = 200_000;
        let comparison = compared(SHARED, &["half"], seed, trials);
        let effect = &comparison.variants[0];
        let function =
            effect.functions.iter().find(|f| f.function == id("f")).expect("it is there");
        let mean = function.mean.expect("every night ends");
        assert_eq!(mean.nights, trials);
        // The mean of the difference is -4 h, its deviation 4 h.
        let gap = mean.change.value as f64 / HOUR + 4.0;
        assert!(gap.abs() < 4.0 * 4.0 / (trials as f64).sqrt(), "{gap}");
        // The width of the interval tells the variance of the difference: 16.
        let half = (mean.change.high - mean.change.low) as f64 / 2.0 / HOUR;
        let variance = (half / 1.959_963_984_540_054).powi(2) * trials as f64;
        // The variance of an exponential's sample variance is 8 sigma^4 / n.
        assert!((variance / 16.0 - 1.0).abs() < 4.0 * (8.0 / trials as f64).sqrt(), "{variance}");
        let sharper = mean.sharper.expect("something differs");
        assert!((sharper - 23.0).abs() < 0.6, "{sharper}");
        // Two separate runs: the variances of the sides add up to 368.
        let (map, scenario) = (map(SHARED), scenario(DOWN));
        let fixed = map.with_fix(&id("half")).unwrap_or_else(|p| panic!("{p}"));
        let usable = |map: &DependencyMap, seed| {
            let nights = nights(&job(map, &scenario, seed, trials), &|_, _| {});
            let nights = nights.unwrap_or_else(|p| panic!("{p}"));
            nights.runs.functions[0].usable.clone()
        };
        let (before, after) = (usable(&map, seed), usable(&fixed, seed + 100));
        let apart: Vec<f64> =
            before.iter().zip(&after).map(|(a, b)| (b - a) as f64 / HOUR).collect();
        let middle = apart.iter().sum::<f64>() / trials as f64;
        let variance = apart.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / trials as f64;
        assert!((variance / 368.0 - 1.0).abs() < 0.03, "{variance}");
        // Money: 10 an hour; what the fix does not touch differs by exactly nothing.
        let cost = effect.cost.expect("a loss is stated");
        assert!((cost.change.value as f64 + 4000.0).abs() < 50.0, "{cost:?}");
        let other = effect.functions.iter().find(|f| f.function == id("other")).expect("there");
        let change = other.bad_night.change.expect("never is not involved");
        assert_eq!((change.value, change.low, change.high), (0, 0, 0));
    }
}

#[test]
fn o19_other_figures_and_another_order() {
    for (mean, factor) in [(2.0, 0.25), (30.0, 0.5), (100.0, 0.9)] {
        let map = SHARED.replace("\"8h\"", &format!("\"{mean}h\""));
        let map = map.replace("\"4h\"", &format!("\"{}h\"", mean * factor));
        let trials = 40_000;
        let comparison = compared(&map, &["half"], 4, trials);
        let function = &comparison.variants[0].functions[0];
        let change = function.mean.expect("every night ends").change;
        let spread = mean * (1.0 - factor);
        let error = spread / (trials as f64).sqrt();
        assert!((change.value as f64 / HOUR + spread).abs() < 4.0 * error, "{change:?}");
        let half = (change.high - change.low) as f64 / 2.0 / HOUR / error / 1.96;
        assert!((half - 1.0).abs() < 0.06, "{half}");
    }
    // In another order of the file the answer is the same but for the digest.
    let mut plain = compared(SHARED, &["half"], 1, 2000);
    let mut mixed = compared(&shuffled(SHARED, &[]), &["half"], 1, 2000);
    plain.about.inputs_digest.clear();
    mixed.about.inputs_digest.clear();
    assert_eq!(plain, mixed);
    let renamed = shuffled(SHARED, &[("s", "till"), ("t", "alarm"), ("f", "shop")]);
    let effect = &compared(&renamed, &["half"], 1, 40_000).variants[0];
    let shop = effect.functions.iter().find(|f| f.function == id("shop")).expect("renamed");
    let gap = shop.mean.expect("every night ends").change.value as f64 / HOUR + 4.0;
    assert!(gap.abs() < 4.0 * 4.0 / 200.0, "{gap}");
}

#[test]
fn grahams_anomaly_is_pointed_out() {
    for (text, name) in [(GRAHAM.to_owned(), "t9"), (shuffled(GRAHAM, &[("t9", "t99")]), "t99")] {
        assert!(text.contains(&format!("[service.{name}]")));
        let comparison = compared(&text, &["fourth", "less", "freer"], 1, 50);
        for (effect, after) in comparison.variants.iter().zip([15.0, 13.0, 16.0]) {
            assert_eq!(hours(effect), [12.0, after], "{}", effect.name);
            let reversal = effect.reversals.first().expect("it is said");
            assert_eq!(reversal.later.share, 1.0);
            let late = ((after - 12.0) * HOUR) as i64;
            assert_eq!(reversal.mean_ms, Some(late));
            assert_eq!(reversal.most, Elapsed::Ms(late));
            assert!(reversal.words.contains("later in every night"), "{}", reversal.words);
            let why = effect.why_later.as_deref().expect("with the reason");
            assert!(why.contains("nothing is taken away") && why.contains("busy"), "{why}");
            assert!(effect.worse.iter().any(|words| words.contains("the RTO is kept in 100")));
        }
        let fourth = &comparison.variants[0];
        assert!(fourth.only_adds[0].contains("four (person)"), "{:?}", fourth.only_adds);
    }
}

#[test]
fn taking_away_is_no_anomaly_and_doing_nothing_is_exactly_nothing() {
    let comparison = compared(GRAHAM, &["gone", "nothing"], 1, 50);
    let gone = &comparison.variants[0];
    assert_eq!(hours(gone)[0], 12.0);
    assert!(hours(gone)[1] > 12.0 && gone.only_adds.is_empty() && gone.reversals.is_empty());
    assert!(gone.worse.iter().any(|words| words.contains("later")), "{:?}", gone.worse);
    let nothing = &comparison.variants[1];
    assert!(nothing.better.is_empty() && nothing.worse.is_empty(), "{nothing:?}");
    let town = compared(SHARED, &["half"], 1, 500);
    assert!(!town.variants[0].better.is_empty());
    for change in &nothing.functions {
        for time in [change.likely, change.bad_night, change.data_loss] {
            let zero = time.change.expect("every night ends");
            assert_eq!((zero.value, zero.low, zero.high), (0, 0, 0));
        }
        for chance in [change.rto.expect("it is set"), change.back] {
            assert_eq!((chance.change, chance.gained, chance.lost), ([0.0; 3], 0, 0));
        }
        assert_eq!((change.sooner.count, change.later.count), (0, 0));
        assert_eq!(change.lost_hours.change.high, 0);
    }
}

#[test]
fn intervals_of_quantiles_cover_the_exact_difference() {
    // The median of Exp(5 h) is 5 ln 2 h; scaled to 4 h the difference is -ln 2 h.
    let text = SHARED.replace("mean = \"12h\"", "mean = \"1s\"");
    let text = text.replace("\"8h\"", "\"5h\"");
    let mut covered = 0;
    for seed in 0..60 {
        let comparison = compared(&text, &["half"], seed, 500);
        let likely = comparison.variants[0].functions[0].likely.change.expect("it ends");
        let exact = -(2.0_f64.ln()) * HOUR;
        covered += u32::from(likely.low as f64 <= exact && exact <= likely.high as f64);
    }
    // 95 % of 60 are 57, and fewer than 50 have a chance below 1 in 1,000.
    assert!(covered >= 50, "{covered} of 60");
}

#[test]
fn a_patch_from_a_document_is_a_variant() {
    let (mut map, scenario) = (map(SHARED), scenario(DOWN));
    let text = "title = \"Quicker\"\n[set.service.s]\n\
                repair = [{ step = \"first\", effort = \"1h\" }]\n";
    let laid = lay_patch(&Source::new("quick-one.toml", text), &mut map);
    let laid = laid.unwrap_or_else(|p| panic!("{p}")).value;
    assert_eq!(laid, id("quick-one"));
    let variants = [Variant::alone(&laid)];
    let answer = compare(&job(&map, &scenario, 1, 100), &variants, &|_, _| {});
    let answer = answer.unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(hours(&answer.variants[0])[1], 1.0);
    // Wrong patches are refused with place and hint, and change nothing.
    let before = map.clone();
    for (text, expected) in [
        ("title = \"x\"\nsett = {}\n", "sett"),
        ("title = \"x\"\nremove = [\"tt\"]\n", "no component `tt`"),
        ("title = \"x\"\n[set.service.s]\nnedes = [\"t\"]\n", "nedes"),
        ("title = \"x\"\n[set.service.s]\nneeds = [\"nobody\"]\n", "nobody"),
    ] {
        let wrong = lay_patch(&Source::new("p.toml", text), &mut map).expect_err(text);
        let message = wrong.to_string();
        assert!(message.contains("p.toml:") && message.contains(expected), "{message}");
    }
    assert_eq!(before, map);
    let wrong = compare(&job(&map, &scenario, 1, 9), &[Variant::alone(&id("haalf"))], &|_, _| {});
    let message = wrong.expect_err("no such fix").to_string();
    assert!(message.contains("`haalf`") && message.contains("half"), "{message}");
}

fn promised(text: &str, scenarios: &[Scenario], fixes: &[Id], trials: u64) -> Promises {
    let map = map(text);
    let jobs: Vec<Job<'_>> = scenarios.iter().map(|s| job(&map, s, 1, trials)).collect();
    promise(&jobs, fixes, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"))
}

#[test]
fn a_promise_is_a_quantile_and_the_worst_scenario_counts() {
    // One repair of Exp(5 h): the p-quantile is -5 ln(1 - p) h.
    let short = scenario(DOWN);
    let long = scenario(&DOWN.replace("id = \"services_down\"", "id = \"late\"").replace(
        "[[strike]]",
        "[[phase]]\nphase = \"declare\"\nname = \"decided\"\ntakes = \"10h\"\n\n[[strike]]",
    ));
    let trials = 40_000;
    let answer = promised(SHARED, &[short, long], &[], trials);
    let other = answer.functions.iter().find(|f| f.function == id("other")).expect("there");
    let now = other.now.as_ref().expect("it is simulated");
    assert_eq!((other.stated_rto, &now.rto_kept, &other.then), (None, &None, &None));
    for (index, p) in [0.8, 0.9, 0.95_f64].into_iter().enumerate() {
        let exact = -5.0 * (1.0 - p).ln() * HOUR;
        let quantile = now.scenarios[0].rto[index];
        let worst = &now.rto[index];
        let ms = |value| if let Elapsed::Ms(ms) = value { ms as f64 } else { f64::INFINITY };
        // Twice the 95 % interval is beyond 99.99 %.
        let slack = ms(quantile.high) - ms(quantile.low);
        assert!(slack > 0.0 && (ms(quantile.value) - exact).abs() < slack, "{quantile:?}");
        assert_eq!(worst.scenario, "late");
        assert!((ms(worst.quantile.value) - exact - 10.0 * HOUR).abs() < slack, "{worst:?}");
    }
    let shop = answer.functions.iter().find(|f| f.function == id("f")).expect("there");
    let kept = shop.now.as_ref().and_then(|now| now.rto_kept.clone()).expect("an RTO is set");
    assert_eq!(kept.scenario, "late");
    // P(A + B <= 10) for Exp(12) + Exp(8), after ten hours of deciding.
    let exact = 1.0 - (12.0 * (-10.0 / 12.0_f64).exp() - 8.0 * (-10.0 / 8.0_f64).exp()) / 4.0;
    let error = (exact * (1.0 - exact) / trials as f64).sqrt();
    assert!((kept.chance.share - exact).abs() < 4.0 * error, "{} {exact}", kept.chance.share);
}

#[test]
fn with_a_fix_more_can_be_promised() {
    let answer = promised(SHARED, &[scenario(DOWN)], &[id("half")], 5000);
    let shop = answer.functions.iter().find(|f| f.function == id("f")).expect("there");
    let [now, then] = [&shop.now, &shop.then].map(|side| side.as_ref().expect("simulated"));
    assert!(then.rto.iter().zip(&now.rto).all(|(a, b)| a.quantile.value < b.quantile.value));
    let kept = [now, then].map(|side| side.rto_kept.as_ref().expect("an RTO").chance.share);
    assert!(kept[1] > kept[0] + 0.05, "{kept:?}");
    // The promise at 80 % is kept in 80 % of the nights of a plain run.
    let runs = Trials::of(SHARED, DOWN, 1, 5000);
    let Elapsed::Ms(limit) = now.rto[0].quantile.value else { panic!("it ends") };
    let within = runs.function("f").usable.iter().filter(|ms| **ms <= limit).count();
    assert_eq!(within, 4000);
}
