//! Pending events, by time and then in the order in which they were scheduled.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Event;

/// A heap of 16-byte keys (time, sequence, slot) beside the events themselves:
/// half the instructions of a heap that moves and compares whole events.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<u128>>,
    events: Vec<Event>,
    free: Vec<u32>,
    sequence: u32,
}

impl Queue {
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.events.clear();
        self.free.clear();
        self.sequence = 0;
    }

    /// Schedules an event at an instant, never below 0.
    pub(super) fn push(&mut self, at: i64, event: Event) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot as usize] = event;
                slot
            }
            None => {
                self.events.push(event);
                self.events.len() as u32 - 1
            }
        };
        self.sequence += 1;
        let key = (at.max(0) as u128) << 64 | u128::from(self.sequence) << 32 | u128::from(slot);
        self.heap.push(Reverse(key));
    }

    /// When the next event happens.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.heap.peek().map(|key| (key.0 >> 64) as i64)
    }

    /// The next event, if it happens at this instant.
    pub(super) fn pop_at(&mut self, at: i64) -> Option<Event> {
        if self.next_at() != Some(at) {
            return None;
        }
        let Reverse(key) = self.heap.pop()?;
        let slot = key as u32;
        self.free.push(slot);
        Some(self.events[slot as usize])
    }
}
