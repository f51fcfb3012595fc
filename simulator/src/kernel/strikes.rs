//! Blows: who is hit, when, and what becomes of it.
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use evenkeel_config::map::Kind;
use evenkeel_config::record::Cause;
use evenkeel_config::scenario::{Effect, Pick};

use super::chain::{Label, ROOT};
use super::{Entry, Event, Grave, Trial};
use crate::model::{NEVER, NONE, ONE, Spread, Strike};

impl Trial<'_> {
    /// Decides whom each blow hits and when; blows without delay fall at once.
    pub(super) fn begin_strikes(&mut self) {
        let model = self.model;
        for (number, strike) in (0..).zip(&model.strikes) {
            let hits = self.hits(strike);
            let after = strike.after.as_ref().map_or(0, |after| self.draw(after, 0));
            let arrivals = match &strike.spread {
                Some(spread) => self.arrivals(spread, &hits),
                None => hits.iter().map(|node| (*node, 0, false)).collect(),
            };
            for (node, hop, spread) in arrivals {
                let at = after.saturating_add(hop);
                let event = Event::Strike { strike: number, target: node, spread, delayed: false };
                if at == 0 {
                    self.on_strike(number, node, false, false);
                } else if at <= model.horizon {
                    self.at(at, event);
                }
            }
        }
    }

    fn hits(&self, strike: &Strike) -> Vec<u32> {
        let luck = self.luck;
        if strike.pick == Pick::One {
            let chosen = strike.targets.iter().min_by(|a, b| {
                let draw = |key| luck.uniform(key, 1);
                draw(a.hit_key).total_cmp(&draw(b.hit_key)).then(a.node.cmp(&b.node))
            });
            return chosen
                .filter(|chosen| {
                    let key = strike.together.unwrap_or(chosen.hit_key);
                    luck.happens(strike.probability, key, 0)
                })
                .map(|target| target.node)
                .into_iter()
                .collect();
        }
        strike
            .targets
            .iter()
            .filter(|target| {
                luck.happens(strike.probability, strike.together.unwrap_or(target.hit_key), 0)
            })
            .map(|target| target.node)
            .collect()
    }

    /// When each component is reached: the shortest path of hop times over the
    /// edges that are open this time.
    fn arrivals(&self, spread: &Spread, hits: &[u32]) -> Vec<(u32, i64, bool)> {
        let mut reached = vec![NEVER; self.model.nodes.len()];
        let mut done = vec![false; reached.len()];
        let mut open = BinaryHeap::new();
        for node in hits {
            reached[*node as usize] = 0;
            open.push(Reverse((0, *node)));
        }
        let mut all = Vec::new();
        while let Some(Reverse((_, node))) = open.pop() {
            if done[node as usize] {
                continue;
            }
            done[node as usize] = true;
            all.push((node, reached[node as usize]));
            let first = spread.edges.partition_point(|edge| edge.0 < node);
            for (from, to, open_key, hop_key) in &spread.edges[first..] {
                if *from != node {
                    break;
                }
                if done[*to as usize] || !self.luck.happens(spread.probability, *open_key, 0) {
                    continue;
                }
                let hop = spread.hop.at(self.luck.normal(*hop_key, 0));
                let at = reached[node as usize].saturating_add(hop);
                if at < reached[*to as usize] {
                    reached[*to as usize] = at;
                    open.push(Reverse((at, *to)));
                }
            }
        }
        let hit: BTreeSet<u32> = hits.iter().copied().collect();
        all.sort_unstable();
        all.into_iter().map(|(node, at)| (node, at, !hit.contains(&node))).collect()
    }

    pub(super) fn on_strike(&mut self, strike: u32, node: u32, spread: bool, delayed: bool) {
        if spread && self.launched {
            return;
        }
        let model = self.model;
        let blow = &model.strikes[strike as usize];
        let target = &model.nodes[node as usize];
        let label = Label { cause: Cause::Wait, component: node, step: blow.name, source: NONE };
        let why = self.chain.add(self.now, ROOT, label);
        let battery = target.kind == Kind::Power
            && target.runtime > 0
            && !delayed
            && matches!(blow.effect, Effect::Down | Effect::Degraded);
        if let Some(law) = &blow.lasts {
            let key = blow.targets.iter().find(|t| t.node == node).map(|t| t.lasts_key);
            let key = key.unwrap_or(blow.targets.first().map_or(model.start_key, |t| t.lasts_key));
            let lasts = law.at(self.luck.normal(key, 0));
            if battery && lasts <= target.runtime {
                return;
            }
            let held = if battery { target.runtime } else { 0 };
            if held > 0 {
                let event = Event::Strike { strike, target: node, spread, delayed: true };
                self.note(Entry::OnBattery { node, until: self.now + held });
                self.at(self.now + held, event);
                return;
            }
            let past = if delayed { target.runtime } else { 0 };
            let until = self.now + lasts - past;
            self.note(Entry::OutageBegan { node, strike, until });
            self.begin_outage(node, blow, until, why);
            return;
        }
        if battery {
            let event = Event::Strike { strike, target: node, spread, delayed: true };
            self.note(Entry::OnBattery { node, until: self.now + target.runtime });
            self.at(self.now + target.runtime, event);
            return;
        }
        let grave = match blow.effect {
            Effect::Degraded => Grave::Degraded,
            Effect::Down => Grave::Down,
            Effect::Suspect => Grave::Suspect,
            Effect::Lost => Grave::Lost,
        };
        self.hurt(node, grave, strike, why);
    }

    fn begin_outage(&mut self, node: u32, blow: &Strike, until: i64, why: u32) {
        let own = &mut self.own[node as usize];
        let degraded = blow.effect == Effect::Degraded;
        if degraded {
            own.brownout = if own.brownouts == 0 { ONE } else { own.brownout }.min(blow.capacity);
            own.brownouts += 1;
        } else {
            own.outages += 1;
        }
        self.at(until, Event::OutageEnd { node, degraded });
        self.touch(node, why);
    }

    pub(super) fn on_outage_end(&mut self, node: u32, degraded: bool) {
        self.note(Entry::OutageEnded { node });
        let own = &mut self.own[node as usize];
        if degraded {
            own.brownouts -= 1;
        } else {
            own.outages -= 1;
        }
        let label = Label { cause: Cause::Outage, component: node, step: NONE, source: NONE };
        let why = self.chain.add(self.now, ROOT, label);
        self.touch(node, why);
    }

    /// Makes a component's state at least this grave, and takes along what
    /// stands on a lost one.
    fn hurt(&mut self, node: u32, grave: Grave, strike: u32, why: u32) {
        let model = self.model;
        let blow = &model.strikes[strike as usize];
        let target = &model.nodes[node as usize];
        if self.is_part_of_its_host(node, grave) {
            return;
        }
        if let (Some(copy), Grave::Lost) = (target.copy, grave) {
            let spared = blow.spares_immutable && self.holds_immutable(copy);
            let state = &mut self.copies[copy as usize];
            state.mutable_gone = true;
            self.look_at_all_gates();
            self.note(Entry::CopyGone { node, strike, spared });
            if spared {
                return;
            }
            self.copies[copy as usize].gone = true;
        }
        if let Some(dataset) = target.dataset.filter(|_| grave >= Grave::Suspect) {
            self.hit[dataset as usize] = true;
            self.loss[dataset as usize] = NEVER;
        }
        if grave > self.own[node as usize].grave {
            self.own[node as usize].grave = grave;
            self.own[node as usize].partial =
                if grave == Grave::Degraded { blow.capacity } else { 0 };
            self.note(Entry::Struck { node, strike, effect: blow.effect });
            self.cancel(node);
            self.touch(node, why);
            if self.launched {
                self.settle();
                self.launch(node, why);
            }
        }
        if grave == Grave::Lost {
            for other in &target.dependents {
                let above = &model.nodes[*other as usize];
                let falls = above.falls_along && above.stands_on.contains(&node);
                if falls && self.own[*other as usize].grave < Grave::Lost {
                    self.hurt(*other, Grave::Lost, strike, why);
                }
            }
        }
    }

    /// A service without steps of its own comes and goes with its host.
    fn is_part_of_its_host(&self, node: u32, grave: Grave) -> bool {
        let target = &self.model.nodes[node as usize];
        target.kind == Kind::Service
            && !target.stands_on.is_empty()
            && match grave {
                Grave::Suspect => target.clear.is_empty(),
                Grave::Lost => target.recover.is_empty(),
                Grave::Whole | Grave::Degraded | Grave::Down => false,
            }
    }

    fn holds_immutable(&self, copy: u32) -> bool {
        let mut chains = self.model.datasets.iter().flat_map(|data| &data.chains);
        chains.any(|chain| chain.copy == copy && chain.immutable)
    }
}
