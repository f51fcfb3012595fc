//! Chances on a diagram: how often a function is down, and what each part matters to that.
use super::bdd::{Bdd, DOWN, Ref, UP};

/// Below this share of what is subtracted, a difference has lost too many
/// digits and is computed anew.
const WORN: f64 = 1e-4;

/// A function's chances, with those of each event to be down by itself.
pub(super) struct Measures<'a> {
    bdd: &'a Bdd,
    function: Ref,
    /// Its nodes, successors first.
    nodes: Vec<Ref>,
    down: &'a [f64],
    /// For each node of the diagram, the chances to be down and up from there.
    chances: Vec<(f64, f64)>,
}

/// What one event matters; the names are those of reliability theory, see
/// [`evenkeel_config::record::Importance`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    pub(super) birnbaum: f64,
    pub(super) criticality: Option<f64>,
    pub(super) raw: Option<f64>,
    pub(super) rrw: Option<f64>,
}

impl<'a> Measures<'a> {
    /// `down` has one chance for each event, independent of each other.
    pub(super) fn of(bdd: &'a Bdd, function: Ref, down: &'a [f64]) -> Self {
        let nodes = bdd.below(function);
        let mut measures = Self { bdd, function, nodes, down, chances: Vec::new() };
        measures.chances = measures.with(None);
        measures
    }

    /// Share of time down, and share of time up: each a sum of positive
    /// products, so that small ones keep their digits.
    pub(super) fn down_and_up(&self) -> (f64, f64) {
        self.chances[self.function as usize]
    }

    /// The chances when one event never happens.
    fn with(&self, never: Option<u32>) -> Vec<(f64, f64)> {
        let mut chances = vec![(0.0, 0.0); self.function.max(UP) as usize + 1];
        chances[DOWN as usize] = (1.0, 0.0);
        chances[UP as usize] = (0.0, 1.0);
        for at in &self.nodes {
            let node = self.bdd.node(*at);
            let down = if never == Some(node.level) { 0.0 } else { self.down[node.level as usize] };
            let (low, high) = (chances[node.low as usize], chances[node.high as usize]);
            let join = |low: f64, high: f64| down * low + (1.0 - down) * high;
            chances[*at as usize] = (join(low.0, high.0), join(low.1, high.1));
        }
        chances
    }

    /// What each event matters, in the order of events; `None` for those on
    /// which the function does not hang.
    pub(super) fn weights(&self) -> Vec<Option<Weights>> {
        self.birnbaum()
            .into_iter()
            .enumerate()
            .map(|(event, birnbaum)| birnbaum.map(|birnbaum| self.weigh(event as u32, birnbaum)))
            .collect()
    }

    /// The derivative of the chance to be down by that of each event: the
    /// chance to come to a test of it, times what the test decides there.
    fn birnbaum(&self) -> Vec<Option<f64>> {
        let mut reached = vec![0.0; self.chances.len()];
        reached[self.function as usize] = 1.0;
        let mut derivative: Vec<Option<f64>> = vec![None; self.down.len()];
        for at in self.nodes.iter().rev() {
            let node = self.bdd.node(*at);
            let here = reached[*at as usize];
            let down = self.down[node.level as usize];
            reached[node.low as usize] += here * down;
            reached[node.high as usize] += here * (1.0 - down);
            let (low, high) = (self.chances[node.low as usize], self.chances[node.high as usize]);
            // The same difference twice: the one of smaller numbers is sharper.
            let decides = if high.0 < high.1 { low.0 - high.0 } else { high.1 - low.1 };
            *derivative[node.level as usize].get_or_insert(0.0) += here * decides.max(0.0);
        }
        derivative
    }

    fn weigh(&self, event: u32, birnbaum: f64) -> Weights {
        let (total, _) = self.down_and_up();
        let down = self.down[event as usize];
        if total <= 0.0 {
            return Weights { birnbaum, criticality: None, raw: None, rrw: None };
        }
        let mut without = total - birnbaum * down;
        if without < WORN * total {
            without = self.with(Some(event))[self.function as usize].0;
        }
        Weights {
            birnbaum,
            criticality: Some((birnbaum * down / total).min(1.0)),
            raw: Some((total + birnbaum * (1.0 - down)) / total),
            rrw: (without > 0.0).then(|| total / without),
        }
    }
}
