//! What the history of drills says about a backup, as findings.
use evenkeel_config::id::Id;
use evenkeel_config::record::{DrillFacts, Evidence, Finding};
use jiff::{SignedDuration, Timestamp};

use crate::checks::{CheckKind, since};

/// After so long a drill says little: people, versions and sizes have changed.
const OLD: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Findings of one backup's drills; `past` tells since when each stands.
pub(crate) fn findings(
    kind: &CheckKind,
    component: &Id,
    drills: &[DrillFacts],
    past: &[Evidence],
    now: Timestamp,
    is_hearsay: bool,
) -> Vec<Finding> {
    let finding =
        |id: &str, what: String| kind.finding(id, component, "", what, since(past, id, "", now));
    let Some(last) = drills.iter().filter(|drill| drill.is_restore()).max_by_key(|one| one.started)
    else {
        if is_hearsay {
            let what = "all that is known is what a job or a script said".to_owned();
            return vec![finding("backup_only_said", what)];
        }
        let what = "nobody has ever restored from it as a test".to_owned();
        return vec![finding("never_drilled", what)];
    };
    if !last.worked {
        let why = if last.why.is_empty() { "it did not work" } else { &last.why };
        let what = format!("the last restore drill, of {:.0}, failed: {why}", last.started);
        return vec![finding("drill_failed", what)];
    }
    if now.duration_since(last.started) > OLD {
        let what = format!("the last restore drill was on {:.0}", last.started);
        return vec![finding("drill_old", what)];
    }
    Vec::new()
}
