//! Components as nodes: foundations, needs, cycles, functions and ranks.
use evenkeel_config::calendar::Hours;
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Details, Function as MapFunction, Kind, Need};
use evenkeel_config::quantity::{Share, Span};
use jiff::ToSpan;

use super::{Compiler, millionths, minor};
use crate::calendar::{Calendar, local_instant};
use crate::model::{Edge, Expr, Function, NONE, Node, ONE, Workaround};

impl<'a> Compiler<'a> {
    /// One node per component, with foundations and needs.
    pub(super) fn nodes(&mut self) {
        let map = self.inputs.map;
        for component in map.components.values() {
            let node = self.blank(component);
            self.model.nodes.push(node);
            self.model.names.ids.push(component.id.clone());
            self.model.names.titles.push(title(component, map.organisation.show_names));
        }
        for (node, component) in (0..).zip(map.components.values()) {
            let runtime = self.model.nodes[node as usize].runtime;
            let mut needs: Vec<Need> = component.common.needs.clone();
            // What feeds a battery is missed only once the battery is empty.
            let fed_by = component.common.power.iter().filter(|_| runtime > 0);
            needs.extend(fed_by.cloned().map(Need::Id));
            if let Details::Function(function) = &component.details {
                for step in &function.path {
                    needs.extend(step.who.clone().map(Need::Id));
                    needs.extend(step.needs.iter().cloned());
                }
            }
            let needs =
                needs.iter().filter_map(|need| self.expression(node, need, runtime)).collect();
            self.model.nodes[node as usize].needs = needs;
            let start = component.common.start.as_ref();
            self.model.nodes[node as usize].start =
                start.map(|law| self.draw(component.id.as_str(), "start", "start", law, false));
        }
        self.link_dependents();
        self.mark_cycles();
    }

    fn blank(&self, component: &Component) -> Node {
        let common = &component.common;
        let ids = |ids: &mut dyn Iterator<Item = &Id>| -> Vec<u32> {
            ids.filter_map(|id| self.node(id)).collect()
        };
        let human = Self::is_human(component.kind) || component.kind == Kind::Vendor;
        let battery = matches!(&component.details, Details::Power(power)
            if power.runtime.is_some_and(|runtime| runtime > Span::ZERO));
        let mut foundations = if human { Vec::new() } else { ids(&mut component.foundations()) };
        if let Some(mains) = common.power.as_ref().filter(|_| battery) {
            let mains = self.node(mains);
            foundations.retain(|node| Some(*node) != mains);
        }
        let stands_on = ids(&mut common.runs_on.iter().chain(&common.stored_on));
        let has_steps = !common.recover.is_empty() || !common.repair.is_empty();
        let own_thing = matches!(
            component.kind,
            Kind::Host | Kind::Vm | Kind::Fleet | Kind::Storage | Kind::Dataset | Kind::Copy
        );
        let runtime = match &component.details {
            Details::Power(power) => power.runtime.map_or(0, Span::as_ms),
            _ => 0,
        };
        Node {
            kind: component.kind,
            foundations,
            stands_on,
            needs: Vec::new(),
            dependents: Vec::new(),
            held_edges: Vec::new(),
            start: None,
            failover: None,
            recover: Vec::new(),
            repair: Vec::new(),
            clear: Vec::new(),
            fleet: Self::fleet(&component.details),
            dataset: None,
            copy: None,
            runtime,
            rank: u32::MAX,
            falls_along: has_steps || own_thing,
            absent: self.missing(&component.id),
            behind: Vec::new(),
        }
    }

    /// Whether the scenario takes a person away and no deputy stands in.
    fn missing(&self, id: &Id) -> bool {
        let stands_in = match self.inputs.map.components.get(id).map(|c| &c.details) {
            Some(Details::Person(person)) => person.deputy.as_ref(),
            _ => None,
        };
        self.absent.contains(id) && stands_in.is_none_or(|deputy| self.absent.contains(deputy))
    }

