//! Figures from evidence: chance that a restore works, its speed, when backups really ran.
//!
//! - Restore success: one Beta prior for every repository, drilled or not, so
//!   that evidence moves one curve; each drill counts with half weight every
//!   half-life. A share somebody claims replaces the prior's mean at the same
//!   weight. Only drills that really restored count: listing or reading a part
//!   of a repository says nothing about the procedure.
//!   Drills within a week share the weight of one: same key, same line.
//! - Restore time: [`evenkeel_config::restore_time`], which agent and simulator share.
//!
//! Priors and half-lives are settings of the map, see
//! [`evenkeel_config::map::Calibration`].
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::Calibration;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{DrillFacts, DrillLevel, EvidenceSet, Outcome, SnapshotFact};
use evenkeel_config::restore_time::{Belief, RestoreLaw, RestoreTime, rows};
use jiff::Timestamp;
use libm::exp2;

use crate::special::beta_quantile;

/// Speed of a repository nobody measured or described, bytes a second, and the
/// spread of its logarithm: from a tenth of a gigabit line's speed to its full.
pub const DEFAULT_SPEED: (f64, f64) = (40e6, 0.7);
/// Chance that one snapshot's content is damaged.
pub const DAMAGED: f64 = 0.01;

/// Facts that bear on restores, by repository and data set.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    settings: Calibration,
    as_of: Timestamp,
    drills: BTreeMap<&'a Id, Vec<&'a DrillFacts>>,
    snapshots: BTreeMap<(&'a Id, Option<&'a Id>), Vec<SnapshotFact>>,
}

/// A chance, how it is known and from what.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The figure.
    pub value: f64,
    /// How it is known.
    pub provenance: Provenance,
    /// From what, in words.
    pub source: String,
}

/// The chance that restores from a repository work, as a Beta law.
#[derive(Debug, Clone, PartialEq)]
pub struct Success {
    /// Restores that worked: the prior's and the drills', the old ones in part. Above 0.
    pub good: f64,
    /// Restores that failed; 0 where somebody claims that every restore works
    /// and no drill says otherwise: then the chance is 1 without any doubt.
    pub bad: f64,
    /// Its mean, how it is known and from what.
    pub known: Known,
}

impl Success {
    /// The quantile of the chance itself: how sure we are of it.
    pub fn quantile(&self, u: f64) -> f64 {
        if self.bad <= 0.0 {
            1.0
        } else if self.good <= 0.0 {
            0.0
        } else {
            beta_quantile(self.good, self.bad, u, self.known.value)
        }
    }
}

/// How much a data set holds, as far as any check or drill saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Files.
    pub files: Option<u64>,
    /// Bytes.
    pub bytes: Option<u64>,
}

/// The speed of the next restore from a repository: the logarithm follows
/// Student's law.
#[derive(Debug, Clone, PartialEq)]
pub struct Speed {
    /// Median, in bytes a second.
    pub median: f64,
    /// Scale of the logarithm.
    pub sigma: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The median, how it is known and from what.
    pub known: Known,
}

impl Speed {
    /// What the law says of a restore of so many bytes.
    pub fn of(time: &RestoreTime, bytes: u64) -> Self {
        let median = bytes as f64 / time.median;
        let known =
            Known { value: median, provenance: Provenance::Measured, source: time.from.clone() };
        Self { median, sigma: time.sigma, df: time.df, known }
    }
}

impl<'a> Facts<'a> {
    /// Gathers the facts that were seen up to an instant, to be read by the
    /// map's settings.
    pub fn gather(evidence: &'a [EvidenceSet], as_of: Timestamp, settings: &Calibration) -> Self {
        let mut facts = Self { settings: settings.clone(), as_of, ..Self::default() };
        for item in evidence.iter().flat_map(|set| &set.evidence) {
            let Outcome::Observed { copies, drills, .. } = &item.outcome else { continue };
            for drill in drills.iter().filter(|drill| drill.started <= as_of) {
                facts.drills.entry(&drill.copy).or_default().push(drill);
            }
            for copy in copies {
                let key = (&copy.copy, copy.dataset.as_ref());
                let known = facts.snapshots.entry(key).or_default();
                let whole = |snapshot: &&SnapshotFact| snapshot.complete && snapshot.start <= as_of;
                known.extend(copy.snapshots.iter().filter(whole));
            }
        }
        for drills in facts.drills.values_mut() {
            drills.sort_by_key(|drill| (drill.started, &drill.dataset));
            drills.dedup();
        }
        for snapshots in facts.snapshots.values_mut() {
            // Of two reports of one snapshot, the one that knows its end counts.
            snapshots.sort_by_key(|snapshot| (snapshot.start, snapshot.end.is_none()));
            snapshots.dedup_by_key(|snapshot| snapshot.start);
        }
        facts
    }

