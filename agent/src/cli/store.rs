//! `store` and `forget`: looking after what is kept.
use std::path::PathBuf;

use clap::Subcommand;
use evenkeel_config::record::SCHEMA_VERSION;
use serde_json::json;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::store::{FILE, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Copy the store to a new file, also while the agent runs.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Test that the store is not damaged.
    Integrity,
}

pub(super) fn store(places: &Places, command: Command, format: Format) -> Result<u8, Failure> {
    // The settings may be the broken part: the store is found without them, too.
    let data =
        places.read().map_or_else(|_| places.default_data(), |read| places.data(&read.settings));
    if !data.join(FILE).exists() {
        let text = format!(
            "{}: there is no store here\n  hint: name its folder with `--data DIR`",
            data.join(FILE).display()
        );
        return Err(Failure::new("store", text, 1));
    }
    let store = Store::open(&data)?;
    match command {
        Command::Backup { file } => {
            store.backup(&file)?;
            match format {
                Format::Human => say(&format!("copied to {}", file.display())),
                Format::Json => {
                    say_json(&json!({ "schema_version": SCHEMA_VERSION, "copy": file }));
                }
            }
            Ok(0)
        }
        Command::Integrity => {
            let problems = store.integrity()?;
            match format {
                Format::Human if problems.is_empty() => {
                    say(&format!("{}: sound", data.join(FILE).display()));
                }
                Format::Human => problems.iter().for_each(|problem| say(problem)),
                Format::Json => say_json(&json!({
                    "schema_version": SCHEMA_VERSION,
                    "sound": problems.is_empty(),
                    "problems": problems,
                })),
            }
            Ok(u8::from(!problems.is_empty()))
        }
    }
}

pub(super) fn forget(
    places: &Places,
    check: &str,
    target: &str,
    format: Format,
) -> Result<u8, Failure> {
    let agent = places.open()?;
    if !agent.forget(check, target)? {
        let text = format!(
            "the check `{check}` never saw `{target}`\n  hint: write both as the finding \
             `target_vanished` does"
        );
        return Err(Failure::new("usage", text, 1));
    }
    match format {
        Format::Human => say(&format!("`{check}` no longer misses `{target}`")),
        Format::Json => {
            say_json(&json!({ "schema_version": SCHEMA_VERSION, "forgotten": target }));
        }
    }
    Ok(0)
}
