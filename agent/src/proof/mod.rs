//! Proof that backups cannot be deleted: when asked, the agent tries it on what it has put
//! there itself. The one exception to "a check never changes what it checks", so no check does it.
mod check;
mod told;

use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use sha2::{Digest, Sha256};

use crate::backup::{Keys, On, Prove, canary};
use crate::checks::{Check, place};
use crate::plan::Configured;
use crate::probe::own_file::{self, Attack, Mark};

pub use check::{KIND, configured, facts};
pub(crate) use told::{Proof, findings};

/// First line of the file that is tried to be deleted.
const HEAD: &str =
    "Evenkeel canary. Harmless: the agent tries to delete this file to see that it cannot.";

/// Every try ends by then.
const DEADLINE: Duration = Duration::from_secs(5 * 60);

/// Tags of the agent's own snapshots begin so.
const TAG: &str = "evenkeel-canary-";

/// Host of the agent's own snapshots.
pub const OWN_HOST: &str = "evenkeel-canary";

/// The name under which the tries of a check are kept as evidence.
pub fn name_of(check: &str) -> String {
    format!("{check}/immutable")
}

/// Whether a snapshot with these tags is one of an agent's own, and no backup.
pub fn is_own(host: &str, tags: &[String]) -> bool {
    host == OWN_HOST && tags.iter().any(|tag| tag.starts_with(TAG))
}

/// A snapshot of the agent's own, as a kind of backup makes and knows it.
#[derive(Debug, Clone)]
pub struct OwnSnapshot {
    /// The tag that no other snapshot has.
    pub tag: String,
    /// Text of the one file in it.
    pub text: String,
    /// So old it has to be before it is tried.
    pub after: SignedDuration,
    /// Now.
    pub now: Timestamp,
    /// When everything must have ended.
    pub until: Instant,
}

/// A kind of backup in whose repository a snapshot of the agent's own can be tried.
#[async_trait::async_trait]
pub trait Provable: Send + Sync {
    /// Makes the snapshot unless it is there, and tries to delete it once it is old
    /// enough. Gives the repository's id too.
    ///
    /// # Errors
    /// It cannot be told, in words that say why.
    async fn try_snapshot(&self, own: &OwnSnapshot) -> Result<(String, Attack), Failure>;
}

/// What trying came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What it was tried on, in words that stay the same.
    pub target: String,
    /// As whom, in words.
    pub whose: String,
    /// When what was tried had been put there.
    pub written: Timestamp,
    /// What was allowed.
    pub accepted: Vec<&'static str>,
    /// What was refused.
    pub refused: Vec<&'static str>,
}

/// Says whether a check can prove what its key asks for.
pub(crate) fn examine(entry: &CheckEntry, check: &dyn Check, problems: &mut Problems) {
    let asks = check.keys().and_then(|keys| keys.prove.as_ref());
    if asks.is_some_and(|prove| prove.on == On::Snapshot) && check.provable().is_none() {
        let what = match entry.kind.as_str() {
            "borg" | "borgmatic" => {
                "borg deletes archives even where it only appends, so a \
                                     snapshot proves nothing"
            }
            "restic" => "a repository in a folder is proven in that folder",
            _ => "this kind of check has no snapshots that the agent could make",
        };
        let hint = "write `prove_immutable = { folder = \"/srv/backup\" }`, a folder in the \
                    storage of the backups";
        problems.error(place(entry, "prove_immutable"), what, hint);
    }
}

/// What a try would do, in words.
pub fn plan(prove: &Prove) -> String {
    let after = match prove.after.as_ms() {
        0 => String::new(),
        _ => format!(" once it is {} old", prove.after),
    };
    match &prove.on {
        On::Folder(folder) => format!(
            "would write a small file of its own into {}, and try to overwrite, empty, move and \
             delete it{after}; no other file is touched",
            folder.display()
        ),
        On::Snapshot => format!(
            "would make a snapshot of one small file of its own in the repository, and try to \
             delete that snapshot{after}; no other one is touched"
        ),
    }
}

