//! A real pgBackRest with a real PostgreSQL: states, damage, and restores that are brought up.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evenkeel_agent::checks::Check;
use evenkeel_agent::drill::Wanted;
use evenkeel_config::record::FailureKind;
use jiff::Timestamp;
use support::cluster::{Cluster, ROWS, as_nobody};
use support::{build, drilled, judged, observe};
use tempfile::TempDir;

const NOTHING: &[&str] = &[];

/// A repository with one backup, more WAL behind it, and its configuration.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, data: &str, socket: &str) {
        let at = self.folder.path().display();
        let text = format!(
            "[global]\nrepo1-path={at}/repo\nlock-path={at}/lock\nlog-level-file=off\n\
             log-level-console=off\nlog-level-stderr=error\nstart-fast=y\nrepo1-retention-full=2\n\
             [main]\npg1-path={data}\npg1-socket-path={socket}\npg1-user=postgres\n"
        );
        std::fs::write(self.path("conf"), text).unwrap();
    }

    /// A copy of one that is made once.
    fn new() -> Self {
        static FIRST: OnceLock<TempDir> = OnceLock::new();
        let first = FIRST.get_or_init(|| {
            let cluster = Cluster::start();
            let lab = Self::empty();
            lab.configure(&cluster.text("data"), &cluster.text("socket"));
            let config = format!("--config={}", lab.path("conf").display());
            let command = |what: &[&str]| {
                let fixed = ["/usr/bin/pgbackrest", &config, "--stanza=main"];
                as_nobody(lab.folder.path(), &[&fixed, what].concat())
            };
            command(&["stanza-create"]);
            let push = format!("/usr/bin/pgbackrest {config} --stanza=main archive-push %p");
            cluster.sql("postgres", &format!("alter system set archive_command = '{push}'"));
            cluster.sql("postgres", "select pg_reload_conf()");
            command(&["--type=full", "backup"]);
            cluster.sql("erp", "insert into invoices values (0, '2026-11-21 09:00+00', 'later')");
            cluster.sql("erp", "select pg_switch_wal()");
            let archived = "select count(*) from pg_stat_archiver where last_archived_wal >= \
                            (select pg_walfile_name(pg_current_wal_lsn() - 1))";
            support::until("the archive", || cluster.sql("erp", archived).trim() == "1");
            lab.folder
        });
        let lab = Self::empty();
        let from = first.path().join("repo");
        support::run(lab.folder.path(), "cp", &["-r", from.to_str().unwrap(), "."]);
        lab.configure("/nowhere/data", "/nowhere");
        lab
    }

    fn empty() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(lab.folder.path(), open).unwrap();
        lab
    }

    fn check(&self, more: &str) -> Box<dyn Check> {
        let keys = format!(
            "stanza = \"main\"\nconfig = \"{}\"\ndatabase = \"erp\"\n\
             newest = \"select max(created) from public.invoices\"\n{more}",
            self.path("conf").display()
        );
        build("pgbackrest", &keys)
    }

    /// Flips bytes in the largest stored file of a table.
    fn damage(&self) {
        let mut files = Vec::new();
        walk(&self.path("repo/backup/main"), &mut files);
        files.retain(|path| path.to_str().unwrap().contains("/base/"));
        let largest = files.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
        let mut bytes = std::fs::read(&largest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8].fill(0);
        std::fs::write(&largest, bytes).unwrap();
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

#[tokio::test]
async fn a_good_repository_has_no_finding_and_comes_back_with_its_last_row() {
    let lab = Lab::new();
    let check = lab.check(&format!("tables = {{ \"public.invoices\" = {} }}", ROWS + 1));
    let now = Timestamp::now();
    let facts = observe(check.as_ref(), now).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now), NOTHING);
    assert!(facts.flag("complete", ""));
    assert!(facts.number("bytes", "").unwrap() > 20e6);
    let id = facts.text("repository_id", "").unwrap();
    assert!(id.parse::<u64>().unwrap() > 1 << 53, "{id}");
    let (_folder, room) = support::room(60.0);
    let read = check.drill().unwrap().read_part([1, 1], &room).await.unwrap().unwrap();
    assert!(read.sound, "{}", read.said);
    let targets = check.drill().unwrap().targets(room.until).await.unwrap();
    let mut files = Vec::new();
    let drill = check.drill().unwrap();
    drill.list(&targets[0], &room, &mut |file| files.push(file)).await.unwrap();
    assert!(files.len() > 900, "{} files are listed", files.len());
    assert!(drill.restore(&targets[0], Wanted::All, &room).await.unwrap().worked);
    for file in files {
        let about = room.folder.join(file.path.trim_start_matches('/')).symlink_metadata().unwrap();
        assert!(about.is_file() && about.len() == file.size, "{}", file.path);
    }
    let opened = drilled(check.as_ref(), 90.0).await.unwrap();
    assert!(opened.works, "{}", opened.what);
    assert_eq!(opened.data_as_of.unwrap().to_string(), "2026-11-21T09:00:00Z");
}

