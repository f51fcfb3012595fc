//! gzip: all members are inflated and their sums compared; an archive inside is walked.
use std::io::{BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::format::{Budget, Trouble};
use super::tar::Walk;

/// Opens a file.
///
/// # Errors
/// It is not whole, or that cannot be told.
pub(super) fn open<R: Read>(source: &mut R, budget: &mut Budget) -> Result<(), Trouble> {
    let mut source = BufReader::with_capacity(64 << 10, source);
    let mut walk = Walk::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut member = GzDecoder::new(&mut source);
        loop {
            let count = member.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            budget.inflate(count)?;
            walk.push(buffer.get(..count).unwrap_or_default())?;
        }
        // Some tools fill the last block of their medium; gzip itself takes no offence.
        if !source.fill_buf()?.starts_with(&[0x1f]) {
            break;
        }
    }
    walk.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::drill::examine::tar;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<(), Trouble> {
        let length = u64::try_from(bytes.len()).unwrap();
        let mut budget =
            Budget::new(length, Instant::now() + Duration::from_secs(60)).harmless(1 << 20);
        open(&mut &*bytes, &mut budget)
    }

    #[test]
    fn whole_files_open_and_cut_or_changed_ones_do_not() {
        let text = "words and words and numbers 1 2 3\n".repeat(300);
        let whole = packed(text.as_bytes());
        assert_eq!(opened(&whole), Ok(()));
        let mut two = whole.clone();
        two.extend(packed(b"second"));
        assert_eq!(opened(&two), Ok(()));
        let mut padded = whole.clone();
        padded.extend([0; 512]);
        assert_eq!(opened(&padded), Ok(()));
        for cut in 2..whole.len() {
            assert!(matches!(opened(&whole[..cut]), Err(Trouble::Damaged(_))), "cut at {cut}");
        }
        for at in (10..whole.len()).step_by(3) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(&changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn an_archive_inside_is_walked() {
        let whole = tar::tests::archive(&[("a", 700), ("b", 0), ("c", 512)]);
        assert_eq!(opened(&packed(&whole)), Ok(()));
        assert!(matches!(opened(&packed(&whole[..1000])), Err(Trouble::Damaged(_))));
    }

    #[test]
    fn bombs_are_not_inflated() {
        let bomb = packed(&vec![0; 3 << 20]);
        assert!(matches!(opened(&bomb), Err(Trouble::Untold(_))));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut with_head = vec![0x1f, 0x8b, 8];
            with_head.extend(&bytes);
            let _ = (opened(&bytes), opened(&with_head));
        }
    }
}
