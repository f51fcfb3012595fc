//! PDF: header, end mark, and the way from the end to every table of objects and
//! to the root. By ISO 32000-1, 7.5. Page contents are not read.
use std::io::{Read, Seek, SeekFrom};

use super::format::{Budget, Trouble, find, find_last};

/// The header stands somewhere in here.
const HEAD: u64 = 1024;

/// The end mark stands somewhere in here; some programs append.
const TAIL: u64 = 4096;

/// A dictionary that describes a table is not longer.
const WINDOW: usize = 256 << 10;

/// More changes that were appended are not followed.
const MOST_TABLES: usize = 512;

/// Opens a document of `length` bytes.
///
/// # Errors
/// It is not whole, or that cannot be told.
pub(super) fn open<R: Read + Seek>(
    source: &mut R,
    length: u64,
    budget: &Budget,
) -> Result<(), Trouble> {
    let head = read(source, 0, HEAD)?;
    let before = find(&head, b"%PDF-").ok_or_else(|| Trouble::damaged("its header is missing"))?;
    let before = u64::try_from(before).unwrap_or(0);
    let tail = read(source, length.saturating_sub(TAIL), TAIL)?;
    let cut = || Trouble::damaged("its end mark is missing: it is cut short");
    let end = find_last(&tail, b"%%EOF").ok_or_else(cut)?;
    let tail = tail.get(..end).unwrap_or_default();
    let start = find_last(tail, b"startxref").ok_or_else(cut)?;
    let mut words = tail.get(start + 9..).unwrap_or_default();
    let mut at = digits(&mut words).ok_or_else(cut)?;
    let mut seen = Vec::new();
    let mut has_root = false;
    loop {
        budget.time()?;
        if seen.len() >= MOST_TABLES || seen.contains(&at) {
            return Err(Trouble::damaged("its tables of objects go round in circles"));
        }
        seen.push(at);
        // Places are counted from the header, and by some programs from the file's start.
        let table = match table(source, at.saturating_add(before), length) {
            Err(Trouble::Damaged(_)) if before > 0 => table(source, at, length)?,
            other => other?,
        };
        has_root |= find(&table, b"/Root").is_some();
        let Some(previous) = find(&table, b"/Prev") else { break };
        let mut words = table.get(previous + 5..).unwrap_or_default();
        match digits(&mut words) {
            Some(next) => at = next,
            None => break,
        }
    }
    if has_root { Ok(()) } else { Err(Trouble::damaged("it names no root object")) }
}

/// The dictionary of the table of objects that stands at a place.
fn table<R: Read + Seek>(source: &mut R, at: u64, length: u64) -> Result<Vec<u8>, Trouble> {
    let broken = || Trouble::damaged("its table of objects is not where it should be");
    if at >= length {
        return Err(broken());
    }
    let text = read(source, at, u64::try_from(WINDOW).unwrap_or(0))?;
    let mut words = skip_space(&text);
    if let Some(rest) = words.strip_prefix(b"xref") {
        let text_at = at + u64::try_from(text.len() - rest.len()).unwrap_or(0);
        return trailer(source, text_at, length);
    }
    // A stream: number, generation, `obj`, and a dictionary up to `stream`.
    let is_object = digits(&mut words).is_some()
        && digits(&mut words).is_some()
        && skip_space(words).starts_with(b"obj");
    let end = find(words, b"stream").filter(|_| is_object).ok_or_else(broken)?;
    let dictionary = words.get(..end).unwrap_or_default();
    find(dictionary, b"/XRef").map(|_| dictionary.to_vec()).ok_or_else(broken)
}

