//! The borgmatic check against real repositories that borgmatic itself makes and verifies.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use evenkeel_agent::checks::{Check, Facts};
use evenkeel_config::record::{FailureKind, Value};
use jiff::{SignedDuration, Timestamp};
use support::{build, evidence, ids, judged, observe};
use tempfile::TempDir;

const SECRET: &str = "pl4nted-passw0rd";
const NOTHING: &[&str] = &[];

/// A home with a configuration, a source and two repositories.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(lab.path("home")).unwrap();
        std::fs::create_dir(lab.path("source")).unwrap();
        std::fs::write(lab.path("source/ledger"), "x".repeat(5000)).unwrap();
        let folder = lab.folder.path().display();
        lab.configure(&format!(
            "location:\n  source_directories: [{folder}/source]\n  repositories:\n    \
             - {folder}/near\n    - {folder}/far\nstorage:\n  encryption_passphrase: {SECRET}\n\
             consistency:\n  checks:\n    - name: repository\n      frequency: 1 month\n"
        ));
        lab.borgmatic(&["init", "--encryption", "repokey"]);
        lab.borgmatic(&["create"]);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, text: &str) {
        std::fs::write(self.path("config.yaml"), text).unwrap();
    }

    /// What borgmatic said; it has to say that all went well.
    fn borgmatic(&self, arguments: &[&str]) -> String {
        let output = Command::new("borgmatic")
            .args(["--config", "config.yaml", "--verbosity", "1"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.path("home"))
            .output()
            .expect("borgmatic is needed for this test");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    fn keys(&self) -> String {
        let folder = self.folder.path().display();
        format!("configuration = \"{folder}/config.yaml\"\nhome = \"{folder}/home\"\n")
    }

    fn check(&self) -> Box<dyn Check> {
        build("borgmatic", &self.keys())
    }

    async fn facts(&self) -> Facts {
        observe(self.check().as_ref(), Timestamp::now()).await.unwrap()
    }

    async fn findings(&self) -> Vec<String> {
        judged(self.check().as_ref(), &self.facts().await, Timestamp::now())
    }
}

fn of(facts: &Facts, name: &str) -> Vec<Value> {
    let fitting = facts.observations.iter().filter(|fact| fact.name == name);
    fitting.map(|fact| fact.value.clone()).collect()
}

#[tokio::test]
async fn a_check_that_was_skipped_is_no_verification() {
    let lab = Lab::new();
    let facts = lab.facts().await;
    assert_eq!(judged(lab.check().as_ref(), &facts, Timestamp::now()), NOTHING);
    assert_eq!(of(&facts, "verified"), []);
    assert_eq!(facts.copies.len(), 2, "one group for each repository");
    lab.borgmatic(&["check"]);
    let verified = of(&lab.facts().await, "verified");
    assert_eq!(verified.len(), 2);
    // Trap: it ends well and has checked nothing.
    let said = lab.borgmatic(&["check"]);
    assert!(said.contains("Skipping repository check"), "{said}");
    let facts = lab.facts().await;
    assert_eq!(of(&facts, "verified"), verified);
    assert_eq!(judged(lab.check().as_ref(), &facts, Timestamp::now()), NOTHING);
    let later = Timestamp::now() + SignedDuration::from_hours(61 * 24);
    let findings = lab.check().judge(&facts, &[], later);
    let late = findings.iter().filter(|one| one.id == "borgmatic_unverified").count();
    assert_eq!(late, 2, "{findings:?}");
    // So does a check that never ran on archives of long ago.
    std::fs::remove_dir_all(lab.path("home/.borgmatic/checks")).unwrap();
    let findings = lab.check().judge(&lab.facts().await, &[], later);
    let never: Vec<&str> = findings
        .iter()
        .filter(|one| one.id == "borgmatic_unverified")
        .map(|one| one.what.as_str())
        .collect();
    assert!(never.len() == 2 && never.iter().all(|what| what.ends_with("was never verified")));
    let json = serde_json::to_string(&evidence(&facts, later)).unwrap();
    assert!(!json.contains(SECRET), "{json}");
}

#[tokio::test]
async fn one_repository_does_not_hide_another() {
    let lab = Lab::new();
    let past = [evidence(&lab.facts().await, Timestamp::now())];
    std::fs::rename(lab.path("far"), lab.path("elsewhere")).unwrap();
    assert_eq!(lab.findings().await, ["borgmatic_repository_failed!"]);
    lab.borgmatic(&["init", "--encryption", "repokey"]);
    let facts = lab.facts().await;
    let found = ids(&lab.check().judge(&facts, &past, Timestamp::now()));
    assert_eq!(found, ["borgmatic_repository_empty!", "borgmatic_repository_replaced!"]);
    std::fs::remove_dir_all(lab.path("near")).unwrap();
    std::fs::remove_dir_all(lab.path("far")).unwrap();
    let failure = observe(lab.check().as_ref(), Timestamp::now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
}

#[tokio::test]
async fn the_flat_form_and_other_places_of_the_passphrase() {
    let lab = Lab::new();
    let folder = lab.folder.path().display().to_string();
    let flat = |secret: &str| {
        format!(
            "repositories:\n  - path: {folder}/near\n    label: near\n{secret}\n\
             source_directories: [{folder}/source]\nchecks:\n  - name: disabled\n"
        )
    };
    lab.configure(&flat(&format!("encryption_passcommand: cat {folder}/passphrase")));
    std::fs::write(lab.path("passphrase"), format!("{SECRET}\n")).unwrap();
    assert_eq!(lab.findings().await, ["borgmatic_unverified"]);
    lab.configure(&flat("encryption_passcommand: pass show borg"));
    let failure = observe(lab.check().as_ref(), Timestamp::now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::AuthFailed);
    let keys = format!("{}passphrase_file = \"{folder}/passphrase\"", lab.keys());
    let check = build("borgmatic", &keys);
    let facts = observe(check.as_ref(), Timestamp::now()).await.unwrap();
    assert_eq!(of(&facts, "archives"), [Value::Number(1.0)]);
    lab.configure(&flat(&format!("encryption_passphrase: [{SECRET}")));
    let failure = observe(lab.check().as_ref(), Timestamp::now()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreadable);
    assert!(!serde_json::to_string(&failure).unwrap().contains(SECRET));
}
