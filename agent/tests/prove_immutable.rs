//! Tries at deletion through the program itself: against folders as Linux protects them, and
//! against a restic repository on a server that refuses, allows, and is gone.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

use serde_json::Value;
use support::rest_server::RestServer;
use support::{free_port, run};
use tempfile::TempDir;

/// A user without rights of its own.
const NOBODY: u32 = 65534;

/// A folder of one test with an agent's data and storage for backups.
struct Lab {
    folder: TempDir,
    /// Whether the agent runs as root.
    is_root: bool,
}

impl Lab {
    fn new(keys: &str) -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap(), is_root: false };
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(lab.folder.path(), mode).unwrap();
        for folder in ["data", "storage"] {
            std::fs::create_dir_all(lab.path(folder)).unwrap();
            chown(lab.path(folder), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::fs::write(lab.path("storage/dump.sql"), "data of somebody\n").unwrap();
        lab.settings(keys);
        lab
    }

    fn settings(&self, keys: &str) {
        let text = format!("[agent]\nhost = \"srv-1\"\nlisten = \"127.0.0.1:0\"\n{keys}");
        let text = text.replace("LAB", &self.folder.path().display().to_string());
        std::fs::write(self.path("data/agent.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the agent, as nobody unless the lab says root; code and document.
    fn agent(&self, words: &[&str]) -> (i32, Value) {
        let program = env!("CARGO_BIN_EXE_evenkeel-agent");
        let mut command = if self.is_root {
            Command::new(program)
        } else {
            let mut command = Command::new("setpriv");
            let user = NOBODY.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", program]);
            command
        };
        command.arg("--data").arg(self.path("data")).args(["--format", "json"]).args(words);
        let output = command.env("HOME", self.path("data")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{said}"));
        (output.status.code().unwrap(), document)
    }

    fn prove(&self) -> (i32, Value) {
        let (code, document) = self.agent(&["prove-immutable"]);
        assert_eq!(
            std::fs::read(self.path("storage/dump.sql")).unwrap(),
            b"data of somebody\n",
            "what is not ours is left alone"
        );
        (code, document["proofs"][0].clone())
    }

    /// Findings about deletion and the state of the aspect, after an ordinary check.
    fn check(&self) -> (Vec<String>, String) {
        let evidence = self.agent(&["check"]).1["evidence"][0].clone();
        let wanted = ["backup_deletable", "immutable_unproven"];
        let findings = evidence["findings"].as_array().unwrap().iter();
        let ids = findings
            .filter(|one| wanted.contains(&one["id"].as_str().unwrap()))
            .map(|one| format!("{} {}", one["id"], one["severity"]).replace('"', ""))
            .collect();
        let aspects = evidence["states"][0]["aspects"].as_array().unwrap().clone();
        let one = aspects.iter().find(|one| one["aspect"] == "immutable").unwrap();
        (ids, format!("{} {}", one["verdict"], one["grade"]).replace('"', ""))
    }

    /// Our own file in the storage.
    fn canary(&self) -> PathBuf {
        let mut names =
            std::fs::read_dir(self.path("storage")).unwrap().map(|one| one.unwrap().path());
        let is_ours = |path: &PathBuf| path.to_str().unwrap().contains("evenkeel-canary-");
        names.find(is_ours).expect("the canary is there")
    }

    fn attributes(&self, change: &str, path: &Path) {
        run(self.folder.path(), "chattr", &[change, path.to_str().unwrap()]);
    }
}

const FILES: &str = "[[check.files]]\nname = \"dumps\"\ncomponent = \"nas\"\n\
    path = \"LAB/storage/*.sql\"\nimmutable = \"the NAS locks files\"\n\
    prove_immutable = { folder = \"LAB/storage\"";

fn old(lab: &Lab) {
    // As if the try had been made a hundred and one days ago.
    let day = 24 * 3600 * 1000_i64;
    let sql = format!(
        "update evidence set started = started - {0}, body = json_set(body, '$.started', \
         strftime('%Y-%m-%dT%H:%M:%SZ', json_extract(body, '$.started'), '-101 days')) \
         where check_name = 'dumps/immutable'",
        101 * day
    );
    let database = lab.path("data/evidence.db");
    run(lab.folder.path(), "sqlite3", &[database.to_str().unwrap(), &sql]);
}

#[test]
fn a_refusal_is_proof_for_a_while() {
    let lab = Lab::new(&format!("{FILES}, after = \"0s\" }}\n"));
    let never = vec!["immutable_unproven warning".to_owned()];
    assert_eq!(lab.check(), (never.clone(), "holds declared".to_owned()));
    // The storage locks each file after a moment, as root's timer does here.
    lab.settings(&format!("{FILES}, after = \"1h\" }}\n"));
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (3, Some("unknown")), "{proof}");
    let canary = lab.canary();
    lab.attributes("+i", &canary);
    lab.settings(&format!("{FILES} }}\n"));
    let before = std::fs::read(&canary).unwrap();
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (0, Some("refused")), "{proof}");
    assert_eq!(proof["refused"].as_array().unwrap().len(), 4, "{proof}");
    assert_eq!(std::fs::read(&canary).unwrap(), before);
    assert_eq!(lab.check(), (Vec::new(), "holds proven".to_owned()));
    old(&lab);
    assert_eq!(lab.check(), (never, "holds declared".to_owned()));
    // Root takes the attribute away, so for root it is none.
    lab.settings(&format!("{FILES} }}\n"));
    let root = Lab { is_root: true, ..lab };
    let (code, proof) = root.prove();
    assert_eq!((code, proof["verdict"].as_str()), (2, Some("allowed")), "{proof}");
    assert_eq!(proof["accepted"][0], "taking its protection away");
    assert!(!canary.exists());
}

#[test]
fn what_is_allowed_is_found_and_harms_nothing_else() {
    let lab = Lab::new(&format!("{FILES} }}\n"));
    let (code, document) = lab.agent(&["prove-immutable", "--dry-run"]);
    assert_eq!(code, 0);
    assert!(document["plans"][0]["plan"].as_str().unwrap().contains("delete"), "{document}");
    assert_eq!(std::fs::read_dir(lab.path("storage")).unwrap().count(), 1, "nothing was tried");
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (2, Some("allowed")), "{proof}");
    assert_eq!(std::fs::read_dir(lab.path("storage")).unwrap().count(), 1, "ours is gone");
    let found = vec!["backup_deletable critical".to_owned()];
    assert_eq!(lab.check(), (found, "fails proven".to_owned()));
    // It does not get better by waiting.
    old(&lab);
    assert_eq!(lab.check().1, "fails proven");
    // Where nobody says that it is immutable, it is a warning.
    lab.settings(&format!("{FILES} }}\n").replace("immutable = \"the NAS locks files\"\n", ""));
    assert_eq!(lab.check().0, ["backup_deletable warning"]);
    // Another folder is another question.
    lab.settings(&format!("{FILES} }}\n").replace("LAB/storage\"", "LAB/elsewhere\""));
    assert_eq!(lab.check().0, ["immutable_unproven warning"]);
}

#[test]
fn a_folder_that_only_appends_lets_its_files_be_emptied() {
    let lab = Lab::new(&format!("{FILES} }}\n"));
    lab.attributes("+a", &lab.path("storage"));
    let (code, proof) = lab.prove();
    let again = lab.prove();
    lab.attributes("-a", &lab.path("storage"));
    assert_eq!(code, 2, "{proof}");
    assert_eq!(proof["accepted"], serde_json::json!(["overwriting", "emptying"]), "{proof}");
    assert_eq!(proof["refused"], serde_json::json!(["moving", "deleting"]));
    assert_eq!(again.0, 2, "our file is known the next time: {}", again.1);
}

#[test]
fn who_may_not_write_cannot_tell() {
    let lab = Lab::new(&format!("{FILES} }}\n"));
    chown(lab.path("storage"), Some(0), Some(0)).unwrap();
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (3, Some("unknown")), "{proof}");
    let what = proof["failure"]["what"].as_str().unwrap();
    assert!(what.contains("remains untried"), "{what}");
    assert_eq!(lab.check().0, ["immutable_unproven warning"]);
    // A file under our file's name that is not ours is nobody's to delete.
    chown(lab.path("storage"), Some(NOBODY), Some(NOBODY)).unwrap();
    lab.settings(&format!("{FILES}, after = \"1h\" }}\n"));
    lab.prove();
    let canary = lab.canary();
    std::fs::write(&canary, "cipher").unwrap();
    lab.settings(&format!("{FILES} }}\n"));
    let (code, proof) = lab.prove();
    assert_eq!(code, 3, "{proof}");
    assert_eq!(std::fs::read(&canary).unwrap(), b"cipher");
}

