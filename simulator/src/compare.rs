//! Variants of a map side by side on the same nights: what gets better, what gets worse.
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{
    Chance, ChanceChange, Change, Comparison, Elapsed, FunctionChange, MeanChange, Reversal,
    SCHEMA_VERSION, TimeChange, VariantEffect,
};

use crate::additions::only_adds;
use crate::model::NEVER;
use crate::paired::{chance_change, larger, mean_change, quantile_changes};
use crate::sides::{Nightly, Side, Stage, Variant, about, conflict, known, patched, price};
use crate::statistics::elapsed;
use crate::words::{duration, number, plural};
use crate::{Job, in_pool, refusal};

/// A function that is usable so much sooner or later is so in the same minute.
const SLACK_MS: i64 = 60_000;

/// Compares variants with the map as it is, each on the same nights. `progress`
/// hears (trials done, trials in all), from any thread.
///
/// # Errors
/// What makes the question meaningless on the map as it is; fixes that it does
/// not have; no variant at all.
pub fn compare(
    job: &Job<'_>,
    variants: &[Variant],
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Comparison, Problems> {
    if variants.is_empty() {
        let hint = "name one, as in `--fix second-line`, or try a document with `--patch FILE`";
        return Err(refusal("there is nothing to compare with".to_owned(), hint));
    }
    let ids: Vec<Id> = variants.iter().flat_map(|variant| variant.fixes.clone()).collect();
    known(job.map, &ids)?;
    in_pool(job, || sides(job, variants, progress))
}

fn sides(
    job: &Job<'_>,
    variants: &[Variant],
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Comparison, Problems> {
    let of = job.trials * (1 + variants.len() as u64);
    let mut stage = Stage::new(job)?;
    let before = stage.side(&[], &|done| progress(done, of))?;
    let mut effects = Vec::new();
    for (number, variant) in (1..).zip(variants) {
        let start = number * job.trials;
        let mut effect = priced(job, variant);
        match stage.side(&variant.fixes, &|done| progress(start + done, of)) {
            Ok(after) => judge(job, &before, &after, &mut effect)?,
            Err(problems) => {
                let what: Vec<String> = problems.list.into_iter().map(|p| p.what).collect();
                effect.cannot = Some(what.join("; "));
            }
        }
        effects.push(effect);
    }
    progress(of, of);
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        about: about(std::slice::from_ref(job), stage.as_of(), before.horizon),
        variants: effects,
        notes: before.notes,
    })
}

/// A variant with its price and what can be said before any trial.
fn priced(job: &Job<'_>, variant: &Variant) -> VariantEffect {
    let mut fixes = variant.fixes.clone();
    fixes.sort();
    fixes.dedup();
    let parts: Vec<_> = fixes.iter().map(|id| (id, &job.map.fixes[id])).collect();
    let (once, yearly, staff_days) = price(parts.iter().map(|(_, fix)| *fix));
    let mut notes = Vec::new();
    for (index, (id, fix)) in parts.iter().enumerate() {
        for (other_id, other) in &parts[index + 1..] {
            if let Some(key) = conflict(fix, other) {
                notes.push(format!("`{id}` and `{other_id}` both change {key}; the latter wins"));
            }
        }
    }
    VariantEffect {
        name: variant.name.clone(),
        titles: parts.iter().map(|(_, fix)| fix.title.clone()).collect(),
        once,
        yearly,
        staff_days,
        functions: Vec::new(),
        cost: None,
        lost_hours: None,
        only_adds: Vec::new(),
        reversals: Vec::new(),
        why_later: None,
        better: Vec::new(),
        worse: Vec::new(),
        notes,
        cannot: None,
        fixes,
    }
}

