//! What the facts of a backup mean, whatever tool made it.
use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Finding, Status, Value};
use jiff::{SignedDuration, Timestamp};

use super::{Keys, plausible};
use crate::baseline::{Jump, jump};
use crate::checks::{CheckKind, Facts, since};

/// Tools renew their locks every few minutes, or hold them for one run.
const LOCK_AGE: SignedDuration = SignedDuration::from_mins(30);

/// Clocks may differ by so much before a time counts as being in the future.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

/// The findings on a repository that all kinds of backups share.
pub fn judge(
    kind: &CheckKind,
    keys: &Keys,
    facts: &Facts,
    past: &[Evidence],
    now: Timestamp,
) -> Vec<Finding> {
    let component = &keys.component;
    let mut found = Found { kind, component, past, now, list: Vec::new() };
    if facts.not_applicable.is_some() {
        return found.list;
    }
    judge_repository(facts, &mut found);
    let groups = groups(facts);
    if groups.is_empty() {
        found.add("backup_none", "", "no snapshot that the check asks for is there");
    }
    if let Some(left_out) = facts.number("groups_left_out", "") {
        let what = format!("{left_out} groups of snapshots are not looked at: there are too many");
        found.add("backup_groups_left_out", "", what);
    }
    for group in groups {
        judge_group(keys.expect_every, facts, group, &mut found);
    }
    found.list
}

/// The groups of which something was seen; the one group of a kind without
/// groups has an empty name.
pub(super) fn groups(facts: &Facts) -> BTreeSet<&str> {
    let of_groups = facts.observations.iter().filter(|fact| fact.name == "newest");
    of_groups.map(|fact| fact.subject.as_str()).collect()
}

/// Findings of one judgement as they come up.
pub(super) struct Found<'a> {
    kind: &'a CheckKind,
    component: &'a Id,
    pub(super) past: &'a [Evidence],
    now: Timestamp,
    list: Vec<Finding>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, id: &str, subject: &str, what: impl Into<String>) -> &mut Finding {
        let since = since(self.past, id, subject, self.now);
        let at = self.list.len();
        self.list.push(self.kind.finding(id, self.component, subject, what, since));
        &mut self.list[at]
    }

    /// Earlier numbers of a fact, oldest first, one for each newest snapshot.
    fn history(&self, name: &str, group: &str, facts: &Facts) -> Vec<f64> {
        plausible::history(self.past, name, group, facts)
    }
}

fn judge_group(expect_every: Span, facts: &Facts, group: &str, found: &mut Found<'_>) {
    let name = match facts.text("group", group) {
        Some("") | None => "the backup".to_owned(),
        Some(words) => words.to_owned(),
    };
    judge_age(expect_every, facts, group, &name, found);
    if matches!(facts.get("readable", group), Some(Value::Flag(false))) {
        let what = format!("the list of files of the newest snapshot of {name} cannot be read");
        found.add("backup_unreadable", group, what);
    }
    if facts.flag("size_unknown", group) {
        let what = format!("the newest snapshot of {name} could not be counted in time");
        found.add("backup_size_unknown", group, what);
    }
    if matches!(facts.get("complete", group), Some(Value::Flag(false))) {
        let why = facts.text("incomplete_why", group).unwrap_or("something is missing");
        let what = format!("the newest snapshot of {name} is not complete: {why}");
        found.add("backup_incomplete", group, what);
    }
    if facts.number("bytes", group) == Some(0.0) {
        let what = format!("the newest snapshot of {name} holds no data");
        found.add("backup_empty", group, what);
    } else {
        plausible::judge(facts, group, &name, found);
    }
    judge_history(facts, group, &name, found);
}

fn judge_age(expect_every: Span, facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    let Some(Value::Time(newest)) = facts.get("newest", group) else { return };
    if *newest > found.now + CLOCK_SLACK {
        let what = format!("the newest snapshot of {name} is of {newest:.0}, which is to come");
        found.add("backup_future", group, what);
        return;
    }
    let age = found.now.duration_since(*newest).as_secs_f64();
    let late = age / expect_every.as_secs().max(1.0);
    // A quarter of the rhythm more is granted: jobs do not start on the minute.
    if late > 1.25 {
        let what = format!(
            "the newest snapshot of {name} is of {newest:.0}, one is due every {expect_every}"
        );
        let finding = found.add("backup_stale", group, what);
        let due = SignedDuration::from_millis(expect_every.as_ms());
        finding.since = newest.checked_add(due).unwrap_or(*newest);
        if late > 3.0 {
            finding.severity = Status::Critical;
        }
    }
}

