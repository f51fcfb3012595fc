//! A drill from start to end: plans in one worker, restores in another, and gathers what came of it.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::quantity::{Rate, Span};
use evenkeel_config::record::{DrillFacts, DrillLevel, Failure, FailureKind, RestorePath};
use jiff::Timestamp;

use super::check::DrillCheck;
use super::job::{Drilled, Event, GroupPlan, Job, Looked, Task};
use super::sandbox::{Quota, Sandbox};
use super::worker::{self, Limits};
use super::{DrillSettings, rotation};
use crate::checks::Check;
use crate::plan::{Configured, digest};

/// Groups of one repository that one drill restores from; the next one goes on
/// with those that were drilled longest ago.
const MOST_GROUPS: usize = 6;

/// Room for caches and temporary files beside what is restored.
const BESIDE: u64 = 512 << 20;

/// Files in the scratch folder beside those that are restored: folders, caches.
const FILES_BESIDE: u64 = 200_000;

/// What is left of the deadline for removing what was restored.
const TIDYING: Duration = Duration::from_secs(5);

/// So long before its end a worker stops its tools, to say what they said till then.
const ANSWERING: Duration = Duration::from_secs(2);

/// The rhythm of drills that nobody scheduled: what one came to counts for two, a year.
pub(super) const UNSCHEDULED: Span = Span::from_hours(183 * 24);

/// A check of a backup with what its drills need.
#[derive(Clone)]
pub struct Drill {
    /// The entry of the check, without the table `drill`.
    pub(super) entry: CheckEntry,
    /// The check.
    pub(super) check: Arc<dyn Check>,
    /// The key that names its secret; empty where there is none.
    pub(super) secret_key: &'static str,
    /// Its settings.
    pub(super) settings: DrillSettings,
    /// Where it restores to; the folder `scratch` of the agent's data if nothing is said.
    pub(super) scratch: Option<PathBuf>,
}

/// What somebody asks of a drill beside its settings.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// How deep; as deep as is due unless said.
    pub level: Option<DrillLevel>,
    /// Seed of the sample; drawn unless said.
    pub seed: Option<u64>,
    /// File with the secret as it is kept for a disaster.
    pub secret_file: Option<PathBuf>,
    /// The data comes over the line that would be used after a disaster.
    pub offsite: bool,
}

/// The circumstances of a drill.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The agent's own folder.
    pub data: &'a Path,
    /// The drills of this check before, oldest first.
    pub history: &'a [DrillFacts],
    /// When it starts.
    pub now: Timestamp,
    /// How long it may take.
    pub within: Duration,
}

/// Somebody who is shown each step: its number, of how many (0 if unknown), and words.
pub type Watch<'a> = &'a mut (dyn FnMut(u32, u32, &str) + Send);

/// What would be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is restored, group by group.
    pub groups: Vec<GroupPlan>,
    /// Every group there is: subject and words.
    pub all_groups: Vec<(String, String)>,
    /// Which parts are read, and how many there are.
    pub parts: Vec<[u32; 2]>,
    /// How deep.
    pub level: DrillLevel,
    /// Whether all of each group is restored.
    pub whole: bool,
    /// Seed of the samples.
    pub seed: u64,
    /// Where it is restored to.
    pub scratch: PathBuf,
    /// Answers that planning alone came to: what is broken already.
    pub answers: Vec<DrillFacts>,
    /// What could not be told.
    pub unknown: Vec<Unknown>,
    /// The way the data takes, if stated.
    pub path: Option<RestorePath>,
    /// Whether the secret comes from where it is kept for a disaster.
    pub escrowed: bool,
    /// A limit for the line that the tool cannot keep to.
    pub unkept_bandwidth: Option<Rate>,
}

/// Something that could not be told.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The group's subject; empty for the repository.
    pub subject: String,
    /// What was to be done.
    pub what: String,
    /// Why not.
    pub failure: Failure,
}

/// What came of a drill.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was planned.
    pub plan: Plan,
    /// Every answer.
    pub answers: Vec<DrillFacts>,
    /// What was seen besides, by the subject of the group.
    pub looked: BTreeMap<String, Looked>,
    /// What could not be told.
    pub unknown: Vec<Unknown>,
}

impl Plan {
    /// Files that would be restored.
    pub fn files(&self) -> u64 {
        self.groups.iter().map(|group| self.size(group).0).sum()
    }

    /// Bytes that would be restored.
    pub fn bytes(&self) -> u64 {
        self.groups.iter().map(|group| self.size(group).1).sum()
    }

    /// Files and bytes that would be restored of a group.
    pub fn size(&self, group: &GroupPlan) -> (u64, u64) {
        let sample = &group.sample;
        if self.whole {
            (sample.total_files, sample.total_bytes)
        } else {
            (sample.files(), sample.bytes())
        }
    }

