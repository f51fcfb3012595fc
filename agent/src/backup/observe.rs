//! What is done around every look at a backup: the canary is kept fresh, and what
//! somebody accepted is remembered.
use evenkeel_config::record::{Failure, Value};

use super::Keys;
use super::canary::{self, CanaryError};
use crate::accepted::Accepted;
use crate::checks::{Check, Facts, Look};
use crate::probe::redact::plain;

/// Lets a check look; for backups with all that belongs to it.
///
/// # Errors
/// As the check's own.
pub(crate) async fn observe(check: &dyn Check, look: &Look) -> Result<Facts, Failure> {
    let Some(keys) = check.keys() else { return check.observe(look).await };
    let canary = renewed(keys, look);
    let mut facts = check.observe(look).await?;
    if look.data.as_os_str().is_empty() || facts.not_applicable.is_some() {
        return Ok(facts);
    }
    match canary {
        None => {}
        Some(Ok(())) => facts.push("canary_kept", "", Value::Flag(true)),
        Some(Err(error)) => {
            let is_changed = error == CanaryError::Changed;
            facts.push("canary_kept", "", Value::Flag(false));
            facts.push("canary_changed", "", Value::Flag(is_changed));
            facts.push("canary_why", "", Value::Text(plain(&error.to_string())));
        }
    }
    match Accepted::read(&look.data) {
        Ok(accepted) => accepted.add(&keys.name, &mut facts),
        // Without it more is called unusual, never less.
        Err(error) => tracing::error!("accepted.json cannot be read: {error}"),
    }
    Ok(facts)
}

fn renewed(keys: &Keys, look: &Look) -> Option<Result<(), CanaryError>> {
    let path = keys.canary.as_ref()?;
    if look.data.as_os_str().is_empty() {
        return None;
    }
    let path = look.root.join(path.strip_prefix("/").unwrap_or(path));
    let key = canary::key(&look.data);
    Some(key.and_then(|key| canary::renew(&key, &keys.name, &path, look.now)))
}
