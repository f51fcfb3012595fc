//! The program itself with settings and data of its own.
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A folder of one test with an agent's data.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
}

impl Lab {
    pub(crate) fn new(checks: &str) -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(lab.path("data")).unwrap();
        lab.settings(checks);
        lab
    }

    /// Settings with these checks; `LAB` stands for the folder.
    pub(crate) fn settings(&self, checks: &str) {
        let checks = checks.replace("LAB", &self.folder.path().display().to_string());
        let text = format!("[agent]\nhost = \"srv-1\"\nlisten = \"127.0.0.1:0\"\n{checks}");
        std::fs::write(self.path("data/agent.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the agent; its exit code and document.
    pub(crate) fn json(&self, words: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-agent"));
        command.arg("--data").arg(self.path("data")).args(["--format", "json"]).args(words);
        let output = command.env("HOME", self.folder.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{said}"));
        (output.status.code().unwrap(), document)
    }

    /// Finding ids of the only check, and the code of one aspect of its first group.
    pub(crate) fn check(&self, aspect: &str) -> (Vec<String>, String) {
        let evidence = self.json(&["check"]).1["evidence"][0].clone();
        let ids = evidence["findings"].as_array().unwrap().iter();
        let ids = ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        let aspects = evidence["states"][0]["aspects"].as_array().unwrap().clone();
        let one = aspects.iter().find(|one| one["aspect"] == aspect).unwrap();
        (ids, format!("{} {}", one["verdict"], one["grade"]).replace('"', ""))
    }
}
