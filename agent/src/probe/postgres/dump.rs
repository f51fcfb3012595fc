//! What a dump says of itself in its first bytes, and whether its last line is there.
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Instant;

use flate2::read::MultiGzDecoder;

use crate::probe::redact::plain;

/// The first bytes that are enough for a header, in bytes.
pub const HEAD: usize = 16 << 10;

/// The last bytes in which the closing line of a plain dump stands.
const TAIL: usize = 16 << 10;

/// Nothing that a header names is longer, in bytes.
const LONGEST_NAME: usize = 1024;

const FIRST_LINE: &[u8] = b"-- PostgreSQL database dump";
const FIRST_LINE_OF_CLUSTER: &[u8] = b"-- PostgreSQL database cluster dump";

/// The forms of `pg_dump` and `pg_dumpall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// SQL of one database.
    Plain,
    /// SQL of all databases, from `pg_dumpall`.
    Cluster,
    /// One compressed archive.
    Custom,
    /// A folder with a table of contents.
    Directory,
    /// The same in a tar file.
    Tar,
}

impl Format {
    /// For people and facts.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Cluster => "cluster",
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Tar => "tar",
        }
    }

    /// Whether it is SQL for `psql`, and not an archive for `pg_restore`.
    pub fn is_script(self) -> bool {
        matches!(self, Self::Plain | Self::Cluster)
    }
}

/// The header of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The form.
    pub format: Format,
    /// Whether the whole file is compressed by gzip.
    pub gzip: bool,
    /// Name of the database, where it is said.
    pub database: Option<String>,
    /// Version of the server it was taken from.
    pub server: Option<String>,
    /// Version of the program that took it.
    pub dumper: Option<String>,
}

impl Header {
    /// The major version of the server.
    pub fn major(&self) -> Option<u32> {
        major(self.server.as_deref()?)
    }
}

/// What the first bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A dump.
    Dump(Header),
    /// Nothing, or less than any dump begins with.
    Short,
    /// Text, or the beginning of a dump, that does not go on as a dump does.
    Broken(&'static str),
    /// Something that we cannot read: compressed or encrypted otherwise, or no dump.
    Unknown(&'static str),
}

/// The major version of `15.18 (Debian 15.18-0+deb12u1)` and the like; before
/// version 10 the first two numbers told it, which is not supported any more.
pub fn major(version: &str) -> Option<u32> {
    let digits: String = version.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Reads the first bytes of a file.
pub fn head(bytes: &[u8]) -> Head {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut inflated = Vec::new();
        let limit = u64::try_from(HEAD).unwrap_or(u64::MAX);
        // Cut off in the middle, as the first bytes of a file are, it ends with an error.
        let _ = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut inflated);
        return match script(&inflated) {
            Head::Dump(header) => Head::Dump(Header { gzip: true, ..header }),
            Head::Short => Head::Broken("there is nothing in its gzip"),
            other => other,
        };
    }
    if bytes.starts_with(b"PGDMP") {
        return archive(bytes, None);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        let name = bytes.iter().take(100).take_while(|byte| **byte != 0);
        if name.copied().eq(b"toc.dat".iter().copied()) {
            return archive(bytes.get(512..).unwrap_or_default(), Some(Format::Tar));
        }
        return Head::Unknown("a tar file that is no dump");
    }
    for (magic, what) in [
        (&b"\x28\xb5\x2f\xfd"[..], "compressed by zstd"),
        (b"\xfd7zXZ\0", "compressed by xz"),
        (b"BZh", "compressed by bzip2"),
        (b"\x04\x22\x4d\x18", "compressed by lz4"),
        (b"-----BEGIN PGP", "encrypted"),
        (b"age-encryption.org", "encrypted"),
        (b"Salted__", "encrypted"),
    ] {
        if bytes.starts_with(magic) {
            return Head::Unknown(what);
        }
    }
    script(bytes)
}

/// The header of SQL.
fn script(bytes: &[u8]) -> Head {
    if bytes.is_empty() || b"PGDMP".starts_with(bytes) {
        return Head::Short;
    }
    let text = bytes.iter().all(|byte| *byte >= 0x20 || b"\n\r\t".contains(byte));
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let is_empty = |line: &[u8]| line.is_empty() || line == b"--";
    let first = lines.by_ref().find(|line| !is_empty(line)).unwrap_or_default();
    let format = match first {
        FIRST_LINE => Format::Plain,
        FIRST_LINE_OF_CLUSTER => Format::Cluster,
        _ if text => return Head::Broken("it does not begin as a dump does"),
        _ => return Head::Unknown("no dump that could be read"),
    };
    let mut header = Header { format, gzip: false, database: None, server: None, dumper: None };
    for line in lines {
        let line = String::from_utf8_lossy(line);
        if let Some(version) = line.strip_prefix("-- Dumped from database version ") {
            header.server.get_or_insert_with(|| name(version));
        } else if let Some(version) = line.strip_prefix("-- Dumped by pg_dump version ") {
            header.dumper.get_or_insert_with(|| name(version));
        } else if let Some((database, _)) =
            line.strip_prefix("-- Name: ").and_then(|entry| entry.split_once("; Type: DATABASE;"))
            && format == Format::Plain
        {
            header.database.get_or_insert_with(|| name(database));
        }
    }
    Head::Dump(header)
}