fn judge(
    job: &Job<'_>,
    before: &Side,
    after: &Side,
    effect: &mut VariantEffect,
) -> Result<(), Problems> {
    let map = patched(job.map, &effect.fixes)?;
    effect.only_adds = map.and_then(|map| only_adds(job.map, &map)).unwrap_or_default();
    let mut pairs: Vec<(&Nightly, &Nightly)> = Vec::new();
    for old in &before.functions {
        match after.function(&old.id) {
            Some(new) if old.cannot.is_none() && new.cannot.is_none() => pairs.push((old, new)),
            Some(new) => effect.notes.extend(
                (old.cannot != new.cannot)
                    .then(|| new.cannot.as_ref().or(old.cannot.as_ref()))
                    .flatten()
                    .map(|why| format!("{} cannot be compared: {why}", old.title)),
            ),
            None => effect.notes.push(format!("{} is taken away", old.title)),
        }
    }
    pairs.sort_by(|(a, _), (b, _)| b.life_safety.cmp(&a.life_safety).then(a.id.cmp(&b.id)));
    for (old, new) in &pairs {
        let change = function(old, new, job.seed);
        sentences(&change, &job.map.organisation.currency, effect);
        if !effect.only_adds.is_empty() {
            effect.reversals.extend(reversal(&change, old, new));
        }
        effect.functions.push(change);
    }
    if !effect.reversals.is_empty() {
        effect.why_later = Some(why_later(&effect.only_adds));
    }
    if before.priced {
        effect.cost = mean_change(&before.costs, &after.costs);
    }
    effect.lost_hours = mean_change(&total(&pairs, |p| p.0), &total(&pairs, |p| p.1));
    Ok(())
}

/// Lost hours of each night over all functions.
fn total<'a>(
    pairs: &[(&'a Nightly, &'a Nightly)],
    side: impl Fn(&(&'a Nightly, &'a Nightly)) -> &'a Nightly,
) -> Vec<i64> {
    let nights = pairs.first().map_or(0, |pair| side(pair).missing.len());
    let mut total = vec![0_i64; nights];
    for pair in pairs {
        for (total, missing) in total.iter_mut().zip(&side(pair).missing) {
            *total = total.saturating_add(*missing);
        }
    }
    total
}

fn function(old: &Nightly, new: &Nightly, seed: u64) -> FunctionChange {
    let [likely, bad_night] = quantile_changes(&old.usable, &new.usable, [0.5, 0.9], seed);
    let [data_loss] = quantile_changes(&old.data_loss, &new.data_loss, [0.9], seed);
    let within = |limit: Option<i64>, pick: fn(&Nightly) -> &Vec<i64>| {
        limit.map(|limit| kept([pick(old), pick(new)], limit))
    };
    FunctionChange {
        function: old.id.clone(),
        title: old.title.clone(),
        life_safety: old.life_safety,
        likely,
        bad_night,
        mean: mean_change(&old.usable, &new.usable),
        rto: within(old.rto, |nightly| &nightly.usable),
        rpo: within(old.rpo, |nightly| &nightly.data_loss),
        mtd: within(old.mtd, |nightly| &nightly.usable),
        back: kept([&old.usable, &new.usable], NEVER - 1),
        data_loss,
        lost_hours: mean_change(&old.missing, &new.missing).unwrap_or(NOTHING),
        cost: if old.priced || new.priced { mean_change(&old.cost, &new.cost) } else { None },
        sooner: larger(&new.usable, &old.usable, SLACK_MS).0,
        later: larger(&old.usable, &new.usable, SLACK_MS).0,
    }
}

/// A mean over no nights.
const NOTHING: MeanChange = MeanChange {
    before: 0,
    after: 0,
    change: Change { value: 0, low: 0, high: 0 },
    nights: 0,
    sharper: None,
};

fn kept(pair: [&Vec<i64>; 2], limit: i64) -> ChanceChange {
    let [before, after] =
        pair.map(|values| values.iter().map(|ms| *ms <= limit).collect::<Vec<bool>>());
    chance_change(&before, &after)
}

/// So many remarks are made on one function, each way; the figures tell the rest.
const MOST_REMARKS: usize = 3;

