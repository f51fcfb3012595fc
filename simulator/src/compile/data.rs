//! Data sets, their backups, the repositories they lie in and the links between.
use std::collections::BTreeMap;

use evenkeel_config::calendar::Hours;
use evenkeel_config::id::Id;
use evenkeel_config::map::{Backup, Component, DependencyMap, Details, OnFailure, RecoveryStep};
use evenkeel_config::problem::Place;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Size;
use evenkeel_config::restore_time::{Belief, RestoreLaw};
use jiff::ToSpan;

use super::{Compiler, start_range};
use crate::calendar::{local_date, local_instant};
use crate::calibrate::{Amount, DAMAGED, DEFAULT_SPEED, Facts, Known, Speed, Success};
use crate::model::{Chain, Copy, Dataset, Draw, Link, RestoreTimes, Step};
use crate::student::student_quantile;

/// More jobs than this are not looked back at.
const MOST_JOBS: usize = 20_000;

impl<'a> Compiler<'a> {
    /// Links, repositories and data sets, and the steps that restore them.
    pub(super) fn data(&mut self) {
        self.model.reinfected = self.step_name("the intruder is back with the restored data");
        let facts =
            Facts::gather(self.inputs.evidence, self.inputs.as_of, &self.inputs.map.calibration);
        self.links();
        self.copies(&facts);
        self.datasets(&facts);
        self.attach_steps();
    }

    fn links(&mut self) {
        for component in self.inputs.map.components.values() {
            let Details::Link(link) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let bandwidth = link
                .bandwidth
                .map_or(f64::INFINITY, |rate| rate.as_bytes_per_second() as f64 / 1e3);
            if let Some(rate) = link.bandwidth {
                let key = format!("link.{}.bandwidth", component.id);
                let value = format!("carries {rate}");
                self.figure(key, &component.id, "Links", value, component.provenance, "the map");
            }
            self.model.links.push(Link { node, bandwidth, sharing: link.sharing });
        }
    }

    fn copies(&mut self, facts: &Facts<'_>) {
        let repositories = held(self.inputs.map);
        for component in self.inputs.map.components.values() {
            let Details::Copy(copy) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let id = component.id.as_str();
            let claimed = copy.restore_success.map(|share| share.get());
            let success = match self.restores_work {
                Some(chance) => Success {
                    good: 2.0 * chance,
                    bad: 2.0 * (1.0 - chance),
                    known: Known {
                        value: chance,
                        provenance: Provenance::Default,
                        source: "the scenario, whatever is known of it".to_owned(),
                    },
                },
                None => facts.success(&component.id, claimed),
            };
            let of_100 = |share: f64| libm::round(share * 100.0);
            let value = format!(
                "restores work in {} of 100 nights (9 times in 10 between {} and {})",
                of_100(success.known.value),
                of_100(success.quantile(0.05)),
                of_100(success.quantile(0.95)),
            );
            let weights = (success.good, success.bad);
            let unsure = weights.0 > 0.0 && weights.1 > 0.0;
            let works = success.known;
            let key = format!("copy.{id}.restore_success");
            self.figure(key, &component.id, "Restores", value, works.provenance, works.source);
            let held = repositories.get(&component.id).map_or(&[][..], Vec::as_slice);
            let speed = self.speed(component, copy, facts, held);
            let overhead =
                copy.overhead.as_ref().map(|law| self.draw(id, "restore", "overhead", law, true));
            let links = copy
                .links
                .iter()
                .filter_map(|link| self.node(link))
                .filter_map(|node| {
                    self.model.links.binary_search_by_key(&node, |link| link.node).ok()
                })
                .map(|link| link as u32)
                .collect();
            self.model.nodes[node as usize].copy = Some(self.model.copies.len() as u32);
            self.model.copies.push(Copy {
                node,
                links,
                overhead,
                speed: speed.median / 1e3,
                per_file: copy.per_file.map_or(0.0, |time| time.as_ms() as f64),
                sigma: speed.sigma,
                student: speed.df.is_finite().then(|| self.tables.student(speed.df)),
                weights,
                chance: unsure.then(|| self.tables.beta(weights.0, weights.1)),
                chance_key: self.purposes.of(id, "restore", "chance"),
                works_key: self.purposes.of(id, "restore", "works"),
                // Who claims that every restore works claims it of its content too.
                damaged: if claimed == Some(1.0) { 0.0 } else { DAMAGED },
            });
        }
    }

