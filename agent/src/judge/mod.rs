//! From facts to a judgement: pure, the same for every kind of check.
//!
//! A kind says what its facts mean; this module adds what holds for all of
//! them. Facts that cannot be read, targets that vanished, times in the future
//! and checks that could not tell are never ok, and a critical finding is not
//! forgotten because the check has since gone blind.
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use evenkeel_config::record::{
    CopyState, DrillFacts, Evidence, Failure, FailureKind, Finding, Outcome, SCHEMA_VERSION,
    Status, Value,
};
use jiff::{SignedDuration, Timestamp};

use crate::backup::Drilled;
use crate::checks::{Facts, Seen};
use crate::plan::Configured;
use crate::proof;
use crate::store::SeenSubject;

mod tidy;

/// How far clocks may differ before a time counts as in the future.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A finding that every kind of check can come to.
#[derive(Debug)]
pub struct CommonFinding {
    /// Stable snake-case name.
    pub id: &'static str,
    /// How grave.
    pub severity: Status,
    /// What it means, one sentence.
    pub about: &'static str,
    /// What to do, one sentence.
    pub advice: &'static str,
}

const VANISHED: CommonFinding = CommonFinding {
    id: "target_vanished",
    severity: Status::Critical,
    about: "something that this check used to see is gone",
    advice: "bring it back; if it is gone for good, run `evenkeel-agent forget CHECK TARGET`",
};
const FUTURE: CommonFinding = CommonFinding {
    id: "time_in_future",
    severity: Status::Warning,
    about: "a snapshot or drill is dated in the future, so its age proves nothing",
    advice: "compare the clocks of this host and of the host that wrote it",
};
const CLOCK: CommonFinding = CommonFinding {
    id: "clock_went_back",
    severity: Status::Unknown,
    about: "earlier evidence is dated after this run, so ages cannot be judged",
    advice: "set this host's clock right and keep it synchronised",
};
const UNREADABLE: CommonFinding = CommonFinding {
    id: "value_unreadable",
    severity: Status::Unknown,
    about: "a fact is no number that can be judged",
    advice: "look at the tool or file that the check reads it from",
};
const NOTHING: CommonFinding = CommonFinding {
    id: "nothing_observed",
    severity: Status::Unknown,
    about: "the check ended well but saw nothing at all",
    advice: "see that what it looks at is there, or remove the check from `agent.toml`",
};
const HISTORY: CommonFinding = CommonFinding {
    id: "history_unreadable",
    severity: Status::Unknown,
    about: "the earlier evidence of this check cannot be read, so nothing can be compared",
    advice: "run `evenkeel-agent store integrity` and do what it says",
};
const NOT_APPLICABLE: CommonFinding = CommonFinding {
    id: "not_applicable",
    severity: Status::Unknown,
    about: "there is nothing of this kind on this host",
    advice: "remove the check from `agent.toml` if that is right",
};

/// The findings of every kind, beside those in [`crate::checks::CheckKind::findings`]
/// and the failure names of [`FailureKind::name`].
pub const COMMON_FINDINGS: &[CommonFinding] =
    &[CLOCK, HISTORY, NOT_APPLICABLE, NOTHING, VANISHED, FUTURE, UNREADABLE];

/// One run of one check, and what is known from before.
#[derive(Debug)]
pub struct Run<'a> {
    /// The check.
    pub configured: &'a Configured,
    /// The host's name.
    pub host: &'a str,
    /// When it started; also the instant of the judgement.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Its earlier evidence, oldest first.
    pub past: &'a [Evidence],
    /// Its restore drills, oldest first.
    pub drills: &'a [DrillFacts],
    /// The last try at deletion that came to an answer, for checks of backups.
    pub proof: Option<&'a Evidence>,
    /// What it saw before under the same settings.
    pub seen: &'a [SeenSubject],
    /// Whether `past` and `seen` could not be read from the store.
    pub is_history_lost: bool,
    /// Whether planned work is declared for the component now.
    pub planned: bool,
}

