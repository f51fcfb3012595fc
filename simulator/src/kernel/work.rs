//! Counts what a trial looks at, in tests alone: how its cost grows with a map, without a clock.
#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static DONE: Cell<u64> = const { Cell::new(0) };
}

/// Adds looks at one thing each.
#[inline(always)]
pub(super) fn add(looks: u64) {
    #[cfg(test)]
    DONE.set(DONE.get() + looks);
    #[cfg(not(test))]
    let _ = looks;
}

/// How many looks `work` takes on this thread.
#[cfg(test)]
pub(super) fn of(work: impl FnOnce()) -> u64 {
    DONE.set(0);
    work();
    DONE.get()
}
