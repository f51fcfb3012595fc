//! What people say about drills: the table `drill` below a check of a backup.
use std::path::PathBuf;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::{Rate, Size, Span};
use evenkeel_config::record::RestorePath;
use serde::Deserialize;

use super::sample::Caps;
use crate::checks::{place, settings};

/// The key of the table within a check.
const TABLE: &str = "drill";

/// Parts that restic and its like can be asked for.
const MOST_PARTS: u32 = 256;

/// Files that one run of a tool is asked for.
const MOST_FILES: usize = 1000;

/// Settings of the drills of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillSettings {
    /// How often a drill runs by itself; never without.
    pub every: Option<Span>,
    /// Most files of a sample.
    pub files: usize,
    /// Most bytes of a sample.
    pub bytes: u64,
    /// Into how many parts the stored data is cut, one of which is read with
    /// each drill; 0 for none.
    pub parts: u32,
    /// How often the application opens what was restored, where there is one.
    pub application_every: Span,
    /// How often everything is restored; never without.
    pub full_every: Option<Span>,
    /// Most bytes in the scratch folder; a full drill plans its own.
    pub quota: u64,
    /// Most bytes a second over the line.
    pub bandwidth: Option<Rate>,
    /// Longest drill.
    pub deadline: Span,
    /// File with the secret as it is kept for a disaster.
    pub secret_file: Option<PathBuf>,
    /// The way the data takes.
    pub path: Option<RestorePath>,
    /// Folder for what is restored.
    pub scratch: Option<PathBuf>,
}

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    every: Option<Span>,
    files: Option<usize>,
    bytes: Option<Size>,
    parts: Option<u32>,
    application_every: Option<Span>,
    full_every: Option<Span>,
    quota: Option<Size>,
    bandwidth: Option<Rate>,
    deadline: Option<Span>,
    secret_file: Option<PathBuf>,
    path: Option<RestorePath>,
    scratch: Option<PathBuf>,
}

/// What may be restored within a quota: a fifth is spared for caches and the
/// file system's own needs.
fn room_for(quota: u64) -> u64 {
    quota / 6 * 5
}

impl Default for DrillSettings {
    fn default() -> Self {
        Self {
            every: None,
            files: 60,
            bytes: 500_000_000,
            parts: 13,
            application_every: Span::from_hours(30 * 24),
            full_every: None,
            quota: 2_000_000_000,
            bandwidth: None,
            deadline: Span::from_hours(1),
            secret_file: None,
            path: None,
            scratch: None,
        }
    }
}

impl DrillSettings {
    /// What a sample may take.
    pub fn caps(&self) -> Caps {
        Caps { files: self.files, bytes: self.bytes, lone_bytes: room_for(self.quota) }
    }

