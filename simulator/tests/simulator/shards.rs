//! Shards through the program: merged they are one run to the byte, and nothing else merges.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::{HEAD, blow};

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel-simulator")).args(args).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Runs every shard of a question into files of a folder.
fn shards(folder: &Path, run: &[&str], of: u64) -> Vec<PathBuf> {
    (0..of)
        .map(|index| {
            let file = folder.join(format!("part-{index}.json"));
            let shard = format!("{index}/{of}");
            let out = file.display().to_string();
            let args = [run, &["--shard", &shard, "--out", &out]].concat();
            let done = program(&args);
            assert!(done.status.success(), "{}", text(&done.stderr));
            file
        })
        .collect()
}

fn merge(files: &[PathBuf], more: &[&str]) -> Output {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut args = vec!["merge"];
    args.extend(names.iter().map(String::as_str));
    args.extend(more);
    program(&args)
}

const TOWN: [&str; 7] =
    ["run", "--map", "example:city-hall", "--scenario", "ransomware", "--trials", "250"];

#[test]
fn eight_shards_and_any_number_of_threads_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["json", "human"] {
        let whole = program(&[&TOWN[..], &["--format", format]].concat());
        assert!(whole.status.success(), "{}", text(&whole.stderr));
        for threads in ["1", "2", "16"] {
            let one = program(&[&TOWN[..], &["--format", format, "--threads", threads]].concat());
            assert_eq!(one.stdout, whole.stdout, "{threads} threads");
        }
        let mut files = shards(folder.path(), &TOWN, 8);
        files.reverse();
        let merged = merge(&files, &["--format", format]);
        assert!(merged.status.success(), "{}", text(&merged.stderr));
        assert_eq!(text(&merged.stdout), text(&whole.stdout));
    }
}

#[test]
fn the_c_library_s_features_change_nothing() {
    let run = |mask: &str| {
        let args = [&TOWN[..], &["--no-fixes", "--format", "json"]].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-simulator"));
        command.args(args).env("GLIBC_TUNABLES", mask).output().expect("it starts").stdout
    };
    let plain = run("");
    assert!(!plain.is_empty());
    for mask in ["-FMA,-AVX2", "-FMA,-AVX2,-AVX512F,-AVX512VL,-SSE4_2", "-FMA4,-BMI2,-ERMS"] {
        assert_eq!(run(&format!("glibc.cpu.hwcaps={mask}")), plain, "{mask}");
    }
}

#[test]
fn counted_shards_merge_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (map, scenario) = (folder.path().join("map.toml"), folder.path().join("s.toml"));
    let body = "[function.f]\nneeds = [\"s\"]\nobjectives = { rto = \"5h\" }\n[service.s]\n\
                recover = [{ step = \"r\", effort = { median = \"4h\", p95 = \"20h\" } }]\n";
    std::fs::write(&map, format!("{HEAD}{body}")).expect("written");
    std::fs::write(&scenario, blow("\"s\"", "down", "")).expect("written");
    let (map, scenario) = (map.display().to_string(), scenario.display().to_string());
    let run = ["run", "--map", &map, "--scenario", &scenario, "--trials", "1200000"];
    let whole = program(&[&run[..], &["--format", "json"]].concat());
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    let merged = merge(&shards(folder.path(), &run, 3), &["--format", "json"]);
    assert_eq!(text(&merged.stdout), text(&whole.stdout));
}

#[test]
fn missing_doubled_foreign_and_damaged_shards_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = [&TOWN[..], &["--no-fixes"]].concat();
    let files = shards(folder.path(), &run, 3);
    let other = tempfile::tempdir().expect("a folder");
    let foreign = shards(other.path(), &[&run[..], &["--seed", "5"]].concat(), 3);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let map = ["run", "--map", "example:non-profit", "--scenario", "ransomware", "--trials", "250"];
    let strange = shards(elsewhere.path(), &[&map[..], &["--no-fixes"]].concat(), 3);

    let part = std::fs::read_to_string(&files[1]).expect("a shard");
    let write = |name: &str, body: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, body).expect("written");
        file
    };
    let cut = write("cut.json", &part[..part.len() / 2]);
    let short = write("short.json", &part.replacen("\"spent\":[", "\"spent\":[1,", 1));
    let newer =
        write("newer.json", &part.replacen("\"engine_version\":\"", "\"engine_version\":\"9", 1));
    let first = std::fs::read_to_string(&files[0]).expect("a shard");
    let changed = write("changed.json", &first.replacen("Quillhaven", "Quillhoven", 1));
    let with = |one: &PathBuf| vec![files[0].clone(), one.clone(), files[2].clone()];
    let cases = [
        (files[..2].to_vec(), "1 missing: 2"),
        (vec![files[0].clone(), files[0].clone(), files[2].clone()], "is shard 0 again"),
        (with(&foreign[1]), "with seed 5"),
        (with(&strange[1]), "another map, scenario or evidence"),
        (with(&cut), "is no shard"),
        (with(&short), "trials do not fit"),
        (with(&newer), "was made by version"),
        (vec![changed, files[1].clone(), files[2].clone()], "does not fit its digest"),
        (vec![folder.path().join("none.json")], "No such file"),
    ];
    for (files, expected) in cases {
        let out = merge(&files, &[]);
        assert_eq!(out.status.code(), Some(78), "{expected}");
        let said = text(&out.stderr);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(program(&[&TOWN[..], &["--shard", "8/8"]].concat()).status.code(), Some(78));
    let stray = ["run", "--map", "example:city-hall", "--scenario", "ransomware", "--shard", "0/2"];
    assert_eq!(program(&stray).status.code(), Some(64), "a shard needs a fixed number of trials");
}