    /// Compiles a need of `from`; a component that is not on the map is left
    /// out (the loader refuses it long before).
    pub(super) fn expression(&mut self, from: u32, need: &Need, hold_up: i64) -> Option<Expr> {
        let parts = |this: &mut Self, parts: &[Need]| -> Vec<Expr> {
            parts.iter().filter_map(|part| this.expression(from, part, hold_up)).collect()
        };
        match need {
            Need::Id(id) => self.edge(from, id, Span::ZERO, Share::ONE, hold_up),
            Need::Edge(edge) => self.edge(from, &edge.id, edge.hold_up, edge.share, hold_up),
            Need::Any(any) => Some(Expr::Any(parts(self, &any.any))),
            Need::All(all) => Some(Expr::All(parts(self, &all.all))),
            Need::AtLeast(some) => Some(Expr::AtLeast(some.at_least, parts(self, &some.of))),
        }
    }

    fn edge(&mut self, from: u32, id: &Id, hold: Span, share: Share, extra: i64) -> Option<Expr> {
        let to = self.node(id)?;
        self.model.edges.push(Edge {
            from,
            to,
            hold_up: hold.as_ms() + extra,
            floor: ONE - millionths(share.get()),
            in_cycle: false,
        });
        Some(Expr::Edge(self.model.edges.len() as u32 - 1))
    }

    /// Who must be looked at again when a node changes. Called once all run
    /// edges are known; edges of recovery gates come later and are not counted.
    fn link_dependents(&mut self) {
        for (edge, number) in self.model.edges.iter().zip(0..) {
            let supplier = &mut self.model.nodes[edge.to as usize];
            if edge.hold_up > 0 {
                supplier.held_edges.push(number);
            } else {
                supplier.dependents.push(edge.from);
            }
        }
        for node in 0..self.model.nodes.len() {
            for foundation in self.model.nodes[node].foundations.clone() {
                self.model.nodes[foundation as usize].dependents.push(node as u32);
            }
        }
        for node in &mut self.model.nodes {
            node.dependents.sort_unstable();
            node.dependents.dedup();
        }
    }

    /// Marks the edges within run-cycles: both ends need each other.
    fn mark_cycles(&mut self) {
        let parts = components(&self.run_suppliers());
        for edge in &mut self.model.edges {
            edge.in_cycle = parts[edge.from as usize] == parts[edge.to as usize];
        }
    }

    /// For each node the nodes it needs to run.
    fn run_suppliers(&self) -> Vec<Vec<u32>> {
        let mut suppliers: Vec<Vec<u32>> =
            self.model.nodes.iter().map(|node| node.foundations.clone()).collect();
        for edge in &self.model.edges {
            suppliers[edge.from as usize].push(edge.to);
        }
        suppliers
    }

    /// The functions, with a pseudo component for each stopgap's needs.
    pub(super) fn functions(&mut self) {
        let suppliers = self.run_suppliers_of_needs();
        let mut search = Search::new(suppliers.len());
        let map = self.inputs.map;
        let somebody = map
            .components
            .values()
            .any(|c| matches!(c.kind, Kind::Person | Kind::Team | Kind::Vendor));
        for component in map.components.values() {
            let Details::Function(details) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let closure = search.with(&suppliers, node);
            let workaround = self.workaround(component, details);
            let function = Function {
                node,
                minimum: details.minimum.map_or(ONE, |share| millionths(share.get())).max(1),
                catch_up: details.catch_up.map_or(0.25, |share| share.get()).max(0.001),
                workaround,
                loss: loss_steps(details),
                demand: details.demand.as_ref().map_or_else(Calendar::always, |hours: &Hours| {
                    Calendar::new(&self.frame, &[hours], &|_| false)
                }),
                deadlines: self.deadlines(details),
                deadline_loss: minor(details.deadline_loss.unwrap_or(0.0)),
                life_safety: details.life_safety,
                rto: details.objectives.rto.map(Span::as_ms),
                datasets: closure
                    .iter()
                    .filter_map(|n| self.model.nodes[*n as usize].dataset)
                    .collect(),
                cannot: self.cannot(&closure, somebody),
                closure,
            };
            self.model.functions.push(function);
        }
    }

    fn run_suppliers_of_needs(&self) -> Vec<Vec<u32>> {
        let mut suppliers: Vec<Vec<u32>> =
            self.model.nodes.iter().map(|node| node.foundations.clone()).collect();
        for (node, list) in self.model.nodes.iter().zip(&mut suppliers) {
            for need in &node.needs {
                visit(need, &mut |edge| list.push(self.model.edges[edge as usize].to));
            }
        }
        suppliers
    }

