//! ZIP, also as documents and program archives: every entry of the directory is
//! inflated in memory, a piece at a time, and its sum compared.
//!
//! By APPNOTE 6.3. Archives within archives are not opened: the sum of an entry
//! proves its bytes. The directory is read entry by entry, so memory stays small.
use std::io::{Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::format::{Budget, Trouble, u16_at, u32_at, u64_at};

/// More entries are not looked at.
const MOST_ENTRIES: u64 = 2_000_000;

/// The end record with the longest comment.
const LONGEST_END: u64 = 22 + 65_535;

const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

/// Opens an archive of `length` bytes.
///
/// # Errors
/// It is not whole, or that cannot be told.
pub(super) fn open<R: Read + Seek>(
    source: &mut R,
    length: u64,
    budget: &mut Budget,
) -> Result<(), Trouble> {
    let directory = find_directory(source, length)?;
    let mut at = directory.start;
    let mut stored = 0_u64;
    let mut skipped = None;
    if directory.entries > MOST_ENTRIES {
        return Err(Trouble::untold("it has too many entries"));
    }
    for _ in 0..directory.entries {
        budget.time()?;
        let (entry, next) = read_entry(source, at, &directory)?;
        at = next;
        stored = stored.saturating_add(entry.stored);
        // Pieces of the file used twice are how small archives become bombs.
        if stored > length {
            return Err(Trouble::untold("its entries overlap"));
        }
        if entry.is_locked {
            skipped = Some("an entry of it is encrypted".to_owned());
        } else if ![0, 8].contains(&entry.method) {
            skipped = Some(format!("an entry of it is packed by method {}", entry.method));
        } else {
            inflate(source, &entry, directory.before, budget)?;
        }
    }
    if at > directory.end {
        return Err(Trouble::damaged("its directory is longer than it says"));
    }
    skipped.map_or(Ok(()), |why| Err(Trouble::Untold(why)))
}

struct Directory {
    start: u64,
    end: u64,
    entries: u64,
    /// What stands before the archive, as in archives that unpack themselves.
    before: u64,
}

fn read_at<R: Read + Seek, const N: usize>(source: &mut R, at: u64) -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn find_directory<R: Read + Seek>(source: &mut R, length: u64) -> Result<Directory, Trouble> {
    let tail_start = length.saturating_sub(LONGEST_END);
    let mut tail = Vec::new();
    source.seek(SeekFrom::Start(tail_start))?;
    source.take(LONGEST_END).read_to_end(&mut tail)?;
    let is_end = |at: &usize| {
        let rest = tail.get(*at..).unwrap_or_default();
        rest.starts_with(END) && rest.len() >= 22 + usize::from(u16_at(rest, 20))
    };
    let missing = || Trouble::damaged("its directory is missing: it is cut short");
    let found = (0..tail.len()).rev().find(is_end).ok_or_else(missing)?;
    let end_at = tail_start + u64::try_from(found).unwrap_or(0);
    let end = tail.get(found..).unwrap_or_default();
    let (mut entries, mut size, mut offset, mut stop) = (
        u64::from(u16_at(end, 10)),
        u64::from(u32_at(end, 12)),
        u64::from(u32_at(end, 16)),
        end_at,
    );
    if u16_at(end, 4) != 0 && u16_at(end, 4) != u16::MAX {
        return Err(Trouble::untold("it is one part of several"));
    }
    let is_large = entries == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff;
    if let Some(locator_at) = end_at.checked_sub(20).filter(|_| is_large) {
        let locator: [u8; 20] = read_at(source, locator_at)?;
        if locator.starts_with(LOCATOR_64) {
            // Where it says, or right before if something stands before the archive.
            let mut record_at = u64_at(&locator, 8);
            let mut record: [u8; 56] = read_at(source, record_at).unwrap_or([0; 56]);
            if !record.starts_with(END_64) {
                record_at = locator_at.checked_sub(56).ok_or_else(missing)?;
                record = read_at(source, record_at)?;
            }
            if !record.starts_with(END_64) {
                return Err(missing());
            }
            (entries, size, offset, stop) =
                (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48), record_at);
        }
    }
    let start = stop.checked_sub(size).ok_or_else(missing)?;
    let before = start.checked_sub(offset).ok_or_else(missing)?;
    Ok(Directory { start, end: stop, entries, before })
}

