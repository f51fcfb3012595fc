//! What must hold on any map: threads, streams, perfection, sums, order, cycles.
use std::collections::BTreeMap;

use evenkeel_config::library::Example;
use evenkeel_config::load::{Source, evidence_from, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{Elapsed, EvidenceSet, Summary};
use evenkeel_config::scenario::Scenario;
use evenkeel_simulator::kernel::Trial;
use evenkeel_simulator::key::Luck;
use evenkeel_simulator::model::{Model, NEVER};
use evenkeel_simulator::outcome::{intervals, outcome};
use evenkeel_simulator::{Job, simulate};
use proptest::prelude::*;

use crate::support::{Trials, as_of, map, model, scenario};

struct Town {
    map: DependencyMap,
    scenario: Scenario,
    evidence: Vec<EvidenceSet>,
}

fn town(id: &str) -> Town {
    let example = Example::named("city-hall").expect("it is shipped");
    let sources: Vec<Source> =
        example.map.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let file = format!("scenarios/{id}.toml");
    let (name, text) =
        example.scenarios.iter().find(|(name, _)| *name == file).expect("it is shipped");
    Town {
        map: map_from(&sources).unwrap_or_else(|p| panic!("{p}")).value,
        scenario: scenario_from(&Source::new(*name, *text)).unwrap_or_else(|p| panic!("{p}")).value,
        evidence: vec![
            evidence_from(&Source::new("evidence.json", example.evidence))
                .unwrap_or_else(|p| panic!("{p}")),
        ],
    }
}

impl Town {
    fn simulate(&self, threads: usize, trials: u64) -> Summary {
        let job = Job {
            map: &self.map,
            scenario: &self.scenario,
            modifiers: &[],
            evidence: &self.evidence,
            as_of: None,
            seed: 7,
            trials,
            threads: Some(threads),
            fixes: true,
        };
        simulate(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"))
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let town = town("ransomware");
    let bytes = |threads| serde_json::to_string(&town.simulate(threads, 300)).expect("JSON");
    let one = bytes(1);
    assert!(one.len() > 10_000);
    assert_eq!(one, bytes(2));
    assert_eq!(one, bytes(16));
}

#[test]
fn summaries_are_consistent_in_themselves() {
    let town = town("ransomware");
    let summary = town.simulate(2, 500);
    assert!(summary.fixes.iter().any(|fix| fix.cannot.is_none()));
    assert!(summary.functions.iter().any(|f| f.bad_night.is_some()));
    for function in summary.functions.iter().filter(|f| f.cannot.is_none()) {
        let rising = |a: f64, b: f64| a <= b;
        assert!(function.usable.is_sorted_by(|a, b| a.value <= b.value), "{}", function.id);
        for quantile in &function.usable {
            assert!(quantile.low <= quantile.value && quantile.value <= quantile.high);
        }
        assert!(function.curve.is_sorted_by(|a, b| a.at_ms < b.at_ms && rising(a.share, b.share)));
        for (usable, recovered) in function.usable.iter().zip(&function.recovered) {
            assert!(usable.value <= recovered.value, "{}", function.id);
        }
        if let (Some(rto), Some(mtd)) = (function.rto, function.mtd) {
            assert!(rto.count <= mtd.count, "{}", function.id);
        }
        for night in function.likely_night.iter().chain(&function.bad_night) {
            let Elapsed::Ms(whole) = night.usable else { continue };
            let sum: i64 = night.segments.iter().map(|s| s.to_ms - s.from_ms).sum();
            assert_eq!(sum, whole, "{}", function.id);
            assert_eq!(night.segments.first().map(|s| s.from_ms), Some(0));
            let joined = |a: &evenkeel_config::record::Segment, b: &_| {
                let b: &evenkeel_config::record::Segment = b;
                a.to_ms == b.from_ms
            };
            assert!(night.segments.is_sorted_by(joined), "{}", function.id);
        }
        let never: u64 = function.never.iter().map(|reason| reason.count).sum();
        let back = function.curve.last().map_or(0.0, |point| point.share);
        assert!(
            (back - 1.0 + never as f64 / 500.0).abs() < 1e-9,
            "{}: {back} {never}",
            function.id
        );
    }
    // Life safety comes first and carries no money.
    assert!(summary.functions.is_sorted_by(|a, b| a.life_safety >= b.life_safety));
    assert!(summary.functions.iter().all(|f| !f.life_safety || f.cost.is_empty()));
}

#[test]
fn the_parts_of_the_chain_add_up_to_the_whole() {
    for id in ["ransomware", "site_loss", "isp_outage"] {
        let town = town(id);
        let model = model(&town.map, &town.scenario);
        let mut trial = Trial::new(&model);
        let mut touched = 0;
        for number in 0..300 {
            trial.run(3, number);
            for function in 0..model.functions.len() {
                let result = outcome(&model, &mut trial, function);
                let sum: i64 = intervals(&trial.chain, result.why).map(|(_, time)| time).sum();
                let whole = if result.usable == NEVER { 0 } else { result.usable };
                assert_eq!(sum, whole, "{id}, trial {number}");
                assert!(result.usable <= result.recovered, "{id}, trial {number}");
                touched += u32::from(result.usable > 0);
            }
        }
        assert!(touched > 100, "{id} touches something");
    }
}

/// Every number that can be drawn, by the names it is drawn for.
fn dump(model: &Model) -> BTreeMap<String, Vec<u64>> {
    let mut all = BTreeMap::new();
    let bits = |purpose, attempt| Luck::new(1, 5).bits(purpose, attempt);
    for step in &model.steps {
        let owner = model.names.ids.get(step.owner as usize);
        let name = &model.names.steps[step.name as usize];
        let draws = [&step.effort, &step.wait, &step.lead];
        let values = draws.into_iter().flatten().map(|draw| bits(draw.purpose, 2)).collect();
        all.insert(format!("{owner:?} {name}"), values);
    }
    for person in &model.people {
        let id = &model.names.ids[person.node as usize];
        all.insert(format!("{id} away"), vec![bits(person.away_key, 0), bits(person.days_key, 0)]);
    }
    for data in &model.datasets {
        for chain in &data.chains {
            let copy = &model.copies[chain.copy as usize];
            let names = [data.node, copy.node].map(|node| model.names.ids[node as usize].clone());
            let keys = [chain.job_key, chain.phase_key, chain.damage_key, copy.works_key];
            all.insert(format!("{names:?}"), keys.map(|key| bits(key, 1)).to_vec());
        }
    }
    for strike in &model.strikes {
        for target in &strike.targets {
            let id = &model.names.ids[target.node as usize];
            let name = &model.names.steps[strike.name as usize];
            all.insert(format!("{id} {name}"), vec![bits(target.hit_key, 0)]);
        }
    }
    all
}

#[test]
fn a_component_more_changes_nobody_elses_luck() {
    let town = town("ransomware");
    let before = dump(&model(&town.map, &town.scenario));
    let example = Example::named("city-hall").expect("it is shipped");
    let mut sources: Vec<Source> =
        example.map.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let domains =
        || town.map.components.values().filter_map(|c| c.common.credential_domain.clone());
    let domain = domains().max_by_key(|domain| domains().filter(|other| other == domain).count());
    let more = format!(
        "[host.aa-new]\ncredential_domain = \"{}\"\nclear = [{{ step = \"clear\", effort = {{ mean = \"3h\" }} }}]\n\
         recover = [{{ step = \"rebuild\", effort = {{ mean = \"9h\" }} }}]\n",
        domain.expect("the town has a login")
    );
    sources.push(Source::new("map/zz-more.toml", more));
    let larger = map_from(&sources).unwrap_or_else(|p| panic!("{p}")).value;
    let larger = model(&larger, &town.scenario);
    let reachable = larger
        .strikes
        .iter()
        .flat_map(|strike| &strike.targets)
        .any(|target| larger.names.ids[target.node as usize].as_str() == "aa-new");
    assert!(reachable, "the new component can be struck");
    let after = dump(&larger);
    assert!(after.len() > before.len() && before.len() > 100);
    for (name, values) in &before {
        assert_eq!(after.get(name), Some(values), "{name}");
    }
}

const TWO: &str = r#"
[organisation]
name = "two"
[function.f]
needs = ["s"]
[function.g]
needs = ["t"]
[service.s]
repair = [{ step = "repair", effort = { mean = "8h" }, success = 0.7 }]
[service.t]
repair = [{ step = "repair", effort = { median = "3h", p95 = "9h" } }]
"#;
const DOWN: &str = include_str!("../cases/services-down.scenario.toml");

#[test]
fn an_unrelated_component_changes_no_result() {
    let before = Trials::of(TWO, DOWN, 1, 500);
    let more = format!(
        "{TWO}[service.a]\nrepair = [{{ step = \"repair\", effort = {{ mean = \"1h\" }} }}]\n[function.a-f]\nneeds = [\"a\"]\n"
    );
    let after = Trials::of(&more, DOWN, 1, 500);
    for id in ["f", "g"] {
        assert_eq!(before.function(id).usable, after.function(id).usable);
    }
}

/// A map of services in layers, each needing some of the layer below.
fn layered(edges: &[(usize, usize)], efforts: &[u32], perfect: Option<usize>) -> String {
    let mut text = String::from("[organisation]\nname = \"layers\"\n[function.f]\nneeds = [");
    for node in 0..efforts.len() {
        text.push_str(&format!("\"s{node}\","));
    }
    text.push_str("]\n");
    for (node, effort) in efforts.iter().enumerate() {
        let below: Vec<String> = edges
            .iter()
            .filter(|(from, to)| *from == node && *to < node)
            .map(|(_, to)| format!("\"s{to}\""))
            .collect();
        let law = if perfect == Some(node) {
            "\"0s\"".into()
        } else {
            format!("{{ mean = \"{effort}min\" }}")
        };
        text.push_str(&format!(
            "[service.s{node}]\nrecover_needs = [{}]\nrepair = [{{ step = \"repair\", effort = {law} }}]\n",
            below.join(",")
        ));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_perfect_component_never_lengthens_recovery_with_unlimited_crews(
        edges in proptest::collection::vec((0_usize..8, 0_usize..8), 0..20),
        efforts in proptest::collection::vec(1_u32..600, 2..8),
        perfect in 0_usize..8,
    ) {
        let perfect = perfect % efforts.len();
        let before = Trials::of(&layered(&edges, &efforts, None), DOWN, 1, 40);
        let after = Trials::of(&layered(&edges, &efforts, Some(perfect)), DOWN, 1, 40);
        for (before, after) in before.function("f").usable.iter().zip(&after.function("f").usable) {
            prop_assert!(after <= before);
            prop_assert!(*before < NEVER);
        }
    }

    #[test]
    fn any_recovery_order_ends_and_cycles_are_never(
        edges in proptest::collection::vec((0_usize..6, 0_usize..6), 0..24),
    ) {
        let mut text = String::from("[organisation]\nname = \"any\"\n");
        for node in 0..6 {
            let needs: Vec<String> = edges.iter().filter(|e| e.0 == node && e.1 != node).map(|e| format!("\"s{}\"", e.1)).collect();
            text.push_str(&format!(
                "[function.f{node}]\nneeds = [\"s{node}\"]\n[service.s{node}]\nneeds = [{}]\nrepair = [{{ step = \"repair\", effort = \"1h\" }}]\n",
                needs.join(",")
            ));
        }
        let trials = Trials::of(&text, DOWN, 1, 2);
        let mut reach = [[false; 6]; 6];
        for (from, to) in &edges {
            reach[*from][*to] |= from != to;
        }
        for middle in 0..6 {
            for from in 0..6 {
                for to in 0..6 {
                    reach[from][to] |= reach[from][middle] && reach[middle][to];
                }
            }
        }
        for node in 0..6 {
            let stuck = reach[node][node] || (0..6).any(|other| reach[node][other] && reach[other][other]);
            let usable = trials.function(&format!("f{node}")).usable[0];
            prop_assert_eq!(usable == NEVER, stuck, "f{}", node);
        }
    }
}

#[test]
fn breaking_the_glass_starts_a_cycle_cold() {
    let text = r#"
[organisation]
name = "cycle"
[function.f]
needs = ["dns", "directory"]
[service.dns]
needs = ["directory"]
repair = [{ step = "repair", effort = "1h", break_glass = true }]
[service.directory]
needs = ["dns"]
repair = [{ step = "repair", effort = "3h" }]
"#;
    let trials = Trials::of(text, DOWN, 1, 2);
    assert_eq!(trials.function("f").usable, vec![3 * 3_600_000; 2]);
    let closed = Trials::of(&text.replace(", break_glass = true", ""), DOWN, 1, 2);
    assert_eq!(closed.function("f").usable, vec![NEVER; 2]);
}

#[test]
fn a_vault_on_the_host_it_recovers_is_said_to_wait_for_itself() {
    let text = r#"
[organisation]
name = "vault"
[function.f]
needs = ["files"]
[vm.files]
runs_on = "hv"
recover = [{ step = "rebuild", effort = "1h" }]
[vm.vault]
runs_on = "hv"
recover = [{ step = "rebuild", effort = "1h" }]
[host.hv]
recover_needs = ["vault"]
recover = [{ step = "reinstall", effort = "4h" }]
"#;
    let strike = r#"
title = "the host dies"
question = "If the host dies"
story = "It dies."
when = "now"
[[strike]]
name = "dies"
reach = { ids = ["hv"] }
effect = "lost"
"#;
    let (map, scenario) = (map(text), scenario(strike));
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of: Some(as_of()),
        seed: 1,
        trials: 10,
        threads: Some(1),
        fixes: false,
    };
    let summary = simulate(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"));
    let never = &summary.functions[0].never;
    assert_eq!(never.len(), 1, "{never:?}");
    assert!(never[0].reason.contains("waits for itself"), "{never:?}");
    let opened = text.replace("effort = \"4h\"", "effort = \"4h\", break_glass = true");
    let trials = Trials::of(&opened, strike, 1, 2);
    assert_eq!(trials.function("f").usable, vec![5 * 3_600_000; 2]);
}

#[test]
fn a_fleet_is_cleared_in_a_straight_line() {
    // 500 PCs of 20 hands-on minutes, two people of 8.5 hours a day: 9.8 days of work.
    let text = r#"
[organisation]
name = "fleet"
bad_day = 0
[function.f]
needs = ["pcs"]
[fleet.pcs]
count = 500
clear = [{ step = "clear", effort = "20min", skill = "pc", each = true }]
[team.two]
count = 2
skills = ["pc"]
"#;
    let strike = r#"
title = "all PCs suspect"
question = "If all PCs are suspect"
story = "They are."
when = "2026-11-16 08:30"
[[strike]]
name = "suspect"
reach = { ids = ["pcs"] }
effect = "suspect"
"#;
    let hours = |text: &str| Trials::of(text, strike, 1, 1).function("f").usable[0] as f64 / 3.6e6;
    // 83 h 20 min each: nine days of 8.5 h, then 6 h 50 min on the second Friday.
    // Work is handed out in two dozen parts, which may not split quite evenly.
    let whole = hours(text);
    assert!((whole - (11.0 * 24.0 + 6.0 + 5.0 / 6.0)).abs() < 1.0, "{whole}");
    // Half of them: 41 h 40 min each, done on the first Friday at 16:10.
    let half = hours(&text.replace("count = 500", "count = 500\nusable_at = 0.5"));
    assert!((half - (4.0 * 24.0 + 7.0 + 2.0 / 3.0)).abs() < 1.0, "{half}");
}

#[test]
fn hold_up_hides_a_short_outage() {
    let text = r#"
[organisation]
name = "ups"
[function.f]
needs = ["server"]
[host.server]
needs = [{ id = "mains", hold_up = "30min" }]
[power.mains]
"#;
    let strike = |lasts: &str| {
        format!(
            "title = \"cut\"\nquestion = \"If the power fails\"\nstory = \"It fails.\"\nwhen = \"now\"\n\
             [[strike]]\nname = \"cut\"\nreach = {{ ids = [\"mains\"] }}\neffect = \"down\"\nlasts = \"{lasts}\"\n"
        )
    };
    let usable = |lasts: &str| Trials::of(text, &strike(lasts), 1, 1).function("f").usable[0];
    assert_eq!(usable("20min"), 0);
    assert_eq!(usable("2h"), 2 * 3_600_000);
}

#[test]
fn intruders_spoil_young_snapshots_and_retention_drops_old_ones() {
    // Intruder lognormal, median 5 d, sigma 1; daily backups at an unknown time:
    // no clean copy in 3.8 % of cases when kept 30 d, 16.04 % when kept 14 d.
    let text = |keep: &str| {
        format!(
            "[organisation]\nname = \"dwell\"\nbad_day = 0\n[function.f]\nneeds = [\"d\"]\n\
             [dataset.d]\nsize = \"1 kB\"\nbackups = [{{ copy = \"nas\", every = \"24h\", keep = \"{keep}\" }}]\n\
             [copy.nas]\nspeed = \"1 MB/s\"\nrestore_success = 1\n"
        )
    };
    let p95 = 5.0 * 1.644_853_627_f64.exp();
    let strike = format!(
        "title = \"t\"\nquestion = \"q\"\nstory = \"s\"\nwhen = \"week\"\ndwell = {{ median = \"5d\", p95 = \"{p95}d\" }}\n\
         [[strike]]\nname = \"gone\"\nreach = {{ kinds = [\"dataset\"] }}\neffect = \"lost\"\n"
    );
    for (keep, exact) in [("30d", 0.037_963_8), ("14d", 0.160_404_7)] {
        let trials = Trials::of(&text(keep), &strike, 1, 100_000);
        let losses = &trials.function("f").data_loss;
        let all = losses.iter().filter(|ms| **ms == NEVER).count() as f64 / 1e5;
        let error = (exact * (1.0 - exact) / 1e5_f64).sqrt();
        assert!((all - exact).abs() < 3.89 * error, "{keep}: {all} is not {exact}");
    }
}