/// Passes over a table of fixed lines, twenty bytes each, to the dictionary after it.
fn trailer<R: Read + Seek>(source: &mut R, from: u64, length: u64) -> Result<Vec<u8>, Trouble> {
    let broken = || Trouble::damaged("its table of objects is broken");
    let mut at = from;
    for _ in 0..MOST_TABLES * 64 {
        let text = read(source, at, 64)?;
        let mut words = skip_space(&text);
        if words.starts_with(b"trailer") {
            let text = read(source, at, u64::try_from(WINDOW).unwrap_or(0))?;
            let end = find(&text, b"startxref").unwrap_or(text.len());
            return Ok(text.get(..end).unwrap_or_default().to_vec());
        }
        digits(&mut words).ok_or_else(broken)?;
        let count = digits(&mut words).ok_or_else(broken)?;
        let words = skip_space(words);
        let lines_at = at + u64::try_from(text.len() - words.len()).unwrap_or(0);
        at =
            count.checked_mul(20).and_then(|size| lines_at.checked_add(size)).ok_or_else(broken)?;
        if at >= length {
            return Err(Trouble::damaged("its table of objects is cut short"));
        }
        let first_line = words.get(..18).unwrap_or_default();
        if count > 0 && !matches!(first_line.get(17), Some(b'n' | b'f')) {
            return Err(broken());
        }
    }
    Err(broken())
}

fn read<R: Read + Seek>(source: &mut R, at: u64, most: u64) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    source.seek(SeekFrom::Start(at))?;
    source.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn skip_space(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 12));
    end.and_then(|end| text.get(end..)).unwrap_or_default()
}

/// A number and nothing before it but space.
fn digits(text: &mut &[u8]) -> Option<u64> {
    let rest = skip_space(text);
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = rest.split_at(count);
    *text = rest;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    /// A document with one table, and one more if it was changed.
    pub(crate) fn document(changed: bool) -> Vec<u8> {
        let mut out = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n".to_vec();
        let first = out.len();
        let table = "xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n";
        out.extend(
            format!("{table}trailer\n<</Size 2/Root 1 0 R>>\nstartxref\n{first}\n%%EOF\n").bytes(),
        );
        if changed {
            let second = out.len();
            out.extend(b"7 0 obj\n<</Type /XRef /Root 1 0 R ");
            out.extend(format!("/Prev {first}>>\nstream\nxx\nendstream\nendobj\n").bytes());
            out.extend(format!("startxref\n{second}\n%%EOF").bytes());
        }
        out
    }

    fn opened(bytes: &[u8]) -> Result<(), Trouble> {
        let length = u64::try_from(bytes.len()).unwrap();
        let budget = Budget::new(length, Instant::now() + Duration::from_secs(60));
        open(&mut Cursor::new(bytes), length, &budget)
    }

    #[test]
    fn whole_documents_open() {
        assert_eq!(opened(&document(false)), Ok(()));
        assert_eq!(opened(&document(true)), Ok(()));
        let mut shifted = b"mail header\r\n".to_vec();
        shifted.extend(document(true));
        assert_eq!(opened(&shifted), Ok(()));
    }

    #[test]
    fn a_cut_one_or_one_without_its_table_does_not() {
        let whole = document(true);
        for cut in 0..whole.len() {
            let is_first_version = cut >= document(false).len() - 1;
            let seen = opened(&whole[..cut]);
            assert!(is_first_version || seen.is_err(), "cut at {cut}");
        }
        let text = String::from_utf8(document(false)).unwrap();
        for (old, new) in [
            ("xref\n0 2", "xxxx\n0 2"),
            ("/Root", "/Rood"),
            ("0 2\n", "0 9\n"),
            ("startxref\n", "startxref\n9"),
            ("%PDF-", "%PDX-"),
        ] {
            let broken = text.replacen(old, new, 1);
            assert!(opened(broken.as_bytes()).is_err(), "{old}");
        }
        let circle = "%PDF-1.4\nxref\n0 0\ntrailer\n<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF";
        assert!(opened(circle.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        ) {
            let _ = opened(&bytes);
            let mut changed = document(true);
            for (at, value) in changes {
                let at = at % changed.len();
                changed[at] = value;
            }
            let _ = opened(&changed);
        }
    }
}
