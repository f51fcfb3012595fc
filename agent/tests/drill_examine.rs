//! The examiner, as the program that ships: what it says of restored files, and what
//! it is kept from.
#![expect(clippy::unwrap_used, reason = "a panic here is the test failing, in helpers too")]
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use evenkeel_agent::drill::examine::{Asked, DamageKind, Examined, Limits, examine, examine_list};
use evenkeel_config::record::FailureKind;
use jiff::Timestamp;

struct Restored {
    folder: tempfile::TempDir,
}

impl Restored {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    fn write(&self, path: &str, content: &[u8]) -> Asked {
        let at = self.root().join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, content).unwrap();
        let size = Some(u64::try_from(content.len()).unwrap());
        Asked { path: format!("/{path}"), size, ..Asked::default() }
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::new(Instant::now() + Duration::from_secs(100), self.folder.path());
        limits.program = Some(PathBuf::from(env!("CARGO_BIN_EXE_evenkeel-agent")));
        limits
    }

    async fn examined(&self, asked: &[Asked]) -> Examined {
        examine(&self.root(), asked, &self.limits()).await.unwrap()
    }
}

fn kinds(examined: &Examined) -> Vec<(&str, DamageKind)> {
    examined.damaged.iter().map(|damage| (damage.path.as_str(), damage.kind)).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

fn database(path: &Path) -> Vec<u8> {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(90000));")
        .unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
}

const PDF: &[u8] =
    b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n";

#[tokio::test]
async fn says_what_is_there_whole_and_known() {
    let restored = Restored::new();
    let whole = gzip(&b"words ".repeat(5000));
    let good = database(&restored.folder.path().join("good.db"));
    let mut flipped = good.clone();
    for byte in &mut flipped[4096..4300] {
        *byte ^= 0xff;
    }
    let random: Vec<u8> = whole.iter().copied().cycle().take(3).chain(noise(20_000)).collect();
    let mut asked = vec![
        restored.write("srv/a.gz", &whole),
        restored.write("srv/cut.gz", &whole[..whole.len() - 9]),
        restored.write("srv/good.pdf", PDF),
        restored.write("srv/no-table.pdf", &PDF[..PDF.len() - 20]),
        restored.write("srv/good.db", &good),
        restored.write("srv/flipped.db", &flipped),
        restored.write("srv/notes.txt", b"plain words"),
        restored.write("srv/locked.docx", &random[3..]),
        restored.write("srv/short", b"short"),
    ];
    asked[8].size = Some(6);
    let missing = Asked { path: "/srv/missing".to_owned(), ..Asked::default() };
    asked.push(missing);
    restored.write("srv/nobody-asked", b"x");
    let seen = restored.examined(&asked).await;
    assert_eq!(
        kinds(&seen),
        [
            ("/srv/cut.gz", DamageKind::Format),
            ("/srv/no-table.pdf", DamageKind::Format),
            ("/srv/flipped.db", DamageKind::Format),
            ("/srv/short", DamageKind::Size),
            ("/srv/missing", DamageKind::Missing),
        ]
    );
    assert_eq!((seen.asked, seen.found, seen.opened, seen.unexpected), (10, 9, 3, 1));
    assert_eq!((seen.damaged_count, seen.format_count, seen.unknown_format), (5, 3, 2));
    assert_eq!(seen.suspicious_count, 1);
    assert_eq!(seen.suspicious[0].0, "/srv/locked.docx");
    assert_eq!(seen.census["docx"]["data"], 1);
    assert!(seen.protection[1].ends_with("programs taken away"), "{:?}", seen.protection);

    // The same from a list of any length.
    let list = restored.folder.path().join("list");
    let lines: Vec<String> = asked.iter().map(|a| serde_json::to_string(a).unwrap()).collect();
    std::fs::write(&list, lines.join("\n")).unwrap();
    let again = examine_list(&restored.root(), &list, &restored.limits()).await.unwrap();
    assert_eq!(again, seen);
}

/// Bytes that look random, the same each time.
fn noise(count: usize) -> impl Iterator<Item = u8> {
    let mut state = 88_172_645_463_325_252_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(count)
}

