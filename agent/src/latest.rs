//! What the agent knows now: the newest evidence of each check, and what waits to be stored.
use std::collections::{BTreeMap, VecDeque};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::record::{Evidence, Outcome};
use jiff::Timestamp;

use crate::plan::Configured;
use crate::store::SeenSubject;

/// Most pieces of evidence that wait in memory while the store cannot be written.
const MOST_WAITING: usize = 1_000;

/// The newest state, in memory, so that a scrape touches nothing else.
#[derive(Debug)]
pub(crate) struct Latest {
    evidence: BTreeMap<String, Evidence>,
    vanished: BTreeMap<String, Vec<SeenSubject>>,
    /// The last evidence with facts, of checks whose newest has none.
    blind: BTreeMap<String, Evidence>,
    /// Digests of the settings that checks ran under since the start.
    ran: BTreeMap<String, String>,
    waiting: VecDeque<(Evidence, String)>,
    /// Whether the last reload of the configuration worked.
    pub(crate) reload_ok: bool,
    /// Discovered dependencies, and how many were left out.
    pub(crate) edges: [u64; 2],
}

impl Latest {
    /// From the newest stored evidence of each check, and the newest with
    /// facts of those whose newest has none.
    pub(crate) fn new(stored: Vec<Evidence>, blind: Vec<Evidence>) -> Self {
        Self {
            blind: blind.into_iter().map(|one| (one.check.clone(), one)).collect(),
            evidence: stored.into_iter().map(|one| (one.check.clone(), one)).collect(),
            vanished: BTreeMap::new(),
            ran: BTreeMap::new(),
            waiting: VecDeque::new(),
            reload_ok: true,
            edges: [0, 0],
        }
    }

    /// The newest evidence of a configured check; what another kind or
    /// component once left under the same name is not it.
    pub(crate) fn of(&self, entry: &CheckEntry) -> Option<&Evidence> {
        self.evidence.get(&entry.name).filter(|one| is_of(one, entry))
    }

    /// The newest evidence of a configured check that came to facts.
    pub(crate) fn facts_of(&self, entry: &CheckEntry) -> Option<&Evidence> {
        let last = self.of(entry).filter(|one| has_facts(one));
        last.or_else(|| self.blind.get(&entry.name).filter(|one| is_of(one, entry)))
    }

    /// Targets of a check that are gone, with what was last seen of them.
    pub(crate) fn vanished(&self, entry: &CheckEntry) -> &[SeenSubject] {
        self.vanished.get(&entry.name).map_or(&[], Vec::as_slice)
    }

    /// Whether everything so far could be stored.
    pub(crate) fn store_ok(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When a check last ran under its present settings since the start.
    pub(crate) fn last_run(&self, configured: &Configured) -> Option<Timestamp> {
        let digest = self.ran.get(&configured.entry.name)?;
        let same = *digest == configured.digest;
        self.of(&configured.entry).filter(|_| same).map(|last| last.started)
    }

    pub(crate) fn put(&mut self, evidence: Evidence, settings: &str, vanished: Vec<SeenSubject>) {
        self.ran.insert(evidence.check.clone(), settings.to_owned());
        self.vanished.insert(evidence.check.clone(), vanished);
        let (name, is_seeing) = (evidence.check.clone(), has_facts(&evidence));
        let before = self.evidence.insert(name.clone(), evidence);
        if is_seeing {
            self.blind.remove(&name);
        } else if let Some(before) = before.filter(has_facts) {
            self.blind.insert(name, before);
        }
    }

    /// Takes over what another program stored, such as a drill by hand, if it is
    /// newer than what is known; `seeing` is the newest with facts of its check.
    pub(crate) fn adopt(&mut self, newest: Evidence, seeing: Option<Evidence>) {
        let name = newest.check.clone();
        if self.evidence.get(&name).is_some_and(|known| known.started >= newest.started) {
            return;
        }
        match seeing.filter(|_| !has_facts(&newest)) {
            Some(seeing) => self.blind.insert(name.clone(), seeing),
            None => self.blind.remove(&name),
        };
        self.evidence.insert(name, newest);
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

fn is_of(evidence: &Evidence, entry: &CheckEntry) -> bool {
    evidence.kind == entry.kind && evidence.component == entry.component
}

pub(crate) fn has_facts(evidence: &Evidence) -> bool {
    matches!(evidence.outcome, Outcome::Observed { .. })
}
