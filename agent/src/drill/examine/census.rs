//! What a file is by its content, whatever its name says, and whether both fit:
//! files that were encrypted in place keep their names and lose their content.

/// How much of a file is looked at, in bytes.
pub(super) const PREFIX: usize = 64 << 10;

/// Shorter pieces say nothing about randomness, in bytes.
const SHORTEST: usize = 1024;

/// How far random bytes may stay below full entropy, in bits a byte.
const SLACK: f64 = 0.05;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing in it.
    Empty,
    /// A ZIP archive, also a document.
    Zip,
    /// gzip.
    Gzip,
    /// A document.
    Pdf,
    /// A database.
    Sqlite,
    /// A tape archive.
    Tar,
    /// Known by its header, and not opened; its name.
    Known(&'static str),
    /// Readable.
    Text,
    /// Anything else.
    Data,
}

/// Headers: where, what, and what it is.
const HEADERS: &[(usize, &[u8], Content)] = &[
    (0, b"PK\x03\x04", Content::Zip),
    (0, b"PK\x05\x06", Content::Zip),
    (0, b"\x1f\x8b\x08", Content::Gzip),
    (0, b"SQLite format 3\0", Content::Sqlite),
    (0, b"\x89PNG\r\n\x1a\n", Content::Known("png")),
    (0, b"\xff\xd8\xff", Content::Known("jpeg")),
    (0, b"GIF8", Content::Known("gif")),
    (0, b"RIFF", Content::Known("riff")),
    (0, b"OggS", Content::Known("ogg")),
    (0, b"fLaC", Content::Known("flac")),
    (0, b"ID3", Content::Known("mp3")),
    (0, b"\xff\xfb", Content::Known("mp3")),
    (4, b"ftyp", Content::Known("mp4")),
    (0, b"\x1a\x45\xdf\xa3", Content::Known("matroska")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content::Known("ole")),
    (0, b"7z\xbc\xaf\x27\x1c", Content::Known("7z")),
    (0, b"\xfd7zXZ\0", Content::Known("xz")),
    (0, b"\x28\xb5\x2f\xfd", Content::Known("zstd")),
    (0, b"BZh", Content::Known("bzip2")),
    (0, b"Rar!\x1a\x07", Content::Known("rar")),
    (0, b"\x7fELF", Content::Known("elf")),
    (0, b"MZ", Content::Known("exe")),
    (0, b"age-encryption.org", Content::Known("age")),
    (0, b"-----BEGIN ", Content::Known("pem")),
    (0, b"LUKS\xba\xbe", Content::Known("luks")),
    (0, b"PGDMP", Content::Known("pg_dump")),
    (0, b"II*\0", Content::Known("tiff")),
    (0, b"MM\0*", Content::Known("tiff")),
];

/// Names that promise a header or readable text.
const PROMISING: &[&str] = &[
    "pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "doc", "xls", "ppt", "zip", "jar",
    "sqlite", "sqlite3", "db", "txt", "csv", "md", "json", "xml", "html", "sql", "log", "ini",
    "conf", "yaml", "yml", "toml", "rtf", "png", "jpg", "jpeg", "gif", "tif", "tiff", "eml", "vcf",
    "ics", "gz", "tgz", "tar", "7z", "mp3", "mp4", "py", "sh", "php", "js", "css", "pst", "msg",
];

impl Content {
    /// In one word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Pdf => "pdf",
            Self::Sqlite => "sqlite",
            Self::Tar => "tar",
            Self::Known(name) => name,
            Self::Text => "text",
            Self::Data => "data",
        }
    }

    /// From the first bytes of a file.
    pub(super) fn of(prefix: &[u8]) -> Self {
        if prefix.is_empty() {
            return Self::Empty;
        }
        let has =
            |at: usize, mark: &[u8]| prefix.get(at..).is_some_and(|rest| rest.starts_with(mark));
        if let Some((_, _, content)) = HEADERS.iter().find(|(at, mark, _)| has(*at, mark)) {
            return *content;
        }
        let head = prefix.get(..1024).unwrap_or(prefix);
        if super::format::find(head, b"%PDF-").is_some() {
            return Self::Pdf;
        }
        if super::tar::is_header(prefix) {
            return Self::Tar;
        }
        if is_text(prefix) { Self::Text } else { Self::Data }
    }
}

