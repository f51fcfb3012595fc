//! Shards: a part of the trials as a document, and the whole from all parts.
//!
//! Shard i of n holds the trials k with k mod n = i, with the question itself, so
//! that merging needs nothing else. Everything is integers, so the whole is the
//! same to the byte as one run.
use std::collections::BTreeMap;

use evenkeel_config::load::map_from_document;
use evenkeel_config::map::{DependencyMap, MapDocument};
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{EvidenceSet, SCHEMA_VERSION, Summary};
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Ready, Source};
use crate::draw::Tables;
use crate::histogram::{Bucket, Histogram};
use crate::kernel::{Reason, Why};
use crate::model::{Model, NONE};
use crate::run::{FunctionRuns, Numbers, Runs};
use crate::tally::{FunctionTally, Gathered, Ground, Promised, Tally};
use crate::{Job, MOST_TRIALS, digest, in_pool_up_to, inputs_of, refusal};

/// Which part of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// How many there are.
    pub of: u64,
}

/// More shards than this are refused.
pub const MOST_SHARDS: u64 = 100_000;

impl Shard {
    /// Checks that it is one of at least one.
    ///
    /// # Errors
    /// The index is not below the number, or there are too many.
    pub fn new(index: u64, of: u64) -> Result<Self, String> {
        if of == 0 || of > MOST_SHARDS || index >= of {
            return Err(format!(
                "there is no shard {index} of {of}: write 0/8 to 7/8 for eight shards"
            ));
        }
        Ok(Self { index, of })
    }

    fn numbers(self, trials: u64) -> Numbers {
        let count = (trials + self.of - 1 - self.index) / self.of;
        Numbers { first: self.index, step: self.of, count }
    }
}

/// The document of one shard.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Always `evenkeel shard`.
    pub document: String,
    /// Version of the simulator that made it.
    pub engine_version: String,
    /// Digest of map, scenario and evidence.
    pub inputs_digest: String,
    /// Which part.
    pub shard: Shard,
    /// Seed.
    pub seed: u64,
    /// Trials of all shards.
    pub trials: u64,
    /// Warnings about the scenario on the map, in words.
    pub warnings: Vec<String>,
    question: Option<Question>,
    sides: Vec<Option<Results>>,
}

/// Everything that the answer is made from.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    map: MapDocument,
    scenario: Scenario,
    modifiers: Vec<Scenario>,
    evidence: Vec<EvidenceSet>,
    as_of: Option<Timestamp>,
    fixes: bool,
}

/// Results of one side: every one, or counted.
#[derive(Debug, Serialize, Deserialize)]
struct Results {
    sums: Vec<Sums>,
    hit: Vec<u64>,
    kept: Option<Kept>,
    counted: Option<Counted>,
}

/// What adds up, of one function. Numbers beyond 64 bits are decimal strings.
#[derive(Debug, Serialize, Deserialize)]
struct Sums {
    touched: u64,
    below_minimum: String,
    lost: String,
    hours: Vec<(u8, u32, u32, String)>,
    never: Vec<(u8, u32, u32, u64)>,
}

/// Every result, by trial: of each function usable, system back, recovered, data
/// loss, cost and lost capacity.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    functions: Vec<[Vec<i64>; 6]>,
    data: Vec<Vec<i64>>,
    spent: Vec<i64>,
}

/// Buckets as (count, least, most, first trial).
type Buckets = Vec<(u64, i64, i64, u64)>;

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    functions: Vec<([Buckets; 5], [u64; 3])>,
    data: Vec<Buckets>,
    cost: Buckets,
}

