//! Whom a scenario strikes, and along which edges it spreads.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, DependencyMap, Kind};
use evenkeel_config::problem::Place;
use evenkeel_config::scenario::{Along, Effect, Pick, Reach, Scenario, Strike as ScenarioStrike};
use jiff::civil::Date;

use super::graph::closure;
use super::{Compiler, millionths};
use crate::calendar::local_date;
use crate::key::Purpose;
use crate::model::{Dataset, Spread, Strike, Target};

impl<'a> Compiler<'a> {
    /// The blows.
    pub(super) fn strikes(&mut self) {
        let scenarios = [self.inputs.scenario].into_iter().chain(self.inputs.modifiers);
        for strike in scenarios.flat_map(|scenario| &scenario.strike) {
            let mut nodes = self.reached(&strike.reach);
            if strike.pick == Pick::NextToExpire {
                nodes = self.next_to_expire(&nodes).map_or(nodes, |node| vec![node]);
            }
            if matches!(strike.pick, Pick::Main | Pick::NextToExpire) {
                nodes = self.main(&nodes).into_iter().collect();
            }
            if nodes.is_empty() {
                self.notes.push(format!("`{}` reaches nothing on this map", strike.name));
            }
            let mut made = self.strike(strike, &nodes);
            self.refuse_unclearable(strike, &nodes, &made);
            self.warn_unrecoverable(strike, &nodes);
            let worse = self.last_disks(&mut made);
            self.model.strikes.push(made);
            self.model.strikes.extend(worse);
        }
        self.already_broken();
    }

    fn strike(&mut self, strike: &ScenarioStrike, nodes: &[u32]) -> Strike {
        let name = strike.name.as_str();
        let together = strike.together.then(|| self.purposes.of("", name, "struck"));
        let lasts_together = self.purposes.of("", name, "lasts");
        let targets = nodes
            .iter()
            .map(|node| {
                let id = self.model.names.ids[*node as usize].clone();
                let own = self.purposes.of(id.as_str(), name, "lasts");
                Target {
                    node: *node,
                    hit_key: self.purposes.of(id.as_str(), name, "struck"),
                    lasts_key: if strike.together { lasts_together } else { own },
                }
            })
            .collect();
        Strike {
            name: self.step_name(name),
            targets,
            pick: strike.pick,
            probability: strike.probability.get(),
            together,
            effect: strike.effect,
            capacity: strike.capacity.map_or(500_000, |share| millionths(share.get())),
            lasts: strike.lasts.as_ref().map(|law| self.tables.sampler(law)),
            after: strike.after.as_ref().map(|law| self.draw("", name, "after", law, false)),
            spares_immutable: strike.spares_immutable,
            spread: strike.spread.as_ref().map(|spread| Spread {
                along: spread.along,
                probability: spread.probability.get(),
                hop: self.tables.sampler(&spread.hop),
                edges: self.spread_edges(spread.along, name),
            }),
        }
    }

    fn reached(&self, reach: &Reach) -> Vec<u32> {
        reached(self.inputs.map, reach).filter_map(|c| self.node(&c.id)).collect()
    }

    /// The first of some components to lapse after the moment of the facts.
    fn next_to_expire(&self, nodes: &[u32]) -> Option<u32> {
        let today = local_date(&self.frame.zone, self.inputs.as_of.as_millisecond());
        let date = |node: &u32| {
            let id = &self.model.names.ids[*node as usize];
            self.inputs.map.components[id].common.expires.filter(|date| *date > today)
        };
        let dated = nodes.iter().filter_map(|node| Some((date(node)?, *node)));
        dated.min().map(|(_, node)| node)
    }

