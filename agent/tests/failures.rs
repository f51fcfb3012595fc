//! What can go wrong around a repository, for restic and borg alike: what the check and a drill
//! say to it. "Cannot tell" is never "failed", and never fine.
//!
//! [`SITUATIONS`] is a table of what is found by a drill and then a check together; the tests
//! below it are those where time, a full disk or a killed process play a part.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use support::bench::{Bench, Repository, Tool, ids, said, script};
use support::rows::{Row, hold};
use support::{run, until};

const TOOLS: [Tool; 2] = [Tool::Restic, Tool::Borg];

/// One situation, and what is found in it by restic and by borg.
struct Situation {
    what: &'static str,
    /// Brings it about; a process that has to live meanwhile is handed back.
    build: fn(&Repository) -> Option<Child>,
    restic: &'static [&'static str],
    borg: &'static [&'static str],
}

const SITUATIONS: [Situation; 14] = [
    Situation { what: "all is well", build: |_| None, restic: &[], borg: &[] },
    Situation {
        what: "wrong password",
        build: |it| {
            std::fs::write(it.bench.path("secret"), "another").unwrap();
            None
        },
        restic: &["auth_failed", "drill_failed!"],
        borg: &["auth_failed", "drill_failed!"],
    },
    Situation {
        what: "missing key",
        build: missing_key,
        restic: &["drill_failed!", "key_missing!"],
        borg: &["drill_failed!", "key_missing!"],
    },
    Situation {
        what: "locked by a living process",
        build: |it| Some(locked(it)),
        restic: &["locked", "never_drilled"],
        borg: &["locked", "never_drilled"],
    },
    Situation {
        what: "locked by a dead process",
        build: |it| {
            let mut holder = locked(it);
            holder.kill().unwrap();
            holder.wait().unwrap();
            None
        },
        restic: &["backup_lock_stale"],
        borg: &["backup_lock_stale!"],
    },
    Situation {
        what: "empty folder",
        build: |it| {
            std::fs::remove_dir_all(it.bench.path("repository")).unwrap();
            std::fs::create_dir(it.bench.path("repository")).unwrap();
            None
        },
        restic: &["drill_failed!", "not_found!"],
        borg: &["drill_failed!", "not_found!"],
    },
    Situation {
        what: "swapped repository",
        build: |it| {
            it.bench.check();
            let other = Repository::new(it.tool);
            std::fs::remove_dir_all(it.bench.path("repository")).unwrap();
            let from = other.bench.text("repository");
            run(it.bench.folder(), "cp", &["-r", &from, "repository"]);
            None
        },
        // The other one holds the source of another place.
        restic: &["backup_replaced!", "target_vanished!"],
        borg: &["backup_replaced!"],
    },
    Situation {
        what: "network refused",
        build: |it| at(it, ["rest:http://127.0.0.1:1/", "ssh://bob@127.0.0.1:1/./x"]),
        restic: &["network_down", "never_drilled"],
        borg: &["network_down", "never_drilled"],
    },
    Situation {
        what: "host not resolvable",
        build: |it| at(it, ["sftp:bob@no-such-host.invalid:/x", "bob@no-such-host.invalid:x"]),
        restic: &["network_down", "never_drilled"],
        borg: &["network_down", "never_drilled"],
    },
    Situation {
        what: "tool missing",
        build: |it| {
            it.watched("tool = \"/nowhere/tool\"", "parts = 0");
            None
        },
        restic: &["never_drilled", "tool_missing"],
        borg: &["never_drilled", "tool_missing"],
    },
    Situation {
        what: "tool hangs",
        build: |it| {
            instead(it, "sleep 1000");
            it.watched("tool = \"AT/tool\"\ndeadline = \"15s\"", "parts = 0\ndeadline = \"1m\"");
            None
        },
        restic: &["never_drilled", "timeout"],
        borg: &["never_drilled", "timeout"],
    },
    Situation {
        what: "output of 1 GB",
        build: |it| instead(it, "head -c 1000000000 /dev/zero"),
        restic: &["never_drilled", "output_too_long"],
        borg: &["never_drilled", "output_too_long"],
    },
    Situation {
        what: "JSON cut short",
        build: |it| instead(it, &format!("{} \"$@\" | head -c 90", it.tool.name())),
        restic: &["never_drilled", "unreadable"],
        borg: &["never_drilled", "unreadable"],
    },
    Situation {
        what: "snapshot from the future",
        build: |it| {
            let source = it.bench.text("source");
            let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(50);
            match it.tool {
                Tool::Restic => {
                    let time = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
                    it.works(&["-q", "backup", &source, "--time", &time])
                }
                Tool::Borg => {
                    let time = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
                    it.works(&["create", "--timestamp", &time, "::srv-2030-01-01", &source])
                }
            };
            None
        },
        restic: &["backup_future"],
        borg: &["backup_future"],
    },
];