/// Runs one shard of a job's trials.
///
/// # Errors
/// See [`crate::simulate`].
pub fn run(
    job: &Job<'_>,
    shard: Shard,
    warnings: Vec<String>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Part, Problems> {
    in_pool_up_to(MOST_TRIALS, job, || {
        answer::check_fixes(job)?;
        let mut tables = Tables::default();
        let Ready { model, promised, as_of, .. } = answer::ready(job, None, &mut tables)?;
        let numbers = shard.numbers(job.trials);
        let of = numbers.count * answer::sides(job);
        let ground = Ground { model: &model, promised: &promised, seed: job.seed };
        let base = Gathered::run(ground, numbers, job.trials, &|done| progress(done, of));
        let mut sides = vec![Some(written(&base))];
        for (side, id) in (1..answer::sides(job)).zip(job.map.fixes.keys()) {
            let inputs = inputs_of(job, as_of);
            let patched = answer::patched(job, id, &inputs, &mut tables).ok();
            sides.push(patched.map(|(map, model)| {
                let promised = Promised::on(&map, &model);
                let ground = Ground { model: &model, promised: &promised, seed: job.seed };
                let tell = |done: u64| progress(side * numbers.count + done, of);
                written(&Gathered::run(ground, numbers, job.trials, &tell))
            }));
        }
        progress(of, of);
        Ok(Part {
            schema_version: SCHEMA_VERSION,
            document: DOCUMENT.to_owned(),
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            inputs_digest: digest(job),
            shard,
            seed: job.seed,
            trials: job.trials,
            warnings,
            question: Some(Question {
                map: job.map.document.clone(),
                scenario: job.scenario.clone(),
                modifiers: job.modifiers.to_vec(),
                evidence: job.evidence.to_vec(),
                as_of: job.as_of,
                fixes: job.fixes,
            }),
            sides,
        })
    })
}

const DOCUMENT: &str = "evenkeel shard";

/// The answer of all shards, and the warnings that go with it.
///
/// # Errors
/// A shard is missing, doubled, damaged or of another question, each by the name
/// of its file.
pub fn merge(parts: Vec<(String, Part)>) -> Result<(Summary, Vec<String>), Problems> {
    let mut parts = in_order(parts)?;
    let Some((_, first)) = parts.first_mut() else {
        return Err(refusal("there is nothing to merge".into(), "name the files of all shards"));
    };
    let warnings = std::mem::take(&mut first.warnings);
    let (trials, seed, digested) = (first.trials, first.seed, first.inputs_digest.clone());
    let Some(question) = first.question.take() else {
        let name = parts.first().map_or("", |(name, _)| name.as_str());
        return Err(damaged(name, "it has no question"));
    };
    let Question { map, scenario, modifiers, evidence, as_of, fixes } = question;
    let map: DependencyMap = map_from_document(map)?;
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &modifiers,
        evidence: &evidence,
        as_of,
        seed,
        trials,
        threads: None,
        fixes,
    };
    if digest(&job) != digested {
        let name = parts.first().map_or("", |(name, _)| name.as_str());
        return Err(damaged(name, "its question does not fit its digest"));
    }
    in_pool_up_to(MOST_TRIALS, &job, || {
        let mut tables = Tables::default();
        let ready = answer::ready(&job, None, &mut tables)?;
        let inputs = inputs_of(&job, ready.as_of);
        let mut models = vec![Some(ready.model)];
        for id in map.fixes.keys().take(answer::sides(&job) as usize - 1) {
            models.push(answer::patched(&job, id, &inputs, &mut tables).ok().map(|(_, m)| m));
        }
        let mut sides = Vec::new();
        for (side, model) in models.iter().enumerate() {
            sides.push(match model {
                Some(model) => Some(whole(&mut parts, side, model, trials)?),
                None => None,
            });
        }
        let summary = answer::answer(&job, Source::Given(sides), &|_, _| {})?;
        Ok((summary, warnings))
    })
}

/// Checks that the parts are all of one whole, and puts them in order.
fn in_order(mut parts: Vec<(String, Part)>) -> Result<Vec<(String, Part)>, Problems> {
    let mut problems = Problems::default();
    let mut refuse = |name: &str, what: String, hint: &str| {
        let file = name.to_owned();
        problems.error(Place { file, ..Place::default() }, what, hint);
    };
    let version = env!("CARGO_PKG_VERSION");
    let whole = parts.first().map(|(name, part)| {
        (name.clone(), part.shard.of, part.seed, part.trials, part.inputs_digest.clone())
    });
    let Some((first, of, seed, trials, digested)) = whole else { return Ok(parts) };
    let mut holders: BTreeMap<u64, String> = BTreeMap::new();
    for (name, part) in &parts {
        if part.document != DOCUMENT || part.schema_version != SCHEMA_VERSION {
            refuse(name, "is no shard that this version can read".into(), REMAKE);
        } else if part.engine_version != version {
            let what = format!("was made by version {}, this is {version}", part.engine_version);
            refuse(name, what, REMAKE);
        } else if Shard::new(part.shard.index, part.shard.of).is_err()
            || part.trials == 0
            || part.trials > MOST_TRIALS
        {
            refuse(name, "says an impossible shard or number of trials".into(), REMAKE);
        } else if part.inputs_digest != digested {
            let what = format!("is of another map, scenario or evidence than {first}");
            refuse(name, what, "merge shards of one question");
        } else if (part.seed, part.trials, part.shard.of) != (seed, trials, of) {
            let what = format!(
                "is shard {} of {} over {} trials with seed {}, but {first} is one of {of} over \
                 {trials} with seed {seed}",
                part.shard.index, part.shard.of, part.trials, part.seed
            );
            refuse(name, what, "merge shards of one run");
        } else if let Some(other) = holders.insert(part.shard.index, name.clone()) {
            let what = format!("is shard {} again, after {other}", part.shard.index);
            refuse(name, what, "name each shard once");
        }
    }
    if !problems.is_fatal() {
        let missing: Vec<u64> = (0..of).filter(|index| !holders.contains_key(index)).collect();
        if !missing.is_empty() {
            let list: Vec<String> = missing.iter().take(20).map(u64::to_string).collect();
            let what = format!("of {of} shards, {} missing: {}", missing.len(), list.join(", "));
            problems.error(Place::default(), what, "run them, and name all files");
        }
    }
    if problems.is_fatal() {
        return Err(problems);
    }
    parts.sort_by_key(|(_, part)| part.shard.index);
    Ok(parts)
}