    /// The component on which most others hang (most data, for a repository);
    /// the first by id among equals.
    fn main(&self, nodes: &[u32]) -> Option<u32> {
        let dependents: Vec<Vec<u32>> =
            self.model.nodes.iter().map(|node| node.dependents.clone()).collect();
        let held = |copy: u32| {
            let in_it = |data: &&Dataset| data.chains.iter().any(|chain| chain.copy == copy);
            self.model.datasets.iter().filter(in_it).count()
        };
        let hanging = |node: u32| match self.model.nodes[node as usize].copy {
            Some(copy) => held(copy),
            None => closure(&dependents, node).iter().filter(|hit| **hit).count(),
        };
        let mut best: Option<(usize, u32)> = None;
        for node in nodes {
            let count = hanging(*node);
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, *node));
            }
        }
        best.map(|(_, node)| node)
    }

    fn spread_edges(&mut self, along: Along, name: &str) -> Vec<(u32, u32, Purpose, Purpose)> {
        let map = self.inputs.map;
        let group = |component: &'a Component| match along {
            Along::CredentialDomain => component.common.credential_domain.as_deref(),
            Along::Site => component.common.site.as_ref().map(Id::as_str),
            Along::Needs => None,
        };
        // Who belongs together is found group by group, not pair by pair.
        let mut groups: BTreeMap<&str, Vec<&Id>> = BTreeMap::new();
        for to in map.components.values().filter(|to| spreads_to(to.kind)) {
            if let Some(name) = group(to) {
                groups.entry(name).or_default().push(&to.id);
            }
        }
        let ids: Vec<&Id> = map.components.keys().collect();
        let mut pairs: Vec<(&Id, &Id)> = Vec::new();
        for from in map.components.values() {
            let reached: Vec<&Id> = match (along, self.node(&from.id)) {
                (Along::Needs, Some(node)) => {
                    let dependents = self.model.nodes[node as usize].dependents.iter();
                    dependents
                        .filter_map(|node| ids.get(*node as usize).copied())
                        .filter(|id| spreads_to(map.components[*id].kind))
                        .collect()
                }
                _ => group(from).and_then(|name| groups.get(name)).cloned().unwrap_or_default(),
            };
            pairs.extend(reached.into_iter().filter(|id| **id != from.id).map(|id| (&from.id, id)));
        }
        pairs
            .into_iter()
            .filter_map(|(from, to)| {
                let edge = format!("{from}>{to}");
                let open = self.purposes.of(&edge, name, "spreads");
                let hop = self.purposes.of(&edge, name, "hop");
                Some((self.node(from)?, self.node(to)?, open, hop))
            })
            .collect()
    }

    /// A component that may become suspect must have a way to be cleared; data
    /// is restored instead, and a repository that cannot be cleared is not used.
    fn refuse_unclearable(&mut self, strike: &ScenarioStrike, nodes: &[u32], made: &Strike) {
        if strike.effect != Effect::Suspect || strike.lasts.is_some() {
            return;
        }
        let spread = made.spread.iter().flat_map(|spread| spread.edges.iter().map(|edge| edge.1));
        let mut all: Vec<u32> = nodes.iter().copied().chain(spread).collect();
        all.sort_unstable();
        all.dedup();
        for node in all {
            let target = &self.model.nodes[node as usize];
            let needs_step = !matches!(
                target.kind,
                Kind::Dataset | Kind::Copy | Kind::Credential | Kind::Certificate | Kind::Document
            );
            let part_of_its_host = target.kind == Kind::Service && !target.stands_on.is_empty();
            if target.clear.is_empty() && needs_step && !part_of_its_host {
                let id = &self.model.names.ids[node as usize];
                let key = format!("{}.{id}", target.kind.key());
                self.problems.error(
                    Place { key, ..Place::default() },
                    format!("may become suspect (`{}`), and nothing says how it is cleared", strike.name),
                    "add `clear = [{ step = \"check and clear\", effort = \"1h\", skill = \"linux\" }]`",
                );
            }
        }
    }

    fn warn_unrecoverable(&mut self, strike: &ScenarioStrike, nodes: &[u32]) {
        if strike.effect != Effect::Lost {
            return;
        }
        for node in nodes {
            let target = &self.model.nodes[*node as usize];
            let comes_back = !target.recover.is_empty()
                || matches!(target.kind, Kind::Dataset | Kind::Copy)
                || target.kind == Kind::Service && !target.stands_on.is_empty();
            if !comes_back && !target.dependents.is_empty() {
                let title = &self.model.names.titles[*node as usize];
                self.notes.push(format!("no recovery steps are written down for {title}"));
            }
        }
    }
}

/// The first day after `today` on which something that a scenario strikes lapses.
pub(super) fn first_expiry(map: &DependencyMap, scenario: &Scenario, today: Date) -> Option<Date> {
    let struck = scenario.strike.iter().flat_map(|strike| reached(map, &strike.reach));
    struck.filter_map(|component| component.common.expires).filter(|date| *date > today).min()
}

/// The components that satisfy every key of a reach.
fn reached<'m>(
    map: &'m DependencyMap,
    reach: &'m Reach,
) -> impl Iterator<Item = &'m Component> + use<'m> {
    let site = reach.site.as_ref().map(|site| {
        or_main(map, site, |c| c.common.site.as_ref().map(|site| site.as_str().to_owned()))
    });
    let domain = reach
        .credential_domain
        .as_ref()
        .map(|domain| or_main(map, domain, |c| c.common.credential_domain.clone()));
    let power = reach.power.as_ref().map(|power| {
        or_main(map, power, |c| c.common.power.as_ref().map(|power| power.as_str().to_owned()))
    });
    let nothing_asked = *reach == Reach::default();
    map.components
        .values()
        .filter(move |component| !nothing_asked && named(component, reach))
        .filter(|c| reach.ids.is_empty() || reach.ids.contains(&c.id))
        .filter(|c| reach.kinds.is_empty() || reach.kinds.contains(&c.kind))
        .filter(|c| reach.tags.is_empty() || c.common.tags.iter().any(|t| reach.tags.contains(t)))
        .filter(move |c| at(&site, c.common.site.as_ref(), &c.id))
        .filter(move |c| domain.is_none() || c.common.credential_domain == domain)
        .filter(move |c| at(&power, c.common.power.as_ref(), &c.id))
}

/// A word, or for `main` the value that most components share.
fn or_main(
    map: &DependencyMap,
    word: &str,
    value: impl Fn(&Component) -> Option<String>,
) -> String {
    if word != "main" {
        return word.to_owned();
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for component in map.components.values() {
        if let Some(value) = value(component) {
            *counts.entry(value).or_default() += 1;
        }
    }
    let most = counts.values().max().copied();
    counts.into_iter().find(|(_, n)| Some(*n) == most).map_or_else(String::new, |(v, _)| v)
}

/// Whether a component may be struck at all: people, functions, outside
/// parties and spares only when the scenario means them.
fn named(component: &Component, reach: &Reach) -> bool {
    spreads_to(component.kind)
        || reach.ids.contains(&component.id)
        || reach.kinds.contains(&component.kind)
}

fn spreads_to(kind: Kind) -> bool {
    !matches!(kind, Kind::Function | Kind::Person | Kind::Team | Kind::Vendor | Kind::Spare)
}

/// Whether a component is at a place, or is the place.
fn at(wanted: &Option<String>, place: Option<&Id>, id: &Id) -> bool {
    match wanted {
        None => true,
        Some(wanted) => {
            place.is_some_and(|place| place.as_str() == wanted) || id.as_str() == wanted
        }
    }
}
