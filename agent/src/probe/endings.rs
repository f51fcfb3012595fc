//! Endings of the names that came and went between two snapshots: what renames files as it
//! encrypts them gives most of them the same one.
use std::collections::BTreeMap;

/// More endings are not told apart.
const MOST: usize = 2_000;

/// Counts by ending.
#[derive(Debug, Default)]
pub(crate) struct Endings(BTreeMap<String, [u64; 2]>);

impl Endings {
    /// Counts a path that came, or one that went.
    pub(crate) fn add(&mut self, path: &str, came: bool) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let ending: String = ending.to_lowercase().chars().take(20).collect();
        if self.0.len() < MOST || self.0.contains_key(&ending) {
            self.0.entry(ending).or_default()[usize::from(!came)] += 1;
        }
    }

    /// The ending that most of those have that came, how many have it, and how many of
    /// those that went had it.
    pub(crate) fn most(self) -> Option<(String, u64, u64)> {
        let most = self.0.into_iter().max_by_key(|(_, [came, _])| *came);
        let (ending, [came, went]) = most.filter(|(_, [came, _])| *came > 0)?;
        Some((ending, came, went))
    }
}