/// Judges what a run came to and makes it evidence.
pub fn evidence(run: &Run<'_>, result: Result<Facts, Failure>) -> Evidence {
    let mut findings = Vec::new();
    let mut states = Vec::new();
    let outcome = match result {
        Err(failure) => {
            states = states_of(run, Err(&failure), &[]).unwrap_or_default();
            failed(run, failure, &mut findings)
        }
        Ok(facts) if facts.not_applicable.is_some() => {
            let reason = tidy::text(&facts.not_applicable.unwrap_or_default());
            findings.push(common(run, &NOT_APPLICABLE, "", reason.clone(), run.started));
            vanished(run, &BTreeSet::new(), &mut findings);
            Outcome::NotApplicable { reason }
        }
        Ok(facts) => observed(run, facts, &mut findings, &mut states),
    };
    let is_hearsay = matches!(
        &outcome,
        Outcome::Observed { observations, .. }
            if observations.iter().any(|fact| fact.name == "only_said")
    );
    if run.configured.kind.backup.is_some() {
        let Configured { kind, entry, .. } = run.configured;
        let drilled = Drilled {
            kind,
            component: &entry.component,
            states: &states,
            drills: run.drills,
            past: run.past,
            now: run.started,
            is_hearsay,
        };
        findings.extend(drilled.findings());
    }
    findings.extend(proven(run, &outcome));
    if run.is_history_lost {
        let what = HISTORY.about.to_owned();
        findings.push(common(run, &HISTORY, "", what, run.started));
    }
    if let Some(last) = run.past.last() {
        if last.started.duration_since(run.started) > CLOCK_TOLERANCE {
            let what = format!("the last run is dated {}, after this one", last.started);
            findings.push(common(run, &CLOCK, "", what, run.started));
        }
        remember(last, &mut findings);
    }
    findings.retain(|finding| finding.severity > Status::Maintenance);
    findings.iter_mut().for_each(tidy::finding);
    findings.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| (&a.id, &a.subject).cmp(&(&b.id, &b.subject)))
    });
    let entry = &run.configured.entry;
    Evidence {
        schema_version: SCHEMA_VERSION,
        host: run.host.to_owned(),
        check: entry.name.clone(),
        kind: entry.kind.clone(),
        component: entry.component.clone(),
        started: run.started,
        duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        stale_after: stale_after(run),
        outcome,
        status: if run.planned { Status::Maintenance } else { worst(&findings) },
        findings,
        states,
    }
}

/// What the last try at deletion says, where the check asks for one.
fn proven(run: &Run<'_>, outcome: &Outcome) -> Vec<Finding> {
    let Some(keys) = run.configured.check.keys().filter(|keys| keys.prove.is_some()) else {
        return Vec::new();
    };
    let facts = match outcome {
        Outcome::Observed { observations, .. } => {
            Some(Facts { observations: observations.clone(), ..Facts::default() })
        }
        Outcome::Failed { .. } | Outcome::NotApplicable { .. } => None,
    };
    let proof = proof::Proof::of(run.proof, keys, facts.as_ref(), run.started);
    proof::findings(run.configured.kind, keys, proof, run.past, run.started)
}

/// The judgement of stored evidence at an instant: planned work is quiet,
/// facts that are too old or dated in the future are unknown, and a critical
/// finding stays critical.
pub fn status_at(evidence: &Evidence, planned: bool, now: Timestamp) -> Status {
    if planned {
        return Status::Maintenance;
    }
    let status = match evidence.status {
        // Judged in a window that has ended since.
        Status::Maintenance => worst(&evidence.findings),
        status => status,
    };
    let from_future = evidence.started.duration_since(now) > CLOCK_TOLERANCE;
    match status {
        Status::Critical => Status::Critical,
        _ if from_future || now >= evidence.stale_after => Status::Unknown,
        status => status,
    }
}

/// The gravest severity; ok when there is nothing to say.
pub fn worst(findings: &[Finding]) -> Status {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Status::Ok)
}

fn failed(run: &Run<'_>, mut failure: Failure, findings: &mut Vec<Finding>) -> Outcome {
    failure.what = tidy::text(&failure.what);
    failure.advice = tidy::text(&failure.advice);
    findings.push(Finding {
        id: failure.kind.name().to_owned(),
        severity: if failure.kind.is_unknown() { Status::Unknown } else { Status::Critical },
        component: run.configured.entry.component.clone(),
        subject: String::new(),
        what: failure.what.clone(),
        advice: failure.advice.clone(),
        since: run.started,
    });
    Outcome::Failed { failure }
}

/// What holds of each group of snapshots; nothing if the check breaks down.
fn states_of(
    run: &Run<'_>,
    result: Result<&Facts, &Failure>,
    findings: &[Finding],
) -> Option<Vec<CopyState>> {
    let (past, drills, now) = (run.past, run.drills, run.started);
    let seen = Seen { result, findings, past, drills, proof: run.proof, now };
    catch_unwind(AssertUnwindSafe(|| run.configured.check.states(&seen))).ok()
}