fn judge_repository(facts: &Facts, found: &mut Found<'_>) {
    let unreadable = facts.number("unreadable_snapshots", "").unwrap_or(0.0);
    if unreadable > 0.0 {
        let what = format!("{unreadable} stored snapshots cannot be read");
        found.add("backup_unreadable", "", what);
    }
    match facts.text("said", "") {
        None | Some("") => {}
        Some(said) => {
            found.add("backup_complained", "", format!("the tool said: {said}"));
        }
    }
    let earlier = found.past.iter().rev().find_map(|evidence| text(evidence, "repository_id"));
    if let (Some(earlier), Some(id)) = (earlier, facts.text("repository_id", ""))
        && earlier != id
    {
        let short = |id: &str| id.chars().take(8).collect::<String>();
        let what = format!("the repository's id is {}, it was {}", short(id), short(earlier));
        found.add("backup_replaced", "", what);
    }
    if matches!(facts.get("canary_kept", ""), Some(Value::Flag(false))) {
        let is_changed = facts.flag("canary_changed", "");
        let id = if is_changed { "canary_changed" } else { "canary_not_kept" };
        found.add(id, "", facts.text("canary_why", "").unwrap_or("the canary is not kept"));
    }
    judge_lock(facts, found);
    judge_growth(facts, found);
}

fn judge_lock(facts: &Facts, found: &mut Found<'_>) {
    let Some(Value::Time(renewed)) = facts.get("oldest_lock", "") else { return };
    let is_dead = facts.flag("lock_dead", "");
    // Not every tool renews its locks; a first backup takes days.
    if facts.flag("lock_alive", "") {
        return;
    }
    if !is_dead && found.now.duration_since(*renewed) < LOCK_AGE {
        return;
    }
    let holder = facts.text("lock_holder", "").unwrap_or("somebody");
    let fate = if is_dead { "which has ended" } else { "last renewed long ago" };
    let what = format!("a lock of {renewed:.0} is left behind by {holder}, {fate}");
    let finding = found.add("backup_lock_stale", "", what);
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
    let bytes: f64 = groups(facts).iter().filter_map(|group| facts.number("bytes", group)).sum();
    let Some(grown) = sizes.last().map(|last| stored - last) else { return };
    if grown > 0.3 * bytes && matches!(jump(&growth, grown), Some(Jump::Grown { .. })) {
        let what = format!("the repository grew by {grown:.0} bytes, far more than usual");
        found.add("backup_churn", "", what);
    }
}

fn judge_history(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    let newest = facts.number("newest", group);
    // What somebody looked at and accepted is not held against it.
    let since = plausible::accepted(facts, group).unwrap_or(Timestamp::MIN);
    let seen = found.past.iter().rev().filter(|evidence| evidence.started >= since);
    let before = seen.into_iter().find_map(|evidence| number(evidence, "newest", group));
    if let (Some(newest), Some(before)) = (newest, before)
        && newest < before
    {
        let what = format!("the newest snapshot of {name} that was seen before is gone");
        found.add("backup_history_lost", group, what);
    }
    let count = facts.number("group_snapshots", group).unwrap_or(0.0);
    let counts = found.history("group_snapshots", group, facts);
    if let Some(Jump::Collapsed { usual }) = jump(&counts, count) {
        let what = format!("{count} snapshots of {name} are left, {usual} are usual");
        found.add("backup_history_shrank", group, what);
    }
}

