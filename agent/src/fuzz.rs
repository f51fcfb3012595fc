//! Entry points for fuzzers: whatever comes from outside is fed in as bytes and must not panic.

/// What restic lists.
pub fn restic_snapshots(bytes: &[u8]) {
    let _ = crate::probe::restic::snapshots(bytes);
    let _ = crate::probe::restic::classify(Some(1), bytes);
}
