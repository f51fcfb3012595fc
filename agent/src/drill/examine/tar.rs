//! tar: headers are walked and their sums compared, whatever the archive holds.
use super::format::Trouble;

const BLOCK: usize = 512;

/// An archive as it comes by, a piece at a time. Whatever does not begin like an
/// archive is passed over.
#[derive(Debug, Default)]
pub(super) struct Walk {
    head: Vec<u8>,
    skip: u64,
    seen: u64,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not yet known what it is.
    #[default]
    Start,
    /// An archive.
    Inside,
    /// No archive, or its end mark has come.
    Done,
}

impl Walk {
    /// Takes the next piece.
    ///
    /// # Errors
    /// A header is broken.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() && self.state != State::Done {
            let jump = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= u64::try_from(jump).unwrap_or(0);
            bytes = bytes.get(jump..).unwrap_or_default();
            let wanted = (BLOCK - self.head.len()).min(bytes.len());
            if self.skip > 0 || wanted == 0 {
                continue;
            }
            let (piece, rest) = bytes.split_at(wanted);
            self.head.extend_from_slice(piece);
            bytes = rest;
            if self.head.len() == BLOCK {
                self.header()?;
                self.head.clear();
            }
        }
        Ok(())
    }

    fn header(&mut self) -> Result<(), Trouble> {
        if self.head.iter().all(|byte| *byte == 0) {
            self.state = State::Done;
            return Ok(());
        }
        if !is_header(&self.head) {
            if self.state == State::Start {
                self.state = State::Done;
                return Ok(());
            }
            return Err(Trouble::damaged("a header of the archive in it is broken"));
        }
        self.state = State::Inside;
        self.seen += 1;
        let size = number(self.head.get(124..136).unwrap_or_default());
        let size = size.ok_or_else(|| Trouble::damaged("a size in the archive is broken"))?;
        // Links and folders have no content, whatever size they state.
        let has_content = !matches!(self.head.get(156), Some(b'1'..=b'6'));
        self.skip =
            if has_content { size.checked_next_multiple_of(512).unwrap_or(size) } else { 0 };
        Ok(())
    }

    /// Takes the end.
    ///
    /// # Errors
    /// It came within an entry.
    pub(super) fn finish(&self) -> Result<(), Trouble> {
        if self.state == State::Inside && (self.skip > 0 || !self.head.is_empty()) {
            return Err(Trouble::damaged(format!(
                "the archive in it ends within its entry {}",
                self.seen
            )));
        }
        Ok(())
    }
}

/// Whether a block is a header by its mark and its sum.
pub(super) fn is_header(block: &[u8]) -> bool {
    if block.len() < BLOCK || block.get(257..262) != Some(b"ustar") {
        return false;
    }
    let sum: u64 = block
        .iter()
        .take(BLOCK)
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
        .sum();
    number(block.get(148..156).unwrap_or_default()) == Some(sum)
}

/// A number in octal digits, or in binary if its first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if let Some(first) = field.first().filter(|first| **first & 0x80 != 0) {
        let start = u64::from(first & 0x7f);
        return field
            .iter()
            .skip(1)
            .try_fold(start, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|letter| letter == ' ' || letter == '\0');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An archive of files of these sizes.
    pub(crate) fn archive(files: &[(&str, usize)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, size) in files {
            let mut block = vec![0; BLOCK];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
            block[148..156].fill(b' ');
            block[156] = b'0';
            block[257..265].copy_from_slice(b"ustar  \0");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            out.extend(block);
            out.extend(vec![b'x'; size.next_multiple_of(BLOCK)]);
        }
        out.extend([0; 1024]);
        out
    }

    fn walked(bytes: &[u8], step: usize) -> Result<(), Trouble> {
        let mut walk = Walk::default();
        for piece in bytes.chunks(step) {
            walk.push(piece)?;
        }
        walk.finish()
    }

    #[test]
    fn walks_in_pieces_of_any_size() {
        let whole = archive(&[("first", 700), ("second", 0), ("third", 512)]);
        for step in [1, 7, 512, 5000] {
            assert_eq!(walked(&whole, step), Ok(()));
            assert!(walked(&whole[..900], step).is_err());
            assert!(walked(&whole[..BLOCK + 1024 + 100], step).is_err());
            let mut changed = whole.clone();
            changed[BLOCK + 1024 + 3] ^= 1;
            assert!(walked(&changed, step).is_err());
        }
        assert_eq!(walked(b"no archive at all", 3), Ok(()));
        assert_eq!(walked(&[b'x'; 5000], 512), Ok(()));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..20),
            step in 1..2000_usize,
        ) {
            let mut bytes = archive(&[("a", 10), ("b", 600)]);
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            let _ = walked(&bytes, step);
        }
    }
}
