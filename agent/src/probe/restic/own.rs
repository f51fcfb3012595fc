//! A snapshot of our own: made, and tried to be forgotten. Nothing else here writes.
use evenkeel_config::record::{Failure, FailureKind};

use super::{Repository, classify};

/// Words of servers and storage that refuse.
const REFUSALS: &[&str] = &[
    "403 forbidden",
    "405 method not allowed",
    "access denied",
    "accessdenied",
    "permission denied",
    "operation not permitted",
    "objectlocked",
    "object is worm protected",
];

/// Whether restic says that the deletion of a snapshot was refused: a lock that could not be
/// made, or somebody else's, is no refusal, whatever figures stand in its words.
fn is_refusal(stderr: &[u8]) -> bool {
    let said = String::from_utf8_lossy(stderr).to_lowercase();
    said.lines().any(|line| {
        let Some((_, after)) = line.split_once("<snapshot/") else { return false };
        let Some((_, why)) = after.split_once('>') else { return false };
        REFUSALS.iter().any(|word| why.contains(word))
    })
}

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
        if is_refusal(&output.stderr) {
            return Ok(Some(output.said));
        }
        match classify(output.code, &output.stderr) {
            None => Ok(None),
            Some(kind) => Err(self.failure(kind, &output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_refusal;

    #[test]
    fn only_words_about_the_snapshot_itself_are_a_refusal() {
        for (words, expected) in [
            (
                "Remove(<snapshot/4032ab>) returned error, retrying after 720ms: blob not removed, \
              server response: 403 Forbidden (403)",
                true,
            ),
            ("Remove(<snapshot/ab12>) failed: unlink /r/snapshots/ab12: permission denied", true),
            ("unable to remove <snapshot/403405> from the repository", false),
            ("repository is already locked by PID 14052 on srv (1m2.403512s ago)", false),
            ("Save(<lock/ab>) failed: open /r/locks/ab: permission denied", false),
            ("Get \"http://srv:8403/\": dial tcp: connection refused", false),
        ] {
            assert_eq!(is_refusal(words.as_bytes()), expected, "{words}");
        }
    }
}
