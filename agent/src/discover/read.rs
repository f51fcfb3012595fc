//! Reads for discovery, which takes what it can get.
use crate::probe::host::Host;
use crate::probe::redact;

/// Most bytes of a settings file that are looked at.
const LONGEST_SETTINGS: usize = 1 << 20;

/// The text of a settings file, if it can be read.
pub(crate) fn settings(host: &Host, path: &str) -> Option<String> {
    host.text(path, LONGEST_SETTINGS).ok()
}

/// Names in a folder, sorted; none when it cannot be read.
pub(crate) fn names(host: &Host, folder: &str) -> Vec<String> {
    host.list(folder).unwrap_or_default()
}

/// A text fit for a comment, a name or a line on a terminal: no control and
/// direction characters, at most 200 characters.
pub(crate) fn plain(text: &str) -> String {
    redact::plain(text).chars().take(200).collect()
}
