//! A drill within its worker: lists, reads a part, restores in batches, and has it looked at.
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use evenkeel_config::record::{DrillFacts, DrillLevel, Failure, FailureKind, TimedRestore};
use jiff::Timestamp;

use super::examine::{self, Asked, Examined};
use super::job::{Damaged, Drilled, Event, GroupPlan, Job, Looked, Task, is_broken};
use super::sample::{Caps, Sampler};
use super::worker::Emit;
use super::{Drillable, Listed, Restored, Room, Target, Wanted, live, sandbox};
use crate::backup::Keys;
use crate::backup::canary::{self, CanaryError};

/// Damaged files are named up to this number.
const MOST_NAMED: usize = 20;

/// Does a job. What came of it are the events; an error means that there is no
/// answer at all.
///
/// # Errors
/// It cannot be told, typed.
pub(super) async fn run_job(job: Job, emit: Emit<Event>) -> Result<(), Failure> {
    let check = job.drilled.build()?;
    let Some(drillable) = check.drill() else {
        return Err(Failure {
            kind: FailureKind::Internal,
            what: format!("a check of the kind `{}` cannot be drilled", job.drilled.kind),
            advice: "remove its table `drill`".to_owned(),
        });
    };
    let room = job.room();
    let keys = check.keys();
    let mut work = Work { drillable, keys, job: &job, room, emit, at: 0, of: 0 };
    match &job.task {
        Task::Plan { caps, last, groups } => {
            let order = |subject: &str| last.get(subject).copied();
            work.plan(*caps, &order, *groups).await
        }
        Task::Restore { plans, parts, level, whole } => {
            let each = if *whole { 2 } else { 3 };
            work.of = u32::try_from(parts.len() + plans.len() * each).unwrap_or(u32::MAX);
            for part in parts {
                work.read(*part).await;
            }
            for plan in plans {
                work.drill(plan, *level, *whole).await;
            }
            Ok(())
        }
    }
}

struct Work<'a> {
    drillable: &'a dyn Drillable,
    keys: Option<&'a Keys>,
    job: &'a Job,
    room: Room,
    emit: Emit<Event>,
    at: u32,
    of: u32,
}