    fn speed(
        &mut self,
        component: &Component,
        copy: &evenkeel_config::map::Copy,
        facts: &Facts<'_>,
        held: &[Held<'_>],
    ) -> Speed {
        let assumed = |(median, sigma): (f64, f64), provenance, source: &str| Speed {
            median,
            sigma,
            df: f64::INFINITY,
            known: Known { value: median, provenance, source: source.to_owned() },
        };
        let measured = self.law(component, copy, facts).and_then(|law| {
            let (files, bytes) = largest(held, &component.id, facts);
            // Of data sets without a size, a gigabyte tells the speed.
            let bytes = if bytes > 0 { bytes } else { 1_000_000_000 };
            Some(Speed::of(&law.time(files, bytes), bytes)).filter(|speed| speed.median > 0.0)
        });
        let speed = match (measured, copy.speed) {
            (Some(speed), _) => speed,
            (None, Some(rate)) => {
                let median = rate.as_bytes_per_second() as f64;
                assumed((median, 0.0), Provenance::Declared, "the map; never drilled")
            }
            (None, None) => assumed(
                DEFAULT_SPEED,
                Provenance::Default,
                "nobody measured or stated it; our assumption of 2026",
            ),
        };
        let key = format!("copy.{}.restore_speed", component.id);
        let value = speed_in_words(&speed);
        let Known { provenance, source, .. } = speed.known.clone();
        self.figure(key, &component.id, "Restores", value, provenance, source);
        speed
    }

    /// How long restores from a repository take by its drills, if it is still
    /// the one that was drilled.
    fn law(
        &self,
        component: &Component,
        copy: &evenkeel_config::map::Copy,
        facts: &Facts<'_>,
    ) -> Option<RestoreLaw> {
        if let Some(Component { details: Details::Copy(before), .. }) =
            self.inputs.seen_on.and_then(|map| map.components.get(&component.id))
            && (before.speed != copy.speed || before.links != copy.links)
        {
            return None;
        }
        let lines = copy.links.iter().filter_map(|link| {
            match &self.inputs.map.components.get(link)?.details {
                Details::Link(link) => Some(link.bandwidth?.as_bytes_per_second() as f64),
                _ => None,
            }
        });
        let belief = Belief::new(&self.inputs.map.calibration, lines.reduce(f64::min)).stated(
            copy.speed.map(|rate| rate.as_bytes_per_second() as f64),
            copy.per_file.map(|time| time.as_ms() as f64 / 1e3),
        );
        facts.law(&component.id, &belief)
    }

    fn datasets(&mut self, facts: &Facts<'_>) {
        let map = self.inputs.map;
        let mut held: BTreeMap<&Id, u32> = BTreeMap::new();
        for component in map.components.values() {
            if let Details::Dataset(data) = &component.details {
                for backup in &data.backups {
                    *held.entry(&backup.copy).or_default() += 1;
                }
            }
        }
        for component in map.components.values() {
            let Details::Dataset(data) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let chains = data
                .backups
                .iter()
                .filter_map(|backup| {
                    let alone = held.get(&backup.copy) == Some(&1);
                    self.chain(component, backup, facts, alone)
                })
                .collect();
            let key = format!("dataset.{}.size", component.id);
            let seen = data.backups.iter().map(|backup| {
                facts.amount(&backup.copy, &component.id, held.get(&backup.copy) == Some(&1))
            });
            let seen = seen.reduce(|one, other| Amount {
                files: one.files.or(other.files),
                bytes: one.bytes.or(other.bytes),
            });
            let Amount { files, bytes } = amount(data, seen.unwrap_or_default());
            let bytes = bytes.unwrap_or(0);
            let (provenance, source) = if data.size.as_bytes() == 0 && bytes > 0 {
                (Provenance::Measured, "the newest snapshot; the map states no size")
            } else {
                (component.provenance, "the map")
            };
            let value = format!("{} to restore", Size::from_bytes(bytes));
            self.figure(key, &component.id, "Restores", value, provenance, source);
            self.model.nodes[node as usize].dataset = Some(self.model.datasets.len() as u32);
            let reinfection = self.reinfection(component);
            self.model.datasets.push(Dataset {
                node,
                bytes: bytes as f64,
                files: files.unwrap_or(0) as f64,
                reinfection,
                chains,
                own_steps: Vec::new(),
                named_by: Vec::new(),
            });
        }
    }

    /// How long the intruder takes to come back with an unclean snapshot: as
    /// the scenario says, else one hop of its first strike that spreads.
    fn reinfection(&mut self, data: &Component) -> Option<Draw> {
        let scenario = self.inputs.scenario;
        scenario.dwell.as_ref()?;
        let hop = scenario.strike.iter().find_map(|strike| Some(&strike.spread.as_ref()?.hop));
        let law = scenario.reinfection.as_ref().or(hop)?;
        Some(self.draw(data.id.as_str(), "restore", "reinfection", law, false))
    }

    fn chain(
        &mut self,
        data: &Component,
        backup: &Backup,
        facts: &Facts<'_>,
        alone: bool,
    ) -> Option<Chain> {
        let node = self.node(&backup.copy)?;
        let copy = self.model.copies.binary_search_by_key(&node, |copy| copy.node).ok()? as u32;
        let name = format!("{}>{}", data.id, backup.copy);
        let every = backup.every.as_ms().max(60_000);
        let observed = facts
            .snapshots(&backup.copy, &data.id, alone)
            .filter(|_| self.is_as_seen(&data.id, backup));
        let declared = self.declared_jobs(data, backup);
        let (times, expected_from) = match &observed {
            Some(seen) if self.near_as_of => self.tonight_jobs(seen, &declared, every),
            _ => (declared, 0),
        };
        let known = facts.ends(&backup.copy, &data.id, alone).filter(|_| observed.is_some());
        let lasts = known.iter().flatten().rev().find_map(|(start, end)| Some((*end)? - start));
        let lasts = lasts.unwrap_or(0).max(0);
        let ends = known.iter().flatten().map(|(start, end)| end.unwrap_or(start + lasts));
        let ends: Vec<i64> = ends.take(expected_from).collect();
        let (success, provenance, source) = job_success(backup, observed.as_deref(), every);
        let value = match &observed {
            Some(seen) if self.near_as_of && !seen.is_empty() => {
                format!("{} copies exist, the newest {} old", seen.len(), self.age_of(seen))
            }
            Some(_) if self.near_as_of => "no copy was found".to_owned(),
            _ => format!("every {}, kept {}", backup.every, backup.keep),
        };
        let key = format!("dataset.{}.backup.{}", data.id, backup.copy);
        self.figure(key, &data.id, "Age of backups", value, provenance, source);
        Some(Chain {
            copy,
            every,
            keep: backup.keep.as_ms(),
            immutable: backup.immutable,
            job_success: success,
            job_key: self.purposes.of(&name, "backup", "job"),
            phase_key: self.purposes.of(&name, "backup", "phase"),
            damage_key: self.purposes.of(&name, "restore", "damaged"),
            speed_key: self.purposes.of(&name, "restore", "speed"),
            measured: self.measured(data, backup, facts, alone),
            // A check that found no copy leaves one that no trial can see.
            times: if observed.is_some() && self.near_as_of && times.is_empty() {
                vec![i64::MAX]
            } else {
                times
            },
            expected_from,
            ends,
            lasts,
            near: self.site_of(&data.id).is_some()
                && self.site_of(&data.id) == self.site_of(&backup.copy),
        })
    }

    /// How long restores of a data set from a repository take, if drills show it.
    fn measured(
        &mut self,
        data: &Component,
        backup: &Backup,
        facts: &Facts<'_>,
        alone: bool,
    ) -> Option<RestoreTimes> {
        let component = self.inputs.map.components.get(&backup.copy)?;
        let (Details::Copy(copy), Details::Dataset(set)) = (&component.details, &data.details)
        else {
            return None;
        };
        let law = self.law(component, copy, facts)?;
        let Amount { files, bytes } = amount(set, facts.amount(&backup.copy, &data.id, alone));
        let time = law.time(files, bytes.unwrap_or(0));
        let student = self.tables.student(time.df);
        Some(RestoreTimes { median: time.median * 1e3, sigma: time.sigma, student })
    }

    /// Whether a backup is declared as it was when the facts were seen.
    fn is_as_seen(&self, data: &Id, backup: &Backup) -> bool {
        let Some(map) = self.inputs.seen_on else { return true };
        match map.components.get(data).map(|component| &component.details) {
            Some(Details::Dataset(before)) => before.backups.contains(backup),
            _ => false,
        }
    }

    fn age_of(&self, seen: &[i64]) -> String {
        let newest = seen.last().copied().unwrap_or(0);
        crate::words::duration(self.inputs.as_of.as_millisecond() - newest)
    }

    /// The site of a component or of what it stands on.
    fn site_of(&self, id: &Id) -> Option<&'a Id> {
        let mut id = id;
        for _ in 0..8 {
            let common = &self.inputs.map.components.get(id)?.common;
            if common.site.is_some() {
                return common.site.as_ref();
            }
            id = common.stored_on.first().or(common.runs_on.first())?;
        }
        None
    }