/// Adds what gets better and what gets worse for one function, a sentence each:
/// whatever the intervals keep clear of zero, what matters most first.
fn sentences(change: &FunctionChange, currency: &str, effect: &mut VariantEffect) {
    let usable = |time, when| time_words("usable again", ["sooner", "later"], time, when);
    let remarks: Vec<(bool, String)> = [
        chance_words("it comes back at all", Some(change.back)),
        usable(change.bad_night, "on a bad night"),
        chance_words("the RTO is kept", change.rto),
        time_words("work lost", ["less", "more"], change.data_loss, "on a bad night"),
        chance_words("the MTD is kept", change.mtd),
        usable(change.likely, "likely"),
        chance_words("the RPO is kept", change.rpo),
        mean_words(change.cost, |by, fell| {
            let by = crate::words::money(by, currency);
            format!("costs {by} {} an event on average", if fell { "less" } else { "more" })
        }),
        mean_words(change.mean, |by, fell| {
            format!("{} {} on average", duration(by), if fell { "sooner" } else { "later" })
        }),
        mean_words(Some(change.lost_hours), |by, fell| {
            let by = number(by as f64 / 3.6e6);
            let hours = plural(&by, "hour", "hours");
            format!("{by} {} lost {hours} on average", if fell { "fewer" } else { "more" })
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (good, list) in [(true, &mut effect.better), (false, &mut effect.worse)] {
        let words: Vec<&str> = remarks
            .iter()
            .filter(|remark| remark.0 == good)
            .take(MOST_REMARKS)
            .map(|remark| remark.1.as_str())
            .collect();
        if !words.is_empty() {
            list.push(format!("{}: {}", change.title, words.join("; ")));
        }
    }
}

fn chance_words(what: &str, chance: Option<ChanceChange>) -> Option<(bool, String)> {
    let chance = chance?;
    let [value, low, high] = chance.change;
    let word = if value > 0.0 { "more" } else { "fewer" };
    let (by, from, to) = (nights(value.abs()), share(chance.before), share(chance.after));
    let words = format!("{what} in {by} {word} ({from} before, {to} with it)");
    (low > 0.0 || high < 0.0).then_some((value > 0.0, words))
}

fn mean_words(
    mean: Option<MeanChange>,
    words: impl FnOnce(i64, bool) -> String,
) -> Option<(bool, String)> {
    let change = mean?.change;
    let told = change.falls() || change.rises();
    told.then(|| (change.falls(), words(change.value.abs(), change.falls())))
}

fn time_words(
    what: &str,
    [less, more]: [&str; 2],
    time: TimeChange,
    when: &str,
) -> Option<(bool, String)> {
    match (time.before, time.after, time.change) {
        (Elapsed::Never, Elapsed::Ms(after), _) => {
            let (before, after) = never_words(what, after);
            Some((true, format!("{what} {when} {after}; before, {before}")))
        }
        (Elapsed::Ms(before), Elapsed::Never, _) => {
            let (after, before) = never_words(what, before);
            Some((false, format!("{what} {when}: {after}; before, {before}")))
        }
        (_, _, Some(change)) if change.falls() || change.rises() => {
            let word = if change.falls() { less } else { more };
            let by = duration(change.value.abs());
            Some((change.falls(), format!("{what} {when} {by} {word}{}", between(change))))
        }
        _ => None,
    }
}

/// "Never" and a time, in the words of what they are about.
fn never_words(what: &str, ms: i64) -> (&'static str, String) {
    if what == "work lost" {
        ("all of it", format!("at most {}", duration(ms)))
    } else {
        ("never", format!("after {}", duration(ms)))
    }
}

/// The interval of a change of one sign, in words.
fn between(change: Change) -> String {
    let (low, high) = (change.low.abs(), change.high.abs());
    let (low, high) = (duration(low.min(high)), duration(low.max(high)));
    if low == high { String::new() } else { format!(" (between {low} and {high})") }
}

fn nights(share: f64) -> String {
    let of_100 = number(share * 100.0);
    format!("{of_100} {} of 100", plural(&of_100, "night", "nights"))
}

fn share(chance: Chance) -> String {
    number(chance.share * 100.0)
}

/// Why more means can be slower (R. L. Graham, "Bounds on multiprocessing timing
/// anomalies", SIAM J. Appl. Math. 17, 1969).
fn why_later(added: &[String]) -> String {
    format!(
        "nothing is taken away and there is more ({}), and yet: whoever is free takes the most \
         urgent step that is ready, and nobody keeps free for a more urgent one to come. With \
         more at hand other steps start earlier, and somebody is busy when the step that matters \
         becomes ready; say who keeps free for it, or leave this out",
        added.join(", ")
    )
}

/// Graham's anomaly, where nights show it.
fn reversal(change: &FunctionChange, old: &Nightly, new: &Nightly) -> Option<Reversal> {
    let (later, mean, most) = larger(&old.usable, &new.usable, SLACK_MS);
    if later.count == 0 {
        return None;
    }
    let by = match mean {
        Some(mean) => format!("by {} on average", duration(mean)),
        None => "and never comes back".to_owned(),
    };
    let often =
        if later.count == later.of { "every night".to_owned() } else { nights(later.share) };
    let words = format!("{} comes back later in {often}, {by}", change.title);
    let function = change.function.clone();
    Some(Reversal { function, later, mean_ms: mean, most: elapsed(most), words })
}
