//! The keys that every kind of backup shares.
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use serde::Deserialize;

use crate::checks::{place, settings};

/// Names of the shared keys, in the order in which they are documented.
const NAMES: [&str; 5] = ["expect_every", "dataset", "escrow", "immutable", "canary"];

/// The shared keys of a check of a backup.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The check's name.
    pub name: String,
    /// The repository on the map.
    pub component: Id,
    /// The data set on the map that is in it.
    pub dataset: Option<Id>,
    /// A snapshot of each group is due so often; a day unless stated.
    pub expect_every: Span,
    /// Where the secret is kept for a disaster, in words, if somebody says so.
    pub escrow: Option<String>,
    /// Why nobody can delete the backups, in words, if somebody says so.
    pub immutable: Option<String>,
    /// File in the source that the agent keeps fresh and signed, if asked to.
    pub canary: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    expect_every: Option<Span>,
    dataset: Option<Id>,
    escrow: Option<String>,
    immutable: Option<String>,
    canary: Option<PathBuf>,
}

impl Keys {
    /// Reads the shared keys of an entry, and gives the entry with the kind's
    /// own keys alone; `None` if any shared key is wrong.
    pub fn take(entry: &CheckEntry, problems: &mut Problems) -> Option<(Self, CheckEntry)> {
        let mut own = entry.clone();
        let mut shared = entry.clone();
        let is_shared = |key: &str| NAMES.contains(&key);
        own.settings.retain(|key, _| !is_shared(key));
        shared.settings.retain(|key, _| is_shared(key));
        let written: Written = settings(&shared, problems)?;
        if written.canary.as_ref().is_some_and(|path| !path.is_absolute()) {
            let hint =
                "a file of its own in the source, as in `canary = \"/srv/.evenkeel-canary\"`";
            problems.error(place(entry, "canary"), "`canary` is no absolute path", hint);
            return None;
        }
        let keys = Self {
            name: entry.name.clone(),
            component: entry.component.clone(),
            dataset: written.dataset,
            expect_every: written.expect_every.unwrap_or(Span::from_hours(24)),
            escrow: written.escrow,
            immutable: written.immutable,
            canary: written.canary,
        };
        Some((keys, own))
    }
}
