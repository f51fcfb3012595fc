//! What a patched map has more than the map it came from, when it has nothing less.
use evenkeel_config::calendar::Hours;
use evenkeel_config::law::Law;
use evenkeel_config::map::{Component, DependencyMap, Details, RecoveryStep};
use evenkeel_config::quantity::{Rate, Share};

/// What the patched map adds, in words: people, copies, bandwidth, skills,
/// hours, shorter work. `None` when it changes anything else, or nothing.
pub fn only_adds(before: &DependencyMap, after: &DependencyMap) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for (id, old) in &before.components {
        let new = after.components.get(id)?;
        if old != new {
            // What is still different once everything that can only help has
            // been granted is no mere addition.
            let mut granted = Grant { component: old.clone(), new, words: &mut words };
            granted.details();
            granted.steps();
            granted.alternatives();
            if granted.component != *new {
                return None;
            }
        }
    }
    for (id, new) in &after.components {
        if !before.components.contains_key(id) {
            words.push(format!("{} ({})", new.title(), new.kind.key().replace('_', " ")));
        }
    }
    (!words.is_empty() && before.organisation == after.organisation).then_some(words)
}

/// A component that is granted, step by step, what the new one has more.
struct Grant<'a> {
    component: Component,
    new: &'a Component,
    words: &'a mut Vec<String>,
}

impl Grant<'_> {
    fn say(words: &mut Vec<String>, new: &Component, what: &str) {
        words.push(format!("{what} of {}", new.title()));
    }

    fn details(&mut self) {
        let Self { component, new, words } = self;
        let mut say = |what: &str| Self::say(words, new, what);
        match (&mut component.details, &new.details) {
            (Details::Person(old), Details::Person(new)) => {
                grant(
                    &mut old.skills,
                    &new.skills,
                    |a, b| contains_all(a, b),
                    || say("more skills"),
                );
                grant(&mut old.hours, &new.hours, wider, || say("longer hours"));
                grant(&mut old.overtime, &new.overtime, wider_or_new, || say("more overtime"));
                grant(&mut old.away, &new.away, rarer, || say("fewer absences"));
                grant(&mut old.deputy, &new.deputy, newly, || say("a deputy"));
            }
            (Details::Team(old), Details::Team(new)) => {
                grant(&mut old.count, &new.count, |a, b| b >= a, || say("more people"));
                grant(
                    &mut old.skills,
                    &new.skills,
                    |a, b| contains_all(a, b),
                    || say("more skills"),
                );
                grant(&mut old.hours, &new.hours, wider, || say("longer hours"));
                grant(&mut old.away, &new.away, rarer, || say("fewer absences"));
            }
            (Details::Link(old), Details::Link(new)) => {
                // A link without a stated bandwidth is no limit.
                let more = |a: &Option<Rate>, b: &Option<Rate>| b.is_none() || stated(a, b);
                grant(&mut old.bandwidth, &new.bandwidth, more, || say("more bandwidth"));
            }
            (Details::Copy(old), Details::Copy(new)) => {
                grant(&mut old.speed, &new.speed, stated, || say("faster restores"));
                grant(&mut old.restore_success, &new.restore_success, stated, || {
                    say("surer restores");
                });
            }
            (Details::Dataset(old), Details::Dataset(new)) => {
                grant(
                    &mut old.backups,
                    &new.backups,
                    |a, b| contains_all(a, b),
                    || say("another backup"),
                );
            }
            (Details::Spare(old), Details::Spare(new)) => {
                grant(&mut old.stock, &new.stock, |a, b| b >= a, || say("more in stock"));
                grant(&mut old.lead_time, &new.lead_time, shorter, || say("sooner delivery"));
            }
            (Details::Vendor(old), Details::Vendor(new)) => {
                grant(&mut old.response, &new.response, shorter, || say("a sooner response"));
                let more = |a: &Option<u8>, b: &Option<u8>| {
                    b.is_none() || a.is_some_and(|a| b.is_some_and(|b| b >= a))
                };
                grant(&mut old.engineers, &new.engineers, more, || say("more engineers"));
            }
            (Details::Power(old), Details::Power(new)) => {
                grant(&mut old.runtime, &new.runtime, |a, b| b >= a, || say("a longer runtime"));
            }
            _ => {}
        }
    }

    fn steps(&mut self) {
        let Self { component, new, words } = self;
        let lists = [
            (&mut component.common.recover, &new.common.recover),
            (&mut component.common.repair, &new.common.repair),
            (&mut component.common.clear, &new.common.clear),
        ];
        for (old, newer) in lists {
            if old.len() == newer.len() {
                for (old, newer) in old.iter_mut().zip(newer) {
                    step(old, newer, |what| Self::say(words, new, what));
                }
            }
        }
    }

    fn alternatives(&mut self) {
        let Self { component, new, words } = self;
        let mut say = |what: &str| Self::say(words, new, what);
        let (old, new) = (&mut component.common, &new.common);
        grant(&mut old.failover, &new.failover, newly, || say("a fail-over"));
        let fewer = |a: &Vec<_>, b: &Vec<_>| contains_all(b, a);
        grant(&mut old.recover_needs, &new.recover_needs, fewer, || say("fewer conditions"));
        // Words on a page make nothing faster or slower.
        old.name.clone_from(&new.name);
        old.summary.clone_from(&new.summary);
        old.notes.clone_from(&new.notes);
        old.runbook.clone_from(&new.runbook);
        old.reviewed = new.reviewed;
    }
}

