//! An agent in a folder of its own, run as people run it, and repositories for it to look at.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use evenkeel_agent::drill::name_of;
use evenkeel_agent::store::Store;
use evenkeel_config::record::{Evidence, Finding, Status};
use serde_json::Value;
use tempfile::TempDir;

/// The password of every repository; it must never be told.
pub(crate) const SECRET: &str = "pl4nted-passw0rd";

/// A folder with an agent's data, settings with one check named `it`, and what it looks at.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// A folder with nothing but a file with the secret.
    pub(crate) fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(bench.path("data")).unwrap();
        std::fs::write(bench.path("secret"), SECRET).unwrap();
        bench
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes the settings: keys of the check, then keys of its table `drill`. `AT` is
    /// this folder in both.
    pub(crate) fn settings(&self, kind: &str, keys: &str, drill: &str) {
        let table =
            if drill.is_empty() { String::new() } else { format!("[check.{kind}.drill]\n{drill}") };
        let text = format!(
            "[agent]\nhost = \"srv-1\"\nlisten = \"127.0.0.1:0\"\n\n[[check.{kind}]]\n\
             name = \"it\"\ncomponent = \"nas\"\n{keys}\n{table}\n"
        );
        let text = text.replace("AT", &self.folder.path().display().to_string());
        std::fs::write(self.path("data/agent.toml"), text).unwrap();
    }

    /// The agent with these words, in an environment of its own.
    pub(crate) fn agent(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-agent"));
        command.arg("--data").arg(self.path("data")).args(words).env_clear();
        command.env("HOME", self.folder.path()).env("TMPDIR", std::env::temp_dir());
        command.current_dir(self.folder.path());
        command
    }

    /// What the agent said as JSON, and its exit code.
    pub(crate) fn json(&self, words: &[&str]) -> (i32, Value) {
        let output = self.agent(&[&["--format", "json"], words].concat()).output().unwrap();
        let said = said(&output);
        assert!(!said.contains(SECRET), "the secret is told: {said}");
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        (output.status.code().unwrap(), document)
    }

    /// Runs the check, and gives what it came to.
    pub(crate) fn check(&self) -> Evidence {
        let (_, document) = self.json(&["check"]);
        serde_json::from_value(document["evidence"][0].clone()).unwrap()
    }

    /// Runs a drill: the exit code, and what it said of its only check. Whatever came of
    /// it, nothing is left of it.
    pub(crate) fn drill(&self, words: &[&str]) -> (i32, Value) {
        let (code, document) = self.json(&[&["drill"], words].concat());
        assert_eq!(self.left_behind(), Vec::<String>::new(), "{document:#}");
        (code, document["drills"][0].clone())
    }

    /// What the last drill was stored as.
    pub(crate) fn drilled(&self) -> Evidence {
        let store = Store::open(&self.path("data")).unwrap();
        store.newest(&name_of("it")).unwrap().expect("a drill is stored")
    }

    /// Drills, then checks: the findings of both, a critical one with a mark.
    pub(crate) fn findings(&self, words: &[&str]) -> Vec<String> {
        self.drill(words);
        let mut all = self.drilled().findings;
        all.extend(self.check().findings);
        ids(&all)
    }

    /// What is left of drills in the scratch folder.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("data/scratch")) else { return Vec::new() };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

/// The ids of findings, sorted and each once; a critical one with an exclamation mark.
pub(crate) fn ids(findings: &[Finding]) -> Vec<String> {
    let mark = |one: &Finding| if one.severity == Status::Critical { "!" } else { "" };
    let mut ids: Vec<String> =
        findings.iter().map(|one| format!("{}{}", one.id, mark(one))).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Both outputs of a program.
pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// The programs whose repositories are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Restic,
    Borg,
}

impl Tool {
    /// Its name, which is the name of the kind of check.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Restic => "restic",
            Self::Borg => "borg",
        }
    }

    /// The key that names the file with the secret.
    pub(crate) fn secret_key(self) -> &'static str {
        match self {
            Self::Restic => "password_file",
            Self::Borg => "passphrase_file",
        }
    }
}

