//! Certificates: proves what each address of an endpoint shows, and what lies on
//! disk, against dates, names, authorities and keys. Fooled by a server that
//! shows others something else, and blind to revocation.
mod judgement;
mod sight;

use std::net::IpAddr;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status};
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings};

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "certificate",
    about: "The certificates of a TLS endpoint or a PEM file are valid, complete and renewed in \
            time, at each address",
    limits: "It sees what this host is shown; revocation is not looked up.",
    example: r#"endpoint = "www.example.org:443"            # host and port, TLS from the first byte
addresses = ["192.0.2.10", "192.0.2.11"]    # each asked by itself; else looked up
server_name = "www.example.org"             # the name on it, if not the host
file = "/etc/ssl/www/fullchain.pem"         # the same certificate on disk, or without endpoint
key_file = "/etc/ssl/www/key.pem"           # only compared, never shown
ca_file = "/etc/ssl/own-ca.pem"             # an authority of one's own
renewal = "auto"                            # or "manual"; by its life unless stated
public = false                              # true: hold it to the rules of public authorities
"#,
    every: Span::from_hours(1),
    deadline: Span::from_secs(60),
    stale_after_intervals: 4,
    facts: FACTS,
    findings: FINDINGS,
    backup: None,
    build,
};

const fn fact(
    name: &'static str,
    metric: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
) -> FactKind {
    FactKind { name, metric, help, subject: "endpoint", labels }
}

const PER_ADDRESS: &[&str] = &["address"];
const PER_CERTIFICATE: &[&str] = &["address", "place", "role"];

const FACTS: &[FactKind] = &[
    fact(
        "reachable",
        "certificate_reachable",
        "Whether certificates could be taken there.",
        PER_ADDRESS,
    ),
    fact("reason", "", "Why none could be taken.", PER_ADDRESS),
    fact("legacy_only", "", "Whether it speaks nothing newer than TLS 1.1.", PER_ADDRESS),
    fact("trust", "", "Whom the chain leads to.", PER_ADDRESS),
    fact("name_matches", "", "Whether it is made out to the name.", PER_ADDRESS),
    fact("name", "", "The name that was asked for.", PER_ADDRESS),
    fact("key_state", "", "Whether the private key belongs to it.", PER_ADDRESS),
    fact("key_open", "", "Whether everybody on the host may read the private key.", PER_ADDRESS),
    fact("not_before", "certificate_not_before_timestamp_seconds", "Valid from.", PER_CERTIFICATE),
    fact("not_after", "certificate_not_after_timestamp_seconds", "Valid to.", PER_CERTIFICATE),
    fact("key_bits", "certificate_key_length", "Size of its key.", PER_CERTIFICATE),
    fact("is_rsa", "", "Whether it is an RSA key.", PER_CERTIFICATE),
    fact("weakly_signed", "", "Whether it is signed with SHA-1 or MD5.", PER_CERTIFICATE),
    fact("on_way", "", "Whether it is needed on the way to an authority.", PER_CERTIFICATE),
    fact("subject", "", "Whose it is.", PER_CERTIFICATE),
    fact("issuer", "", "Who signed it.", PER_CERTIFICATE),
    fact("fingerprint", "", "SHA-256 of it.", PER_CERTIFICATE),
];

const fn finding(
    id: &'static str,
    severity: Status,
    about: &'static str,
    advice: &'static str,
) -> FindingKind {
    FindingKind { id, severity, about, advice }
}

