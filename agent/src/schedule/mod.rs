//! The schedule: each check on its own rhythm, with deadline, jitter and limited concurrency.
//!
//! A check runs on a thread of its own, so that one that hangs or panics takes
//! nothing else with it: what comes of either is evidence.
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, FailureKind, Outcome};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::agent::{Agent, Setup};
use crate::backup;
use crate::checks::{Facts, Look};
use crate::discover;
use crate::drill;
use crate::judge;
use crate::plan::Configured;
use crate::proof;
use crate::store::{SeenSubject, StoreError};

/// First runs are spread over this time, so that a start is no burst.
const SPREAD: Duration = Duration::from_secs(10);
/// How long past its deadline a check gets to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long running checks get to end when the agent does.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often the recorded map is stored; what was seen since is seen again.
const KEEP_MAP: Duration = Duration::from_secs(600);
/// How often evidence past its time is removed.
const SWEEP: Duration = Duration::from_secs(6 * 3600);

/// Runs the checks with these names once, all without names; as many at a
/// time as the settings allow. Drills are none of them.
pub(crate) async fn once_each(agent: &Agent, names: &[String]) -> Vec<Evidence> {
    let setup = agent.setup();
    let permits = permits(&setup);
    let mut tasks = JoinSet::new();
    let wanted = |configured: &&Arc<Configured>| {
        !configured.is_drill() && (names.is_empty() || names.contains(&configured.entry.name))
    };
    for (index, configured) in setup.checks.iter().filter(wanted).enumerate() {
        let (agent, configured) = (agent.clone(), Arc::clone(configured));
        let permits = Arc::clone(&permits);
        tasks.spawn(async move { (index, once(&agent, &configured, &permits).await) });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        if let Ok((index, Some(evidence))) = done {
            all.push((index, evidence));
        }
    }
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, evidence)| evidence).collect()
}

/// Runs the schedule until `shutdown`, starting over on each reload.
pub(crate) async fn run(agent: &Agent, shutdown: impl Future<Output = ()>) {
    let mut changes = agent.changes();
    agent.stopping().send_replace(false);
    tokio::pin!(shutdown);
    loop {
        let setup = agent.setup();
        let mut tasks = JoinSet::new();
        let permits = permits(&setup);
        // Drills wait for each other, and hold up no other check.
        let one_drill = Arc::new(Semaphore::new(1));
        let count = u32::try_from(setup.checks.len().max(1)).unwrap_or(u32::MAX);
        for (index, configured) in (0..).zip(&setup.checks) {
            let turn = SPREAD * index / count;
            let first = due(agent, configured).unwrap_or(turn);
            let (agent, configured) = (agent.clone(), Arc::clone(configured));
            if configured.is_drill() {
                tasks.spawn(drills(agent, configured, Arc::clone(&one_drill), turn));
            } else {
                tasks.spawn(rhythm(agent, configured, Arc::clone(&permits), first));
            }
        }
        tasks.spawn(sampling(agent.clone(), setup.settings.agent.discover_every));
        tasks.spawn(sweeping(agent.clone()));
        tokio::select! {
            () = &mut shutdown => break end(agent, &setup, &permits).await,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

/// Gives up running checks, so that their tools end with them, and stores the
/// recorded map.
async fn end(agent: &Agent, setup: &Setup, permits: &Semaphore) {
    agent.stopping().send_replace(true);
    let all = u32::from(setup.settings.agent.concurrency.max(1));
    if tokio::time::timeout(FAREWELL, permits.acquire_many(all)).await.is_err() {
        tracing::warn!("a check has not ended in time and is left behind");
    }
    let map = agent.recorded_map();
    if let Err(error) = agent.store().keep_map(&map) {
        tracing::error!("{error}");
    }
    agent.stopping().send_replace(false);
}

fn permits(setup: &Setup) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::from(setup.settings.agent.concurrency.max(1))))
}

/// How long until a check is due by its last run; nothing if this agent has
/// not run it yet under these settings.
fn due(agent: &Agent, configured: &Configured) -> Option<Duration> {
    let (last, every) = if configured.is_drill() {
        last_drill(agent, configured)?
    } else {
        (agent.latest().last_run(configured)?, configured.every)
    };
    let next = last.saturating_add(SignedDuration::from_millis(every.as_ms())).ok()?;
    let left = Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default();
    // A clock that went back must not put a check off for longer than its rhythm.
    Some(left.min(Duration::from_millis(every.as_ms().unsigned_abs())))
}

