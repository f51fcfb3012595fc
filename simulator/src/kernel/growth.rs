//! How the work of a trial grows with the map: no worse than n log n, counted and not timed.
use std::fmt::Write;

use evenkeel_config::load::{Source, map_from, scenario_from};

use super::{Trial, work};
use crate::compile::{Inputs, compile};
use crate::draw::Tables;
use crate::model::{Model, NEVER};
use crate::outcome::outcome;

const EVERYTHING_STOPS: &str = "id = \"stop\"\ntitle = \"everything stops\"\n\
    question = \"If everything stops\"\nstory = \"Every service stops at once.\"\nwhen = \"now\"\n\
    horizon = \"3000d\"\n[[strike]]\nname = \"stop\"\nreach = { kinds = [\"service\"] }\neffect = \"down\"\n";

/// So many services, each repaired once three earlier ones are back, and one
/// function that needs them all: it is looked at whenever one of them returns.
fn model(services: u32, crew: u32) -> Model {
    let all: Vec<String> = (0..services).map(|number| format!("\"s{number}\"")).collect();
    let mut map = format!(
        "[organisation]\nname = \"Growth\"\ntimezone = \"UTC\"\n[function.all]\nneeds = [{}]\n\
         [team.crew]\nskills = [\"repair\"]\ncount = {crew}\nhours = \"24x7\"\n",
        all.join(", ")
    );
    let mut state = 7_u32;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % limit
    };
    for number in 0..services {
        let mut awaited: Vec<u32> = (0..number.min(3)).map(|_| below(number)).collect();
        awaited.sort_unstable();
        awaited.dedup();
        let awaited: Vec<String> = awaited.iter().map(|other| format!("\"s{other}\"")).collect();
        let _ = writeln!(
            map,
            "[service.s{number}]\nrecover_needs = [{}]\n\
             repair = [{{ step = \"repair\", effort = {{ mean = \"5h\" }}, skill = \"repair\" }}]",
            awaited.join(", ")
        );
    }
    compiled(&map)
}

fn compiled(map: &str) -> Model {
    let map = map_from(&[Source::new("map.toml", map)]).expect("it loads").value;
    let scenario = Source::new("stop.toml", EVERYTHING_STOPS);
    let scenario = scenario_from(&scenario).expect("it loads").value;
    let as_of = "2026-11-17T13:00:00Z".parse().expect("an instant");
    let (map, scenario) = (&map, &scenario);
    let inputs = Inputs { map, scenario, modifiers: &[], evidence: &[], as_of, seen_on: None };
    compile(&inputs, &mut Tables::default()).expect("it compiles").model
}

#[test]
fn many_ends_at_one_instant_are_no_deadlock() {
    // 2,000 services, each of six steps that end at the same millisecond.
    let at_once = |services: u32| {
        let all: Vec<String> = (0..services).map(|number| format!("\"s{number}\"")).collect();
        let mut map = format!(
            "[organisation]\nname = \"Growth\"\ntimezone = \"UTC\"\n[function.all]\nneeds = [{}]\n",
            all.join(", ")
        );
        let more = |n: u32| format!(", {{ step = \"look {n}\", wait = \"0h\" }}");
        let more: String = (0..5).map(more).collect();
        for service in all {
            let _ = writeln!(
                map,
                "[service.{}]\nrepair = [{{ step = \"repair\", wait = \"1h\" }}{more}]",
                service.trim_matches('"')
            );
        }
        map
    };
    let model = compiled(&at_once(2_000));
    let mut trial = Trial::new(&model);
    trial.run(1, 0);
    assert_eq!(outcome(&model, &mut trial, 0).usable, 3_600_000);
}

/// Looks that a trial takes, in units of n log n.
fn looks(services: u32, crew: u32) -> f64 {
    let model = model(services, crew);
    let mut trial = Trial::new(&model);
    let looks = work::of(|| trial.run(1, 0));
    assert!(outcome(&model, &mut trial, 0).usable < NEVER, "it comes back");
    looks as f64 / (f64::from(services) * libm::log2(f64::from(services)))
}

#[test]
fn a_trial_costs_no_more_than_n_log_n_to_ten_thousand_components() {
    for (services, crew) in [(200, 3), (1_000, 3), (1_000, 15), (10_000, 3), (10_000, 150)] {
        let looks = looks(services, crew);
        assert!(looks <= MOST, "{services} components, a crew of {crew}: {looks} n log n");
    }
}

/// 3.1 measured at 200 components, less at more.
const MOST: f64 = 4.0;
