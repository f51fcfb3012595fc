//! Spare parts: stock, orders on their way, and who waits for the next piece.
//!
//! Each use orders a piece, and pieces that come in go to who has waited
//! longest. With stated demand, uses before the strike were a Poisson process:
//! it is drawn back in time as far as an order can still be on its way.
use std::collections::VecDeque;

use evenkeel_config::record::Cause;

use super::chain::Label;
use super::jobs::Stage;
use super::log::Entry;
use super::{Event, Trial};
use crate::model::{Demand, NONE};

/// More earlier uses than this are not looked at.
const MOST_USES: u32 = 100_000;

/// A pool of spare parts during a trial.
#[derive(Debug, Clone, Default)]
pub(super) struct PoolState {
    on_hand: u32,
    /// Pieces promised to failures from before the strike.
    owed: u32,
    queue: VecDeque<u32>,
}

impl Trial<'_> {
    pub(super) fn reset_pools(&mut self) {
        let model = self.model;
        self.pools.resize_with(model.pools.len(), PoolState::default);
        for (number, pool) in (0..).zip(&model.pools) {
            let state = &mut self.pools[number as usize];
            state.queue.clear();
            (state.on_hand, state.owed) = (pool.stock, 0);
            if let Some(demand) = &pool.demand {
                self.earlier_orders(number, demand);
            }
        }
    }

    /// The orders that are still on their way at the strike.
    fn earlier_orders(&mut self, pool: u32, demand: &Demand) {
        let mut age = 0_i64;
        for use_before in 0..MOST_USES {
            age = age.saturating_add(self.draw(&demand.gap, use_before));
            if age > demand.longest {
                return;
            }
            let left = self.draw(&demand.lead, use_before) - age;
            if left <= 0 {
                continue;
            }
            self.at(left, Event::Delivery { pool });
            let state = &mut self.pools[pool as usize];
            if state.on_hand > 0 {
                state.on_hand -= 1;
            } else {
                state.owed += 1;
            }
        }
    }

    /// Takes a piece from stock and orders another; `None` when the pool never
    /// orders and has none left, else whether a piece is at hand.
    pub(super) fn take_spare(&mut self, job: u32, pool: u32) -> Option<bool> {
        let step = self.step_of(job)?;
        let number = self.step_number(job);
        let node = self.model.pools[pool as usize].node;
        let at_hand = self.pools[pool as usize].on_hand > 0;
        let attempt = self.jobs[job as usize].attempt;
        if let Some(order) = &step.order {
            let until = self.now.saturating_add(self.draw(order, attempt));
            self.note(Entry::SpareOrdered { step: number, spare: node, until, for_shelf: at_hand });
            self.at(until, Event::Delivery { pool });
        } else if !at_hand {
            return None;
        }
        if at_hand {
            self.pools[pool as usize].on_hand -= 1;
            self.note(Entry::SpareTaken { step: number, spare: node });
        } else {
            self.pools[pool as usize].queue.push_back(job);
            self.jobs[job as usize].stage = Stage::Spare;
        }
        Some(at_hand)
    }

    /// A piece comes in: for an earlier failure, for who waits, or for the shelf.
    pub(super) fn on_delivery(&mut self, pool: u32) {
        let spare = self.model.pools[pool as usize].node;
        let state = &mut self.pools[pool as usize];
        if state.owed > 0 {
            state.owed -= 1;
        } else if let Some(job) = state.queue.pop_front() {
            let label = self.label(job, Cause::LeadTime);
            self.note(Entry::SpareCame { step: self.step_number(job), spare });
            self.stretch(job, Label { component: spare, ..label });
            self.call_vendor(job);
        } else {
            state.on_hand += 1;
            self.note(Entry::SpareCame { step: NONE, spare });
        }
    }

    pub(super) fn leave_queues(&mut self, job: u32) {
        for pool in &mut self.pools {
            pool.queue.retain(|other| *other != job);
        }
    }
}
