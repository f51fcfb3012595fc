//! Keeps the picture up to date: reads the map, collects from agents, simulates.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use evenkeel_config::load::{self, Source};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{DrillPlan, Evidence, EvidenceSet, SCHEMA_VERSION};
use evenkeel_config::scenario::Scenario;
use jiff::{SignedDuration, Timestamp};

use crate::hub::{AgentSource, CollectError, Facts, HubStore, StoreError, assemble, collect};
use crate::map_findings;
use crate::picture::{Picture, Year};
use crate::simulate::{self, Order, Results};

/// Where the map, the scenarios and the facts come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The map.
    pub map: MapSource,
    /// Scenarios in the order of the form.
    pub scenarios: Vec<Scenario>,
    /// Agents that are asked.
    pub agents: Vec<AgentSource>,
    /// Facts that came with an example; nobody is asked for more.
    pub shipped: Option<EvidenceSet>,
}

/// Where the map comes from.
#[derive(Debug, Clone)]
pub enum MapSource {
    /// A file or folder, read again when it changes.
    Path(PathBuf),
    /// Texts that ship with the program.
    Shipped(Vec<Source>),
}

/// How much is worked out before a picture is drawn, quick things first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The nights of each scenario.
    Nights,
    /// What each priced fix changes, too.
    Fixes,
    /// The year, too, and what would move the promises.
    All,
}

/// What is worked out after the nights.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    /// The year.
    Year,
    /// What would move the promises of the scenario with this id.
    Moves(String),
}

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Trials of each scenario.
    pub trials: u64,
    /// Seed.
    pub seed: u64,
    /// How often agents are asked.
    pub collect_every: SignedDuration,
    /// How old a prediction may grow before it is made anew.
    pub simulate_every: SignedDuration,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            trials: 10_000,
            seed: 20_261_117,
            collect_every: SignedDuration::from_secs(60),
            simulate_every: SignedDuration::from_hours(1),
        }
    }
}

/// Why the picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The map cannot be used.
    #[error("{0}")]
    Map(Problems),
    /// The history cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Map, history and the latest results.
#[derive(Debug)]
pub struct Keeper {
    store: HubStore,
    sources: Sources,
    effort: Effort,
    map: DependencyMap,
    warnings: Problems,
    map_read: Option<SystemTime>,
    results: Results,
    simulated: Option<Timestamp>,
    year: Year,
    moves: BTreeMap<String, DrillPlan>,
    /// What is older than the results, the next one last.
    due: Vec<Due>,
    /// Why the map as it stands now is not the one that is shown.
    refused: Option<String>,
    started: Timestamp,
    answered: BTreeSet<String>,
}

impl Keeper {
    /// Reads the map and opens the history.
    ///
    /// # Errors
    /// The map has errors.
    pub fn open(
        store: HubStore,
        sources: Sources,
        effort: Effort,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        let map_read = changed(&sources.map);
        let (map, warnings) = read(&sources.map).map_err(KeeperError::Map)?;
        let results = Results::default();
        Ok(Self {
            store,
            sources,
            effort,
            map,
            warnings,
            map_read,
            results,
            simulated: None,
            year: Year::Pending,
            moves: BTreeMap::new(),
            due: Vec::new(),
            refused: None,
            started: now,
            answered: BTreeSet::new(),
        })
    }

    /// How much is simulated, and how often.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// Asks every agent; what answers is stored, the rest is returned as errors.
    ///
    /// # Errors
    /// The history cannot be written.
    pub fn collect(&mut self) -> Result<Vec<CollectError>, StoreError> {
        if let Some(set) = self.sources.shipped.clone() {
            self.store_shipped(&set)?;
        }
        let mut silent = Vec::new();
        for source in &self.sources.agents {
            match collect(source) {
                Ok((set, recorded)) => {
                    self.store.add(&recorded.host, set.as_of, &set, Some(&recorded))?;
                    self.answered.insert(source.name.clone());
                }
                Err(error) => silent.push(error),
            }
        }
        Ok(silent)
    }

