//! Restic repositories: proves that each group of snapshots is fresh, readable
//! and of the usual size. Fooled by encrypted sources of equal size and by
//! damaged data; only a restore drill tells.
use std::path::{Path, PathBuf};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{
    CopyFacts, Evidence, Failure, FailureKind, Finding, SnapshotFact, Status, Value,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since};
use crate::baseline::{Jump, jump};
use crate::probe::groups::{Group, grouped};
use crate::probe::host::Host;
use crate::probe::redact::plain;
use crate::probe::restic::{Access, Lock, Repository, Snapshot, Stored};

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "restic",
    about: "A restic repository opens, and each group of snapshots in it is fresh, readable and \
            of the usual size",
    limits: "It reads lists, not data: damaged packs and a source encrypted in place stay unseen \
             until a restore drill.",
    example: r#"repository = "/srv/backup/restic"          # or sftp:..., rest:..., s3:...
password_file = "/etc/evenkeel/restic.pw"  # or RESTIC_PASSWORD in environment_file
environment_file = "/etc/evenkeel/s3.env"  # lines NAME=value, for cloud credentials
expect_every = "24h"                       # how often each group should get a snapshot
host = "srv-erp"                           # only snapshots of this host
paths = ["/srv"]                           # only snapshots of these paths
tags = ["nightly"]                         # only snapshots with all these tags
dataset = "erp-db"                         # the data set on the map that is in them
tool = "/usr/bin/restic"                   # if restic is not in the usual folders
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(5 * 60),
    stale_after_intervals: 4,
    facts: FACTS,
    findings: FINDINGS,
    build,
};

const fn repository_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

const fn group_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "group", labels: &[] }
}

const FACTS: &[FactKind] = &[
    repository_fact("version", "", "Version of restic."),
    repository_fact("repository_id", "", "Id of the repository, made with it."),
    repository_fact("snapshots", "restic_snapshots", "Snapshots that could be read."),
    repository_fact(
        "unreadable_snapshots",
        "restic_unreadable_snapshots",
        "Snapshots that are stored and cannot be read.",
    ),
    repository_fact("index_files", "restic_index_files", "Stored index files."),
    repository_fact("locks", "restic_locks", "Locks, held or left behind."),
    repository_fact(
        "oldest_lock",
        "restic_oldest_lock_timestamp_seconds",
        "Last renewal of the oldest lock.",
    ),
    repository_fact("lock_exclusive", "", "Whether the worst lock keeps everybody out."),
    repository_fact("lock_holder", "", "Who holds the worst lock."),
    repository_fact("lock_dead", "", "Whether the holder is a process of this host that ended."),
    repository_fact("said", "", "What restic said besides its answer."),
    repository_fact("stored_size", "restic_stored_bytes", "Bytes that all snapshots take."),
    repository_fact("groups_left_out", "", "Groups beyond the number that is looked at."),
    repository_fact("drilled", "", "Whether a restore was ever tried by this check; it never is."),
    group_fact("group", "", "Host, paths and tags of the group."),
    group_fact(
        "newest",
        "restic_newest_snapshot_timestamp_seconds",
        "Start of the newest snapshot of the group.",
    ),
    group_fact("group_snapshots", "restic_group_snapshots", "Snapshots in the group."),
    group_fact("files", "restic_newest_snapshot_files", "Files in the newest snapshot."),
    group_fact("bytes", "restic_newest_snapshot_bytes", "Bytes in the newest snapshot."),
    group_fact("readable", "", "Whether the newest snapshot's list of files could be read."),
    group_fact(
        "changed_share",
        "restic_newest_snapshot_changed_ratio",
        "Share of files in the newest snapshot that are new or changed.",
    ),
    group_fact("changed_share_usual", "", "Median of that share in the snapshots before."),
];

