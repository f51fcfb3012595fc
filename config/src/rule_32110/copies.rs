//! Which copies count: what evidence says of each, and how well it is known.
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Known;
use crate::id::Id;
use crate::map::Backup;
use crate::record::{
    Aspect, CopyState, DrillFacts, Evidence, Grade, Outcome, SnapshotFact, Verdict,
};

/// Aspects whose failing means that there is no copy to rely on.
const BREAKS: [Aspect; 6] = [
    Aspect::Restorable,
    Aspect::Opens,
    Aspect::DataSampled,
    Aspect::Intact,
    Aspect::Complete,
    Aspect::Fresh,
];

/// Aspects whose failing means that nobody can tell.
const CLOUDS: [Aspect; 3] = [Aspect::Reachable, Aspect::Authenticated, Aspect::Plausible];

/// Why a copy is no immutable one of which nobody and nothing says so.
pub(super) const NOTHING_SAYS: &str = "nothing says that it cannot be deleted";

/// Findings that say the same where a record has no states.
const BREAKING: [&str; 6] = [
    "backup_none",
    "backup_stale",
    "backup_empty",
    "backup_incomplete",
    "backup_unreadable",
    "restic_index_missing",
];

/// A yes, a no, or nobody knows, with its grade and its reason. The order is
/// from good to bad, so that the worst of several is the greatest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes, known so well.
    Yes(Grade),
    /// Nobody can tell; why.
    CannotTell(String),
    /// No; why.
    No(String),
}

impl Answer {
    /// The grade of a yes.
    pub(super) fn grade(&self) -> Option<Grade> {
        match self {
            Self::Yes(grade) => Some(*grade),
            _ => None,
        }
    }

    /// Whether it is a no.
    pub(super) fn is_no(&self) -> bool {
        matches!(self, Self::No(_))
    }

    /// The reason why it is no yes.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::Yes(_) => None,
            Self::CannotTell(why) | Self::No(why) => Some(why),
        }
    }

    /// The worse of two; of two yes the one that is known less well.
    fn worse(self, other: Self) -> Self {
        let rank = |one: &Self| match one {
            Self::Yes(grade) => (0, u8::MAX - grade.code()),
            Self::CannotTell(_) => (1, 0),
            Self::No(_) => (2, 0),
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// The newest evidence of each check that speaks of a copy of a data set.
fn speaking<'a>(known: &Known<'a>, copy: &Id) -> Vec<&'a Evidence> {
    let mut newest: BTreeMap<(&str, &str), &Evidence> = BTreeMap::new();
    // Drills and tries at deletion are told by the states of the check that they are for;
    // that one could not run says nothing of the copy.
    let is_check = |one: &&&Evidence| !matches!(one.kind.as_str(), "drill" | "immutable");
    for evidence in known.evidence.iter().filter(is_check) {
        let of_it = evidence.component == *copy
            || evidence.states.iter().any(|state| state.copy == *copy)
            || snapshots(evidence).any(|facts| facts.0 == copy);
        if of_it {
            let place = newest.entry((&evidence.host, &evidence.check)).or_insert(evidence);
            if place.started < evidence.started {
                *place = evidence;
            }
        }
    }
    newest.into_values().collect()
}

/// Copy, data set and snapshots of each group in a record.
fn snapshots(
    evidence: &Evidence,
) -> impl Iterator<Item = (&Id, Option<&Id>, &[SnapshotFact])> + '_ {
    let copies = match &evidence.outcome {
        Outcome::Observed { copies, .. } => copies.as_slice(),
        Outcome::Failed { .. } | Outcome::NotApplicable { .. } => &[],
    };
    copies.iter().map(|one| (&one.copy, one.dataset.as_ref(), one.snapshots.as_slice()))
}

/// The states of a copy in a record that are about a data set, or about whatever
/// is in it.
fn states<'a>(
    evidence: &'a Evidence,
    copy: &'a Id,
    dataset: &'a Id,
) -> impl Iterator<Item = &'a CopyState> {
    let of_it = move |state: &&CopyState| {
        state.copy == *copy && state.dataset.as_ref().is_none_or(|it| it == dataset)
    };
    evidence.states.iter().filter(of_it)
}

/// Whether there is a copy to rely on, as far as checks saw; drills speak for themselves.
pub(super) fn counts(known: &Known<'_>, backup: &Backup, dataset: &Id, now: Timestamp) -> Answer {
    let mut worst: Option<Answer> = None;
    for evidence in speaking(known, &backup.copy) {
        let answers: Vec<Answer> = if evidence.states.is_empty() {
            plainly(evidence, backup, dataset, now).into_iter().collect()
        } else {
            let states = states(evidence, &backup.copy, dataset);
            states.map(|state| told_by(state, evidence, now)).collect()
        };
        for answer in answers {
            worst = Some(match worst {
                Some(before) => before.worse(answer),
                None => answer,
            });
        }
    }
    worst.unwrap_or_else(|| Answer::CannotTell("no check has looked at it".to_owned()))
}

