//! What a trial draws: a component more, and reachable, changes nobody else's luck.
use evenkeel_config::library::Example;
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::scenario::Scenario;

use super::Trial;
use crate::compile::{Inputs, compile};
use crate::draw::Tables;
use crate::key::dump::{self, Drawn};

/// Every (purpose, attempt) that one trial draws, with its value.
fn drawn(map: &DependencyMap, scenario: &Scenario, trial: u32) -> Drawn {
    let as_of = "2026-11-17T13:00:00Z".parse().expect("an instant");
    let inputs = Inputs { map, scenario, modifiers: &[], evidence: &[], as_of, seen_on: None };
    let model = compile(&inputs, &mut Tables::default()).expect("it compiles").model;
    dump::of(|| Trial::new(&model).run(11, trial))
}

#[test]
fn a_reachable_component_more_changes_nobody_elses_draws() {
    let example = Example::named("city-hall").expect("it is shipped");
    let mut sources: Vec<Source> =
        example.map.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let before = map_from(&sources).expect("it loads").value;
    let text = example.scenarios.iter().find(|(name, _)| name.contains("ransomware"));
    let (name, text) = text.expect("it is shipped");
    let scenario = scenario_from(&Source::new(*name, *text)).expect("it loads").value;
    let logins = || before.components.values().filter_map(|c| c.common.credential_domain.as_ref());
    let main = logins().max_by_key(|one| logins().filter(|other| other == one).count());
    // It is struck, restored from the same repository, and worked on by the same people.
    let copy = before.components.values().find(|c| c.kind.key() == "copy").expect("a copy");
    let skill = before.skills().into_keys().next().expect("a skill");
    sources.push(Source::new(
        "map/zz-more.toml",
        format!(
            "[function.aa-wants]\nneeds = [\"aa-new\"]\n\
             [host.aa-new]\ncredential_domain = \"{}\"\n\
             clear = [{{ step = \"clear\", effort = {{ mean = \"3h\" }}, skill = \"{skill}\" }}]\n\
             recover = [{{ step = \"rebuild\", effort = {{ mean = \"9h\" }}, skill = \"{skill}\", success = 0.5 }},\n\
             {{ step = \"restore\", dataset = \"aa-data\" }}]\n\
             [dataset.aa-data]\nsize = \"10 GB\"\nstored_on = \"aa-new\"\n\
             backups = [{{ copy = \"{}\", every = \"24h\", keep = \"30d\" }}]\n",
            main.expect("a login"),
            copy.id
        ),
    ));
    let after = map_from(&sources).unwrap_or_else(|problems| panic!("{problems}")).value;
    let (mut drawn_more, mut shared) = (0, 0);
    for trial in 0..50 {
        let (old, new) = (drawn(&before, &scenario, trial), drawn(&after, &scenario, trial));
        assert!(old.len() > 40, "{} draws in a trial", old.len());
        drawn_more += new.keys().filter(|key| !old.contains_key(*key)).count();
        for (key, bits) in &old {
            // A busy person or a shared link may make a draw of the other trial
            // needless, but none that is made has another key or value.
            if let Some(other) = new.get(key) {
                assert_eq!(other, bits, "trial {trial}");
                shared += 1;
            }
        }
        let kept = old.keys().filter(|key| new.contains_key(*key)).count();
        assert!(kept * 100 >= old.len() * 95, "trial {trial}: {kept} of {}", old.len());
    }
    assert!(drawn_more > 100 && shared > 2000, "{drawn_more} {shared}");
}