#[test]
fn each_situation_has_its_word_for_restic_and_for_borg() {
    let rows: Vec<Row<'_>> = SITUATIONS
        .iter()
        .flat_map(|situation| {
            [(Tool::Restic, situation.restic), (Tool::Borg, situation.borg)].map(
                |(tool, expected)| Row {
                    what: format!("{}, {tool:?}", situation.what),
                    expected,
                    found: Box::new(move || {
                        let it = Repository::new(tool);
                        let holder = (situation.build)(&it);
                        let found = it.bench.findings(&[]);
                        end(holder);
                        found
                    }),
                },
            )
        })
        .collect();
    hold(&rows);
}

fn end(holder: Option<Child>) {
    if let Some(mut holder) = holder {
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
}

fn missing_key(it: &Repository) -> Option<Child> {
    match it.tool {
        Tool::Restic => std::fs::remove_dir_all(it.bench.path("repository/keys")).unwrap(),
        Tool::Borg => {
            let path = it.bench.path("repository/config");
            let config = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, config.split("key =").next().unwrap()).unwrap();
        }
    }
    None
}

/// A backup that goes on until it is ended.
fn locked(it: &Repository) -> Child {
    let words: &[&str] = match it.tool {
        Tool::Restic => &["-q", "backup", "--stdin"],
        Tool::Borg => &["create", "::endless", "-"],
    };
    let backup = it.command(words).stdin(Stdio::piped()).spawn().unwrap();
    let locks = match it.tool {
        Tool::Restic => it.bench.path("repository/locks"),
        Tool::Borg => it.bench.path("repository/lock.exclusive"),
    };
    // restic writes it under another name first.
    let is_lock = |name: &str| !name.contains("-tmp-");
    until("a lock", || {
        let list = std::fs::read_dir(&locks).into_iter().flatten().flatten();
        list.filter(|entry| entry.file_name().to_str().is_some_and(is_lock)).count() == 1
    });
    backup
}

/// The repository is elsewhere: for restic, and for borg.
fn at(it: &Repository, [restic, borg]: [&str; 2]) -> Option<Child> {
    let place = if it.tool == Tool::Restic { restic } else { borg };
    it.watched(&format!("repository = \"{place}\""), "parts = 0");
    None
}

/// A program in place of the tool, which knows its version.
fn instead(it: &Repository, text: &str) -> Option<Child> {
    let real = it.tool.name();
    let words = format!("case \"$*\" in version|--version) exec {real} \"$@\";; esac\n{text}");
    script(&it.bench.path("tool"), &words);
    it.watched("tool = \"AT/tool\"", "parts = 0");
    None
}

/// A program in place of the tool that does something when it restores, and is the tool.
fn when_it_restores(it: &Repository, before: &str, after: &str, drill: &str) {
    let at = it.bench.text("");
    let (before, after) = (before.replace("AT/", &at), after.replace("AT/", &at));
    let real = it.tool.name();
    let words = format!(
        "case \"$*\" in *restore*|*extract*) {before}\n{real} \"$@\"; code=$?\n{after}\nexit $code;; \
         esac\nexec {real} \"$@\""
    );
    script(&it.bench.path("tool"), &words);
    it.watched("tool = \"AT/tool\"", drill);
}

