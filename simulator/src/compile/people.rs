//! People, teams and vendors: who can work, when, and who is away.
use std::collections::BTreeMap;

use evenkeel_config::calendar::Hours;
use evenkeel_config::id::Id;
use evenkeel_config::law::Law;
use evenkeel_config::map::{Component, DependencyMap, Details, RecoveryStep};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use jiff::ToSpan;
use jiff::civil::Date;

use super::{Compiler, minor};
use crate::calendar::local_instant;
use crate::model::{Crew, Draw, Person, Quorum, Vendor};

/// The hours of people who state none.
const OFFICE: &str = "Mon-Fri 08:30-17:00";

impl<'a> Compiler<'a> {
    /// Everybody who can work.
    pub(super) fn people(&mut self) {
        let map = self.inputs.map;
        for component in map.components.values() {
            match &component.details {
                Details::Person(person) => {
                    let leave: Vec<(Date, Date)> =
                        person.leave.iter().map(|leave| (leave.from, leave.to)).collect();
                    let hours = person.hours.clone().unwrap_or_else(office);
                    let over: Vec<&Hours> = [&hours].into_iter().chain(&person.overtime).collect();
                    let chance = person.away.map_or(0.0, |share| share.get());
                    self.absence_figure(component, chance, person.away_for.as_ref());
                    let normal = self.calendar(&[&hours], &leave);
                    let extended = self.calendar(&over, &leave);
                    let someone = self.person(
                        component,
                        "",
                        (normal, extended),
                        chance,
                        person.away_for.as_ref(),
                    );
                    let someone = Person {
                        fatigue: person.fatigue.map(|span| span.as_ms()),
                        leave: leave
                            .iter()
                            .map(|(from, to)| {
                                let end = to.saturating_add(1.day());
                                let zone = &self.frame.zone;
                                (local_instant(zone, *from, 0), local_instant(zone, end, 0))
                            })
                            .collect(),
                        ..someone
                    };
                    self.model.people.push(someone);
                }
                Details::Team(team) => {
                    let hours = team.hours.clone().unwrap_or_else(office);
                    let calendar = self.calendar(&[&hours], &[]);
                    let chance = team.away.map_or(0.0, |share| share.get());
                    self.absence_figure(component, chance, None);
                    let first = self.model.people.len() as u32;
                    if let Some(least) = team.at_least.filter(|least| *least > 1) {
                        let members = (first, first + u32::from(team.count));
                        self.model.quorums.push(Quorum { members, least: u32::from(least) });
                    }
                    for member in 0..team.count {
                        let name = format!("member-{member}");
                        let someone =
                            self.person(component, &name, (calendar, calendar), chance, None);
                        self.model.people.push(someone);
                    }
                }
                Details::Vendor(vendor) => self.vendor(component, vendor),
                _ => {}
            }
        }
    }

    fn person(
        &mut self,
        component: &Component,
        member: &str,
        (hours, overtime): (u32, u32),
        away: f64,
        away_for: Option<&Law>,
    ) -> Person {
        let id = component.id.as_str();
        Person {
            node: self.node(&component.id).expect("every component is a node"),
            hours,
            overtime,
            fatigue: None,
            away,
            away_key: self.purposes.of(id, member, "away"),
            away_for: away_for.map(|law| self.draw(id, member, "away-for", law, false)),
            days_key: self.purposes.of(id, member, "days-away"),
            absent: self.absent.contains(&component.id),
            leave: Vec::new(),
        }
    }

    fn absence_figure(&mut self, component: &Component, chance: f64, law: Option<&Law>) {
        if chance <= 0.0 {
            return;
        }
        let (long, provenance) = match law {
            Some(law) => (crate::words::law(law), Provenance::Declared),
            None => ("1 to 10 working days".to_owned(), Provenance::Default),
        };
        let value = format!("away in {} of 100 nights, for {long}", libm::round(chance * 100.0));
        let source = match provenance {
            Provenance::Default => "the map; how long is our assumption",
            _ => "the map",
        };
        let key = format!("{}.{}.away", component.kind.key(), component.id);
        self.figure(key, &component.id, "People", value, provenance, source);
    }

    fn vendor(&mut self, component: &Component, vendor: &evenkeel_config::map::Vendor) {
        let id = component.id.as_str();
        let hours = self.calendar(&[&vendor.hours.clone().unwrap_or_else(Hours::always)], &[]);
        let node = self.node(&component.id).expect("every component is a node");
        let law = vendor.response.clone().or_else(|| vendor.promised.map(Law::Fixed));
        if let Some(law) = &law {
            let key = format!("vendor.{id}.response");
            let value = format!("somebody works on it after {}", crate::words::law(law));
            let source = match vendor.response {
                Some(_) => "the map",
                None => "the contract; nobody has written down how long it really takes",
            };
            self.figure(key, &component.id, "Vendors", value, Provenance::Declared, source);
        }
        let response = law.map(|law| self.draw(id, "response", "response", &law, false));
        if let (Some(promised), Some(_)) = (vendor.promised, &vendor.response) {
            let kept = response.as_ref().map_or(1.0, |draw| share_within(draw, promised));
            let value = format!(
                "the contract promises {promised}, kept in {} of 100 calls",
                libm::round(kept * 100.0)
            );
            let key = format!("vendor.{id}.promised");
            self.figure(key, &component.id, "Vendors", value, Provenance::Declared, "the map");
        }
        for engineer in 0..vendor.engineers.unwrap_or(0) {
            let name = format!("engineer-{engineer}");
            let someone = self.person(component, &name, (hours, hours), 0.0, None);
            self.model.people.push(someone);
        }
        self.model.vendors.push(Vendor {
            node,
            response,
            promised: vendor.promised.map(|span| span.as_ms()),
            hours,
            per_hour: minor(vendor.per_hour.unwrap_or(0.0)),
        });
    }

