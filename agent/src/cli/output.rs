//! Printing: data on stdout, messages on stderr, and both harmless on a terminal.
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::SCHEMA_VERSION;
use serde_json::{Value, json};

use crate::agent::AgentError;
use crate::store::StoreError;

/// Exit code when a document has problems.
const CONFIG: u8 = 78;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON document with `schema_version`, also for errors.
    Json,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    kind: &'static str,
    text: String,
    problems: Option<Problems>,
    code: u8,
}

impl Failure {
    pub(super) fn new(kind: &'static str, text: impl Into<String>, code: u8) -> Self {
        Self { kind, text: text.into(), problems: None, code }
    }

    /// Something that no exit code of its own stands for.
    pub(super) fn other(error: impl Display) -> Self {
        Self::new("other", error.to_string(), 1)
    }

    /// Exit code 78: a document is refused.
    pub(super) fn config(text: impl Into<String>) -> Self {
        Self::new("config", text, CONFIG)
    }

    /// The first line, for a status line.
    pub(super) fn headline(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn json(&self) -> Value {
        let mut error = json!({ "kind": self.kind, "message": self.text });
        if let Some(problems) = &self.problems {
            error["problems"] = json!(problems.list);
        }
        json!({ "schema_version": SCHEMA_VERSION, "error": error })
    }

    /// Prints it and gives its exit code.
    pub(super) fn print(&self, format: Format) -> ExitCode {
        match format {
            Format::Json => say_json(&self.json()),
            Format::Human if self.problems.is_some() => tell(&self.text),
            Format::Human => tell(&format!("error: {}", self.text)),
        }
        ExitCode::from(self.code)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let text = problems.to_string();
        Self { kind: "config", text, problems: Some(problems), code: CONFIG }
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Settings(problems) => problems.into(),
            AgentError::Store(error) => error.into(),
            AgentError::Token(error) => Self::new("token", error.to_string(), 1),
            AgentError::Serve(error) => Self::new("serve", error.to_string(), 1),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new("store", error.to_string(), 1)
    }
}

/// Prints data. A closed pipe is the reader's choice, not an error.
pub(super) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", harmless(text.trim_end()));
    let _ = out.flush();
}

/// Prints a document.
pub(super) fn say_json(value: &Value) {
    // JSON escapes control characters by itself.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{value:#}");
    let _ = out.flush();
}

/// Prints a message.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text.trim_end()));
}

/// Takes from a text what could steer a terminal or turn its direction.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{200E}' | '\u{200F}' | '\u{061C}' => '\u{FFFD}',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}