fn name(text: &str) -> String {
    plain(text).chars().take(LONGEST_NAME).collect()
}

/// The header of an archive, also of the table of contents of a folder.
fn archive(bytes: &[u8], outer: Option<Format>) -> Head {
    let broken = Head::Broken("its header is cut off");
    let Some(read) = read_archive(bytes) else { return broken };
    match (read, outer) {
        (Ok(header), None) => Head::Dump(header),
        (Ok(header), Some(format)) => Head::Dump(Header { format, ..header }),
        (Err(what), _) => Head::Unknown(what),
    }
}

/// As `ReadHead` in PostgreSQL's `pg_backup_archiver.c`; `None` if it ends too early.
fn read_archive(bytes: &[u8]) -> Option<Result<Header, &'static str>> {
    let mut rest = bytes.strip_prefix(b"PGDMP")?;
    let mut byte = || -> Option<u8> {
        let (first, after) = rest.split_first()?;
        rest = after;
        Some(*first)
    };
    let version = (byte()?, byte()?, byte()?);
    let (size_of_int, _size_of_offset, format) = (byte()?, byte()?, byte()?);
    if version.0 != 1 || version.1 < 10 || size_of_int > 8 {
        return Some(Err("an archive of a version that is not known"));
    }
    let format = match format {
        1 => Format::Custom,
        3 => Format::Tar,
        5 => Format::Directory,
        _ => return Some(Err("an archive of a form that is not known")),
    };
    let mut reader = Ints { rest, size: usize::from(size_of_int) };
    // The way of compression: a byte since version 1.15, its level before.
    if version.1 >= 15 {
        reader.skip(1)?;
    } else {
        reader.int()?;
    }
    for _second_to_dst in 0..7 {
        reader.int()?;
    }
    let database = reader.text()?;
    let server = reader.text()?;
    let dumper = reader.text()?;
    Some(Ok(Header { format, gzip: false, database, server, dumper }))
}

/// Numbers and texts as the archiver writes them.
struct Ints<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Ints<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// A byte for the sign, then the number, its lowest byte first.
    fn int(&mut self) -> Option<i64> {
        let (sign, after) = self.rest.split_first()?;
        let digits = after.get(..self.size)?;
        self.rest = after.get(self.size..)?;
        let value = digits
            .iter()
            .take(7)
            .rev()
            .fold(0_i64, |value, digit| (value << 8) | i64::from(*digit));
        Some(if *sign == 0 { value } else { -value })
    }

    /// A length, -1 for none, then the bytes.
    fn text(&mut self) -> Option<Option<String>> {
        let Ok(length) = usize::try_from(self.int()?) else { return Some(None) };
        let bytes = self.rest.get(..length)?;
        self.rest = self.rest.get(length..)?;
        Some(Some(name(&String::from_utf8_lossy(bytes))))
    }
}

/// Whether a plain dump ends as a whole one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its closing line is there.
    Whole,
    /// It is not all there: why.
    Cut(String),
    /// There was no time to read to the end.
    Late,
}

/// Looks for the closing line of a plain dump. An uncompressed one is read at
/// its end alone, a compressed one from start to end with little memory.
///
/// # Errors
/// The file cannot be read.
pub fn end<F: Read + Seek>(mut file: F, header: &Header, until: Instant) -> io::Result<End> {
    let mut tail = Vec::new();
    if header.gzip {
        let mut inflated = MultiGzDecoder::new(io::BufReader::with_capacity(256 << 10, file));
        let mut piece = vec![0; 128 << 10];
        loop {
            if Instant::now() >= until {
                return Ok(End::Late);
            }
            match inflated.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    tail.extend_from_slice(piece.get(..count).unwrap_or_default());
                    let extra = tail.len().saturating_sub(TAIL);
                    tail.drain(..extra);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => match damage(&error) {
                    Some(why) => return Ok(End::Cut(why.to_owned())),
                    None => return Err(error),
                },
            }
        }
    } else {
        let length = file.seek(SeekFrom::End(0))?;
        let tail_length = u64::try_from(TAIL).unwrap_or(u64::MAX);
        file.seek(SeekFrom::Start(length.saturating_sub(tail_length)))?;
        file.take(tail_length).read_to_end(&mut tail)?;
    }
    if ends_whole(&tail, header.format) {
        return Ok(End::Whole);
    }
    Ok(End::Cut("its closing line is missing, so it was cut off".to_owned()))
}

