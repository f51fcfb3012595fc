//! Nothing contended: each task ends when the last of those before it does, and its own span later.
use super::lanes::LANES;

/// Tasks in topological order, each with those it waits for.
#[derive(Debug, Clone, Default)]
pub(super) struct Net {
    /// Where each task's list begins in `before`, and one more.
    pub(super) first: Vec<u32>,
    /// The tasks waited for.
    pub(super) before: Vec<u32>,
}

impl Net {
    /// From one list for each task.
    pub(super) fn new<'a>(lists: impl Iterator<Item = &'a [u32]>) -> Self {
        let mut net = Self { first: vec![0], before: Vec::new() };
        for list in lists {
            net.before.extend_from_slice(list);
            net.first.push(net.before.len() as u32);
        }
        net
    }

    /// What a task waits for.
    #[inline(always)]
    pub(super) fn before(&self, task: usize) -> &[u32] {
        &self.before[self.first[task] as usize..self.first[task + 1] as usize]
    }
}

/// Turns spans into ends, task by task.
#[inline(always)]
pub(super) fn pass(net: &Net, rows: &mut [[i64; LANES]]) {
    for task in 0..rows.len() {
        let (done, rest) = rows.split_at_mut(task);
        let Some(row) = rest.first_mut() else { return };
        let mut latest = [0_i64; LANES];
        for before in net.before(task) {
            let other = &done[*before as usize];
            for lane in 0..LANES {
                let end = other[lane];
                latest[lane] = if end > latest[lane] { end } else { latest[lane] };
            }
        }
        for lane in 0..LANES {
            row[lane] += latest[lane];
        }
    }
}
