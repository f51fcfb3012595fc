//! The first `agent.toml`.
use std::fmt::Write;
use std::net::SocketAddr;

use evenkeel_config::id::Id;
use jiff::Timestamp;

use super::found::Found;
use super::{day, quoted};
use crate::discover::jobs::Job;
use crate::discover::purpose::is_tls;

pub(super) fn write(found: &Found, now: Timestamp) -> String {
    let mut out = Settings(String::new());
    out.line(&format!(
        "# Settings of Evenkeel's agent on {}, written on {} from what the host shows.",
        found.host,
        day(found, now)
    ));
    out.line(
        "# What is active here reads local files and talks TLS to this host itself. What would",
    );
    out.line("# contact somebody else is commented out and says whom.");
    out.line("");
    out.line("[agent]");
    out.line(&format!("host = {}", quoted(found.host.as_str())));
    out.line("# listen = \"127.0.0.1:8421\"");
    out.line("# map = \"map.toml\"");
    out.line("");
    hardware(&mut out, found);
    jobs(&mut out, found);
    certificates(&mut out, found);
    names(&mut out, found);
    out.0
}

struct Settings(String);

impl Settings {
    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    /// One check, after a line that says what for.
    fn check(&mut self, kind: &str, why: &str, component: &Id, keys: &[(&str, String)]) {
        self.entry("", kind, why, component, keys);
    }

    /// One check as a comment.
    fn commented(&mut self, kind: &str, why: &str, component: &Id, keys: &[(&str, String)]) {
        self.entry("# ", kind, why, component, keys);
    }

    fn entry(
        &mut self,
        mark: &str,
        kind: &str,
        why: &str,
        component: &Id,
        keys: &[(&str, String)],
    ) {
        self.line(&format!("# {why}"));
        self.line(&format!("{mark}[[check.{kind}]]"));
        self.line(&format!("{mark}component = {}", quoted(component.as_str())));
        for (key, value) in keys {
            self.line(&format!("{mark}{key} = {value}"));
        }
        self.line("");
    }
}

fn hardware(out: &mut Settings, found: &Found) {
    let host = &found.host;
    if found.disks.is_empty() {
        out.line("# No physical disks were seen: those of a virtual machine are checked on its hypervisor.");
        out.line("");
    } else {
        let why = format!(
            "Disks: {}. Needs smartctl (package smartmontools) and the right to use it.",
            found.disks.join(", ")
        );
        out.check("smart", &why, host, &[]);
    }
    if !found.arrays.is_empty() {
        let why = format!("Software RAID: {}.", found.arrays.join(", "));
        out.check("mdraid", &why, host, &[]);
    }
    out.check("filesystem", "Room and state of every local file system.", host, &[]);
    out.check("os_support", "Is the operating system still supported by its maker?", host, &[]);
    out.check("reboot", "Does an update wait for a restart?", host, &[]);
    if found.has_sensors {
        out.check("temperature", "Sensors against their own limits.", host, &[]);
    }
    out.check("clock", "Is the clock right?", host, &[]);
}

fn jobs(out: &mut Settings, found: &Found) {
    for (id, job) in &found.jobs {
        let told = format!("{} in {}, named in {}.", job.tool, job.target, job.told_by);
        match (job.tool, job.contacts()) {
            ("restic", whom) => restic(out, id, job, &told, whom),
            ("dump", _) => {
                let pattern = quoted(&format!("{}/*", job.target));
                out.check("files", &told, id, &[("path", pattern)]);
            }
            (_, None) => {
                let why = format!("{told} Commented out: this looks at files only, so say which.");
                let pattern = quoted(&format!("{}/*", job.target));
                out.commented("files", &why, id, &[("path", pattern)]);
            }
            (tool, Some(whom)) => {
                out.line(&format!("# {told} There is no check of {tool} at {whom}."));
                out.line("");
            }
        }
    }
}

/// A repository on this host is looked at; another one only once somebody agrees.
fn restic(out: &mut Settings, id: &Id, job: &Job, told: &str, whom: Option<&str>) {
    let secret = match (&job.password_file, &job.environment_file) {
        (Some(file), _) => Some(("password_file", file.as_str())),
        (None, Some(file)) => Some(("environment_file", file.as_str())),
        (None, None) => None,
    };
    let (key, file) = secret.unwrap_or(("password_file", "/etc/restic/password"));
    let keys = [("repository", quoted(&job.target)), (key, quoted(file))];
    match (whom, secret) {
        (None, Some(_)) => out.check("restic", told, id, &keys),
        (None, None) => {
            let why = format!("{told} Commented out: where is its password file?");
            out.commented("restic", &why, id, &keys);
        }
        (Some(whom), _) => {
            let why = format!("{told} Commented out: it contacts {whom}.");
            out.commented("restic", &why, id, &keys);
        }
    }
}

fn certificates(out: &mut Settings, found: &Found) {
    for (id, file) in &found.certificates {
        let keys = [("file", quoted(&file.path))];
        out.check("certificate", "A certificate file.", id, &keys);
    }
    for service in &found.services {
        for (port, address) in service.ports.iter().filter(|(port, _)| is_tls(**port)) {
            let (served, is_told) = served_name(found);
            let keys = [
                ("name", quoted(&format!("certificate of {} on {port}", service.id))),
                ("endpoint", quoted(&SocketAddr::new(*address, *port).to_string())),
                ("server_name", quoted(&served)),
            ];
            let why = format!(
                "What {} serves on port {port}; asked on this host. The name is {}.",
                service.name,
                if is_told { "from its settings" } else { "a guess: put the one that people use" }
            );
            out.check("certificate", &why, &service.id, &keys);
        }
    }
}

/// The name under which this host's services are most likely asked, and
/// whether the settings of any of them say so.
fn served_name(found: &Found) -> (String, bool) {
    let told = found.certificates.iter().find_map(|(_, file)| file.server_name.clone());
    let is_told = told.is_some();
    (told.unwrap_or_else(|| found.host_name.clone()), is_told)
}

fn names(out: &mut Settings, found: &Found) {
    if found.has_resolvers {
        let keys = [("name", quoted("resolvers")), ("resolvers", "true".to_owned())];
        out.check("dns", "Does each name server of this host answer?", &found.host, &keys);
    }
    for domain in &found.domains {
        let why = "Commented out: it asks the domain's own name servers, wherever they are.";
        let keys = [("name", quoted(&format!("domain {domain}"))), ("domain", quoted(domain))];
        out.commented("dns", why, &found.host, &keys);
    }
}
