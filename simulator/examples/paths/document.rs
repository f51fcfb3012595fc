//! The model of the benchmark as documents: so many components, each waiting for earlier ones.
use std::collections::BTreeSet;
use std::fmt::Write;

use evenkeel_simulator::key::{Luck, Purposes};
use serde_json::{Value, json};

use crate::Asked;

/// Which laws the efforts have.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Laws {
    /// Of twenty: ten lognormal, five exponential, three Weibull, two PERT.
    Mixed,
    /// All lognormal.
    Lognormal,
    /// All Weibull.
    Weibull,
    /// All PERT.
    Pert,
    /// All exponential.
    Exponential,
}

impl Laws {
    /// The word for it in results.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Lognormal => "lognormal",
            Self::Weibull => "weibull",
            Self::Pert => "pert",
            Self::Exponential => "exponential",
        }
    }

    fn of(self, number: usize) -> Self {
        match (self, number % 20) {
            (Self::Mixed, 0..10) => Self::Lognormal,
            (Self::Mixed, 10..15) => Self::Exponential,
            (Self::Mixed, 15..18) => Self::Weibull,
            (Self::Mixed, _) => Self::Pert,
            (other, _) => other,
        }
    }
}

/// One model, for us and for peers.
pub(crate) struct Documents {
    /// The dependency map.
    pub(crate) map: String,
    /// Everything stops at once.
    pub(crate) scenario: String,
    /// The same as JSON: laws and dependencies in topological order.
    pub(crate) peers: Value,
}

/// Uniform numbers of the generator's own, the same on every machine.
struct Dice(Luck, Purposes);

impl Dice {
    fn below(&mut self, what: &str, number: usize, attempt: u32, limit: usize) -> usize {
        let purpose = self.1.of("benchmark", what, &number.to_string());
        (self.0.uniform(purpose, attempt) * limit as f64) as usize
    }
}

/// Writes the documents.
pub(crate) fn documents(asked: &Asked) -> Documents {
    let mut dice = Dice(Luck::new(2026, 0), Purposes::default());
    let needs = needs(asked, &mut dice);
    let names = names(asked, &mut dice);
    let mut map = format!(
        "[organisation]\nname = \"Benchmark\"\ntimezone = \"UTC\"\nbad_day = {}\n\n[function.all]\n",
        asked.r
    );
    let needed: BTreeSet<usize> = needs.iter().map(|(_, to)| *to).collect();
    let ends: Vec<String> = (0..asked.components)
        .filter(|component| !needed.contains(component))
        .map(|component| format!("\"{}\"", names[component]))
        .collect();
    let _ = writeln!(map, "needs = [{}]\n", ends.join(", "));
    if asked.crew > 0 {
        let count = asked.crew;
        let _ = writeln!(
            map,
            "[team.crew]\nskills = [\"repair\"]\ncount = {count}\nhours = \"24x7\"\n"
        );
    }
    let mut laws = Vec::new();
    for component in 0..asked.components {
        let (text, law) = law(asked.laws.of(component), component, &mut dice);
        laws.push(law);
        let first = needs.partition_point(|(from, _)| *from < component);
        let awaited: Vec<String> = needs[first..]
            .iter()
            .take_while(|(from, _)| *from == component)
            .map(|(_, to)| format!("\"{}\"", names[*to]))
            .collect();
        let skill = if asked.crew > 0 { ", skill = \"repair\"" } else { "" };
        let _ = writeln!(
            map,
            "[service.{}]\nrecover_needs = [{}]\nrepair = [{{ step = \"repair\", effort = {text}{skill} }}]\n",
            names[component],
            awaited.join(", "),
        );
    }
    // Time enough for three people to bring back the largest model.
    let days = 365.max(asked.components / 4);
    let scenario = format!(
        "id = \"stop\"\ntitle = \"everything stops\"\nquestion = \"If everything stops\"\n\
         story = \"Every service stops at once.\"\nwhen = \"now\"\nhorizon = \"{days}d\"\n\n[[strike]]\nname = \"stop\"\n\
         reach = {{ kinds = [\"service\"] }}\neffect = \"down\"\n"
    );
    let peers = json!({
        "crew": asked.crew,
        "bad_day": asked.r,
        "laws": laws,
        "needs": needs.iter().map(|(from, to)| json!([from, to])).collect::<Vec<_>>(),
    });
    Documents { map, scenario, peers }
}

/// Who waits for whom, as (component, an earlier one): three each, until there
/// are as many as asked.
fn needs(asked: &Asked, dice: &mut Dice) -> Vec<(usize, usize)> {
    let mut needs = Vec::new();
    let mut attempt = 0;
    let each = asked.edges.div_ceil(asked.components.max(1));
    for component in 1..asked.components {
        let mut mine = Vec::new();
        while mine.len() < each.min(component) {
            let to = dice.below("need", component, attempt, component);
            attempt += 1;
            if !mine.contains(&to) {
                mine.push(to);
            }
        }
        needs.extend(mine.into_iter().map(|to| (component, to)));
    }
    let most = asked.components * asked.components.saturating_sub(1) / 2;
    while needs.len() < asked.edges.min(most) {
        let from = dice.below("more", 0, attempt, asked.components);
        let to = dice.below("more", 1, attempt, from.max(1));
        attempt += 1;
        if from > to && !needs.contains(&(from, to)) {
            needs.push((from, to));
        }
    }
    needs.truncate(asked.edges);
    needs.sort_unstable();
    needs
}

fn names(asked: &Asked, dice: &mut Dice) -> Vec<String> {
    let mut order: Vec<usize> = (0..asked.components).collect();
    if asked.shuffled {
        for last in (1..order.len()).rev() {
            order.swap(last, dice.below("name", last, 0, last + 1));
        }
    }
    order.into_iter().map(|number| format!("c{number:05}")).collect()
}

/// An effort of some hours, as the map writes it and as peers read it.
fn law(law: Laws, component: usize, dice: &mut Dice) -> (String, Value) {
    let minutes = 60 + 15 * dice.below("effort", component, 0, 29) as i64;
    let shape = dice.below("shape", component, 0, 5) as f64;
    let ms = minutes * 60_000;
    match law {
        Laws::Lognormal | Laws::Mixed => {
            let sigma = 0.4 + 0.1 * shape;
            (
                format!("{{ median = \"{minutes}min\", sigma = {sigma:.1} }}"),
                json!({ "kind": "lognormal", "median": ms, "sigma": (sigma * 10.0).round() / 10.0 }),
            )
        }
        Laws::Exponential => {
            (format!("{{ mean = \"{minutes}min\" }}"), json!({ "kind": "exponential", "mean": ms }))
        }
        Laws::Weibull => {
            let shape = 1.0 + 0.5 * shape;
            (
                format!("{{ weibull = {{ shape = {shape:.1}, scale = \"{minutes}min\" }} }}"),
                json!({ "kind": "weibull", "shape": shape, "scale": ms }),
            )
        }
        Laws::Pert => {
            let (low, high) = (minutes / 2, minutes * (3 + shape as i64));
            (
                format!(
                    "{{ low = \"{low}min\", likely = \"{minutes}min\", high = \"{high}min\" }}"
                ),
                json!({ "kind": "pert", "low": low * 60_000, "likely": ms, "high": high * 60_000 }),
            )
        }
    }
}
