//! In which order waiting work is given to people: each step's rank by the dispatch rule.
use std::collections::BTreeMap;

use evenkeel_config::map::Dispatch;

use super::Compiler;
use super::graph::visit;
use crate::model::{NONE, Step};

impl Compiler<'_> {
    /// Ranks every step. Phases before recovery come first whatever the rule.
    pub(super) fn dispatch(&mut self) {
        let organisation = &self.inputs.map.organisation;
        let after_phases = |rank: i64| rank.saturating_add(1);
        let ranks: Vec<i64> = match organisation.dispatch {
            Dispatch::Business => self.by_owner(|node| i64::from(self.model.nodes[node].rank)),
            Dispatch::ShortestFirst => {
                self.model.steps.iter().map(|step| self.usual_work(step)).collect()
            }
            Dispatch::CriticalPath => {
                let tails = self.tails();
                let longest = tails.iter().copied().max().unwrap_or(0);
                tails.into_iter().map(|tail| longest - tail).collect()
            }
            Dispatch::Listed => {
                let listed: BTreeMap<u32, i64> = organisation
                    .dispatch_order
                    .iter()
                    .filter_map(|id| self.node(id))
                    .zip(0..)
                    .collect();
                let after = listed.len() as i64;
                self.by_owner(|node| {
                    let own = after + i64::from(self.model.nodes[node].rank);
                    listed.get(&(node as u32)).copied().unwrap_or(own)
                })
            }
        };
        for (step, rank) in self.model.steps.iter_mut().zip(ranks) {
            step.rank = if step.owner == NONE { 0 } else { after_phases(rank) };
        }
    }

    fn by_owner(&self, rank: impl Fn(usize) -> i64) -> Vec<i64> {
        let owners = self.model.steps.iter().map(|step| step.owner);
        owners.map(|owner| if owner == NONE { 0 } else { rank(owner as usize) }).collect()
    }

    /// The hands-on time of a step in a usual night.
    fn usual_work(&self, step: &Step) -> i64 {
        let one = step.effort.as_ref().map_or(0, |effort| effort.sampler.at(0.0));
        if !step.each || step.owner == NONE {
            return one;
        }
        let fleet = self.model.nodes[step.owner as usize].fleet;
        one.saturating_mul(i64::from(fleet.map_or(1, |fleet| fleet.0)))
    }

    /// The time of a step in a usual night, work and waits.
    fn usual_time(&self, step: &Step) -> i64 {
        let laws = [&step.lead, &step.wait];
        let waits = laws.into_iter().flatten().map(|draw| draw.sampler.at(0.0));
        let data = step.dataset.map_or(0, |data| self.usual_restore(data));
        waits.fold(self.usual_work(step).saturating_add(data), i64::saturating_add)
    }

    /// How long the fastest copy of a data set takes alone.
    fn usual_restore(&self, data: u32) -> i64 {
        let data = &self.model.datasets[data as usize];
        let times = data.chains.iter().map(|chain| {
            let copy = &self.model.copies[chain.copy as usize];
            let usual = || data.bytes / copy.speed + data.files * copy.per_file;
            crate::draw::to_ms(chain.measured.as_ref().map_or_else(usual, |times| times.median))
        });
        times.min().unwrap_or(0)
    }

    /// For each step, how long the longest chain of recovery work is that
    /// begins with it: the rest of its list, then of whoever waits for its owner.
    fn tails(&self) -> Vec<i64> {
        let nodes = self.model.nodes.len();
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); nodes];
        for step in self.model.steps.iter().filter(|step| step.owner != NONE) {
            let mut awaited = step.ground.clone();
            for gate in &step.gates {
                visit(gate, &mut |edge| awaited.push(self.model.edges[edge as usize].to));
            }
            if let Some(data) = step.dataset {
                let chains = &self.model.datasets[data as usize].chains;
                awaited.extend(chains.iter().map(|c| self.model.copies[c.copy as usize].node));
            }
            for node in awaited.into_iter().filter(|node| *node != step.owner) {
                waiting[node as usize].push(step.owner);
            }
        }
        for list in &mut waiting {
            list.sort_unstable();
            list.dedup();
        }
        let usual = |steps: &[u32]| {
            let times = steps.iter().map(|step| self.usual_time(&self.model.steps[*step as usize]));
            times.fold(0, i64::saturating_add)
        };
        let own: Vec<i64> = self
            .model
            .nodes
            .iter()
            .map(|node| [&node.recover, &node.repair, &node.clear].map(|list| usual(list)))
            .map(|[recover, repair, clear]| recover.max(repair).max(clear))
            .collect();
        let after = longest_after(&waiting, &own);
        let mut tails: Vec<i64> = self
            .model
            .steps
            .iter()
            .map(|step| {
                let later = if step.owner == NONE { 0 } else { after[step.owner as usize] };
                self.usual_time(step).saturating_add(later)
            })
            .collect();
        for node in &self.model.nodes {
            for list in [&node.recover, &node.repair, &node.clear] {
                let mut rest = 0_i64;
                for step in list.iter().rev() {
                    tails[*step as usize] = tails[*step as usize].saturating_add(rest);
                    rest = rest.saturating_add(self.usual_time(&self.model.steps[*step as usize]));
                }
            }
        }
        tails
    }
}

/// For each node the longest sum of `own` over a chain of nodes that wait for
/// it, itself left out. A circle is followed once round.
fn longest_after(waiting: &[Vec<u32>], own: &[i64]) -> Vec<i64> {
    let mut after: Vec<Option<i64>> = vec![None; own.len()];
    let mut on_way = vec![false; own.len()];
    for start in 0..own.len() {
        // Depth first without recursion: maps can be long chains.
        let mut stack = vec![(start, 0_usize)];
        while let Some((node, next)) = stack.pop() {
            if after[node].is_some() {
                continue;
            }
            on_way[node] = true;
            let open = waiting[node]
                .iter()
                .skip(next)
                .position(|other| after[*other as usize].is_none() && !on_way[*other as usize]);
            if let Some(ahead) = open {
                let index = next + ahead;
                stack.push((node, index + 1));
                stack.push((waiting[node][index] as usize, 0));
                continue;
            }
            let longest = waiting[node].iter().map(|other| {
                let other = *other as usize;
                if on_way[other] { 0 } else { own[other].saturating_add(after[other].unwrap_or(0)) }
            });
            after[node] = Some(longest.max().unwrap_or(0));
            on_way[node] = false;
        }
    }
    after.into_iter().map(Option::unwrap_or_default).collect()
}
