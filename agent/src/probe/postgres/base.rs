//! What a base backup says of itself (`backup_manifest`, `backup_label`), and whether a WAL
//! archive goes on from it without a gap.
use std::collections::BTreeSet;
use std::io::Read;

use evenkeel_config::record::{Failure, FailureKind};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;

/// The manifest of a base backup.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Its files.
    #[serde(rename = "Files", default)]
    pub files: Vec<File>,
    /// The WAL that it needs.
    #[serde(rename = "WAL-Ranges", default)]
    pub wal: Vec<Range>,
}

/// A file of a base backup.
#[derive(Debug, Clone, Deserialize)]
pub struct File {
    /// Path within the backup; absent for names that are no UTF-8.
    #[serde(rename = "Path")]
    pub path: Option<String>,
    /// Bytes.
    #[serde(rename = "Size")]
    pub size: u64,
}

/// A range of WAL.
#[derive(Debug, Clone, Deserialize)]
pub struct Range {
    /// Timeline.
    #[serde(rename = "Timeline")]
    pub timeline: u32,
    /// First position, as `0/2000028`.
    #[serde(rename = "Start-LSN")]
    pub start: String,
}

impl Range {
    /// The segment that its first position lies in.
    pub fn first_segment(&self, segment_bytes: u64) -> Option<Segment> {
        let (log, within) = self.start.split_once('/')?;
        let [log, within] = [log, within].map(|part| u32::from_str_radix(part, 16).ok());
        let number = u64::from(within?) / segment_bytes.max(1);
        Some(Segment { timeline: self.timeline, log: log?, number: u32::try_from(number).ok()? })
    }
}

/// Reads a manifest.
///
/// # Errors
/// It is no JSON of the known form: cut off, most likely.
pub fn manifest(bytes: &[u8]) -> Result<Manifest, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure {
        kind: FailureKind::Unreadable,
        what: format!("backup_manifest cannot be read: {error}"),
        advice: "take a new base backup".to_owned(),
    })
}

/// `START TIME: 2026-11-28 07:00:00 UTC` of a label; other zones are not taken for UTC.
pub fn start_time(label: &str) -> Option<Timestamp> {
    let line = label.lines().find_map(|line| line.strip_prefix("START TIME: "))?;
    let time = line.trim().strip_suffix(" UTC").or_else(|| line.trim().strip_suffix(" GMT"))?;
    let time: jiff::civil::DateTime = time.replace(' ', "T").parse().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The first WAL segment that a label asks for.
pub fn first_segment(label: &str) -> Option<Segment> {
    let line = label.lines().find_map(|line| line.strip_prefix("START WAL LOCATION: "))?;
    segment(line.split_once("(file ")?.1.trim_end().strip_suffix(')')?)
}

/// A WAL segment: its timeline, and its number within a log of 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Timeline.
    pub timeline: u32,
    log: u32,
    number: u32,
}

impl Segment {
    /// The name as of its file.
    pub fn name(self) -> String {
        format!("{:08X}{:08X}{:08X}", self.timeline, self.log, self.number)
    }

    /// The next of the same timeline, with so many segments in a log.
    fn next(self, in_log: u32) -> Self {
        if self.number + 1 >= in_log {
            Self { log: self.log.wrapping_add(1), number: 0, ..self }
        } else {
            Self { number: self.number + 1, ..self }
        }
    }
}

/// The segment of a file's name, also of a compressed one.
pub fn segment(name: &str) -> Option<Segment> {
    let (name, end) = (name.get(..24)?, name.get(24..)?);
    if !matches!(end, "" | ".gz" | ".zst" | ".lz4" | ".xz" | ".bz2") {
        return None;
    }
    let part = |at: usize| u32::from_str_radix(name.get(at..at + 8)?, 16).ok();
    if !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(Segment { timeline: part(0)?, log: part(8)?, number: part(16)? })
}

