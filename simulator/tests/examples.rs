//! The shipped organisations: every scenario runs, each organisation feels one
//! person more or less, and its lesson comes out of the numbers.
use evenkeel_config::library::{EXAMPLES, Example};
use evenkeel_config::load::{Source, evidence_from, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{Elapsed, EvidenceSet, FixEffect, FunctionSummary, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::{DEFAULT_SEED, Job, simulate};

fn example(name: &str) -> &'static Example {
    EXAMPLES.iter().find(|example| example.name == name).expect("a shipped example")
}

/// The map of an example, with a piece laid over it.
fn map(example: &Example, piece: &str) -> DependencyMap {
    let mut sources: Vec<Source> =
        example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    sources.push(Source::new("piece.toml", piece));
    map_from(&sources).expect("the example loads").value
}

fn scenarios(example: &Example) -> Vec<Scenario> {
    let read = |(file, text): &(&str, &str)| scenario_from(&Source::new(*file, *text));
    example.scenarios.iter().map(|one| read(one).expect("the scenario loads").value).collect()
}

fn evidence(example: &Example) -> EvidenceSet {
    evidence_from(&Source::new("evidence.json", example.evidence)).expect("the evidence loads")
}

fn run(example: &Example, map: &DependencyMap, scenario: &str, trials: u64) -> Summary {
    let all = scenarios(example);
    let scenario = all.iter().find(|one| one.id == scenario).expect("a scenario of the example");
    let job = Job {
        map,
        scenario,
        modifiers: &[],
        evidence: &[evidence(example)],
        as_of: None,
        seed: DEFAULT_SEED,
        trials,
        threads: None,
        fixes: true,
    };
    simulate(&job, &|_, _| ()).expect("the example runs")
}

fn function<'s>(summary: &'s Summary, id: &str) -> &'s FunctionSummary {
    summary.functions.iter().find(|one| one.id.as_str() == id).expect("a function of the example")
}

fn likely(function: &FunctionSummary) -> Elapsed {
    function.usable_at(0.5).expect("P50 is among the quantiles").value
}

fn hours(elapsed: Elapsed) -> f64 {
    elapsed.ms().map_or(f64::INFINITY, |ms| ms as f64 / 3.6e6)
}

/// The effect of a fix on a function.
fn effect<'s>(summary: &'s Summary, fix: &str, function: &str) -> &'s FixEffect {
    let fix = summary.fixes.iter().find(|one| one.id.as_str() == fix).expect("a fix");
    fix.effects.iter().find(|one| one.function.as_str() == function).expect("an effect")
}

fn place(summary: &Summary, fix: &str) -> usize {
    summary.fixes.iter().position(|one| one.id.as_str() == fix).expect("a fix")
}

#[test]
fn every_scenario_of_every_example_runs_on_its_map() {
    for example in EXAMPLES {
        let map = map(example, "");
        let all = scenarios(example);
        assert_eq!(all.len(), 8, "{}", example.name);
        for scenario in all.iter().filter(|one| !one.modifier) {
            let summary = run(example, &map, &scenario.id, 20);
            for function in &summary.functions {
                assert_eq!(function.cannot, None, "{} {}", example.name, scenario.id);
            }
            // The town's password vault needs itself, and the simulator says so.
            let town = example.name == "city-hall";
            assert_eq!(summary.notes.iter().any(|note| note.contains("password vault")), town);
            assert_eq!(summary.notes.len(), usize::from(town), "{:?}", summary.notes);
        }
    }
}

#[test]
fn one_person_less_and_one_more_each_move_two_functions() {
    let cases = [
        ("city-hall", "kim", r#"skills = ["desktop", "network", "m365", "backup"]"#),
        ("small-business", "tomas", r#"skills = ["desktop", "linux", "network", "cam"]"#),
        ("non-profit", "ben", r#"skills = ["desktop", "cloud-admin", "network", "donor-system"]"#),
    ];
    for (name, gone, skills) in cases {
        let example = example(name);
        let piece = format!(
            "[fix.one-less]\ntitle = \"one person less\"\nonce = 0\nremove = [\"{gone}\"]\n\
             [fix.one-more]\ntitle = \"one person more\"\nonce = 0\n\
             [fix.one-more.set.person.one-more]\n{skills}\novertime = \"Mon-Sun 07:00-21:00\"\n"
        );
        let summary = run(example, &map(example, &piece), "ransomware", 600);
        for id in ["one-less", "one-more"] {
            let fix = summary.fixes.iter().find(|fix| fix.id.as_str() == id).expect("simulated");
            assert_eq!(fix.cannot, None, "{name} {id}");
            let later = |effect: &&FixEffect| match id {
                "one-less" => hours(effect.likely[1]) > hours(effect.likely[0]),
                _ => hours(effect.likely[1]) < hours(effect.likely[0]),
            };
            let moved = fix.effects.iter().filter(later).count();
            assert!(moved >= 2, "{name}: {id} moves {moved} medians");
        }
    }
}

#[test]
fn in_the_town_the_best_fixes_cost_almost_nothing() {
    let town = example("city-hall");
    let summary = run(town, &map(town, ""), "ransomware", 2_000);
    assert_eq!(place(&summary, "console-off-domain"), 0);
    assert_eq!(place(&summary, "vault-on-paper"), 1);
    assert_eq!(place(&summary, "new-server"), 2);
    for (function, share) in [("emergency-dispatch", 0.8), ("payroll", 0.95)] {
        let won = effect(&summary, "console-off-domain", function);
        assert!(hours(won.bad_night[1]) < share * hours(won.bad_night[0]), "{function}");
    }
}

#[test]
fn in_the_firm_a_second_technician_waits_for_the_licence_too() {
    let firm = example("small-business");
    let map = map(firm, "");
    let server = run(firm, &map, "host_failure", 500);
    let hired = effect(&server, "second-technician", "order-to-ship");
    let prepared = effect(&server, "licence-prepared", "order-to-ship");
    assert!(hours(hired.likely[1]) > 0.95 * hours(hired.likely[0]));
    assert!(hours(prepared.likely[1]) < 0.5 * hours(prepared.likely[0]));
    let helper = run(firm, &map, "msp_gone", 500);
    let (without_helper, without_server) =
        (likely(function(&helper, "order-to-ship")), likely(function(&server, "order-to-ship")));
    assert!(hours(without_helper) > hours(without_server));
}

#[test]
fn at_the_charity_nothing_on_site_matters_much() {
    let charity = example("non-profit");
    let map = map(charity, "");
    let kept = |summary: &Summary| {
        let shares = summary.functions.iter().filter_map(|function| function.rto);
        shares.map(|chance| chance.share).fold(1.0, f64::min)
    };
    assert!(kept(&run(charity, &map, "site_loss", 200)) > 0.95);
    assert!(kept(&run(charity, &map, "host_failure", 200)) > 0.95);
    assert!(kept(&run(charity, &map, "account_loss", 200)) < 0.2);
    let season = run(charity, &map, "saas_outage", 200);
    assert!(kept(&season) < 0.2);
    let export = effect(&season, "crm-export", "gift-to-thanks");
    assert!(hours(export.likely[1]) < 0.5 * hours(export.likely[0]));
}
