//! The access token: made once, kept in a file that only its owner can read.
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;

/// Random bytes in a token: 256 bits.
const BYTES: usize = 32;
/// The shortest token that is accepted from a file, in characters: 128 bits in hex.
const SHORTEST: usize = 32;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("{}: the access token cannot be kept: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file holds something too short to be safe.
    #[error(
        "{}: the access token is shorter than {SHORTEST} characters\n  hint: remove the file, and a \
         new token is made", path.display()
    )]
    Weak {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no randomness.
    #[error("the system gives no random numbers for an access token: {0}")]
    Random(getrandom::Error),
}

/// Reads the token from `file`, else from `DATA/token`; makes it on first use.
///
/// # Errors
/// See [`TokenError`].
pub fn load_or_make(data: &Path, file: Option<&str>) -> Result<String, TokenError> {
    let path = file.map_or_else(|| data.join("token"), PathBuf::from);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let token = text.trim();
            if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(TokenError::Weak { path });
            }
            Ok(token.to_owned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(source) => Err(TokenError::File { path, source }),
    }
}

fn make(path: PathBuf) -> Result<String, TokenError> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let written =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(
            |mut file| {
                file.write_all(token.as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            },
        );
    match written {
        Ok(()) => Ok(token),
        Err(source) => Err(TokenError::File { path, source }),
    }
}

/// Compares in constant time, so that the answer's delay tells nothing.
pub(crate) fn is_same(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = load_or_make(folder.path(), None).expect("made");
        assert_eq!(token.len(), 2 * BYTES);
        assert_eq!(load_or_make(folder.path(), None).expect("read"), token);
        let file = folder.path().join("token");
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(is_same(&token, &token) && !is_same("", &token) && !is_same(&token[1..], &token));
    }

    #[test]
    fn a_short_token_is_refused_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mine");
        std::fs::write(&file, "secret").expect("written");
        let error = load_or_make(folder.path(), file.to_str()).expect_err("refused").to_string();
        assert!(error.contains("mine") && !error.contains("secret"), "{error}");
    }
}