/// When a drill last ran, by whatever program, and how soon it is due again: a
/// drill is no burden for every start. One that could not tell is tried again
/// after a twelfth of its rhythm.
fn last_drill(agent: &Agent, configured: &Configured) -> Option<(Timestamp, Span)> {
    let last = agent.store().newest(&configured.entry.name).ok()??;
    let every = configured.every;
    let is_answer = matches!(last.outcome, Outcome::Observed { .. });
    Some((last.started, if is_answer { every } else { again_after(every) }))
}

/// How soon a drill that could not tell is tried again.
fn again_after(every: Span) -> Span {
    Span::from_secs(every.as_ms() / 12_000).max(Span::from_secs(60))
}

async fn rhythm(
    agent: Agent,
    configured: Arc<Configured>,
    permits: Arc<Semaphore>,
    first: Duration,
) {
    tokio::time::sleep(first).await;
    for round in 0_u64.. {
        let began = tokio::time::Instant::now();
        once(&agent, &configured, &permits).await;
        tokio::time::sleep_until(began + pause(&configured.digest, configured.every, round)).await;
    }
}

/// The rhythm of drills, which counts from the last one that is stored:
/// somebody may have drilled by hand meanwhile.
async fn drills(
    agent: Agent,
    configured: Arc<Configured>,
    permits: Arc<Semaphore>,
    first: Duration,
) {
    tokio::time::sleep(first).await;
    loop {
        match due(&agent, &configured) {
            Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
            _ => {
                once(&agent, &configured, &permits).await;
                let again = again_after(configured.every).as_ms().unsigned_abs();
                tokio::time::sleep(Duration::from_millis(again)).await;
            }
        }
    }
}

/// The rhythm less up to a tenth: checks of one rhythm drift apart, and none
/// ever runs later than it should.
fn pause(seed: &str, every: Span, round: u64) -> Duration {
    let hash =
        seed.bytes().chain(round.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let every = every.as_ms().unsigned_abs();
    Duration::from_millis(every - (hash >> 32) % (every / 10 + 1))
}

/// Runs one check and records what came of it; nothing if the agent ends
/// meanwhile, since that says nothing about what is checked.
async fn once(
    agent: &Agent,
    configured: &Arc<Configured>,
    permits: &Arc<Semaphore>,
) -> Option<Evidence> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    let started = Timestamp::now();
    let clock = Instant::now();
    let result = observe(agent, configured, started).await?;
    let duration = clock.elapsed();
    drop(permit);
    let (agent, configured) = (agent.clone(), Arc::clone(configured));
    tokio::task::spawn_blocking(move || record(&agent, &configured, started, duration, result))
        .await
        .ok()
}

/// Lets a check look, on a thread of its own; nothing if the agent ends.
async fn observe(
    agent: &Agent,
    configured: &Arc<Configured>,
    now: Timestamp,
) -> Option<Result<Facts, Failure>> {
    let deadline = configured.deadline;
    let waiting = tokio::time::timeout(deadline, Arc::clone(&configured.running).lock_owned());
    let Ok(running) = waiting.await else {
        return Some(Err(timed_out(configured, "its earlier run has not ended yet")));
    };
    let mut look = Look::new(&agent.setup().settings.agent.root, now, deadline);
    agent.data().clone_into(&mut look.data);
    if configured.is_drill() {
        look.drills = agent.store().drills_of(&configured.entry.name).unwrap_or_default();
    }
    let check = Arc::clone(configured);
    let runtime = tokio::runtime::Handle::current();
    let mut stop = agent.stopping().subscribe();
    let run = tokio::task::spawn_blocking(move || {
        let _running = running;
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => None,
                result = tokio::time::timeout(deadline, backup::observe(check.check.as_ref(), &look)) => {
                    Some(result.unwrap_or_else(|_| Err(late(&check))))
                }
            }
        })
    });
    match tokio::time::timeout(deadline + GRACE, run).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Some(Err(judge::defect(configured))),
        Err(_) => Some(Err(late(configured))),
    }
}

fn late(configured: &Configured) -> Failure {
    timed_out(configured, "it took longer than its deadline")
}

fn timed_out(configured: &Configured, why: &str) -> Failure {
    let (name, seconds) = (&configured.entry.name, configured.deadline.as_secs_f64());
    Failure {
        kind: FailureKind::Timeout,
        what: format!("the check `{name}` was given up after {seconds} s: {why}"),
        advice: "see why what it looks at does not answer, or raise its `deadline`".to_owned(),
    }
}

