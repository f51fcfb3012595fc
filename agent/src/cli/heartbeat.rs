//! `heartbeat`: the addresses at which jobs report, and how to call them.
use evenkeel_config::record::SCHEMA_VERSION;
use serde_json::json;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::heartbeats::Heartbeats;

pub(super) fn heartbeat(places: &Places, names: &[String], format: Format) -> Result<u8, Failure> {
    let agent = places.open()?;
    let setup = agent.setup();
    let all: Vec<&String> = setup
        .checks
        .iter()
        .filter(|check| check.entry.kind == "heartbeat")
        .map(|check| &check.entry.name)
        .collect();
    if let Some(name) = names.iter().find(|name| !all.contains(name)) {
        let known: Vec<&str> = all.iter().map(|name| name.as_str()).collect();
        let hint = match known.as_slice() {
            [] => "there is none: add `[[check.heartbeat]]` to agent.toml".to_owned(),
            known => format!("there are {}", known.join(", ")),
        };
        let text = format!("`{name}` is no check of the kind heartbeat\n  hint: {hint}");
        return Err(Failure::new("usage", text, 64));
    }
    let table = &setup.settings.agent;
    let scheme = if table.tls.is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{}/heartbeat", table.listen);
    let beats = Heartbeats::new(agent.data());
    let mut addresses = Vec::new();
    for name in all.into_iter().filter(|name| names.is_empty() || names.contains(name)) {
        let token = beats.token(name).map_err(Failure::other)?;
        addresses.push((name, format!("{base}/{token}")));
    }
    match format {
        Format::Json => {
            let list: Vec<_> = addresses
                .iter()
                .map(|(name, address)| json!({ "check": name, "address": address }))
                .collect();
            say_json(&json!({ "schema_version": SCHEMA_VERSION, "heartbeats": list }));
        }
        Format::Human if addresses.is_empty() => {
            say("No job reports here: add `[[check.heartbeat]]` to agent.toml.");
        }
        Format::Human => {
            for (name, address) in addresses {
                say(&format!(
                    "{name}\n  began      curl -fsS -m 10 {address}/start\n  \
                     succeeded  curl -fsS -m 10 {address}\n  \
                     failed     curl -fsS -m 10 {address}/fail\n  \
                     any code   curl -fsS -m 10 {address}/$?"
                ));
            }
            say("Whoever knows an address can report in the job's name: keep it like a password.");
        }
    }
    Ok(0)
}
