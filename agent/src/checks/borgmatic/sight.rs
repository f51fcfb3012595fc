//! What is there: each repository of the configuration, and when borgmatic verified it.
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind, Value};
use jiff::Timestamp;

use super::Borgmatic;
use super::import::{Imported, Repository, Secret, import};
use crate::backup::{Sight, subject};
use crate::checks::borg::{Eye, Seen};
use crate::checks::{Facts, Look};
use crate::probe::borg::Access;
use crate::probe::host::{Host, HostError};
use crate::probe::redact::{Secrets, plain};

/// A configuration is not larger.
const LARGEST: usize = 1 << 20;

/// The repositories of a configuration as last read.
#[derive(Default)]
pub(super) struct Known {
    text: String,
    imported: Arc<Imported>,
    eyes: Arc<Vec<Eye>>,
}

impl Known {
    /// What looks at each of them.
    pub(super) fn eyes(&self) -> Arc<Vec<Eye>> {
        Arc::clone(&self.eyes)
    }
}

/// The subject of a group within a repository.
pub(super) fn inside(label: &str, group: &str) -> String {
    format!("{label}/{group}")
}

/// What all repositories have in common in the facts.
#[derive(Default)]
struct Whole {
    sight: Sight,
    missing_segments: Option<u64>,
    zero_filled: Vec<(String, u64)>,
    own: Facts,
    failure: Option<Failure>,
    seen: usize,
}

impl Borgmatic {
    /// Looks at every repository; one that fails does not hide the others.
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        let until = Instant::now() + look.deadline.mul_f64(0.95);
        let (imported, eyes) = self.read(&look.root).await?;
        let mut whole = Whole::default();
        for (at, (repository, eye)) in imported.repositories.iter().zip(eyes.iter()).enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            // A slow one leaves the others their share.
            let turns = u32::try_from(eyes.len() - at).unwrap_or(1);
            let deadline = (left / turns).max(Duration::from_millis(1));
            let one = Look { deadline, ..look.clone() };
            let name = name_of(repository);
            let label = subject(&name, &[&repository.path]);
            whole.own.push("repository", &label, Value::Text(name.clone()));
            match eye.look(&one).await {
                Ok(seen) => {
                    self.verifications(&imported, &seen, &label, &mut whole.own, look);
                    whole.add(seen, &label, &name);
                }
                Err(failure) => {
                    let is_unknown = failure.kind.is_unknown();
                    whole.own.push("failure", &label, Value::Text(failure.what.clone()));
                    whole.own.push("failure_unknown", &label, Value::Flag(is_unknown));
                    whole.failure.get_or_insert(failure);
                }
            }
        }
        match whole.failure.take() {
            Some(failure) if whole.seen == 0 => Err(failure),
            _ => Ok(whole.facts(self)),
        }
    }

    /// The configuration as it is now, with its text.
    pub(super) fn import(&self, root: &Path) -> Result<(String, Imported), Failure> {
        let host = Host::new(Path::new("/"));
        let text = host.text(&self.configuration, LARGEST).map_err(|error| {
            let failure = Failure::from(error.clone());
            // That the configuration is gone does not mean that the backups are.
            let kind = match error {
                HostError::NotFound { .. } => FailureKind::Unreadable,
                _ => failure.kind,
            };
            Failure { kind, ..failure }
        })?;
        let own_name = Host::new(root).text("/proc/sys/kernel/hostname", 1024).unwrap_or_default();
        let imported = import(&text, own_name.trim()).map_err(|why| Failure {
            kind: FailureKind::Unreadable,
            what: format!("{} cannot be used: {why}", self.configuration),
            advice: "run `validate-borgmatic-config`, or check each repository by kind `borg`"
                .to_owned(),
        })?;
        Ok((text, imported))
    }

    /// The configuration as it is now; what is known of archives stays while it
    /// does not change.
    pub(super) async fn read(
        &self,
        root: &Path,
    ) -> Result<(Arc<Imported>, Arc<Vec<Eye>>), Failure> {
        let (text, imported) = self.import(root)?;
        let mut known = self.repositories.lock().await;
        if known.text != text || known.eyes.is_empty() {
            let accesses: Vec<Access> = imported
                .repositories
                .iter()
                .map(|repository| self.access(&imported, repository))
                .collect::<Result<_, _>>()?;
            let eye = |access| Eye::new(access, imported.archives.clone(), None);
            let eyes = accesses.into_iter().map(eye).collect();
            *known = Known { text, eyes: Arc::new(eyes), imported: Arc::new(imported) };
        }
        Ok((Arc::clone(&known.imported), Arc::clone(&known.eyes)))
    }

    fn access(&self, imported: &Imported, repository: &Repository) -> Result<Access, Failure> {
        let path = self.expanded(&repository.path);
        let mut access = Access {
            repository: path,
            passphrase_file: self.passphrase_file.clone(),
            key_file: self.key_file.clone(),
            tool: self.tool.clone(),
            environment: imported.environment.clone(),
            ..Access::default()
        };
        if access.key_file.is_none() {
            let usual = || format!("{}/.config/borg/keys", self.home);
            let folder = imported.keys_folder.as_ref().map_or_else(usual, |it| self.expanded(it));
            access.keys_folder = Some(folder);
        }
        match &imported.secret {
            _ if access.passphrase_file.is_some() => {}
            Secret::None => {}
            Secret::Here(passphrase) => access.passphrase = Some(passphrase.clone()),
            Secret::File(file) => access.passphrase_file = Some(file.clone()),
            Secret::Elsewhere(why) => {
                return Err(Failure {
                    kind: FailureKind::AuthFailed,
                    what: format!("the passphrase cannot be had: {why}"),
                    advice: "put it into a file and name that by `passphrase_file`".to_owned(),
                });
            }
        }
        Ok(access)
    }

    pub(super) fn expanded(&self, path: &str) -> String {
        let home = path.strip_prefix("~/").or_else(|| path.strip_prefix("$HOME/"));
        home.map_or_else(|| path.to_owned(), |rest| format!("{}/{rest}", self.home))
    }

    /// When each check of a repository last ran, by the files that borgmatic touches.
    fn verifications(
        &self,
        imported: &Imported,
        seen: &Seen,
        label: &str,
        facts: &mut Facts,
        look: &Look,
    ) {
        let Some(id) = seen.sight.repository_id.as_deref().filter(|id| is_plain(id)) else {
            return;
        };
        facts.push("own_id", label, Value::Text(id.to_owned()));
        let count = seen.sight.groups.iter().map(|group| group.snapshots.len()).sum::<usize>();
        facts.push("archives", label, Value::Number(count as f64));
        if imported.checks.is_empty() {
            facts.push("checks_off", label, Value::Flag(true));
        }
        let first = seen.sight.groups.iter().filter_map(|group| group.snapshots.first());
        let oldest = first.map(|snapshot| snapshot.start).min();
        let host = Host::new(&look.root);
        for (check, every) in &imported.checks {
            let one = format!("{label}/{}", plain(check));
            facts.push("verify_every", &one, Value::Number(*every as f64));
            if let Some(oldest) = oldest {
                facts.push("oldest", &one, Value::Time(oldest));
            }
            if let Some(last) = self.last_run(imported, &host, id, check) {
                facts.push("verified", &one, Value::Time(last));
            }
        }
    }

    fn last_run(
        &self,
        imported: &Imported,
        host: &Host,
        id: &str,
        check: &str,
    ) -> Option<Timestamp> {
        if !is_plain(check) {
            return None;
        }
        let usual = [".borgmatic", ".local/state/borgmatic", ".cache/borgmatic"];
        let usual = usual.iter().map(|folder| format!("{}/{folder}", self.home));
        let configured = imported.state_folders.iter().map(|folder| self.expanded(folder));
        let of_folder = |folder: String| {
            let path = format!("{folder}/checks/{id}/{check}");
            let about = host.about(&path).ok()?;
            if !about.is_folder {
                return Some(about.modified);
            }
            // From 1.8 on there is one file for each selection of archives.
            let names = host.list(&path).ok()?;
            let times = names.iter().filter_map(|name| host.about(&format!("{path}/{name}")).ok());
            times.filter(|about| about.is_file).map(|about| about.modified).max()
        };
        usual.chain(configured).filter_map(of_folder).max()
    }
}

