//! What borg says: log lines as JSON on standard error, and exit codes in both dialects.
use evenkeel_config::record::FailureKind;
use serde::Deserialize;

/// What came over standard error, in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Names of errors, in order, such as `PassphraseWrong`.
    pub errors: Vec<String>,
    /// Warnings and errors of borg itself, in words.
    pub words: String,
    /// What the other side of an ssh connection said.
    pub remote: String,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    levelname: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    msgid: Option<String>,
}

/// More lines are not looked at.
const MOST_LINES: usize = 2000;

/// Takes standard error of `borg --log-json` apart. Answers to questions are
/// our own, and progress is none of our business.
pub fn said(stderr: &[u8]) -> Said {
    let mut said = Said::default();
    let text = String::from_utf8_lossy(stderr);
    for line in text.lines().take(MOST_LINES) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            if !line.trim().is_empty() {
                said.add(line);
            }
            continue;
        };
        if line.kind != "log_message"
            || !matches!(line.levelname.as_str(), "WARNING" | "ERROR" | "CRITICAL")
        {
            continue;
        }
        if let Some(remote) = line.message.strip_prefix("Remote: ") {
            said.remote.push_str(remote);
            said.remote.push('\n');
            continue;
        }
        said.add(outcome(&line.message));
        if line.levelname != "WARNING" {
            said.errors.extend(line.msgid);
        }
    }
    said
}

/// Of a traceback only its outcome says something; the way there, the machine
/// and the arguments do not.
fn outcome(message: &str) -> &str {
    if !message.starts_with("Traceback") {
        return message;
    }
    let (trace, _) = message.split_once("\n\nPlatform:").unwrap_or((message, ""));
    trace.trim_end().lines().next_back().unwrap_or(message)
}

impl Said {
    /// Whether all that it said is that paths asked for were not there, which
    /// borg 1.2 says of exact paths that it did find, too.
    pub fn is_only_unmatched(&self) -> bool {
        let is_so =
            |line: &str| line.starts_with("Include pattern ") && line.ends_with("never matched.");
        self.remote.is_empty() && self.words.lines().all(is_so)
    }

    fn add(&mut self, words: &str) {
        self.words.push_str(words);
        self.words.push('\n');
    }
}

/// How a run of borg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Well,
    /// Done, with warnings.
    Warned,
    /// Not done.
    Failed(FailureKind),
}

/// What an exit code and standard error mean. Codes above 2 come from borg 1.4
/// with `BORG_EXIT_CODES=modern`; the older dialect says 2 for every error.
pub fn classify(code: Option<i32>, said: &Said) -> End {
    match code {
        Some(0) => return End::Well,
        Some(1 | 100..=127) if said.errors.is_empty() => return End::Warned,
        _ => {}
    }
    let named = said.errors.iter().rev().find_map(|name| named(name));
    let kind = match named {
        Some(FailureKind::NetworkDown) => Some(connection(&said.remote)),
        Some(kind) => Some(kind),
        None => numbered(code, &said.remote).or_else(|| worded(&said.words)),
    };
    End::Failed(kind.unwrap_or(FailureKind::Other))
}

/// Names of errors and what they mean.
fn named(name: &str) -> Option<FailureKind> {
    NAMES.iter().find(|(known, ..)| *known == name).map(|(_, _, kind)| *kind)
}

fn numbered(code: Option<i32>, remote: &str) -> Option<FailureKind> {
    let code = code?;
    match NAMES.iter().find(|(_, number, _)| *number == code)?.2 {
        FailureKind::NetworkDown => Some(connection(remote)),
        kind => Some(kind),
    }
}

