//! Drills through the program itself beside restic's own: plain files, rsnapshot's
//! generations, the canary, restores that people did by hand, and drills beside a service.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use support::lab::Lab;
use support::{run, until};

#[test]
fn plain_files_are_drilled_by_copying_and_opening_them() {
    let lab = Lab::new(
        "[[check.files]]\nname = \"dumps\"\ncomponent = \"nas\"\npath = \"LAB/dumps/*.gz\"\n",
    );
    std::fs::create_dir(lab.path("dumps")).unwrap();
    std::fs::write(lab.path("dumps/erp.sql"), "insert\n".repeat(9000)).unwrap();
    run(&lab.path("dumps"), "gzip", &["erp.sql"]);
    let never = (vec!["never_drilled".to_owned()], "never_tested null".to_owned());
    assert_eq!(lab.check("restorable"), never);
    let (code, document) = lab.json(&["drill", "dumps"]);
    assert_eq!(code, 0, "{document}");
    let drill = &document["drills"][0]["drills"][0];
    assert_eq!((drill["files"].as_u64(), drill["opened"].as_u64()), (Some(1), Some(1)), "{drill}");
    assert_eq!(lab.check("restorable"), (Vec::new(), "holds proven".to_owned()));
    assert_eq!(lab.check("opens").1, "holds proven");
    // Half of it: present, of a plausible age, and of no use.
    let bytes = std::fs::read(lab.path("dumps/erp.sql.gz")).unwrap();
    std::fs::write(lab.path("dumps/erp.sql.gz"), &bytes[..bytes.len() / 2]).unwrap();
    let (_, document) = lab.json(&["drill", "dumps"]);
    assert_eq!(document["drills"][0]["drills"][0]["damaged"].as_u64(), Some(1), "{document}");
    assert_eq!(lab.check("data_sampled").1, "fails read");
}

#[test]
fn generations_of_rsnapshot_are_drilled() {
    let lab = Lab::new(
        "[[check.rsnapshot]]\nname = \"rs\"\ncomponent = \"nas\"\nconfig = \"LAB/rsnapshot.conf\"\n",
    );
    std::fs::create_dir(lab.path("source")).unwrap();
    for number in 0..30 {
        std::fs::write(lab.path(&format!("source/{number}")), number.to_string()).unwrap();
    }
    let at = lab.folder.path().display();
    let config = format!(
        "config_version\t1.2\nsnapshot_root\t{at}/generations/\ncmd_rsync\t/usr/bin/rsync\n\
         cmd_rm\t/bin/rm\nretain\tdaily\t7\nlogfile\t{at}/log\nlockfile\t{at}/pid\n\
         backup\t{at}/source/\tlocalhost/\n"
    );
    std::fs::write(lab.path("rsnapshot.conf"), config).unwrap();
    run(lab.folder.path(), "rsnapshot", &["-c", &format!("{at}/rsnapshot.conf"), "daily"]);
    let (code, document) = lab.json(&["drill", "rs"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["drills"][0]["drills"][0]["files"].as_u64(), Some(30), "{document}");
}

#[test]
fn a_canary_comes_back_with_its_age_or_tells_that_it_was_changed() {
    let lab = Lab::new("");
    std::fs::write(lab.path("secret"), "secret").unwrap();
    std::fs::create_dir(lab.path("source")).unwrap();
    for number in 0..200 {
        std::fs::write(lab.path(&format!("source/{number}")), number.to_string()).unwrap();
    }
    lab.settings(
        "[[check.restic]]\nname = \"nas\"\ncomponent = \"nas\"\nrepository = \"LAB/repository\"\n\
         password_file = \"LAB/secret\"\ncanary = \"LAB/source/.canary\"\n\
         [check.restic.drill]\nfiles = 5\nparts = 0\n",
    );
    let restic = |arguments: &[&str]| {
        let fixed = ["--no-cache", "-q", "-r", "repository", "--password-file", "secret"];
        run(lab.folder.path(), "restic", &[&fixed, arguments].concat())
    };
    restic(&["init"]);
    let source = lab.path("source").display().to_string();
    restic(&["backup", &source]);
    lab.check("fresh");
    assert!(lab.path("source/.canary").exists(), "the check keeps the canary");
    restic(&["backup", &source]);
    let (code, document) = lab.json(&["drill", "nas"]);
    assert_eq!(code, 0, "{document}");
    let drill = &document["drills"][0]["drills"][0];
    let written: jiff::Timestamp = drill["data_as_of"].as_str().unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().duration_since(written).as_secs() < 600, "{drill}");
    // Encrypted in place, and backed up so.
    std::fs::write(lab.path("source/.canary"), "cipher").unwrap();
    restic(&["backup", &source]);
    let (code, document) = lab.json(&["drill", "nas"]);
    assert_eq!(code, 2, "{document}");
    assert!(document.to_string().contains("the canary came back changed"), "{document}");
    let (ids, state) = lab.check("plausible");
    assert!(ids.contains(&"canary_changed".to_owned()), "{ids:?}");
    assert!(state.starts_with("fails"), "{state}");
}