    /// What exists as of now, and what is expected between now and the strike.
    /// Jobs that have been failing for two periods are taken to go on failing.
    fn tonight_jobs(&self, seen: &[i64], declared: &[i64], every: i64) -> (Vec<i64>, usize) {
        let now = self.inputs.as_of.as_millisecond();
        let (_, last_start) = start_range(&self.model.start);
        let mut times = seen.to_vec();
        let Some(newest) = seen.last().copied() else { return (times, 0) };
        let observed = times.len();
        if now - newest <= 2 * every {
            if declared.is_empty() {
                let mut next = newest + every;
                while next <= last_start && times.len() < MOST_JOBS {
                    if next > now {
                        times.push(next);
                    }
                    next += every;
                }
            } else {
                times.extend(declared.iter().filter(|at| **at > now));
            }
        }
        (times, observed)
    }

    /// Starts of declared jobs back to the end of retention; empty when no
    /// time of day is declared.
    fn declared_jobs(&mut self, data: &Component, backup: &Backup) -> Vec<i64> {
        let Some(text) = &backup.at else { return Vec::new() };
        let Some(starts) = weekly_starts(text) else {
            self.problems.error(
                Place { key: format!("dataset.{}.backups.at", data.id), ..Place::default() },
                format!(
                    "`{}` does not say when jobs start",
                    text.chars().take(40).collect::<String>()
                ),
                "write days and a time, as in `at = \"Mon-Fri 22:00\"`",
            );
            return Vec::new();
        };
        let (first, last) = start_range(&self.model.start);
        let zone = self.frame.zone.clone();
        let mut day = local_date(&zone, last);
        let oldest = local_date(&zone, first - backup.keep.as_ms()).saturating_sub(1.day());
        let mut times = Vec::new();
        while day >= oldest && times.len() < MOST_JOBS {
            let weekday = day.weekday().to_monday_zero_offset() as usize;
            times.extend(starts[weekday].iter().map(|clock| local_instant(&zone, day, *clock)));
            let Ok(before) = day.checked_sub(1.day()) else { break };
            day = before;
        }
        times.sort_unstable();
        times
    }

