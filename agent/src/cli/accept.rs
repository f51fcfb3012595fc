//! `accept`: what looks unusual was looked at and is right; history begins anew.
use evenkeel_config::record::SCHEMA_VERSION;
use jiff::Timestamp;
use serde_json::json;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::accepted::Accepted;

pub(super) fn accept(
    places: &Places,
    check: &str,
    group: Option<&str>,
    format: Format,
) -> Result<u8, Failure> {
    let agent = places.open()?;
    let setup = agent.setup();
    let known = setup.checks.iter().find(|one| one.entry.name == check);
    if known.is_none_or(|one| one.check.keys().is_none()) {
        let backups: Vec<&str> = setup
            .checks
            .iter()
            .filter(|one| one.check.keys().is_some())
            .map(|one| one.entry.name.as_str())
            .collect();
        let hint = match backups.as_slice() {
            [] => "no backup is checked here".to_owned(),
            names => format!("the checks of backups are {}", names.join(", ")),
        };
        let text = format!("`{check}` is no check of a backup\n  hint: {hint}");
        return Err(Failure::new("usage", text, 64));
    }
    let now = Timestamp::now();
    let group = group.unwrap_or_default();
    Accepted::note(agent.data(), check, group, now).map_err(Failure::other)?;
    match format {
        Format::Human => {
            let whose = if group.is_empty() { "every group" } else { group };
            say(&format!(
                "accepted what `{check}` has seen of {whose} up to {now:.0}\n\
                 Seven more snapshots are needed before anything is called unusual again."
            ));
        }
        Format::Json => say_json(&json!({
            "schema_version": SCHEMA_VERSION, "check": check, "group": group, "accepted": now,
        })),
    }
    Ok(0)
}
