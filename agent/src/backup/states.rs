//! What holds of each group of snapshots: the vector of aspects, from the
//! findings of a run, its failure, the drills, and what was known before.
use evenkeel_config::record::{
    Aspect, AspectState, CopyState, DrillFacts, DrillLevel, FailureKind, Finding, Grade, Value,
    Verdict, damaged_part,
};
use jiff::{SignedDuration, Timestamp};

use super::Keys;
use super::judgement::groups;
use super::plausible::knows_usual;
use crate::checks::{Facts, Seen};
use crate::proof::Proof;

/// After so long a drill's word is no longer taken for what holds now.
const DRILL_TELLS_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Findings that say that an aspect does not hold, or cannot be told.
const FINDINGS: &[(&str, Aspect, Verdict)] = &[
    ("backup_none", Aspect::Fresh, Verdict::Fails),
    ("backup_stale", Aspect::Fresh, Verdict::Fails),
    ("backup_future", Aspect::Fresh, Verdict::CannotTell),
    ("backup_empty", Aspect::Complete, Verdict::Fails),
    ("backup_incomplete", Aspect::Complete, Verdict::Fails),
    ("backup_size_unknown", Aspect::Complete, Verdict::CannotTell),
    ("backup_size_unknown", Aspect::Plausible, Verdict::CannotTell),
    ("backup_empty", Aspect::Plausible, Verdict::Fails),
    ("backup_collapsed", Aspect::Plausible, Verdict::Fails),
    ("backup_grown", Aspect::Plausible, Verdict::Fails),
    ("backup_churn", Aspect::Plausible, Verdict::Fails),
    ("canary_changed", Aspect::Plausible, Verdict::Fails),
    ("backup_encrypted", Aspect::Plausible, Verdict::Fails),
    ("backup_history_lost", Aspect::Plausible, Verdict::Fails),
    ("backup_history_shrank", Aspect::Plausible, Verdict::Fails),
    ("backup_replaced", Aspect::Plausible, Verdict::Fails),
    ("backup_unreadable", Aspect::Intact, Verdict::Fails),
    ("backup_complained", Aspect::Intact, Verdict::CannotTell),
    ("restic_index_missing", Aspect::Intact, Verdict::Fails),
    ("pg_dump_unknown", Aspect::Complete, Verdict::CannotTell),
    ("pg_wal_gap", Aspect::Complete, Verdict::Fails),
    ("pg_wal_old", Aspect::Fresh, Verdict::Fails),
    ("pg_basebackup_folder_missing", Aspect::Reachable, Verdict::Fails),
    ("pg_basebackup_folder_missing", Aspect::Fresh, Verdict::Fails),
    ("pg_dump_folder_missing", Aspect::Reachable, Verdict::Fails),
    ("pg_dump_folder_missing", Aspect::Fresh, Verdict::Fails),
    ("files_folder_missing", Aspect::Reachable, Verdict::Fails),
    ("files_folder_missing", Aspect::Fresh, Verdict::Fails),
    ("borg_segments_missing", Aspect::Intact, Verdict::Fails),
    ("borg_zero_filled", Aspect::Intact, Verdict::Fails),
];

/// The states of each group after a run, whether it came to facts or not.
pub fn states(keys: &Keys, seen: &Seen<'_>) -> Vec<CopyState> {
    let before = seen.past.last().map_or(&[][..], |last| &last.states);
    match seen.result {
        Err(failure) => {
            let mut states = before.to_vec();
            if states.is_empty() {
                states.push(blank(keys, "", ""));
            }
            for state in &mut states {
                go_blind(state, failure.kind, &failure.what, seen.now);
                told_by_drills(state, seen.drills, seen.now);
                told_by_proof(state, Proof::of(seen.proof, keys, None, seen.now));
                told_by_people(state, keys, seen.now);
            }
            states
        }
        Ok(facts) if facts.not_applicable.is_some() => Vec::new(),
        Ok(facts) => {
            let mut subjects = groups(facts);
            if subjects.is_empty() {
                subjects.insert("");
            }
            let state = |subject: &str| {
                let words = facts.text("group", subject).unwrap_or_default();
                let mut state = blank(keys, subject, words);
                told_by_facts(&mut state, facts, seen);
                told_by_drills(&mut state, seen.drills, seen.now);
                told_by_proof(&mut state, Proof::of(seen.proof, keys, Some(facts), seen.now));
                told_by_people(&mut state, keys, seen.now);
                state
            };
            subjects.into_iter().map(state).collect()
        }
    }
}

