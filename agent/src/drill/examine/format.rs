//! What opening a file by its format can come to, and what it may cost.
use std::io;
use std::time::Instant;

/// What inflating one file may come to unless it is large itself, in bytes.
const INFLATED: u64 = 4 << 30;

/// Inflated this many times its size and more than [`HARMLESS`] is a bomb.
const RATIO: u64 = 200;

/// Inflated bytes that no ratio makes suspicious.
const HARMLESS: u64 = 256 << 20;

/// Why a file was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its own format says that it is not whole.
    Damaged(String),
    /// It cannot be told: a cap, a method we do not know, a password.
    Untold(String),
}

impl Trouble {
    /// Not whole.
    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged(why.into())
    }

    /// Cannot be told.
    pub(super) fn untold(why: impl Into<String>) -> Self {
        Self::Untold(why.into())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::damaged("it is cut short"),
            // How the decoders say that what they read cannot be.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Untold(format!("it cannot be read: {error}")),
        }
    }
}

/// What opening one file may still cost.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    inflated: u64,
    stored: u64,
    harmless: u64,
    until: Instant,
}

impl Budget {
    /// For a file of this many bytes, until then.
    pub(super) fn new(stored: u64, until: Instant) -> Self {
        Self { inflated: 0, stored, harmless: HARMLESS, until }
    }

    /// The same with less that is harmless, so that a test need not inflate much.
    #[cfg(test)]
    pub(super) fn harmless(self, bytes: u64) -> Self {
        Self { harmless: bytes, ..self }
    }

    /// Counts inflated bytes.
    ///
    /// # Errors
    /// There are too many, or it takes too long.
    pub(super) fn inflate(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.inflated = self.inflated.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.inflated > self.harmless && self.inflated / RATIO > self.stored {
            return Err(Trouble::untold("it inflates to more than 200 times its size"));
        }
        if self.inflated > INFLATED.max(self.stored.saturating_mul(4)) {
            return Err(Trouble::untold("it inflates to more than is looked at"));
        }
        self.time()
    }

    /// # Errors
    /// It takes too long.
    pub(super) fn time(&self) -> Result<(), Trouble> {
        if Instant::now() < self.until {
            Ok(())
        } else {
            Err(Trouble::untold("looking at it took too long"))
        }
    }

    /// When looking has to end.
    pub(super) fn until(&self) -> Instant {
        self.until
    }
}

/// Little-endian number of two bytes; 0 beyond the end.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    field(bytes, at).map_or(0, u16::from_le_bytes)
}

/// Little-endian number of four bytes; 0 beyond the end.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    field(bytes, at).map_or(0, u32::from_le_bytes)
}

/// Little-endian number of eight bytes; 0 beyond the end.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    field(bytes, at).map_or(0, u64::from_le_bytes)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Where one piece of text first stands in another.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Where one piece of text last stands in another.
pub(super) fn find_last(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
