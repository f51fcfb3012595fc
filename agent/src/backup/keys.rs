//! The keys that every kind of backup shares.
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use serde::Deserialize;

use crate::checks::{place, settings};

/// Names of the shared keys, in the order in which they are documented.
const NAMES: [&str; 6] =
    ["expect_every", "dataset", "escrow", "immutable", "prove_immutable", "canary"];

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
    /// Where the agent may try to delete a canary of its own, if asked to.
    pub prove: Option<Prove>,
    /// File in the source that the agent keeps fresh and signed, if asked to.
    pub canary: Option<PathBuf>,
}

/// How it is tried whether what is stored can be deleted: only ever when asked, and only
/// with what the agent itself has put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prove {
    /// What it is tried on.
    pub on: On,
    /// So old what is tried to be deleted has to be; storage that locks what it holds
    /// may take a while to do so.
    pub after: Span,
}

/// What deletion is tried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// A file of ours in this folder, in the storage of the backups.
    Folder(PathBuf),
    /// A snapshot of ours in the repository.
    Snapshot,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    expect_every: Option<Span>,
    dataset: Option<Id>,
    escrow: Option<String>,
    immutable: Option<String>,
    prove_immutable: Option<WrittenProve>,
    canary: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenProve {
    folder: Option<PathBuf>,
    snapshot: bool,
    after: Option<Span>,
}

impl WrittenProve {
    fn read(self) -> Option<Prove> {
        let on = match (self.folder, self.snapshot) {
            (Some(folder), false) if folder.is_absolute() => On::Folder(folder),
            (None, true) => On::Snapshot,
            _ => return None,
        };
        Some(Prove { on, after: self.after.unwrap_or(Span::from_secs(0)) })
    }
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
        let prove = match written.prove_immutable.map(WrittenProve::read) {
            Some(None) => {
                let hint = "write `{ folder = \"/srv/backup\" }`, a folder in the storage of the \
                            backups, or `{ snapshot = true }`";
                let what = "`prove_immutable` names neither an absolute folder nor a snapshot";
                problems.error(place(entry, "prove_immutable"), what, hint);
                return None;
            }
            other => other.flatten(),
        };
        let keys = Self {
            name: entry.name.clone(),
            component: entry.component.clone(),
            dataset: written.dataset,
            expect_every: written.expect_every.unwrap_or(Span::from_hours(24)),
            escrow: written.escrow,
            immutable: written.immutable,
            prove,
            canary: written.canary,
        };
        Some((keys, own))
    }
}
