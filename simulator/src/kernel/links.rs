//! Transfers over shared links: max-min fair by progressive filling, or one at a time.
use evenkeel_config::map::Sharing;
use evenkeel_config::record::Cause;

use super::chain::Label;
use super::{Entry, Event, Trial, work};
use crate::model::NONE;

/// One transfer.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub(super) job: u32,
    /// Index into the model's copies.
    pub(super) copy: u32,
    /// Bytes still to come.
    left: f64,
    /// Bytes a millisecond, alone.
    cap: f64,
    rate: f64,
    since: i64,
    started: i64,
    alone: i64,
    generation: u32,
    pub(super) open: bool,
}

impl<'m> Trial<'m> {
    /// Starts a transfer that alone would take `takes` milliseconds.
    pub(super) fn start_flow(&mut self, job: u32, copy: u32, bytes: f64, takes: i64) {
        let links = &self.model.copies[copy as usize].links;
        let bytes = bytes.max(1.0);
        let cap = bytes / (takes.max(1) as f64);
        let narrowest =
            links.iter().map(|l| self.model.links[*l as usize].bandwidth).fold(cap, f64::min);
        self.flows.push(Flow {
            job,
            copy,
            left: bytes,
            cap,
            rate: 0.0,
            since: self.now,
            started: self.now,
            alone: up(bytes / narrowest),
            generation: 0,
            open: true,
        });
        self.open_flows.push(self.flows.len() as u32 - 1);
        self.share_links();
    }

    /// Brings all transfers up to date and divides the links anew.
    fn share_links(&mut self) {
        let now = self.now;
        for number in &self.open_flows {
            let flow = &mut self.flows[*number as usize];
            flow.left = (flow.left - flow.rate * (now - flow.since) as f64).max(0.0);
            flow.since = now;
        }
        if let Some((number, rate)) = self.only_flow() {
            self.set_rate(number, rate);
            return;
        }
        let rates = self.fair_rates();
        for (number, rate) in rates {
            self.set_rate(number, rate);
        }
    }

    fn set_rate(&mut self, number: u32, rate: f64) {
        self.flow_generation += 1;
        let flow = &mut self.flows[number as usize];
        (flow.rate, flow.generation) = (rate, self.flow_generation);
        if rate > 0.0 {
            let at = self.now.saturating_add(up(flow.left / rate));
            let generation = flow.generation;
            self.at(at, Event::Flow { flow: number, generation });
        }
    }

    /// The one transfer under way, if there is only one, and its rate: what
    /// [`Self::fair_rates`] gives it, without the lists that many need.
    fn only_flow(&self) -> Option<(u32, f64)> {
        let [number] = self.open_flows.as_slice() else { return None };
        let (number, flow) = (*number, &self.flows[*number as usize]);
        let links = self.model.copies[flow.copy as usize].links.iter();
        let bandwidths = links.map(|link| self.model.links[*link as usize].bandwidth);
        Some((number, bandwidths.fold(flow.cap, f64::min)))
    }

    /// Max-min fair rates under each transfer's own cap, in order of start.
    fn fair_rates(&self) -> Vec<(u32, f64)> {
        let model = self.model;
        let path = |flow: u32| &model.copies[self.flows[flow as usize].copy as usize].links;
        let fifo = |link: &u32| model.links[*link as usize].sharing == Sharing::Fifo;
        let mut taken = vec![false; model.links.len()];
        let mut room: Vec<f64> = model.links.iter().map(|link| link.bandwidth).collect();
        let mut users = vec![0_u32; model.links.len()];
        let mut rising: Vec<u32> = Vec::new();
        let mut rates: Vec<(u32, f64)> = Vec::new();
        for flow in self.open_flows.iter().copied() {
            let waits = path(flow).iter().any(|link| fifo(link) && taken[*link as usize]);
            for link in path(flow).iter().filter(|link| fifo(link)) {
                taken[*link as usize] = true;
            }
            if waits {
                rates.push((flow, 0.0));
            } else {
                rising.push(flow);
            }
        }
        while !rising.is_empty() {
            work::add(rising.len() as u64);
            for link in rising.iter().flat_map(|flow| path(*flow)) {
                users[*link as usize] = 0;
            }
            for flow in &rising {
                for link in unlike(path(*flow)) {
                    users[link as usize] += 1;
                }
            }
            let share = |link: &u32| room[*link as usize] / f64::from(users[*link as usize]);
            let level = rising
                .iter()
                .map(|flow| {
                    let shares = path(*flow).iter().map(share);
                    shares.fold(self.flows[*flow as usize].cap, f64::min)
                })
                .fold(f64::INFINITY, f64::min);
            // Everybody who is held at this level is settled; the rest share on.
            let (held, free): (Vec<u32>, Vec<u32>) = rising.iter().partition(|flow| {
                let own = self.flows[**flow as usize].cap <= level * (1.0 + 1e-12);
                own || path(**flow).iter().any(|link| share(link) <= level * (1.0 + 1e-12))
            });
            for flow in &held {
                for link in path(*flow) {
                    let left = &mut room[*link as usize];
                    *left = (*left - level).max(0.0);
                }
                rates.push((*flow, level));
            }
            rising = free;
        }
        rates
    }

