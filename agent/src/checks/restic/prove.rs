//! How it is tried whether a restic repository on a server deletes a snapshot of our own.
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};

use super::Restic;
use crate::probe::own_file::Attack;
use crate::probe::restic::Repository;
use crate::proof::{OWN_HOST, OwnSnapshot, Provable};

#[async_trait::async_trait]
impl Provable for Restic {
    async fn try_snapshot(&self, own: &OwnSnapshot) -> Result<(String, Attack), Failure> {
        let left = own.until.saturating_duration_since(Instant::now());
        let repository = Repository::open(&self.access, left.max(Duration::from_millis(1)))?;
        let id = repository.id().await?;
        let is_own = |host: &str, tags: &[String]| host == OWN_HOST && tags.contains(&own.tag);
        let find = async || {
            let (snapshots, _) = repository.snapshots().await?;
            let mut own = snapshots.into_iter().filter(|one| is_own(&one.hostname, &one.tags));
            Ok::<_, Failure>(own.next())
        };
        let snapshot = match find().await? {
            Some(snapshot) => snapshot,
            None => {
                repository.make_own(&own.tag, OWN_HOST, &own.text).await?;
                find().await?.ok_or_else(|| {
                    untold("the snapshot of our own that was just made is not listed".to_owned())
                })?
            }
        };
        let written = snapshot.time;
        if written.saturating_add(own.after).unwrap_or(jiff::Timestamp::MAX) > own.now.max(written)
        {
            return Ok((id, Attack::Waits { written }));
        }
        let refusal = repository.forget_own(&snapshot.id).await;
        // What the tool says counts less than what is there afterwards.
        let is_there = find().await?.is_some_and(|still| still.id == snapshot.id);
        let what = "deleting a snapshot";
        let (accepted, refused) = match (is_there, refusal) {
            (false, _) => (vec![what], Vec::new()),
            (true, Ok(Some(_))) => (Vec::new(), vec![what]),
            (true, Ok(None)) => {
                return Err(untold("restic says it deleted our snapshot, and it is there".into()));
            }
            (true, Err(failure)) => return Err(failure),
        };
        Ok((id, Attack::Done { written, accepted, refused }))
    }
}

fn untold(what: String) -> Failure {
    Failure {
        kind: FailureKind::Other,
        what,
        advice: "run `evenkeel-agent prove-immutable` again".to_owned(),
    }
}
