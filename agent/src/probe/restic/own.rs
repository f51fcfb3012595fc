//! A snapshot of our own: made, and tried to be forgotten. Nothing else here writes.
use evenkeel_config::record::{Failure, FailureKind};

use super::{Repository, classify};

/// Words of servers and storage that refuse.
const REFUSALS: &[&str] = &[
    "403",
    "405",
    "forbidden",
    "method not allowed",
    "access denied",
    "accessdenied",
    "permission denied",
    "not permitted",
    "objectlocked",
    "object is worm protected",
];

impl Repository {
    /// Makes a snapshot of one small file with this text.
    ///
    /// # Errors
    /// As restic says it, typed; where it may not write, that nothing is shown by it.
    pub async fn make_own(&self, tag: &str, host: &str, text: &str) -> Result<(), Failure> {
        let no_room = |error: std::io::Error| Failure {
            kind: FailureKind::NoSpace,
            what: format!("no file for a snapshot of our own could be written: {error}"),
            advice: "see whether the folder for temporary files has room".to_owned(),
        };
        let folder = tempfile::tempdir().map_err(no_room)?;
        std::fs::write(folder.path().join("evenkeel-canary"), text).map_err(no_room)?;
        let tool = self.tool.clone().working_in(folder.path());
        let arguments = ["--no-cache", "--quiet", "backup", "--tag", tag, "--host", host];
        let output =
            tool.run(&[&arguments[..], &["evenkeel-canary"]].concat(), self.left()).await?;
        match classify(output.code, &output.stderr) {
            None => Ok(()),
            Some(FailureKind::AuthFailed | FailureKind::PermissionDenied) => Err(Failure {
                kind: FailureKind::PermissionDenied,
                what: format!("this login may not write to the repository: {}", output.said),
                advice: "run this with the login that writes the backups: what others may not \
                         delete proves nothing about that one"
                    .to_owned(),
            }),
            Some(kind) => Err(self.failure(kind, &output)),
        }
    }

    /// Asks to delete one snapshot, by its full id; gives the words of a refusal.
    ///
    /// # Errors
    /// As restic says it, typed, where that is no refusal.
    pub async fn forget_own(&self, id: &str) -> Result<Option<String>, Failure> {
        let arguments = ["--no-cache", "--quiet", "forget", id];
        let output = self.tool.run(&arguments, self.left()).await?;
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        if REFUSALS.iter().any(|word| said.contains(word)) {
            return Ok(Some(output.said));
        }
        match classify(output.code, &output.stderr) {
            None => Ok(None),
            Some(kind) => Err(self.failure(kind, &output)),
        }
    }
}