/// Readable in UTF-8 or a code of one byte a letter, or in UTF-16 with its mark.
fn is_text(prefix: &[u8]) -> bool {
    if prefix.starts_with(b"\xff\xfe") || prefix.starts_with(b"\xfe\xff") {
        return entropy(prefix) < 7.0;
    }
    let odd = prefix
        .iter()
        .filter(|byte| **byte < 32 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 12 | 27))
        .count();
    let high = prefix.iter().filter(|byte| **byte >= 127).count();
    odd == 0 && (std::str::from_utf8(prefix).is_ok() || high * 3 < prefix.len())
}

/// Shannon entropy in bits a byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / all;
            -share * share.log2()
        })
        .sum()
}

/// Whether bytes are as random as encrypted ones. What a short piece of random
/// bytes falls short of 8 bits is the bias of Miller and Madow, 255 / (2 n ln 2).
fn is_random(bytes: &[u8]) -> bool {
    let bias = 255.0 / (2.0 * bytes.len() as f64 * std::f64::consts::LN_2);
    bytes.len() >= SHORTEST && entropy(bytes) > 8.0 - bias - SLACK
}

/// The end of a name that says what a file is: lower case, short, plain.
pub(super) fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((before, end)) if !before.is_empty() => {
            let is_plain = (1..=8).contains(&end.len())
                && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_plain { end.to_ascii_lowercase() } else { "other".to_owned() }
        }
        _ => "none".to_owned(),
    }
}

/// Why a file looks as if it had been encrypted in place; `None` if it does not.
pub(super) fn suspicion(extension: &str, content: Content, prefix: &[u8]) -> Option<String> {
    let is_foreign = content == Content::Data && PROMISING.contains(&extension);
    (is_foreign && is_random(prefix)).then(|| {
        format!("it is named .{extension}, has no such header, and looks like random bytes")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn random(count: usize) -> Vec<u8> {
        let mut state = 88_172_645_463_325_252_u64;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(count)
        .collect()
    }

    #[test]
    fn encrypted_in_place_is_seen_and_honest_files_are_not() {
        for count in [1024, 1500, 4096, PREFIX] {
            let bytes = random(count);
            assert_eq!(Content::of(&bytes), Content::Data);
            for name in ["/a/report.PDF", "/a/x.docx", "/notes.txt", "/x.csv", "/x.sqlite"] {
                let found = suspicion(&extension(name), Content::of(&bytes), &bytes);
                assert!(found.is_some(), "{name} of {count} bytes");
            }
            assert_eq!(suspicion("gpg", Content::Data, &bytes), None);
            assert_eq!(suspicion("none", Content::Data, &bytes), None);
        }
        let text = "Words of a letter, with numbers 1 2 3.\n".repeat(400);
        let latin: Vec<u8> = text.bytes().chain([0xe4, 0xf6, 0xfc]).collect();
        let mut pdf = b"%PDF-1.7\n".to_vec();
        pdf.extend(random(10_000));
        let database: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &latin, &pdf, &database, &random(100), b""] {
            assert_eq!(suspicion("pdf", Content::of(bytes), bytes), None);
        }
        assert_eq!(Content::of(&latin), Content::Text);
    }

    #[test]
    fn content_is_told_by_bytes() {
        let archive = crate::drill::examine::tar::tests::archive(&[("a", 3)]);
        let zip = crate::drill::examine::zip::tests::archive(&[("a", b"b")]);
        for (bytes, content) in [
            (archive.as_slice(), Content::Tar),
            (&zip, Content::Zip),
            (b"\x1f\x8b\x08\0", Content::Gzip),
            (b"junk %PDF-1.4", Content::Pdf),
            (b"SQLite format 3\0", Content::Sqlite),
            (b"\x89PNG\r\n\x1a\nxx", Content::Known("png")),
            (b"plain", Content::Text),
            (b"\0\x01\x02", Content::Data),
        ] {
            assert_eq!(Content::of(bytes), content);
        }
        for (path, wanted) in [
            ("/a.b/c.TXT", "txt"),
            ("/a/.profile", "none"),
            ("/a/b", "none"),
            ("x.a-b", "other"),
            ("x.", "other"),
        ] {
            assert_eq!(extension(path), wanted, "{path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), name in ".*") {
            let _ = suspicion(&extension(&name), Content::of(&bytes), &bytes);
            let found = entropy(&bytes);
            prop_assert!((0.0..=8.0001).contains(&found));
        }
    }
}