/// What is wrong with compressed data, if it is not the disk that is.
fn damage(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some("its gzip ends in the middle"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Some("its gzip is damaged"),
        _ => None,
    }
}

/// The closing line need not be the last one: newer versions add `\unrestrict`.
fn ends_whole(tail: &[u8], format: Format) -> bool {
    let closing: &[u8] = match format {
        Format::Cluster => b"-- PostgreSQL database cluster dump complete",
        _ => b"-- PostgreSQL database dump complete",
    };
    for line in tail.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if line == closing {
            return true;
        }
        let may_follow =
            line.is_empty() || line.starts_with(b"--") || line.starts_with(b"\\unrestrict ");
        if !may_follow {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n\
        -- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)\n\
        -- Dumped by pg_dump version 16.1\n\nSET x = 0;\n\n\
        --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn ends(bytes: &[u8]) -> End {
        let Head::Dump(header) = head(bytes) else { panic!("{:?}", head(bytes)) };
        let until = Instant::now() + std::time::Duration::from_secs(60);
        end(Cursor::new(bytes), &header, until).unwrap()
    }

    #[test]
    fn plain_dumps_tell_their_versions_and_their_end() {
        for (bytes, gzip) in [(TEXT.as_bytes().to_vec(), false), (gzip(TEXT.as_bytes()), true)] {
            let Head::Dump(header) = head(&bytes) else { panic!() };
            assert_eq!((header.format, header.gzip), (Format::Plain, gzip));
            assert_eq!((header.major(), header.database.clone()), (Some(15), None));
            assert_eq!(header.dumper.as_deref(), Some("16.1"));
            assert_eq!(ends(&bytes), End::Whole);
            for cut in [bytes.len() / 2, bytes.len() - 60] {
                assert!(!matches!(ends(&bytes[..cut]), End::Whole), "{cut}");
            }
        }
    }

    #[test]
    fn the_closing_line_of_a_part_is_none_of_the_whole() {
        let cluster = "--\n-- PostgreSQL database cluster dump\n--\n";
        let closing = "--\n-- PostgreSQL database cluster dump complete\n--\n";
        assert_ne!(ends(format!("{cluster}{TEXT}").as_bytes()), End::Whole);
        assert_eq!(ends(format!("{cluster}{TEXT}{closing}").as_bytes()), End::Whole);
        let more = format!("{TEXT}COPY public.a (b) FROM stdin;\n1\n");
        assert_ne!(ends(more.as_bytes()), End::Whole);
        let quoted = TEXT.replace("-- PostgreSQL database dump complete", "x");
        let quoted = format!("{quoted}'-- PostgreSQL database dump complete'\n");
        assert_ne!(ends(quoted.as_bytes()), End::Whole);
    }

    #[test]
    fn what_is_no_dump_is_told_apart() {
        assert_eq!(head(b""), Head::Short);
        assert_eq!(head(b"PGD"), Head::Short);
        assert!(matches!(head(b"PGDMP\x01\x0e\0\x04"), Head::Broken(_)));
        assert!(matches!(head(b"pg_dump: error: connection refused\n"), Head::Broken(_)));
        assert!(matches!(head(&gzip(b"")), Head::Broken(_)));
        assert!(matches!(head(b"\x28\xb5\x2f\xfd rest"), Head::Unknown("compressed by zstd")));
        assert!(matches!(head(b"\x00\x01\x02\xff"), Head::Unknown(_)));
        assert!(matches!(head(b"PGDMP\x09\x0e\0\x04\x08\x01"), Head::Unknown(_)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = head(&bytes);
            let _ = head(&[b"PGDMP\x01\x0e\0\x04\x08\x01", bytes.as_slice()].concat());
            let _ = head(&[&b"\x1f\x8b"[..], &bytes].concat());
        }

        #[test]
        fn no_cut_dump_is_whole(cut in 0..TEXT.len() - 52) {
            let bytes = &TEXT.as_bytes()[..cut];
            let is_whole = matches!(head(bytes), Head::Dump(_)) && ends(bytes) == End::Whole;
            prop_assert!(!is_whole);
        }
    }
}