/// Trap 8: the list and even the exit code of `verify` stay fine.
#[tokio::test]
async fn damage_shows_when_it_is_verified_or_restored() {
    let lab = Lab::new();
    lab.damage();
    let check = lab.check("");
    let now = Timestamp::now();
    let facts = observe(check.as_ref(), now).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now), NOTHING, "the list says nothing of it");
    let (_folder, room) = support::room(60.0);
    let drill = check.drill().unwrap();
    let read = drill.read_part([1, 1], &room).await.unwrap().unwrap();
    assert!(!read.sound && read.said.contains("invalid"), "{}", read.said);
}

#[tokio::test]
async fn states_are_typed_though_the_exit_code_is_0() {
    let lab = Lab::new();
    let now = Timestamp::now();
    std::fs::remove_dir_all(lab.path("repo/archive/main/15-1")).unwrap();
    let check = lab.check("");
    let facts = observe(check.as_ref(), now).await.unwrap();
    assert_eq!(judged(check.as_ref(), &facts, now), ["backup_incomplete!"], "no WAL");
    std::fs::rename(lab.path("repo"), lab.path("elsewhere")).unwrap();
    let failure = observe(check.as_ref(), now).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound, "{}", failure.what);
    std::fs::remove_file(lab.path("conf")).unwrap();
    let failure = observe(check.as_ref(), now).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound, "{}", failure.what);
}

#[tokio::test]
async fn a_backup_without_the_wal_it_needs_does_not_come_up() {
    let lab = Lab::new();
    let mut files = Vec::new();
    walk(&lab.path("repo/archive/main/15-1"), &mut files);
    for file in files.iter().filter(|path| path.extension().is_some_and(|it| it == "gz")) {
        std::fs::remove_file(file).unwrap();
    }
    let opened = drilled(lab.check("").as_ref(), 90.0).await.unwrap();
    assert!(!opened.works && opened.what.contains("does not start"), "{}", opened.what);
}

/// The program itself, from the plan to the verdict and what the next check says.
#[test]
fn the_program_drills_a_stanza_and_asks_what_came_up() {
    let stanza = Lab::new();
    let keys = |more: &str| {
        format!(
            "[[check.pgbackrest]]\nname = \"pg\"\ncomponent = \"nas\"\nstanza = \"main\"\n\
             config = \"{}\"\ndatabase = \"erp\"\n\
             newest = \"select max(created) from public.invoices\"\n{more}\
             [check.pgbackrest.drill]\nquota = \"3 GB\"\n",
            stanza.path("conf").display()
        )
    };
    let rows = |count: u64| format!("tables = {{ \"public.invoices\" = {count} }}\n");
    let lab = support::lab::Lab::new(&keys(&rows(ROWS + 1)));
    let drill = ["drill", "pg", "--level", "application"];
    let (code, document) = lab.json(&drill);
    assert_eq!(code, 0, "{document}");
    let told = document["drills"][0]["drills"].as_array().unwrap();
    let restored = told.iter().find(|one| one["level"] == "application").expect("it came up");
    assert_eq!(restored["data_as_of"], "2026-11-21T09:00:00Z", "{restored}");
    assert_eq!(restored["asked"], restored["files"], "{restored}");
    assert!(told.iter().any(|one| one["level"] == "read_subset" && one["worked"] == true));
    assert_eq!(lab.check("restorable"), (Vec::new(), "holds proven".to_owned()));
    assert_eq!(lab.check("opens").1, "holds proven");
    for (more, words) in
        [(rows(ROWS + 2), "public.invoices"), (rows(1) + "max_age = \"1h\"\n", "2026-11-21")]
    {
        lab.settings(&keys(&more));
        let (code, document) = lab.json(&drill);
        assert_eq!(code, 2, "{document}");
        let told = document["drills"][0]["drills"].to_string();
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(lab.check("opens").0.contains(&"drill_failed".to_owned()));
    // Not inside of the repository.
    let within = format!("{}scratch = \"{}/scratch\"\n", keys(""), stanza.path("repo").display());
    lab.settings(&within);
    let (code, document) = lab.json(&drill);
    assert_eq!(code, 3, "{document}");
    assert!(document.to_string().contains("lies in"), "{document}");
    assert!(!stanza.path("repo/scratch").exists());
}