impl Work<'_> {
    fn step(&mut self, what: impl Into<String>) {
        self.at += 1;
        self.emit.send(&Event::Step { at: self.at, of: self.of, what: what.into() });
    }

    fn facts(&self, level: DrillLevel) -> DrillFacts {
        let Drilled { component, dataset, .. } = &self.job.drilled;
        DrillFacts {
            seed: self.job.seed,
            cold: true,
            path: self.job.path,
            escrowed_secret: self.job.escrowed,
            tool_version: self.drillable.tool_version(),
            ..DrillFacts::new(component.clone(), dataset.clone(), Timestamp::now(), level)
        }
    }

    /// What cannot be told is said, what is broken is the answer.
    fn failed(&self, mut facts: DrillFacts, what: &str, failure: Failure) {
        if is_broken(failure.kind) {
            facts.worked = false;
            facts.why = failure.what;
            self.answer(facts, Looked::default());
        } else {
            let subject = facts.subject;
            self.emit.send(&Event::CannotTell { subject, what: what.to_owned(), failure });
        }
    }

    fn answer(&self, drill: DrillFacts, looked: Looked) {
        self.emit.send(&Event::Answer { drill: Box::new(drill), looked });
    }

    async fn plan(
        &mut self,
        caps: Caps,
        last: &dyn Fn(&str) -> Option<Timestamp>,
        groups: usize,
    ) -> Result<(), Failure> {
        // What is broken before anything could be restored is a failed drill.
        let level = DrillLevel::Sample;
        self.step("looking whether a backup runs");
        let runs = match self.drillable.backup_runs(self.room.until).await {
            Ok(runs) => runs,
            Err(failure) if is_broken(failure.kind) => {
                self.failed(self.facts(level), "", failure);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        if let Some(runs) = runs {
            return Err(Failure {
                kind: FailureKind::Locked,
                what: format!("{} is working on the repository, so the drill waits", runs.holder),
                advice: "nothing to do: the drill is tried again later".to_owned(),
            });
        }
        let mut targets = match self.drillable.targets(self.room.until).await {
            Ok(targets) => targets,
            Err(failure) if is_broken(failure.kind) => {
                self.failed(self.facts(level), "", failure);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        if targets.is_empty() {
            let mut facts = self.facts(level);
            facts.worked = false;
            facts.why = "there is no snapshot that could be restored".to_owned();
            self.answer(facts, Looked::default());
        }
        targets.sort_by_key(|target| (last(&target.subject), target.subject.clone()));
        for target in &targets {
            let (subject, group) = (target.subject.clone(), target.group.clone());
            self.emit.send(&Event::Group { subject, group });
        }
        for target in targets.into_iter().take(groups) {
            self.step(format!("listing {}", target.group));
            let mut sampler = Sampler::new(self.job.seed, caps);
            let path = self.canary();
            let mut canary = None;
            let mut each = |file: Listed| {
                sampler.add(&file);
                if path == Some(file.path.as_str()) && file.size <= canary::LARGEST {
                    canary = Some(file);
                }
            };
            match self.drillable.list(&target, &self.room, &mut each).await {
                Err(failure) => {
                    let what = format!("listing {}", target.group);
                    self.failed(about(self.facts(level), &target), &what, failure);
                }
                Ok(()) => {
                    let mut sample = sampler.finish();
                    canary.into_iter().for_each(|file| sample.ask_for(file));
                    self.emit.send(&Event::Planned(Box::new(GroupPlan { target, sample })));
                }
            }
        }
        Ok(())
    }

    async fn read(&mut self, part: [u32; 2]) {
        self.step(format!("reading part {} of {} of the stored data", part[0], part[1]));
        let facts = DrillFacts { subset: Some(part), ..self.facts(DrillLevel::ReadSubset) };
        match self.drillable.read_part(part, &self.room).await {
            Ok(None) => {}
            Ok(Some(read)) => {
                let why = if read.sound { String::new() } else { read.said };
                self.answer(DrillFacts { worked: read.sound, why, ..facts }, Looked::default());
            }
            Err(failure) => {
                let what = format!("reading part {} of {}", part[0], part[1]);
                // That the repository is broken is for the restore to say.
                self.emit.send(&Event::CannotTell { subject: String::new(), what, failure });
            }
        }
    }

    async fn drill(&mut self, plan: &GroupPlan, level: DrillLevel, whole: bool) {
        let target = &plan.target;
        let mut facts = about(self.facts(DrillLevel::Sample), target);
        facts.total_files = Some(plan.sample.total_files);
        facts.total_bytes = Some(plan.sample.total_bytes);
        facts.asked = plan.sample.files();
        if plan.sample.total_files == 0 {
            facts.worked = false;
            facts.why = "the newest snapshot holds no file".to_owned();
            self.answer(facts, Looked::default());
            return;
        }
        let what = format!("restoring from {}", target.group);
        match self.restore_and_look(plan, &mut facts, level, whole).await {
            Ok(looked) => self.answer(facts, looked),
            Err(failure) => self.failed(facts, &what, failure),
        }
        // What cannot be removed now is removed with the whole folder at the end.
        let _ = sandbox::clear(&self.room.folder);
        let _ = sandbox::clear(&self.room.cache);
    }

    async fn restore_and_look(
        &mut self,
        plan: &GroupPlan,
        facts: &mut DrillFacts,
        level: DrillLevel,
        whole: bool,
    ) -> Result<Looked, Failure> {
        let (target, sample) = (&plan.target, &plan.sample);
        if !whole && sample.files() == 0 {
            return Err(Failure {
                kind: FailureKind::NoSpace,
                what: format!("every file of {} is larger than a sample may be", target.group),
                advice: "raise `bytes` and `quota` in the table `drill`".to_owned(),
            });
        }
        let mut ends: Vec<Restored> = Vec::new();
        let group = &target.group;
        if whole {
            if level == DrillLevel::Full {
                facts.level = level;
            }
            facts.asked = sample.total_files;
            self.step(format!("restoring all {} files of {group}", sample.total_files));
            let end = self.drillable.restore(target, Wanted::All, &self.room).await?;
            let (files, bytes) = (sample.total_files, sample.total_bytes);
            facts.restores.push(TimedRestore { files, bytes, seconds: end.seconds });
            ends.push(end);
        } else {
            for (size, files) in [("small", &sample.small), ("large", &sample.large)] {
                self.step(format!("restoring {} {size} files of {group}", files.len()));
                if files.is_empty() {
                    continue;
                }
                let end = self.drillable.restore(target, Wanted::Files(files), &self.room).await?;
                let bytes = files.iter().map(|file| file.size).sum();
                let files = files.len() as u64;
                facts.restores.push(TimedRestore { files, bytes, seconds: end.seconds });
                ends.push(end);
            }
        }
        facts.seconds = ends.iter().map(|end| end.seconds).sum();
        facts.tool_version = self.drillable.tool_version();
        self.step(format!("looking at what came back of {group}"));
        let Some(below) = ends.first().map(|end| end.below.clone()) else {
            return Ok(Looked::default());
        };
        let root = self.room.folder.join(below);
        let examined = self.examine(&root, plan, whole).await?;
        judge(facts, &examined, &ends);
        self.look_at_canary(&root, plan, facts);
        self.open(&root, facts, level).await?;
        if !facts.worked {
            // A restore that lost files was no measure of how long they take.
            facts.restores.clear();
        }
        let named = |(path, why): (String, String)| Damaged { path, why };
        let damaged = examined.damaged.into_iter().map(|one| (one.path, one.why)).map(named);
        let suspects = examined.suspicious.into_iter().map(named);
        Ok(Looked {
            damaged: damaged.take(MOST_NAMED).collect(),
            unopened: examined.format_count,
            suspicious: examined.suspicious_count,
            suspects: suspects.take(MOST_NAMED).collect(),
        })
    }

    /// Where the canary stands in its source.
    fn canary(&self) -> Option<&str> {
        self.keys?.canary.as_ref()?.to_str()
    }

    /// The canary tells by itself how old the data is, and whether it is ours.
    fn look_at_canary(&self, root: &Path, plan: &GroupPlan, facts: &mut DrillFacts) {
        let (Some(path), Some(keys)) = (self.canary(), self.keys) else { return };
        if !plan.sample.iter().any(|file| file.path == path) {
            return;
        }
        let file = root.join(path.trim_start_matches('/'));
        let is_small = std::fs::symlink_metadata(&file)
            .is_ok_and(|about| about.is_file() && about.len() <= canary::LARGEST);
        let bytes = if is_small { std::fs::read(&file).unwrap_or_default() } else { Vec::new() };
        match canary::key(&self.job.data).and_then(|key| canary::read(&key, &keys.name, &bytes)) {
            Ok(written) => facts.data_as_of = Some(written),
            Err(CanaryError::Changed) => {
                facts.worked = false;
                facts.damaged += 1;
                facts.why = join(&facts.why, "the canary came back changed");
            }
            Err(error @ CanaryError::File(_)) => facts.why = join(&facts.why, &error.to_string()),
        }
    }

    /// Has the sample, or every file of the snapshot, looked at.
    async fn examine(
        &self,
        root: &Path,
        plan: &GroupPlan,
        whole: bool,
    ) -> Result<Examined, Failure> {
        let asked = self.asked(plan).await;
        let run = self.room.folder.parent().unwrap_or(&self.room.folder);
        let limits = examine::Limits::new(self.room.until, run);
        if !whole {
            return examine::examine(root, &asked, &limits).await;
        }
        // The list may be longer than memory, so it goes through a file.
        let file = self.room.cache.join("files.json");
        let hashes: BTreeMap<String, Option<String>> =
            asked.into_iter().map(|file| (file.path, file.sha256)).collect();
        let mut out = std::fs::File::create(&file)
            .map(std::io::BufWriter::new)
            .map_err(|error| unwritten(&error))?;
        let mut written = Ok(());
        let mut each = |file: Listed| {
            let asked = Asked {
                sha256: hashes.get(&file.path).cloned().flatten(),
                size: Some(file.size),
                modified: file.modified,
                live: None,
                path: file.path,
            };
            if written.is_ok() {
                written = serde_json::to_writer(&mut out, &asked)
                    .map_err(std::io::Error::from)
                    .and_then(|()| out.write_all(b"\n"));
            }
        };
        self.drillable.list(&plan.target, &self.room, &mut each).await?;
        written.and_then(|()| out.flush()).map_err(|error| unwritten(&error))?;
        examine::examine_list(root, &file, &limits).await
    }

    /// The sample, each file with the hash of the live one if that is the same still.
    async fn asked(&self, plan: &GroupPlan) -> Vec<Asked> {
        let files: Vec<Listed> = plan.sample.iter().cloned().collect();
        let (start, is_here) = (plan.target.start, plan.target.is_of_this_host);
        let hashing = tokio::task::spawn_blocking(move || {
            let asked = |file: Listed| Asked {
                size: Some(file.size),
                modified: file.modified,
                sha256: is_here.then(|| live::hash(&file, start)).flatten(),
                live: None,
                path: file.path,
            };
            files.into_iter().map(asked).collect()
        });
        hashing.await.unwrap_or_default()
    }

    async fn open(
        &self,
        root: &Path,
        facts: &mut DrillFacts,
        level: DrillLevel,
    ) -> Result<(), Failure> {
        if !self.drillable.opens_applications() {
            return Ok(());
        }
        if level < DrillLevel::Application {
            // Files that nobody loaded are no measure of when the application is back.
            facts.restores.clear();
            return Ok(());
        }
        let Some(opened) = self.drillable.open(root, &self.room).await? else { return Ok(()) };
        facts.level = facts.level.max(DrillLevel::Application);
        facts.data_as_of = opened.data_as_of.or(facts.data_as_of);
        facts.seconds += opened.seconds;
        for restore in &mut facts.restores {
            restore.seconds += opened.seconds;
        }
        if !opened.works {
            facts.worked = false;
            facts.why = join(&facts.why, &opened.what);
        }
        Ok(())
    }
}

/// What a drill of a snapshot is about.
fn about(facts: DrillFacts, target: &Target) -> DrillFacts {
    DrillFacts { subject: target.subject.clone(), snapshot: Some(target.start), ..facts }
}

/// What came back against what was asked for. Nothing that the tool says makes
/// it better; what it complains about makes it worse, unless every single file
/// was compared and is as it was.
fn judge(facts: &mut DrillFacts, examined: &Examined, ends: &[Restored]) {
    facts.files = examined.found;
    facts.bytes = examined.bytes;
    facts.compared = examined.compared;
    facts.opened = examined.opened;
    facts.damaged = examined.damaged_count;
    let mut why = String::new();
    if facts.files < facts.asked {
        let what = format!("{} of {} files came back", facts.files, facts.asked);
        why = join(&why, &what);
    }
    // That a format does not open is no fault of the restore: it may never have.
    let missing = facts.asked.saturating_sub(facts.files);
    let faults = examined.damaged_count.saturating_sub(examined.format_count);
    if faults > missing {
        why = join(&why, &format!("{} files are not as they were", faults - missing));
    }
    facts.worked = why.is_empty();
    for end in ends.iter().filter(|end| !end.worked) {
        facts.worked &= facts.compared == facts.asked;
        why = join(&why, &end.said);
    }
    facts.why = why;
}

fn join(why: &str, more: &str) -> String {
    if why.is_empty() { more.to_owned() } else { format!("{why}; {more}") }
}

fn unwritten(error: &std::io::Error) -> Failure {
    let is_full = error.kind() == std::io::ErrorKind::StorageFull;
    Failure {
        kind: if is_full { FailureKind::NoSpace } else { FailureKind::PermissionDenied },
        what: format!("the list of files cannot be written to the scratch folder: {error}"),
        advice: "see that the scratch folder's disk has room and can be written".to_owned(),
    }
}