/// A group of which nothing is known.
fn blank(keys: &Keys, subject: &str, words: &str) -> CopyState {
    let never = |aspect| AspectState {
        aspect,
        verdict: Verdict::NeverTested,
        grade: None,
        as_of: None,
        why: String::new(),
    };
    CopyState {
        copy: keys.component.clone(),
        dataset: keys.dataset.clone(),
        subject: subject.to_owned(),
        group: words.to_owned(),
        aspects: Aspect::ALL.map(never).to_vec(),
    }
}

fn set(
    state: &mut CopyState,
    aspect: Aspect,
    verdict: Verdict,
    grade: Grade,
    as_of: Timestamp,
    why: impl Into<String>,
) {
    if let Some(one) = state.aspects.iter_mut().find(|one| one.aspect == aspect) {
        *one = AspectState {
            aspect,
            verdict,
            grade: Some(grade),
            as_of: Some(as_of),
            why: why.into(),
        };
    }
}

/// A run that came to no facts: what it shows stands, and of the rest nobody
/// can tell; its age grows from when it was last told.
fn go_blind(state: &mut CopyState, kind: FailureKind, what: &str, now: Timestamp) {
    for one in &mut state.aspects {
        // What failed when it was last told is not taken for better now.
        if one.verdict == Verdict::Holds {
            one.verdict = Verdict::CannotTell;
            one.why = what.to_owned();
        }
    }
    let held: &[Aspect] = match kind {
        FailureKind::Locked | FailureKind::AuthFailed | FailureKind::KeyMissing => {
            &[Aspect::Reachable]
        }
        FailureKind::CorruptStructure | FailureKind::CorruptData => {
            &[Aspect::Reachable, Aspect::Unlocked, Aspect::Authenticated]
        }
        _ => &[],
    };
    for aspect in held {
        set(state, *aspect, Verdict::Holds, Grade::Listed, now, "");
    }
    let failing: &[Aspect] = match kind {
        FailureKind::NotFound => &[Aspect::Reachable, Aspect::Restorable],
        FailureKind::NetworkDown => &[Aspect::Reachable],
        FailureKind::Locked => &[Aspect::Unlocked],
        FailureKind::AuthFailed => &[Aspect::Authenticated],
        FailureKind::KeyMissing => &[Aspect::Authenticated, Aspect::Restorable],
        FailureKind::CorruptStructure => &[Aspect::Intact],
        FailureKind::CorruptData => &[Aspect::DataSampled],
        _ => &[],
    };
    for aspect in failing {
        set(state, *aspect, Verdict::Fails, Grade::Listed, now, what);
    }
}

fn told_by_facts(state: &mut CopyState, facts: &Facts, seen: &Seen<'_>) {
    let subject = state.subject.clone();
    // What a person, a script or a job said is no more than said.
    let grade = if facts.flag("only_said", "") { Grade::Declared } else { Grade::Listed };
    let mut holds = vec![Aspect::Reachable, Aspect::Unlocked, Aspect::Authenticated];
    if grade == Grade::Declared {
        holds.clear();
    }
    holds.push(Aspect::Fresh);
    if matches!(facts.get("complete", &subject), Some(Value::Flag(true))) {
        holds.push(Aspect::Complete);
    }
    if facts.flag("readable", &subject) || facts.flag("structure_read", &subject) {
        holds.push(Aspect::Intact);
    }
    if knows_usual(facts, seen.past, &subject) {
        holds.push(Aspect::Plausible);
    }
    for aspect in holds {
        set(state, aspect, Verdict::Holds, grade, seen.now, "");
    }
    if facts.flag("structure_read", &subject) {
        set(state, Aspect::Intact, Verdict::Holds, Grade::Read, seen.now, "");
    }
    for finding in seen.findings {
        let is_of_it = finding.subject.is_empty() || finding.subject == subject;
        for (_, aspect, verdict) in FINDINGS.iter().filter(|(id, ..)| is_of_it && *id == finding.id)
        {
            tell(state, *aspect, *verdict, grade, finding, seen.now);
        }
    }
    if facts.flag("lock_exclusive", "") && !facts.flag("lock_alive", "") {
        let holder = facts.text("lock_holder", "").unwrap_or("somebody");
        let why = format!("held by {holder}");
        set(state, Aspect::Unlocked, Verdict::Fails, Grade::Listed, seen.now, why);
    }
    if let Some(Value::Flag(append_only)) = facts.get("append_only", "") {
        let verdict = if *append_only { Verdict::Holds } else { Verdict::Fails };
        let why = "as its settings say";
        set(state, Aspect::Immutable, verdict, Grade::Configured, seen.now, why);
    }
}