    fn cannot(&self, closure: &[u32], somebody: bool) -> Option<String> {
        if closure.len() <= 1 {
            return Some("cannot be simulated yet: the map does not say what it needs".into());
        }
        let any_step = closure.iter().any(|node| {
            let node = &self.model.nodes[*node as usize];
            !node.recover.is_empty() || !node.repair.is_empty() || !node.clear.is_empty()
        });
        (!somebody && !any_step).then(|| {
            "cannot be simulated yet: there are no people and no recovery steps on the map".into()
        })
    }

    fn workaround(&mut self, component: &Component, details: &MapFunction) -> Option<Workaround> {
        let workaround = details.workaround.as_ref()?;
        let mut node = self.blank(component);
        node.foundations.clear();
        node.stands_on.clear();
        node.falls_along = false;
        node.absent = false;
        let number = self.model.nodes.len() as u32;
        self.model.nodes.push(node);
        self.model.names.ids.push(component.id.clone());
        self.model.names.titles.push(workaround.name.clone());
        let first_edge = self.model.edges.len();
        let needs: Vec<Expr> =
            workaround.needs.iter().filter_map(|need| self.expression(number, need, 0)).collect();
        for edge in first_edge..self.model.edges.len() {
            let to = self.model.edges[edge].to as usize;
            self.model.nodes[to].dependents.push(number);
        }
        self.model.nodes[number as usize].needs = needs;
        Some(Workaround {
            capacity: millionths(workaround.capacity.get()),
            after: workaround.after.as_ms(),
            lasts: workaround.lasts.as_ms(),
            node: number,
            name: self.step_name(&workaround.name),
        })
    }

    fn deadlines(&self, details: &MapFunction) -> Vec<i64> {
        let Some(deadline) = &details.deadline else { return Vec::new() };
        (0..self.frame.days)
            .map(|day| self.frame.first.saturating_add(day.days()))
            .filter_map(|date| {
                let time = deadline.on(date)?;
                let clock = i32::from(time.hour()) * 60 + i32::from(time.minute());
                Some(local_instant(&self.frame.zone, date, clock * 60_000))
            })
            .collect()
    }

    /// Rank by business: the smallest RTO of any function it blocks, then the
    /// largest loss an hour, then the id.
    pub(super) fn ranks(&mut self) {
        let map = self.inputs.map;
        let mut blockers = self.run_suppliers();
        for step in &self.model.steps {
            let owner = step.owner;
            if owner == NONE {
                continue;
            }
            let list = &mut blockers[owner as usize];
            list.extend(&step.ground);
            for gate in &step.gates {
                visit(gate, &mut |edge| list.push(self.model.edges[edge as usize].to));
            }
            if let Some(dataset) = step.dataset {
                let dataset = &self.model.datasets[dataset as usize];
                list.extend(dataset.chains.iter().map(|c| self.model.copies[c.copy as usize].node));
                blockers[dataset.node as usize].push(owner);
            }
        }
        let mut weights = vec![(i64::MAX, i64::MAX); self.model.nodes.len()];
        let mut functions: Vec<((i64, i64), u32)> = Vec::new();
        for function in &self.model.functions {
            let id = &self.model.names.ids[function.node as usize];
            let Details::Function(details) = &map.components[id].details else { continue };
            let rto = details.objectives.rto.map_or(i64::MAX, Span::as_ms);
            let loss = details.loss.iter().map(|step| minor(step.per_hour)).max().unwrap_or(0);
            functions.push(((rto, -loss), function.node));
        }
        // Least first: whatever was reached before has its weight, and so has all behind it.
        functions.sort_unstable();
        let mut reached = vec![false; weights.len()];
        for (weight, function) in functions {
            let mut stack = vec![function];
            while let Some(node) = stack.pop() {
                if !std::mem::replace(&mut reached[node as usize], true) {
                    weights[node as usize] = weight;
                    stack.extend(&blockers[node as usize]);
                }
            }
        }
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|node| (weights[*node], *node));
        for (rank, node) in order.into_iter().enumerate() {
            self.model.nodes[node].rank = rank as u32;
        }
    }
}

