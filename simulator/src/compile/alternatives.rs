//! Alternatives in the order of the plan: whose recovery goes before whose.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::map::{AllOf, AnyOf, AtLeast, Component, Details, Need};

use super::Compiler;

impl Compiler<'_> {
    /// Where a need can be met by any one of several, those that are struck
    /// recover one after the other in the order written, unless the need says
    /// `parallel`. Whatever something needs outright, or is the first choice
    /// of something, waits for nobody.
    pub(super) fn alternatives(&mut self) {
        let mut wanted = Wanted::default();
        for component in self.inputs.map.components.values() {
            wanted.by(component);
        }
        for (id, behind) in wanted.behind {
            let Some(node) = self.node(id).filter(|_| !behind.contains(&BTreeSet::new())) else {
                continue;
            };
            let lists = behind.iter().map(|list| list.iter().filter_map(|id| self.node(id)));
            self.model.nodes[node as usize].behind = lists.map(Iterator::collect).collect();
        }
    }
}

/// For each component, whom each need for it ranks before it.
#[derive(Default)]
struct Wanted<'a> {
    behind: BTreeMap<&'a Id, BTreeSet<BTreeSet<&'a Id>>>,
}

impl<'a> Wanted<'a> {
    fn by(&mut self, component: &'a Component) {
        let common = &component.common;
        let first = BTreeSet::new();
        for id in component.foundations() {
            self.one(id, &first);
        }
        self.all(common.needs.iter().chain(&common.recover_needs), &first);
        for (_, steps) in common.step_lists() {
            for step in steps {
                self.all(&step.needs, &first);
                for id in [&step.vendor, &step.dataset].into_iter().flatten() {
                    self.one(id, &first);
                }
            }
        }
        match &component.details {
            Details::Function(function) => {
                self.all(function.path.iter().flat_map(|step| &step.needs), &first);
                self.all(function.workaround.iter().flat_map(|instead| &instead.needs), &first);
            }
            Details::Dataset(data) => data.backups.iter().for_each(|b| self.one(&b.copy, &first)),
            Details::Copy(copy) => copy.links.iter().for_each(|link| self.one(link, &first)),
            _ => {}
        }
    }

    fn all(&mut self, needs: impl IntoIterator<Item = &'a Need>, before: &BTreeSet<&'a Id>) {
        needs.into_iter().for_each(|need| self.need(need, before));
    }

    fn need(&mut self, need: &'a Need, before: &BTreeSet<&'a Id>) {
        match need {
            Need::Id(id) => self.one(id, before),
            Need::Edge(edge) => self.one(&edge.id, before),
            Need::Any(AnyOf { any: parts, parallel: false }) => {
                let mut before = before.clone();
                for part in parts {
                    self.need(part, &before);
                    before.extend(part.ids());
                }
            }
            Need::Any(AnyOf { any: parts, parallel: true })
            | Need::All(AllOf { all: parts })
            | Need::AtLeast(AtLeast { of: parts, .. }) => self.all(parts, before),
        }
    }

    fn one(&mut self, id: &'a Id, before: &BTreeSet<&'a Id>) {
        let others = before.iter().copied().filter(|other| *other != id).collect();
        self.behind.entry(id).or_default().insert(others);
    }
}
