//! First settings and a draft map, from what the host shows by itself.
//!
//! What is written active only reads local files, talks TLS to loopback, or
//! asks the host's own name servers. Whatever would contact somebody else is
//! written as a comment that says whom.
mod found;
mod map_text;
mod settings_text;

use std::path::Path;

use evenkeel_config::id::Id;
use jiff::Timestamp;

use self::found::Found;

/// Texts to start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The host's id on the map.
    pub host: Id,
    /// A commented `agent.toml`.
    pub agent_toml: String,
    /// A commented draft `map.toml`.
    pub map_toml: String,
    /// What was found, and what could not be seen; one sentence each.
    pub notes: Vec<String>,
}

/// Looks at the host below `root` and proposes settings and a map. Writes nothing.
pub fn propose(root: &Path, now: Timestamp) -> Proposal {
    let found = Found::look(root, now);
    Proposal {
        agent_toml: settings_text::write(&found, now),
        map_toml: map_text::write(&found, now),
        notes: notes(&found),
        host: found.host,
    }
}

fn notes(found: &Found) -> Vec<String> {
    let counts = [
        count(found.services.len(), "service"),
        count(found.jobs.len(), "backup job"),
        count(found.certificates.len(), "certificate"),
        count(found.disks.len(), "physical disk"),
        count(found.arrays.len(), "RAID array"),
        count(found.storage.len(), "file server"),
    ];
    let mut notes = vec![format!("{}: found {}", found.host, counts.join(", "))];
    if found.jobs.is_empty() {
        notes.push(
            "no backup job was found; if there is one, add it to agent.toml (see `[[check.restic]]`)"
                .to_owned(),
        );
    }
    for (_, job) in &found.jobs {
        if let Some(whom) = job.contacts() {
            notes.push(format!(
                "the check of the {} repository named in {} is commented out, since it contacts {whom}",
                job.tool, job.told_by
            ));
        }
    }
    notes.extend(found.gaps.iter().cloned());
    notes
}

/// `no disk`, `1 disk`, `2 disks`.
fn count(number: usize, thing: &str) -> String {
    match number {
        0 => format!("no {thing}"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The local day, for the first line of a text.
fn day(found: &Found, now: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::get(&found.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    now.to_zoned(zone).date().to_string()
}