/// restic tries again for most of a minute to read a pack that is not there, and for 15
/// minutes in later versions. Either way the drill says within its deadline what restic
/// said, not just that time was up; borg tells at once.
#[test]
fn a_missing_pack_is_told_within_the_deadline_of_the_drill() {
    let count = &["drill_count_mismatch!", "drill_failed!"][..];
    let cases = [
        (Tool::Restic, "", "5m", count, "restic ended with code 1"),
        // It is still trying when the drill has to end.
        (Tool::Restic, "sleep 25", "1m", &["drill_failed!"], "stored data cannot be read (pack "),
        (
            Tool::Borg,
            "",
            "1m",
            &["borg_segments_missing!", "drill_count_mismatch!", "drill_failed!"],
            "no such file",
        ),
    ];
    let case = |(tool, before, deadline, expected, words): (Tool, &str, &str, &[&str], &str)| {
        let it = Repository::new(tool);
        when_it_restores(&it, before, "", &format!("parts = 0\ndeadline = \"{deadline}\""));
        std::fs::remove_file(&it.data_files()[0]).unwrap();
        let began = Instant::now();
        let (code, document) = it.bench.drill(&["--level", "full"]);
        let took = began.elapsed().as_secs();
        assert!(deadline != "1m" || took < 65, "{took} s");
        assert_eq!((code, &document["verdict"]), (2, &"failed".into()), "{document:#}");
        let why = document["drills"][0]["why"].as_str().unwrap();
        assert!(why.to_lowercase().contains(words), "{why}");
        let mut found = it.bench.drilled().findings;
        found.extend(it.bench.check().findings);
        assert_eq!(ids(&found), expected, "{tool:?}");
    };
    std::thread::scope(|scope| {
        let running = cases.map(|one| scope.spawn(move || case(one)));
        running.into_iter().for_each(|one| one.join().unwrap());
    });
}

/// A file system of its own that somebody else fills just when the restore begins.
#[test]
fn a_disk_that_gets_full_during_a_drill_says_nothing_of_the_backup() {
    for tool in TOOLS {
        let it = Repository::new(tool);
        std::fs::create_dir(it.bench.path("small")).unwrap();
        let fill = "touch AT/began; head -c 600000000 /dev/zero > AT/small/other";
        when_it_restores(&it, fill, "", "parts = 0\nscratch = \"AT/small/s\"");
        // Mounted where nobody else sees it; without root, as the root of a name space.
        let user: &[&str] = if is_root() { &["-m"] } else { &["-r", "-m"] };
        let drill = |mount: &str| {
            let agent = it.bench.agent(&["--format", "json", "drill"]);
            let mut command = Command::new("unshare");
            command.args(user).args([
                "sh",
                "-c",
                &format!(
                    "{mount} && \"$@\"; c=$?; ls small/s >&2; \
                exit $c"
                ),
                "sh",
            ]);
            command.arg(agent.get_program()).args(agent.get_args());
            command.current_dir(it.bench.folder()).env_clear().env("HOME", it.bench.folder());
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap()
        };
        let output = drill("mount -t tmpfs -o size=560m none small");
        let words = said(&output);
        assert!(it.bench.path("began").exists(), "the restore never began: {words}");
        assert_eq!(output.status.code(), Some(3), "{words}");
        assert!(words.contains("\"no_space\""), "{words}");
        let left = words.lines().any(|line| line.starts_with("run-"));
        assert!(!left, "something is left in the scratch folder: {words}");
        assert_eq!(ids(&it.bench.drilled().findings), ["no_space"]);
        assert_eq!(ids(&it.bench.check().findings), ["never_drilled"], "{tool:?}");
        // With room the same drill works.
        when_it_restores(&it, "", "", "parts = 0\nscratch = \"AT/small/s\"");
        let output = drill("mount -t tmpfs -o size=600m none small");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    id.trim_ascii() == b"0"
}

/// Folders below these that looks and drills work from.
fn working_folders(folders: &[&Path]) -> Vec<String> {
    let names = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("evenkeel-") || name.starts_with("run-")).collect()
}