/// The worst that any finding says stands.
fn tell(
    state: &mut CopyState,
    aspect: Aspect,
    verdict: Verdict,
    grade: Grade,
    finding: &Finding,
    now: Timestamp,
) {
    let fails = state.aspect(aspect).is_some_and(|one| one.verdict == Verdict::Fails);
    if !fails || verdict == Verdict::Fails {
        set(state, aspect, verdict, grade, now, finding.what.clone());
    }
}

fn told_by_drills(state: &mut CopyState, drills: &[DrillFacts], now: Timestamp) {
    let subject = state.subject.clone();
    let of_it = |drill: &&DrillFacts| drill.subject.is_empty() || drill.subject == subject;
    let last = |wanted: &dyn Fn(&DrillFacts) -> bool| {
        let fitting = drills.iter().filter(of_it).filter(|drill| wanted(drill));
        fitting.max_by_key(|drill| drill.started)
    };
    let mut say = |aspect, drill: &DrillFacts, works: bool, grade| {
        let is_recent = now.duration_since(drill.started) < DRILL_TELLS_FOR;
        let verdict = match (works, is_recent) {
            (false, _) => Verdict::Fails,
            (true, true) => Verdict::Holds,
            (true, false) => Verdict::CannotTell,
        };
        let why = if works { "as the last drill showed" } else { drill.why.as_str() };
        set(state, aspect, verdict, grade, drill.started, why);
    };
    let reads = |drill: &DrillFacts| drill.level >= DrillLevel::ReadSubset;
    if let Some((_, drill)) = damaged_part(drills.iter().filter(of_it)) {
        say(Aspect::DataSampled, drill, false, Grade::Read);
    } else if let Some(drill) = last(&reads) {
        let is_part = drill.level == DrillLevel::ReadSubset;
        let sound = if is_part { drill.worked } else { drill.damaged == 0 && drill.files > 0 };
        say(Aspect::DataSampled, drill, sound, Grade::Read);
    }
    if let Some(drill) = last(&DrillFacts::is_restore) {
        say(Aspect::Restorable, drill, drill.worked, Grade::Proven);
    }
    let opens = |drill: &DrillFacts| {
        drill.is_restore() && (drill.opened > 0 || drill.level == DrillLevel::Application)
    };
    if let Some(drill) = last(&opens) {
        say(Aspect::Opens, drill, drill.worked && drill.damaged == 0, Grade::Proven);
    }
    if let Some(drill) = last(&|drill| drill.escrowed_secret) {
        say(Aspect::KeyEscrowed, drill, drill.worked, Grade::Proven);
    }
}

/// A try at deletion tells more than any setting, in both directions. A refusal of long
/// ago leaves what settings and people say; that it was allowed stands until it is refused.
fn told_by_proof(state: &mut CopyState, proof: Option<Proof<'_>>) {
    let Some(Proof { tried, accepted, whose, is_old }) = proof else { return };
    if !accepted.is_empty() {
        let why = format!("as a try on a canary showed: {whose} was allowed {accepted}");
        set(state, Aspect::Immutable, Verdict::Fails, Grade::Proven, tried, why);
    } else if !is_old {
        let why = format!("{whose} was refused to delete a canary");
        set(state, Aspect::Immutable, Verdict::Holds, Grade::Proven, tried, why);
    }
}