/// Name, number in the modern dialect, and meaning of borg's errors.
const NAMES: &[(&str, i32, FailureKind)] = &[
    ("CommandError", 4, FailureKind::ToolVersion),
    ("Repository.AtticRepository", 11, FailureKind::ToolVersion),
    ("Repository.CheckNeeded", 12, FailureKind::CorruptStructure),
    ("Repository.DoesNotExist", 13, FailureKind::NotFound),
    ("Repository.InsufficientFreeSpaceError", 14, FailureKind::NoSpace),
    ("Repository.InvalidRepository", 15, FailureKind::NotFound),
    ("Repository.InvalidRepositoryConfig", 16, FailureKind::CorruptStructure),
    ("Repository.ObjectNotFound", 17, FailureKind::CorruptStructure),
    ("Repository.ParentPathDoesNotExist", 18, FailureKind::NotFound),
    ("Repository.PathPermissionDenied", 21, FailureKind::PermissionDenied),
    ("MandatoryFeatureUnsupported", 25, FailureKind::ToolVersion),
    ("NoManifestError", 26, FailureKind::CorruptStructure),
    ("UnsupportedManifestError", 27, FailureKind::ToolVersion),
    ("Archive.DoesNotExist", 31, FailureKind::NotFound),
    ("KeyfileInvalidError", 40, FailureKind::KeyMissing),
    ("KeyfileMismatchError", 41, FailureKind::AuthFailed),
    ("KeyfileNotFoundError", 42, FailureKind::KeyMissing),
    ("RepoKeyNotFoundError", 44, FailureKind::KeyMissing),
    ("UnknownKeyType", 47, FailureKind::ToolVersion),
    ("UnsupportedPayloadError", 48, FailureKind::ToolVersion),
    ("UnsupportedKeyFormatError", 49, FailureKind::ToolVersion),
    ("NoPassphraseFailure", 50, FailureKind::AuthFailed),
    ("PasscommandFailure", 51, FailureKind::AuthFailed),
    ("PassphraseWrong", 52, FailureKind::AuthFailed),
    ("PasswordRetriesExceeded", 53, FailureKind::AuthFailed),
    ("Cache.RepositoryReplay", 64, FailureKind::CorruptStructure),
    ("LockError", 70, FailureKind::Locked),
    ("LockErrorT", 71, FailureKind::Locked),
    ("LockFailed", 72, FailureKind::Locked),
    ("LockTimeout", 73, FailureKind::Locked),
    ("ConnectionClosed", 80, FailureKind::NetworkDown),
    ("ConnectionClosedWithHint", 81, FailureKind::NetworkDown),
    ("PathNotAllowed", 83, FailureKind::PermissionDenied),
    ("RemoteRepository.RPCServerOutdated", 84, FailureKind::ToolVersion),
    ("ConnectionBrokenWithHint", 87, FailureKind::NetworkDown),
    ("IntegrityError", 90, FailureKind::CorruptStructure),
    ("FileIntegrityError", 91, FailureKind::CorruptStructure),
    ("DecompressionError", 92, FailureKind::CorruptStructure),
    ("ArchiveTAMInvalid", 95, FailureKind::CorruptStructure),
    ("ArchiveTAMRequiredError", 96, FailureKind::CorruptStructure),
    ("TAMInvalid", 97, FailureKind::CorruptStructure),
    ("TAMRequiredError", 98, FailureKind::CorruptStructure),
];

/// Why a connection ended, by what the other side or ssh said before.
fn connection(remote: &str) -> FailureKind {
    let remote = remote.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| remote.contains(word));
    if has(&["permission denied", "host key verification failed", "too many authentication"]) {
        FailureKind::AuthFailed
    } else if has(&["borg: not found", "borg: command not found", "no such file or directory"]) {
        FailureKind::ToolMissing
    } else {
        FailureKind::NetworkDown
    }
}

/// Errors without a name are tracebacks; their words tell.
fn worded(words: &str) -> Option<FailureKind> {
    const WORDS: &[(&str, FailureKind)] = &[
        ("no space left on device", FailureKind::NoSpace),
        ("permissionerror", FailureKind::PermissionDenied),
        ("permission denied", FailureKind::PermissionDenied),
        ("unrecognized arguments", FailureKind::ToolVersion),
        ("invalid choice", FailureKind::ToolVersion),
        ("connection refused", FailureKind::NetworkDown),
        ("connection reset", FailureKind::NetworkDown),
        ("broken pipe", FailureKind::NetworkDown),
        ("integrityerror", FailureKind::CorruptStructure),
        ("objectnotfound", FailureKind::CorruptStructure),
        ("input/output error", FailureKind::CorruptStructure),
        // A segment that the index knows and the folder has not.
        ("filenotfounderror", FailureKind::CorruptStructure),
    ];
    let words = words.to_lowercase();
    WORDS.iter().find(|(word, _)| words.contains(word)).map(|(_, kind)| *kind)
}

/// For people: what a kind of failure means here.
pub(super) fn meaning(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "there is no repository",
        FailureKind::Locked => "the repository is at work and could not be read",
        FailureKind::AuthFailed => "the passphrase or the login is refused",
        FailureKind::KeyMissing => "the key of the repository is gone",
        FailureKind::NetworkDown => "the repository's server does not answer",
        FailureKind::PermissionDenied => "the repository may not be read",
        FailureKind::CorruptStructure => "the repository is damaged",
        FailureKind::ToolVersion => "this borg and the repository do not fit",
        FailureKind::ToolMissing => "there is no borg on the repository's server",
        FailureKind::NoSpace => "there is no room",
        _ => "the repository could not be read",
    }
}

