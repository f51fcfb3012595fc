//! The last step: what trials walk over most, packed so that they find it quickly.
//!
//! Nothing new is decided here. Everything follows from the components, edges
//! and steps that are compiled by now.
use std::collections::HashMap;

use evenkeel_config::map::Kind;

use super::Compiler;
use crate::model::{Crew, Edge, Expr, Lean, NONE, Node, flag, step_flag};

impl Compiler<'_> {
    /// Packs suppliers and dependents, and numbers the distinct crews.
    pub(super) fn lean(&mut self) {
        self.number_crews();
        let model = &self.model;
        let mut lean = Lean::default();
        for (number, node) in (0..).zip(&model.nodes) {
            lean.absent.extend(node.absent.then_some(number));
            lean.below.push(node.foundations.iter().map(|below| {
                let kind = model.nodes[*below as usize].kind;
                (*below, matches!(kind, Kind::Power | Kind::Site))
            }));
            let (mut plain, mut rest) = (Vec::new(), Vec::new());
            for need in &node.needs {
                split(need, &model.edges, &mut plain, &mut rest);
            }
            plain.sort_unstable();
            plain.dedup();
            lean.plain.push(plain);
            lean.rest.push(rest);
            lean.above.push(node.dependents.iter().copied());
            lean.flags.push(flags(node));
        }
        let mut crews_of = vec![Vec::new(); model.people.len()];
        let mut first = 0;
        for (class, crew) in (0..).zip(&model.crews) {
            lean.places.push(first);
            for person in crew.candidates.iter().chain(&crew.deputies) {
                crews_of[*person as usize].push((class, first));
                first += 1;
            }
            first = first.next_multiple_of(u64::BITS);
        }
        lean.places.push(first);
        for step in &model.steps {
            let (mut gates, mut rest) = (Vec::new(), Vec::new());
            // Without an owner there is nobody for whom a gate could be evaluated.
            for gate in step.gates.iter().filter(|_| step.owner != NONE) {
                split(gate, &model.edges, &mut gates, &mut rest);
            }
            let mark = |set: bool, flag: u8| if set { flag } else { 0 };
            lean.step_flags.push(
                mark(step.vendor.is_some(), step_flag::VENDOR)
                    | mark(!rest.is_empty(), step_flag::MIXED),
            );
            lean.ground.push(step.ground.iter().copied());
            lean.gates.push(if rest.is_empty() { gates } else { Vec::new() });
        }
        lean.crews_of = crews_of.into_iter().collect();
        self.model.lean = lean;
    }

    /// Steps that the same people can do share one crew.
    fn number_crews(&mut self) {
        let mut known: HashMap<Crew, u32> = HashMap::new();
        for step in &mut self.model.steps {
            let Some(crew) = &mut step.crew else { continue };
            let crews = &mut self.model.crews;
            crew.class = *known.entry(crew.clone()).or_insert_with(|| {
                let class = crews.len() as u32;
                crews.push(Crew { class, ..crew.clone() });
                class
            });
        }
    }
}

/// Takes a need apart as far as the smallest part counts: plain edges, whose
/// suppliers' capacity counts as it is, and the rest.
fn split(need: &Expr, edges: &[Edge], plain: &mut Vec<u32>, rest: &mut Vec<Expr>) {
    match need {
        Expr::Edge(number) if edges[*number as usize].is_plain() => {
            plain.push(edges[*number as usize].to);
        }
        Expr::All(parts) => {
            for part in parts {
                split(part, edges, plain, rest);
            }
        }
        other => rest.push(other.clone()),
    }
}

fn flags(node: &Node) -> u8 {
    let mark = |set: bool, flag: u8| if set { flag } else { 0 };
    mark(node.absent, flag::ABSENT)
        | mark(node.fleet.is_some(), flag::FLEET)
        | mark(node.failover.is_some(), flag::FAILOVER)
        | mark(node.start.is_some(), flag::START)
        | mark(!node.held_edges.is_empty(), flag::HELD)
}
