//! The table of checks as Markdown, for the README.
use std::fmt::Write;

use super::{CHECKS, CheckKind, FactKind, FindingKind};
use crate::metrics::PREFIX;
use crate::{backup, drill, proof};

/// The table of checks: kind, what it proves, how it can be fooled, its
/// findings and its metrics.
pub fn table_markdown() -> String {
    let mut text = String::from(
        "| Check | What it proves | How it can be fooled | Findings | Metrics |\n|---|---|---|---|---|\n",
    );
    for kind in documented() {
        let mut findings = ids(kind.findings);
        let mut metrics = metrics(kind.facts);
        if kind.backup.is_some() {
            findings.push("those of backups".to_owned());
            metrics.push("those of backups".to_owned());
        }
        let (findings, metrics) = (findings.join(" "), metrics.join(" "));
        let (about, limits) = (cell(kind.about), cell(kind.limits));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {about} | {limits} | {findings} | {metrics} |", kind.name);
    }
    let (findings, metrics) = (ids(backup::FINDINGS), metrics(backup::FACTS));
    let _ = writeln!(
        text,
        "\nThose of backups: the findings {}; the metrics {}.",
        findings.join(" "),
        metrics.join(" ")
    );
    text
}

fn ids(findings: &[FindingKind]) -> Vec<String> {
    findings.iter().map(|finding| format!("`{}`", finding.id)).collect()
}

fn metrics(facts: &[FactKind]) -> Vec<String> {
    let exported = facts.iter().filter(|fact| !fact.metric.is_empty());
    let mut names: Vec<String> =
        exported.map(|fact| format!("`{PREFIX}{}`", fact.metric)).collect();
    names.dedup();
    names
}

