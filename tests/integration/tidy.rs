//! Rules of the repository that no compiler holds.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::support::root;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        // Only what is built here: crates of other systems are not on this machine.
        .other_options(
            ["--locked", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"]
                .map(str::to_owned),
        )
        .exec()
        .expect("cargo metadata reads the workspace")
}

/// Every file of the repository under the given endings, without build output.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, endings: &[&str], out: &mut Vec<(PathBuf, String)>) {
        let entries = std::fs::read_dir(folder).expect("the repository can be listed");
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                let skipped = ["target", ".git", ".tools", "node_modules"].contains(&name.as_str());
                if !skipped {
                    walk(&path, endings, out);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).expect("source files are UTF-8");
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root(), endings, &mut out);
    out.sort();
    assert!(!out.is_empty(), "no files under {}", root().display());
    out
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Where the unit tests of a file begin.
fn code_lines(text: &str) -> usize {
    let end = text.find("\n#[cfg(test)]\nmod tests {").map_or(text.len(), |at| at + 1);
    text[..end].lines().count()
}

#[test]
fn crates_import_each_other_as_a_star() {
    let allowed = [
        ("evenkeel-config", &[][..]),
        ("evenkeel-agent", &["evenkeel-config"]),
        ("evenkeel-simulator", &["evenkeel-config"]),
        // The composition root: `up`, and the pages that run a simulation again.
        ("evenkeel-dashboards", &["evenkeel-agent", "evenkeel-config", "evenkeel-simulator"]),
        (
            "evenkeel-tests",
            &["evenkeel-agent", "evenkeel-config", "evenkeel-dashboards", "evenkeel-simulator"],
        ),
    ];
    let metadata = metadata();
    let members = metadata.workspace_packages();
    assert_eq!(members.len(), allowed.len(), "a crate was added: decide what it may import");
    for package in members {
        let (_, allowed) = allowed
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .unwrap_or_else(|| panic!("{} is not in the star", package.name));
        for dependency in &package.dependencies {
            let ours = dependency.name.starts_with("evenkeel-");
            assert!(
                !ours || allowed.contains(&dependency.name.as_str()),
                "{} must not import {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn only_the_composition_root_uses_agent_and_simulator() {
    let roots =
        ["own_agent.rs", "simulate/", "online.rs"].map(|one| format!("dashboards/src/{one}"));
    for (path, text) in files(&[".rs"]) {
        let path_shown = shown(&path);
        let inside = path_shown.starts_with("dashboards/src");
        if inside && !roots.iter().any(|root| path_shown.starts_with(root.as_str())) {
            for crate_name in ["evenkeel_agent::", "evenkeel_simulator::"] {
                assert!(!text.contains(crate_name), "{} uses {crate_name}", shown(&path));
            }
        }
    }
}

#[test]
fn the_simulator_has_no_clock_and_no_network() {
    let banned =
        ["tokio", "SystemTime::now", "Timestamp::now", "Zoned::now", "std::net", "thread_rng"];
    for (path, text) in files(&[".rs"]) {
        let library = shown(&path).starts_with("simulator/src") && !path.ends_with("cli.rs");
        if library {
            for word in banned {
                assert!(!text.contains(word), "{} has {word}", shown(&path));
            }
        }
    }
    let metadata = metadata();
    let simulator = metadata.packages.iter().find(|p| p.name.as_str() == "evenkeel-simulator");
    for dependency in &simulator.expect("the simulator is a member").dependencies {
        let name = dependency.name.as_str();
        let network = ["tokio", "hickory-resolver", "axum", "ureq", "reqwest"].contains(&name);
        assert!(!network || dependency.kind != DependencyKind::Normal, "the simulator uses {name}");
    }
}

#[test]
fn every_module_opens_with_its_purpose() {
    for (path, text) in files(&[".rs"]) {
        let first = text.lines().next().unwrap_or("");
        assert!(first.starts_with("//! "), "{} does not open with `//! purpose`", shown(&path));
    }
}

#[test]
fn no_file_grows_past_six_hundred_lines() {
    for (path, text) in files(&[".rs"]) {
        let name = shown(&path);
        let is_test =
            name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("tests.rs");
        let lines = code_lines(&text);
        assert!(is_test || lines <= 600, "{name} has {lines} lines: there is a second idea in it");
    }
}

#[test]
fn tests_neither_sleep_nor_hide() {
    // Spelled in two parts, so that this file does not trip over itself.
    let words = [
        ["#[", "ignore"].concat(),
        ["thread::", "sleep"].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["#[", "allow("].concat(),
        ["FIX", "ME"].concat(),
    ];
    for (path, text) in files(&[".rs"]) {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} has {word}", shown(&path));
        }
    }
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    let words = [
        ["/wo", "rk/"].concat(),
        ["/tmp/", "bash"].concat(),
        ["crates", ".io"].concat(),
        ["npmjs", ".org"].concat(),
        ["pypi", ".org"].concat(),
        ["deb.debian", ".org"].concat(),
    ];
    let endings =
        [".rs", ".toml", ".md", ".json", ".sh", ".yml", ".mjs", ".css", "run", ".service"];
    for (path, text) in files(&endings) {
        if path.ends_with("Cargo.lock") {
            continue;
        }
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} names {word}", shown(&path));
        }
    }
}

