//! Archives of a repository in groups, so that a stale one cannot hide behind a fresh one.
use std::collections::{BTreeMap, BTreeSet};

use crate::backup::subject;
use crate::probe::borg::Archive;
use crate::probe::redact::plain;

/// What stands for the part of a name that changes with each run.
const RUN: &str = "*";

/// What archives are compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::checks) struct Group {
    /// Where they were made; empty if that cannot be told.
    pub(in crate::checks) host: String,
    /// Their name, with a star for each part that changes from run to run.
    pub(in crate::checks) name: String,
}

impl Group {
    /// For people.
    pub(in crate::checks) fn words(&self) -> String {
        let words = match self.host.as_str() {
            "" => self.name.clone(),
            host => format!("{host}:{}", self.name),
        };
        plain(&words).chars().take(200).collect()
    }

    /// Short and stable: it becomes a label.
    pub(in crate::checks) fn subject(&self) -> String {
        let readable = if self.host.is_empty() { &self.name } else { &self.host };
        subject(readable, &[&self.host, &self.name])
    }
}

/// A name in pieces: words, and runs of digits that may count or name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Word(String),
    Digits(String),
    Run,
}

/// An archive with its name in pieces.
type Member<'a> = (Vec<Piece>, &'a Archive);

/// Archives by host and pattern of their name, each group oldest first. Dates,
/// times and random numbers never split a group; other numbers do unless they
/// differ with nearly every archive: `db1` and `db2` are two databases.
pub(in crate::checks) fn grouped(archives: &[Archive]) -> BTreeMap<Group, Vec<&Archive>> {
    let mut shapes: BTreeMap<(String, Vec<Piece>), Vec<Member<'_>>> = BTreeMap::new();
    let hosts = hosts(archives);
    for archive in archives {
        let pieces = pieces(&archive.name);
        let shape = shape(&pieces);
        // Where its description is damaged, others of that shape tell its host.
        let alike = hosts.get(&shape).filter(|hosts| hosts.len() == 1);
        let host = archive.hostname.as_deref().or_else(|| alike?.first().copied());
        let host = host.unwrap_or_default().to_owned();
        shapes.entry((host, shape)).or_default().push((pieces, archive));
    }
    let mut groups: BTreeMap<Group, Vec<&Archive>> = BTreeMap::new();
    for ((host, shape), members) in shapes {
        let counts: Vec<bool> = (0..shape.len()).map(|at| counts(at, &members)).collect();
        for (pieces, archive) in members {
            let group = Group { host: host.clone(), name: pattern(&pieces, &counts) };
            groups.entry(group).or_default().push(archive);
        }
    }
    for members in groups.values_mut() {
        members.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
    }
    groups
}

/// A name with its digits left open.
fn shape(pieces: &[Piece]) -> Vec<Piece> {
    let blank = |piece: &Piece| match piece {
        Piece::Digits(_) => Piece::Digits(String::new()),
        other => other.clone(),
    };
    pieces.iter().map(blank).collect()
}

/// The hosts that make archives of a shape.
fn hosts(archives: &[Archive]) -> BTreeMap<Vec<Piece>, BTreeSet<&str>> {
    let mut hosts: BTreeMap<Vec<Piece>, BTreeSet<&str>> = BTreeMap::new();
    for archive in archives {
        if let Some(host) = &archive.hostname {
            hosts.entry(shape(&pieces(&archive.name))).or_default().insert(host);
        }
    }
    hosts
}

/// Whether the digits at a place differ with nearly every archive.
fn counts(at: usize, members: &[Member<'_>]) -> bool {
    let values: BTreeSet<&Piece> = members.iter().filter_map(|(list, _)| list.get(at)).collect();
    members.len() >= 4 && 2 * values.len() > members.len()
}

fn pattern(pieces: &[Piece], counts: &[bool]) -> String {
    let mut name = String::new();
    for (piece, counts) in pieces.iter().zip(counts) {
        match piece {
            Piece::Word(word) => name.push_str(word),
            Piece::Digits(digits) if !counts => name.push_str(digits),
            Piece::Digits(_) | Piece::Run if name.ends_with(RUN) => {}
            Piece::Digits(_) | Piece::Run => name.push_str(RUN),
        }
    }
    name
}

/// Days and months, as `date` and people write them into names.
const CALENDAR: &[&str] = &[
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn pieces(name: &str) -> Vec<Piece> {
    let mut list = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (piece, length) = next(rest, list.last());
        rest = rest.get(length..).unwrap_or_default();
        match (list.last_mut(), piece) {
            (Some(Piece::Word(before)), Piece::Word(more)) => before.push_str(&more),
            (_, piece) => list.push(piece),
        }
    }
    list
}

/// The first piece of a text and its length in bytes.
fn next(text: &str, before: Option<&Piece>) -> (Piece, usize) {
    if let Some(length) = date(text) {
        return (Piece::Run, length);
    }
    let is_letter = |letter: char| letter.is_alphanumeric();
    let token = text.find(|letter| !is_letter(letter)).unwrap_or(text.len());
    let begins_token = match before {
        Some(Piece::Word(word)) => !word.ends_with(is_letter),
        Some(Piece::Digits(_) | Piece::Run) => false,
        None => true,
    };
    if let Some(word) = text.get(..token).filter(|word| begins_token && is_run(word)) {
        return (Piece::Run, word.len());
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        let piece = text.get(..digits).unwrap_or_default().to_owned();
        return (if digits >= 9 { Piece::Run } else { Piece::Digits(piece) }, digits);
    }
    let one = text.chars().next().map_or(1, char::len_utf8);
    let word = text
        .char_indices()
        .skip(1)
        .find(|(_, letter)| letter.is_ascii_digit() || !is_letter(*letter))
        .map_or(text.len(), |(at, _)| at);
    let length = if text.starts_with(is_letter) { word } else { one };
    (Piece::Word(text.get(..length).unwrap_or_default().to_owned()), length)
}

/// A day, a month, or a random number in hexadecimal digits.
fn is_run(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    let is_random = token.len() >= 7
        && token.bytes().all(|b| b.is_ascii_hexdigit())
        && token.bytes().any(|b| b.is_ascii_digit())
        && token.bytes().any(|b| b.is_ascii_alphabetic());
    CALENDAR.contains(&lower.as_str()) || is_random
}

/// The length of a date at the start of a text, with the time that follows it.
fn date(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
    };
    let value = |from: usize, count: usize| text.get(from..from + count)?.parse::<u32>().ok();
    let is_year = |year: Option<u32>| year.is_some_and(|year| (1990..2100).contains(&year));
    let is = |value: Option<u32>, most: u32| value.is_some_and(|value| (1..=most).contains(&value));
    let mut end = match digits(0) {
        // 20261121, and with the time in one: 202611210300, 20261121030000
        8 | 12 | 14 if is_year(value(0, 4)) && is(value(4, 2), 12) && is(value(6, 2), 31) => {
            return Some(digits(0) + time(text.get(digits(0)..)?));
        }
        4 if is_year(value(0, 4)) && is(value(5, 2), 12) && digits(5) == 2 => 7,
        _ => return None,
    };
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'_' | b'.') {
        return None;
    }
    if bytes.get(7) == Some(&separator) && digits(8) >= 2 && is(value(8, 2), 31) {
        end = 10;
    }
    Some(end + time(text.get(end..)?))
}