/// Letters and digits alone, fit to be part of a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

pub(super) fn name_of(repository: &Repository) -> String {
    let name = repository.label.as_deref().unwrap_or(&repository.path);
    plain(&Secrets::default().hide(name)).chars().take(120).collect()
}

impl Whole {
    fn add(&mut self, seen: Seen, label: &str, name: &str) {
        self.seen += 1;
        let Seen { sight, missing_segments, zero_filled } = seen;
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        let whole = &mut self.sight;
        whole.version = whole.version.take().or(sight.version);
        whole.snapshots = sum(whole.snapshots, sight.snapshots);
        whole.unreadable_snapshots = sum(whole.unreadable_snapshots, sight.unreadable_snapshots);
        self.missing_segments = sum(self.missing_segments, missing_segments);
        if !sight.said.is_empty() {
            let said = [whole.said.as_str(), &sight.said].join(" ").trim().to_owned();
            whole.said = said.chars().take(400).collect();
        }
        whole.append_only = match (whole.append_only, sight.append_only) {
            (Some(a), Some(b)) => Some(a && b),
            (a, b) => a.or(b),
        };
        let is_worse = |locks: &crate::backup::LocksSeen| {
            locks.worst.as_ref().is_some_and(|lock| !lock.is_alive)
        };
        match (&whole.locks, sight.locks) {
            (None, locks) => whole.locks = locks,
            (Some(_), Some(locks)) if is_worse(&locks) => whole.locks = Some(locks),
            _ => {}
        }
        let within = |group: &str| inside(label, group);
        self.zero_filled.extend(zero_filled.into_iter().map(|(group, n)| (within(&group), n)));
        for mut group in sight.groups {
            group.subject = within(&group.subject);
            group.words = format!("{name}: {}", group.words);
            whole.groups.push(group);
        }
    }

    fn facts(self, check: &Borgmatic) -> Facts {
        let mut facts = self.sight.facts(&check.keys);
        facts.observations.extend(self.own.observations);
        if let Some(missing) = self.missing_segments {
            facts.push("missing_segments", "", Value::Number(missing as f64));
        }
        for (subject, files) in self.zero_filled {
            facts.push("zero_filled", &subject, Value::Number(files as f64));
        }
        facts
    }
}