const FINDINGS: &[FindingKind] = &[
    FindingKind {
        id: "restic_no_snapshots",
        severity: Status::Critical,
        about: "The repository opens and holds no snapshot that the check asks for.",
        advice: "Run the backup job, and compare its host, paths and tags with the check's keys.",
    },
    FindingKind {
        id: "restic_stale",
        severity: Status::Warning,
        about: "A group got no snapshot when one was due; critical after three missed ones.",
        advice: "Look at the log of that host's backup job; forget the group if it is retired.",
    },
    FindingKind {
        id: "restic_future",
        severity: Status::Warning,
        about: "The newest snapshot carries a time in the future, so its age cannot be told.",
        advice: "Set the clock of the machine that makes the backup.",
    },
    FindingKind {
        id: "restic_empty",
        severity: Status::Critical,
        about: "The newest snapshot holds no data.",
        advice: "See whether the source is mounted, then run the backup again.",
    },
    FindingKind {
        id: "restic_collapsed",
        severity: Status::Critical,
        about: "The newest snapshot has less than half the usual bytes or files.",
        advice: "Compare it with the one before (`restic diff`): a missing mount leaves this trace.",
    },
    FindingKind {
        id: "restic_grown",
        severity: Status::Warning,
        about: "The newest snapshot has more than three times the usual bytes or files.",
        advice: "Compare it with the one before (`restic diff`): a tree may be mounted twice.",
    },
    FindingKind {
        id: "restic_churn",
        severity: Status::Warning,
        about: "Far more of the source changed than usual, as when somebody encrypts it.",
        advice: "Look at the source now; keep the older snapshots until the reason is known.",
    },
    FindingKind {
        id: "restic_unreadable",
        severity: Status::Critical,
        about: "Stored snapshots, or the list of files of the newest one, cannot be read.",
        advice: "Copy the repository aside, then run `restic check --no-cache --no-lock`.",
    },
    FindingKind {
        id: "restic_index_missing",
        severity: Status::Critical,
        about: "There are snapshots and no index, so nothing can be restored as it is.",
        advice: "Copy the repository aside, then follow restic's guide to rebuild the index.",
    },
    FindingKind {
        id: "restic_history_lost",
        severity: Status::Critical,
        about: "The newest snapshot seen before is gone and none took its place, which retention \
                never does.",
        advice: "Find out who removed it; protect the repository against deletion.",
    },
    FindingKind {
        id: "restic_history_shrank",
        severity: Status::Warning,
        about: "Less than half the usual number of snapshots is left.",
        advice: "Compare with the retention rules; an attacker begins with the backups.",
    },
    FindingKind {
        id: "restic_replaced",
        severity: Status::Critical,
        about: "The repository has another id than before: it was made anew or swapped.",
        advice: "Find the old repository; if the change was meant, configure the check anew.",
    },
    FindingKind {
        id: "restic_lock_stale",
        severity: Status::Warning,
        about: "A lock was left behind; critical if it keeps the next backup out.",
        advice: "When no restic runs anywhere, remove it with `restic unlock`.",
    },
    FindingKind {
        id: "restic_complained",
        severity: Status::Warning,
        about: "Restic ended well and complained all the same.",
        advice: "Run `restic snapshots --no-cache --no-lock` by hand and read what it says.",
    },
];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    repository: String,
    password_file: Option<String>,
    environment_file: Option<String>,
    expect_every: Option<Span>,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    dataset: Option<Id>,
    tool: Option<PathBuf>,
}

struct Restic {
    component: Id,
    access: Access,
    expect_every: Span,
    host: Option<String>,
    paths: Vec<String>,
    tags: Vec<String>,
    dataset: Option<Id>,
    version: tokio::sync::OnceCell<String>,
}

/// More groups of one repository are not looked at one by one.
const MOST_GROUPS: usize = 24;

/// Of a group only the latest snapshots are handed on as copies.
const MOST_COPIES: usize = 400;

/// More locks are not read one by one.
const MOST_LOCKS: usize = 5;

/// Restic renews its locks every five minutes.
const LOCK_AGE: SignedDuration = SignedDuration::from_mins(30);