/// Bytes of a segment by the first bytes of one, also of one compressed by gzip: the long
/// header of its first page (`XLogLongPageHeaderData` in PostgreSQL's `xlog_internal.h`).
pub fn segment_bytes(head: &[u8]) -> Option<u64> {
    const LONG: u16 = 2;
    let mut plain = [0; 40];
    let mut read: Box<dyn Read + '_> = match head {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(head)),
        _ => Box::new(head),
    };
    read.read_exact(&mut plain).ok()?;
    let small = |at: usize| u16::from_le_bytes([plain[at], plain[at + 1]]);
    let large = |at: usize| u32::from(small(at)) | u32::from(small(at + 2)) << 16;
    let bytes = u64::from(large(32));
    let fits = bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes);
    (small(2) & LONG != 0 && fits && large(36).is_power_of_two()).then_some(bytes)
}

/// The first segment that an archive lacks between `first` and its newest; a
/// change of the timeline is no gap.
pub fn gap(first: Segment, archived: &BTreeSet<Segment>, segment_bytes: u64) -> Option<Segment> {
    let in_log = u32::try_from((1_u64 << 32) / segment_bytes.max(1 << 20)).unwrap_or(256);
    let position = |one: Segment| (one.log, one.number);
    let later = archived.iter().filter(|one| one.timeline >= first.timeline);
    let there: BTreeSet<(u32, u32)> = later.map(|one| position(*one)).collect();
    let last = there.iter().next_back().copied();
    let mut at = first;
    // Each turn meets a segment that is there, so the turns are as many at most.
    while there.contains(&position(at)) {
        if Some(position(at)) == last {
            return None;
        }
        at = at.next(in_log);
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(names: &[&str]) -> BTreeSet<Segment> {
        names.iter().filter_map(|name| segment(name)).collect()
    }

    #[test]
    fn labels_tell_where_and_when_it_began() {
        let label = "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n\
            CHECKPOINT LOCATION: 0/2000060\nSTART TIME: 2026-11-28 07:00:00 UTC\n";
        assert_eq!(start_time(label).unwrap().to_string(), "2026-11-28T07:00:00Z");
        assert_eq!(first_segment(label).unwrap().name(), "000000010000000000000002");
        assert_eq!(start_time(&label.replace("UTC", "CET")), None);
        let range = |start: &str| Range { timeline: 1, start: start.to_owned() };
        let first = |start: &str, bytes| range(start).first_segment(bytes).map(Segment::name);
        assert_eq!(first("0/2000028", 16 << 20).as_deref(), Some("000000010000000000000002"));
        assert_eq!(first("A/300028", 1 << 20).as_deref(), Some("000000010000000A00000003"));
        assert_eq!(first("somewhere", 16 << 20), None);
    }

    #[test]
    fn a_gap_is_the_first_segment_that_is_not_there() {
        let first = segment("0000000100000000000000FE").unwrap();
        let whole =
            ["0000000100000000000000FE", "0000000100000000000000FF.gz", "000000010000000100000000"];
        assert_eq!(gap(first, &set(&whole), 16 << 20), None);
        let lacks = [whole[0], whole[2]];
        assert_eq!(gap(first, &set(&lacks), 16 << 20).unwrap().name(), "0000000100000000000000FF");
        assert_eq!(gap(first, &set(&whole[1..]), 16 << 20), Some(first));
        assert_eq!(gap(first, &set(&[]), 16 << 20), Some(first));
        let promoted = [whole[0], whole[1], "000000020000000100000000"];
        assert_eq!(gap(first, &set(&promoted), 16 << 20), None);
        assert_eq!(segment("00000002.history"), None);
        assert_eq!(segment("000000010000000000000002.00000028.backup"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = manifest(&bytes);
            let _ = (start_time(&text), first_segment(&text), segment(&text));
            let _ = segment_bytes(text.as_bytes());
        }
    }
}