/// Calls `found` for every edge of a tree.
pub(super) fn visit(expr: &Expr, found: &mut impl FnMut(u32)) {
    match expr {
        Expr::Edge(edge) => found(*edge),
        Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
            for part in parts {
                visit(part, found);
            }
        }
    }
}

/// For each node the number of its strongly connected component: Tarjan's
/// algorithm ("Depth-first search and linear graph algorithms", 1972), with a
/// stack of its own, since a long chain of needs must not overflow the thread's.
fn components(next: &[Vec<u32>]) -> Vec<u32> {
    let mut order = vec![NONE; next.len()];
    let mut low = vec![NONE; next.len()];
    let mut part = vec![NONE; next.len()];
    let (mut seen, mut parts) = (0, 0);
    let (mut open, mut path): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
    for root in 0..next.len() as u32 {
        if order[root as usize] == NONE {
            path.push((root, 0));
        }
        while let Some((node, edge)) = path.pop() {
            let index = node as usize;
            if edge == 0 {
                (order[index], low[index]) = (seen, seen);
                seen += 1;
                open.push(node);
            } else {
                // Back from the supplier before this one.
                let below = next[index][edge - 1] as usize;
                if part[below] == NONE {
                    low[index] = low[index].min(low[below]);
                }
            }
            match next[index].get(edge) {
                Some(to) => {
                    path.push((node, edge + 1));
                    if order[*to as usize] == NONE {
                        path.push((*to, 0));
                    } else if part[*to as usize] == NONE {
                        low[index] = low[index].min(order[*to as usize]);
                    }
                }
                None if low[index] == order[index] => {
                    while let Some(member) = open.pop() {
                        part[member as usize] = parts;
                        if member == node {
                            break;
                        }
                    }
                    parts += 1;
                }
                None => {}
            }
        }
    }
    part
}

/// Searches from several nodes, each of which costs only what it reaches.
struct Search {
    /// By node, the search that saw it last.
    seen: Vec<u32>,
    searches: u32,
}

impl Search {
    fn new(nodes: usize) -> Self {
        Self { seen: vec![0; nodes], searches: 0 }
    }

    /// A node and all that can be reached from it, sorted.
    fn with(&mut self, next: &[Vec<u32>], from: u32) -> Vec<u32> {
        self.searches += 1;
        let mut all = Vec::new();
        let mut stack = vec![from];
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut self.seen[node as usize], self.searches) != self.searches {
                all.push(node);
                stack.extend(&next[node as usize]);
            }
        }
        all.sort_unstable();
        all
    }
}

/// Which nodes can be reached from one (itself only through a cycle).
pub(super) fn closure(next: &[Vec<u32>], from: u32) -> Vec<bool> {
    let mut seen = vec![false; next.len()];
    let mut stack = vec![from];
    while let Some(node) = stack.pop() {
        for to in &next[node as usize] {
            if !seen[*to as usize] {
                seen[*to as usize] = true;
                stack.push(*to);
            }
        }
    }
    seen
}

fn loss_steps(details: &MapFunction) -> Vec<(i64, f64, i64)> {
    let step = |step: &evenkeel_config::map::LossStep| {
        (step.after.as_ms(), step.per_hour * 100.0, minor(step.sum.unwrap_or(0.0)))
    };
    details.loss.iter().map(step).collect()
}

pub(crate) fn title(component: &Component, show_names: bool) -> String {
    match &component.details {
        Details::Person(person) if !show_names => {
            person.role.clone().unwrap_or_else(|| "one person".to_owned())
        }
        _ => component.title(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_an_edge_in_a_cycle_reach_each_other() {
        // A fixed pseudo-random graph of 60 nodes, with a few cycles.
        let mut state = 7_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let next: Vec<Vec<u32>> =
            (0..60).map(|_| (0..draw() % 3).map(|_| draw() % 60).collect()).collect();
        let parts = components(&next);
        let reach: Vec<Vec<bool>> = (0..60).map(|node| closure(&next, node)).collect();
        let mut cycles = 0;
        for from in 0..60 {
            for to in 0..60 {
                let both = from == to || reach[from][to] && reach[to][from];
                assert_eq!(parts[from] == parts[to], both, "{from} {to}");
                cycles += u32::from(both && from != to);
            }
        }
        assert!(cycles > 0, "the graph shows nothing");
    }
}