struct Entry {
    is_locked: bool,
    method: u16,
    sum: u32,
    stored: u64,
    size: u64,
    offset: u64,
}

/// One entry of the directory, and where the next one stands.
fn read_entry<R: Read + Seek>(
    source: &mut R,
    at: u64,
    directory: &Directory,
) -> Result<(Entry, u64), Trouble> {
    let broken = || Trouble::damaged("its directory is broken");
    if at >= directory.end {
        return Err(broken());
    }
    let head: [u8; 46] = read_at(source, at)?;
    if !head.starts_with(ENTRY) {
        return Err(broken());
    }
    let [name, extra, comment] = [28, 30, 32].map(|field| u64::from(u16_at(&head, field)));
    let mut entry = Entry {
        is_locked: u16_at(&head, 8) & 1 != 0,
        method: u16_at(&head, 10),
        sum: u32_at(&head, 16),
        stored: u64::from(u32_at(&head, 20)),
        size: u64::from(u32_at(&head, 24)),
        offset: u64::from(u32_at(&head, 42)),
    };
    let mut fields = vec![0; usize::try_from(extra).unwrap_or(0)];
    source.seek(SeekFrom::Start(at + 46 + name))?;
    source.read_exact(&mut fields)?;
    large_fields(&fields, &mut entry);
    Ok((entry, at + 46 + name + extra + comment))
}

/// Sizes and places that do not fit into four bytes stand in an extra field.
fn large_fields(fields: &[u8], entry: &mut Entry) {
    let mut at = 0;
    while at + 4 <= fields.len() {
        let (id, size) = (u16_at(fields, at), usize::from(u16_at(fields, at + 2)));
        if id == 1 {
            let mut value_at = at + 4;
            for value in [&mut entry.size, &mut entry.stored, &mut entry.offset] {
                if *value == 0xffff_ffff && value_at + 8 <= at + 4 + size {
                    *value = u64_at(fields, value_at);
                    value_at += 8;
                }
            }
        }
        at += 4 + size;
    }
}

fn inflate<R: Read + Seek>(
    source: &mut R,
    entry: &Entry,
    before: u64,
    budget: &mut Budget,
) -> Result<(), Trouble> {
    let at = before.saturating_add(entry.offset);
    let head: [u8; 30] = read_at(source, at)?;
    if !head.starts_with(LOCAL) {
        return Err(Trouble::damaged("an entry of it is not where it should be"));
    }
    let skip = u64::from(u16_at(&head, 26)) + u64::from(u16_at(&head, 28));
    source.seek(SeekFrom::Start(at + 30 + skip))?;
    let mut packed = source.take(entry.stored);
    let mut sum = Crc::new();
    let size = if entry.method == 0 {
        add_up(&mut packed, &mut sum, entry.size, budget)?
    } else {
        add_up(&mut DeflateDecoder::new(&mut packed), &mut sum, entry.size, budget)?
    };
    if size != entry.size || sum.sum() != entry.sum {
        return Err(Trouble::damaged("the sum of an entry of it is wrong"));
    }
    Ok(())
}