const REMAKE: &str = "run that shard again with `run --shard`";

fn damaged(name: &str, why: &str) -> Problems {
    let mut problems = Problems::default();
    let place = Place { file: name.to_owned(), ..Place::default() };
    problems.error(place, format!("is damaged: {why}"), REMAKE);
    problems
}

/// One side of all shards.
fn whole(
    parts: &mut [(String, Part)],
    side: usize,
    model: &Model,
    trials: u64,
) -> Result<Gathered, Problems> {
    let mut read = Vec::new();
    for (name, part) in parts {
        let numbers = part.shard.numbers(trials);
        let results = part.sides.get_mut(side).and_then(Option::take);
        let results = results.ok_or_else(|| damaged(name, "results are missing"))?;
        read.push(self::read(results, model, numbers, trials).map_err(|why| damaged(name, &why))?);
    }
    let mut kept = Vec::new();
    let mut whole = Tally::new(model);
    for gathered in read {
        match gathered {
            Gathered::Kept(runs) => kept.push(runs),
            Gathered::Counted(tally) => whole.join(*tally),
        }
    }
    if kept.is_empty() {
        return Ok(Gathered::Counted(Box::new(whole)));
    }
    Ok(Gathered::Kept(interleave(kept, model, trials)))
}

/// Kept results in the order of trials again: trial k is the (k div n)-th of
/// shard k mod n.
fn interleave(parts: Vec<Runs>, model: &Model, trials: u64) -> Runs {
    let woven = |list: &dyn Fn(&Runs) -> &Vec<i64>| -> Vec<i64> {
        let lists: Vec<&Vec<i64>> = parts.iter().map(list).collect();
        (0..trials as usize).map(|k| lists[k % lists.len()][k / lists.len()]).collect()
    };
    let mut all = Runs::new(model);
    for (number, function) in all.functions.iter_mut().enumerate() {
        function.usable = woven(&|runs| &runs.functions[number].usable);
        function.system_back = woven(&|runs| &runs.functions[number].system_back);
        function.recovered = woven(&|runs| &runs.functions[number].recovered);
        function.data_loss = woven(&|runs| &runs.functions[number].data_loss);
        function.cost = woven(&|runs| &runs.functions[number].cost);
        function.missing = woven(&|runs| &runs.functions[number].missing);
    }
    for (number, list) in all.data.iter_mut().enumerate() {
        *list = woven(&|runs| &runs.data[number]);
    }
    all.spent = woven(&|runs| &runs.spent);
    for mut part in parts {
        part.forget_trials();
        all.append(part);
    }
    all
}

fn written(results: &Gathered) -> Results {
    let sums = results.sums();
    let function = |runs: &FunctionRuns| Sums {
        touched: runs.touched,
        below_minimum: runs.below_minimum.to_string(),
        lost: runs.lost.to_string(),
        hours: runs.hours.iter().map(|((c, n, s), sum)| (*c, *n, *s, sum.to_string())).collect(),
        never: runs.never.iter().map(|(r, count)| (r.why as u8, r.node, r.step, *count)).collect(),
    };
    let buckets = |histogram: &Histogram| -> Buckets {
        histogram.buckets().map(|b| (b.count, b.least, b.most, b.first)).collect()
    };
    let lists = |runs: &FunctionRuns| {
        [
            &runs.usable,
            &runs.system_back,
            &runs.recovered,
            &runs.data_loss,
            &runs.cost,
            &runs.missing,
        ]
        .map(Clone::clone)
    };
    Results {
        sums: sums.functions.iter().map(function).collect(),
        hit: sums.hit.clone(),
        kept: results.kept().map(|runs| Kept {
            functions: runs.functions.iter().map(lists).collect(),
            data: runs.data.clone(),
            spent: runs.spent.clone(),
        }),
        counted: match results {
            Gathered::Kept(_) => None,
            Gathered::Counted(tally) => Some(Counted {
                functions: tally
                    .functions
                    .iter()
                    .map(|one| (one.figures.each_ref().map(buckets), one.kept))
                    .collect(),
                data: tally.data.iter().map(buckets).collect(),
                cost: buckets(&tally.cost),
            }),
        },
    }
}