/// Clocks may differ by so much before a time counts as being in the future.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    if settings.repository.is_empty() {
        let hint = "as after `restic -r`, for example `repository = \"/srv/backup/restic\"`";
        problems.error(place(entry, "repository"), "`repository` is missing", hint);
    }
    if settings.password_file.is_none() && settings.environment_file.is_none() {
        problems.error(
            place(entry, "password_file"),
            "nothing says where the password is",
            "for example `password_file = \"/etc/evenkeel/restic.pw\"`, readable for the agent alone",
        );
    }
    if problems.is_fatal() {
        return None;
    }
    Some(Box::new(Restic {
        component: entry.component.clone(),
        access: Access {
            repository: settings.repository,
            password_file: settings.password_file,
            environment_file: settings.environment_file,
            tool: settings.tool,
        },
        expect_every: settings.expect_every.unwrap_or(Span::from_hours(24)),
        host: settings.host,
        paths: settings.paths,
        tags: settings.tags,
        dataset: settings.dataset,
        version: tokio::sync::OnceCell::new(),
    }))
}

#[async_trait::async_trait]
impl Check for Restic {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        // A little less than the schedule grants, so that the reason is ours to tell.
        let repository = Repository::open(&self.access, look.deadline.mul_f64(0.9))?;
        let version = self.version.get_or_try_init(|| repository.version()).await?;
        let mut facts = Facts::default();
        facts.push("version", "", Value::Text(version.clone()));
        facts.push("repository_id", "", Value::Text(plain(&repository.id().await?)));
        let (snapshots, said) = repository.snapshots().await?;
        let stored = repository.list(Stored::Snapshots).await?.len();
        facts.push("snapshots", "", Value::Number(snapshots.len() as f64));
        let unreadable = stored.saturating_sub(snapshots.len());
        facts.push("unreadable_snapshots", "", Value::Number(unreadable as f64));
        facts.push("said", "", Value::Text(said));
        let index = repository.list(Stored::Index).await?.len();
        facts.push("index_files", "", Value::Number(index as f64));
        facts.push("drilled", "", Value::Flag(false));
        observe_locks(&repository, look, &mut facts).await?;
        let wanted: Vec<Snapshot> =
            snapshots.into_iter().filter(|snapshot| self.wants(snapshot)).collect();
        self.observe_groups(&repository, &wanted, &mut facts).await;
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = Found { component: &self.component, past, now, list: Vec::new() };
        if facts.not_applicable.is_some() {
            return found.list;
        }
        judge_repository(facts, &mut found);
        if facts.subjects().is_empty() {
            found.add("restic_no_snapshots", "", "no snapshot that the check asks for is there");
        }
        for group in facts.subjects() {
            self.judge_group(facts, group, &mut found);
        }
        found.list
    }
}

/// Findings of one judgement as they come up.
struct Found<'a> {
    component: &'a Id,
    past: &'a [Evidence],
    now: Timestamp,
    list: Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, id: &str, subject: &str, what: impl Into<String>) -> &mut Finding {
        let since = since(self.past, id, subject, self.now);
        let at = self.list.len();
        self.list.push(KIND.finding(id, self.component, subject, what, since));
        &mut self.list[at]
    }

    /// Earlier numbers of a fact, oldest first, one for each newest snapshot.
    fn history(&self, name: &str, group: &str, facts: &Facts) -> Vec<f64> {
        let current = facts.number("newest", group);
        let mut last = None;
        let mut values = Vec::new();
        for evidence in self.past {
            let newest = number(evidence, "newest", group);
            if newest.is_none() || newest == last || newest == current {
                continue;
            }
            if let Some(value) = number(evidence, name, group) {
                values.push(value);
                last = newest;
            }
        }
        values
    }
}

impl Restic {
    fn wants(&self, snapshot: &Snapshot) -> bool {
        self.host.as_ref().is_none_or(|host| *host == snapshot.hostname)
            && self.paths.iter().all(|path| snapshot.paths.contains(path))
            && self.tags.iter().all(|tag| snapshot.tags.contains(tag))
    }

