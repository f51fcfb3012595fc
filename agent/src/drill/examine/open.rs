//! Which format is opened how.
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use super::census::{Content, PREFIX};
use super::format::{Budget, Trouble};
use super::{census, gzip, pdf, sqlite, tar, zip};

/// Opens a file by its content. `None` if no format that we know.
///
/// # Errors
/// It is not whole, or that cannot be told.
pub(super) fn open<F: Read + Seek>(
    content: Content,
    source: &mut F,
    path: &Path,
    length: u64,
    until: Instant,
) -> Option<Result<(), Trouble>> {
    let mut budget = Budget::new(length, until);
    if let Err(error) = source.seek(SeekFrom::Start(0)) {
        return Some(Err(error.into()));
    }
    Some(match content {
        Content::Zip => zip::open(source, length, &mut budget),
        Content::Gzip => gzip::open(source, &mut budget),
        Content::Pdf => pdf::open(source, length, &budget),
        Content::Sqlite => sqlite::open(source, path, length, &budget),
        Content::Tar => walk(source, &budget),
        Content::Empty | Content::Known(_) | Content::Text | Content::Data => return None,
    })
}

fn walk(source: &mut impl Read, budget: &Budget) -> Result<(), Trouble> {
    let mut walk = tar::Walk::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        budget.time()?;
        let count = source.read(&mut buffer)?;
        if count == 0 {
            return walk.finish();
        }
        walk.push(buffer.get(..count).unwrap_or_default())?;
    }
}

/// Everything that is done with the bytes of a file, for fuzzers: all formats but
/// databases, of which the header alone is read.
pub(crate) fn look(bytes: &[u8]) {
    let prefix = bytes.get(..PREFIX).unwrap_or(bytes);
    let _ = census::suspicion("pdf", Content::of(prefix), prefix);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let until = Instant::now() + Duration::from_secs(10);
    for content in [Content::Zip, Content::Gzip, Content::Pdf, Content::Tar] {
        let _ = open(content, &mut std::io::Cursor::new(bytes), Path::new("/"), length, until);
    }
    let _ = sqlite::header(prefix, length);
}
