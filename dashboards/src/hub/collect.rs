//! Asks an agent over HTTP for its evidence and its recorded map.
use std::time::Duration;

use evenkeel_config::record::{EvidenceSet, RecordedMap};
use serde::de::DeserializeOwned;

/// Where an agent is, and what lets us in.
#[derive(Clone)]
pub struct AgentSource {
    /// The name it is shown under until it names itself.
    pub name: String,
    /// Such as `http://127.0.0.1:8421`.
    pub url: String,
    /// Its token; never printed.
    pub token: String,
}

impl std::fmt::Debug for AgentSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AgentSource")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Why an agent gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// No answer: refused, not resolved, took too long.
    #[error(
        "the agent {name} at {url} does not answer: {why}\n  hint: is `evenkeel-agent run` running there, and may this machine reach it?"
    )]
    Silent {
        /// The agent.
        name: String,
        /// Its address.
        url: String,
        /// The system's words.
        why: String,
    },
    /// It answered with a refusal.
    #[error(
        "the agent {name} at {url} refuses with status {status}\n  hint: give its token, from the file `token` in its data folder"
    )]
    Refused {
        /// The agent.
        name: String,
        /// Its address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Its answer is no such document.
    #[error("the agent {name} at {url} sends something that is no {what}: {why}")]
    Unreadable {
        /// The agent.
        name: String,
        /// Its address.
        url: String,
        /// Evidence or map.
        what: &'static str,
        /// Where it breaks.
        why: String,
    },
}

/// Larger answers are refused.
const LARGEST_ANSWER: u64 = 32 << 20;

/// Asks for evidence and map. Blocks for at most 20 seconds.
///
/// # Errors
/// The agent is silent, refuses, or sends something else.
pub fn collect(source: &AgentSource) -> Result<(EvidenceSet, RecordedMap), CollectError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .timeout_connect(Some(Duration::from_secs(3)))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    Ok((ask(&agent, source, "evidence")?, ask(&agent, source, "map")?))
}

fn ask<T: DeserializeOwned>(
    agent: &ureq::Agent,
    source: &AgentSource,
    what: &'static str,
) -> Result<T, CollectError> {
    let silent = |why: String| CollectError::Silent {
        name: source.name.clone(),
        url: source.url.clone(),
        why,
    };
    let mut answer = agent
        .get(format!("{}/{what}", source.url.trim_end_matches('/')))
        .header("authorization", format!("Bearer {}", source.token))
        .call()
        .map_err(|error| silent(error.to_string()))?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(CollectError::Refused {
            name: source.name.clone(),
            url: source.url.clone(),
            status,
        });
    }
    let text = answer
        .body_mut()
        .with_config()
        .limit(LARGEST_ANSWER)
        .read_to_string()
        .map_err(|error| silent(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| CollectError::Unreadable {
        name: source.name.clone(),
        url: source.url.clone(),
        what,
        why: error.to_string(),
    })
}