    fn store_shipped(&mut self, set: &EvidenceSet) -> Result<(), StoreError> {
        let mut hosts: Vec<&str> = set.evidence.iter().map(|e| e.host.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            let of_host = set.evidence.iter().filter(|e| e.host == host);
            let evidence: Vec<Evidence> = of_host.cloned().collect();
            let heard = evidence.iter().map(|e| e.started).max().unwrap_or(set.as_of);
            let part = EvidenceSet { schema_version: SCHEMA_VERSION, as_of: set.as_of, evidence };
            self.store.add(host, heard, &part, None)?;
        }
        Ok(())
    }

    /// Draws the picture as of `now` (for an example: as of its facts), worked out
    /// to a depth; what is deeper stays as it was.
    /// Simulates when there is no prediction yet, when it has grown old, when
    /// the map changed, or when `anew` is set.
    ///
    /// # Errors
    /// The history cannot be read or written. A map that has become wrong is
    /// no error: the last right one stays, and the picture says so.
    pub fn picture(
        &mut self,
        now: Timestamp,
        depth: Depth,
        anew: bool,
        progress: &dyn Fn(&str),
    ) -> Result<Picture, KeeperError> {
        let as_of = self.sources.shipped.as_ref().map_or(whole_minute(now), |set| set.as_of);
        let map_changed = self.reread();
        let evidence = self.evidence()?;
        let old =
            self.simulated.is_none_or(|at| as_of.duration_since(at) >= self.effort.simulate_every);
        let fixes = depth >= Depth::Fixes;
        if old || anew || map_changed || fixes && !self.has_fixes() {
            if map_changed {
                // Nothing of the old map is shown beside the new one, also if this fails.
                self.simulated = None;
                self.due.clear();
                self.year = Year::Pending;
                self.moves.clear();
            }
            self.simulate(as_of, &evidence, fixes, progress)?;
            let scenarios = self.results.summaries.iter();
            self.due = scenarios.rev().map(|one| Due::Moves(one.scenario.id.clone())).collect();
            self.due.push(Due::Year);
        }
        if depth == Depth::All {
            while self.work_on(progress)? {}
        }
        let mut earlier = BTreeMap::new();
        let day = SignedDuration::from_hours(20);
        for summary in &self.results.summaries {
            let before = as_of.checked_sub(day).unwrap_or(as_of);
            if let Some(old) = self.store.earlier_summary(&summary.scenario.id, before)? {
                earlier.insert(summary.scenario.id.clone(), old);
            }
        }
        Ok(assemble(Facts {
            map: self.map.clone(),
            warnings: self.warnings.clone(),
            map_findings: map_findings::findings(&self.map, as_of),
            evidence,
            recorded: self.store.recorded()?,
            heard: if self.sources.shipped.is_some() {
                Default::default()
            } else {
                self.store.heard()?
            },
            unheard: self.unheard(),
            silent_after: self.effort.collect_every * 3,
            summaries: self.results.summaries.clone(),
            year: self.year.clone(),
            moves: self.moves.clone(),
            cannot: self.refused.iter().chain(&self.results.cannot).cloned().collect(),
            earlier,
            as_of,
        }))
    }

    /// Agents that have not answered once: silent since the start, never left out.
    fn unheard(&self) -> BTreeMap<String, Timestamp> {
        let agents = self.sources.agents.iter().map(|source| &source.name);
        let silent = agents.filter(|name| !self.answered.contains(*name));
        silent.map(|name| (name.clone(), self.started)).collect()
    }

    fn has_fixes(&self) -> bool {
        self.map.fixes.is_empty()
            || self.results.summaries.is_empty()
            || self.results.summaries.iter().all(|summary| !summary.fixes.is_empty())
    }

    fn simulate(
        &mut self,
        as_of: Timestamp,
        evidence: &[Evidence],
        fixes: bool,
        progress: &dyn Fn(&str),
    ) -> Result<(), StoreError> {
        let set =
            EvidenceSet { schema_version: SCHEMA_VERSION, as_of, evidence: evidence.to_vec() };
        let evidence = [set];
        let order = self.order(as_of, &evidence, fixes);
        self.results = simulate::run(&order, &self.store, progress)?;
        self.simulated = Some(as_of);
        Ok(())
    }