    /// Takes the table out of a check's own keys; `None` if anything in it is
    /// wrong. `secret_key` is the kind's key that names its secret.
    pub fn take(
        entry: &mut CheckEntry,
        secret_key: Option<&str>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let Some(table) = entry.settings.remove(TABLE) else { return Some(Self::default()) };
        let Some(secret_key) = secret_key else {
            let what = format!("a check of the kind `{}` looks at no backup to drill", entry.kind);
            problems.error(place(entry, TABLE), what, "remove the table `drill` below it");
            return None;
        };
        let toml::Value::Table(table) = table else {
            let hint = format!("write `[check.{}.drill]` and the keys below it", entry.kind);
            problems.error(place(entry, TABLE), "`drill` is no table", hint);
            return None;
        };
        let mut own = entry.clone();
        own.settings = table;
        let prefix = format!("{TABLE}.");
        let inner = |(key, place): (&String, &evenkeel_config::problem::Place)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), place.clone()))
        };
        own.places = entry.places.iter().filter_map(inner).collect();
        let before = problems.list.len();
        let written: Written = settings(&own, problems)?;
        let settings = Self::of(written);
        settings.examine(&own, secret_key, problems);
        (problems.list.len() == before).then_some(settings)
    }

    fn of(written: Written) -> Self {
        let usual = Self::default();
        let bytes = written.bytes.map(Size::as_bytes);
        let quota = written.quota.map_or(usual.quota.max(bytes.unwrap_or(0) * 2), Size::as_bytes);
        Self {
            every: written.every,
            files: written.files.unwrap_or(usual.files),
            bytes: bytes.unwrap_or(usual.bytes.min(room_for(quota))),
            parts: written.parts.unwrap_or(usual.parts),
            application_every: written.application_every.unwrap_or(usual.application_every),
            full_every: written.full_every,
            quota,
            bandwidth: written.bandwidth,
            deadline: written.deadline.unwrap_or(usual.deadline),
            secret_file: written.secret_file,
            path: written.path,
            scratch: written.scratch,
        }
    }

    fn examine(&self, own: &CheckEntry, secret_key: &str, problems: &mut Problems) {
        let mut refuse = |key: &str, what: String, hint: &str| {
            problems.error(place(own, key), what, hint);
        };
        let shortest = Span::from_secs(60);
        if self.deadline < shortest {
            refuse("deadline", "`deadline` is shorter than a minute".into(), "as in \"1h\"");
        }
        if let Some(every) = self.every
            && every < self.deadline
        {
            let what = format!("`every` is shorter than `deadline`, which is {}", self.deadline);
            refuse("every", what, "as in `every = \"7d\"`");
        }
        if !(1..=MOST_FILES).contains(&self.files) {
            let what = format!("a sample has 1 to {MOST_FILES} files");
            refuse("files", what, "as in `files = 60`; `full_every` restores all of them");
        }
        if self.bytes == 0 || self.bytes > room_for(self.quota) {
            let what = format!("a sample of {} does not fit", Size::from_bytes(self.bytes));
            refuse("bytes", what, "raise `quota`, or write less, as in `bytes = \"500 MB\"`");
        }
        if self.parts > MOST_PARTS {
            let what = format!("the stored data is cut into at most {MOST_PARTS} parts");
            refuse("parts", what, "as in `parts = 13`, or 0 to read none");
        }
        if self.every.is_none() && self.full_every.is_some() {
            let what = "without `every` no drill runs by itself, a full one neither".into();
            refuse("full_every", what, "add `every = \"7d\"`");
        }
        if self.secret_file.is_some() && secret_key.is_empty() {
            let what = format!("a check of the kind `{}` has no secret", own.kind);
            refuse("secret_file", what, "remove the key");
        }
        for (key, path) in [("secret_file", &self.secret_file), ("scratch", &self.scratch)] {
            if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                let hint = format!("as in `{key} = \"/srv/drill\"`");
                refuse(key, "the path does not begin with `/`".into(), &hint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;
    use evenkeel_config::load::{Source, agent_from};

    fn text(keys: &str) -> String {
        format!(
            "[[check.restic]]\ncomponent = \"nas\"\nrepository = \"/srv/r\"\n\
             password_file = \"/etc/pw\"\n[check.restic.drill]\n{keys}\n"
        )
    }

    fn problems(text: String) -> Vec<(usize, String)> {
        let read = agent_from(&Source::new("agent.toml", text)).unwrap().value;
        let Err(problems) = plan(&read) else { return Vec::new() };
        problems.list.into_iter().map(|problem| (problem.place.line, problem.what)).collect()
    }

    #[test]
    fn a_table_with_a_rhythm_makes_a_check_of_its_own() {
        for (keys, names) in [
            ("", vec!["restic-nas"]),
            ("files = 10", vec!["restic-nas"]),
            ("every = \"7d\"\ndeadline = \"2h\"", vec!["restic-nas", "restic-nas/drill"]),
        ] {
            let read = agent_from(&Source::new("agent.toml", text(keys))).unwrap().value;
            let plan = plan(&read).unwrap();
            let found: Vec<&str> = plan.iter().map(|one| one.entry.name.as_str()).collect();
            assert_eq!(found, names, "{keys}");
            if let Some(drill) = plan.get(1) {
                assert_eq!(drill.kind.name, "drill");
                assert_eq!(drill.every, Span::from_hours(7 * 24));
                assert_eq!(drill.deadline.as_secs(), 7200);
            }
        }
    }

    #[test]
    fn what_is_not_said_is_sane() {
        assert_eq!(DrillSettings::of(Written::default()), DrillSettings::default());
        let small = Written { quota: Some(Size::from_bytes(1_000_000)), ..Written::default() };
        assert_eq!(DrillSettings::of(small).bytes, 833_330);
        let large = Written { bytes: Some(Size::from_bytes(9_000_000_000)), ..Written::default() };
        assert_eq!(DrillSettings::of(large).quota, 18_000_000_000);
    }

    #[test]
    fn every_wrong_key_is_named_at_its_line() {
        for (keys, line, word) in [
            ("files = 0", 6, "1 to 1000"),
            ("\nbytes = \"3 GB\"\nquota = \"2 GB\"", 7, "3 GB"),
            ("bytes = \"12\"", 6, "bytes"),
            ("parts = 300", 6, "256"),
            ("every = \"1h\"\ndeadline = \"2h\"", 6, "deadline"),
            ("deadline = \"1s\"", 6, "minute"),
            ("bandwidth = \"0 bit/s\"", 6, "bandwidth"),
            ("full_every = \"365d\"", 6, "every"),
            ("secret_file = \"pw\"", 6, "begin"),
            ("scratch = \"here\"", 6, "begin"),
            ("path = \"moon\"", 6, "moon"),
            ("evry = \"7d\"", 6, "evry"),
        ] {
            let found = problems(text(keys));
            assert!(
                found.iter().any(|(at, what)| *at == line && what.contains(word)),
                "{keys}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_no_backup_cannot_be_drilled() {
        let text = "[[check.clock]]\ncomponent = \"a\"\n[check.clock.drill]\nevery = \"7d\"\n";
        let found = problems(text.to_owned());
        assert!(found.iter().any(|(_, what)| what.contains("no backup")), "{found:?}");
        let text = "[[check.restic]]\ncomponent = \"a\"\nrepository = \"/r\"\n\
                    password_file = \"/p\"\ndrill = 3\n";
        assert_eq!(problems(text.to_owned())[0], (5, "`drill` is no table".to_owned()));
    }
}
