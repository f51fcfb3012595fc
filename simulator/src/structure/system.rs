//! What one function needs to be up, with numbers for components and for what can fail.
use std::cmp::Reverse;
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{
    AllOf, AnyOf, AtLeast, Component, DependencyMap, Details, Edge, Kind, Need as MapNeed,
};
use evenkeel_config::record::Failing;

use crate::compile::millionths;
use crate::model::ONE;

/// A need over numbered components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// A component.
    Node(u32),
    /// At least so many of several.
    AtLeast(usize, Vec<Need>),
}

impl Need {
    /// Calls `visit` for every component in it.
    pub(super) fn each(&self, visit: &mut impl FnMut(u32)) {
        match self {
            Self::Node(node) => visit(*node),
            Self::AtLeast(_, parts) => parts.iter().for_each(|part| part.each(visit)),
        }
    }
}

/// A component: up when none of its own events has happened and all of its
/// needs hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// What fails it directly, by number.
    pub(super) own: Vec<u32>,
    /// What it needs.
    pub(super) needs: Vec<Need>,
}

/// Something that fails by itself.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// What it is.
    pub(super) failing: Failing,
    /// Share of time in which it is down; 0 when the map does not say.
    pub(super) down: f64,
}

/// The order in which what can fail is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As a walk through the needs meets it: what belongs together is together.
    AsMet,
    /// What most others need comes first.
    MostSharedFirst,
}

/// A function with all that it needs, at one capacity.
pub(super) struct System<'a> {
    /// The components; the function is the first.
    pub(super) nodes: Vec<Node>,
    /// What can fail, in the order of tests.
    pub(super) events: Vec<Event>,
    /// The components' ids, in the order of the nodes.
    pub(super) ids: Vec<&'a Id>,
}

impl<'a> System<'a> {
    /// What a function needs to carry at least `capacity`, in millionths. Since
    /// all is the least, any the greatest and k of n the k-th greatest of the
    /// capacities, "at least so much" is a yes-or-no question of the same form;
    /// an edge whose loss leaves that much falls away.
    pub(super) fn of(map: &'a DependencyMap, function: &'a Id, capacity: i32) -> Self {
        let mut walk = Walk { map, capacity, numbers: BTreeMap::new(), ids: Vec::new() };
        walk.number(function);
        let nodes: Vec<Node> = walk.ids.iter().map(|id| walk.node(id)).collect();
        let mut system = Self { nodes, events: Vec::new(), ids: walk.ids };
        system.add_events(map);
        system
    }

    /// The same with its events tested in another order.
    pub(super) fn ordered(mut self, order: Order) -> Self {
        if order == Order::AsMet {
            return self;
        }
        let mut users = vec![0_u32; self.nodes.len()];
        for node in &self.nodes {
            for need in &node.needs {
                need.each(&mut |used| users[used as usize] += 1);
            }
        }
        let mut weight = vec![0_u32; self.events.len()];
        for (node, users) in self.nodes.iter().zip(&users) {
            for event in &node.own {
                weight[*event as usize] += users;
            }
        }
        let mut old: Vec<usize> = (0..self.events.len()).collect();
        old.sort_by_key(|event| (Reverse(weight[*event]), *event));
        let mut new = vec![0; old.len()];
        for (at, event) in (0..).zip(&old) {
            new[*event] = at;
        }
        self.events = old.iter().map(|event| self.events[*event].clone()).collect();
        for node in &mut self.nodes {
            node.own.iter_mut().for_each(|event| *event = new[*event as usize]);
        }
        self
    }

    fn add_events(&mut self, map: &DependencyMap) {
        let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
        for (node, id) in self.nodes.iter_mut().zip(&self.ids) {
            let Some(component) = map.components.get(*id) else { continue };
            let stated = component.common.unavailability();
            // A function is what fails, not what fails by itself, unless stated.
            if component.kind == Kind::Function && stated.is_none() {
                continue;
            }
            let down = stated.unwrap_or(0.0);
            let cause = component.common.common_cause.as_ref();
            let beta = cause.map_or(0.0, |cause| cause.beta.get());
            node.own.push(self.events.len() as u32);
            let failing = Failing::Component(component.id.clone());
            self.events.push(Event { failing, down: (1.0 - beta) * down });
            if let Some(cause) = cause.filter(|_| beta > 0.0) {
                let event = *groups.entry(&cause.group).or_insert_with(|| {
                    let failing = Failing::CommonCause(cause.group.clone());
                    self.events.push(Event { failing, down: beta * down });
                    self.events.len() as u32 - 1
                });
                node.own.push(event);
            }
        }
    }
}

/// A walk from a function through everything it needs.
struct Walk<'a> {
    map: &'a DependencyMap,
    capacity: i32,
    numbers: BTreeMap<&'a Id, u32>,
    ids: Vec<&'a Id>,
}

