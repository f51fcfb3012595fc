//! Drills of borg and borgmatic through the program itself: with a key outside of the
//! repository, with the secret as it is kept for a disaster, and with one repository of two gone.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::process::Command;

use support::lab::Lab;

const SECRET: &str = "pl4nted-passw0rd";

/// A repository in keyfile mode with an archive, its key exported, its passphrase in a file.
fn keyfile_lab() -> Lab {
    let lab = Lab::new("");
    std::fs::create_dir_all(lab.path("source")).unwrap();
    for number in 0..40 {
        let text = format!("invoice {number}\n").repeat(number + 1);
        std::fs::write(lab.path(&format!("source/{number}")), text).unwrap();
    }
    std::fs::write(lab.path("passphrase"), format!("{SECRET}\n")).unwrap();
    std::fs::write(lab.path("escrowed"), format!("{SECRET}\n")).unwrap();
    std::fs::write(lab.path("wrong"), "another\n").unwrap();
    borg(&lab, &["init", "--encryption=keyfile"]);
    borg(&lab, &["create", "::srv-{now}", "source"]);
    borg(&lab, &["key", "export", "::", "key"]);
    // What the host itself knows does not help.
    std::fs::remove_dir_all(lab.path("base")).unwrap();
    lab
}

fn borg(lab: &Lab, arguments: &[&str]) {
    let mut command = Command::new("borg");
    command.args(arguments).current_dir(lab.folder.path());
    command.env("BORG_REPO", lab.path("repository")).env("BORG_PASSPHRASE", SECRET);
    let output = command.env("BORG_BASE_DIR", lab.path("base")).output().expect("borg is needed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const BORG: &str = "[[check.borg]]\nname = \"b\"\ncomponent = \"nas\"\n\
    repository = \"LAB/repository\"\nkey_file = \"LAB/key\"\npassphrase_file = \"LAB/passphrase\"\n\
    [check.borg.drill]\nparts = 2\n";

#[test]
fn a_key_and_a_passphrase_bring_everything_back() {
    let lab = keyfile_lab();
    lab.settings(&format!("{BORG}bandwidth = \"8 Mbit/s\"\n"));
    let (code, document) = lab.json(&["drill", "b", "--dry-run"]);
    assert_eq!(code, 0, "{document}");
    let plan = &document["drills"][0];
    assert_eq!(plan["unkept_bandwidth"], serde_json::Value::Null, "no line to limit: {plan}");
    assert_eq!(plan["groups"][0]["total_files"], 40, "{plan}");
    let (code, document) = lab.json(&["drill", "b", "--level", "full"]);
    assert_eq!(code, 0, "{document}");
    let told = document["drills"][0]["drills"].as_array().unwrap();
    let part = told.iter().find(|one| one["level"] == "read_subset").expect("a part is read");
    assert_eq!((&part["worked"], &part["subset"]), (&true.into(), &serde_json::json!([1, 2])));
    let full = told.iter().find(|one| one["level"] == "full").expect("all of it came back");
    let count = |name: &str| full[name].as_u64().unwrap();
    assert_eq!((count("asked"), count("files"), count("damaged")), (40, 40, 0), "{full}");
    assert!(!document.to_string().contains(SECRET));
    assert_eq!(lab.check("restorable"), (Vec::new(), "holds proven".to_owned()));
    assert_eq!(lab.check("key_escrowed").1, "never_tested null");
    let escrowed = |name: &str| {
        let file = lab.path(name).display().to_string();
        lab.json(&["drill", "b", "--secret-file", &file])
    };
    let (code, document) = escrowed("escrowed");
    assert_eq!(code, 0, "{document}");
    assert_eq!(lab.check("key_escrowed").1, "holds proven");
    let (code, document) = escrowed("wrong");
    assert_eq!(code, 2, "{document}");
    assert_eq!(lab.check("key_escrowed").1, "fails proven");
    std::fs::remove_file(lab.path("key")).unwrap();
    let (code, document) = lab.json(&["drill", "b"]);
    assert_eq!(code, 2, "without the key nothing comes back: {document}");
    assert!(document.to_string().contains("the key of the repository is gone"), "{document}");
}

#[test]
fn a_limit_that_borg_cannot_keep_is_said() {
    let lab = Lab::new(
        "[[check.borg]]\nname = \"b\"\ncomponent = \"nas\"\nrepository = \"ssh://nas/./b\"\n\
         tool = \"LAB/borg\"\n[check.borg.drill]\nbandwidth = \"8 Mbit/s\"\n",
    );
    let list = "{\"archives\": [{\"name\": \"a\", \"id\": \"1\", \"hostname\": \"h\", \
                \"start\": \"2026-11-21T03:00:00\", \"end\": \"2026-11-21T03:01:00\"}], \
                \"repository\": {\"id\": \"27\"}}";
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in --version) echo borg 1.2.4;; *json-lines*) \
         echo '{{\"type\": \"-\", \"path\": \"x\", \"size\": 7}}';; *) echo '{list}';; esac\n"
    );
    std::fs::write(lab.path("borg"), script).unwrap();
    support::run(lab.folder.path(), "chmod", &["755", "borg"]);
    let (code, document) = lab.json(&["drill", "b", "--dry-run"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["drills"][0]["unkept_bandwidth"], "1 MB/s", "{document}");
}

