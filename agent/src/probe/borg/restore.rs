//! What a restore drill asks of borg: some files back, all of them, or a share read through.
use std::path::Path;
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};

use super::{End, Repository, classify, said, with_fixed};

/// How a run of borg that tells something ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Whether it said that all went well.
    pub well: bool,
    /// What it said besides, without secrets.
    pub said: String,
    /// Seconds.
    pub seconds: f64,
}

impl Repository {
    /// Restores files of an archive, or all of it, into a folder. borg stops at
    /// the first damaged part, and what follows in the archive does not come.
    /// A path that matches nothing is no error: whoever asks has to count.
    ///
    /// # Errors
    /// Why it cannot be told whether a restore works, typed. Damage is no error
    /// but an end that is not well.
    pub async fn extract(
        &self,
        archive: &str,
        paths: Option<&[&str]>,
        into: &Path,
    ) -> Result<Ended, Failure> {
        let name = format!("::{archive}");
        let mut arguments = vec!["extract", "--noflags", "--noacls", "--noxattrs", &name];
        let patterns: Vec<String> =
            paths.unwrap_or_default().iter().map(|path| format!("pf:{path}")).collect();
        arguments.extend(patterns.iter().map(String::as_str));
        self.to_its_end(&arguments, into).await
    }

    /// Reads, decrypts and verifies the files of an archive that a file of
    /// patterns names, and writes nothing.
    ///
    /// # Errors
    /// Why it cannot be told, typed. Damage is no error.
    pub async fn read_through(&self, archive: &str, patterns: &Path) -> Result<Ended, Failure> {
        let name = format!("::{archive}");
        let patterns = patterns.display().to_string();
        let arguments = ["extract", "--dry-run", "--patterns-from", &patterns, &name];
        self.to_its_end(&arguments, Path::new("/")).await
    }

    async fn to_its_end(&self, arguments: &[&str], folder: &Path) -> Result<Ended, Failure> {
        let began = Instant::now();
        let tool = self.tool.clone().working_in(folder);
        let output = tool.run(&with_fixed(arguments), self.left()).await?;
        let seconds = began.elapsed().as_secs_f64();
        let said = said(&output.stderr);
        let words = self.words(&said);
        match classify(output.code, &said) {
            End::Well => Ok(Ended { well: true, said: words, seconds }),
            // Whoever asks counts what came back.
            End::Warned if said.is_only_unmatched() => {
                Ok(Ended { well: true, said: String::new(), seconds })
            }
            // A file that could not be written or is not as it should be.
            End::Warned => Ok(Ended { well: false, said: words, seconds }),
            End::Failed(kind) => {
                let failure = self.failure(kind, output.code, &said);
                if tells_nothing(failure.kind) {
                    return Err(failure);
                }
                Ok(Ended { well: false, said: failure.what, seconds })
            }
        }
    }
}

/// Whether a failure says nothing about what is stored.
fn tells_nothing(kind: FailureKind) -> bool {
    !matches!(kind, FailureKind::CorruptStructure | FailureKind::CorruptData | FailureKind::Other)
}

/// A line for `--patterns-from` that takes in this path alone; nothing for the
/// few names that such a line cannot hold.
pub fn pattern_line(path: &str) -> Option<String> {
    let holds = path.trim() == path && !path.contains(['\n', '\r']) && !path.is_empty();
    holds.then(|| format!("+ pf:{path}\n"))
}

/// The line that leaves out everything else.
pub const LAST_PATTERN: &str = "- re:.*\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_patterns() {
        assert_eq!(pattern_line("srv/a b#*").unwrap(), "+ pf:srv/a b#*\n");
        assert_eq!(pattern_line("srv/a "), None);
        assert_eq!(pattern_line("srv/a\nb"), None);
    }

    #[test]
    fn damage_tells_and_a_dead_line_does_not() {
        assert!(!tells_nothing(FailureKind::CorruptStructure));
        assert!(tells_nothing(FailureKind::NetworkDown) && tells_nothing(FailureKind::Locked));
    }
}
