//! `check`: one status line with figures, one line per finding, and the plugin exit codes.
use std::process::ExitCode;

use evenkeel_config::record::{Evidence, SCHEMA_VERSION, Status};
use serde_json::json;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::agent::Agent;

/// The plugin exit code of unknown.
const UNKNOWN: u8 = 3;

pub(super) fn check(places: &Places, names: &[String], format: Format) -> Result<u8, Failure> {
    let agent = places.open()?;
    refuse_unknown(&agent, names)?;
    let evidence = super::run::runtime()?.block_on(agent.run_once(names));
    let code = code(&evidence);
    match format {
        Format::Human => say(&report(&evidence)),
        Format::Json => say_json(&json!({
            "schema_version": SCHEMA_VERSION,
            "exit_code": code,
            "status": word(code).to_lowercase(),
            "evidence": evidence,
        })),
    }
    Ok(code)
}

/// What a monitoring system is told when the checks could not even start.
pub(super) fn failed(failure: &Failure, format: Format) -> ExitCode {
    match format {
        Format::Human => {
            say(&format!("EVENKEEL UNKNOWN - {}", plain(failure.headline())));
            let rest = failure.text().lines().skip(1).collect::<Vec<_>>().join("\n");
            if !rest.is_empty() {
                say(&plain(&rest));
            }
        }
        Format::Json => {
            let mut document = failure.json();
            document["exit_code"] = json!(UNKNOWN);
            say_json(&document);
        }
    }
    ExitCode::from(UNKNOWN)
}

fn refuse_unknown(agent: &Agent, names: &[String]) -> Result<(), Failure> {
    let known = agent.check_names();
    for name in names {
        if !known.contains(name) {
            let known = known.join(", ");
            return Err(Failure::new(
                "usage",
                format!("there is no check `{name}`\n  hint: the checks are {known}"),
                UNKNOWN,
            ));
        }
    }
    Ok(())
}

/// The gravest status as plugins order them: critical, warning, unknown, ok.
/// Planned work is quiet.
fn code(evidence: &[Evidence]) -> u8 {
    let has = |status| evidence.iter().any(|one| one.status == status);
    if has(Status::Critical) {
        2
    } else if has(Status::Warning) {
        1
    } else if has(Status::Unknown) || evidence.is_empty() {
        UNKNOWN
    } else {
        0
    }
}

fn word(code: u8) -> &'static str {
    match code {
        0 => "OK",
        1 => "WARNING",
        2 => "CRITICAL",
        _ => "UNKNOWN",
    }
}

fn report(evidence: &[Evidence]) -> String {
    let mut troubled: Vec<&Evidence> =
        evidence.iter().filter(|one| one.status > Status::Maintenance).collect();
    troubled.sort_by_key(|one| std::cmp::Reverse(one.status));
    let mut text = format!("EVENKEEL {} - ", word(code(evidence)));
    if evidence.is_empty() {
        text.push_str("no checks are configured");
    } else if troubled.is_empty() {
        let checks = if evidence.len() == 1 { "check is" } else { "checks are" };
        text.push_str(&format!("{} {checks} ok", evidence.len()));
        let planned = evidence.iter().filter(|one| one.status == Status::Maintenance).count();
        if planned > 0 {
            text.push_str(&format!(", {planned} of them in planned work"));
        }
    } else {
        let names: Vec<String> =
            troubled.iter().map(|one| format!("{} {}", one.check, one.status.word())).collect();
        let total = evidence.len();
        let checks = if total == 1 { "check" } else { "checks" };
        text.push_str(&format!("{} of {total} {checks}: {}", troubled.len(), names.join(", ")));
    }
    let mut text = plain(&text);
    if !evidence.is_empty() {
        let figures: Vec<String> = evidence.iter().map(figure).collect();
        text.push_str(&format!(" | {}", figures.join(" ")));
    }
    for one in troubled {
        for finding in &one.findings {
            let subject = match finding.subject.as_str() {
                "" => String::new(),
                subject => format!(" {subject}"),
            };
            let line = format!(
                "{} {}{subject} {}: {}; {}",
                finding.severity.word(),
                one.check,
                finding.id,
                finding.what,
                finding.advice
            );
            text.push('\n');
            text.push_str(&plain(&line));
        }
    }
    text
}

/// Status as a figure: `'name'=1;;;0;4`, quoted since names may hold spaces.
fn figure(evidence: &Evidence) -> String {
    let name = evidence.check.replace(['\'', '='], "_");
    format!("'{}'={};;;0;4", plain(&name), evidence.status.code())
}

/// A bar would begin the figures.
fn plain(text: &str) -> String {
    text.replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;
    use crate::scripted::{Script, check, facts, failure};
    use evenkeel_config::record::FailureKind;

    fn evidence(name: &str, load: Option<f64>, planned: bool) -> Evidence {
        let configured = check(name, Script::Waits);
        let run = judge::Run {
            configured: &configured,
            host: "srv-1",
            started: jiff::Timestamp::UNIX_EPOCH,
            duration: std::time::Duration::ZERO,
            past: &[],
            drills: &[],
            proof: None,
            seen: &[],
            is_history_lost: false,
            planned,
        };
        let result = load.map(|load| facts(&[("disk|1", load)]));
        judge::evidence(&run, result.ok_or_else(|| failure(FailureKind::Timeout)))
    }

    #[test]
    fn codes_follow_the_order_of_plugins() {
        let (ok, warning) = (evidence("a", Some(0.1), false), evidence("b", Some(0.6), false));
        let (critical, unknown) = (evidence("c", Some(0.95), false), evidence("d", None, false));
        let planned = evidence("e", Some(0.95), true);
        for (all, expected) in [
            (vec![], 3),
            (vec![&ok], 0),
            (vec![&ok, &planned], 0),
            (vec![&ok, &unknown], 3),
            (vec![&unknown, &warning], 1),
            (vec![&warning, &critical, &unknown], 2),
        ] {
            let all: Vec<Evidence> = all.into_iter().cloned().collect();
            assert_eq!(code(&all), expected, "{}", report(&all));
        }
    }

    #[test]
    fn the_report_is_what_a_monitoring_system_reads() {
        let all = [
            evidence("sound", Some(0.1), false),
            evidence("it's", Some(0.6), false),
            evidence("gone", None, false),
        ];
        assert_eq!(
            report(&all),
            "EVENKEEL WARNING - 2 of 3 checks: it's warning, gone unknown | \
             'sound'=0;;;0;4 'it_s'=1;;;0;4 'gone'=3;;;0;4\n\
             warning it's disk/1 load_high: the disk is loaded; spread the load\n\
             unknown gone timeout: it failed; mend it"
        );
        assert_eq!(report(&all[..1]), "EVENKEEL OK - 1 check is ok | 'sound'=0;;;0;4");
        let planned = [evidence("a", Some(0.1), false), evidence("b", Some(0.95), true)];
        assert!(
            report(&planned)
                .starts_with("EVENKEEL OK - 2 checks are ok, 1 of them in planned work")
        );
        assert_eq!(report(&[]), "EVENKEEL UNKNOWN - no checks are configured");
    }
}
