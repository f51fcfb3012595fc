//! What the last try at deletion tells of a backup now: its state, its findings, its age.
use std::path::Path;

use evenkeel_config::record::{Evidence, Finding, Observation, Status, Value};
use jiff::{SignedDuration, Timestamp};

use crate::backup::{Keys, On};
use crate::checks::{CheckKind, Facts, since};

/// After so long a refusal is no longer taken for what holds now: storage is moved,
/// rights are given.
const TELLS_FOR: SignedDuration = SignedDuration::from_hours(100 * 24);

/// How a folder is named as what was tried.
pub(super) fn folder_target(folder: &Path) -> String {
    format!("a file in {}", folder.display())
}

/// How a repository is named as what was tried.
pub(super) fn repository_target(id: &str) -> String {
    format!("a snapshot in the repository {id}")
}

/// The last try that came to an answer, as long as it is about what the check looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof<'a> {
    /// When it was tried.
    pub(crate) tried: Timestamp,
    /// What was allowed, in words; empty if everything was refused.
    pub(crate) accepted: &'a str,
    /// As whom.
    pub(crate) whose: &'a str,
    /// Whether it is too long ago to tell what holds now.
    pub(crate) is_old: bool,
}

impl<'a> Proof<'a> {
    /// Reads it from its evidence; nothing if the check looks at something else now,
    /// or does not ask for it any more and was refused then.
    pub(crate) fn of(
        evidence: Option<&'a Evidence>,
        keys: &Keys,
        facts: Option<&Facts>,
        now: Timestamp,
    ) -> Option<Self> {
        let evidence = evidence?;
        let text = |name: &str| text(evidence.observations(), name);
        let (target, accepted) = (text("target")?, text("accepted")?);
        let is_it = match keys.prove.as_ref().map(|prove| &prove.on) {
            // That deletion was allowed does not change by asking no more.
            None => !accepted.is_empty(),
            Some(On::Folder(folder)) => {
                target == crate::probe::redact::plain(&folder_target(folder))
            }
            Some(On::Snapshot) => {
                let id = facts.and_then(|facts| facts.text("repository_id", ""));
                target.starts_with(&repository_target(""))
                    && id.is_none_or(|id| target == repository_target(id))
            }
        };
        let age = now.duration_since(evidence.started);
        is_it.then_some(Self {
            tried: evidence.started,
            accepted,
            whose: text("whose").unwrap_or("somebody"),
            // Of the future, as after a clock went back, it proves nothing either.
            is_old: age > TELLS_FOR || age < -SignedDuration::from_mins(5),
        })
    }
}

fn text<'a>(observations: &'a [Observation], name: &str) -> Option<&'a str> {
    let fact = observations.iter().find(|fact| fact.name == name)?;
    match &fact.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The findings of a check that asks for a proof.
pub(crate) fn findings(
    kind: &'static CheckKind,
    keys: &Keys,
    proof: Option<Proof<'_>>,
    past: &[Evidence],
    now: Timestamp,
) -> Vec<Finding> {
    if keys.prove.is_none() && proof.is_none() {
        return Vec::new();
    }
    let finding = |id: &str, what: String| {
        let since = since(past, id, "", now);
        kind.finding(id, &keys.component, "", what, since)
    };
    let Some(proof) = proof else {
        let what = "nobody has tried whether what is stored can be deleted".to_owned();
        return vec![finding("immutable_unproven", what)];
    };
    let Proof { tried, accepted, whose, is_old } = proof;
    if !accepted.is_empty() {
        let what = format!("{whose} was allowed on {tried:.0}, on a canary: {accepted}");
        let mut found = finding("backup_deletable", what);
        if keys.immutable.is_some() {
            found.severity = Status::Critical;
        }
        return vec![found];
    }
    if is_old {
        let what = format!("the last try at deletion was on {tried:.0}");
        return vec![finding("immutable_unproven", what)];
    }
    Vec::new()
}
