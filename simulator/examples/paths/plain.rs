//! A plain event loop as a yardstick: two binary heaps, the same draws one by one.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use evenkeel_simulator::draw::BadDay;
use evenkeel_simulator::key::Luck;
use evenkeel_simulator::model::{Draw, Expr, Model};

/// The benchmark's model, read from the compiled one.
pub(crate) struct Plain {
    crew: usize,
    efforts: Vec<Draw>,
    waits_for: Vec<u32>,
    waited_by: Vec<Vec<u32>>,
    bad_day: f64,
    night: evenkeel_simulator::key::Purpose,
}

impl Plain {
    /// Steps in the order of ids, which is also the order of their priority.
    pub(crate) fn new(model: &Model, crew: usize) -> Self {
        let mut step_of = vec![None; model.nodes.len()];
        for (number, step) in (0..).zip(&model.steps) {
            step_of[step.owner as usize] = Some(number);
        }
        let mut waits_for = vec![0; model.steps.len()];
        let mut waited_by = vec![Vec::new(); model.steps.len()];
        for (number, step) in (0..).zip(&model.steps) {
            for gate in &step.gates {
                let Expr::Edge(edge) = gate else { continue };
                let to = model.edges[*edge as usize].to as usize;
                let Some(awaited) = step_of[to] else { continue };
                waits_for[number as usize] += 1;
                waited_by[awaited as usize].push(number);
            }
        }
        let efforts = model.steps.iter().filter_map(|step| step.effort.clone()).collect();
        let (bad_day, night) = (model.bad_day, model.bad_day_key);
        let crew = if crew == 0 { usize::MAX } else { crew };
        Self { crew, efforts, waits_for, waited_by, bad_day, night }
    }

    /// The sum of the times at which all is done, over some trials.
    pub(crate) fn run(&self, from: u32, to: u32) -> i64 {
        (from..to).map(|trial| self.trial(trial)).sum()
    }

    fn trial(&self, number: u32) -> i64 {
        let luck = Luck::new(crate::SEED, number);
        let night = BadDay::new(self.bad_day, luck.normal(self.night, 0));
        let mut waits_for = self.waits_for.clone();
        let mut ready: BinaryHeap<Reverse<u32>> = (0..)
            .zip(&waits_for)
            .filter(|(_, left)| **left == 0)
            .map(|(n, _)| Reverse(n))
            .collect();
        let mut busy: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
        let mut now = 0;
        loop {
            while busy.len() < self.crew {
                let Some(Reverse(step)) = ready.pop() else { break };
                let effort = &self.efforts[step as usize];
                let z = night.mix(luck.normal(effort.purpose, 0));
                busy.push(Reverse((now + effort.sampler.at(z), step)));
            }
            let Some(Reverse((at, _))) = busy.peek().copied() else { return now };
            now = at;
            while let Some(Reverse((_, step))) = busy.peek().copied().filter(|next| next.0.0 == at)
            {
                busy.pop();
                for waiting in &self.waited_by[step as usize] {
                    waits_for[*waiting as usize] -= 1;
                    if waits_for[*waiting as usize] == 0 {
                        ready.push(Reverse(*waiting));
                    }
                }
            }
        }
    }
}