/// Tries whether the storage of a check's backups refuses deletion.
///
/// # Errors
/// It cannot be told; [`FailureKind::Internal`] where the check does not ask for it.
pub async fn prove(check: &Configured, data: &Path, now: Timestamp) -> Result<Tried, Failure> {
    let asked = check.check.keys().and_then(|keys| Some((keys, keys.prove.as_ref()?)));
    let Some((keys, prove)) = asked else {
        return Err(Failure {
            kind: FailureKind::Internal,
            what: format!("the check `{}` does not ask for it", check.entry.name),
            advice: "add `prove_immutable` to it".to_owned(),
        });
    };
    let key = canary::key(data).map_err(|error| Failure {
        kind: FailureKind::Other,
        what: error.to_string(),
        advice: "let the agent's user write its own folder".to_owned(),
    })?;
    let after = SignedDuration::from_millis(prove.after.as_ms());
    let (target, whose, attack) = match &prove.on {
        On::Folder(folder) => {
            let attack = in_folder(keys, key, folder, after, now).await?;
            let user = rustix::process::geteuid().as_raw();
            (told::folder_target(folder), format!("user {user} of this host"), attack)
        }
        On::Snapshot => {
            let Some(provable) = check.check.provable() else {
                return Err(untellable("this kind of check has no snapshot that could be tried"));
            };
            let until = Instant::now() + DEADLINE;
            let text = canary::signed(HEAD, &key, &mark_of(keys), now);
            let tag = format!("{TAG}{}", hex_of(&key, keys));
            let own = OwnSnapshot { tag, text, after, now, until };
            let (id, attack) = provable.try_snapshot(&own).await?;
            (told::repository_target(&id), "the login of this check".to_owned(), attack)
        }
    };
    match attack {
        Attack::Waits { written } => {
            let due = written.saturating_add(after).unwrap_or(Timestamp::MAX);
            Err(untellable(&format!(
                "the canary was put there at {written:.0} and is tried from {due:.0} on"
            )))
        }
        Attack::Done { written, accepted, refused } => {
            Ok(Tried { target, whose, written, accepted, refused })
        }
    }
}

async fn in_folder(
    keys: &Keys,
    key: hmac::Key,
    folder: &Path,
    after: SignedDuration,
    now: Timestamp,
) -> Result<Attack, Failure> {
    let (name, of) = (format!("{TAG}{}", hex_of(&key, keys)), mark_of(keys));
    let folder = folder.to_owned();
    // A dead network share would hold up everybody else here.
    let trying = tokio::task::spawn_blocking(move || {
        let text = |at| canary::signed(HEAD, &key, &of, at);
        let written = |bytes: &[u8]| canary::read_signed(HEAD, &key, &of, bytes).ok();
        let mark = Mark { name: &name, text: &text, written: &written };
        own_file::attack(&folder, &mark, after, now)
    });
    match tokio::time::timeout(DEADLINE, trying).await {
        Ok(Ok(attack)) => attack,
        Ok(Err(_)) => Err(untellable("the try broke off")),
        Err(_) => Err(Failure {
            kind: FailureKind::Timeout,
            what: "the folder of the backups does not answer".to_owned(),
            advice: "see whether the disk or share that it lies on is well".to_owned(),
        }),
    }
}

fn untellable(what: &str) -> Failure {
    Failure {
        kind: FailureKind::Other,
        what: what.to_owned(),
        advice: "run `evenkeel-agent prove-immutable` again".to_owned(),
    }
}

/// What our file is signed for: not what the canary in a source is signed for.
fn mark_of(keys: &Keys) -> String {
    name_of(&keys.name)
}

/// A name that nobody else comes upon: it depends on the agent's own secret.
fn hex_of(key: &hmac::Key, keys: &Keys) -> String {
    let tag = hmac::sign(key, mark_of(keys).as_bytes());
    Sha256::digest(tag.as_ref()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