    /// Who does a step, if it needs somebody; `None` for work that nobody is
    /// named for, which then is not held up by people.
    pub(super) fn crew(&mut self, step: &RecoveryStep) -> Option<Crew> {
        let map = self.inputs.map;
        let crew = |candidates, deputies| Crew {
            candidates,
            deputies,
            heads: usize::from(step.heads.max(1)),
            overtime: step.overtime,
            class: 0,
        };
        if let Some(who) = &step.who {
            let mut deputies = Vec::new();
            let mut next = map.components.get(who).and_then(deputy);
            while let Some(id) = next {
                let them = self.members(id);
                if them.iter().all(|one| deputies.contains(one)) || *id == *who {
                    break;
                }
                deputies.extend(them);
                next = map.components.get(id).and_then(deputy);
            }
            return Some(crew(self.members(who), deputies));
        }
        if let Some(skill) = &step.skill {
            return Some(crew(self.skilled(skill), Vec::new()));
        }
        let vendor = step.vendor.as_ref()?;
        let engineers = self.members(vendor);
        (!engineers.is_empty()).then(|| crew(engineers, Vec::new()))
    }

    fn members(&self, id: &Id) -> Vec<u32> {
        let Some(node) = self.node(id) else { return Vec::new() };
        let people = &self.model.people;
        let first = people.partition_point(|person| person.node < node);
        let end = people.partition_point(|person| person.node <= node);
        (first as u32..end as u32).collect()
    }

    /// Who has a skill: fewest skills first, then by id.
    fn skilled(&mut self, skill: &str) -> Vec<u32> {
        if let Some(able) = self.skilled.get(skill) {
            return able.clone();
        }
        let map = self.inputs.map;
        let mut able: Vec<(usize, u32)> = (0..)
            .zip(&self.model.people)
            .filter_map(|(number, person)| {
                let id = &self.model.names.ids[person.node as usize];
                let skills = skills(&map.components[id]);
                skills.iter().any(|own| own == skill).then_some((skills.len(), number))
            })
            .collect();
        able.sort_unstable();
        if able.is_empty() {
            self.notes.push(format!("nobody on the map has the skill `{skill}`"));
        }
        let able: Vec<u32> = able.into_iter().map(|(_, number)| number).collect();
        self.skilled.insert(skill.to_owned(), able.clone());
        able
    }
}

/// The share of draws that are no longer than a span.
fn share_within(draw: &Draw, span: Span) -> f64 {
    let within = |z: f64| draw.sampler.at(z) <= span.as_ms();
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if within(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if within(8.0) { 1.0 } else { crate::special::normal_cdf(low) }
}

fn office() -> Hours {
    OFFICE.parse().expect("the office hours are well formed")
}

fn deputy(component: &Component) -> Option<&Id> {
    match &component.details {
        Details::Person(person) => person.deputy.as_ref(),
        _ => None,
    }
}

fn skills(component: &Component) -> &[String] {
    match &component.details {
        Details::Person(person) => &person.skills,
        Details::Team(team) => &team.skills,
        _ => &[],
    }
}

/// The person on whom most recovery steps hang: who alone can do them.
pub(super) fn main_person(map: &DependencyMap) -> Option<Id> {
    let able = |skill: &String| -> Vec<&Id> {
        let mut able: Vec<&Id> = Vec::new();
        for component in map.components.values().filter(|c| skills(c).contains(skill)) {
            let heads = match &component.details {
                Details::Team(team) => usize::from(team.count),
                _ => 1,
            };
            able.extend(std::iter::repeat_n(&component.id, heads));
        }
        able
    };
    let mut known: BTreeMap<&String, Vec<&Id>> = BTreeMap::new();
    let mut counts: BTreeMap<&Id, (u32, u32)> = BTreeMap::new();
    for component in map.components.values() {
        let common = &component.common;
        for step in common.recover.iter().chain(&common.repair).chain(&common.clear) {
            let who = match (&step.who, &step.skill) {
                (Some(who), _) => &vec![who],
                (None, Some(skill)) => known.entry(skill).or_insert_with(|| able(skill)),
                (None, None) => continue,
            };
            for id in who {
                let is_person =
                    matches!(map.components.get(*id).map(|c| &c.details), Some(Details::Person(_)));
                if is_person {
                    let count = counts.entry(id).or_default();
                    count.0 += u32::from(who.len() == 1);
                    count.1 += 1;
                }
            }
        }
    }
    let best = counts.values().max()?;
    counts.iter().find(|(_, count)| *count == best).map(|(id, _)| (*id).clone())
}
