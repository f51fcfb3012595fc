//! The realised blocking chain: each event points to the one that released it.
//!
//! An entry says: from its predecessor's instant to its own, the time went into
//! one thing. Walking back from the instant a function became usable therefore
//! gives intervals that add up to the whole, exactly.
use evenkeel_config::record::Cause;

/// The strike itself: the beginning of every chain.
pub const ROOT: u32 = 0;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Milliseconds since the strike.
    pub at: i64,
    /// The entry that released it.
    pub before: u32,
    /// What the time since then went into, as the number of a [`Cause`].
    pub cause: u8,
    /// The component waited for or worked on, or `u32::MAX`.
    pub component: u32,
    /// The step, as an index into the names, or `u32::MAX`.
    pub step: u32,
    /// The step itself, for its provenance, or `u32::MAX`.
    pub source: u32,
}

/// What an interval went into.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    pub(crate) cause: Cause,
    pub(crate) component: u32,
    pub(crate) step: u32,
    pub(crate) source: u32,
}

impl Label {
    /// A label without a step's figures behind it.
    pub(crate) fn new(cause: Cause, component: u32, step: u32) -> Self {
        Self { cause, component, step, source: u32::MAX }
    }
}

/// All entries of one trial.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    links: Vec<Link>,
}

impl Chain {
    pub(super) fn clear(&mut self) {
        self.links.clear();
        self.links.push(Link {
            at: 0,
            before: ROOT,
            cause: Cause::Wait as u8,
            component: u32::MAX,
            step: u32::MAX,
            source: u32::MAX,
        });
    }

    /// When an entry happened.
    pub fn at(&self, link: u32) -> i64 {
        self.links[link as usize].at
    }

    /// Adds an entry, unless no time has passed since the one before.
    pub(crate) fn add(&mut self, at: i64, before: u32, label: Label) -> u32 {
        if at <= self.at(before) {
            return before;
        }
        self.links.push(Link {
            at,
            before,
            cause: label.cause as u8,
            component: label.component,
            step: label.step,
            source: label.source,
        });
        self.links.len() as u32 - 1
    }

    /// The entries from the strike to `end`, in order, as (from, entry).
    pub fn walk(&self, end: u32) -> Vec<(i64, Link)> {
        let mut path: Vec<(i64, Link)> = self.back(end).collect();
        path.reverse();
        path
    }

    /// The same from `end` back to the strike.
    pub fn back(&self, end: u32) -> impl Iterator<Item = (i64, Link)> {
        let mut link = end;
        std::iter::from_fn(move || {
            let entry = (link != ROOT).then(|| self.links[link as usize])?;
            link = entry.before;
            Some((self.at(entry.before), entry))
        })
    }
}
