//! `init` and `validate`: the first settings of a host, and whether they are right.
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use evenkeel_config::agent::AgentSettings;
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::SCHEMA_VERSION;
use jiff::Timestamp;
use serde_json::json;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::{discover, plan};

pub(super) fn init(places: &Places, format: Format) -> Result<u8, Failure> {
    let config = places.config();
    let map = places.beside("map.toml");
    let proposal = discover::propose(Path::new("/"), Timestamp::now());
    if let Some(folder) = config.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| cannot_write(folder, &error))?;
    }
    let mut written = Vec::new();
    let mut kept = Vec::new();
    for (path, text) in [(config, proposal.agent_toml), (map, proposal.map_toml)] {
        if write_new(&path, &text)? { written.push(path) } else { kept.push(path) }
    }
    match format {
        Format::Human => {
            for path in &written {
                say(&format!("written: {}", path.display()));
            }
            for path in &kept {
                say(&format!("kept as it is: {}", path.display()));
            }
            proposal.notes.iter().for_each(|note| say(&format!("note: {note}")));
            say("next: read both files, then run `evenkeel-agent check`");
        }
        Format::Json => say_json(&json!({
            "schema_version": SCHEMA_VERSION,
            "written": written,
            "kept": kept,
            "notes": proposal.notes,
        })),
    }
    Ok(0)
}

/// Writes a file that is not there yet; `false` if it is.
fn write_new(path: &PathBuf, text: &str) -> Result<bool, Failure> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map(|()| true)
            .map_err(|error| cannot_write(path, &error)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        "write",
        format!(
            "{}: cannot be written: {error}\n  hint: name a place this user may write, as in \
             `--data ~/evenkeel`",
            path.display()
        ),
        1,
    )
}

pub(super) fn validate(places: &Places, format: Format) -> Result<u8, Failure> {
    let found = places.find()?;
    let mut problems = found.problems;
    if let Some(settings) = &found.settings {
        if let Err(more) = plan::plan(settings) {
            problems.list.extend(more.list);
        }
        if let Some(map) = &found.map {
            not_on_the_map(settings, map, &mut problems);
        }
    }
    problems.sort();
    let Some(settings) = found.settings.filter(|_| !problems.is_fatal()) else {
        return Err(problems.into());
    };
    let checks = settings.checks.len();
    let components = found.map.as_ref().map(|map| map.components.len());
    match format {
        Format::Human => {
            if !problems.list.is_empty() {
                super::output::tell(&problems.to_string());
            }
            say(&format!("{}: {checks} checks, no errors", places.config().display()));
            if let (Some(file), Some(count)) = (&found.map_file, components) {
                say(&format!("{}: {count} components, no errors", file.display()));
            }
        }
        Format::Json => say_json(&json!({
            "schema_version": SCHEMA_VERSION,
            "valid": true,
            "checks": checks,
            "components": components,
            "problems": problems.list,
        })),
    }
    Ok(0)
}

/// Warns of checks whose evidence would reach no component.
fn not_on_the_map(settings: &AgentSettings, map: &DependencyMap, problems: &mut Problems) {
    for check in &settings.checks {
        if !map.components.contains_key(&check.component) {
            problems.warning(
                crate::checks::place(check, "component"),
                format!("`{}` is not on the map", check.component),
                "add it to the map, so that the evidence reaches the simulation",
            );
        }
    }
}