    /// Connects data sets and the steps that restore them.
    fn attach_steps(&mut self) {
        let map = self.inputs.map;
        let mut named: Vec<(u32, u32)> = Vec::new();
        for component in map.components.values() {
            let Some(node) = self.node(&component.id) else { continue };
            let compiled = &self.model.nodes[node as usize];
            let common = &component.common;
            let lists = [
                (&common.recover, compiled.recover.clone()),
                (&common.repair, compiled.repair.clone()),
                (&common.clear, compiled.clear.clone()),
            ];
            for (steps, numbers) in lists {
                for (step, number) in steps.iter().zip(numbers) {
                    let dataset = step.dataset.as_ref().and_then(|id| self.node(id));
                    let dataset = dataset.and_then(|n| self.model.nodes[n as usize].dataset);
                    if let Some(dataset) = dataset {
                        named.push((number, dataset));
                    }
                }
            }
        }
        for (number, dataset) in named {
            let data = self.model.datasets[dataset as usize].node;
            let owner = self.model.steps[number as usize].owner;
            let storage = self.model.nodes[data as usize].foundations.clone();
            let step = &mut self.model.steps[number as usize];
            step.dataset = Some(dataset);
            step.ground.extend(storage.into_iter().filter(|node| *node != owner && owner != data));
            if owner != data {
                self.model.datasets[dataset as usize].named_by.push(number);
            }
        }
        for dataset in 0..self.model.datasets.len() {
            self.own_steps(dataset as u32);
        }
    }

    /// The steps by which a data set comes back when nothing else brings it.
    fn own_steps(&mut self, dataset: u32) {
        let node = self.model.datasets[dataset as usize].node;
        let listed = self.model.nodes[node as usize].recover.clone();
        let steps = if !listed.is_empty() {
            listed
        } else {
            let step = match self.model.datasets[dataset as usize].named_by.first() {
                Some(named) => self.model.steps[*named as usize].clone(),
                None => self.plain_restore(node),
            };
            let ground = self.model.nodes[node as usize].foundations.clone();
            self.model.steps.push(Step { owner: node, ground, dataset: Some(dataset), ..step });
            vec![self.model.steps.len() as u32 - 1]
        };
        self.model.datasets[dataset as usize].own_steps = steps;
    }

    fn plain_restore(&mut self, node: u32) -> Step {
        let component = &self.inputs.map.components[&self.model.names.ids[node as usize]];
        let name = format!("restore {}", component.title());
        let mut step = RecoveryStep::named(name);
        step.on_failure = Some(OnFailure::GiveUp);
        let number = self.implicit_step(component, node, &step);
        self.model.steps[number as usize].clone()
    }
}

