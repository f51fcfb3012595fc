//! The plan: every configured check, built and with its rhythm.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_config::agent::{AgentSettings, CheckEntry};
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use sha2::{Digest, Sha256};

use crate::checks::{self, Check, CheckKind};
use crate::drill::{self, Drill, DrillSettings};
use crate::proof;

/// The shortest rhythm and deadline that are accepted.
const SHORTEST: Span = Span::from_secs(1);

/// One configured check, ready to run.
pub struct Configured {
    /// What the file says.
    pub entry: CheckEntry,
    /// Its kind.
    pub kind: &'static CheckKind,
    /// How often it runs.
    pub every: Span,
    /// Its longest run.
    pub deadline: Duration,
    /// Digest of everything that decides what it looks at.
    pub digest: String,
    /// What looks and judges.
    pub check: Arc<dyn Check>,
    /// How to drill it, if it looks at a backup that can be drilled.
    pub drill: Option<Drill>,
    /// Held while it runs: a check never runs twice at once.
    pub(crate) running: Arc<tokio::sync::Mutex<()>>,
}

impl Configured {
    /// What is recorded beside a check under another name, though no schedule runs it.
    pub(crate) fn beside(
        &self,
        kind: &'static CheckKind,
        name: String,
        check: Arc<dyn Check>,
    ) -> Self {
        let entry = CheckEntry { name, kind: kind.name.to_owned(), ..self.entry.clone() };
        Self {
            kind,
            every: kind.every,
            deadline: self.deadline,
            digest: self.digest.clone(),
            entry,
            check,
            drill: None,
            running: Arc::default(),
        }
    }

    /// Whether it is a drill.
    pub fn is_drill(&self) -> bool {
        self.kind.name == drill::KIND.name
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Configured").field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// Builds every check of the settings, and a check of its own for each drill that
/// runs by itself.
///
/// # Errors
/// Every unknown kind and every problem that the kinds find in their own keys.
pub fn plan(settings: &AgentSettings) -> Result<Vec<Arc<Configured>>, Problems> {
    let mut problems = Problems::default();
    let mut all = Vec::new();
    for entry in &settings.checks {
        let scratch = settings.agent.scratch.as_deref();
        if let Some(configured) = configure(entry, scratch, &mut problems) {
            let drill = configured.drill.clone().filter(|drill| drill.every().is_some());
            all.push(Arc::new(configured));
            all.extend(drill.map(|drill| Arc::new(drill.configured())));
        }
    }
    if problems.is_fatal() {
        problems.sort();
        return Err(problems);
    }
    Ok(all)
}

fn configure(
    entry: &CheckEntry,
    scratch: Option<&str>,
    problems: &mut Problems,
) -> Option<Configured> {
    let Some(kind) = checks::kind(&entry.kind) else {
        let names: Vec<&str> = checks::CHECKS.iter().map(|kind| kind.name).collect();
        problems.error(
            entry.place.clone(),
            format!("there is no kind of check `{}`", entry.kind),
            format!("the kinds are {}, as in `[[check.certificate]]`", names.join(", ")),
        );
        return None;
    };
    let every = entry.every.unwrap_or(kind.every);
    let deadline = entry.deadline.unwrap_or(kind.deadline);
    for (key, span, right) in [("every", every, "1h"), ("deadline", deadline, "30s")] {
        if span < SHORTEST {
            problems.error(
                checks::place(entry, key),
                format!("`{key}` is shorter than a second"),
                format!("write a longer span, as in `{key} = \"{right}\"`"),
            );
        }
    }
    let mut entry = entry.clone();
    let secret_key = kind.backup.map(|backup| backup.secret_key);
    let settings = DrillSettings::take(&mut entry, secret_key, problems);
    let check: Arc<dyn Check> = (kind.build)(&entry, problems)?.into();
    proof::examine(&entry, check.as_ref(), problems);
    let settings = settings?;
    let drill = check
        .drill()
        .is_some()
        .then(|| Drill::new(&entry, &check, secret_key.unwrap_or_default(), settings, scratch));
    Some(Configured {
        kind,
        every,
        deadline: Duration::from_millis(deadline.as_ms().unsigned_abs()),
        digest: digest(&entry),
        entry,
        check,
        drill,
        running: Arc::default(),
    })
}

/// A digest of kind, component and the kind's own keys. The rhythm is not in
/// it: what a check has seen does not depend on how often it looks.
pub(crate) fn digest(entry: &CheckEntry) -> String {
    let text = format!("{}\n{}\n{}", entry.kind, entry.component, entry.settings);
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