fn observed(
    run: &Run<'_>,
    mut facts: Facts,
    findings: &mut Vec<Finding>,
    states: &mut Vec<CopyState>,
) -> Outcome {
    tidy::facts(&mut facts);
    facts.observations.retain(|seen| match seen.value {
        Value::Number(number) if !number.is_finite() => {
            let what = format!("`{}` is no finite number", seen.name);
            findings.push(common(run, &UNREADABLE, &seen.subject, what, run.started));
            false
        }
        _ => true,
    });
    if facts.observations.is_empty() && facts.copies.is_empty() && facts.drills.is_empty() {
        let what = "the check saw nothing at all".to_owned();
        findings.push(common(run, &NOTHING, "", what, run.started));
    }
    let check = &run.configured.check;
    match catch_unwind(AssertUnwindSafe(|| check.judge(&facts, run.past, run.started))) {
        Ok(own) => match states_of(run, Ok(&facts), &own) {
            Some(all) => {
                *states = all;
                findings.extend(own);
            }
            None => return failed(run, defect(run.configured), findings),
        },
        Err(_) => return failed(run, defect(run.configured), findings),
    }
    let subjects = facts.observations.iter().map(|seen| seen.subject.as_str()).collect();
    vanished(run, &subjects, findings);
    // Checks of backups tell it themselves, group by group.
    if run.configured.kind.backup.is_none() {
        future(run, &facts, findings);
    }
    Outcome::Observed {
        observations: facts.observations,
        copies: facts.copies,
        drills: facts.drills,
    }
}

/// The failure of a check that broke down itself.
pub fn defect(configured: &Configured) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        what: format!("the check `{}` broke down, a defect of the agent", configured.entry.name),
        advice: "report it with the agent's version and the check's settings".to_owned(),
    }
}

/// Whether evidence says that a subject is gone.
pub fn is_vanished(evidence: &Evidence, subject: &str) -> bool {
    evidence.findings.iter().any(|finding| finding.id == VANISHED.id && finding.subject == subject)
}

fn vanished(run: &Run<'_>, present: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    for gone in run.seen.iter().filter(|seen| !present.contains(seen.subject.as_str())) {
        let what = format!("`{}` is gone; it was last seen {}", gone.subject, gone.last_seen);
        findings.push(common(run, &VANISHED, &gone.subject, what, gone.last_seen));
    }
}

fn future(run: &Run<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    let limit = run.started.saturating_add(CLOCK_TOLERANCE).unwrap_or(Timestamp::MAX);
    let snapshots = facts.copies.iter().filter_map(|copy| {
        let newest = copy.snapshots.iter().map(|snapshot| snapshot.start).max()?;
        Some((copy.copy.as_str(), newest))
    });
    let drills = facts.drills.iter().map(|drill| (drill.copy.as_str(), drill.started));
    for (copy, time) in snapshots.chain(drills).filter(|(_, time)| *time > limit) {
        let what = format!("`{copy}` holds something dated {time}, which is still to come");
        findings.push(common(run, &FUTURE, copy, what, run.started));
    }
}

/// Carries over from the last run: since when a finding stands, and critical
/// findings about what can no longer be judged.
fn remember(last: &Evidence, findings: &mut Vec<Finding>) {
    let mut carried = Vec::new();
    for earlier in &last.findings {
        let same = |now: &&mut Finding| now.id == earlier.id && now.subject == earlier.subject;
        if let Some(now) = findings.iter_mut().find(same) {
            now.since = now.since.min(earlier.since);
        } else if earlier.severity == Status::Critical && blind(findings, &earlier.subject) {
            carried.push(earlier.clone());
        }
    }
    findings.extend(carried);
}

/// Whether the check cannot tell about a subject, or about anything.
fn blind(findings: &[Finding], subject: &str) -> bool {
    findings.iter().any(|finding| {
        finding.severity == Status::Unknown
            && (finding.subject.is_empty() || finding.subject == subject)
    })
}

fn common(
    run: &Run<'_>,
    kind: &CommonFinding,
    subject: &str,
    what: String,
    since: Timestamp,
) -> Finding {
    Finding {
        id: kind.id.to_owned(),
        severity: kind.severity,
        component: run.configured.entry.component.clone(),
        subject: subject.to_owned(),
        what,
        advice: kind.advice.to_owned(),
        since,
    }
}

fn stale_after(run: &Run<'_>) -> Timestamp {
    let intervals = i64::from(run.configured.kind.stale_after_intervals.max(1));
    let rhythm = run.configured.every.as_ms().saturating_mul(intervals);
    let deadline = i64::try_from(run.configured.deadline.as_millis()).unwrap_or(i64::MAX);
    let span = SignedDuration::from_millis(rhythm.saturating_add(deadline));
    run.started.saturating_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
