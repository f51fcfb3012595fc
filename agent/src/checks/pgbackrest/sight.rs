//! What is there: the backups of each repository.
use std::collections::BTreeSet;
use std::time::Instant;

use evenkeel_config::record::Failure;
use jiff::Timestamp;

use super::PgBackRest;
use crate::backup::{GroupSight, LockSeen, LocksSeen, Sight, SnapshotSight};
use crate::checks::{Facts, Look};
use crate::probe::pgbackrest::{Backup, Stanza};

impl PgBackRest {
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        let until = Instant::now() + look.deadline.mul_f64(0.9);
        let version = self.version(until).await?;
        let (stanza, said) = self.info(until).await?;
        let held = stanza.status.lock.backup.held;
        let worst = held.then(|| LockSeen {
            renewed: look.now,
            exclusive: false,
            holder: "a backup that runs".to_owned(),
            is_alive: true,
            is_dead: false,
        });
        let sight = Sight {
            version: Some(version),
            // A stanza may have been upgraded: the newest cluster is the last.
            repository_id: stanza.db.last().map(|database| database.system_id.to_string()),
            snapshots: Some(stanza.backup.len() as u64),
            locks: Some(LocksSeen { count: u64::from(held), worst }),
            said,
            groups: groups(&stanza),
            ..Sight::default()
        };
        Ok(sight.facts(&self.keys))
    }
}

/// The repositories that are there, also those without any backup.
pub(super) fn repositories(stanza: &Stanza) -> BTreeSet<u64> {
    let known = stanza.repo.iter().map(|repo| repo.key);
    known.chain(stanza.backup.iter().map(|backup| backup.database.repo)).collect()
}

/// The name of a repository's group: empty where there is but one.
pub(super) fn subject(stanza: &Stanza, repo: u64) -> String {
    if repositories(stanza).len() < 2 { String::new() } else { format!("repo{repo}") }
}

fn groups(stanza: &Stanza) -> Vec<GroupSight> {
    let group = |repo: u64| {
        let backups = || stanza.backup.iter().filter(move |one| one.database.repo == repo);
        if backups().next().is_none() && repositories(stanza).len() < 2 {
            return None;
        }
        let subject = subject(stanza, repo);
        let words = if subject.is_empty() { String::new() } else { format!("repository {repo}") };
        let snapshots = backups().map(|backup| seen(stanza, backup)).collect();
        Some(GroupSight { subject, words, snapshots, ..GroupSight::default() })
    };
    repositories(stanza).into_iter().filter_map(group).collect()
}

fn seen(stanza: &Stanza, backup: &Backup) -> SnapshotSight {
    let time = |seconds: i64| Timestamp::from_second(seconds).ok();
    let complete = match (backup.error, stanza.wal_missing(backup)) {
        (Some(true), _) => Err("pages with wrong checksums were met while it was made".to_owned()),
        (_, Some(why)) => Err(why),
        (_, None) => Ok(()),
    };
    SnapshotSight {
        end: time(backup.timestamp.stop),
        bytes: Some(backup.info.size),
        added_bytes: backup.info.repository.delta,
        complete: Some(complete),
        ..SnapshotSight::new(time(backup.timestamp.start).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}
