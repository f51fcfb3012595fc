//! What a scenario says must make sense by itself, before any map is known.
use std::collections::BTreeSet;

use super::super::places::Places;
use crate::problem::Problems;
use crate::quantity::Span;
use crate::scenario::{Effect, Scenario, Strike};

pub(super) fn check(scenario: &Scenario, places: Places<'_>, problems: &mut Problems) {
    let mut sense = Sense { places, problems };
    sense.id(&scenario.id);
    if scenario.strike.is_empty() && !scenario.modifier && scenario.loss.is_none() {
        let hint = "say what is struck, as in `[[strike]]` with `reach = { kinds = [\"host\"] }`, or \
                    mark it `modifier = true`";
        sense.error("", "the scenario strikes nothing", hint);
    }
    let changes = !scenario.away.is_empty()
        || !scenario.strike.is_empty()
        || scenario.lead_times.is_some()
        || scenario.restore_success.is_some()
        || scenario.bad_day.is_some();
    if scenario.modifier && !changes {
        let hint = "say what it changes, as in `away = [\"main\"]`, `lead_times = 3.0` or a strike";
        sense.error("modifier", "the modifier changes nothing", hint);
    }
    if scenario.modifier && !scenario.phase.is_empty() {
        let hint = "the scenario it is laid over says how it is noticed; leave them out";
        sense.error("phase", "a modifier has no phases of its own", hint);
    }
    if scenario.lead_times.is_some_and(|factor| !(factor > 0.0 && factor <= 100.0)) {
        let hint = "write how many times as long they take, as in `lead_times = 3.0`";
        sense.error("lead_times", "lead times can take up to 100 times as long", hint);
    }
    if scenario.modifier && (scenario.frequency.is_some() || scenario.loss.is_some()) {
        let key = if scenario.loss.is_some() { "loss" } else { "frequency" };
        let hint = "the scenario it is laid over says how often it happens; leave it out";
        sense.error(key, "a modifier does not happen by itself", hint);
    }
    if let Some(frequency) = &scenario.frequency {
        for (below, what, hint) in frequency.faults() {
            let key = if below.is_empty() { String::new() } else { format!(".{below}") };
            sense.error(&format!("frequency{key}"), what, hint);
        }
        if frequency.wear.is_some() && !frequency.components {
            let hint = "add `components = true`, so that it counts for each struck component by the \
                        day it was `bought`";
            sense.error("frequency.wear", "a scenario has no age", hint);
        }
    }
    if let Some((what, hint)) = scenario.loss.and_then(|loss| loss.fault()) {
        sense.error("loss", what, hint);
    }
    if scenario.horizon == Some(Span::ZERO) {
        sense.error("horizon", "the horizon is zero", "as in `horizon = \"90d\"`");
    }
    if scenario.reinfection.is_some() && scenario.dwell.is_none() {
        let hint = "say how long the intruder was inside, as in `dwell = \"5d\"`, or leave it out";
        sense.error("reinfection", "nobody was inside, so every snapshot is clean", hint);
    }
    sense.unique("strike", scenario.strike.iter().map(|strike| strike.name.as_str()));
    sense.unique("phase", scenario.phase.iter().map(|phase| phase.name.as_str()));
    for (index, strike) in scenario.strike.iter().enumerate() {
        sense.strike(strike, &format!("strike[{index}]"));
    }
}

struct Sense<'a> {
    places: Places<'a>,
    problems: &'a mut Problems,
}

impl Sense<'_> {
    fn error(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.error(self.places.of(key), what, hint);
    }

    fn id(&mut self, id: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let right = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(plain);
        if !right || id.len() > 64 {
            let shown: String = id.chars().take(40).collect();
            let hint = "name the file, or `id`, in lower case with underscores, as in `site_loss`";
            self.error("id", format!("`{shown}` is not the id of a scenario"), hint);
        }
    }

    fn unique<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                let what = format!("there is a {list} `{name}` already");
                let key = format!("{list}[{index}].name");
                self.error(&key, what, "the name is part of the luck: make each different");
            }
        }
    }

    fn strike(&mut self, strike: &Strike, key: &str) {
        let degraded = strike.effect == Effect::Degraded;
        if degraded && strike.capacity.is_none() {
            let hint = "add what is left, as in `capacity = 0.5`";
            self.error(key, "`degraded` does not say how much still works", hint);
        }
        if !degraded && strike.capacity.is_some() {
            let hint = "leave it out, or write `effect = \"degraded\"`";
            self.error(
                &format!("{key}.capacity"),
                "only what is degraded has a capacity left",
                hint,
            );
        }
        if strike.probability.get() == 0.0 {
            let hint = "leave the strike out, or give it a chance";
            self.error(&format!("{key}.probability"), "it never happens", hint);
        }
    }
}