/// The length of a time of day that follows a date: `T03:00:00.123456+01:00`,
/// `_0300`, `-03-00-00`.
fn time(text: &str) -> usize {
    let allowed = |letter: char| letter.is_ascii_digit() || "T:.-_+Z ".contains(letter);
    let length = text.find(|letter| !allowed(letter)).unwrap_or(text.len());
    let time = text.get(..length).unwrap_or_default();
    // What separates the time from a word that follows is not part of it.
    let time = time.trim_end_matches(|letter: char| !letter.is_ascii_digit() && letter != 'Z');
    if time.bytes().any(|b| b.is_ascii_digit()) { time.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(host: &str, name: &str) -> Archive {
        Archive {
            name: name.to_owned(),
            id: String::new(),
            start: "2026-11-21T12:00:00Z".parse().unwrap(),
            hostname: Some(host.to_owned()),
            end: None,
        }
    }

    fn groups(names: &[&str]) -> Vec<String> {
        let list: Vec<Archive> = names.iter().map(|name| archive("h", name)).collect();
        grouped(&list).keys().map(|group| group.name.clone()).collect()
    }

    #[test]
    fn dates_never_split() {
        for (names, expected) in [
            (&["srv-2026-11-20", "srv-2026-11-21"][..], "srv-*"),
            (&["srv-2025-12-31T23:59:59.999999", "srv-2026-01-01T00:00:00.5"], "srv-*"),
            (&["srv-20261120", "srv-20261121_0300"], "srv-*"),
            (&["2026-11-20-etc", "2026-11-21-etc"], "*-etc"),
            (&["srv.2026_11", "srv.2026_12"], "srv.*"),
            (&["srv-1795849237", "srv-1795849300"], "srv-*"),
            (&["srv-monday", "srv-tuesday"], "srv-*"),
            (&["srv-3fa9c1d", "srv-77b0aa2"], "srv-*"),
            (&["srv-20261120030000.full", "srv-20261121030000.full"], "srv-*.full"),
        ] {
            assert_eq!(groups(names), [expected], "{names:?}");
        }
    }

    #[test]
    fn numbers_that_name_split_and_those_that_count_do_not() {
        assert_eq!(
            groups(&["db1-2026-11-20", "db2-2026-11-20", "db1-2026-11-21", "db2-2026-11-21"]),
            ["db1-*", "db2-*"]
        );
        assert_eq!(groups(&["run1", "run2", "run3", "run4", "run5"]), ["run*"]);
        assert_eq!(groups(&["etc-2026-11-20", "home-2026-11-20"]), ["etc-*", "home-*"]);
        assert_eq!(groups(&["mono", "decor", "face"]), ["decor", "face", "mono"]);
        assert_eq!(groups(&["", "ü-2026-11-20", "-"]), ["", "-", "ü-*"]);
    }

    #[test]
    fn hosts_split() {
        let list = [archive("a", "x-2026-11-20"), archive("b", "x-2026-11-21")];
        let words: Vec<String> = grouped(&list).keys().map(Group::words).collect();
        assert_eq!(words, ["a:x-*", "b:x-*"]);
        let unknown = Archive { hostname: None, ..archive("", "x-2026-11-22") };
        let list = [archive("a", "x-2026-11-20"), unknown.clone()];
        assert_eq!(grouped(&list).len(), 1);
        let list = [archive("a", "x-2026-11-20"), archive("b", "x-2026-11-21"), unknown];
        assert_eq!(grouped(&list).len(), 3);
    }
}