#[test]
fn every_repository_of_borgmatic_is_drilled_and_none_hides_behind_another() {
    let lab = Lab::new(
        "[[check.borgmatic]]\nname = \"bm\"\ncomponent = \"nas\"\n\
         configuration = \"LAB/config.yaml\"\nhome = \"LAB/home\"\n\
         [check.borgmatic.drill]\nfiles = 8\nparts = 2\n",
    );
    let at = lab.folder.path().display().to_string();
    for folder in ["home", "source"] {
        std::fs::create_dir(lab.path(folder)).unwrap();
    }
    for number in 0..20 {
        std::fs::write(lab.path(&format!("source/{number}")), format!("{number}\n")).unwrap();
    }
    let config = format!(
        "location:\n  source_directories: [{at}/source]\n  repositories:\n    - {at}/near\n    \
         - {at}/far\nstorage:\n  encryption_passphrase: {SECRET}\n"
    );
    std::fs::write(lab.path("config.yaml"), config).unwrap();
    for words in [&["init", "--encryption", "repokey"][..], &["create"]] {
        let output = Command::new("borgmatic")
            .args(["--config", "config.yaml"])
            .args(words)
            .current_dir(lab.folder.path())
            .env("HOME", lab.path("home"))
            .output()
            .expect("borgmatic is needed for this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (code, document) = lab.json(&["drill", "bm"]);
    assert_eq!(code, 0, "{document}");
    let restores = |document: &serde_json::Value| {
        let told = document["drills"][0]["drills"].as_array().unwrap().clone();
        told.into_iter().filter(|one| one["level"] == "sample").collect::<Vec<_>>()
    };
    let told = restores(&document);
    assert_eq!(told.len(), 2, "{document}");
    for one in &told {
        assert_eq!((&one["asked"], &one["files"]), (&8.into(), &8.into()), "{one}");
    }
    assert_eq!(lab.check("restorable"), (Vec::new(), "holds proven".to_owned()));
    // The scratch folder is not to lie in what is backed up.
    let (code, document) = {
        let inside = lab.path("source/scratch").display().to_string();
        let text = std::fs::read_to_string(lab.path("data/agent.toml")).unwrap();
        std::fs::write(lab.path("data/agent.toml"), format!("{text}scratch = \"{inside}\"\n"))
            .unwrap();
        let done = lab.json(&["drill", "bm"]);
        std::fs::write(lab.path("data/agent.toml"), text).unwrap();
        done
    };
    assert_eq!(code, 3, "{document}");
    std::fs::rename(lab.path("far"), lab.path("gone")).unwrap();
    let (code, document) = lab.json(&["drill", "bm"]);
    assert_eq!(code, 2, "{document}");
    let told = restores(&document);
    let worked: Vec<bool> = told.iter().map(|one| one["worked"].as_bool().unwrap()).collect();
    assert!(worked.contains(&true) && worked.contains(&false), "{document}");
}