#[test]
fn a_server_refuses_allows_or_is_gone() {
    let server = RestServer::start();
    let keys = format!(
        "[[check.restic]]\nname = \"dumps\"\ncomponent = \"nas\"\nrepository = \"{}\"\n\
         password_file = \"LAB/secret\"\nimmutable = \"append-only server\"\n\
         prove_immutable = {{ snapshot = true }}\n",
        server.repository()
    );
    let lab = Lab::new(&keys);
    std::fs::write(lab.path("secret"), "secret").unwrap();
    let secret = lab.path("secret").display().to_string();
    let repository = server.repository();
    let restic = |arguments: &[&str]| {
        let fixed = ["--no-cache", "-q", "-r", &repository, "--password-file", &secret];
        run(lab.folder.path(), "restic", &[&fixed, arguments].concat())
    };
    restic(&["init"]);
    restic(&["backup", "storage"]);
    let theirs = server.names();
    server.append_only.store(true, Ordering::SeqCst);
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (0, Some("refused")), "{proof}");
    assert_eq!(lab.check(), (Vec::new(), "holds proven".to_owned()));
    // Our snapshot is no group that could grow stale, and the next try takes it again.
    let (_, document) = lab.agent(&["check"]);
    assert_eq!(document["evidence"][0]["states"].as_array().unwrap().len(), 1, "{document}");
    let snapshots =
        || server.names().into_iter().filter(|name| name.starts_with("/snapshots/")).count();
    assert_eq!(snapshots(), 2);
    server.append_only.store(false, Ordering::SeqCst);
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (2, Some("allowed")), "{proof}");
    let left = server.names();
    assert!(theirs.iter().all(|name| left.contains(name)), "only ours is gone");
    assert_eq!(snapshots(), 1, "the one that was there was tried again");
    let found = vec!["backup_deletable critical".to_owned()];
    assert_eq!(lab.check(), (found, "fails proven".to_owned()));
    let nobody = free_port(std::net::Ipv4Addr::LOCALHOST);
    lab.settings(&keys.replace(&server.repository(), &format!("rest:http://127.0.0.1:{nobody}/")));
    let (code, proof) = lab.prove();
    assert_eq!((code, proof["verdict"].as_str()), (3, Some("unknown")), "{proof}");
}

#[test]
fn what_proves_nothing_is_refused_before_it_is_tried() {
    let borg =
        "[[check.borg]]\nname = \"b\"\ncomponent = \"nas\"\nrepository = \"ssh://nas/./b\"\n";
    for (keys, expected) in [
        (format!("{borg}prove_immutable = {{ snapshot = true }}\n"), "only appends"),
        (format!("{borg}prove_immutable = {{ folder = \"x\" }}\n"), "absolute folder"),
        (format!("{borg}prove_immutable = {{}}\n"), "absolute folder"),
        (borg.to_owned(), "no check says `prove_immutable`"),
    ] {
        let lab = Lab::new(&keys);
        let (_, document) = lab.agent(&["prove-immutable"]);
        assert!(document.to_string().contains(expected), "{document}");
    }
}