    /// Files and bytes of the largest group, since one is restored after the other.
    fn largest(&self) -> (u64, u64) {
        let sizes = || self.groups.iter().map(|group| self.size(group));
        let files = sizes().map(|size| size.0).max().unwrap_or(0);
        (files, sizes().map(|size| size.1).max().unwrap_or(0))
    }
}

impl Drill {
    /// The drill of a check, if that is of a kind that can be drilled. Without
    /// a folder of its own it restores to `scratch`.
    pub(crate) fn new(
        entry: &CheckEntry,
        check: &Arc<dyn Check>,
        secret_key: &'static str,
        settings: DrillSettings,
        scratch: Option<&str>,
    ) -> Self {
        let scratch = settings.scratch.clone().or_else(|| scratch.map(PathBuf::from));
        Self { entry: entry.clone(), check: Arc::clone(check), secret_key, settings, scratch }
    }

    /// The drill as a check of its own, named after the check that it drills.
    pub(crate) fn configured(self) -> Configured {
        let mut entry = self.entry.clone();
        entry.name = super::name_of(&entry.name);
        entry.kind = super::KIND.name.to_owned();
        Configured {
            kind: &super::KIND,
            every: self.settings.every.unwrap_or(UNSCHEDULED),
            deadline: self.deadline(),
            digest: digest(&entry),
            entry,
            check: Arc::new(DrillCheck(self)),
            drill: None,
            running: Arc::default(),
        }
    }

    /// How often it runs by itself; never without.
    pub(crate) fn every(&self) -> Option<Span> {
        self.settings.every
    }

