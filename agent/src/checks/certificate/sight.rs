//! What is shown and what lies on disk, as facts.
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use evenkeel_config::record::{Failure, FailureKind, Observation, Value};
use jiff::Timestamp;
use rustls::pki_types::ServerName;

use super::{Certificates, Endpoint};
use crate::checks::{Facts, Look};
use crate::probe::host::Host;
use crate::probe::lookup;
use crate::probe::tls::{Shown, TlsError, fetch};
use crate::probe::x509::{self, Authorities};

/// Certificates and keys are not larger.
const LARGEST_FILE: usize = 1 << 20;

/// One address may take so long.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(10);

/// More addresses of one name are not asked.
const MOST_ADDRESSES: usize = 16;

/// The subject of facts about the file; its path stays out of labels.
pub(super) const FILE: &str = "file";

impl Certificates {
    /// Takes the certificates from each address and from the file.
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let mut authorities = self.authorities(&host)?;
        let file = self.file.as_ref().map(|file| read_file(&host, file));
        if let Some(Ok(chain)) = &file {
            authorities.known.extend(chain.iter().skip(1).cloned());
        }
        let mut scene = Scene { facts: Facts::default(), authorities, now: look.now };
        if let Some(file) = file {
            self.push_file(&host, file, &mut scene);
        }
        if let Some(endpoint) = &self.endpoint {
            let failure = self.push_endpoint(endpoint, look.deadline, &mut scene).await;
            // Nothing at all was seen: that is no fact about a certificate.
            if let (Some(failure), None) = (failure, &self.file) {
                return Err(failure);
            }
        }
        Ok(scene.facts)
    }

    fn counting_name(&self) -> Option<&ServerName<'static>> {
        self.name.as_ref().filter(|_| self.name_counts)
    }

    fn authorities(&self, host: &Host) -> Result<Authorities, Failure> {
        let Some(file) = &self.ca_file else { return Ok(Authorities::with_declared(Vec::new())) };
        let text = host.read(file, LARGEST_FILE)?;
        let declared = x509::pem(&text).map_err(|why| Failure {
            kind: FailureKind::Unreadable,
            what: format!("{file} cannot be used as an authority: {why}"),
            advice: "put the authority's PEM certificate there".to_owned(),
        })?;
        Ok(Authorities::with_declared(declared))
    }

    fn push_file(&self, host: &Host, file: Result<Vec<Vec<u8>>, FileError>, scene: &mut Scene) {
        let chain = match file {
            Ok(chain) => chain,
            Err(error) => {
                let reason = match error {
                    FileError::Missing => "missing",
                    FileError::Unreadable => "unreadable",
                };
                scene.push_unseen(FILE, "", reason);
                return;
            }
        };
        scene.push_chain(FILE, "", &chain, self.counting_name());
        let (Some(key_file), Some(leaf)) = (&self.key_file, chain.first()) else { return };
        let state = match host.read(key_file, LARGEST_FILE) {
            Err(_) => "unreadable",
            Ok(key) => match x509::key_matches(&key, leaf) {
                Ok(true) => "matches",
                Ok(false) => "differs",
                Err(_) => "unreadable",
            },
        };
        scene.push("key_state", FILE, &[], Value::Text(state.to_owned()));
        if let Ok(about) = host.about(key_file) {
            scene.push("key_open", FILE, &[], Value::Flag(about.mode & 0o004 != 0));
        }
    }

    /// Asks each address; gives the first failure if none showed anything.
    async fn push_endpoint(
        &self,
        endpoint: &Endpoint,
        deadline: Duration,
        scene: &mut Scene,
    ) -> Option<Failure> {
        let addresses = match addresses_of(endpoint, deadline / 4).await {
            Ok(addresses) => addresses,
            Err(error) => {
                scene.push_unseen(&endpoint.text, "", error.reason());
                return Some(error.into());
            }
        };
        let name = self.name.clone()?;
        let limit = LONGEST_HANDSHAKE.min(deadline / 2);
        let asked: Vec<_> = addresses
            .into_iter()
            .map(|address| {
                let name = name.clone();
                (address, tokio::spawn(async move { fetch(address, &name, limit).await }))
            })
            .collect();
        let mut failure = None;
        let mut was_seen = false;
        for (address, answer) in asked {
            let ip = address.ip().to_string();
            match answer.await {
                Ok(Ok(Shown { legacy_only: true, .. })) => {
                    was_seen = true;
                    let labels = [("address", ip.as_str())];
                    scene.push("reachable", &endpoint.text, &labels, Value::Flag(true));
                    scene.push("legacy_only", &endpoint.text, &labels, Value::Flag(true));
                }
                Ok(Ok(shown)) => {
                    was_seen = true;
                    let name = self.counting_name();
                    scene.push_chain(&endpoint.text, &ip, &shown.chain, name);
                }
                Ok(Err(error)) => {
                    scene.push_unseen(&endpoint.text, &ip, error.reason());
                    failure.get_or_insert(Failure::from(error));
                }
                Err(_) => scene.push_unseen(&endpoint.text, &ip, "internal"),
            }
        }
        failure.filter(|_| !was_seen)
    }
}