    async fn observe_groups(
        &self,
        repository: &Repository,
        snapshots: &[Snapshot],
        facts: &mut Facts,
    ) {
        let groups = grouped(snapshots);
        if groups.len() > MOST_GROUPS {
            let rest = groups.len() - MOST_GROUPS;
            facts.push("groups_left_out", "", Value::Number(rest as f64));
        }
        let mut has_counts = true;
        for (group, members) in groups.iter().take(MOST_GROUPS) {
            let Some(newest) = members.last() else { continue };
            let subject = group.subject();
            facts.push("group", &subject, Value::Text(group.words()));
            facts.push("newest", &subject, Value::Time(newest.time));
            facts.push("group_snapshots", &subject, Value::Number(members.len() as f64));
            let size = match newest.summary {
                Some(summary) => {
                    Some((summary.total_files_processed, summary.total_bytes_processed))
                }
                None => {
                    has_counts = false;
                    size_of(repository, newest, &subject, facts).await
                }
            };
            if let Some((files, bytes)) = size {
                facts.push("files", &subject, Value::Number(files as f64));
                facts.push("bytes", &subject, Value::Number(bytes as f64));
            }
            push_changes(members, &subject, facts);
            facts.copies.push(self.copy(group, members, size));
        }
        // Where runs have no counts, the growth of the whole shows an upheaval.
        if !has_counts && let Ok(stored) = repository.stored().await {
            facts.push("stored_size", "", Value::Number(stored.total_size as f64));
        }
    }

    fn copy(&self, group: &Group, members: &[&Snapshot], size: Option<(u64, u64)>) -> CopyFacts {
        let latest = &members[members.len().saturating_sub(MOST_COPIES)..];
        let mut snapshots: Vec<SnapshotFact> = latest.iter().map(|one| fact_of(one)).collect();
        if let (Some(newest), Some((files, bytes))) = (snapshots.last_mut(), size) {
            newest.files = Some(files);
            newest.bytes = Some(bytes);
            newest.complete = bytes > 0;
        }
        CopyFacts {
            copy: self.component.clone(),
            dataset: self.dataset.clone(),
            group: group.words(),
            snapshots,
        }
    }

    fn judge_group(&self, facts: &Facts, group: &str, found: &mut Found<'_>) {
        let name = facts.text("group", group).unwrap_or(group).to_owned();
        self.judge_age(facts, group, &name, found);
        if matches!(facts.get("readable", group), Some(Value::Flag(false))) {
            let what = format!("the list of files of the newest snapshot of {name} cannot be read");
            found.add("restic_unreadable", group, what);
        }
        if facts.number("bytes", group) == Some(0.0) {
            let what = format!("the newest snapshot of {name} holds no data");
            found.add("restic_empty", group, what);
        } else {
            judge_size(facts, group, &name, found);
        }
        if let (Some(share), Some(usual)) =
            (facts.number("changed_share", group), facts.number("changed_share_usual", group))
            && share > 0.3
            && share > 3.0 * usual
        {
            let what = format!(
                "{:.0} % of the files of {name} are new or changed, {:.0} % are usual",
                100.0 * share,
                100.0 * usual
            );
            found.add("restic_churn", group, what);
        }
        judge_history(facts, group, &name, found);
    }

    fn judge_age(&self, facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
        let Some(Value::Time(newest)) = facts.get("newest", group) else { return };
        if *newest > found.now + CLOCK_SLACK {
            let what = format!("the newest snapshot of {name} is of {newest:.0}, which is to come");
            found.add("restic_future", group, what);
            return;
        }
        let age = found.now.duration_since(*newest).as_secs_f64();
        let late = age / self.expect_every.as_secs().max(1.0);
        // A quarter of the rhythm more is granted: jobs do not start on the minute.
        if late > 1.25 {
            let every = self.expect_every;
            let what = format!(
                "the newest snapshot of {name} is of {newest:.0}, one is due every {every}"
            );
            let finding = found.add("restic_stale", group, what);
            if late > 3.0 {
                finding.severity = Status::Critical;
            }
        }
    }
}