pub(super) fn number(evidence: &Evidence, name: &str, subject: &str) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evidence, ids};

    fn keys() -> Keys {
        Keys {
            name: "check".to_owned(),
            component: "thing".parse().unwrap(),
            dataset: None,
            expect_every: Span::from_hours(24),
            escrow: None,
            immutable: None,
            prove: None,
            canary: None,
        }
    }

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// Facts of a repository with one group whose newest snapshot is `hours` old.
    fn facts(hours: i64, bytes: f64, stored: f64) -> Facts {
        let mut facts = Facts::default();
        facts.push("repository_id", "", Value::Text("a".repeat(64)));
        facts.push("snapshots", "", Value::Number(30.0));
        facts.push("stored_size", "", Value::Number(stored));
        let newest = now() - SignedDuration::from_hours(hours);
        facts.push("newest", "h-1", Value::Time(newest));
        facts.push("group_snapshots", "h-1", Value::Number(30.0));
        facts.push("bytes", "h-1", Value::Number(bytes));
        facts
    }

    fn judge_case(facts: &Facts, past: &[Evidence]) -> Vec<String> {
        let kind = crate::checks::kind("files").unwrap();
        ids(&judge(kind, &keys(), facts, past, now()))
    }

    fn with(name: &str, subject: &str, value: Value) -> Facts {
        let mut facts = facts(2, 100.0, 1000.0);
        facts.observations.retain(|fact| fact.name != name);
        facts.push(name, subject, value);
        facts
    }

    #[test]
    fn each_fact_has_its_finding() {
        let none: [&str; 0] = [];
        assert_eq!(judge_case(&facts(2, 100.0, 1000.0), &[]), none);
        assert_eq!(judge_case(&facts(29, 100.0, 1000.0), &[]), none);
        assert_eq!(judge_case(&facts(31, 100.0, 1000.0), &[]), ["backup_stale"]);
        assert_eq!(judge_case(&facts(73, 100.0, 1000.0), &[]), ["backup_stale!"]);
        assert_eq!(judge_case(&facts(-1, 100.0, 1000.0), &[]), ["backup_future"]);
        assert_eq!(judge_case(&facts(2, 0.0, 1000.0), &[]), ["backup_empty!"]);
        let said = with("said", "", Value::Text("could not load snapshot 1".to_owned()));
        assert_eq!(judge_case(&said, &[]), ["backup_complained"]);
        let unknown = with("size_unknown", "h-1", Value::Flag(true));
        assert_eq!(judge_case(&unknown, &[]), ["backup_size_unknown"]);
        let left_out = with("groups_left_out", "", Value::Number(3.0));
        assert_eq!(judge_case(&left_out, &[]), ["backup_groups_left_out"]);
        let readable = with("readable", "h-1", Value::Flag(false));
        assert_eq!(judge_case(&readable, &[]), ["backup_unreadable!"]);
    }

    #[test]
    fn locks_weigh_by_age_holder_and_kind() {
        let lock = |minutes: i64, exclusive: bool, dead: bool| {
            let renewed = now() - SignedDuration::from_mins(minutes);
            let mut facts = with("oldest_lock", "", Value::Time(renewed));
            facts.push("lock_exclusive", "", Value::Flag(exclusive));
            facts.push("lock_dead", "", Value::Flag(dead));
            judge_case(&facts, &[])
        };
        assert_eq!(lock(5, true, false), Vec::<String>::new());
        assert_eq!(lock(31, false, false), ["backup_lock_stale"]);
        assert_eq!(lock(31, true, false), ["backup_lock_stale!"]);
        assert_eq!(lock(1, true, true), ["backup_lock_stale!"]);
    }

    #[test]
    fn history_tells_what_is_unusual() {
        let past: Vec<Evidence> = (1..=9)
            .rev()
            .map(|day| {
                let facts = facts(24 * day, 100.0, 1000.0 - day as f64);
                evidence(&facts, vec![], now() - SignedDuration::from_hours(24 * day))
            })
            .collect();
        assert_eq!(judge_case(&facts(2, 100.0, 1001.0), &past), Vec::<String>::new());
        assert_eq!(judge_case(&facts(2, 40.0, 1001.0), &past), ["backup_collapsed!"]);
        assert_eq!(judge_case(&facts(2, 400.0, 1001.0), &past), ["backup_grown"]);
        // All of the source came anew: encrypted files share nothing with what is stored.
        assert_eq!(judge_case(&facts(2, 100.0, 1100.0), &past), ["backup_churn"]);
        let gone = judge_case(&facts(31, 100.0, 1001.0), &past);
        assert_eq!(gone, ["backup_history_lost!", "backup_stale"]);
        let mut few = facts(2, 100.0, 1001.0);
        few.observations.retain(|fact| fact.name != "group_snapshots");
        few.push("group_snapshots", "h-1", Value::Number(3.0));
        assert_eq!(judge_case(&few, &past), ["backup_history_shrank"]);
        let other = with("repository_id", "", Value::Text("b".repeat(64)));
        assert_eq!(judge_case(&other, &past), ["backup_replaced!"]);
    }
}