/// Results as they were written; whatever does not fit the model is refused.
fn read(
    results: Results,
    model: &Model,
    numbers: Numbers,
    trials: u64,
) -> Result<Gathered, String> {
    let mut runs = Runs::new(model);
    let fits = |length: usize, wanted: usize, what: &str| {
        if length == wanted { Ok(()) } else { Err(format!("{what} do not fit the map")) }
    };
    fits(results.sums.len(), runs.functions.len(), "functions")?;
    fits(results.hit.len(), runs.hit.len(), "data sets")?;
    runs.hit = results.hit;
    for (function, sums) in runs.functions.iter_mut().zip(results.sums) {
        read_sums(function, sums, model)?;
    }
    let count = numbers.count as usize;
    match (results.kept, results.counted) {
        (Some(kept), None) if trials <= crate::tally::MOST_KEPT => {
            fits(kept.functions.len(), runs.functions.len(), "functions")?;
            fits(kept.data.len(), runs.data.len(), "data sets")?;
            for (function, lists) in runs.functions.iter_mut().zip(kept.functions) {
                for list in &lists {
                    fits(list.len(), count, "trials")?;
                }
                [
                    function.usable,
                    function.system_back,
                    function.recovered,
                    function.data_loss,
                    function.cost,
                    function.missing,
                ] = lists;
            }
            for list in &kept.data {
                fits(list.len(), count, "trials")?;
            }
            fits(kept.spent.len(), count, "trials")?;
            (runs.data, runs.spent) = (kept.data, kept.spent);
            Ok(Gathered::Kept(runs))
        }
        (None, Some(counted)) if trials > crate::tally::MOST_KEPT => {
            let mut tally = Tally::new(model);
            fits(counted.functions.len(), tally.functions.len(), "functions")?;
            fits(counted.data.len(), tally.data.len(), "data sets")?;
            let histogram = |buckets: Buckets| histogram(buckets, numbers);
            for (one, (figures, kept)) in tally.functions.iter_mut().zip(counted.functions) {
                let mut all = figures.into_iter().map(histogram);
                for figure in &mut one.figures {
                    *figure = all.next().unwrap_or_else(|| Err("figures are missing".into()))?;
                }
                *one = FunctionTally { kept, ..std::mem::take(one) };
            }
            for (one, buckets) in tally.data.iter_mut().zip(counted.data) {
                *one = histogram(buckets)?;
            }
            tally.cost = histogram(counted.cost)?;
            tally.trials = numbers.count;
            tally.sums = runs;
            Ok(Gathered::Counted(Box::new(tally)))
        }
        _ => Err("results are kept in the wrong form".into()),
    }
}

fn read_sums(function: &mut FunctionRuns, sums: Sums, model: &Model) -> Result<(), String> {
    let known = |node: u32, step: u32| {
        let is = |index: u32, length: usize| index == NONE || (index as usize) < length;
        is(node, model.names.ids.len()) && is(step, model.names.steps.len())
    };
    let number = |text: &str| text.parse::<i128>().map_err(|_| format!("`{text:.20}` is no sum"));
    function.touched = sums.touched;
    function.below_minimum = number(&sums.below_minimum)?;
    function.lost = number(&sums.lost)?;
    for (cause, node, step, sum) in sums.hours {
        let sum = number(&sum)?.unsigned_abs();
        if !known(node, step) {
            return Err("hours are of a component that is not on the map".into());
        }
        function.hours.insert((cause, node, step), sum);
    }
    for (why, node, step, count) in sums.never {
        let why = Why::ALL.into_iter().find(|known| *known as u8 == why);
        let why = why.filter(|_| known(node, step)).ok_or("a reason is unknown")?;
        function.never.insert(Reason { why, node, step }, count);
    }
    Ok(())
}

fn histogram(buckets: Buckets, numbers: Numbers) -> Result<Histogram, String> {
    let mut histogram = Histogram::default();
    for (count, least, most, first) in buckets {
        let right = count > 0
            && count <= numbers.count
            && least <= most
            && Histogram::same_bucket(least, most)
            && first % numbers.step == numbers.first;
        if !right {
            return Err("a count is impossible".into());
        }
        histogram.join(&Bucket { count, least, most, first });
    }
    if histogram.count() == numbers.count {
        Ok(histogram)
    } else {
        Err("counts do not add up".into())
    }
}