fn told_by(state: &CopyState, evidence: &Evidence, now: Timestamp) -> Answer {
    let failing = |aspects: &[Aspect]| {
        let mut states = aspects.iter().filter_map(|aspect| state.aspect(*aspect));
        states.find(|one| one.verdict == Verdict::Fails)
    };
    let words = |aspect: Aspect, why: &str| {
        if why.is_empty() { format!("it is not {}", spoken(aspect)) } else { why.to_owned() }
    };
    if let Some(one) = failing(&BREAKS) {
        return Answer::No(words(one.aspect, &one.why));
    }
    if let Some(one) = failing(&CLOUDS) {
        return Answer::CannotTell(words(one.aspect, &one.why));
    }
    if now >= evidence.stale_after {
        return Answer::CannotTell(too_old(evidence, now));
    }
    let told = |aspect| state.aspect(aspect).map(|one| (one.verdict, one.grade, one.why.as_str()));
    if let Some((Verdict::CannotTell, _, why)) = told(Aspect::Intact) {
        return Answer::CannotTell(words(Aspect::Intact, why));
    }
    match told(Aspect::Fresh) {
        Some((Verdict::Holds, grade, _)) => Answer::Yes(grade.unwrap_or(Grade::Declared)),
        Some((Verdict::CannotTell, _, why)) if !why.is_empty() => {
            Answer::CannotTell(why.to_owned())
        }
        _ => Answer::CannotTell("nobody has seen a snapshot in it".to_owned()),
    }
}

fn spoken(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Reachable => "reachable",
        Aspect::Authenticated => "opened by our secret",
        Aspect::Plausible => "of its usual size",
        Aspect::Fresh => "fresh",
        Aspect::Complete => "complete",
        Aspect::Opens => "opened by its application",
        Aspect::Restorable => "restorable",
        _ => "known to be sound",
    }
}

fn too_old(evidence: &Evidence, now: Timestamp) -> String {
    let hours = now.duration_since(evidence.started).as_hours();
    format!("last looked at {} ago", super::digits::hours(hours))
}

/// Of a record without states: its failure, its findings and the newest snapshot.
fn plainly(evidence: &Evidence, backup: &Backup, dataset: &Id, now: Timestamp) -> Option<Answer> {
    if let Outcome::Failed { failure } = &evidence.outcome {
        let answer = if failure.kind.is_unknown() { Answer::CannotTell } else { Answer::No };
        return Some(answer(failure.what.clone()));
    }
    let groups = snapshots(evidence)
        .filter(|(copy, of, _)| **copy == backup.copy && of.is_none_or(|of| of == dataset));
    let newest: Vec<Option<&SnapshotFact>> = groups.map(|(_, _, all)| all.last()).collect();
    if newest.is_empty() {
        return None;
    }
    if let Some(finding) = evidence.findings.iter().find(|one| BREAKING.contains(&one.id.as_str()))
    {
        return Some(Answer::No(finding.what.clone()));
    }
    if newest.iter().any(Option::is_none) {
        return Some(Answer::No("there is no snapshot in it".to_owned()));
    }
    if now >= evidence.stale_after {
        return Some(Answer::CannotTell(too_old(evidence, now)));
    }
    Some(Answer::Yes(Grade::Listed))
}

/// Whether nobody who holds our logins can delete it, and how well that is known.
pub(super) fn immutable(
    known: &Known<'_>,
    backup: &Backup,
    dataset: &Id,
    now: Timestamp,
) -> Answer {
    let mut worst: Option<Answer> = None;
    for evidence in speaking(known, &backup.copy) {
        for state in states(evidence, &backup.copy, dataset) {
            let Some(one) = state.aspect(Aspect::Immutable) else { continue };
            let answer = match one.verdict {
                Verdict::NeverTested => continue,
                Verdict::Fails => Answer::No(format!("it can be deleted, {}", one.why)),
                Verdict::Holds if now < evidence.stale_after => {
                    Answer::Yes(one.grade.unwrap_or(Grade::Declared))
                }
                Verdict::Holds => Answer::CannotTell(too_old(evidence, now)),
                Verdict::CannotTell => Answer::CannotTell(one.why.clone()),
            };
            worst = Some(match worst {
                Some(before) => before.worse(answer),
                None => answer,
            });
        }
    }
    match worst {
        Some(Answer::CannotTell(_)) | None if backup.immutable => Answer::Yes(Grade::Declared),
        Some(answer) => answer,
        None => Answer::No(NOTHING_SAYS.to_owned()),
    }
}

/// The newest of some drills.
pub(super) fn newest<'a>(drills: impl Iterator<Item = &'a DrillFacts>) -> Option<&'a DrillFacts> {
    drills.max_by_key(|drill| drill.started)
}