/// For people: what to do about it.
pub(super) fn advice(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "see whether its disk is mounted, or correct `repository`",
        FailureKind::Locked => "nothing if a backup runs; else see who holds the lock",
        FailureKind::AuthFailed => "correct `passphrase_file`, `key_file` or the ssh login",
        FailureKind::KeyMissing => {
            "name the key by `key_file`, or import the copy that `borg key export` made: \
             without it no passphrase opens the backups"
        }
        FailureKind::NetworkDown => "see whether the server runs and can be reached from here",
        FailureKind::PermissionDenied => "let the agent's user read the repository",
        FailureKind::CorruptStructure => {
            "copy the repository aside, then let `borg check` look at the copy"
        }
        FailureKind::ToolVersion => "install borg 1.2 or 1.4 on both sides",
        FailureKind::ToolMissing => "install borg there, or set BORG_REMOTE_PATH",
        _ => "run `borg list` by hand with the same passphrase",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind as K;

    fn error(msgid: &str, message: &str) -> String {
        format!(
            "{{\"type\":\"log_message\",\"levelname\":\"ERROR\",\"name\":\"borg.archiver\",\
             \"message\":\"{message}\",\"msgid\":\"{msgid}\"}}"
        )
    }

    fn remote(message: &str) -> String {
        format!(
            "{{\"type\":\"log_message\",\"levelname\":\"WARNING\",\"name\":\"root\",\
             \"message\":\"Remote: {message}\"}}\n{}",
            error("ConnectionClosedWithHint", "Connection closed by remote host.")
        )
    }

    #[test]
    fn codes_and_names_of_both_dialects() {
        let failed = |kind| End::Failed(kind);
        let segment = "Traceback\\nFileNotFoundError: [Errno 2] No such file: '/r/data/0/18'";
        for (code, stderr, end) in [
            (Some(0), String::new(), End::Well),
            (Some(1), String::new(), End::Warned),
            (Some(105), String::new(), End::Warned),
            (Some(2), error("PassphraseWrong", "x"), failed(K::AuthFailed)),
            (Some(52), String::new(), failed(K::AuthFailed)),
            (Some(52), error("PassphraseWrong", "x"), failed(K::AuthFailed)),
            (Some(2), error("Repository.InvalidRepository", "x"), failed(K::NotFound)),
            (Some(13), String::new(), failed(K::NotFound)),
            (Some(2), error("LockTimeout", "x"), failed(K::Locked)),
            (Some(73), String::new(), failed(K::Locked)),
            (Some(2), error("RepoKeyNotFoundError", "x"), failed(K::KeyMissing)),
            (Some(42), String::new(), failed(K::KeyMissing)),
            (Some(90), String::new(), failed(K::CorruptStructure)),
            (Some(2), error("Exception", segment), failed(K::CorruptStructure)),
            (Some(2), error("Exception", "OSError: No space left on device"), failed(K::NoSpace)),
            (Some(2), error("Exception", "something new"), failed(K::Other)),
            (Some(2), remote("ssh: Could not resolve hostname nas"), failed(K::NetworkDown)),
            (Some(81), remote("ssh: connect: Connection refused"), failed(K::NetworkDown)),
            (Some(2), remote("root@nas: Permission denied (publickey)."), failed(K::AuthFailed)),
            (Some(2), remote("sh: 1: borg: not found"), failed(K::ToolMissing)),
            (Some(2), "borg: error: unrecognized arguments: --json".into(), failed(K::ToolVersion)),
            (None, String::new(), failed(K::Other)),
            (Some(143), String::new(), failed(K::Other)),
        ] {
            assert_eq!(classify(code, &said(stderr.as_bytes())), end, "{code:?} {stderr}");
        }
    }

    #[test]
    fn of_a_traceback_the_outcome_stays() {
        let text = r#"{"type": "log_message", "levelname": "ERROR", "message":
            "Traceback (most recent call last):\n  File x\nKeyError: 3\n\nPlatform: Linux\n"}"#;
        let said = said(text.replace('\n', "").as_bytes());
        assert_eq!(said.words, "KeyError: 3\n");
        let words = "Include pattern 'a' never matched.\n".to_owned();
        assert!(Said { words, ..Said::default() }.is_only_unmatched() && !said.is_only_unmatched());
    }

    #[test]
    fn questions_and_progress_are_no_complaint() {
        let text = r#"{"type": "question_prompt", "msgid": "BORG_X", "message": "Warning: ..."}
            {"type": "question_env_answer", "msgid": "BORG_X", "message": "yes"}
            {"type": "log_message", "levelname": "INFO", "message": "fine"}"#;
        assert_eq!(said(text.as_bytes()), Said::default());
        let warning = r#"{"type": "log_message", "levelname": "WARNING", "message": "odd"}"#;
        assert_eq!(said(warning.as_bytes()).words, "odd\n");
    }
}