    /// How long it may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.settings.deadline.as_ms().unsigned_abs())
    }

    /// The name of the check that it drills.
    pub fn of(&self) -> &str {
        &self.entry.name
    }

    /// What a drill would do, without restoring anything.
    ///
    /// # Errors
    /// It cannot be told, typed: a backup runs, no network, no tool.
    pub async fn plan(
        &self,
        order: &Order,
        around: &Around<'_>,
        watch: Watch<'_>,
    ) -> Result<Plan, Failure> {
        let settings = &self.settings;
        let opens = self.check.drill().is_some_and(|drill| drill.opens_applications());
        let due = || rotation::next_level(settings, opens, around.history, around.now);
        let level = order.level.unwrap_or_else(due);
        let parts = rotation::next_parts(around.history, settings.parts);
        let seed = order.seed.unwrap_or_else(drawn_seed);
        let mut plan = Plan {
            groups: Vec::new(),
            all_groups: Vec::new(),
            parts: parts.into_iter().map(|part| [part, settings.parts]).collect(),
            level,
            whole: level == DrillLevel::Full || (level == DrillLevel::Application && opens),
            seed,
            scratch: self.scratch(around.data),
            answers: Vec::new(),
            unknown: Vec::new(),
            path: self.way(order),
            escrowed: self.secret(order).is_some(),
            unkept_bandwidth: self.unkept_bandwidth(),
        };
        let last = around.history.iter().filter_map(|drill| {
            let last = rotation::last_drilled(around.history, &drill.subject)?;
            Some((drill.subject.clone(), last))
        });
        let task = Task::Plan { caps: settings.caps(), last: last.collect(), groups: MOST_GROUPS };
        let quota = Quota::new(settings.quota, FILES_BESIDE);
        let mut take = |event| match event {
            Event::Step { at, of, what } => watch(at, of, &what),
            Event::Group { subject, group } => plan.all_groups.push((subject, group)),
            Event::Planned(group) => plan.groups.push(*group),
            Event::Answer { drill, .. } => plan.answers.push(*drill),
            Event::CannotTell { subject, what, failure } => {
                plan.unknown.push(Unknown { subject, what, failure });
            }
        };
        let until = Instant::now() + around.within;
        self.send(order, around.data, seed, task, quota, None, until, &mut take).await?;
        if order.level.is_none() {
            self.keep_within_quota(&mut plan);
        }
        Ok(plan)
    }

    /// Where an application needs more than the quota to open, a sample is better
    /// than nothing; that nothing was opened is told.
    fn keep_within_quota(&self, plan: &mut Plan) {
        let bytes = plan.largest().1;
        let is_asked = plan.level == DrillLevel::Application && plan.whole;
        if !is_asked || bytes <= self.settings.caps().lone_bytes {
            return;
        }
        plan.level = DrillLevel::Sample;
        plan.whole = false;
        plan.unknown.push(Unknown {
            subject: String::new(),
            what: "opening the data with its application".to_owned(),
            failure: Failure {
                kind: FailureKind::NoSpace,
                what: format!("{bytes} bytes do not fit into the quota of the drill"),
                advice: "raise `quota` in the table `drill`".to_owned(),
            },
        });
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// It cannot be told, typed: no room, deadline, the worker was killed.
    pub async fn carry_out(
        &self,
        plan: Plan,
        order: &Order,
        data: &Path,
        within: Duration,
        watch: Watch<'_>,
    ) -> Result<Report, Failure> {
        let mut answers = plan.answers.clone();
        let mut unknown = plan.unknown.clone();
        let mut seen = BTreeMap::new();
        if !plan.groups.is_empty() {
            let task = Task::Restore {
                plans: plan.groups.clone(),
                parts: plan.parts.clone(),
                level: plan.level,
                whole: plan.whole,
            };
            let largest = plan.largest();
            let quota = self.quota(plan.level, largest);
            let mut take = |event| match event {
                Event::Step { at, of, what } => watch(at, of, &what),
                Event::Group { .. } | Event::Planned(_) => {}
                Event::Answer { drill, looked } => {
                    if drill.is_restore() {
                        seen.insert(drill.subject.clone(), looked);
                    }
                    answers.push(*drill);
                }
                Event::CannotTell { subject, what, failure } => {
                    unknown.push(Unknown { subject, what, failure });
                }
            };
            let until = Instant::now() + within;
            let sent = self
                .send(order, data, plan.seed, task, quota, Some(largest), until, &mut take)
                .await;
            match sent {
                Err(failure) if answers.iter().all(|drill| !drill.is_restore()) => {
                    return Err(failure);
                }
                // What was told before the end stays told.
                Err(failure) => {
                    let what = "the rest of the drill".to_owned();
                    unknown.push(Unknown { subject: String::new(), what, failure });
                }
                Ok(()) => {}
            }
        }
        Ok(Report { plan, answers, looked: seen, unknown })
    }

    /// Where it restores to.
    fn scratch(&self, data: &Path) -> PathBuf {
        let folder = self.scratch.clone().unwrap_or_else(|| data.join("scratch"));
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// A full drill plans its own room; the disk still has to hold it.
    fn quota(&self, level: DrillLevel, (files, bytes): (u64, u64)) -> Quota {
        let files = files.saturating_mul(2).saturating_add(FILES_BESIDE);
        let bytes = match level {
            DrillLevel::Full => bytes.saturating_add(bytes / 5).saturating_add(BESIDE),
            _ => self.settings.quota,
        };
        Quota::new(bytes, files)
    }

    /// The limit for the line, where data comes over one and the tool has no limit for it.
    fn unkept_bandwidth(&self) -> Option<Rate> {
        let drillable = self.check.drill()?;
        self.settings
            .bandwidth
            .filter(|_| drillable.needs_network() && !drillable.keeps_bandwidth())
    }

    /// The file with the secret as it is kept for a disaster.
    fn secret<'a>(&'a self, order: &'a Order) -> Option<&'a Path> {
        order.secret_file.as_deref().or(self.settings.secret_file.as_deref())
    }

    /// The way the data takes, if stated.
    fn way(&self, order: &Order) -> Option<RestorePath> {
        if order.offsite { Some(RestorePath::Offsite) } else { self.settings.path }
    }

    /// Has a worker do a task in a sandbox of its own.
    #[expect(clippy::too_many_arguments, reason = "each is another thing that the two tasks share")]
    async fn send(
        &self,
        order: &Order,
        data: &Path,
        seed: u64,
        task: Task,
        quota: Quota,
        size: Option<(u64, u64)>,
        until: Instant,
        take: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), Failure> {
        let Some(drillable) = self.check.drill() else {
            return Err(Failure {
                kind: FailureKind::Internal,
                what: format!("a check of the kind `{}` cannot be drilled", self.entry.kind),
                advice: "remove its table `drill`".to_owned(),
            });
        };
        let mut forbidden = drillable.own_folders();
        // A backup of the whole host leaves the scratch folder out by its tag.
        forbidden.retain(|folder| folder.is_absolute() && folder != Path::new("/"));
        let sandbox = Sandbox::open(&self.scratch(data), &forbidden, quota)?;
        if let Some((files, bytes)) = size {
            sandbox.fits(bytes, files)?;
        }
        let secret = self.secret(order).and_then(Path::to_str);
        let secret = secret.map(|file| (self.secret_key, file));
        let within = until.saturating_duration_since(Instant::now()).saturating_sub(TIDYING);
        let working = within.saturating_sub(ANSWERING.min(within / 10));
        let job = Job {
            drilled: Drilled::of(&self.entry, secret),
            folder: sandbox.files(),
            cache: sandbox.cache(),
            within_ms: u64::try_from(working.as_millis()).unwrap_or(u64::MAX),
            bandwidth: self.settings.bandwidth,
            seed,
            data: data.to_owned(),
            path: self.way(order),
            escrowed: self.secret(order).is_some(),
            task,
        };
        let mut limits = Limits::new(Instant::now() + within, sandbox.folder());
        limits.offline = !drillable.needs_network();
        let done = sandbox.guarded(worker::run(&job, &limits, take)).await;
        sandbox.purge()?;
        done
    }
}

/// A seed that is easily typed again.
fn drawn_seed() -> u64 {
    let drawn = getrandom::u32().unwrap_or_else(|_| std::process::id());
    u64::from(drawn % 1_000_000_000)
}