    /// Starts of the whole snapshots of a data set in a repository, rising, if
    /// any check looked. `alone`: the repository holds only this data set.
    pub fn snapshots(&self, copy: &Id, dataset: &Id, alone: bool) -> Option<Vec<i64>> {
        let seen = self.ends(copy, dataset, alone)?;
        Some(seen.into_iter().map(|(start, _)| start).collect())
    }

    /// The same snapshots as start and end; the end where it is known.
    pub fn ends(&self, copy: &Id, dataset: &Id, alone: bool) -> Option<Vec<(i64, Option<i64>)>> {
        let known = self
            .snapshots
            .get(&(copy, Some(dataset)))
            .or_else(|| if alone { self.snapshots.get(&(copy, None)) } else { None })?;
        let ms = |at: Timestamp| at.as_millisecond();
        Some(known.iter().map(|snapshot| (ms(snapshot.start), snapshot.end.map(ms))).collect())
    }

    /// The chance that restores from a repository work.
    pub fn success(&self, copy: &Id, claimed: Option<f64>) -> Success {
        let drills: Vec<&&DrillFacts> = self.restores(copy).collect();
        let [good, bad] = self.settings.success_prior;
        let (mut good, mut bad) = match claimed {
            Some(p) => (p * (good + bad), (1.0 - p) * (good + bad)),
            None => (good, bad),
        };
        for (drill, share) in drills.iter().zip(self.shares(&drills)) {
            let weight = share * weight(drill, self.as_of, self.settings.success_half_life);
            if drill.worked {
                good += weight;
            } else {
                bad += weight;
            }
        }
        let worked = drills.iter().filter(|drill| drill.worked).count();
        let (provenance, source) = match (drills.last(), claimed) {
            (Some(last), _) => (
                Provenance::Measured,
                format!(
                    "{worked} of {} restore drills worked, the last on {}",
                    drills.len(),
                    day(last)
                ),
            ),
            (None, Some(_)) => (Provenance::Declared, "the map; never drilled".to_owned()),
            (None, None) => (
                Provenance::Default,
                "never drilled; surveys of failed restores (Veeam 2021, At-Bay) with low weight"
                    .to_owned(),
            ),
        };
        let known = Known { value: good / (good + bad), provenance, source };
        Success { good, bad, known }
    }

    fn restores(&self, copy: &Id) -> impl Iterator<Item = &&'a DrillFacts> {
        self.drills.get(copy).into_iter().flatten().filter(|drill| is_restore(drill))
    }

    /// The part of a whole drill that each counts for: those closer to the
    /// newest of them than [`Calibration::success_apart`] share one.
    fn shares(&self, drills: &[&&DrillFacts]) -> Vec<f64> {
        let apart = self.settings.success_apart.as_ms();
        let at = |drill: &&&DrillFacts| drill.started.as_millisecond();
        let mut shares = vec![1.0; drills.len()];
        let mut end = drills.len();
        while end > 0 {
            let newest = at(&drills[end - 1]);
            let near = |drill: &&&&DrillFacts| newest - at(drill) < apart;
            let count = drills[..end].iter().rev().take_while(near).count().max(1);
            shares[end - count..end].fill(1.0 / count as f64);
            end -= count;
        }
        shares
    }

    /// How long restores from a repository take, if drills timed any.
    pub fn law(&self, copy: &Id, belief: &Belief) -> Option<RestoreLaw> {
        let rows = rows(self.drills.get(copy)?.iter().copied());
        let as_of = self.as_of.as_millisecond();
        (!rows.is_empty()).then(|| RestoreLaw::fit(&rows, belief, as_of))
    }

    /// How much the newest snapshot of a data set in a repository holds, else
    /// what the last drill of it says. `alone`: the repository holds only this.
    pub fn amount(&self, copy: &Id, dataset: &Id, alone: bool) -> Amount {
        let all = self.snapshots.get(&(copy, Some(dataset)));
        let all = all.or_else(|| if alone { self.snapshots.get(&(copy, None)) } else { None });
        let newest = || all.into_iter().flatten().rev();
        let drills = || {
            self.restores(copy).filter(|drill| match &drill.dataset {
                Some(data) => data == dataset,
                None => alone,
            })
        };
        let full = |drill: &DrillFacts, sum: u64| {
            (drill.worked && drill.level == DrillLevel::Full && sum > 0).then_some(sum)
        };
        Amount {
            files: newest()
                .find_map(|snapshot| snapshot.files)
                .or_else(|| drills().filter_map(|d| d.total_files.or(full(d, d.files))).last()),
            bytes: newest()
                .find_map(|snapshot| snapshot.bytes)
                .or_else(|| drills().filter_map(|d| d.total_bytes.or(full(d, d.bytes))).last()),
        }
    }
}

fn is_restore(drill: &DrillFacts) -> bool {
    matches!(drill.level, DrillLevel::Sample | DrillLevel::Application | DrillLevel::Full)
}