fn judge_repository(facts: &Facts, found: &mut Found<'_>) {
    let snapshots = facts.number("snapshots", "").unwrap_or(0.0);
    let unreadable = facts.number("unreadable_snapshots", "").unwrap_or(0.0);
    if unreadable > 0.0 {
        let what = format!("{unreadable} stored snapshots cannot be read");
        found.add("restic_unreadable", "", what);
    }
    if snapshots > 0.0 && facts.number("index_files", "") == Some(0.0) {
        let what = format!("there are {snapshots} snapshots and no index");
        found.add("restic_index_missing", "", what);
    }
    match facts.text("said", "") {
        None | Some("") => {}
        Some(said) => {
            found.add("restic_complained", "", format!("restic said: {said}"));
        }
    }
    let earlier = found.past.iter().rev().find_map(|evidence| text(evidence, "repository_id"));
    if let (Some(earlier), Some(id)) = (earlier, facts.text("repository_id", ""))
        && earlier != id
    {
        let short = |id: &str| id.chars().take(8).collect::<String>();
        let what = format!("the repository's id is {}, it was {}", short(id), short(earlier));
        found.add("restic_replaced", "", what);
    }
    judge_lock(facts, found);
    judge_growth(facts, found);
}

fn judge_lock(facts: &Facts, found: &mut Found<'_>) {
    let Some(Value::Time(renewed)) = facts.get("oldest_lock", "") else { return };
    let is_dead = facts.flag("lock_dead", "");
    if !is_dead && found.now.duration_since(*renewed) < LOCK_AGE {
        return;
    }
    let holder = facts.text("lock_holder", "").unwrap_or("somebody");
    let fate = if is_dead { "which has ended" } else { "last renewed long ago" };
    let what = format!("a lock of {renewed:.0} is left behind by {holder}, {fate}");
    let finding = found.add("restic_lock_stale", "", what);
    if facts.flag("lock_exclusive", "") {
        finding.severity = Status::Critical;
    }
}

/// Without counts of each run, encrypted sources show as a leap in stored bytes:
/// they no longer resemble what is there, and no longer compress.
fn judge_growth(facts: &Facts, found: &mut Found<'_>) {
    let Some(stored) = facts.number("stored_size", "") else { return };
    let mut sizes = Vec::new();
    for evidence in found.past {
        if let Some(size) = number(evidence, "stored_size", "")
            && sizes.last() != Some(&size)
        {
            sizes.push(size);
        }
    }
    let growth: Vec<f64> = sizes.windows(2).map(|pair| (pair[1] - pair[0]).max(1.0)).collect();
    let bytes: f64 = facts.subjects().iter().filter_map(|group| facts.number("bytes", group)).sum();
    let Some(grown) = sizes.last().map(|last| stored - last) else { return };
    if grown > 0.3 * bytes && matches!(jump(&growth, grown), Some(Jump::Grown { .. })) {
        let what = format!("the repository grew by {grown:.0} bytes, far more than usual");
        found.add("restic_churn", "", what);
    }
}

fn judge_size(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    for fact in ["bytes", "files"] {
        let Some(value) = facts.number(fact, group) else { continue };
        let mut history = copies(facts, name, fact);
        if history.len() < 7 {
            history = found.history(fact, group, facts);
        }
        let (id, usual) = match jump(&history, value) {
            Some(Jump::Collapsed { usual }) => ("restic_collapsed", usual),
            Some(Jump::Grown { usual }) => ("restic_grown", usual),
            None => continue,
        };
        let what =
            format!("the newest snapshot of {name} has {value} {fact}, {usual:.0} are usual");
        found.add(id, group, what);
        return;
    }
}

fn judge_history(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    let newest = facts.number("newest", group);
    let before = found.past.iter().rev().find_map(|evidence| number(evidence, "newest", group));
    if let (Some(newest), Some(before)) = (newest, before)
        && newest < before
    {
        let what = format!("the newest snapshot of {name} that was seen before is gone");
        found.add("restic_history_lost", group, what);
    }
    let count = facts.number("group_snapshots", group).unwrap_or(0.0);
    let counts = found.history("group_snapshots", group, facts);
    if let Some(Jump::Collapsed { usual }) = jump(&counts, count) {
        let what = format!("{count} snapshots of {name} are left, {usual} are usual");
        found.add("restic_history_shrank", group, what);
    }
}

