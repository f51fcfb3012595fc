//! A job that reports its own runs to the agent's address: evidence of what the
//! job said, never green alone.
use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{CopyState, Evidence, Failure, FailureKind, Finding, Status, Value};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    BackupKind, Check, CheckKind, FactKind, Facts, FindingKind, Look, Seen, settings, since,
};
use crate::backup::{self, GroupSight, Keys, Sight, SnapshotSight};
use crate::heartbeats::{Heartbeats, Ping, Word};

const fn fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "heartbeat",
    about: "A job reports start, success and failure to an address of the agent in time",
    limits: "It proves that the job ran and what it said, not that there is any data: it stays \
             unknown until a restore drill is recorded.",
    example: r#"expect_every = "24h"                 # a success is due so often; a day unless stated
max_run = "6h"                       # a run that takes longer hangs; twelve hours unless stated
incomplete_codes = [3]               # exit codes that mean: done, but parts are missing (restic: 3)
dataset = "vm-files"                 # the data set on the map that is in it
"#,
    every: Span::from_secs(5 * 60),
    deadline: Span::from_secs(30),
    stale_after_intervals: 4,
    facts: &[
        fact("last_start", "heartbeat_last_start_timestamp_seconds", "Last start of the job."),
        fact("last_end", "heartbeat_last_end_timestamp_seconds", "Last end of the job."),
        fact("last_code", "heartbeat_last_exit_code", "Exit code of the last end; 0 is success."),
    ],
    findings: &[
        FindingKind {
            id: "heartbeat_never",
            severity: Status::Unknown,
            about: "The job has not reported yet.",
            advice: "Let the job call the address that `evenkeel-agent heartbeat` prints.",
        },
        FindingKind {
            id: "heartbeat_failed",
            severity: Status::Critical,
            about: "The job said that its last run failed.",
            advice: "Look at the job's own log.",
        },
        FindingKind {
            id: "heartbeat_hangs",
            severity: Status::Warning,
            about: "The job began and has not ended for longer than `max_run`.",
            advice: "See whether it hangs; if it takes so long by nature, raise `max_run`.",
        },
    ],
    backup: Some(BackupKind { secret_key: "" }),
    build,
};

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    max_run: Option<Span>,
    incomplete_codes: Vec<u8>,
}

struct Heartbeat {
    keys: Keys,
    name: String,
    max_run: SignedDuration,
    incomplete_codes: Vec<u8>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let (keys, own) = Keys::take(entry, problems)?;
    let settings: Settings = settings(&own, problems)?;
    let max_run = settings.max_run.unwrap_or(Span::from_hours(12));
    Some(Box::new(Heartbeat {
        keys,
        name: entry.name.clone(),
        max_run: SignedDuration::from_millis(max_run.as_ms()),
        incomplete_codes: settings.incomplete_codes,
    }))
}

impl Heartbeat {
    /// Each end that left a backup, with the start that belongs to it.
    fn snapshots(&self, pings: &[Ping]) -> Vec<SnapshotSight> {
        let mut began = None;
        let mut snapshots = Vec::new();
        for ping in pings {
            match ping.word {
                Word::Start => began = Some(ping.at),
                Word::End(code) => {
                    let is_whole = code == 0;
                    if is_whole || self.incomplete_codes.contains(&code) {
                        let missing = format!("the job ended with code {code}: parts are missing");
                        snapshots.push(SnapshotSight {
                            end: Some(ping.at),
                            complete: Some(if is_whole { Ok(()) } else { Err(missing) }),
                            ..SnapshotSight::new(began.unwrap_or(ping.at))
                        });
                    }
                    began = None;
                }
            }
        }
        snapshots
    }
}

#[async_trait::async_trait]
impl Check for Heartbeat {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let beats = Heartbeats::new(&look.data);
        let pings = beats.of(&self.name).map_err(|error| Failure {
            kind: FailureKind::Unreadable,
            what: format!("what the job said cannot be read: {error}"),
            advice: "see whether the agent's data folder is whole and readable".to_owned(),
        })?;
        let snapshots = self.snapshots(&pings);
        let groups = if snapshots.is_empty() {
            Vec::new()
        } else {
            vec![GroupSight { snapshots, ..GroupSight::default() }]
        };
        let mut facts = Sight { groups, ..Sight::default() }.facts(&self.keys);
        facts.push("only_said", "", Value::Flag(true));
        for ping in &pings {
            let name = if ping.word == Word::Start { "last_start" } else { "last_end" };
            facts.observations.retain(|fact| fact.name != name);
            facts.push(name, "", Value::Time(ping.at));
            if let Word::End(code) = ping.word {
                facts.observations.retain(|fact| fact.name != "last_code");
                facts.push("last_code", "", Value::Number(f64::from(code)));
            }
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = backup::judge(&KIND, &self.keys, facts, past, now);
        let time = |name: &str| match facts.get(name, "") {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        };
        let (start, end) = (time("last_start"), time("last_end"));
        let mut add = |id: &str, what: String| {
            let since = since(past, id, "", now);
            found.push(KIND.finding(id, &self.keys.component, "", what, since));
        };
        if start.is_none() && end.is_none() {
            add("heartbeat_never", "the job has not reported yet".to_owned());
            // Nothing was promised to be there before the first word.
            found.retain(|one| one.id != "backup_none");
            return found;
        }
        let code = facts.number("last_code", "").unwrap_or(0.0);
        if let Some(end) = end.filter(|_| code > 0.0) {
            let is_partial = self.incomplete_codes.iter().any(|one| f64::from(*one) == code);
            if !is_partial {
                let what = format!("the job said at {end:.0} that it failed, with code {code}");
                add("heartbeat_failed", what);
            }
        }
        if let Some(start) = start.filter(|start| end.is_none_or(|end| end < *start))
            && now.duration_since(start) > self.max_run
        {
            let what = format!("the job began at {start:.0} and has not ended");
            add("heartbeat_hangs", what);
        }
        found
    }

    fn keys(&self) -> Option<&Keys> {
        Some(&self.keys)
    }

    fn states(&self, seen: &Seen<'_>) -> Vec<CopyState> {
        backup::states(&self.keys, seen)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{build as build_check, ids};

    #[tokio::test]
    async fn what_a_job_says_is_judged_in_time() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let (start, end) = (Word::Start, Word::End(0));
        for (said, expected) in [
            (vec![], vec!["heartbeat_never"]),
            (vec![(3, start), (2, end)], vec![]),
            (vec![(2, end)], vec![]),
            (vec![(40, end)], vec!["backup_stale"]),
            (vec![(90, end)], vec!["backup_stale!"]),
            (vec![(26, end), (3, start), (2, Word::End(1))], vec!["heartbeat_failed!"]),
            (vec![(3, start), (2, Word::End(3))], vec!["backup_incomplete!"]),
            (vec![(20, end), (13, start)], vec!["heartbeat_hangs"]),
            (vec![(20, end), (11, start)], vec![]),
            (vec![(3, Word::End(9))], vec!["backup_none!", "heartbeat_failed!"]),
        ] {
            let data = tempfile::tempdir().unwrap();
            let beats = Heartbeats::new(data.path());
            for (hours, word) in &said {
                beats.note("heartbeat", *word, now - SignedDuration::from_hours(*hours)).unwrap();
            }
            let check = build_check(&KIND, "incomplete_codes = [3]").unwrap();
            let mut look = Look::new("/", now, Duration::from_secs(9));
            look.data = data.path().to_owned();
            let facts = check.observe(&look).await.unwrap();
            assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{said:?}");
        }
    }
}
