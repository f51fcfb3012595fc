//! What somebody looked at and accepted as usual: from then on a backup's history
//! begins anew. Kept in one small file below the data folder.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evenkeel_config::record::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::checks::Facts;
use crate::replace::replace;

/// By check and group, up to when everything was accepted; the empty group
/// stands for all groups of its check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Accepted(BTreeMap<String, BTreeMap<String, Timestamp>>);

fn file(data: &Path) -> PathBuf {
    data.join("accepted.json")
}

impl Accepted {
    /// Everything that was accepted.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(data: &Path) -> std::io::Result<Self> {
        match std::fs::read(file(data)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            bytes => serde_json::from_slice(&bytes?).map_err(std::io::Error::other),
        }
    }

    /// Accepts what a check has seen up to an instant, of one group or of all.
    ///
    /// # Errors
    /// The file cannot be read or written; what was accepted before stays.
    pub fn note(data: &Path, check: &str, group: &str, at: Timestamp) -> std::io::Result<()> {
        let mut all = Self::read(data)?;
        all.0.entry(check.to_owned()).or_default().insert(group.to_owned(), at);
        replace(&file(data), &serde_json::to_vec(&all)?, 0o600)
    }

    /// Up to when a group was accepted.
    pub fn until(&self, check: &str, group: &str) -> Option<Timestamp> {
        let groups = self.0.get(check)?;
        groups.get(group).max(groups.get("")).copied()
    }

    /// Adds to the facts of a run what was accepted of each group.
    pub(crate) fn add(&self, check: &str, facts: &mut Facts) {
        let groups: Vec<String> = facts
            .observations
            .iter()
            .filter(|fact| fact.name == "newest")
            .map(|fact| fact.subject.clone())
            .collect();
        for group in groups {
            if let Some(until) = self.until(check, &group) {
                facts.push("accepted", &group, Value::Time(until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_accepted_one_by_one_or_all_at_once() {
        let data = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(Accepted::read(data.path()).unwrap(), Accepted::default());
        Accepted::note(data.path(), "nas", "srv-1", at(10)).unwrap();
        Accepted::note(data.path(), "nas", "", at(5)).unwrap();
        let all = Accepted::read(data.path()).unwrap();
        assert_eq!(all.until("nas", "srv-1"), Some(at(10)));
        assert_eq!(all.until("nas", "srv-2"), Some(at(5)));
        assert_eq!(all.until("other", ""), None);
        std::fs::write(data.path().join("accepted.json"), "{").unwrap();
        assert!(Accepted::read(data.path()).is_err());
        assert!(Accepted::note(data.path(), "nas", "", at(7)).is_err(), "nothing is lost");
    }
}