/// The facts as they are gathered.
struct Scene {
    facts: Facts,
    authorities: Authorities,
    now: Timestamp,
}

impl Scene {
    fn push(&mut self, name: &str, subject: &str, labels: &[(&str, &str)], value: Value) {
        let labels: BTreeMap<String, String> = labels
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(label, text)| ((*label).to_owned(), (*text).to_owned()))
            .collect();
        self.facts.observations.push(Observation {
            name: name.to_owned(),
            subject: subject.to_owned(),
            value,
            labels,
        });
    }

    fn push_unseen(&mut self, subject: &str, address: &str, reason: &str) {
        let labels = [("address", address)];
        self.push("reachable", subject, &labels, Value::Flag(false));
        self.push("reason", subject, &labels, Value::Text(reason.to_owned()));
    }

    fn push_chain(
        &mut self,
        subject: &str,
        address: &str,
        chain: &[Vec<u8>],
        name: Option<&ServerName<'static>>,
    ) {
        let labels = [("address", address)];
        let Some(Ok(_)) = chain.first().map(|leaf| x509::read(leaf)) else {
            self.push_unseen(subject, address, "unreadable");
            return;
        };
        let way = x509::way(chain, &self.authorities, self.now);
        self.push("reachable", subject, &labels, Value::Flag(true));
        self.push("trust", subject, &labels, Value::Text(way.trust.name().to_owned()));
        if let (Some(name), Some(leaf)) = (name, chain.first()) {
            self.push("name", subject, &labels, Value::Text(name.to_str().into_owned()));
            self.push("name_matches", subject, &labels, Value::Flag(x509::is_for(leaf, name)));
        }
        for (place, der) in chain.iter().enumerate() {
            let Ok(one) = x509::read(der) else { continue };
            let role = match (place, one.is_self_issued) {
                (0, _) => "leaf",
                (_, true) => "root",
                (_, false) => "intermediate",
            };
            let number = place.to_string();
            let labels = [("address", address), ("place", number.as_str()), ("role", role)];
            let on_way = way.places.contains(&place);
            self.push("not_before", subject, &labels, Value::Time(one.not_before));
            self.push("not_after", subject, &labels, Value::Time(one.not_after));
            self.push("key_bits", subject, &labels, Value::Number(f64::from(one.key_bits)));
            self.push("is_rsa", subject, &labels, Value::Flag(one.is_rsa));
            // A root is trusted as it is; its own signature proves nothing.
            let is_weak = one.is_weakly_signed && !(one.is_self_issued && place > 0);
            self.push("weakly_signed", subject, &labels, Value::Flag(is_weak));
            self.push("on_way", subject, &labels, Value::Flag(on_way));
            self.push("subject", subject, &labels, Value::Text(one.subject));
            self.push("issuer", subject, &labels, Value::Text(one.issuer));
            self.push("fingerprint", subject, &labels, Value::Text(one.fingerprint));
        }
    }
}

enum FileError {
    Missing,
    Unreadable,
}

fn read_file(host: &Host, file: &str) -> Result<Vec<Vec<u8>>, FileError> {
    let text = host.read(file, LARGEST_FILE).map_err(|_| FileError::Missing)?;
    x509::pem(&text).map_err(|_| FileError::Unreadable)
}

async fn addresses_of(endpoint: &Endpoint, limit: Duration) -> Result<Vec<SocketAddr>, TlsError> {
    let port = endpoint.port;
    if !endpoint.addresses.is_empty() {
        return Ok(endpoint.addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
    }
    if let Ok(ip) = endpoint.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let name = endpoint.host.clone();
    let fail = |why: &str| TlsError::NoAddress { name: name.clone(), why: why.to_owned() };
    let found = lookup::addresses(&name, limit).await.map_err(|why| fail(&why))?;
    let mut addresses: Vec<SocketAddr> =
        found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MOST_ADDRESSES);
    if addresses.is_empty() { Err(fail("none is known")) } else { Ok(addresses) }
}
