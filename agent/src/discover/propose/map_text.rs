//! The draft `map.toml`.
use std::collections::BTreeSet;
use std::fmt::Write;

use evenkeel_config::id::Id;
use jiff::Timestamp;

use super::found::{Found, Service};
use super::{day, quoted};
use crate::discover::purpose::of_port;

pub(super) fn write(found: &Found, now: Timestamp) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = sections(&mut out, found, now);
    out
}

fn sections(out: &mut String, found: &Found, now: Timestamp) -> std::fmt::Result {
    writeln!(
        out,
        "# Draft map of {}, written on {} from what the host shows.",
        found.host,
        day(found, now)
    )?;
    writeln!(
        out,
        "# It knows no people, no objectives and no recovery steps: only you do. Five answers"
    )?;
    writeln!(
        out,
        "# tell most: which functions matter, how soon each must be back (rto), how much work"
    )?;
    writeln!(
        out,
        "# may be lost (rpo), who can bring the host back, and where the backups are.\n"
    )?;
    organisation(out, found)?;
    people(out)?;
    host(out, found)?;
    functions_and_services(out, found)?;
    storage(out, found)?;
    copies(out, found)?;
    certificates(out, found)?;
    peers(out, found)
}

fn organisation(out: &mut String, found: &Found) -> std::fmt::Result {
    writeln!(out, "[organisation]")?;
    writeln!(out, "name = \"Our organisation\"   # as it should stand on pages")?;
    writeln!(out, "timezone = {}", quoted(&found.timezone))?;
    writeln!(out, "currency = \"USD\"\n")
}

fn people(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "# Who can bring things back? Without people nothing can be simulated. For example:"
    )?;
    writeln!(out, "# [person.dana]")?;
    writeln!(out, "# role = \"system administrator\"")?;
    writeln!(out, "# skills = [\"linux\", \"backup\"]")?;
    writeln!(out, "# hours = \"Mon-Fri 08:30-17:00\"\n")
}

fn host(out: &mut String, found: &Found) -> std::fmt::Result {
    writeln!(out, "[host.{}]", found.host)?;
    writeln!(out, "name = {}", quoted(&found.host_name))?;
    if let Some(os) = &found.os {
        writeln!(out, "os = {}", quoted(os))?;
    }
    if !found.storage.is_empty() {
        writeln!(out, "needs = [{}]   # mounted from there", list(found.storage.keys()))?;
    }
    writeln!(out, "# bought = 2020-05-01")?;
    writeln!(
        out,
        "# recover = [ {{ step = \"obtain hardware\", lead_time = {{ low = \"4h\", likely = \"2d\", high = \"10d\" }} }},"
    )?;
    writeln!(
        out,
        "#             {{ step = \"install\", effort = {{ low = \"2h\", likely = \"4h\", high = \"8h\" }}, skill = \"linux\" }} ]\n"
    )
}