/// Judges, stores and shows the result of a run.
pub(crate) fn record(
    agent: &Agent,
    configured: &Configured,
    started: Timestamp,
    duration: Duration,
    result: Result<Facts, Failure>,
) -> Evidence {
    let setup = agent.setup();
    let name = &configured.entry.name;
    let read = {
        let store = agent.store();
        store.past(name).and_then(|past| {
            let drills = store.drills_of(&drill::name_of(name))?;
            let proof = store.last_observed(&proof::name_of(name))?;
            Ok((past, store.subjects(name, &configured.digest)?, drills, proof))
        })
    };
    let is_history_lost = read.is_err();
    let (past, seen, drills, proof) = read.unwrap_or_else(|error| {
        tracing::error!("{error}");
        (
            agent.latest().of(&configured.entry).cloned().into_iter().collect(),
            Vec::new(),
            Vec::new(),
            None,
        )
    });
    let run = judge::Run {
        configured,
        host: setup.host.as_str(),
        started,
        duration,
        past: &past,
        drills: &drills,
        proof: proof.as_ref(),
        seen: &seen,
        is_history_lost,
        planned: setup.is_planned(configured, started),
    };
    let evidence = judge::evidence(&run, result);
    let vanished: Vec<SeenSubject> =
        seen.into_iter().filter(|seen| judge::is_vanished(&evidence, &seen.subject)).collect();
    if let Err(error) = adopt_drill(agent, configured) {
        tracing::error!("{error}");
    }
    let mut latest = agent.latest();
    latest.put(evidence.clone(), &configured.digest, vanished);
    latest.wait(evidence.clone(), configured.digest.clone());
    drop(latest);
    flush(agent);
    evidence
}

/// Shows the newest drill of a check, by whatever program it was made.
fn adopt_drill(agent: &Agent, configured: &Configured) -> Result<(), StoreError> {
    if configured.kind.backup.is_none() {
        return Ok(());
    }
    let name = drill::name_of(&configured.entry.name);
    let (newest, seeing) = {
        let store = agent.store();
        (store.newest(&name)?, store.last_observed(&name)?)
    };
    if let Some(newest) = newest {
        agent.latest().adopt(newest, seeing);
    }
    Ok(())
}

/// Stores what waits, oldest first, until something fails; the rest waits on.
pub(crate) fn flush(agent: &Agent) {
    let mut waiting = agent.latest().take_waiting();
    let mut store = agent.store();
    while let Some((evidence, settings)) = waiting.front() {
        if let Err(error) = store.append(evidence, settings) {
            tracing::error!("{error}");
            break;
        }
        waiting.pop_front();
    }
    drop(store);
    agent.latest().put_back(waiting);
}

/// Samples the host's own dependencies and keeps the recorded map.
async fn sampling(agent: Agent, every: Span) {
    let every = Duration::from_millis(every.as_ms().unsigned_abs()).max(Duration::from_secs(1));
    let mut kept: Option<Instant> = None;
    loop {
        let sampler = agent.clone();
        let keep = kept.is_none_or(|kept| kept.elapsed() >= KEEP_MAP);
        if keep {
            kept = Some(Instant::now());
        }
        match tokio::task::spawn_blocking(move || sample(&sampler, keep)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("{error}"),
            Err(_) => tracing::error!("a look at the host's dependencies broke down"),
        }
        tokio::time::sleep(every).await;
    }
}

/// One look at the host's dependencies; stored only if asked, to spare the disk.
pub(crate) fn sample(agent: &Agent, keep: bool) -> Result<(), StoreError> {
    let setup = agent.setup();
    let now = Timestamp::now();
    let sample = discover::sample(setup.settings.agent.root.as_ref(), now);
    let earlier = agent.recorded_map();
    let map = discover::join(&setup.host, setup.map.as_ref(), Some(&earlier), &sample, now);
    agent.latest().edges = [map.edges.len() as u64, map.dropped_edges];
    agent.recorded().clone_from(&map);
    if keep { agent.store().keep_map(&map) } else { Ok(()) }
}

/// Removes evidence past its time, and stores what had to wait.
async fn sweeping(agent: Agent) {
    loop {
        let sweeper = agent.clone();
        let swept = tokio::task::spawn_blocking(move || {
            flush(&sweeper);
            let keep = SignedDuration::from_millis(sweeper.setup().settings.agent.keep.as_ms());
            let since = Timestamp::now().saturating_sub(keep).unwrap_or(Timestamp::MIN);
            sweeper.store().retain(since)
        });
        if let Ok(Err(error)) = swept.await {
            tracing::error!("{error}");
        }
        tokio::time::sleep(SWEEP).await;
    }
}

#[cfg(test)]
mod tests;