#[test]
fn a_killed_drill_or_check_leaves_nothing_once_the_agent_is_back() {
    for tool in TOOLS {
        let it = Repository::new(tool);
        let temporary = it.bench.path("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let data = it.bench.path("data");
        let scratch = data.join("scratch");
        let folders = [temporary.as_path(), &data, &scratch];
        let hang = "touch AT/restored; sleep 1000";
        when_it_restores(&it, "", hang, "parts = 0");
        let start = |words: &[&str]| {
            let mut command = it.bench.agent(words);
            command.env("TMPDIR", &temporary).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let mut killed = start(&["drill"]);
        until("the restore", || it.bench.path("restored").exists());
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_ne!(working_folders(&folders), Vec::<String>::new(), "nobody was killed at work");
        it.watched("", "parts = 0");
        assert_eq!(start(&["drill"]).wait().unwrap().code(), Some(0));
        assert_eq!(working_folders(&folders), Vec::<String>::new(), "{tool:?}");
        // A check that is killed: borg works from a folder of ours.
        instead(&it, &format!("touch {}; sleep 20", it.bench.text("looked")));
        let mut killed = start(&["check"]);
        until("the look", || it.bench.path("looked").exists());
        killed.kill().unwrap();
        killed.wait().unwrap();
        it.watched("", "parts = 0");
        assert_eq!(start(&["check"]).wait().unwrap().code(), Some(0));
        assert_eq!(working_folders(&folders), Vec::<String>::new(), "{tool:?}");
    }
}

/// The code with which a tool says that parts of the source were not read is in no
/// snapshot: its job has to report it.
#[test]
fn a_partly_unreadable_source_is_an_incomplete_backup() {
    for (tool, partial) in [(Tool::Restic, 3), (Tool::Borg, 1)] {
        for (is_readable, code, expected) in [
            (true, 0, &["backup_only_said"][..]),
            (false, partial, &["backup_incomplete!", "backup_only_said"]),
        ] {
            let it = Repository::empty(tool);
            let bench = Bench::new();
            let keys = format!("incomplete_codes = [{partial}]");
            bench.settings("heartbeat", &keys, "");
            if !is_readable {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
                std::fs::set_permissions(it.bench.path("source/large"), mode).unwrap();
            }
            let ended = backed_up_by_nobody(&it);
            assert_eq!(ended, code, "{tool:?}");
            report(&bench, ended);
            assert_eq!(ids(&bench.check().findings), expected, "{tool:?}");
        }
    }
}

/// Backs up as a user who may not read everything; the exit code.
fn backed_up_by_nobody(it: &Repository) -> i32 {
    let words: &[&str] = match it.tool {
        Tool::Restic => &["-q", "backup", "source"],
        Tool::Borg => &["create", "::srv-1", "source"],
    };
    let backup = it.command(words);
    let mut command = Command::new("env");
    if is_root() {
        run(it.bench.folder(), "chown", &["-R", "65534:65534", "."]);
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    }
    command.arg(backup.get_program()).args(backup.get_args());
    command.current_dir(it.bench.folder());
    command.envs(backup.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    output.status.code().unwrap_or_else(|| panic!("{}", said(&output)))
}

/// Reports the end of a job to a running agent, as its script would.
fn report(bench: &Bench, code: i32) {
    let (_, document) = bench.json(&["heartbeat"]);
    let address = document["heartbeats"][0]["address"].as_str().unwrap();
    let path = address.split_once("//").unwrap().1.split_once('/').unwrap().1;
    let mut agent = bench.agent(&["run"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(agent.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let listens = line.split_once("http://").unwrap().1.split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(listens).unwrap();
    let request =
        format!("GET /{path}/{code} HTTP/1.1\r\nHost: {listens}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    end(Some(agent));
}
