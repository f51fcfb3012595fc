//! Plain dumps on their way into a throw-away database: no command of `psql` passes, and what
//! only the old cluster could do (owners, grants) is left out.
use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

/// A line is looked at up to here, in bytes; data lines may be far longer.
const LONGEST_LOOK: usize = 64 << 10;

/// What a plain dump holds beside data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// How often it changes to another database.
    pub connects: u64,
    /// The encoding of its text.
    pub encoding: Option<String>,
    /// Extensions that it asks for.
    pub extensions: BTreeSet<String>,
    /// The first command of `psql` that has no place in a dump.
    pub refused: Option<String>,
}

/// Looks through a dump without keeping it.
///
/// # Errors
/// It cannot be read.
pub fn survey(dump: impl BufRead) -> io::Result<Survey> {
    let mut survey = Survey::default();
    walk(dump, &mut |line, part| {
        match part {
            Part::Command(Command::Connect) => survey.connects += 1,
            Part::Command(Command::Other) => {
                survey.refused.get_or_insert_with(|| words(line));
            }
            Part::Statement => {
                if let Some(name) = line.strip_prefix(b"CREATE EXTENSION IF NOT EXISTS ") {
                    survey.extensions.insert(extension(&String::from_utf8_lossy(name)));
                } else if let Some(name) = line.strip_prefix(b"SET client_encoding = ") {
                    let name = String::from_utf8_lossy(name);
                    let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
                    survey.encoding.get_or_insert_with(|| name.to_owned());
                }
            }
            Part::Command(Command::Restrict) | Part::Data => {}
        }
        true
    })?;
    Ok(survey)
}

/// The name in `name WITH SCHEMA public;`, without quotes.
pub fn extension(words: &str) -> String {
    match words.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
        None => words
            .split(|letter: char| letter.is_whitespace() || letter == ';')
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn words(line: &[u8]) -> String {
    let first = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let first: String = String::from_utf8_lossy(first).chars().take(40).collect();
    crate::probe::redact::plain(&first)
}

/// Hands over, piece by piece, what is to be loaded: without commands of `psql`,
/// and from behind the change to the dump's own database, if there is one.
/// `keep_owners` leaves owners and grants in. Ends early when `send` says `false`.
///
/// # Errors
/// It cannot be read.
pub fn pass(
    dump: impl BufRead,
    survey: &Survey,
    keep_owners: bool,
    send: &mut dyn FnMut(Vec<u8>) -> bool,
) -> io::Result<()> {
    let mut is_ours = survey.connects == 0;
    let mut piece = Vec::new();
    walk(dump, &mut |line, part| {
        match part {
            Part::Command(Command::Connect) => is_ours = true,
            Part::Command(_) => {}
            Part::Statement if !keep_owners && is_of_old_cluster(line) => {}
            _ if is_ours => piece.extend_from_slice(line),
            _ => {}
        }
        piece.len() < LONGEST_LOOK || send(std::mem::take(&mut piece))
    })?;
    if !piece.is_empty() {
        send(piece);
    }
    Ok(())
}

/// Statements about roles of the old cluster, and those that only it may make.
fn is_of_old_cluster(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    if !line.ends_with(b";") {
        return false;
    }
    let begins = |with: &[u8]| line.starts_with(with);
    begins(b"GRANT ")
        || begins(b"REVOKE ")
        || begins(b"ALTER DEFAULT PRIVILEGES ")
        || begins(b"COMMENT ON EXTENSION ")
        || (begins(b"ALTER ") && line.windows(10).any(|part| part == b" OWNER TO "))
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The first line of a statement, or one between statements.
    Statement,
    /// Rows, the inside of a text or of a function, or the rest of a long line.
    Data,
    /// A command of `psql`.
    Command(Command),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Restrict,
    Connect,
    Other,
}

/// Where in SQL a line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Within {
    Nothing,
    Rows,
    Quote,
    Name,
    Body(Vec<u8>),
}

/// Calls `each` with every line, its end included; very long ones in pieces.
fn walk(mut dump: impl BufRead, each: &mut dyn FnMut(&[u8], Part) -> bool) -> io::Result<()> {
    let mut within = Within::Nothing;
    let mut line = Vec::new();
    let mut is_rest = false;
    loop {
        line.clear();
        let limit = u64::try_from(LONGEST_LOOK).unwrap_or(u64::MAX);
        (&mut dump).take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let part = if is_rest { Part::Data } else { part(&line, &within) };
        let goes_on = !line.ends_with(b"\n");
        match (&within, part) {
            (Within::Rows, _) if !is_rest && line.trim_ascii_end() == b"\\." => {
                within = Within::Nothing;
            }
            (Within::Rows, _) | (_, Part::Command(_)) => {}
            _ if is_copy(&line) && part == Part::Statement => within = Within::Rows,
            _ => within = after(&line, within),
        }
        is_rest = goes_on;
        if !each(&line, part) {
            return Ok(());
        }
    }
}

