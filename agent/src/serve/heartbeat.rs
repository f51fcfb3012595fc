//! The address at which jobs report: a secret in the path, a rate limit, and no body.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;

use super::{Desk, token};
use crate::agent::Agent;
use crate::heartbeats::{Heartbeats, Word};

/// What the addresses of jobs begin with.
pub(super) const PREFIX: &str = "/heartbeat/";

/// So many reports are taken in a burst.
const BURST: f64 = 40.0;
/// So many a second in the long run, for all jobs together.
const RATE: f64 = 4.0;

/// A bucket of reports that may still come in.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    inner: Arc<Mutex<(f64, Instant)>>,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self { inner: Arc::new(Mutex::new((BURST, Instant::now()))) }
    }

    /// Whether one more may come in now.
    fn take(&self, now: Instant) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *inner;
        let gained = RATE * now.saturating_duration_since(*since).as_secs_f64();
        *left = (*left + gained).min(BURST);
        *since = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }
}

/// `/heartbeat/TOKEN`: success.
pub(super) async fn success(state: State<Desk>, Path(token): Path<String>) -> Answer {
    report(state, Path((token, String::new()))).await
}

type Answer = (StatusCode, &'static str);

/// `/heartbeat/TOKEN/WORD`: start, fail, success or an exit code.
pub(super) async fn report(
    State(desk): State<Desk>,
    Path((given, word)): Path<(String, String)>,
) -> Answer {
    if !desk.reports.take(Instant::now()) {
        return (StatusCode::TOO_MANY_REQUESTS, "too many reports at once; try again\n");
    }
    let agent = desk.agent.clone();
    let answer = tokio::task::spawn_blocking(move || note(&agent, &given, &word)).await;
    answer.unwrap_or((StatusCode::INTERNAL_SERVER_ERROR, "the report was not kept\n"))
}

fn note(agent: &Agent, given: &str, word: &str) -> Answer {
    let nobody = (StatusCode::NOT_FOUND, "no job reports here\n");
    let beats = Heartbeats::new(agent.data());
    let setup = agent.setup();
    let jobs = setup.checks.iter().filter(|check| check.entry.kind == "heartbeat");
    let mut found = None;
    // Each is compared, so that the time taken does not tell which one it was.
    for job in jobs {
        match beats.token(&job.entry.name) {
            Ok(token) if token::is_same(given, &token) => found = Some(&job.entry.name),
            Ok(_) => {}
            Err(error) => tracing::error!("{error}"),
        }
    }
    let (Some(name), Some(word)) = (found, Word::read(word)) else { return nobody };
    match beats.note(name, word, Timestamp::now()) {
        Ok(()) => (StatusCode::OK, "noted\n"),
        Err(error) => {
            tracing::error!("the report of `{name}` cannot be kept: {error}");
            (StatusCode::INSUFFICIENT_STORAGE, "the report was not kept\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_taken_and_a_flood_is_not() {
        let bucket = Bucket::new();
        let start = Instant::now();
        let taken = (0..1000).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 40);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..1000).filter(|_| bucket.take(later)).count(), 8);
    }
}