/// A data set by its id.
type Held<'a> = (&'a Id, &'a evenkeel_config::map::Dataset);

/// By repository, the data sets in it.
fn held(map: &DependencyMap) -> BTreeMap<&Id, Vec<Held<'_>>> {
    let mut held: BTreeMap<&Id, Vec<Held<'_>>> = BTreeMap::new();
    for component in map.components.values() {
        let Details::Dataset(data) = &component.details else { continue };
        for backup in &data.backups {
            let sets = held.entry(&backup.copy).or_default();
            if sets.last().is_none_or(|(id, _)| **id != component.id) {
                sets.push((&component.id, data));
            }
        }
    }
    held
}

/// Files and bytes of the largest data set in a repository.
fn largest(held: &[Held<'_>], copy: &Id, facts: &Facts<'_>) -> (Option<u64>, u64) {
    let alone = held.len() == 1;
    let amounts = held.iter().map(|(id, data)| {
        let Amount { files, bytes } = amount(data, facts.amount(copy, id, alone));
        (files, bytes.unwrap_or(0))
    });
    amounts.max_by_key(|(_, bytes)| *bytes).unwrap_or((None, 0))
}

/// What the map says of a data set, else what was seen.
fn amount(data: &evenkeel_config::map::Dataset, seen: Amount) -> Amount {
    let stated = Some(data.size.as_bytes()).filter(|bytes| *bytes > 0);
    Amount { files: data.files.or(seen.files), bytes: stated.or(seen.bytes) }
}

/// The usual speed, and what nine restores in ten lie between.
fn speed_in_words(speed: &Speed) -> String {
    let megabytes = |factor: f64| crate::words::number(speed.median * factor / 1e6);
    let usual = format!("restores run at {} MB a second", megabytes(1.0));
    if speed.sigma <= 0.0 {
        return usual;
    }
    let reach = libm::exp(speed.sigma * student_quantile(speed.df, 0.95));
    format!("{usual} (9 times in 10 between {} and {})", megabytes(1.0 / reach), megabytes(reach))
}

fn job_success(backup: &Backup, observed: Option<&[i64]>, every: i64) -> (f64, Provenance, String) {
    if let Some(seen) = observed {
        let source = format!("{} snapshots seen in the repository", seen.len());
        let span = seen.last().zip(seen.first()).map_or(0, |(last, first)| last - first);
        let expected = (span as f64 / every as f64) + 1.0;
        let share = if seen.len() >= 5 { (seen.len() as f64 / expected).min(1.0) } else { 1.0 };
        return (share, Provenance::Measured, source);
    }
    match backup.job_success {
        Some(share) => (share.get(), Provenance::Declared, "the map".to_owned()),
        None => (1.0, Provenance::Declared, "the map; no check has looked".to_owned()),
    }
}

/// Starts of each weekday, in milliseconds of the clock: `Mon-Fri 22:00`,
/// `Mon-Fri 12:00, 22:00; Sat 02:00`, or a bare time for every day.
fn weekly_starts(text: &str) -> Option<[Vec<i32>; 7]> {
    let mut starts: [Vec<i32>; 7] = Default::default();
    for group in text.split(';') {
        let group = group.trim();
        let (days, times) = match group.split_once(' ') {
            Some((days, times)) if !days.contains(':') => (days, times),
            _ => ("Mon-Sun", group),
        };
        let days = if days == "daily" { "Mon-Sun" } else { days };
        for time in times.split(',') {
            let time = time.trim().split('-').next()?;
            let (hour, minute) = time.split_once(':')?;
            let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
            if !(0..24).contains(&hour) || !(0..60).contains(&minute) {
                return None;
            }
            // Any window will do: only the days are read from it.
            let hours: Hours = format!("{days} 00:00-24:00").parse().ok()?;
            for (day, windows) in hours.days.iter().enumerate() {
                if !windows.is_empty() {
                    starts[day].push((hour * 60 + minute) * 60_000);
                }
            }
        }
    }
    for day in &mut starts {
        day.sort_unstable();
    }
    Some(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_times_read_as_written() {
        let starts = weekly_starts("Mon-Fri 22:00").expect("reads");
        assert_eq!(starts[4], vec![22 * 3_600_000]);
        assert!(starts[5].is_empty());
        let starts = weekly_starts("02:30").expect("reads");
        assert!(starts.iter().all(|day| day == &[9_000_000]));
        for text in ["", "Mon", "Mon 25:00", "noon"] {
            assert!(weekly_starts(text).is_none(), "{text}");
        }
    }
}
