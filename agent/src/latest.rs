//! What the agent knows now: the newest evidence of each check, and what waits to be stored.
use std::collections::{BTreeMap, VecDeque};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::record::Evidence;

use crate::store::SeenSubject;

/// Most pieces of evidence that wait in memory while the store cannot be written.
const MOST_WAITING: usize = 1_000;

/// The newest state, in memory, so that a scrape touches nothing else.
#[derive(Debug)]
pub(crate) struct Latest {
    evidence: BTreeMap<String, Evidence>,
    vanished: BTreeMap<String, Vec<SeenSubject>>,
    waiting: VecDeque<(Evidence, String)>,
    /// Whether the last reload of the configuration worked.
    pub(crate) reload_ok: bool,
    /// Discovered dependencies, and how many were left out.
    pub(crate) edges: [u64; 2],
}

impl Latest {
    pub(crate) fn new(stored: Vec<Evidence>) -> Self {
        Self {
            evidence: stored.into_iter().map(|one| (one.check.clone(), one)).collect(),
            vanished: BTreeMap::new(),
            waiting: VecDeque::new(),
            reload_ok: true,
            edges: [0, 0],
        }
    }

    /// The newest evidence of a configured check; what another kind or
    /// component once left under the same name is not it.
    pub(crate) fn of(&self, entry: &CheckEntry) -> Option<&Evidence> {
        self.evidence
            .get(&entry.name)
            .filter(|one| one.kind == entry.kind && one.component == entry.component)
    }

    /// Targets of a check that are gone, with what was last seen of them.
    pub(crate) fn vanished(&self, entry: &CheckEntry) -> &[SeenSubject] {
        self.vanished.get(&entry.name).map_or(&[], Vec::as_slice)
    }

    /// Whether everything so far could be stored.
    pub(crate) fn store_ok(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn put(&mut self, evidence: Evidence, vanished: Vec<SeenSubject>) {
        self.vanished.insert(evidence.check.clone(), vanished);
        self.evidence.insert(evidence.check.clone(), evidence);
    }

    /// Puts a piece of evidence in line to be stored.
    pub(crate) fn wait(&mut self, evidence: Evidence, settings: String) {
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((evidence, settings));
    }

    /// Takes what waits, oldest first, to be stored without holding the lock.
    pub(crate) fn take_waiting(&mut self) -> VecDeque<(Evidence, String)> {
        std::mem::take(&mut self.waiting)
    }

    /// Puts back what could not be stored.
    pub(crate) fn put_back(&mut self, mut waiting: VecDeque<(Evidence, String)>) {
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
    }
}