fn step(old: &mut RecoveryStep, new: &RecoveryStep, mut say: impl FnMut(&str)) {
    grant(&mut old.effort, &new.effort, shorter, || say("shorter work"));
    grant(&mut old.wait, &new.wait, shorter, || say("shorter waits"));
    grant(&mut old.lead_time, &new.lead_time, shorter, || say("sooner delivery"));
    grant(&mut old.heads, &new.heads, |a, b| b <= a, || say("fewer hands at once"));
    grant(&mut old.overtime, &new.overtime, |_, b| *b, || say("work out of hours"));
    grant(&mut old.needs, &new.needs, |a, b| contains_all(b, a), || say("fewer conditions"));
}

/// Takes the new value over when it differs and can only help.
fn grant<T: PartialEq + Clone>(
    old: &mut T,
    new: &T,
    helps: impl Fn(&T, &T) -> bool,
    say: impl FnOnce(),
) {
    if old != new && helps(old, new) {
        *old = new.clone();
        say();
    }
}

fn contains_all<T: PartialEq>(old: &[T], new: &[T]) -> bool {
    old.iter().all(|value| new.contains(value))
}

/// At least as much, where both are stated: what is assumed otherwise is not
/// decided here.
fn stated<T: PartialOrd>(old: &Option<T>, new: &Option<T>) -> bool {
    matches!((old, new), (Some(old), Some(new)) if new >= old)
}

fn newly<T>(old: &Option<T>, new: &Option<T>) -> bool {
    old.is_none() && new.is_some()
}

fn rarer(old: &Option<Share>, new: &Option<Share>) -> bool {
    new <= old
}

/// Hours that contain the old ones; both must be written, since what holds
/// otherwise is the simulator's business.
fn wider(old: &Option<Hours>, new: &Option<Hours>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new.intersect(old) == *old,
        (None, Some(new)) => new.is_always(),
        (_, None) => false,
    }
}

fn wider_or_new(old: &Option<Hours>, new: &Option<Hours>) -> bool {
    newly(old, new) || wider(old, new)
}

/// Whether a law can be seen to give no longer times at the same luck: each of
/// its figures is at most the old one.
fn shorter(old: &Option<Law>, new: &Option<Law>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return new.is_none() };
    match (old, new) {
        (Law::Fixed(old), Law::Fixed(new)) => new <= old,
        (Law::Exponential { mean: old }, Law::Exponential { mean: new }) => new <= old,
        (Law::Uniform { low, high }, Law::Uniform { low: l, high: h }) => l <= low && h <= high,
        (
            Law::Pert { low, likely, high },
            Law::Pert { low: new_low, likely: new_likely, high: new_high },
        )
        | (
            Law::Triangular { low, likely, high },
            Law::Triangular { low: new_low, likely: new_likely, high: new_high },
        ) => new_low <= low && new_likely <= likely && new_high <= high,
        (
            Law::Lognormal { median_ms, sigma },
            Law::Lognormal { median_ms: new_median, sigma: new_sigma },
        ) => new_median <= median_ms && new_sigma == sigma,
        (Law::Gamma { shape, mean }, Law::Gamma { shape: new_shape, mean: new_mean }) => {
            new_shape == shape && new_mean <= mean
        }
        (Law::Weibull { shape, scale }, Law::Weibull { shape: new_shape, scale: new_scale }) => {
            new_shape == shape && new_scale <= scale
        }
        _ => false,
    }
}