fn part(line: &[u8], within: &Within) -> Part {
    if *within != Within::Nothing {
        return Part::Data;
    }
    let Some(command) = line.strip_prefix(b"\\") else { return Part::Statement };
    let name = command.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    Part::Command(match name {
        b"restrict" | b"unrestrict" => Command::Restrict,
        b"connect" => Command::Connect,
        _ => Command::Other,
    })
}

fn is_copy(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.starts_with(b"COPY ") && line.ends_with(b" FROM stdin;")
}

/// What is open at the end of a line of SQL.
fn after(line: &[u8], mut within: Within) -> Within {
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let rest = line.get(at..).unwrap_or_default();
        match &within {
            Within::Nothing | Within::Rows => match byte {
                b'-' if rest.starts_with(b"--") => return Within::Nothing,
                b'\'' => within = Within::Quote,
                b'"' => within = Within::Name,
                b'$' => {
                    if let Some(tag) = dollar_tag(rest) {
                        at += tag.len();
                        within = Within::Body(tag.to_owned());
                        continue;
                    }
                }
                _ => {}
            },
            Within::Quote if *byte == b'\'' => within = Within::Nothing,
            Within::Name if *byte == b'"' => within = Within::Nothing,
            Within::Body(tag) if rest.starts_with(tag) => {
                at += tag.len();
                within = Within::Nothing;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    within
}

/// `$$` or `$name$` at the start.
fn dollar_tag(rest: &[u8]) -> Option<&[u8]> {
    let inner = rest.get(1..)?;
    let length = inner.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    (inner.get(length) == Some(&b'$')).then(|| rest.get(..length + 2))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(dump: &str) -> (Survey, String) {
        let found = survey(dump.as_bytes()).unwrap();
        let mut out = Vec::new();
        let mut send = |piece: Vec<u8>| {
            out.extend(piece);
            true
        };
        pass(dump.as_bytes(), &found, false, &mut send).unwrap();
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn commands_are_found_outside_of_data_alone() {
        let sound = "SET client_encoding = 'LATIN1';\n\\restrict k\n\
            CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;\n\
            COPY public.a (b) FROM stdin;\n\\! touch\n\\connect\n\\.\n\
            CREATE FUNCTION f() AS $_$\n\\! touch\nGRANT x;\n$_$;\n\
            INSERT INTO a VALUES ('it''s\n\\connect x\n');\n-- it's a comment\nSELECT 1;\n";
        let (found, out) = passed(sound);
        assert_eq!((found.connects, found.refused), (0, None));
        assert_eq!(found.encoding.as_deref(), Some("LATIN1"));
        assert_eq!(found.extensions, BTreeSet::from(["uuid-ossp".to_owned()]));
        assert_eq!(out, sound.replace("\\restrict k\n", ""));
        for hostile in ["\\! touch /tmp/x", "\\copy a to program 'x'", "\\i /etc/passwd", "\\gexec"]
        {
            let dump = format!("SELECT 1;\n{hostile}\nSELECT 2;\n");
            let (found, out) = passed(&dump);
            assert!(found.refused.is_some(), "{hostile}");
            assert_eq!(out, "SELECT 1;\nSELECT 2;\n");
        }
    }

    #[test]
    fn owners_stay_behind_and_the_way_to_the_database() {
        let dump = "CREATE DATABASE x;\n\\connect x\nCREATE TABLE a ();\n\
            ALTER TABLE public.a OWNER TO erp;\nGRANT ALL ON a TO b;\nALTER TABLE a ADD b int;\n";
        let (found, out) = passed(dump);
        assert_eq!(found.connects, 1);
        assert_eq!(out, "CREATE TABLE a ();\nALTER TABLE a ADD b int;\n");
    }

    proptest! {
        #[test]
        fn nothing_that_begins_with_a_backslash_passes_between_statements(
            lines in proptest::collection::vec("[\\\\;'\"$a !\\-]{0,6}", 0..20)
        ) {
            let (_, out) = passed(&lines.join("\n"));
            let mut within = Within::Nothing;
            for line in out.split_inclusive('\n') {
                if within == Within::Nothing {
                    prop_assert!(!line.starts_with('\\'), "{out}");
                }
                within = after(line.as_bytes(), within);
            }
        }
    }
}