/// A repository, its source, and an agent that looks at it.
pub(crate) struct Repository {
    pub(crate) bench: Bench,
    pub(crate) tool: Tool,
}

impl Repository {
    /// An empty repository, and a source of 40 small files and a large one.
    pub(crate) fn empty(tool: Tool) -> Self {
        let it = Self { bench: Bench::new(), tool };
        it.fill();
        it.works(match tool {
            Tool::Restic => &["init"],
            Tool::Borg => &["init", "--encryption=repokey"],
        });
        if tool == Tool::Borg {
            // Small segments, so that data and lists lie apart.
            let path = it.bench.path("repository/config");
            let config = std::fs::read_to_string(&path).unwrap();
            let small = config.replace("max_segment_size = 524288000", "max_segment_size = 40000");
            assert_ne!(small, config);
            std::fs::write(path, small).unwrap();
        }
        it.watched("", "parts = 0");
        it
    }

    /// With one backup, made just now.
    pub(crate) fn new(tool: Tool) -> Self {
        let it = Self::empty(tool);
        it.back_up();
        it
    }

    fn fill(&self) {
        std::fs::create_dir(self.bench.path("source")).unwrap();
        for number in 0..40 {
            let path = self.bench.path(&format!("source/file {number}"));
            std::fs::write(path, noise(number, 700 + 97 * number as usize)).unwrap();
        }
        std::fs::write(self.bench.path("source/large"), noise(77, 400_000)).unwrap();
    }

    /// Writes settings: further keys of the check, which win, and keys of its drill.
    pub(crate) fn watched(&self, keys: &str, drill: &str) {
        let mut all = format!("{keys}\n");
        for (key, value) in [("repository", "AT/repository"), (self.tool.secret_key(), "AT/secret")]
        {
            let is_there = keys.lines().any(|line| line.starts_with(&format!("{key} = ")));
            all += &if is_there { String::new() } else { format!("{key} = \"{value}\"\n") };
        }
        self.bench.settings(self.tool.name(), &all, drill);
    }

    /// The program with its repository and secret; its cache is that of the agent's user.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.tool.name());
        command.current_dir(self.bench.folder()).env("HOME", self.bench.folder()).env("TZ", "UTC");
        match self.tool {
            Tool::Restic => {
                command.args(["-r", "repository", "--password-file", "secret"]);
            }
            Tool::Borg => {
                command.env("BORG_REPO", self.bench.path("repository"));
                command.env("BORG_PASSPHRASE", SECRET);
                command.env("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
                command.env("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes");
            }
        }
        command.args(arguments);
        command
    }

    /// Runs the program, which has to end with 0, and gives what it said.
    pub(crate) fn works(&self, arguments: &[&str]) -> String {
        let name = self.tool.name();
        let output = self.command(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{name} is needed: {error}"));
        assert!(output.status.success(), "{name} {arguments:?}: {}", said(&output));
        said(&output)
    }

    /// Runs the program, which must not end with 0, and gives what it said.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    /// A backup of the source as of now.
    pub(crate) fn back_up(&self) {
        let source = self.bench.text("source");
        match self.tool {
            Tool::Restic => self.works(&["-q", "backup", &source]),
            Tool::Borg => self.works(&["create", "::srv-{now:%Y-%m-%dT%H:%M:%S.%f}", &source]),
        };
    }

    /// The files with data, the largest first.
    pub(crate) fn data_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.bench.path("repository/data"), &mut files);
        files.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
        files
    }
}

/// Every file below a folder.
pub(crate) fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[2]
    };
    (0..length).map(next).collect()
}

/// Flips bytes in the middle of a file, which may be read-only.
pub(crate) fn damage(path: &Path, count: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + count].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes a script that can be run.
pub(crate) fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}
