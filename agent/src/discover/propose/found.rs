//! Everything a first look finds, before it is written down.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use evenkeel_config::id::Id;
use jiff::Timestamp;

use crate::discover::certificates::{self, CertificateFile};
use crate::discover::jobs::{self, Job};
use crate::discover::recorded::{first_label, service_id};
use crate::discover::{End, RemoteMount, Sample, read, resolvers, sample};
use crate::probe::host::Host;

/// A program of this host that others reach.
#[derive(Debug, Clone)]
pub(super) struct Service {
    /// Its id on the draft map.
    pub(super) id: Id,
    /// Its own name.
    pub(super) name: String,
    /// The ports it listens on, with an address by which this host reaches each.
    pub(super) ports: BTreeMap<u16, IpAddr>,
    /// Whether only programs of this host can reach it.
    pub(super) local: bool,
    /// Programs of this host that it is connected to.
    pub(super) needs: BTreeSet<Id>,
}

/// What a first look finds.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) host: Id,
    pub(super) host_name: String,
    pub(super) os: Option<String>,
    pub(super) timezone: String,
    pub(super) services: Vec<Service>,
    pub(super) jobs: Vec<(Id, Job)>,
    pub(super) certificates: Vec<(Id, CertificateFile)>,
    pub(super) storage: BTreeMap<Id, Vec<RemoteMount>>,
    pub(super) resolvers: Vec<IpAddr>,
    /// Whether any name server is set, its own stub on loopback included.
    pub(super) has_resolvers: bool,
    pub(super) domains: Vec<String>,
    pub(super) peers: BTreeMap<IpAddr, String>,
    pub(super) disks: Vec<String>,
    pub(super) arrays: Vec<String>,
    pub(super) has_sensors: bool,
    pub(super) gaps: Vec<String>,
}

/// Programs that keep a host itself going and are nobody's business function,
/// and Evenkeel's own.
const HOUSEKEEPING: [&str; 24] = [
    "avahi-daemon",
    "chrony",
    "chronyd",
    "cups-browsed",
    "dhclient",
    "evenkeel",
    "evenkeel-agent",
    "init",
    "inetd",
    "lldpd",
    "node_exporter",
    "ntp",
    "ntpd",
    "ntpsec",
    "prometheus-node-exporter",
    "rpc-statd",
    "rpc.statd",
    "rpcbind",
    "snmpd",
    "ssh",
    "sshd",
    "systemd-journal-remote",
    "systemd-resolved",
    "zabbix-agent2",
];

/// Ports of the same, where the program cannot be seen.
const HOUSEKEEPING_PORTS: [u16; 10] = [22, 111, 323, 5353, 5355, 8420, 8421, 9100, 10050, 10051];

/// From here on ports are handed out by chance.
const EPHEMERAL: u16 = 32_768;

impl Found {
    pub(super) fn look(root: &Path, now: Timestamp) -> Self {
        let host = Host::new(root);
        let seen = sample(root, now);
        let host_name = host_name(&host);
        let id = Id::slug(first_label(&host_name))
            .unwrap_or_else(|| Id::slug("this-host").expect("the text is a valid id"));
        let mut ids = Ids::new(&id);
        let services = services(&seen, &id, &mut ids);
        let storage = storage(&seen, &mut ids);
        let jobs = jobs::find(&host);
        let jobs = jobs.into_iter().map(|job| (ids.take(&job_name(&job)), job)).collect();
        let certificates: Vec<_> = certificates::find(&host)
            .into_iter()
            .map(|file| (ids.take(&certificate_name(&file)), file))
            .collect();
        Self {
            host: id,
            os: os(&host),
            timezone: timezone(&host),
            domains: domains(&host, &host_name, &certificates),
            peers: peers(&seen),
            disks: disks(&host),
            arrays: arrays(&host),
            has_sensors: has_sensors(&host),
            has_resolvers: resolvers::is_any_set(&host),
            resolvers: seen.resolvers,
            gaps: seen.gaps,
            host_name,
            services,
            jobs,
            certificates,
            storage,
        }
    }
}

/// Ids that are taken: they are unique across kinds.
struct Ids(BTreeSet<Id>);

impl Ids {
    fn new(host: &Id) -> Self {
        Self(BTreeSet::from([host.clone()]))
    }

    /// An id near a name, numbered if it is taken.
    fn take(&mut self, name: &str) -> Id {
        let mut text: String = name.chars().take(48).collect();
        if Id::slug(&text).is_none() {
            text = "unnamed".to_owned();
        }
        let mut number = 1;
        loop {
            let candidate = if number == 1 { text.clone() } else { format!("{text}-{number}") };
            let id = Id::slug(&candidate).expect("a name with a usable letter makes an id");
            if self.0.insert(id.clone()) {
                return id;
            }
            number += 1;
        }
    }
}

fn is_housekeeping(name: &str, port: u16, has_program: bool) -> bool {
    HOUSEKEEPING.contains(&name)
        || (!has_program && (HOUSEKEEPING_PORTS.contains(&port) || port >= EPHEMERAL))
}