const FINDINGS: &[FindingKind] = &[
    finding(
        "certificate_expired",
        Status::Critical,
        "It is past its date: clients refuse it.",
        "Renew it now and reload the service; then see why the renewal did not run.",
    ),
    finding(
        "certificate_not_yet_valid",
        Status::Critical,
        "Its first day is still to come: clients refuse it.",
        "Put the certificate before it back, and compare the clocks.",
    ),
    finding(
        "certificate_expires_soon",
        Status::Warning,
        "Little of its life is left; critical when hardly any is.",
        "Renew it and reload the service.",
    ),
    finding(
        "certificate_renewal_overdue",
        Status::Warning,
        "Its automatic renewal should have replaced it by now.",
        "Run the renewal by hand and read what it says; its DNS or port 80 may be in the way.",
    ),
    finding(
        "certificate_hostname_mismatch",
        Status::Critical,
        "It is not made out to the name that clients use.",
        "Issue it for this name, or see which site the server shows by default.",
    ),
    finding(
        "certificate_chain_incomplete",
        Status::Critical,
        "A certificate between it and a trusted authority is not shown.",
        "Give the server the full chain; if the authority is your own, name it in `ca_file`.",
    ),
    finding(
        "certificate_untrusted_root",
        Status::Critical,
        "It leads to an authority that is not trusted here.",
        "If the authority is your own, name it in `ca_file`; if not, find out whose it is.",
    ),
    finding(
        "certificate_self_signed",
        Status::Critical,
        "It signs itself, so nobody vouches for it.",
        "Use an authority, or name the certificate itself in `ca_file` if that is meant.",
    ),
    finding(
        "certificate_chain_broken",
        Status::Critical,
        "A signature or a limit on the way to the authority does not hold.",
        "Install the chain anew as the authority delivered it.",
    ),
    finding(
        "certificate_trust_unknown",
        Status::Unknown,
        "This host knows no authority to compare with.",
        "Install the package ca-certificates, or name your authority in `ca_file`.",
    ),
    finding(
        "certificate_intermediate_expired",
        Status::Critical,
        "A certificate between it and the authority is past its date.",
        "Install the authority's current intermediate certificate.",
    ),
    finding(
        "certificate_issuer_ends_first",
        Status::Warning,
        "A certificate above it ends before it does.",
        "Ask the authority for the next intermediate certificate before that date.",
    ),
    finding(
        "certificate_weak_key",
        Status::Warning,
        "A key on the way is shorter than RSA 2048 or EC 256.",
        "Renew with a new key.",
    ),
    finding(
        "certificate_weak_signature",
        Status::Critical,
        "A certificate on the way is signed with SHA-1 or MD5.",
        "Renew it; if the authority still signs so, change the authority.",
    ),
    finding(
        "certificate_eku_missing",
        Status::Critical,
        "It is not meant for servers.",
        "Renew it with the purpose `serverAuth`.",
    ),
    finding(
        "certificate_lifetime_over_policy",
        Status::Warning,
        "It lives longer than public authorities may grant: newer clients refuse it.",
        "Renew it with a shorter life and automate the renewal.",
    ),
    finding(
        "certificate_served_differs",
        Status::Warning,
        "The server shows another certificate than the one on disk.",
        "Reload the service; after a renewal this is the usual reason for an outage weeks later.",
    ),
    finding(
        "certificate_backends_differ",
        Status::Warning,
        "The addresses show different certificates.",
        "Bring the same certificate to each backend.",
    ),
    finding(
        "certificate_key_mismatch",
        Status::Critical,
        "The private key on disk does not belong to the certificate on disk.",
        "Put the matching key back before the service is restarted.",
    ),
    finding(
        "certificate_key_unreadable",
        Status::Warning,
        "The private key could not be compared.",
        "Let the agent's group read the key, or remove `key_file`.",
    ),
    finding(
        "certificate_key_exposed",
        Status::Warning,
        "Everybody on the host may read the private key.",
        "Take the right to read from others (`chmod o-r`), and renew with a new key.",
    ),
    finding(
        "certificate_legacy_tls",
        Status::Warning,
        "The server speaks nothing newer than TLS 1.1; its certificate could not be taken.",
        "Turn on TLS 1.2 and 1.3.",
    ),
    finding(
        "certificate_unreachable",
        Status::Warning,
        "One of the places where the certificate should be seen does not answer.",
        "See whether the service runs at that address.",
    ),
    finding(
        "certificate_file_missing",
        Status::Critical,
        "The file is not there or cannot be read.",
        "Put the certificate back, or correct `file`.",
    ),
    finding(
        "certificate_file_unreadable",
        Status::Critical,
        "The file holds no certificate that can be read.",
        "Replace it by the PEM text that the authority delivered.",
    ),
];

/// Own keys of the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    endpoint: Option<String>,
    addresses: Vec<IpAddr>,
    server_name: Option<String>,
    file: Option<String>,
    key_file: Option<String>,
    ca_file: Option<String>,
    renewal: Option<Renewal>,
    public: bool,
}

/// Who renews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Renewal {
    /// A program.
    Auto,
    /// A person.
    Manual,
}

struct Certificates {
    component: Id,
    endpoint: Option<Endpoint>,
    /// The name to ask for, if one is known.
    name: Option<ServerName<'static>>,
    /// Nobody is promised that a certificate names a bare address, so such a
    /// name counts only when it was configured as `server_name`.
    name_counts: bool,
    file: Option<String>,
    key_file: Option<String>,
    ca_file: Option<String>,
    renewal: Option<Renewal>,
    public: bool,
}

struct Endpoint {
    /// As written: `host:port`.
    text: String,
    host: String,
    port: u16,
    addresses: Vec<IpAddr>,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    if settings.endpoint.is_none() && settings.file.is_none() {
        problems.error(
            place(entry, "endpoint"),
            "neither `endpoint` nor `file` is given",
            "for example `endpoint = \"www.example.org:443\"`",
        );
        return None;
    }
    let endpoint = match settings.endpoint {
        None => None,
        Some(text) => {
            let parsed = parse_endpoint(&text, settings.addresses);
            if parsed.is_none() {
                let what = format!("`{text}` is not a host and a port");
                problems.error(place(entry, "endpoint"), what, "as in `www.example.org:443`");
                return None;
            }
            parsed
        }
    };
    let named = settings.server_name.is_some();
    let host = endpoint.as_ref().map(|endpoint| endpoint.host.clone());
    let name = match settings.server_name.or(host).map(ServerName::try_from) {
        None => None,
        Some(Ok(name)) => Some(name),
        Some(Err(_)) => {
            let key = if named { "server_name" } else { "endpoint" };
            let what = "the host is neither a name nor an address";
            problems.error(place(entry, key), what, "as in `www.example.org`");
            return None;
        }
    };
    Some(Box::new(Certificates {
        component: entry.component.clone(),
        endpoint,
        name_counts: named || matches!(name, Some(ServerName::DnsName(_))),
        name,
        file: settings.file,
        key_file: settings.key_file,
        ca_file: settings.ca_file,
        renewal: settings.renewal,
        public: settings.public,
    }))
}

fn parse_endpoint(text: &str, addresses: Vec<IpAddr>) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = host.trim_end_matches('.').to_owned();
    if host.is_empty() {
        return None;
    }
    Some(Endpoint { text: text.to_owned(), host, port, addresses })
}

#[async_trait::async_trait]
impl Check for Certificates {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        judgement::judge(self, facts, past, now)
    }
}