fn weight(drill: &DrillFacts, as_of: Timestamp, half_life: Span) -> f64 {
    let age = (as_of.as_millisecond() - drill.started.as_millisecond()).max(0) as f64;
    exp2(-age / half_life.as_ms().max(1) as f64)
}

fn day(drill: &DrillFacts) -> String {
    drill.started.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use evenkeel_config::record::{CopyFacts, Evidence, Status};

    use super::*;

    fn as_of() -> Timestamp {
        "2026-11-17T13:00:00Z".parse().expect("an instant")
    }

    fn drill(days_ago: i64, worked: bool, bytes: u64, seconds: f64) -> DrillFacts {
        let started = as_of().as_millisecond() - days_ago * 86_400_000;
        DrillFacts {
            worked,
            files: 1,
            bytes,
            seconds,
            ..DrillFacts::new(
                "nas".parse().expect("an id"),
                Some("db".parse().expect("an id")),
                Timestamp::from_millisecond(started).expect("in range"),
                DrillLevel::Full,
            )
        }
    }

    fn set(drills: Vec<DrillFacts>) -> EvidenceSet {
        let evidence = Evidence {
            schema_version: 1,
            host: "h".into(),
            check: "c".into(),
            kind: "restic".into(),
            component: "nas".parse().expect("an id"),
            started: as_of(),
            duration_ms: 1,
            agent_version: "0".into(),
            stale_after: as_of(),
            outcome: Outcome::Observed { observations: vec![], copies: vec![], drills },
            status: Status::Ok,
            findings: vec![],
            states: Vec::new(),
        };
        EvidenceSet { schema_version: 1, as_of: as_of(), evidence: vec![evidence] }
    }

    fn success(drills: Vec<DrillFacts>, claimed: Option<f64>) -> Known {
        let sets = [set(drills)];
        let nas = "nas".parse().expect("an id");
        Facts::gather(&sets, as_of(), &Calibration::default()).success(&nas, claimed).known
    }

    #[test]
    fn drills_move_the_prior_and_lose_weight_with_age() {
        assert!((success(vec![], None).value - 0.7).abs() < 1e-12);
        assert_eq!(success(vec![], None).provenance, Provenance::Default);
        let fresh = success(vec![drill(0, true, 1, 1.0)], None);
        assert!((fresh.value - 2.4 / 3.0).abs() < 1e-12);
        assert_eq!(fresh.provenance, Provenance::Measured);
        let old = success(vec![drill(180, true, 1, 1.0)], None);
        assert!((old.value - 1.9 / 2.5).abs() < 1e-12);
        let failed = success(vec![drill(0, false, 1, 1.0)], Some(0.9));
        assert!((failed.value - 1.8 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn listing_a_repository_proves_no_restore() {
        let mut listed = drill(0, true, 1, 1.0);
        listed.level = DrillLevel::ReadSubset;
        assert!((success(vec![listed], None).value - 0.7).abs() < 1e-12);
    }

    #[test]
    fn drills_of_one_week_share_the_weight_of_one() {
        let once = success(vec![drill(0, true, 1, 1.0)], None);
        let often = (0..5).map(|_| drill(0, true, 1, 1.0)).enumerate().map(|(k, mut drill)| {
            drill.seed = k as u64;
            drill
        });
        assert!((success(often.collect(), None).value - once.value).abs() < 1e-12);
        // One of two failed: half of each.
        let mixed = success(vec![drill(0, true, 1, 1.0), drill(0, false, 1, 2.0)], None);
        assert!((mixed.value - 1.9 / 3.0).abs() < 1e-12, "{mixed:?}");
        let apart = success(vec![drill(0, true, 1, 1.0), drill(7, true, 1, 1.0)], None);
        assert!(apart.value > once.value + 0.03, "{apart:?}");
    }

    #[test]
    fn the_newest_snapshot_says_how_much_there_is_else_the_drill() {
        let [nas, db] = ["nas", "db"].map(|id| id.parse().expect("an id"));
        let mut sampled = drill(3, true, 1000, 1.0);
        sampled.level = DrillLevel::Sample;
        (sampled.total_files, sampled.total_bytes) = (Some(70), Some(9_000));
        let mut sets = [set(vec![drill(5, true, 50, 1.0), sampled])];
        let amount = |sets: &[EvidenceSet]| {
            Facts::gather(sets, as_of(), &Calibration::default()).amount(&nas, &db, false)
        };
        assert_eq!(amount(&sets), Amount { files: Some(70), bytes: Some(9_000) });
        let Outcome::Observed { copies, .. } = &mut sets[0].evidence[0].outcome else {
            panic!("observed")
        };
        copies.push(CopyFacts {
            copy: nas.clone(),
            dataset: Some(db.clone()),
            group: String::new(),
            snapshots: vec![SnapshotFact { bytes: Some(8_000), ..SnapshotFact::new(as_of()) }],
        });
        assert_eq!(amount(&sets), Amount { files: Some(70), bytes: Some(8_000) });
    }
}