fn add_up(
    source: &mut dyn Read,
    sum: &mut Crc,
    expected: u64,
    budget: &mut Budget,
) -> Result<u64, Trouble> {
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0_u64;
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            return Ok(size);
        }
        budget.inflate(count)?;
        size += u64::try_from(count).unwrap_or(0);
        if size > expected {
            return Ok(size);
        }
        sum.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write};
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    /// An archive of these entries, every other one stored as it is.
    pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (number, (name, content)) in entries.iter().enumerate() {
            let mut sum = Crc::new();
            sum.update(content);
            let method = if number % 2 == 0 { 8_u16 } else { 0 };
            let packed = if method == 8 {
                let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
                packer.write_all(content).unwrap();
                packer.finish().unwrap()
            } else {
                content.to_vec()
            };
            let offset = u32::try_from(out.len()).unwrap();
            let mut common = vec![20, 0, 0, 0];
            common.extend(method.to_le_bytes());
            common.extend([0; 4]);
            common.extend(sum.sum().to_le_bytes());
            common.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
            common.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
            common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            common.extend([0, 0]);
            out.extend(LOCAL);
            out.extend(&common);
            out.extend(name.as_bytes());
            out.extend(packed);
            directory.extend(ENTRY);
            directory.extend([20, 0]);
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let start = u32::try_from(out.len()).unwrap();
        let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
        out.extend(&directory);
        out.extend(END);
        out.extend([0; 4]);
        out.extend(count);
        out.extend(count);
        out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    fn opened(bytes: &[u8]) -> Result<(), Trouble> {
        let length = u64::try_from(bytes.len()).unwrap();
        let mut budget =
            Budget::new(length, Instant::now() + Duration::from_secs(60)).harmless(1 << 20);
        open(&mut Cursor::new(bytes), length, &mut budget)
    }

    fn sample() -> Vec<u8> {
        let text = "some words, and some words again. ".repeat(200);
        archive(&[("a.txt", text.as_bytes()), ("b", b"as it is"), ("empty", b"")])
    }

    #[test]
    fn whole_archives_open_also_with_something_before() {
        assert_eq!(opened(&sample()), Ok(()));
        assert_eq!(opened(&archive(&[])), Ok(()));
        let mut unpacks_itself = b"#!/bin/sh\nexec unzip $0\n".to_vec();
        unpacks_itself.extend(sample());
        assert_eq!(opened(&unpacks_itself), Ok(()));
    }

    #[test]
    fn every_cut_and_every_changed_byte_of_content_is_seen() {
        let whole = sample();
        for cut in (0..whole.len()).step_by(7) {
            assert!(matches!(opened(&whole[..cut]), Err(Trouble::Damaged(_))), "cut at {cut}");
        }
        // The first entry's packed bytes.
        for at in 35..100 {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            assert!(opened(&changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn bombs_are_not_inflated() {
        let zeros = vec![0; 3 << 20];
        let bomb = archive(&[("zeros", &zeros)]);
        assert!(matches!(opened(&bomb), Err(Trouble::Untold(_))));
        // Overlap: many entries that all use the same piece of the file.
        let dense: Vec<u8> =
            (0..1000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut one = archive(&[("x", &dense)]);
        let end = one.len() - 22;
        let start = usize::try_from(u32_at(&one, end + 16)).unwrap();
        let entry = one[start..end].to_vec();
        let mut tail = one.split_off(end);
        for _ in 1..500 {
            one.extend(&entry);
        }
        tail[8..10].copy_from_slice(&500_u16.to_le_bytes());
        tail[10..12].copy_from_slice(&500_u16.to_le_bytes());
        let size = u32::try_from(entry.len() * 500).unwrap();
        tail[12..16].copy_from_slice(&size.to_le_bytes());
        one.extend(tail);
        let seen = opened(&one);
        assert!(matches!(&seen, Err(Trouble::Untold(why)) if why.contains("overlap")), "{seen:?}");
        // An archive within an archive is bytes with a sum, and no more.
        let nested = archive(&[("inner.zip", &bomb[..bomb.len() / 2])]);
        assert_eq!(opened(&nested), Ok(()));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = opened(&bytes);
        }

        #[test]
        fn no_change_makes_it_panic(
            changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = sample();
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            let _ = opened(&bytes);
        }
    }
}