#[test]
fn a_restore_by_hand_counts_where_we_cannot_drill_ourselves() {
    let lab = Lab::new("[[check.heartbeat]]\nname = \"veeam\"\ncomponent = \"nas\"\n");
    let (ids, state) = lab.check("restorable");
    assert_eq!((ids[0].as_str(), state.as_str()), ("backup_only_said", "never_tested null"));
    let worked = [
        "drill",
        "veeam",
        "--by-hand",
        "worked",
        "--files",
        "90",
        "--size",
        "4 GB",
        "--took",
        "2h",
        "--escrowed",
        "--whole",
    ];
    let (code, document) = lab.json(&worked);
    assert_eq!(code, 0);
    assert_eq!(document["drills"][0]["drill"]["seconds"].as_f64(), Some(7200.0), "{document}");
    assert_eq!(lab.check("restorable").1, "holds proven");
    assert_eq!(lab.check("key_escrowed").1, "holds proven");
    assert!(!lab.check("restorable").0.contains(&"backup_only_said".to_owned()));
    let (code, _) = lab.json(&["drill", "veeam", "--by-hand", "failed", "--why", "no key"]);
    assert_eq!(code, 0);
    let (ids, state) = lab.check("restorable");
    assert!(ids.contains(&"drill_failed".to_owned()) && state == "fails proven", "{ids:?} {state}");
    assert_eq!(lab.json(&["drill", "none", "--by-hand", "worked"]).0, 3);
}

/// A drill that nobody scheduled: the service shows it at its next look.
#[test]
fn a_running_agent_shows_a_drill_that_somebody_ran_beside_it() {
    let lab = Lab::new(
        "[[check.files]]\nname = \"dumps\"\ncomponent = \"nas\"\npath = \"LAB/dumps/*\"\n\
         every = \"1s\"\n",
    );
    std::fs::create_dir(lab.path("dumps")).unwrap();
    std::fs::write(lab.path("dumps/erp.txt"), "rows\n".repeat(900)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-agent"));
    command.arg("--data").arg(lab.path("data")).arg("run").stderr(Stdio::piped());
    let mut service = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(service.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let listens = line.split_once("http://").unwrap().1.split('/').next().unwrap();
    let page = || {
        let mut stream = std::net::TcpStream::connect(listens).unwrap();
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {listens}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    };
    let never = "evenkeel_finding{check=\"dumps\",component=\"nas\",id=\"never_drilled\"";
    until("the first look", || page().contains(never));
    assert!(!page().contains("evenkeel_drill_worked"));
    assert_eq!(lab.json(&["drill", "dumps"]).0, 0);
    let worked = "evenkeel_drill_worked{check=\"dumps/drill\"";
    until("the next look", || page().contains(worked));
    until("its judgement", || !page().contains(never));
    let page = page();
    let line = |name: &str| page.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line(worked).ends_with(" 1"), "{page}");
    assert!(line("evenkeel_check_status{check=\"dumps/drill\"").ends_with(" 0"), "{page}");
    service.kill().unwrap();
    service.wait().unwrap();
}
