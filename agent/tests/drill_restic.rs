//! Restore drills against real restic repositories, sound and broken, through the program itself.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{run, until};
use tempfile::TempDir;

const SECRET: &str = "pl4nted-passw0rd";

/// A folder of one test: repository, source, secrets, and an agent's data.
struct Lab {
    folder: TempDir,
}

impl Lab {
    /// A repository with one snapshot of 120 small files and 3 large ones.
    fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(lab.path("secret"), SECRET).unwrap();
        std::fs::create_dir_all(lab.path("source/we[ird]*? \\x")).unwrap();
        for number in 0..120 {
            let folder = if number % 10 == 0 { "we[ird]*? \\x/" } else { "" };
            let text = format!("{number} ").repeat(50 + 13 * number);
            std::fs::write(lab.path(&format!("source/{folder}file {number}")), text).unwrap();
        }
        for (number, byte) in (0_u8..3).enumerate() {
            std::fs::write(lab.path(&format!("source/large-{number}")), noise(byte)).unwrap();
        }
        lab.restic(&["init"]);
        lab.restic(&["backup", &lab.path("source").display().to_string()]);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn restic(&self, arguments: &[&str]) -> String {
        let fixed = ["--no-cache", "-q", "-r", "repository", "--password-file", "secret"];
        run(self.folder.path(), "restic", &[&fixed, arguments].concat())
    }

    /// Settings of a check named `nas` with keys in its table `drill`.
    fn settings(&self, keys: &str) -> &Self {
        let text = format!(
            "[agent]\nhost = \"srv-1\"\nlisten = \"127.0.0.1:0\"\n\n[[check.restic]]\n\
             name = \"nas\"\ncomponent = \"nas\"\nrepository = \"{}\"\npassword_file = \"{}\"\n\
             [check.restic.drill]\n{keys}\n",
            self.path("repository").display(),
            self.path("secret").display(),
        );
        std::fs::create_dir_all(self.path("data")).unwrap();
        std::fs::write(self.path("data/agent.toml"), text).unwrap();
        self
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-agent"));
        command.arg("--data").arg(self.path("data")).args(words).env_clear();
        command.env("HOME", self.folder.path()).current_dir(self.folder.path());
        command
    }

    /// A drill as JSON: the exit code, and what it said of its only check.
    fn drill(&self, words: &[&str]) -> (i32, Value) {
        let all = [&["drill", "--format", "json"], words].concat();
        let output = self.program(&all).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains(SECRET), "the secret is told: {said}");
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{said}"));
        assert_eq!(self.left_behind(), Vec::<String>::new(), "{said}");
        (output.status.code().unwrap(), document["drills"][0].clone())
    }

    /// What drills have left in the scratch folder.
    fn left_behind(&self) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(self.path("data/scratch")) else { return Vec::new() };
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| self.path("data/scratch").join(name).is_dir()).collect()
    }

    /// Every file of the repository with its hash.
    fn repository(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        hash_tree(&self.path("repository"), &mut all);
        all
    }

    /// The packs of the repository, the largest first.
    fn packs(&self) -> Vec<PathBuf> {
        let mut packs: Vec<PathBuf> = self.repository().into_keys().collect();
        packs.retain(|path| path.starts_with(self.path("repository/data")));
        packs.sort_by_key(|path| std::cmp::Reverse(std::fs::metadata(path).unwrap().len()));
        packs
    }

    /// Evidence of the drills, as it is stored.
    fn stored(&self) -> String {
        let database = self.path("data/evidence.db").display().to_string();
        let query = "SELECT body FROM evidence WHERE check_name = 'nas/drill' ORDER BY id";
        run(self.folder.path(), "sqlite3", &[&database, query])
    }

    /// Finding ids of the last stored drill.
    fn findings(&self) -> Vec<String> {
        let stored = self.stored();
        let last: Value = serde_json::from_str(stored.lines().last().unwrap()).unwrap();
        let ids = last["findings"].as_array().unwrap().iter();
        ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Bytes that do not compress, more than a pack holds.
fn noise(seed: u8) -> Vec<u8> {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    let base = NOISE.get_or_init(|| {
        let blocks = (0_u32..160_000).flat_map(|block| Sha256::digest(block.to_le_bytes()));
        blocks.collect()
    });
    base.iter().map(|byte| byte ^ seed.wrapping_mul(85)).collect()
}

fn hash_tree(folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hash_tree(&path, all);
        } else {
            let hash = Sha256::digest(std::fs::read(&path).unwrap());
            all.insert(path, hash.to_vec());
        }
    }
}

/// Writes over bytes of a file in the middle.
fn damage(path: &Path, count: usize) {
    run(path.parent().unwrap(), "chmod", &["u+w", &path.display().to_string()]);
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + count].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(path, bytes).unwrap();
}