    /// Works out the next thing that a picture of all depth shows, and says whether
    /// there was one; so that whoever waits for the keeper never waits for all.
    ///
    /// # Errors
    /// The history cannot be read or written.
    pub fn work_on(&mut self, progress: &dyn Fn(&str)) -> Result<bool, StoreError> {
        let (Some(due), Some(as_of)) = (self.due.pop(), self.simulated) else { return Ok(false) };
        let done = self.work(&due, as_of, progress);
        if done.is_err() {
            self.due.push(due); // it is still due
        }
        done.map(|()| true)
    }

    fn work(
        &mut self,
        due: &Due,
        as_of: Timestamp,
        progress: &dyn Fn(&str),
    ) -> Result<(), StoreError> {
        let evidence = self.evidence()?;
        let set = EvidenceSet { schema_version: SCHEMA_VERSION, as_of, evidence };
        let evidence = [set];
        let order = self.order(as_of, &evidence, false);
        match due {
            Due::Year => {
                let summaries = &self.results.summaries;
                self.year = simulate::year::run(&order, summaries, &self.store, progress)?;
            }
            Due::Moves(id) => {
                let of_it = self.results.summaries.iter().find(|one| one.scenario.id == *id);
                let Some(summary) = of_it else { return Ok(()) };
                let plan = simulate::moves::run(&order, summary, &self.store, progress)?;
                match plan {
                    Some(plan) => self.moves.insert(id.clone(), plan),
                    None => self.moves.remove(id),
                };
            }
        }
        Ok(())
    }

    /// Latest evidence of every check, and older evidence that came with drills.
    fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        let mut evidence = self.store.with_drills()?;
        evidence.extend(self.store.latest()?);
        Ok(evidence)
    }

    fn order<'a>(
        &'a self,
        as_of: Timestamp,
        evidence: &'a [EvidenceSet],
        fixes: bool,
    ) -> Order<'a> {
        Order {
            map: &self.map,
            scenarios: &self.sources.scenarios,
            evidence,
            as_of,
            seed: self.effort.seed,
            trials: self.effort.trials,
            fixes,
        }
    }

    /// Reads the map again if its files changed; says whether it is another one now.
    fn reread(&mut self) -> bool {
        let newest = changed(&self.sources.map);
        if newest == self.map_read {
            return false;
        }
        self.map_read = newest;
        match read(&self.sources.map) {
            Ok((map, warnings)) => {
                let other = map != self.map;
                (self.map, self.warnings) = (map, warnings);
                self.refused = None;
                other
            }
            Err(problems) => {
                tracing::error!("the map is refused, the last right one stays:\n{problems}");
                self.refused = Some(refusal(&problems));
                false
            }
        }
    }
}

fn read(source: &MapSource) -> Result<(DependencyMap, Problems), Problems> {
    let texts = match source {
        MapSource::Path(path) => load::read_sources(path)?,
        MapSource::Shipped(texts) => texts.clone(),
    };
    load::map_from(&texts).map(|loaded| (loaded.value, loaded.warnings))
}

/// One sentence on a map that was changed and is wrong now.
fn refusal(problems: &Problems) -> String {
    let count = problems.list.len();
    let first = problems.list.first().map_or(String::new(), |problem| {
        let file = Path::new(&problem.place.file).file_name().unwrap_or_default();
        let file = file.to_string_lossy();
        format!("; the first: {file}, line {}: {}", problem.place.line, problem.what)
    });
    let problems = if count == 1 { "problem" } else { "problems" };
    format!(
        "The map was changed and has {count} {problems}, so the last right one is shown{first}."
    )
}

/// The newest change among the map's files.
fn changed(source: &MapSource) -> Option<SystemTime> {
    let MapSource::Path(path) = source else { return None };
    let own = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
    let inside =
        inside.filter_map(|entry| entry.metadata().and_then(|about| about.modified()).ok());
    inside.chain(own).max()
}

fn whole_minute(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(now)
}