fn services(seen: &Sample, host: &Id, ids: &mut Ids) -> Vec<Service> {
    let mut by_name: BTreeMap<String, Service> = BTreeMap::new();
    for listener in &seen.listeners {
        let name = listener.name();
        if is_housekeeping(&name, listener.port, listener.program.is_some()) {
            continue;
        }
        let service = by_name.entry(name.clone()).or_insert_with(|| Service {
            id: ids.take(service_id(&name, host).as_ref().map_or("service", Id::as_str)),
            name: name.clone(),
            ports: BTreeMap::new(),
            local: true,
            needs: BTreeSet::new(),
        });
        service.local &= listener.is_local();
        service.ports.insert(listener.port, reachable_at(&listener.addresses));
    }
    let id_of: BTreeMap<String, Id> =
        by_name.values().map(|service| (service.name.clone(), service.id.clone())).collect();
    for flow in &seen.flows {
        if let (End::Program(from), End::Program(to)) = (&flow.from, &flow.to)
            && let (Some(service), Some(needed)) = (by_name.get_mut(from), id_of.get(to))
        {
            service.needs.insert(needed.clone());
        }
    }
    by_name.into_values().collect()
}

/// Loopback where it listens there, else its own address.
fn reachable_at(addresses: &BTreeSet<IpAddr>) -> IpAddr {
    let any = |address: &&IpAddr| address.is_unspecified() || address.is_loopback();
    match addresses.iter().find(any) {
        Some(IpAddr::V6(address)) if address.is_loopback() => IpAddr::V6(*address),
        Some(_) => IpAddr::from([127, 0, 0, 1]),
        None => addresses.first().copied().unwrap_or(IpAddr::from([127, 0, 0, 1])),
    }
}

fn storage(seen: &Sample, ids: &mut Ids) -> BTreeMap<Id, Vec<RemoteMount>> {
    let mut by_server: BTreeMap<&str, Vec<RemoteMount>> = BTreeMap::new();
    for mount in &seen.mounts {
        by_server.entry(&mount.server).or_default().push(mount.clone());
    }
    by_server
        .into_iter()
        .map(|(server, mounts)| {
            let is_address = server.parse::<IpAddr>().is_ok();
            let name = if is_address {
                format!("storage-{server}")
            } else {
                first_label(server).to_owned()
            };
            (ids.take(&name), mounts)
        })
        .collect()
}

fn job_name(job: &Job) -> String {
    let place = match job.contacts() {
        Some(host) => first_label(host),
        None => job.target.rsplit('/').find(|part| !part.is_empty()).unwrap_or("here"),
    };
    if place.contains(job.tool) { place.to_owned() } else { format!("{}-{place}", job.tool) }
}

fn certificate_name(file: &CertificateFile) -> String {
    let stem = file.path.rsplit('/').next().and_then(|name| name.split('.').next());
    format!("cert-{}", file.server_name.as_deref().or(stem).unwrap_or("file"))
}

fn host_name(host: &Host) -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|file| read::settings(host, file))
        .map(|name| read::plain(&name))
        .find(|name| !name.is_empty() && name != "(none)" && name != "localhost")
        .unwrap_or_else(|| "this-host".to_owned())
}

fn os(host: &Host) -> Option<String> {
    let text = read::settings(host, "/etc/os-release")
        .or_else(|| read::settings(host, "/usr/lib/os-release"))?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(read::plain(name.trim_matches('"')))
}

/// The IANA zone in `/etc/timezone`, else UTC.
fn timezone(host: &Host) -> String {
    read::settings(host, "/etc/timezone")
        .map(|zone| read::plain(&zone))
        .filter(|zone| jiff::tz::TimeZone::get(zone).is_ok())
        .unwrap_or_else(|| "UTC".to_owned())
}

/// Domains this host seems to belong to or to serve, for commented examples.
fn domains(host: &Host, host_name: &str, certificates: &[(Id, CertificateFile)]) -> Vec<String> {
    let resolv = read::settings(host, "/etc/resolv.conf").unwrap_or_default();
    let searched = resolv
        .lines()
        .filter_map(|line| line.strip_prefix("search ").or_else(|| line.strip_prefix("domain ")))
        .flat_map(str::split_ascii_whitespace);
    let served = certificates.iter().filter_map(|(_, file)| file.server_name.as_deref());
    let own = host_name.split_once('.').map(|(_, domain)| domain);
    let mut domains: Vec<String> = searched
        .chain(served)
        .chain(own)
        .map(|name| read::plain(name.trim_start_matches("*.").trim_end_matches('.')))
        .filter(|name| name.contains('.'))
        .collect();
    domains.sort();
    domains.dedup();
    domains.truncate(5);
    domains
}

/// Hosts that this host or its programs are connected to, with the ports.
fn peers(seen: &Sample) -> BTreeMap<IpAddr, String> {
    let mut ports: BTreeMap<IpAddr, BTreeSet<u16>> = BTreeMap::new();
    for flow in &seen.flows {
        if let End::Peer(address) = flow.to {
            ports.entry(address).or_default().insert(flow.port);
        }
    }
    ports
        .into_iter()
        .take(40)
        .map(|(address, ports)| {
            let ports: Vec<String> = ports.iter().take(8).map(ToString::to_string).collect();
            (address, ports.join(", "))
        })
        .collect()
}

/// Physical disks; those of a virtual machine are a matter of its hypervisor.
fn disks(host: &Host) -> Vec<String> {
    let mut disks = read::names(host, "/sys/block");
    disks.retain(|name| {
        name.starts_with("sd") || name.starts_with("nvme") || name.starts_with("hd")
    });
    disks
}

fn arrays(host: &Host) -> Vec<String> {
    let mut arrays = read::names(host, "/sys/block");
    arrays.retain(|name| host.exists(&format!("/sys/block/{name}/md")));
    arrays
}

fn has_sensors(host: &Host) -> bool {
    read::names(host, "/sys/class/hwmon")
        .iter()
        .any(|chip| host.exists(&format!("/sys/class/hwmon/{chip}/temp1_input")))
}
