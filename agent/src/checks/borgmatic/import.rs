//! What borgmatic's own configuration says, in its old form by sections and in its flat one.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::probe::borg::Hidden;

/// Sections of borgmatic before 1.8; what stands in them is meant as if it stood at the top.
const SECTIONS: &[&str] = &["location", "storage", "retention", "consistency"];

/// More repositories of one configuration are not looked at.
pub(super) const MOST_REPOSITORIES: usize = 16;

const DAY: u64 = 24 * 3600;

/// Everything of a configuration that a look needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Imported {
    pub(super) repositories: Vec<Repository>,
    /// What is backed up, as far as it is written down plainly.
    pub(super) sources: Vec<String>,
    pub(super) secret: Secret,
    /// Variables for borg, such as `BORG_RSH`.
    pub(super) environment: Vec<(String, String)>,
    /// Where borg keeps keys, if configured.
    pub(super) keys_folder: Option<String>,
    /// Pattern of the names that borgmatic gives to archives.
    pub(super) archives: Option<String>,
    /// Folders below which the times of checks may be kept, beside the usual ones.
    pub(super) state_folders: Vec<String>,
    /// Seconds between two checks, by name; empty if they are switched off.
    pub(super) checks: BTreeMap<String, u64>,
}

/// One repository of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Repository {
    pub(super) path: String,
    pub(super) label: Option<String>,
}

/// Where the passphrase is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Secret {
    /// There is none.
    #[default]
    None,
    /// In the configuration itself.
    Here(Hidden),
    /// In a file.
    File(String),
    /// Somewhere that only borgmatic can ask; in words.
    Elsewhere(&'static str),
}

/// Reads a configuration. The error never quotes it, for it may hold a secret.
pub(super) fn import(text: &str, host_name: &str) -> Result<Imported, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|_| {
        "it is no YAML that can be read here; `!include` is not followed".to_owned()
    })?;
    let Value::Object(top) = value else { return Err("it is no map of options".to_owned()) };
    let options = flat(top);
    let repositories = repositories(options.get("repositories"));
    if repositories.is_empty() {
        return Err("it names no `repositories`".to_owned());
    }
    let text = |name: &str| options.get(name).and_then(words);
    let mut environment = Vec::new();
    for (option, variable) in [("ssh_command", "BORG_RSH"), ("remote_path", "BORG_REMOTE_PATH")] {
        environment.extend(text(option).map(|value| (variable.to_owned(), value)));
    }
    let below = |option: &str, rest: &str| text(option).map(|folder| format!("{folder}/{rest}"));
    let state_folders =
        [text("borgmatic_source_directory"), below("user_state_directory", "borgmatic")];
    Ok(Imported {
        repositories,
        sources: sources(options.get("source_directories")),
        secret: secret(&options),
        environment,
        keys_folder: text("borg_keys_directory")
            .or_else(|| below("borg_config_directory", "keys"))
            .or_else(|| below("borg_base_directory", ".config/borg/keys")),
        archives: archives(&options, host_name),
        state_folders: state_folders.into_iter().flatten().collect(),
        checks: checks(options.get("checks")),
    })
}

fn flat(top: Map<String, Value>) -> Map<String, Value> {
    let mut options = Map::new();
    for (name, value) in top {
        match value {
            Value::Object(section) if SECTIONS.contains(&name.as_str()) => options.extend(section),
            other => {
                options.insert(name, other);
            }
        }
    }
    options
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn repositories(list: Option<&Value>) -> Vec<Repository> {
    let Some(Value::Array(list)) = list else { return Vec::new() };
    let read = |entry: &Value| {
        let (path, label) = match entry {
            Value::Object(entry) => {
                (entry.get("path").and_then(words)?, entry.get("label").and_then(words))
            }
            other => (words(other)?, None),
        };
        let path = path.strip_prefix("file://").unwrap_or(&path).to_owned();
        Some(Repository { path, label })
    };
    list.iter().filter_map(read).take(MOST_REPOSITORIES).collect()
}

/// More sources are not kept in mind.
const MOST_SOURCES: usize = 256;

fn sources(list: Option<&Value>) -> Vec<String> {
    let Some(Value::Array(list)) = list else { return Vec::new() };
    let plain = list.iter().filter_map(words).filter(|path| !path.contains(['*', '?', '[']));
    plain.take(MOST_SOURCES).collect()
}

fn secret(options: &Map<String, Value>) -> Secret {
    if let Some(passphrase) = options.get("encryption_passphrase").and_then(words) {
        let inner = passphrase.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let mut asked = inner.unwrap_or_default().split_whitespace();
        return match (asked.next(), asked.next(), asked.next()) {
            (Some("credential"), Some("file"), Some(file)) if file.starts_with('/') => {
                Secret::File(file.to_owned())
            }
            (Some("credential"), ..) => Secret::Elsewhere("borgmatic asks a store of credentials"),
            _ if passphrase.contains("${") => {
                Secret::Elsewhere("borgmatic takes it from its own environment")
            }
            _ => Secret::Here(Hidden(passphrase)),
        };
    }
    let Some(command) = options.get("encryption_passcommand").and_then(words) else {
        return Secret::None;
    };
    // The one command whose answer can be had without running it.
    let mut parts = command.split_whitespace();
    match (parts.next(), parts.next(), parts.next()) {
        (Some("cat" | "/bin/cat" | "/usr/bin/cat"), Some(file), None)
            if file.starts_with('/') && !file.contains(['*', '$', '"', '\'', '\\']) =>
        {
            Secret::File(file.to_owned())
        }
        _ => Secret::Elsewhere("borgmatic runs a command for it"),
    }
}

/// The names of its archives as a pattern: this host's name where it stands,
/// anything for everything else that differs.
fn archives(options: &Map<String, Value>, host_name: &str) -> Option<String> {
    if let Some(pattern) = options.get("match_archives").and_then(words) {
        return pattern.strip_prefix("sh:").map(str::to_owned);
    }
    let format = options.get("archive_name_format").and_then(words);
    let format = format.unwrap_or_else(|| "{hostname}-{now}".to_owned());
    let short = host_name.split('.').next().unwrap_or_default();
    let mut pattern = String::new();
    let mut rest = format.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        pattern.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "hostname" if !short.is_empty() => pattern.push_str(short),
            _ if pattern.ends_with('*') => {}
            _ => pattern.push('*'),
        }
        rest = after;
    }
    pattern.push_str(rest);
    Some(pattern)
}

