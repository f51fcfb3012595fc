//! The schedule with checks that see, fail, panic and hang.
use std::sync::atomic::Ordering;

use evenkeel_config::agent::{AgentSettings, AgentTable};
use evenkeel_config::record::{FailureKind, Outcome, Status};

use super::*;
use crate::scripted::{Script, check, counted, facts};

fn agent(checks: Vec<Arc<Configured>>, concurrency: u8, folder: &std::path::Path) -> Agent {
    let root = folder.join("root").display().to_string();
    let table = AgentTable { concurrency, root, ..AgentTable::default() };
    let settings = AgentSettings { agent: table, checks: Vec::new() };
    let host = "srv-1".parse().unwrap();
    Agent::assemble(Setup { settings, host, map: None, checks }, &folder.join("data")).unwrap()
}

fn failure_of(evidence: &Evidence) -> Option<FailureKind> {
    match &evidence.outcome {
        Outcome::Failed { failure } => Some(failure.kind),
        _ => None,
    }
}

#[tokio::test]
async fn one_bad_check_fails_alone_and_becomes_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let checks = vec![
        check("panics", Script::Panics),
        check("waits", Script::Waits),
        check("judges", Script::PanicsInJudgement),
        check("fails", Script::Fails(FailureKind::NotFound)),
        check("sees", Script::Sees(facts(&[("disk-1", 0.1)]))),
    ];
    let agent = agent(checks, 4, folder.path());
    let all = agent.run_all_once().await;
    let outcomes: Vec<_> =
        all.iter().map(|one| (one.check.as_str(), failure_of(one), one.status)).collect();
    assert_eq!(
        outcomes,
        [
            ("panics", Some(FailureKind::Internal), Status::Unknown),
            ("waits", Some(FailureKind::Timeout), Status::Unknown),
            ("judges", Some(FailureKind::Internal), Status::Unknown),
            ("fails", Some(FailureKind::NotFound), Status::Critical),
            ("sees", None, Status::Ok),
        ]
    );
    assert!(!serde_json::to_string(&all).unwrap().contains("hunter2"), "a panic tells no secret");
    let stored = agent.store().latest().unwrap();
    assert_eq!(stored.len(), 5, "all of it is stored");
}

#[tokio::test]
async fn a_check_that_holds_its_thread_is_given_up_and_not_started_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (holds, most) = counted("holds", Script::Holds(Duration::from_secs(3)));
    let agent =
        agent(vec![holds, check("sees", Script::Sees(facts(&[("a", 0.1)])))], 1, folder.path());
    let first = agent.run_all_once().await;
    let second = agent.run_all_once().await;
    for all in [&first, &second] {
        assert_eq!(failure_of(&all[0]), Some(FailureKind::Timeout));
        assert_eq!(all[1].status, Status::Ok, "the others go on");
    }
    let Outcome::Failed { failure } = &second[0].outcome else { unreachable!("asserted above") };
    assert!(failure.what.contains("has not ended yet"), "{}", failure.what);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_vanished_target_is_found_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let both = check("disks", Script::Sees(facts(&[("a", 0.1), ("b", 0.1)])));
    agent(vec![both], 1, folder.path()).run_all_once().await;
    let one = check("disks", Script::Sees(facts(&[("a", 0.1)])));
    let agent = agent(vec![one], 1, folder.path());
    for _ in 0..2 {
        assert_eq!(agent.run_all_once().await[0].findings[0].id, "target_vanished");
    }
    let page = agent.metrics();
    assert!(page.contains("load_ratio{check=\"disks\",component=\"storage\",disk=\"b\""), "{page}");
    assert!(agent.store().forget("disks", "b").unwrap());
    assert_eq!(agent.run_all_once().await[0].status, Status::Ok);
}

#[tokio::test]
async fn a_check_that_goes_blind_keeps_its_series_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let series = "load_ratio{check=\"disks\",component=\"storage\",disk=\"a\",role=\"\"} 0.3";
    let seeing = check("disks", Script::Sees(facts(&[("a", 0.3)])));
    agent(vec![seeing], 1, folder.path()).run_all_once().await;
    for _ in 0..2 {
        let blind = check("disks", Script::Fails(FailureKind::NetworkDown));
        let agent = agent(vec![blind], 1, folder.path());
        assert!(agent.metrics().contains(series), "from the store: {}", agent.metrics());
        agent.run_all_once().await;
        agent.run_all_once().await;
        let page = agent.metrics();
        assert!(page.contains(series) && page.contains("reason=\"network_down\""), "{page}");
    }
}

