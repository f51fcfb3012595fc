//! Snapshots of a repository in groups, so that a stale one cannot hide behind a fresh one.
use std::collections::{BTreeMap, BTreeSet};

use crate::backup::subject;
use crate::probe::redact::plain;
use crate::probe::restic::Snapshot;

/// What snapshots are compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    /// Where they were taken.
    pub(super) host: String,
    /// What was taken, sorted.
    pub(super) paths: Vec<String>,
    /// Tags, sorted.
    pub(super) tags: Vec<String>,
}

impl Group {
    /// For people.
    pub(super) fn words(&self) -> String {
        let mut words = format!("{}:{}", self.host, self.paths.join(","));
        if !self.tags.is_empty() {
            words = format!("{words} [{}]", self.tags.join(","));
        }
        plain(&words).chars().take(200).collect()
    }

    /// Short and stable, without paths: it becomes a label.
    pub(super) fn subject(&self) -> String {
        let parts: Vec<&str> = self.paths.iter().chain(&self.tags).map(String::as_str).collect();
        subject(&self.host, &parts)
    }
}

/// Snapshots by host, paths and tags, each group oldest first. Tags that differ
/// with nearly every run, such as dates, do not split a group.
pub(super) fn grouped(snapshots: &[Snapshot]) -> BTreeMap<Group, Vec<&Snapshot>> {
    let mut places: BTreeMap<(&str, Vec<&str>), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in snapshots {
        let mut paths: Vec<&str> = snapshot.paths.iter().map(String::as_str).collect();
        paths.sort_unstable();
        places.entry((&snapshot.hostname, paths)).or_default().push(snapshot);
    }
    let mut groups: BTreeMap<Group, Vec<&Snapshot>> = BTreeMap::new();
    for ((host, paths), members) in places {
        let tags: BTreeSet<&[String]> =
            members.iter().map(|member| member.tags.as_slice()).collect();
        let tags_are_names = members.len() < 4 || 2 * tags.len() <= members.len();
        for member in members {
            let mut tags = if tags_are_names { member.tags.clone() } else { Vec::new() };
            tags.sort_unstable();
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            let group = Group { host: host.to_owned(), paths, tags };
            groups.entry(group).or_default().push(member);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(host: &str, path: &str, tag: &str) -> Snapshot {
        Snapshot {
            time: "2026-11-21T12:00:00Z".parse().unwrap(),
            id: String::new(),
            hostname: host.to_owned(),
            paths: vec![path.to_owned()],
            tags: if tag.is_empty() { vec![] } else { vec![tag.to_owned()] },
            summary: None,
        }
    }

    #[test]
    fn hosts_paths_and_lasting_tags_split() {
        let list = [
            snapshot("a", "/srv", "daily"),
            snapshot("a", "/srv", "daily"),
            snapshot("a", "/srv", "monthly"),
            snapshot("a", "/etc", ""),
            snapshot("b", "/etc", ""),
        ];
        let groups = grouped(&list);
        let words: Vec<String> = groups.keys().map(Group::words).collect();
        assert_eq!(words, ["a:/etc", "a:/srv [daily]", "a:/srv [monthly]", "b:/etc"]);
        let subjects: BTreeSet<String> = groups.keys().map(Group::subject).collect();
        assert_eq!(subjects.len(), 4);
        assert!(subjects.iter().all(|subject| !subject.contains("srv")), "{subjects:?}");
    }

    #[test]
    fn tags_that_are_dates_do_not() {
        let list: Vec<Snapshot> =
            (0..6).map(|day| snapshot("a", "/srv", &format!("day-{day}"))).collect();
        assert_eq!(grouped(&list).len(), 1);
    }
}
