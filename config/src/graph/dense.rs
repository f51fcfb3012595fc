//! A map with numbers for ids, for searches that visit each need many times.
use std::collections::BTreeMap;

use crate::id::Id;
use crate::map::{AllOf, AnyOf, AtLeast, Component, DependencyMap, Details, Need};

/// A need over numbered components; one that loses capacity only in part is left out.
pub(super) enum Expression {
    One(usize),
    AtLeast(usize, Vec<Expression>),
}

impl Expression {
    /// Whether it holds when exactly the marked components are up.
    pub(super) fn holds(&self, up: &[bool]) -> bool {
        match self {
            Self::One(index) => up[*index],
            // All of many: the first that is down decides.
            Self::AtLeast(least, parts) if *least == parts.len() => {
                parts.iter().all(|part| part.holds(up))
            }
            Self::AtLeast(least, parts) => {
                parts.iter().filter(|part| part.holds(up)).take(*least).count() == *least
            }
        }
    }

    /// Calls `visit` for every component in it.
    pub(super) fn each(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Self::One(index) => visit(*index),
            Self::AtLeast(_, parts) => parts.iter().for_each(|part| part.each(visit)),
        }
    }
}

/// What one component hangs on.
pub(super) struct Node {
    /// Holds when what it stands on is up.
    pub(super) foundations: Expression,
    /// Holds when everything it needs to run is up, foundations included.
    pub(super) run: Expression,
    /// Holds when its recovery can start.
    pub(super) recover: Expression,
    /// One of its steps works without the others.
    pub(super) break_glass: bool,
}

/// A numbered map. Components that are named but do not exist count as up.
pub(super) struct Dense<'a> {
    pub(super) ids: Vec<&'a Id>,
    pub(super) nodes: Vec<Node>,
    index: BTreeMap<&'a Id, usize>,
    map: &'a DependencyMap,
}

impl<'a> Dense<'a> {
    pub(super) fn of(map: &'a DependencyMap) -> Self {
        let ids: Vec<&Id> = map.components.keys().collect();
        let index = ids.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let mut dense = Self { ids, nodes: Vec::new(), index, map };
        dense.nodes = map.components.values().map(|component| dense.node(component)).collect();
        dense
    }

    /// The number of a component.
    pub(super) fn index(&self, id: &Id) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// For each component, those whose `of` mentions it.
    pub(super) fn users(&self, of: impl Fn(&Node) -> Vec<&Expression>) -> Vec<Vec<usize>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for (user, node) in self.nodes.iter().enumerate() {
            for expression in of(node) {
                expression.each(&mut |used| users[used].push(user));
            }
        }
        users
    }

    fn node(&self, component: &Component) -> Node {
        let common = &component.common;
        let steps = || common.step_lists().into_iter().flat_map(|(_, steps)| steps);
        let mut run = self.foundations(component);
        run.extend(self.needs(&common.needs));
        if let Details::Function(function) = &component.details {
            for step in &function.path {
                run.extend(step.who.as_ref().and_then(|who| self.person(who)));
                run.extend(self.needs(&step.needs));
            }
        }
        let mut recover = self.needs(&common.recover_needs);
        recover.extend(steps().flat_map(|step| self.needs(&step.needs)));
        Node {
            foundations: all(self.foundations(component)),
            run: all(run),
            recover: all(recover),
            break_glass: steps().any(|step| step.break_glass),
        }
    }

    fn foundations(&self, component: &Component) -> Vec<Expression> {
        component.foundations().filter_map(|id| self.one(id)).collect()
    }

    fn one(&self, id: &Id) -> Option<Expression> {
        self.index(id).map(Expression::One)
    }

    /// A person or the deputy.
    fn person(&self, who: &Id) -> Option<Expression> {
        let deputy = self.map.components.get(who).and_then(|who| match &who.details {
            Details::Person(person) => person.deputy.as_ref(),
            _ => None,
        });
        let either = [Some(who), deputy].into_iter().flatten();
        let either: Vec<Expression> = either.filter_map(|id| self.one(id)).collect();
        (!either.is_empty()).then_some(Expression::AtLeast(1, either))
    }

    fn needs(&self, needs: &[Need]) -> Vec<Expression> {
        needs.iter().filter_map(|need| self.need(need)).collect()
    }

    fn need(&self, need: &Need) -> Option<Expression> {
        let (least, parts) = match need {
            Need::Id(id) => return self.one(id),
            Need::Edge(edge) if edge.share.get() < 1.0 => return None,
            Need::Edge(edge) => return self.one(&edge.id),
            Need::Any(AnyOf { any: parts, .. }) => (1, parts),
            Need::All(AllOf { all: parts }) => (parts.len(), parts),
            Need::AtLeast(AtLeast { at_least, of: parts }) => (*at_least, parts),
        };
        // A part that always holds counts towards the number.
        let known = self.needs(parts);
        let least = least.saturating_sub(parts.len() - known.len());
        (least > 0).then_some(Expression::AtLeast(least, known))
    }
}

fn all(parts: Vec<Expression>) -> Expression {
    Expression::AtLeast(parts.len(), parts)
}