#[tokio::test]
async fn evidence_waits_in_memory_while_the_store_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(vec![check("sees", Script::Sees(facts(&[("a", 0.1)])))], 1, folder.path());
    agent.store().refuse_to_grow();
    let long = "x".repeat(150);
    let wide: Vec<(String, f64)> = (0..2_000).map(|n| (format!("{long}{n}"), 0.1)).collect();
    let wide: Vec<(&str, f64)> = wide.iter().map(|(name, load)| (name.as_str(), *load)).collect();
    let big = check("big", Script::Sees(facts(&wide)));
    let permits = Arc::new(Semaphore::new(1));
    let evidence = once(&agent, &big, &permits).await.unwrap();
    assert_eq!(evidence.status, Status::Ok, "the judgement does not wait for the disk");
    assert!(agent.metrics().contains("evenkeel_store_last_write_successful 0"));
    agent.store().let_grow();
    flush(&agent);
    assert!(agent.metrics().contains("evenkeel_store_last_write_successful 1"));
    assert_eq!(agent.store().latest().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_check_keeps_its_own_rhythm_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(vec![check("sees", Script::Sees(facts(&[("a", 0.1)])))], 1, folder.path());
    // The clock is paused, and moves on by itself when all is waiting.
    let end = tokio::time::timeout(Duration::from_secs(330), std::future::pending::<()>());
    agent.run(async { drop(end.await) }).await.unwrap();
    let runs = agent.store().past("sees").unwrap().len();
    assert!((6..=7).contains(&runs), "{runs} runs in five and a half minutes");
}

#[tokio::test]
async fn a_check_given_up_because_the_agent_ends_leaves_no_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let (waits, most) = counted("waits", Script::Waits);
    let agent = agent(vec![waits], 1, folder.path());
    let began = async {
        while most.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    agent.run(began).await.unwrap();
    assert_eq!(agent.store().latest().unwrap(), []);
    assert_eq!(agent.run_all_once().await.len(), 1, "it can be asked again afterwards");
}

#[tokio::test]
async fn a_check_is_due_by_its_last_run_unless_its_settings_changed() {
    let folder = tempfile::tempdir().unwrap();
    let sees = check("sees", Script::Sees(facts(&[("a", 0.1)])));
    let agent = agent(vec![Arc::clone(&sees)], 1, folder.path());
    assert_eq!(due(&agent, &sees), None, "never run");
    agent.run_all_once().await;
    let left = due(&agent, &sees).unwrap();
    assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60), "{left:?}");
    let mut changed = check("sees", Script::Waits);
    Arc::get_mut(&mut changed).unwrap().digest = "another".to_owned();
    assert_eq!(due(&agent, &changed), None, "run under other settings");
}

#[tokio::test]
async fn a_reload_does_not_start_a_running_check_again() {
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = counted("waits", Script::Waits);
    let (mut after, _) = counted("waits", Script::Waits);
    let agent = agent(vec![Arc::clone(&before)], 1, folder.path());
    agent.setup().hand_over(std::slice::from_mut(&mut after));
    assert!(Arc::ptr_eq(&before.running, &after.running));
}

#[test]
fn the_rhythm_varies_by_at_most_a_tenth_and_is_never_late() {
    let every = Span::from_secs(600);
    let pauses: Vec<Duration> = (0..200).map(|round| pause("a check", every, round)).collect();
    let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
    assert!(*least >= Duration::from_secs(540) && *most <= Duration::from_secs(600));
    assert!(*most - *least > Duration::from_secs(30), "checks drift apart");
}

#[tokio::test]
async fn a_refused_reload_keeps_the_old_checks_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(vec![check("sees", Script::Sees(facts(&[("a", 0.1)])))], 1, folder.path());
    let entry = evenkeel_config::agent::CheckEntry {
        kind: "no-such-kind".to_owned(),
        ..agent.setup().checks[0].entry.clone()
    };
    let settings = AgentSettings { agent: AgentTable::default(), checks: vec![entry] };
    let error = agent.reload(settings, None).unwrap_err().to_string();
    assert!(error.contains("there is no kind of check `no-such-kind`"), "{error}");
    assert!(agent.metrics().contains("evenkeel_config_last_reload_successful 0"));
    assert_eq!(agent.run_all_once().await[0].check, "sees");
    agent.reload(AgentSettings { agent: AgentTable::default(), checks: Vec::new() }, None).unwrap();
    assert!(agent.metrics().contains("evenkeel_config_last_reload_successful 1"));
    assert!(!agent.metrics().contains("evenkeel_check_status"), "series go with their check");
}