/// Sizes of the group's snapshots before the newest, where known.
fn copies(facts: &Facts, name: &str, fact: &str) -> Vec<f64> {
    let Some(copy) = facts.copies.iter().find(|copy| copy.group == name) else { return Vec::new() };
    let before = copy.snapshots.len().saturating_sub(1);
    let value = |snapshot: &SnapshotFact| match fact {
        "bytes" => snapshot.bytes,
        _ => snapshot.files,
    };
    copy.snapshots[..before].iter().filter_map(value).map(|value| value as f64).collect()
}

fn fact_of(snapshot: &Snapshot) -> SnapshotFact {
    let files = snapshot.summary.map(|summary| summary.total_files_processed);
    let bytes = snapshot.summary.map(|summary| summary.total_bytes_processed);
    SnapshotFact { start: snapshot.time, files, bytes, complete: bytes != Some(0) }
}

/// Asks for the size of a snapshot; a list of files that cannot be read is a fact.
async fn size_of(
    repository: &Repository,
    snapshot: &Snapshot,
    subject: &str,
    facts: &mut Facts,
) -> Option<(u64, u64)> {
    match repository.stats(&snapshot.id).await {
        Ok(stats) => {
            facts.push("readable", subject, Value::Flag(true));
            Some((stats.total_file_count, stats.total_size))
        }
        Err(failure) => {
            if !matches!(failure.kind, FailureKind::Timeout | FailureKind::NetworkDown) {
                facts.push("readable", subject, Value::Flag(false));
            }
            None
        }
    }
}

fn push_changes(members: &[&Snapshot], subject: &str, facts: &mut Facts) {
    let shares: Vec<f64> = members
        .iter()
        .filter_map(|member| member.summary)
        .filter(|summary| summary.total_files_processed > 0)
        .map(|summary| {
            (summary.files_new + summary.files_changed) as f64
                / summary.total_files_processed as f64
        })
        .collect();
    let Some((newest, before)) = shares.split_last() else { return };
    facts.push("changed_share", subject, Value::Number(*newest));
    if before.len() >= 7 {
        let mut before = before.to_vec();
        before.sort_by(f64::total_cmp);
        facts.push("changed_share_usual", subject, Value::Number(before[before.len() / 2]));
    }
}

async fn observe_locks(
    repository: &Repository,
    look: &Look,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let ids = repository.list(Stored::Locks).await?;
    facts.push("locks", "", Value::Number(ids.len() as f64));
    let mut locks: Vec<(bool, Lock)> = Vec::new();
    for id in ids.iter().take(MOST_LOCKS) {
        // A lock that was released meanwhile cannot be read, and need not be.
        if let Ok(lock) = repository.lock(id).await {
            locks.push((holder_ended(&lock, &look.root), lock));
        }
    }
    // The worst first: left behind by the dead, then exclusive, then old.
    locks.sort_by_key(|(dead, lock)| (!dead, !lock.exclusive, lock.time));
    if let Some((dead, lock)) = locks.first() {
        facts.push("oldest_lock", "", Value::Time(lock.time));
        facts.push("lock_exclusive", "", Value::Flag(lock.exclusive));
        let holder = format!("process {} on {}", lock.pid, plain(&lock.hostname));
        facts.push("lock_holder", "", Value::Text(holder));
        facts.push("lock_dead", "", Value::Flag(*dead));
    }
    Ok(())
}

/// Whether the holder ran on this host and has ended; `false` when it cannot be told.
fn holder_ended(lock: &Lock, root: &Path) -> bool {
    let host = Host::new(root);
    let name = host.text("/proc/sys/kernel/hostname", 1024).unwrap_or_default();
    name.trim() == lock.hostname
        && host.exists("/proc/self")
        && !host.exists(&format!("/proc/{}", lock.pid))
}

fn number(evidence: &Evidence, name: &str, subject: &str) -> Option<f64> {
    let is_it =
        |fact: &&evenkeel_config::record::Observation| fact.name == name && fact.subject == subject;
    evidence.observations().iter().find(is_it).and_then(|fact| fact.value.number())
}

fn text<'a>(evidence: &'a Evidence, name: &str) -> Option<&'a str> {
    evidence.observations().iter().find(|fact| fact.name == name).and_then(|fact| {
        match &fact.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    })
}