/// Every kind of check, and drills, which stand below checks of backups.
fn documented() -> impl Iterator<Item = &'static CheckKind> {
    CHECKS.iter().copied().chain([&drill::KIND, &proof::KIND])
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use evenkeel_config::load::{Source, agent_from};
    use evenkeel_config::record::{FailureKind, Status};

    use super::*;
    use crate::judge::COMMON_FINDINGS;
    use crate::metrics::FAMILIES;
    use crate::plan;

    fn is_snake(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && !text.contains("__")
            && !text.ends_with('_')
    }

    #[test]
    fn kinds_are_sorted_and_unique() {
        assert!(CHECKS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn every_file_of_the_folder_is_a_registered_kind() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of checks")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file() || path.join("mod.rs").exists())
            .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
            .filter(|name| !matches!(name.as_str(), "mod" | "kind" | "table"))
            .collect();
        files.sort();
        let kinds: Vec<&str> = CHECKS.iter().map(|kind| kind.name).collect();
        assert_eq!(files, kinds);
    }

    #[test]
    fn kinds_findings_and_facts_are_documented() {
        for kind in documented() {
            let name = kind.name;
            assert!(is_snake(name), "{name}");
            assert!(kind.about.len() > 10 && kind.limits.len() > 10, "{name} is documented");
            assert!(kind.stale_after_intervals > 0 && kind.deadline <= kind.every, "{name}");
            assert!(
                kind.all_facts().next().is_some() && kind.all_findings().next().is_some(),
                "{name}"
            );
            for finding in kind.all_findings() {
                let id = finding.id;
                assert!(is_snake(id), "{name}: {id}");
                assert!(finding.about.len() > 10 && finding.advice.len() > 10, "{name}: {id}");
                assert!(finding.severity > Status::Maintenance, "{name}: {id} is a problem");
            }
            for fact in kind.all_facts() {
                assert!(is_snake(fact.name), "{name}: {}", fact.name);
            }
        }
    }

    #[test]
    fn finding_ids_are_unique_within_their_kind_and_never_a_common_one() {
        let failures: Vec<&str> = [
            FailureKind::NotFound,
            FailureKind::Locked,
            FailureKind::AuthFailed,
            FailureKind::KeyMissing,
            FailureKind::NetworkDown,
            FailureKind::ToolMissing,
            FailureKind::ToolVersion,
            FailureKind::Timeout,
            FailureKind::OutputTooLong,
            FailureKind::Unreadable,
            FailureKind::CorruptStructure,
            FailureKind::CorruptData,
            FailureKind::PermissionDenied,
            FailureKind::NoSpace,
            FailureKind::Internal,
            FailureKind::Other,
        ]
        .map(FailureKind::name)
        .to_vec();
        for kind in documented() {
            let mut ids = BTreeSet::new();
            let mut facts = BTreeSet::new();
            for finding in kind.all_findings() {
                let id = finding.id;
                assert!(ids.insert(id), "{}: {id} stands twice", kind.name);
                assert!(!failures.contains(&id), "{}: {id} is a failure's name", kind.name);
                assert!(
                    COMMON_FINDINGS.iter().all(|common| common.id != id),
                    "{}: {id}",
                    kind.name
                );
            }
            for fact in kind.all_facts() {
                assert!(facts.insert(fact.name), "{}: {} stands twice", kind.name, fact.name);
            }
        }
    }

    #[test]
    fn metric_names_follow_the_conventions() {
        let mut families: BTreeMap<&str, (&str, Vec<&str>, &str)> = BTreeMap::new();
        for kind in documented() {
            for fact in kind.all_facts().filter(|fact| !fact.metric.is_empty()) {
                let metric = fact.metric;
                assert!(is_snake(metric) && !metric.starts_with(PREFIX), "{metric}");
                assert!(FAMILIES.iter().all(|family| family.name != metric), "{metric}");
                for ending in ["_total", "_count", "_sum", "_bucket", "_percent", "_ms", "_days"] {
                    assert!(!metric.ends_with(ending), "{metric}: use base units of a gauge");
                }
                assert!(!metric.contains("timestamp") || metric.ends_with("_timestamp_seconds"));
                assert!(fact.help.ends_with('.'), "{metric}: help is a sentence: {}", fact.help);
                let mut labels = vec![fact.subject];
                labels.extend(fact.labels);
                for label in labels.iter().filter(|label| !label.is_empty()) {
                    assert!(is_snake(label) && !["check", "component"].contains(label), "{metric}");
                }
                let same = families.entry(metric).or_insert((kind.name, labels.clone(), fact.help));
                assert_eq!(same.1, labels, "{metric}: {} and {} label alike", same.0, kind.name);
                assert_eq!(same.2, fact.help, "{metric}: {} and {}", same.0, kind.name);
            }
        }
    }

    /// The kind's example as the only check of a settings file.
    fn settings(kind: &CheckKind) -> String {
        format!("[[check.{}]]\ncomponent = \"thing\"\n{}", kind.name, kind.example)
    }

    #[test]
    fn every_example_is_accepted() {
        for kind in CHECKS {
            let source = Source::new("agent.toml", settings(kind));
            let read = agent_from(&source).unwrap_or_else(|error| panic!("{}: {error}", kind.name));
            let plan = plan::plan(&read.value);
            let plan = plan.unwrap_or_else(|error| panic!("{}: {error}", kind.name));
            assert_eq!(plan.len(), 1);
            let has_keys = plan[0].check.keys().is_some();
            assert_eq!(has_keys, kind.backup.is_some(), "{}: shared keys of backups", kind.name);
        }
    }

    #[test]
    fn a_key_that_no_kind_knows_is_refused_at_its_line() {
        for kind in CHECKS {
            let text = format!("{}\nno_such_key = 1\n", settings(kind));
            let line = text.lines().count();
            let read = agent_from(&Source::new("agent.toml", text)).expect("opaque so far").value;
            let problems = plan::plan(&read).expect_err(kind.name);
            let found = problems
                .list
                .iter()
                .any(|problem| problem.what.contains("no_such_key") && problem.place.line == line);
            assert!(found, "{}: {problems}", kind.name);
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_kind() {
        let table = table_markdown();
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), CHECKS.len() + 4);
        assert!(rows.iter().all(|line| line.ends_with('|')));
        assert!(table.ends_with(".\n") && table.contains("Those of backups:"));
    }
}