fn told_by_people(state: &mut CopyState, keys: &Keys, now: Timestamp) {
    for (aspect, said) in
        [(Aspect::KeyEscrowed, &keys.escrow), (Aspect::Immutable, &keys.immutable)]
    {
        let is_open =
            state.aspect(aspect).is_none_or(|one| one.grade.is_none_or(|it| it == Grade::Declared));
        if let (Some(said), true) = (said, is_open) {
            set(state, aspect, Verdict::Holds, Grade::Declared, now, said.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_config::record::Failure;

    use super::*;
    use crate::backup::{self, GroupSight, Sight, SnapshotSight};
    use crate::testing::evidence;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn hours_ago(hours: i64) -> Timestamp {
        now() - SignedDuration::from_hours(hours)
    }

    fn keys() -> Keys {
        Keys {
            name: "check".to_owned(),
            component: "nas".parse().unwrap(),
            dataset: None,
            expect_every: evenkeel_config::quantity::Span::from_hours(24),
            escrow: Some("bank safe".to_owned()),
            immutable: None,
            prove: None,
            canary: None,
        }
    }

    fn facts(hours: i64) -> Facts {
        let snapshots = (0..9)
            .rev()
            .map(|day| SnapshotSight {
                bytes: Some(1000 + day),
                ..SnapshotSight::new(hours_ago(hours + 24 * i64::try_from(day).unwrap()))
            })
            .collect();
        let group = GroupSight { snapshots, readable: Some(true), ..GroupSight::default() };
        Sight { groups: vec![group], ..Sight::default() }.facts(&keys())
    }

    /// Verdict and grade of each aspect in order, as letters and digits.
    fn letters(
        result: Result<&Facts, &Failure>,
        before: &[CopyState],
        drills: &[DrillFacts],
    ) -> String {
        let kind = crate::checks::kind("files").unwrap();
        let findings = match result {
            Ok(facts) => backup::judge(kind, &keys(), facts, &[], now()),
            Err(_) => Vec::new(),
        };
        let mut last = evidence(&Facts::default(), Vec::new(), hours_ago(1));
        last.states = before.to_vec();
        let past = [last];
        let seen =
            Seen { result, findings: &findings, past: &past, drills, proof: None, now: now() };
        spell(&states(&keys(), &seen)[0])
    }

    fn spell(state: &CopyState) -> String {
        let letter = |one: &AspectState| {
            let verdict = match one.verdict {
                Verdict::Holds => 'y',
                Verdict::Fails => 'n',
                Verdict::CannotTell => '?',
                Verdict::NeverTested => '-',
            };
            one.grade.map_or(verdict.to_string(), |grade| format!("{verdict}{}", grade.code()))
        };
        state.aspects.iter().map(letter).collect::<Vec<_>>().join(" ")
    }

    fn drill(level: DrillLevel, worked: bool, days_ago: i64) -> DrillFacts {
        let started = hours_ago(24 * days_ago);
        let mut drill = DrillFacts::new("nas".parse().unwrap(), None, started, level);
        drill.worked = worked;
        drill.files = 10;
        drill
    }

    #[test]
    fn each_source_tells_its_aspects() {
        use DrillLevel as L;
        // reach unlock auth fresh complete plausible intact data restore opens immutable escrow
        let fresh = facts(2);
        assert_eq!(letters(Ok(&fresh), &[], &[]), "y2 y2 y2 y2 - y2 y2 - - - - y0");
        assert_eq!(letters(Ok(&facts(40)), &[], &[]), "y2 y2 y2 n2 - y2 y2 - - - - y0");
        let part = drill(L::ReadSubset, true, 3);
        assert_eq!(letters(Ok(&fresh), &[], &[part]), "y2 y2 y2 y2 - y2 y2 y3 - - - y0");
        let mut sample = drill(L::Sample, true, 3);
        sample.opened = 4;
        sample.escrowed_secret = true;
        let all = "y2 y2 y2 y2 - y2 y2 y3 y4 y4 - y4";
        assert_eq!(letters(Ok(&fresh), &[], &[sample.clone()]), all);
        let later = drill(L::Sample, false, 1);
        let failed = "y2 y2 y2 y2 - y2 y2 y3 n4 y4 - y4";
        assert_eq!(letters(Ok(&fresh), &[], &[sample, later]), failed);
        let ancient = drill(L::Full, true, 500);
        let old = "y2 y2 y2 y2 - y2 y2 ?3 ?4 - - y0";
        assert_eq!(letters(Ok(&fresh), &[], &[ancient]), old);
    }

    #[test]
    fn a_blind_run_keeps_what_failed_and_no_longer_vouches_for_the_rest() {
        let kind = crate::checks::kind("files").unwrap();
        let stale = facts(40);
        let findings = backup::judge(kind, &keys(), &stale, &[], now());
        let seen = Seen {
            result: Ok(&stale),
            findings: &findings,
            past: &[],
            drills: &[],
            proof: None,
            now: now(),
        };
        let before = states(&keys(), &seen);
        for (kind, expected) in [
            (FailureKind::NetworkDown, "n2 ?2 ?2 n2 - ?2 ?2 - - - - ?0"),
            (FailureKind::Locked, "y2 n2 ?2 n2 - ?2 ?2 - - - - ?0"),
            (FailureKind::AuthFailed, "y2 ?2 n2 n2 - ?2 ?2 - - - - ?0"),
            (FailureKind::KeyMissing, "y2 ?2 n2 n2 - ?2 ?2 - n2 - - ?0"),
            (FailureKind::CorruptStructure, "y2 y2 y2 n2 - ?2 n2 - - - - ?0"),
            (FailureKind::Timeout, "?2 ?2 ?2 n2 - ?2 ?2 - - - - ?0"),
        ] {
            let failure = Failure { kind, what: "x".to_owned(), advice: String::new() };
            let after = letters(Err(&failure), &before, &[]);
            assert_eq!(after, expected.replace("?0", "y0"), "{kind:?}");
        }
    }
}