#[test]
fn licences_and_bans_hold() {
    let rules: toml::Table = std::fs::read_to_string(root().join("deny.toml"))
        .expect("deny.toml is there")
        .parse()
        .expect("deny.toml is TOML");
    let allowed: BTreeSet<&str> = rules["licenses"]["allow"]
        .as_array()
        .expect("a list of licences")
        .iter()
        .filter_map(|licence| licence.as_str())
        .collect();
    let banned: BTreeSet<&str> = rules["bans"]["deny"]
        .as_array()
        .expect("a list of bans")
        .iter()
        .filter_map(|ban| ban["name"].as_str())
        .collect();
    let metadata = metadata();
    assert!(metadata.packages.len() > 100, "metadata lists the whole tree");
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("");
        // `A OR B` needs one of them, `A AND B` both.
        let fits = licence
            .replace('/', " OR ")
            .replace(['(', ')'], "")
            .split(" OR ")
            .any(|choice| choice.split(" AND ").all(|part| allowed.contains(part.trim())));
        assert!(fits, "{} {} has the licence `{licence}`", package.name, package.version);
        assert!(!banned.contains(package.name.as_str()), "{} is banned", package.name);
        let registry = package.source.as_ref().is_none_or(|source| source.is_crates_io());
        assert!(registry, "{} comes from elsewhere", package.name);
    }
}

#[test]
fn the_architecture_is_written_down_in_250_lines() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(text.lines().count() <= 250, "ARCHITECTURE.md is longer than 250 lines");
    for folder in ["agent", "simulator", "dashboards", "config"] {
        let modules = std::fs::read_dir(root().join(folder).join("src")).expect("a source folder");
        for module in modules.flatten() {
            let name = module.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
            if !["lib", "main"].contains(&name.as_str()) {
                assert!(
                    text.contains(&format!("`{name}`")),
                    "ARCHITECTURE.md does not place {folder}/{name}"
                );
            }
        }
    }
}

#[test]
fn the_readme_lists_every_check() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let table = evenkeel_agent::checks::table_markdown();
    assert!(
        text.contains(table.trim()),
        "README's table of checks differs; print it with `evenkeel-agent checks-table`"
    );
}

#[test]
fn the_readme_lists_every_scenario() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    for (id, _) in evenkeel_config::library::SCENARIOS {
        assert!(text.contains(&format!("\n| `{id}`")), "README.md does not list `{id}`");
    }
}

#[test]
fn fuzz_targets_stand_outside_the_workspace() {
    for folder in ["config/fuzz", "simulator/fuzz"] {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("a manifest");
        assert!(text.contains("[workspace]"), "{folder} must be a workspace of its own");
        let targets = std::fs::read_dir(root().join(folder).join("fuzz_targets")).expect("targets");
        for target in targets {
            let name = target.expect("a target").path();
            let name = name.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            assert!(text.contains(&format!("name = \"{name}\"")), "{folder} does not list {name}");
        }
    }
    let members = metadata().workspace_packages().len();
    assert_eq!(members, 5, "fuzz/ must not be a member");
}
