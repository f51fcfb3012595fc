//! A try at deletion as evidence: its kind, its facts, its findings.
use std::sync::Arc;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;

use super::{Tried, name_of};
use crate::checks::{Check, CheckKind, FactKind, Facts, FindingKind, Look};
use crate::plan::Configured;
use crate::probe::redact::plain;

/// The kind of these tries; it has no table of its own but a key of a check of a backup.
pub static KIND: CheckKind = CheckKind {
    name: "immutable",
    about: "The storage refuses to overwrite, empty, move and delete what the agent has put there \
            itself beside the backups: `evenkeel-agent prove-immutable`, for checks with the key \
            `prove_immutable`",
    limits: "It speaks for the login it runs as, and for what was tried. Root of the machine with \
             the disks, or the provider's console, may still delete. Borg's append-only mode \
             accepts deletions and is no proof.",
    example: "",
    every: Span::from_hours(90 * 24),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 1,
    facts: &[
        fact("target", "What deletion was tried on."),
        fact("whose", "As whom."),
        fact("written", "When that had been put there."),
        fact("accepted", "What was allowed."),
        fact("refused", "What was refused."),
    ],
    findings: &[FindingKind {
        id: "deletion_accepted",
        severity: Status::Critical,
        about: "The storage allowed to destroy what was put there beside the backups.",
        advice: "Have the storage refuse deletion, then run `evenkeel-agent prove-immutable`.",
    }],
    backup: None,
    build,
};

const fn fact(name: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric: "", help, subject: "", labels: &[] }
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let hint = "write `prove_immutable = { folder = \"/srv/backup\" }` into a check of a backup";
    let what = "that backups cannot be deleted is proven for a check of a backup";
    problems.error(entry.place.clone(), what, hint);
    None
}

/// What a try for a check is recorded as.
pub fn configured(check: &Configured) -> Configured {
    let recorded = Recorded { component: check.entry.component.clone() };
    check.beside(&KIND, name_of(&check.entry.name), Arc::new(recorded))
}

/// What came of a try, as facts.
pub fn facts(tried: &Tried) -> Facts {
    let mut facts = Facts::default();
    let mut text = |name: &str, text: &str| facts.push(name, "", Value::Text(plain(text)));
    text("target", &tried.target);
    text("whose", &tried.whose);
    text("accepted", &tried.accepted.join(", "));
    text("refused", &tried.refused.join(", "));
    facts.push("written", "", Value::Time(tried.written));
    facts
}

struct Recorded {
    component: evenkeel_config::id::Id,
}

#[async_trait::async_trait]
impl Check for Recorded {
    async fn observe(&self, _: &Look) -> Result<Facts, Failure> {
        Err(Failure {
            kind: FailureKind::Internal,
            what: "deletion is tried when somebody asks for it, not by the schedule".to_owned(),
            advice: "run `evenkeel-agent prove-immutable`".to_owned(),
        })
    }

    fn judge(&self, facts: &Facts, _: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let accepted = facts.text("accepted", "").filter(|accepted| !accepted.is_empty());
        let finding = |accepted: &str| {
            let whose = facts.text("whose", "").unwrap_or("somebody");
            let what = format!("{whose} was allowed: {accepted}");
            KIND.finding("deletion_accepted", &self.component, "", what, now)
        };
        accepted.map(finding).into_iter().collect()
    }
}