    /// Ends a transfer under way.
    fn close(&mut self, number: u32) {
        self.flows[number as usize].open = false;
        self.open_flows.retain(|open| *open != number);
    }

    pub(super) fn on_flow(&mut self, number: u32, generation: u32) {
        let flow = self.flows[number as usize].clone();
        if !flow.open || flow.generation != generation {
            return;
        }
        self.close(number);
        self.share_links();
        let job = flow.job;
        let model = self.model;
        let step = self.step_of(job);
        let data = step.and_then(|step| step.dataset);
        let node = data.map_or(NONE, |data| model.datasets[data as usize].node);
        let label = Label { component: node, ..self.label(job, Cause::Transfer) };
        let before = self.jobs[job as usize].why;
        let alone = (flow.started + flow.alone).min(self.now);
        let why = self.chain.add(alone, before, label);
        let link = model.copies[flow.copy as usize].links.iter().copied().min_by(|a, b| {
            let width = |link: &u32| model.links[*link as usize].bandwidth;
            width(a).total_cmp(&width(b)).then(a.cmp(b))
        });
        let shared = link.map_or(NONE, |link| model.links[link as usize].node);
        let (data, copy) = (data.unwrap_or(NONE), model.copies[flow.copy as usize].node);
        self.note(Entry::TransferEnded { data, copy, alone_until: alone, link: shared });
        let label = Label { cause: Cause::LinkContention, component: shared, ..label };
        self.jobs[job as usize].why = self.chain.add(self.now, why, label);
        let held = std::mem::take(&mut self.jobs[job as usize].held);
        self.release(&held);
        self.restored(job);
    }

    /// A link or a repository went down: what was under way over it is lost and
    /// begins anew when it is back.
    pub(super) fn cut_flows(&mut self, node: u32) {
        let model = self.model;
        let mut cut = Vec::new();
        self.open_flows.retain(|number| {
            let flow = &mut self.flows[*number as usize];
            let copy = &model.copies[flow.copy as usize];
            let link = copy.links.iter().any(|link| model.links[*link as usize].node == node);
            flow.open = copy.node != node && !link;
            if !flow.open {
                cut.push(flow.job);
            }
            flow.open
        });
        if cut.is_empty() {
            return;
        }
        self.note(Entry::TransferCut { node });
        self.share_links();
        for job in cut {
            self.catch_up(job);
            self.wait_for_copy(job);
        }
    }

    pub(super) fn flows_of_job_end(&mut self, job: u32) {
        let before = self.open_flows.len();
        self.open_flows.retain(|number| {
            let flow = &mut self.flows[*number as usize];
            flow.open = flow.job != job;
            flow.open
        });
        if self.open_flows.len() < before {
            self.share_links();
        }
    }
}

/// The links of a path, each once.
fn unlike(path: &[u32]) -> impl Iterator<Item = u32> {
    (0..).zip(path).filter(|(place, link)| !path[..*place].contains(link)).map(|(_, link)| *link)
}

/// Whole milliseconds, rounded up; a rounding error of the division is no millisecond.
fn up(ms: f64) -> i64 {
    crate::draw::to_ms(libm::ceil(ms - 1e-6))
}
