//! What a drill does next, by the drills before: which part is read, and how deep it goes.
use std::collections::BTreeMap;

use evenkeel_config::quantity::Span;
use evenkeel_config::record::{DrillFacts, DrillLevel};
use jiff::{SignedDuration, Timestamp};

use super::DrillSettings;

/// The parts that the next drill reads, of so many: the one that was sound
/// longest ago, never read first; and before it one that was damaged when last
/// read, to see whether it has been mended. A part whose reading came to no
/// answer is in no history, and so comes again.
pub(super) fn next_parts(history: &[DrillFacts], parts: u32) -> Vec<u32> {
    let last = last_answers(history, parts);
    let mut damaged: Vec<(Timestamp, u32)> = Vec::new();
    let mut rest: Vec<(Option<Timestamp>, u32)> = Vec::new();
    for part in 1..=parts {
        match last.get(&part) {
            Some((read, false)) => damaged.push((*read, part)),
            Some((read, true)) => rest.push((Some(*read), part)),
            None => rest.push((None, part)),
        }
    }
    let again = damaged.into_iter().min().map(|(_, part)| part);
    let next = rest.into_iter().min().map(|(_, part)| part);
    again.into_iter().chain(next).collect()
}

/// The share of the parts that were sound when last read.
pub(super) fn share_read(history: &[DrillFacts], parts: u32) -> f64 {
    let sound = last_answers(history, parts).values().filter(|(_, sound)| *sound).count();
    sound as f64 / f64::from(parts.max(1))
}

/// The parts that were damaged when last read.
pub(super) fn damaged_parts(history: &[DrillFacts], parts: u32) -> Vec<u32> {
    let last = last_answers(history, parts);
    last.into_iter().filter(|(_, (_, sound))| !sound).map(|(part, _)| part).collect()
}

/// When each part was last read, and whether it was sound.
fn last_answers(history: &[DrillFacts], parts: u32) -> BTreeMap<u32, (Timestamp, bool)> {
    let mut last: BTreeMap<u32, (Timestamp, bool)> = BTreeMap::new();
    for drill in history {
        let Some([part, of]) = drill.subset.filter(|[_, of]| *of == parts) else { continue };
        let answer = (drill.started, drill.worked);
        if (1..=of).contains(&part) && last.get(&part).is_none_or(|one| one.0 <= drill.started) {
            last.insert(part, answer);
        }
    }
    last
}

/// How deep the next drill goes.
pub(super) fn next_level(
    settings: &DrillSettings,
    opens: bool,
    history: &[DrillFacts],
    now: Timestamp,
) -> DrillLevel {
    if settings.full_every.is_some_and(|every| is_due(history, DrillLevel::Full, every, now)) {
        return DrillLevel::Full;
    }
    let application = DrillLevel::Application;
    if opens && is_due(history, application, settings.application_every, now) {
        return application;
    }
    DrillLevel::Sample
}

/// Whether no restore went so deep within a span. An hour of grace keeps a
/// yearly drill from slipping by a week, when each run starts a little earlier.
fn is_due(history: &[DrillFacts], level: DrillLevel, every: Span, now: Timestamp) -> bool {
    let every = SignedDuration::from_millis(every.as_ms()) - SignedDuration::from_hours(1);
    let last = history
        .iter()
        .filter(|drill| drill.level >= level && drill.started <= now)
        .map(|drill| drill.started)
        .max();
    last.is_none_or(|last| now.duration_since(last) >= every)
}

/// Groups in the order in which they are to be drilled: never drilled first,
/// then the one whose last drill is oldest.
pub(super) fn last_drilled(history: &[DrillFacts], subject: &str) -> Option<Timestamp> {
    let of_it = history.iter().filter(|drill| drill.is_restore() && drill.subject == subject);
    of_it.map(|drill| drill.started).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    fn read(hour: i64, part: u32, worked: bool) -> DrillFacts {
        let copy = "nas".parse().unwrap();
        let mut drill = DrillFacts::new(copy, None, at(hour), DrillLevel::ReadSubset);
        drill.subset = Some([part, 3]);
        drill.worked = worked;
        drill
    }

    #[test]
    fn every_part_is_read_once_a_cycle() {
        let mut history = Vec::new();
        let mut order = Vec::new();
        for hour in 0..7 {
            let parts = next_parts(&history, 3);
            assert_eq!(parts.len(), 1);
            order.push(parts[0]);
            // The third reading comes to no answer and is repeated.
            if hour != 2 {
                history.push(read(hour, parts[0], true));
            }
        }
        assert_eq!(order, [1, 2, 3, 3, 1, 2, 3]);
        assert_eq!(next_parts(&history, 0), Vec::<u32>::new());
        assert_eq!(next_parts(&history, 5), [1], "another cut starts over");
        assert!((share_read(&history, 3) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_damaged_part_is_read_again_and_holds_up_no_other() {
        let mut history = vec![read(0, 1, true), read(1, 2, false)];
        assert_eq!(next_parts(&history, 3), [2, 3]);
        assert_eq!(damaged_parts(&history, 3), [2]);
        history.extend([read(2, 2, false), read(2, 3, true)]);
        assert_eq!(next_parts(&history, 3), [2, 1]);
        assert!((share_read(&history, 3) - 2.0 / 3.0).abs() < 1e-9);
        history.extend([read(3, 2, true), read(3, 1, true)]);
        assert_eq!(next_parts(&history, 3), [3]);
        assert_eq!(damaged_parts(&history, 3), Vec::<u32>::new());
    }

    #[test]
    fn deeper_levels_come_when_due() {
        let settings = DrillSettings {
            full_every: Some(Span::from_hours(100)),
            application_every: Span::from_hours(10),
            ..DrillSettings::default()
        };
        let drill = |hour, level| DrillFacts { level, subset: None, ..read(hour, 1, true) };
        let next =
            |history: &[DrillFacts], opens, hour| next_level(&settings, opens, history, at(hour));
        assert_eq!(next(&[], true, 0), DrillLevel::Full);
        let mut history = vec![drill(0, DrillLevel::Full)];
        assert_eq!(next(&history, true, 5), DrillLevel::Sample);
        assert_eq!(next(&history, true, 12), DrillLevel::Application);
        assert_eq!(next(&history, false, 12), DrillLevel::Sample);
        history.push(drill(90, DrillLevel::Application));
        assert_eq!(next(&history, true, 95), DrillLevel::Sample);
        assert_eq!(next(&history, true, 99), DrillLevel::Full);
        let seldom = DrillSettings { full_every: None, ..settings.clone() };
        assert_eq!(next_level(&seldom, false, &[], at(0)), DrillLevel::Sample);
    }
}
