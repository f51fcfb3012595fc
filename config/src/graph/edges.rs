//! Dependencies as flat lists, for pictures and for searches.
use crate::id::Id;
use crate::map::{AllOf, AnyOf, AtLeast, Component, DependencyMap, Details, Need};
use crate::quantity::{Share, Span};

/// One component needs another.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphEdge {
    /// Who needs.
    pub from: Id,
    /// Who is needed.
    pub to: Id,
    /// How long its loss goes unnoticed.
    pub hold_up: Span,
    /// Share of capacity that hangs on it.
    pub share: Share,
    /// Whether the loss of this one alone can be borne, since others stand in.
    pub alternative: bool,
}

/// Everything that a component needs to run: `needs`, what it stands on, and
/// for a function the people and systems of its path.
pub fn to_run_edges(map: &DependencyMap) -> Vec<GraphEdge> {
    collect(map, run_edges_of)
}

/// Everything that must be up or at hand before a component can be brought
/// back: `recover_needs`, what it stands on, and what and whom its steps name.
pub fn to_recover_edges(map: &DependencyMap) -> Vec<GraphEdge> {
    collect(map, recover_edges_of)
}

fn collect(map: &DependencyMap, of: fn(&mut Edges<'_>)) -> Vec<GraphEdge> {
    let mut all = Vec::new();
    for component in map.components.values() {
        let mut edges = Edges { map, component, list: Vec::new() };
        of(&mut edges);
        all.append(&mut edges.list);
    }
    all
}

fn run_edges_of(edges: &mut Edges<'_>) {
    let component = edges.component;
    edges.foundations();
    edges.needs(&component.common.needs, false);
    if let Details::Function(function) = &component.details {
        for step in &function.path {
            if let Some(who) = &step.who {
                edges.person(who);
            }
            edges.needs(&step.needs, false);
        }
    }
}

fn recover_edges_of(edges: &mut Edges<'_>) {
    let component = edges.component;
    edges.foundations();
    edges.needs(&component.common.recover_needs, false);
    for (_, steps) in component.common.step_lists() {
        for step in steps {
            edges.needs(&step.needs, false);
            if let Some(who) = &step.who {
                edges.person(who);
            }
            for id in [&step.vendor, &step.spare, &step.dataset].into_iter().flatten() {
                edges.plain(id, false);
            }
        }
    }
}

/// The edges of one component being collected.
struct Edges<'a> {
    map: &'a DependencyMap,
    component: &'a Component,
    list: Vec<GraphEdge>,
}

impl<'a> Edges<'a> {
    fn push(&mut self, to: &Id, hold_up: Span, share: Share, alternative: bool) {
        let edge = GraphEdge {
            from: self.component.id.clone(),
            to: to.clone(),
            hold_up,
            share,
            alternative,
        };
        if !self.list.contains(&edge) {
            self.list.push(edge);
        }
    }

    fn plain(&mut self, to: &Id, alternative: bool) {
        self.push(to, Span::ZERO, Share::ONE, alternative);
    }

    fn foundations(&mut self) {
        for id in self.component.foundations() {
            self.plain(id, false);
        }
    }

    /// A person, or their deputy.
    fn person(&mut self, who: &'a Id) {
        let deputy = self.map.components.get(who).and_then(|who| match &who.details {
            Details::Person(person) => person.deputy.as_ref(),
            _ => None,
        });
        self.plain(who, deputy.is_some());
        if let Some(deputy) = deputy {
            self.plain(deputy, true);
        }
    }

    fn needs(&mut self, needs: &[Need], alternative: bool) {
        for need in needs {
            let slack = alternative || need.is_alternative();
            match need {
                Need::Id(id) => self.plain(id, alternative),
                Need::Edge(edge) => self.push(&edge.id, edge.hold_up, edge.share, alternative),
                Need::Any(AnyOf { any: parts, .. })
                | Need::All(AllOf { all: parts })
                | Need::AtLeast(AtLeast { of: parts, .. }) => self.needs(parts, slack),
            }
        }
    }
}