#[tokio::test]
async fn compares_with_the_live_file_only_while_it_is_unchanged() {
    let restored = Restored::new();
    let live = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    let then = Timestamp::from_second(1_700_000_000).unwrap();
    for (name, now, back, age) in [
        ("same", "content", "content", 0),
        ("differs", "content", "CONTENT", 0),
        ("edited", "content", "CONTENT", 5),
        ("broken.gz", "\u{1f}x", "\u{1f}x", 0),
    ] {
        let at = live.path().join(name);
        std::fs::write(&at, now).unwrap();
        let time = SystemTime::from(then) + Duration::from_secs(age);
        std::fs::File::options().write(true).open(&at).unwrap().set_modified(time).unwrap();
        let mut one = restored.write(name, back.as_bytes());
        one.modified = Some(then);
        one.live = Some(at.display().to_string());
        asked.push(one);
    }
    let mut limits = restored.limits();
    limits.live = vec![live.path().to_owned()];
    let seen = examine(&restored.root(), &asked, &limits).await.unwrap();
    assert_eq!(kinds(&seen), [("/differs", DamageKind::Content)]);
    assert_eq!(seen.compared, 3);
    // Where it may not look, it cannot compare; older kernels cannot keep it from looking.
    limits.live.clear();
    let seen = examine(&restored.root(), &asked, &limits).await.unwrap();
    if seen.protection[2] == "all other files taken away" {
        assert_eq!(seen.compared, 0);
    }
    // Broken already where it was backed up: not the backup's fault.
    let broken = b"\x1f\x8b\x08\0\0\0\0\0\0\0rubbish that no tool made";
    let mut one = restored.write("source.gz", broken);
    one.sha256 = Some("00".repeat(32));
    let seen = restored.examined(&[one.clone()]).await;
    assert_eq!(kinds(&seen), [("/source.gz", DamageKind::Content)]);
    one.sha256 = Some(sha256(broken));
    let seen = restored.examined(&[one]).await;
    assert_eq!((seen.damaged_count, seen.untold), (0, 1));
    assert!(seen.untold_why[0].1.starts_with("it is as it was backed up"), "{seen:?}");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    format!("{:x}", sha2::Sha256::digest(bytes))
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let restored = Restored::new();
    let outside = restored.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    std::fs::create_dir(restored.root().join("sub")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), restored.root().join("link")).unwrap();
    std::os::unix::fs::symlink(&outside, restored.root().join("folder")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(restored.root().join("pipe")).status();
    assert!(made.unwrap().success());
    let paths = ["/link", "/folder/secret", "/../outside/secret", "/sub", "/pipe", "", "/"];
    let asked: Vec<Asked> =
        paths.iter().map(|path| Asked { path: (*path).to_owned(), ..Asked::default() }).collect();
    let seen = restored.examined(&asked).await;
    let wanted: Vec<_> = paths.iter().map(|path| (*path, DamageKind::NotAFile)).collect();
    assert_eq!(kinds(&seen), wanted);
    assert_eq!((seen.found, seen.unexpected), (0, 0));
}

#[tokio::test]
async fn it_sees_no_secret_and_its_end_is_not_ours() {
    let restored = Restored::new();
    let environment = restored.folder.path().join("environment");
    let script = restored.folder.path().join("program");
    let write = |text: &str| {
        std::fs::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    let program = env!("CARGO_BIN_EXE_evenkeel-agent");
    write(&format!("env > {}; exec {program} \"$@\"", environment.display()));
    let asked = [restored.write("a", b"x"), restored.write("b", b"y")];
    let mut limits = restored.limits();
    limits.program = Some(script.clone());
    examine(&restored.root(), &asked, &limits).await.unwrap();
    let seen = std::fs::read_to_string(environment).unwrap();
    for line in seen.lines() {
        let name = line.split('=').next().unwrap();
        let known = ["EVENKEEL_DRILL", "LC_ALL", "OLDPWD", "PATH", "PWD", "SHLVL", "TZ", "_"];
        assert!(known.contains(&name), "the examiner sees {name}");
    }

    // One that dies at a file: that file is not judged, the others are.
    let once = restored.folder.path().join("once");
    write(&format!(
        "[ -e {0} ] && exec {program} \"$@\"; touch {0}; read order; echo '{{\"protected\":[]}}'; \
         read question; kill -9 $$",
        once.display()
    ));
    let seen = examine(&restored.root(), &asked, &limits).await.unwrap();
    assert_eq!((seen.untold, seen.unknown_format, seen.damaged_count), (1, 1, 0));
    assert!(seen.untold_why[0].1.contains("signal: 9"), "{:?}", seen.untold_why);

    write("exec sleep 1000");
    limits.until = Instant::now() + Duration::from_secs(1);
    let failure = examine(&restored.root(), &asked, &limits).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    write("echo hello");
    limits.until = Instant::now() + Duration::from_secs(60);
    let failure = examine(&restored.root(), &asked, &limits).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal);
}

#[tokio::test]
async fn its_memory_is_bounded() {
    let restored = Restored::new();
    // Far more than the memory that it is given.
    let bomb = gzip(&vec![0; 64 << 20]);
    let many: Vec<u8> = std::iter::repeat_n(&bomb, 6).flatten().copied().collect();
    let asked = [restored.write("bomb.gz", &many)];
    let mut limits = restored.limits();
    limits.memory = 192 << 20;
    let seen = examine(&restored.root(), &asked, &limits).await.unwrap();
    assert_eq!((seen.opened + seen.untold, seen.damaged_count), (1, 0), "{seen:?}");
}
