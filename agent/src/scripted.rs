//! A kind of check for tests of everything around checks: it does what its script says.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Place;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::Timestamp;

use crate::checks::{Check, CheckKind, FactKind, Facts, FindingKind, Look};
use crate::plan::Configured;

pub(crate) static KIND: CheckKind = CheckKind {
    name: "scripted",
    about: "how loaded some disks are",
    limits: "only what its script says",
    example: "",
    every: Span::from_secs(60),
    deadline: Span::from_secs(2),
    stale_after_intervals: 2,
    facts: &[
        FactKind {
            name: "load",
            metric: "scripted_load_ratio",
            help: "Load of a disk.",
            subject: "disk",
            labels: &["role"],
        },
        FactKind {
            name: "model",
            metric: "scripted_model_info",
            help: "Model of a disk.",
            subject: "disk",
            labels: &[],
        },
        FactKind { name: "hidden", metric: "", help: "", subject: "disk", labels: &[] },
    ],
    findings: &[
        FindingKind {
            id: "load_high",
            severity: Status::Warning,
            about: "a disk is loaded",
            advice: "spread the load",
        },
        FindingKind {
            id: "load_full",
            severity: Status::Critical,
            about: "a disk is full",
            advice: "add a disk",
        },
    ],
    backup: None,
    build: |_, _| None,
};

/// What a scripted check does when it looks.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    Sees(Facts),
    Fails(FailureKind),
    Panics,
    PanicsInJudgement,
    /// Waits for ever, and can be given up.
    Waits,
    /// Holds its thread for so long, and cannot be given up.
    Holds(Duration),
}

struct Scripted {
    script: Script,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Check for Scripted {
    async fn observe(&self, _: &Look) -> Result<Facts, Failure> {
        self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let result = match &self.script {
            Script::Sees(facts) => Ok(facts.clone()),
            Script::Fails(kind) => Err(failure(*kind)),
            Script::Panics => panic!("a planted panic that holds hunter2"),
            Script::PanicsInJudgement => Ok(facts(&[("disk-1", 1.0)])),
            Script::Waits => std::future::pending().await,
            Script::Holds(time) => {
                std::thread::park_timeout(*time);
                Ok(facts(&[("disk-1", 0.1)]))
            }
        };
        self.inside.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn judge(&self, facts: &Facts, _: &[Evidence], now: Timestamp) -> Vec<Finding> {
        assert!(!matches!(self.script, Script::PanicsInJudgement), "a planted panic");
        let component = "storage".parse().unwrap();
        facts
            .observations
            .iter()
            .filter(|seen| seen.name == "load")
            .filter_map(|seen| {
                let id = match seen.value.number()? {
                    load if load > 0.9 => "load_full",
                    load if load > 0.5 => "load_high",
                    _ => return None,
                };
                Some(KIND.finding(id, &component, &seen.subject, "the disk is loaded", now))
            })
            .collect()
    }
}

pub(crate) fn failure(kind: FailureKind) -> Failure {
    Failure { kind, what: "it failed".to_owned(), advice: "mend it".to_owned() }
}

/// A load for each disk.
pub(crate) fn facts(loads: &[(&str, f64)]) -> Facts {
    let mut facts = Facts::default();
    for (disk, load) in loads {
        facts.push("load", disk, Value::Number(*load));
    }
    facts
}

/// A configured check that does what the script says, and counts how often it
/// was inside at the same time.
pub(crate) fn counted(name: &str, script: Script) -> (Arc<Configured>, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let check = Scripted { script, inside: Arc::default(), most: Arc::clone(&most) };
    let entry = CheckEntry {
        kind: KIND.name.to_owned(),
        name: name.to_owned(),
        component: "storage".parse().unwrap(),
        every: None,
        deadline: None,
        settings: toml::Table::new(),
        place: Place::default(),
        places: BTreeMap::new(),
    };
    let configured = Configured {
        entry,
        kind: &KIND,
        every: KIND.every,
        deadline: Duration::from_millis(200),
        digest: "digest".to_owned(),
        check: Arc::new(check),
        drill: None,
        running: Arc::default(),
    };
    (Arc::new(configured), most)
}

pub(crate) fn check(name: &str, script: Script) -> Arc<Configured> {
    counted(name, script).0
}