fn functions_and_services(out: &mut String, found: &Found) -> std::fmt::Result {
    let mut taken: BTreeSet<Id> = taken(found);
    for service in &found.services {
        if !service.local {
            function(out, service, &mut taken)?;
        }
        writeln!(out, "[service.{}]", service.id)?;
        writeln!(out, "name = {}   # listens on {}", quoted(&service.name), ports(service))?;
        writeln!(out, "runs_on = {}", quoted(found.host.as_str()))?;
        if !service.needs.is_empty() {
            writeln!(out, "needs = [{}]   # seen connected", list(&service.needs))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A function for what people do with a service. A host cannot know more.
fn function(out: &mut String, service: &Service, taken: &mut BTreeSet<Id>) -> std::fmt::Result {
    let purpose = service.ports.keys().find_map(|port| of_port(*port));
    let words =
        purpose.map_or_else(|| format!("use of {}", service.name), |p| p.function.to_owned());
    let candidates = [words.clone(), format!("{words} by {}", service.name)];
    let numbered = (2..100).map(|number| format!("function {number} of {}", service.id));
    let free = candidates.into_iter().chain(numbered).find_map(|words| {
        let id = Id::slug(&words)?;
        taken.insert(id.clone()).then_some((id, words))
    });
    let Some((id, words)) = free else { return Ok(()) };
    writeln!(out, "[function.{id}]")?;
    writeln!(out, "name = {}   # better: what your people call it", quoted(&capitalised(&words)))?;
    writeln!(out, "needs = [{}]", quoted(service.id.as_str()))?;
    writeln!(out, "# objectives = {{ rto = \"8h\", rpo = \"24h\", mtd = \"3d\" }}")?;
    writeln!(out, "# loss = [ {{ after = \"0h\", per_hour = 90 }} ]\n")
}

fn storage(out: &mut String, found: &Found) -> std::fmt::Result {
    for (id, mounts) in &found.storage {
        writeln!(out, "[storage.{id}]")?;
        for mount in mounts.iter().take(10) {
            let point = crate::discover::read::plain(&mount.point);
            writeln!(out, "# serves {point} ({})", mount.kind)?;
        }
        if let Some(mount) = mounts.first() {
            writeln!(out, "name = {}", quoted(&crate::discover::read::plain(&mount.server)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn copies(out: &mut String, found: &Found) -> std::fmt::Result {
    for (id, job) in &found.jobs {
        writeln!(out, "# Named in {}.", job.told_by)?;
        writeln!(out, "[copy.{id}]")?;
        writeln!(out, "tool = {}", quoted(job.tool))?;
        if job.contacts().is_none() {
            writeln!(out, "stored_on = {}   # {}", quoted(found.host.as_str()), job.target)?;
        } else {
            writeln!(out, "summary = {}", quoted(&job.target))?;
        }
        writeln!(out)?;
    }
    if let Some((id, _)) = found.jobs.first() {
        writeln!(out, "# Which data is in it, and how much? For example:")?;
        writeln!(out, "# [dataset.files]")?;
        writeln!(out, "# size = \"420 GB\"")?;
        writeln!(out, "# stored_on = \"{}\"", found.host)?;
        writeln!(out, "# backups = [ {{ copy = \"{id}\", every = \"24h\", keep = \"30d\" }} ]\n")?;
    }
    Ok(())
}

fn certificates(out: &mut String, found: &Found) -> std::fmt::Result {
    for (id, file) in &found.certificates {
        writeln!(out, "[certificate.{id}]")?;
        let name = file.server_name.as_deref().unwrap_or(&file.path);
        writeln!(out, "name = {}\n", quoted(name))?;
    }
    Ok(())
}

fn peers(out: &mut String, found: &Found) -> std::fmt::Result {
    if found.peers.is_empty() && found.resolvers.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "# Seen from here, and perhaps needed: name them as hosts, services or vendors."
    )?;
    for resolver in &found.resolvers {
        writeln!(out, "# {resolver}: asked for names")?;
    }
    for (address, ports) in &found.peers {
        writeln!(out, "# {address}: connected to port {ports}")?;
    }
    Ok(())
}

fn taken(found: &Found) -> BTreeSet<Id> {
    let mut taken = BTreeSet::from([found.host.clone()]);
    taken.extend(found.services.iter().map(|service| service.id.clone()));
    taken.extend(found.storage.keys().cloned());
    taken.extend(found.jobs.iter().map(|(id, _)| id.clone()));
    taken.extend(found.certificates.iter().map(|(id, _)| id.clone()));
    taken
}

fn list<'a>(ids: impl IntoIterator<Item = &'a Id>) -> String {
    ids.into_iter().map(|id| quoted(id.as_str())).collect::<Vec<_>>().join(", ")
}

fn ports(service: &Service) -> String {
    let ports: Vec<String> = service.ports.keys().take(12).map(ToString::to_string).collect();
    let only_here = if service.local { ", for this host only" } else { "" };
    format!("{}{only_here}", ports.join(", "))
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
