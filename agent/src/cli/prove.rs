//! `prove-immutable`: tries to delete what the agent has put beside the backups itself.
use std::sync::Arc;
use std::time::Instant;

use evenkeel_config::record::{Failure as CheckFailure, SCHEMA_VERSION};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::agent::Agent;
use crate::backup::Prove;
use crate::plan::Configured;
use crate::proof::{self, Tried};
use crate::schedule;

/// Exit codes, as of monitoring plugins.
const ALLOWED: u8 = 2;
const UNKNOWN: u8 = 3;

/// Which backups.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Names of checks of backups; all that say `prove_immutable` without any.
    names: Vec<String>,
    /// Print what would be tried, and try nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What came of one check.
type Done = (String, Result<Tried, CheckFailure>);

pub(super) fn prove(places: &Places, asked: &Arguments, format: Format) -> Result<u8, Failure> {
    let agent = places.open()?;
    let wanted = wanted(&agent, &asked.names)?;
    if asked.dry_run {
        let plans: Vec<(String, String)> = wanted
            .iter()
            .filter_map(|one| Some((one.entry.name.clone(), proof::plan(prove_of(one)?))))
            .collect();
        match format {
            Format::Human => plans.iter().for_each(|(name, plan)| say(&format!("{name}: {plan}"))),
            Format::Json => {
                let one = |(name, plan): &(String, String)| json!({ "check": name, "plan": plan });
                let list: Vec<Value> = plans.iter().map(one).collect();
                say_json(&json!({ "schema_version": SCHEMA_VERSION, "plans": list }));
            }
        }
        return Ok(0);
    }
    let runtime = super::run::runtime()?;
    let mut all: Vec<Done> = Vec::new();
    for check in wanted {
        let (now, began) = (Timestamp::now(), Instant::now());
        let result = runtime.block_on(proof::prove(&check, agent.data(), now));
        let facts = result.as_ref().map(proof::facts).map_err(Clone::clone);
        schedule::record(&agent, &proof::configured(&check), now, began.elapsed(), facts);
        let done = (check.entry.name.clone(), result);
        if format == Format::Human {
            say(&words(&done));
        }
        all.push(done);
    }
    let codes: Vec<u8> = all.iter().map(|(_, result)| code(result)).collect();
    let code = [ALLOWED, UNKNOWN].into_iter().find(|code| codes.contains(code)).unwrap_or(0);
    if format == Format::Json {
        let list: Vec<Value> = all.iter().map(document).collect();
        say_json(&json!({ "schema_version": SCHEMA_VERSION, "exit_code": code, "proofs": list }));
    }
    Ok(code)
}

fn prove_of(check: &Configured) -> Option<&Prove> {
    check.check.keys()?.prove.as_ref()
}

/// The named checks, or all that ask for it.
fn wanted(agent: &Agent, names: &[String]) -> Result<Vec<Arc<Configured>>, Failure> {
    let setup = agent.setup();
    let all: Vec<&Arc<Configured>> =
        setup.checks.iter().filter(|one| !one.is_drill() && prove_of(one).is_some()).collect();
    let known = all.iter().map(|one| one.entry.name.as_str()).collect::<Vec<_>>().join(", ");
    let none = |text: String| {
        let hint = match known.as_str() {
            "" => "add `prove_immutable = { folder = \"/srv/backup\" }` to a check of a backup",
            known => &format!("these do: {known}"),
        };
        Failure::new("usage", format!("{text}\n  hint: {hint}"), UNKNOWN)
    };
    if all.is_empty() {
        return Err(none("no check says `prove_immutable`".to_owned()));
    }
    if names.is_empty() {
        return Ok(all.into_iter().cloned().collect());
    }
    let find = |name: &String| {
        let found = all.iter().find(|one| one.entry.name == *name);
        let missing = || none(format!("there is no check `{name}` that says `prove_immutable`"));
        found.map(|one| Arc::clone(one)).ok_or_else(missing)
    };
    names.iter().map(find).collect()
}

fn code(result: &Result<Tried, CheckFailure>) -> u8 {
    match result {
        Ok(tried) if tried.accepted.is_empty() => 0,
        Ok(_) => ALLOWED,
        Err(_) => UNKNOWN,
    }
}

/// For people.
fn words((name, result): &Done) -> String {
    match result {
        Ok(Tried { target, whose, accepted, refused, .. }) if accepted.is_empty() => format!(
            "{name}: {whose} is refused: {}, tried on {target}\n  it speaks for this login alone; \
             whoever rules the storage itself may still delete",
            refused.join(", ")
        ),
        Ok(Tried { target, whose, accepted, refused, .. }) => {
            let but = match refused.as_slice() {
                [] => String::new(),
                refused => format!(" (refused: {})", refused.join(", ")),
            };
            format!(
                "{name}: NOT IMMUTABLE: {whose} is allowed: {}{but}, tried on {target}",
                accepted.join(", ")
            )
        }
        Err(failure) => format!(
            "{name}: it could not be told whether deletion is refused\n  {}\n  {}",
            failure.what, failure.advice
        ),
    }
}

/// For programs.
fn document((name, result): &Done) -> Value {
    match result {
        Ok(tried) => json!({
            "check": name,
            "verdict": if tried.accepted.is_empty() { "refused" } else { "allowed" },
            "target": tried.target,
            "whose": tried.whose,
            "written": tried.written,
            "accepted": tried.accepted,
            "refused": tried.refused,
        }),
        Err(failure) => json!({ "check": name, "verdict": "unknown", "failure": failure }),
    }
}
