//! The page for Prometheus, drawn from the newest state; a scrape never runs a check.
//!
//! Each scrape fills a fresh registry, so that a series lives exactly as long
//! as what it is about: it goes when its check leaves the configuration.
mod families;
mod page;

use std::sync::Arc;

use evenkeel_config::id::Id;
use evenkeel_config::record::{Evidence, Outcome};
use jiff::Timestamp;

use crate::checks::FactKind;
use crate::judge;
use crate::plan::Configured;
use crate::store::SeenSubject;

pub use families::{FAMILIES, Family, PREFIX};
use page::Page;

/// What the page shows.
#[derive(Debug)]
pub struct State {
    /// This host on the map.
    pub host: Id,
    /// When the agent started.
    pub started: Timestamp,
    /// Whether the last reload of the configuration worked.
    pub reload_ok: bool,
    /// Whether all evidence could be stored.
    pub store_ok: bool,
    /// Bytes of the store.
    pub store_bytes: u64,
    /// Resident memory of the agent, if it can be read.
    pub resident_bytes: Option<u64>,
    /// Discovered dependencies, and those above the cap.
    pub edges: [u64; 2],
    /// Every configured check.
    pub checks: Vec<CheckState>,
}

/// One configured check as the page shows it.
#[derive(Debug)]
pub struct CheckState {
    /// The check.
    pub configured: Arc<Configured>,
    /// Its newest evidence, if it ever ran.
    pub evidence: Option<Evidence>,
    /// Its newest evidence that came to facts; while a check is blind, its
    /// series keep their last values, and their time says how old they are.
    pub facts: Option<Evidence>,
    /// Whether planned work is declared now.
    pub planned: bool,
    /// Targets that are gone, with what was last seen of them.
    pub vanished: Vec<SeenSubject>,
    /// The instant of the scrape.
    pub now: Timestamp,
}

/// Draws the page in the text format.
pub fn render(state: &State) -> String {
    let mut page = Page::new();
    page.set("agent_info", &[env!("CARGO_PKG_VERSION"), state.host.as_str()], 1.0);
    page.set("agent_start_timestamp_seconds", &[], seconds(state.started));
    if let Some(bytes) = state.resident_bytes {
        page.set("agent_resident_memory_bytes", &[], bytes as f64);
    }
    page.set("config_last_reload_successful", &[], flag(state.reload_ok));
    page.set("store_last_write_successful", &[], flag(state.store_ok));
    page.set("store_size_bytes", &[], state.store_bytes as f64);
    page.set("discovered_dependencies", &[], state.edges[0] as f64);
    page.set("discovered_dependencies_dropped", &[], state.edges[1] as f64);
    for check in &state.checks {
        draw(&mut page, check);
    }
    page.text()
}

fn draw(page: &mut Page, check: &CheckState) {
    let entry = &check.configured.entry;
    let (name, component, kind) = (&*entry.name, entry.component.as_str(), &*entry.kind);
    let Some(evidence) = &check.evidence else {
        // Configured and never run: shown from the start, and not as ok.
        page.set("check_status", &[name, component, kind], 3.0);
        return;
    };
    let status = judge::status_at(evidence, check.planned, check.now);
    page.set("check_status", &[name, component, kind], f64::from(status.code()));
    page.set("check_last_run_timestamp_seconds", &[name, component], seconds(evidence.started));
    let duration = evidence.duration_ms as f64 / 1e3;
    page.set("check_duration_seconds", &[name, component], duration);
    if let Outcome::Failed { failure } = &evidence.outcome {
        page.set("check_failure", &[name, component, failure.kind.name()], 1.0);
    }
    for finding in &evidence.findings {
        let severity = match finding.severity {
            evenkeel_config::record::Status::Critical => "critical",
            evenkeel_config::record::Status::Warning => "warning",
            _ => "unknown",
        };
        page.set("finding", &[name, component, &finding.id, severity], 1.0);
    }
    for state in &evidence.states {
        for one in &state.aspects {
            let labels = [name, component, &*state.subject, one.aspect.name()];
            page.set("backup_state", &labels, f64::from(one.verdict.code()));
            if let (Some(grade), Some(as_of)) = (one.grade, one.as_of) {
                page.set("backup_state_grade", &labels, f64::from(grade.code()));
                page.set("backup_state_timestamp_seconds", &labels, seconds(as_of));
            }
        }
    }
    let facts: Vec<&FactKind> = check.configured.kind.all_facts().collect();
    if let Some(last) = &check.facts {
        let labels = [name, component];
        page.set("check_last_facts_timestamp_seconds", &labels, seconds(last.started));
        for seen in last.observations() {
            page.fact(&facts, name, component, seen);
        }
    }
    for gone in &check.vanished {
        let mut is_shown = false;
        for seen in &gone.observations {
            is_shown |= page.fact(&facts, name, component, seen);
        }
        if is_shown {
            let labels = [name, component, &gone.subject];
            page.set(
                "target_vanished_last_seen_timestamp_seconds",
                &labels,
                seconds(gone.last_seen),
            );
        }
    }
}

/// Resident memory of this process.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1e3
}

fn flag(is_set: bool) -> f64 {
    if is_set { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests;
