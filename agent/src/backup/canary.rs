//! The canary: a small signed file that the agent keeps in a source, if the user
//! asks for it. Restored, it tells by itself how old the data really is, and
//! whether the source was changed on its way.
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use ring::hmac;

use crate::replace::replace;

/// First line of each canary.
const HEAD: &str =
    "Evenkeel canary. Leave this file: restored, it shows how old a backup really is.";
/// A canary is not larger, in bytes.
pub const LARGEST: u64 = 4096;
/// It is written anew after so long.
const RENEW: SignedDuration = SignedDuration::from_mins(10);

/// Why a canary tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanaryError {
    /// It is not the file that we wrote, or somebody changed it.
    #[error("the canary was changed: it is not what the agent wrote")]
    Changed,
    /// The secret that signs it, or the file itself, cannot be kept.
    #[error("the canary cannot be kept: {0}")]
    File(String),
}

/// The secret that signs canaries, made on first use.
///
/// # Errors
/// The file cannot be read or made.
pub fn key(data: &Path) -> Result<hmac::Key, CanaryError> {
    let path = data.join("canary.key");
    let token = crate::serve::token::load_or_make(data, Some(&path.to_string_lossy()))
        .map_err(|error| CanaryError::File(error.to_string()))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes()))
}

/// The canary's text at an instant, for one check.
pub fn text(key: &hmac::Key, check: &str, at: Timestamp) -> String {
    signed(HEAD, key, check, at)
}

/// A signed text below another first line, which says what it is for.
pub(crate) fn signed(head: &str, key: &hmac::Key, check: &str, at: Timestamp) -> String {
    let said = format!("{at:.0} {}", check.replace(['\n', '\r'], " "));
    let tag = hmac::sign(key, said.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{head}\n{said}\n{hex}\n")
}

/// When a canary of a check was written.
///
/// # Errors
/// [`CanaryError::Changed`].
pub fn read(key: &hmac::Key, check: &str, bytes: &[u8]) -> Result<Timestamp, CanaryError> {
    read_signed(HEAD, key, check, bytes)
}

/// When a text of [`signed`] was written.
pub(crate) fn read_signed(
    head: &str,
    key: &hmac::Key,
    check: &str,
    bytes: &[u8],
) -> Result<Timestamp, CanaryError> {
    let text = std::str::from_utf8(bytes).map_err(|_| CanaryError::Changed)?;
    let mut lines = text.lines();
    let (Some(first), Some(said), Some(hex)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(CanaryError::Changed);
    };
    if first != head {
        return Err(CanaryError::Changed);
    }
    let pairs: Option<Vec<u8>> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let tag = pairs.ok_or(CanaryError::Changed)?;
    hmac::verify(key, said.as_bytes(), &tag).map_err(|_| CanaryError::Changed)?;
    let (time, name) = said.split_once(' ').ok_or(CanaryError::Changed)?;
    if name != check.replace(['\n', '\r'], " ") {
        return Err(CanaryError::Changed);
    }
    time.parse().map_err(|_| CanaryError::Changed)
}

/// Keeps the canary fresh; leaves any other file of that name alone.
///
/// # Errors
/// It cannot be written, or the file is not ours.
pub fn renew(key: &hmac::Key, check: &str, path: &Path, now: Timestamp) -> Result<(), CanaryError> {
    let wrap = |error: std::io::Error| CanaryError::File(format!("{}: {error}", path.display()));
    match std::fs::symlink_metadata(path) {
        Ok(about) if !about.is_file() || about.len() > LARGEST => return Err(CanaryError::Changed),
        Ok(_) => {
            let bytes = std::fs::read(path).map_err(wrap)?;
            let written = read(key, check, &bytes)?;
            let age = now.duration_since(written);
            if age >= SignedDuration::ZERO && age < RENEW {
                return Ok(());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrap(error)),
    }
    replace(path, text(key, check, now).as_bytes(), 0o644).map_err(wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_tells_its_age_and_any_change() {
        let data = tempfile::tempdir().unwrap();
        let key = key(data.path()).unwrap();
        let at: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let path = data.path().join("canary");
        renew(&key, "nas", &path, at).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(read(&key, "nas", &bytes), Ok(at));
        assert_eq!(read(&key, "other", &bytes), Err(CanaryError::Changed));
        for at in 0..bytes.len() - 1 {
            let mut harmed = bytes.clone();
            harmed[at] ^= 2;
            assert_eq!(read(&key, "nas", &harmed), Err(CanaryError::Changed), "byte {at}");
        }
        renew(&key, "nas", &path, at + SignedDuration::from_mins(5)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is not written without need");
        let later = at + SignedDuration::from_mins(20);
        renew(&key, "nas", &path, later).unwrap();
        assert_eq!(read(&key, "nas", &std::fs::read(&path).unwrap()), Ok(later));
        // Encrypted in place, or a file of somebody else: left as it is.
        std::fs::write(&path, "cipher").unwrap();
        assert_eq!(renew(&key, "nas", &path, later), Err(CanaryError::Changed));
        assert_eq!(std::fs::read(&path).unwrap(), b"cipher");
    }
}