fn number(drill: &Value, name: &str) -> u64 {
    drill[name].as_u64().unwrap_or_else(|| panic!("{name}: {drill:#}"))
}

/// The drills of a level.
fn of_level<'a>(said: &'a Value, level: &str) -> Vec<&'a Value> {
    said["drills"].as_array().unwrap().iter().filter(|drill| drill["level"] == level).collect()
}

#[test]
fn a_good_repository_comes_back_and_stays_as_it_was() {
    let lab = Lab::new();
    lab.settings("");
    let before = lab.repository();
    let (code, said) = lab.drill(&["--seed", "7"]);
    assert_eq!((code, &said["verdict"]), (0, &"works".into()), "{said:#}");
    assert_eq!(lab.repository(), before, "a drill changed the repository");
    assert_eq!(lab.findings(), Vec::<String>::new());
    let drills = of_level(&said, "sample");
    let [drill] = drills.as_slice() else { panic!("{said:#}") };
    assert_eq!((number(drill, "asked"), number(drill, "files")), (60, 60));
    assert_eq!((number(drill, "compared"), number(drill, "damaged")), (60, 0), "{drill:#}");
    assert_eq!((number(drill, "total_files"), &drill["cold"]), (123, &true.into()));
    let batches = drill["restores"].as_array().unwrap();
    assert_eq!(batches.len(), 2, "many small ones, then the large ones");
    assert!(number(&batches[0], "files") > 40 && number(&batches[1], "bytes") > 4_000_000);
    assert!(
        drill["full_restore_seconds"]["p90"].as_f64()
            > drill["full_restore_seconds"]["p10"].as_f64()
    );
    assert_eq!(of_level(&said, "read_subset").len(), 1);
    // The next one reads the next part.
    let (code, said) = lab.drill(&["nas"]);
    assert_eq!((code, &of_level(&said, "read_subset")[0]["subset"]), (0, &[2, 13].into()));
    assert!(!lab.stored().contains(SECRET));
    // For people: a verdict first.
    let output = lab.program(&["drill"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("nas: the restore works\n"), "{text}");
    for word in ["asked for 60 files, 60 came back", "60 compared with the live file", "would take"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_plan_restores_nothing_and_a_seed_gives_one_sample() {
    let lab = Lab::new();
    lab.settings("files = 20");
    let plan = |seed: &str| lab.drill(&["--dry-run", "--seed", seed]);
    let (code, first) = plan("11");
    assert_eq!((code, &first["verdict"]), (0, &"planned".into()), "{first:#}");
    let sample = |said: &Value| said["groups"][0]["sample"].to_string();
    assert_eq!(first["groups"][0]["sample"].as_array().unwrap().len(), 20);
    assert_eq!(sample(&first), sample(&plan("11").1));
    assert_ne!(sample(&first), sample(&plan("12").1));
    assert_eq!(lab.stored(), "", "a plan is no evidence");
    let output = lab.program(&["drill", "--dry-run"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["restore 20 of 123 files", "read part 1 of 13", "expected to take", "seed "] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn everything_comes_back_in_a_full_drill() {
    let lab = Lab::new();
    lab.settings("quota = \"10 MB\"\nbytes = \"8 MB\"\nparts = 0\npath = \"offsite\"");
    let (code, said) = lab.drill(&["--level", "full"]);
    assert_eq!(code, 0, "{said:#}");
    let drills = of_level(&said, "full");
    assert_eq!((number(drills[0], "asked"), number(drills[0], "files")), (123, 123));
    assert_eq!(number(drills[0], "bytes"), number(drills[0], "total_bytes"));
    assert_eq!(drills[0]["path"], "offsite");
}

#[test]
fn flipped_bytes_in_a_pack_are_found_within_one_cycle() {
    let lab = Lab::new();
    // A sample that leaves out what is damaged; the rotation alone may find it.
    lab.settings("parts = 3\nfiles = 1\nbytes = \"1 kB\"");
    let packs = lab.packs();
    damage(&packs[0], 64);
    let mut found = Vec::new();
    for _ in 0..3 {
        let (code, said) = lab.drill(&[]);
        let parts = of_level(&said, "read_subset");
        if parts.iter().any(|part| part["worked"] == false) {
            assert_eq!(code, 2);
            assert!(lab.findings().contains(&"drill_part_damaged".to_owned()));
            found.push(parts[0]["subset"].clone());
        }
    }
    assert!(!found.is_empty(), "{}", lab.stored());
}

#[test]
fn a_damaged_pack_costs_files_of_a_full_restore() {
    let lab = Lab::new();
    lab.settings("parts = 0");
    damage(&lab.packs()[0], 64);
    let (code, said) = lab.drill(&["--level", "full"]);
    assert_eq!((code, &said["verdict"]), (2, &"failed".into()), "{said:#}");
    assert!(!lab.findings().is_empty());
}

#[test]
fn the_escrowed_secret_is_what_opens_it() {
    let lab = Lab::new();
    lab.settings("parts = 0");
    std::fs::write(lab.path("envelope"), "another secret").unwrap();
    let (code, said) = lab.drill(&["--secret-file", "envelope"]);
    assert_eq!((code, &said["verdict"]), (2, &"failed".into()), "{said:#}");
    assert_eq!(lab.findings(), ["drill_failed"]);
    let (code, said) = lab.drill(&["--secret-file", "nowhere"]);
    assert_eq!(code, 2, "{said:#}");
    std::fs::write(lab.path("envelope"), SECRET).unwrap();
    let (code, said) = lab.drill(&["--secret-file", "envelope"]);
    assert_eq!((code, &of_level(&said, "sample")[0]["escrowed_secret"]), (0, &true.into()));
    assert_eq!(lab.findings(), Vec::<String>::new());
}

#[test]
fn what_does_not_fit_is_not_told_to_have_failed() {
    let lab = Lab::new();
    lab.settings("parts = 0\nquota = \"200 kB\"\nbytes = \"150 kB\"");
    // The quota holds the files, and not the cache beside them.
    let (code, said) = lab.drill(&[]);
    assert_eq!((code, &said["failure"]["kind"]), (3, &"no_space".into()), "{said:#}");
    assert_eq!(lab.findings(), ["no_space"]);
}

#[test]
fn a_drill_waits_for_a_backup() {
    let lab = Lab::new();
    lab.settings("parts = 0");
    let mut backup = Command::new("restic")
        .args(["--no-cache", "-q", "-r", "repository", "--password-file", "secret"])
        .args(["backup", "--stdin"])
        .current_dir(lab.folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let locks = lab.path("repository/locks");
    until("a lock", || std::fs::read_dir(&locks).unwrap().count() == 1);
    let (code, said) = lab.drill(&[]);
    assert_eq!((code, &said["failure"]["kind"]), (3, &"locked".into()), "{said:#}");
    drop(backup.stdin.take());
    backup.wait().unwrap();
    std::fs::write(lab.path("password"), SECRET).unwrap();
    assert_eq!(lab.drill(&[]).0, 0);
}

/// A drill that takes a while: so few bytes a second come through.
fn slow(lab: &Lab) -> Child {
    lab.settings("parts = 0\nbandwidth = \"200 kB/s\"");
    let mut command = lab.program(&["drill"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let folder = lab.path("data/scratch");
    until("a restored file", || {
        let mut all = BTreeMap::new();
        if folder.is_dir() {
            // Files come and go meanwhile.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                hash_tree(&folder, &mut all);
            }));
        }
        all.keys().any(|path| path.display().to_string().contains("/source/"))
    });
    child
}

#[test]
fn there_is_one_drill_at_a_time() {
    let lab = Lab::new();
    let mut child = slow(&lab);
    let output = lab.program(&["drill", "--format", "json"]).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said:#}");
    assert_eq!(said["drills"][0]["failure"]["kind"], "locked");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn check_runs_no_drill_and_a_service_runs_one_when_it_is_due() {
    let lab = Lab::new();
    lab.settings("parts = 0\nevery = \"7d\"");
    let output = lab.program(&["check"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("never_drilled"));
    assert_eq!(lab.stored(), "");
    let serve = || {
        let mut service = lab.program(&["run"]).stderr(Stdio::null()).spawn().unwrap();
        move |ends: &mut dyn FnMut() -> bool| {
            until("what the service does", ends);
            service.kill().unwrap();
            service.wait().unwrap();
        }
    };
    serve()(&mut || !lab.stored().is_empty());
    let count = lab.stored().lines().count();
    assert_eq!(count, 1);
    // After a restart the drill is not due, while the check runs at once.
    let checked = || {
        let database = lab.path("data/evidence.db").display().to_string();
        let query = "SELECT count(*) FROM evidence WHERE check_name = 'nas'";
        run(lab.folder.path(), "sqlite3", &[&database, query]).trim().parse::<u32>().unwrap()
    };
    let before = checked();
    serve()(&mut || checked() > before);
    assert_eq!(lab.stored().lines().count(), 1, "a start is no reason to drill");
    let output = lab.program(&["check"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("never_drilled"));
}

#[test]
fn names_and_kinds_that_cannot_be_drilled_are_refused() {
    let lab = Lab::new();
    lab.settings("");
    let output = lab.program(&["drill", "nsa"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("these can: nas"));
}
