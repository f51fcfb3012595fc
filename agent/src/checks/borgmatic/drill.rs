//! How the repositories of a configuration are drilled: each as borg's own check drills one.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;

use super::Borgmatic;
use super::import::Imported;
use super::sight::{inside, name_of};
use crate::backup::subject;
use crate::checks::borg::Eye;
use crate::drill::{BackupRuns, Drillable, Listed, PartRead, Restored, Room, Target, Wanted};
use crate::probe::borg::is_local;

impl Borgmatic {
    async fn opened(&self) -> Result<(Arc<Imported>, Arc<Vec<Eye>>), Failure> {
        self.read("/".as_ref()).await
    }

    /// The repository that a target is in, and the target as that knows it.
    async fn of(&self, target: &Target) -> Result<(Arc<Vec<Eye>>, usize, Target), Failure> {
        let (_, eyes) = self.opened().await?;
        let parts = target.snapshot.split_once('/');
        let parts = parts.and_then(|(at, archive)| Some((at.parse::<usize>().ok()?, archive)));
        let Some((at, archive)) = parts.filter(|(at, _)| *at < eyes.len()) else {
            return Err(changed());
        };
        Ok((eyes, at, Target { snapshot: archive.to_owned(), ..target.clone() }))
    }
}

fn changed() -> Failure {
    Failure {
        kind: FailureKind::Other,
        what: "the configuration of borgmatic was changed while it was drilled".to_owned(),
        advice: "nothing to do: the drill is tried again later".to_owned(),
    }
}

#[async_trait::async_trait]
impl Drillable for Borgmatic {
    /// A repository that cannot be looked at hides no other one: it stands there as a
    /// target without an archive, and fails when its turn comes.
    async fn targets(&self, until: Instant) -> Result<Vec<Target>, Failure> {
        let (imported, eyes) = self.opened().await?;
        let mut all = Vec::new();
        for (at, (repository, eye)) in imported.repositories.iter().zip(eyes.iter()).enumerate() {
            let name = name_of(repository);
            let label = subject(&name, &[&repository.path]);
            match eye.targets(until).await {
                Ok(targets) => all.extend(targets.into_iter().map(|target| Target {
                    subject: inside(&label, &target.subject),
                    group: format!("{name}: {}", target.group),
                    snapshot: format!("{at}/{}", target.snapshot),
                    ..target
                })),
                Err(_) => all.push(Target {
                    subject: label,
                    group: name,
                    snapshot: format!("{at}/"),
                    start: Timestamp::now(),
                    files: None,
                    bytes: None,
                    is_of_this_host: false,
                }),
            }
        }
        Ok(all)
    }

    async fn backup_runs(&self, until: Instant) -> Result<Option<BackupRuns>, Failure> {
        let (_, eyes) = self.opened().await?;
        for eye in eyes.iter() {
            // What cannot be looked at fails when its turn comes.
            if let Ok(Some(runs)) = eye.backup_runs(until).await {
                return Ok(Some(runs));
            }
        }
        Ok(None)
    }

    async fn list(
        &self,
        target: &Target,
        room: &Room,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), Failure> {
        let (eyes, at, own) = self.of(target).await?;
        if own.snapshot.is_empty() {
            return Err(eyes[at].targets(room.until).await.err().unwrap_or_else(changed));
        }
        eyes[at].list(&own, room, each).await
    }

    async fn restore(
        &self,
        target: &Target,
        wanted: Wanted<'_>,
        room: &Room,
    ) -> Result<Restored, Failure> {
        let (eyes, at, own) = self.of(target).await?;
        eyes[at].restore(&own, wanted, room).await
    }

    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let (imported, eyes) = self.opened().await?;
        let mut all = PartRead { sound: true, said: String::new(), part };
        for (repository, eye) in imported.repositories.iter().zip(eyes.iter()) {
            if let Some(read) = eye.read_part(part, room).await?.filter(|read| !read.sound) {
                all.sound = false;
                all.say(&format!("{}: {}", name_of(repository), read.said));
            }
        }
        Ok(Some(all))
    }

    fn needs_network(&self) -> bool {
        let imported = self.import("/".as_ref());
        imported.map_or(true, |(_, imported)| {
            imported.repositories.iter().any(|one| !is_local(&self.expanded(&one.path)))
        })
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        let Ok((_, imported)) = self.import("/".as_ref()) else { return Vec::new() };
        let repositories = imported.repositories.iter().map(|one| &one.path);
        let all = repositories.chain(&imported.sources).map(|path| self.expanded(path));
        all.filter(|path| is_local(path)).map(PathBuf::from).collect()
    }

    fn tool_version(&self) -> String {
        let known = self.repositories.try_lock();
        let eyes = known.map(|known| known.eyes());
        eyes.ok().and_then(|eyes| Some(eyes.first()?.tool_version())).unwrap_or_default()
    }
}
