//! How long a restore takes, by the drills so far: always a range.
use evenkeel_config::map::Calibration;
use evenkeel_config::record::DrillFacts;
use evenkeel_config::restore_time::{Belief, RestoreLaw, rows};

/// A range of seconds, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// One restore of ten is quicker.
    pub p10: f64,
    /// Half of them are.
    pub p50: f64,
    /// Nine of ten are.
    pub p90: f64,
    /// What it rests on, in words.
    pub basis: String,
}

impl Range {
    /// Each percentile with its name as in a label.
    pub fn percentiles(&self) -> [(&'static str, f64); 3] {
        [("10", self.p10), ("50", self.p50), ("90", self.p90)]
    }
}

/// How long it takes to restore so many files and bytes from a repository, by
/// all its drills.
pub fn restore(drills: &[DrillFacts], files: u64, bytes: u64) -> Range {
    let as_of = drills.iter().map(|drill| drill.started.as_millisecond()).max();
    let belief = Belief::new(&Calibration::default(), None);
    let law = RestoreLaw::fit(&rows(drills), &belief, as_of.unwrap_or_default());
    let time = law.time(Some(files), bytes);
    let of = |p: f64| time.quantile(p);
    Range { p10: of(0.1), p50: of(0.5), p90: of(0.9), basis: time.from.clone() }
}

/// How long it takes to restore everything of a group, by all drills of its
/// repository; nothing until one of them counted what the group holds.
pub fn full_restore(drills: &[DrillFacts], subject: &str) -> Option<Range> {
    let of_it = drills.iter().rev().filter(|drill| drill.subject == subject);
    let (files, bytes) =
        of_it.filter_map(|drill| drill.total_files.zip(drill.total_bytes)).next()?;
    Some(restore(drills, files, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_config::record::{DrillLevel, TimedRestore};
    use jiff::Timestamp;

    #[test]
    fn the_range_is_of_the_whole_group_and_rests_on_every_drill() {
        assert_eq!(full_restore(&[], "a"), None);
        let timed = |files, bytes, seconds| TimedRestore { files, bytes, seconds };
        let mut drill = DrillFacts::new(
            "nas".parse().unwrap(),
            None,
            Timestamp::UNIX_EPOCH,
            DrillLevel::Sample,
        );
        drill.subject = "a".to_owned();
        (drill.total_files, drill.total_bytes) = (Some(3_000), Some(3_000_000_000));
        drill.restores = vec![timed(48, 2_000_000, 1.2), timed(12, 300_000_000, 4.0)];
        let one = full_restore(&[drill.clone()], "a").unwrap();
        assert!(one.p10 < one.p50 && one.p50 < one.p90);
        assert!(one.p50 > 15.0 && one.p50 < 120.0, "{one:?}");
        assert_eq!(full_restore(&[drill.clone()], "b"), None);
        let other = DrillFacts { subject: "b".to_owned(), ..drill.clone() };
        let two = full_restore(&[drill, other], "a").unwrap();
        assert_ne!(one.basis, two.basis);
    }
}