/// borgmatic's own default, and what counts where no frequency is given.
const MONTH: u64 = 30 * DAY;

fn checks(list: Option<&Value>) -> BTreeMap<String, u64> {
    let Some(Value::Array(list)) = list else {
        return ["repository", "archives"].map(|name| (name.to_owned(), MONTH)).into();
    };
    let read = |entry: &Value| match entry {
        Value::Object(entry) => {
            let frequency = entry.get("frequency").and_then(words);
            let seconds = frequency.and_then(|text| frequency_seconds(&text)).unwrap_or(MONTH);
            Some((entry.get("name").and_then(words)?, seconds))
        }
        other => Some((words(other)?, MONTH)),
    };
    let checks: BTreeMap<String, u64> = list.iter().filter_map(read).take(20).collect();
    if checks.contains_key("disabled") { BTreeMap::new() } else { checks }
}

/// `2 weeks` in seconds; nothing for `always`.
fn frequency_seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let unit = match unit.trim().trim_end_matches('s') {
        "year" => 365 * DAY,
        "month" => MONTH,
        "week" => 7 * DAY,
        "day" => DAY,
        "hour" => 3600,
        "minute" => 60,
        "second" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// For fuzzers.
pub(super) fn fuzz(bytes: &[u8]) {
    let _ = import(&String::from_utf8_lossy(bytes), "host");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &str = "location:\n  source_directories: [/srv]\n  repositories:\n    - /srv/borg\n    \
        - ssh://b@nas/./x\nstorage:\n  encryption_passphrase: \"pw\"\n  ssh_command: ssh -i /k\n  \
        archive_name_format: '{hostname}-docs-{now:%Y}'\nconsistency:\n  checks:\n    \
        - name: repository\n      frequency: 2 weeks\n    - name: data\n      frequency: always\n";
    const NEW: &str = "repositories:\n  - path: /srv/borg\n    label: local\n\
        encryption_passcommand: cat /etc/borg.pw\nuser_state_directory: /var/state\n\
        checks:\n  - name: disabled\n";

    #[test]
    fn both_forms() {
        let old = import(OLD, "srv.example.org").unwrap();
        assert_eq!(old.repositories.len(), 2);
        assert_eq!(old.sources, ["/srv"]);
        assert_eq!(old.secret, Secret::Here(Hidden("pw".to_owned())));
        assert_eq!(old.archives.as_deref(), Some("srv-docs-*"));
        assert_eq!(old.environment, [("BORG_RSH".to_owned(), "ssh -i /k".to_owned())]);
        assert_eq!(old.checks["repository"], 14 * DAY);
        assert_eq!(old.checks["data"], MONTH);
        let new = import(NEW, "srv").unwrap();
        assert_eq!(new.repositories[0].label.as_deref(), Some("local"));
        assert_eq!(new.secret, Secret::File("/etc/borg.pw".to_owned()));
        assert_eq!(new.state_folders, ["/var/state/borgmatic"]);
        assert!(new.checks.is_empty());
        assert_eq!(import("repositories: [/x]", "srv").unwrap().archives.as_deref(), Some("srv-*"));
    }

    #[test]
    fn secrets_that_cannot_be_had() {
        let with = |line: &str| import(&format!("repositories: [/x]\n{line}"), "h").unwrap().secret;
        for line in [
            "encryption_passcommand: pass show borg",
            "encryption_passcommand: cat /a /b",
            "encryption_passphrase: ${PW}",
            "encryption_passphrase: '{credential systemd borg}'",
        ] {
            assert!(matches!(with(line), Secret::Elsewhere(_)), "{line}");
        }
        let file = "encryption_passphrase: '{credential file /etc/pw}'";
        assert_eq!(with(file), Secret::File("/etc/pw".to_owned()));
        assert_eq!(with("encryption_passphrase: 1234"), Secret::Here(Hidden("1234".to_owned())));
    }

    #[test]
    fn errors_do_not_quote() {
        for text in ["a: [s3cret", "- s3cret", "encryption_passphrase: s3cret", ""] {
            let error = import(text, "h").unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_configuration_panics(at in 0_usize..400, byte in any::<u8>()) {
            let mut text = OLD.as_bytes().to_vec();
            let at = at % text.len();
            text[at] = byte;
            fuzz(&text);
        }
    }
}