impl<'a> Walk<'a> {
    /// Numbers every component in the order in which a walk in depth meets it.
    fn number(&mut self, function: &'a Id) {
        let mut open = vec![function];
        while let Some(id) = open.pop() {
            let Some(component) = self.map.components.get(id) else { continue };
            if self.numbers.contains_key(id) {
                continue;
            }
            self.numbers.insert(id, self.ids.len() as u32);
            self.ids.push(id);
            let mut next = Vec::new();
            self.each_need(component, &mut |need| self.mentioned(need, &mut next));
            open.extend(next.into_iter().rev());
        }
    }

    fn node(&self, id: &Id) -> Node {
        let mut needs = Vec::new();
        if let Some(component) = self.map.components.get(id) {
            self.each_need(component, &mut |need| match self.need(&need) {
                // What is needed all together is needed one by one.
                Some(Need::AtLeast(least, parts)) if least == parts.len() => needs.extend(parts),
                need => needs.extend(need),
            });
        }
        Node { own: Vec::new(), needs }
    }

    /// Foundations, needs, and the people and systems of a function's path, as
    /// the simulation of a night takes them.
    fn each_need(&self, component: &'a Component, visit: &mut impl FnMut(Written<'a>)) {
        let outside = matches!(component.kind, Kind::Person | Kind::Team | Kind::Vendor);
        if !outside {
            component.foundations().for_each(|id| visit(Written::Id(id)));
        }
        component.common.needs.iter().for_each(|need| visit(Written::Need(need)));
        if let Details::Function(function) = &component.details {
            for step in &function.path {
                if let Some(who) = &step.who {
                    visit(self.person(who));
                }
                step.needs.iter().for_each(|need| visit(Written::Need(need)));
            }
        }
    }

    /// A person, or the deputy.
    fn person(&self, who: &'a Id) -> Written<'a> {
        match self.map.components.get(who).map(|who| &who.details) {
            Some(Details::Person(person)) => {
                person.deputy.as_ref().map_or(Written::Id(who), |other| Written::Either(who, other))
            }
            _ => Written::Id(who),
        }
    }

    fn mentioned(&self, need: Written<'a>, found: &mut Vec<&'a Id>) {
        match need {
            Written::Id(id) => found.push(id),
            Written::Either(one, other) => found.extend([one, other]),
            Written::Need(MapNeed::Id(id)) => found.push(id),
            Written::Need(MapNeed::Edge(edge)) => {
                if self.matters(edge) {
                    found.push(&edge.id);
                }
            }
            Written::Need(
                MapNeed::Any(AnyOf { any: parts, .. })
                | MapNeed::All(AllOf { all: parts })
                | MapNeed::AtLeast(AtLeast { of: parts, .. }),
            ) => parts.iter().for_each(|part| self.mentioned(Written::Need(part), found)),
        }
    }

    /// Whether losing the other end leaves less than the capacity asked for.
    fn matters(&self, edge: &Edge) -> bool {
        ONE - millionths(edge.share.get()) < self.capacity
    }

    /// A need by numbers; `None` when it always holds.
    fn need(&self, need: &Written<'a>) -> Option<Need> {
        let one = |id: &Id| self.numbers.get(id).map(|number| Need::Node(*number));
        let (least, parts) = match *need {
            Written::Id(id) => return one(id),
            Written::Either(a, b) => return at_least(1, [one(a), one(b)].into_iter(), 2),
            Written::Need(MapNeed::Id(id)) => return one(id),
            Written::Need(MapNeed::Edge(edge)) => {
                return if self.matters(edge) { one(&edge.id) } else { None };
            }
            Written::Need(MapNeed::Any(AnyOf { any: parts, .. })) => (1, parts),
            Written::Need(MapNeed::All(AllOf { all: parts })) => (parts.len(), parts),
            Written::Need(MapNeed::AtLeast(AtLeast { at_least, of: parts })) => (*at_least, parts),
        };
        at_least(least, parts.iter().map(|part| self.need(&Written::Need(part))), parts.len())
    }
}

/// A need as it stands on the map.
#[derive(Debug, Clone, Copy)]
enum Written<'a> {
    Id(&'a Id),
    /// A person or the deputy.
    Either(&'a Id, &'a Id),
    Need(&'a MapNeed),
}

/// At least so many of several; a part that always holds counts towards the number.
fn at_least(least: usize, parts: impl Iterator<Item = Option<Need>>, count: usize) -> Option<Need> {
    let mut known: Vec<Need> = parts.flatten().collect();
    let least = least.saturating_sub(count - known.len());
    match (least, known.len()) {
        (0, _) => None,
        (1, 1) => known.pop(),
        _ => Some(Need::AtLeast(least, known)),
    }
}
