//! What the history of drills says about a backup, as findings, group by group.
use evenkeel_config::id::Id;
use evenkeel_config::record::{CopyState, DrillFacts, Evidence, Finding, damaged_part};
use jiff::{SignedDuration, Timestamp};

use crate::checks::{CheckKind, since};

/// After so long a drill says little: people, versions and sizes have changed.
const OLD: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What the findings are about.
pub(crate) struct Drilled<'a> {
    /// The kind of the check.
    pub kind: &'static CheckKind,
    /// The repository.
    pub component: &'a Id,
    /// The groups that are there now.
    pub states: &'a [CopyState],
    /// Every drill of the check, oldest first.
    pub drills: &'a [DrillFacts],
    /// Earlier evidence of the check, which tells since when a finding stands.
    pub past: &'a [Evidence],
    /// The instant of the judgement.
    pub now: Timestamp,
    /// Whether all that is known is what a job or a script said.
    pub is_hearsay: bool,
}

impl Drilled<'_> {
    /// The findings. A group that was never drilled, or failed, does not hide
    /// behind another one.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.part().into_iter().collect();
        let mut groups: Vec<(&str, &str)> =
            self.states.iter().map(|one| (&*one.subject, &*one.group)).collect();
        if groups.is_empty() {
            groups.push(("", ""));
        }
        found.extend(groups.into_iter().filter_map(|(subject, words)| self.group(subject, words)));
        found
    }

    fn finding(&self, id: &str, subject: &str, what: String) -> Finding {
        let since = since(self.past, id, subject, self.now);
        self.kind.finding(id, self.component, subject, what, since)
    }

    fn group(&self, subject: &str, words: &str) -> Option<Finding> {
        let whose = if words.is_empty() { "it" } else { words };
        let is_of_it = |drill: &&DrillFacts| {
            drill.is_restore() && (drill.subject.is_empty() || drill.subject == subject)
        };
        let last = self.drills.iter().filter(is_of_it).max_by_key(|one| one.started);
        let Some(last) = last else {
            if self.is_hearsay {
                let what = "all that is known is what a job or a script said".to_owned();
                return Some(self.finding("backup_only_said", subject, what));
            }
            let what = format!("nobody has ever restored from {whose} as a test");
            return Some(self.finding("never_drilled", subject, what));
        };
        if !last.worked {
            let why = if last.why.is_empty() { "it did not work" } else { &last.why };
            let of = if words.is_empty() { String::new() } else { format!(" of {words}") };
            let what = format!("the last restore drill{of}, of {:.0}, failed: {why}", last.started);
            return Some(self.finding("drill_failed", subject, what));
        }
        if last.damaged > 0 {
            let what = format!(
                "the last restore drill, of {:.0}, brought back {} files that are not sound",
                last.started, last.damaged
            );
            return Some(self.finding("drill_doubtful", subject, what));
        }
        if self.now.duration_since(last.started) > OLD {
            let what = format!("the last restore drill of {whose} was on {:.0}", last.started);
            return Some(self.finding("drill_old", subject, what));
        }
        None
    }

    /// A part of the stored data that was damaged when it was last read.
    fn part(&self) -> Option<Finding> {
        let ([part, of], drill) = damaged_part(self.drills)?;
        let what = format!("part {part} of {of} of the stored data is damaged: {}", drill.why);
        Some(self.finding("drill_failed", "", what))
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_config::record::DrillLevel;

    use super::*;
    use crate::testing::ids;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn state(subject: &str) -> CopyState {
        CopyState {
            copy: "nas".parse().unwrap(),
            dataset: None,
            subject: subject.to_owned(),
            group: format!("srv:{subject}"),
            aspects: Vec::new(),
        }
    }

    fn drill(subject: &str, days_ago: i64, worked: bool) -> DrillFacts {
        let started = now() - SignedDuration::from_hours(24 * days_ago);
        let mut drill = DrillFacts::new("nas".parse().unwrap(), None, started, DrillLevel::Sample);
        drill.subject = subject.to_owned();
        drill.worked = worked;
        drill
    }

    fn part(at: u32, worked: bool) -> DrillFacts {
        let level = DrillLevel::ReadSubset;
        DrillFacts { subset: Some([at, 3]), level, ..drill("", 1, worked) }
    }

    fn found(drills: &[DrillFacts], is_hearsay: bool) -> Vec<String> {
        let drilled = Drilled {
            kind: crate::checks::kind("restic").unwrap(),
            component: &"nas".parse().unwrap(),
            states: &[state("a"), state("b")],
            drills,
            past: &[],
            now: now(),
            is_hearsay,
        };
        ids(&drilled.findings())
    }

    #[test]
    fn no_group_hides_behind_another() {
        let nothing: Vec<String> = Vec::new();
        assert_eq!(found(&[], false), ["never_drilled", "never_drilled"]);
        assert_eq!(found(&[], true), ["backup_only_said", "backup_only_said"]);
        assert_eq!(found(&[drill("a", 2, true)], false), ["never_drilled"]);
        assert_eq!(found(&[drill("a", 2, true), drill("b", 2, true)], false), nothing);
        // The group that failed was drilled just before the one that worked.
        assert_eq!(found(&[drill("a", 3, false), drill("b", 2, true)], false), ["drill_failed!"]);
        assert_eq!(found(&[drill("a", 3, false), drill("", 2, true)], false), nothing);
        assert_eq!(found(&[drill("a", 400, true), drill("b", 2, true)], false), ["drill_old"]);
        let damaged = DrillFacts { damaged: 1, ..drill("", 2, true) };
        assert_eq!(found(&[damaged], false), ["drill_doubtful", "drill_doubtful"]);
    }

    #[test]
    fn a_damaged_part_stays_until_it_was_read_sound() {
        let good = drill("", 2, true);
        assert_eq!(found(&[good.clone(), part(1, false)], false), ["drill_failed!"]);
        assert_eq!(found(&[good.clone(), part(1, false), part(2, true)], false), ["drill_failed!"]);
        let nothing: Vec<String> = Vec::new();
        assert_eq!(found(&[good.clone(), part(1, false), part(1, true)], false), nothing);
        // Divided otherwise since: it takes a whole cycle to know that it is well.
        let half = |at: u32| {
            let subset = Some([at, 2]);
            let started = now();
            DrillFacts { subset, started, ..part(1, true) }
        };
        let cycle = [good, part(1, false), half(1), half(2)];
        assert_eq!(found(&cycle[..3], false), ["drill_failed!"]);
        assert_eq!(found(&cycle, false), nothing);
    }
}
