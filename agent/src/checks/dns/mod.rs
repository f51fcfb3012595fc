//! DNS: proves that each name server of a zone answers for it with what is
//! declared, and that each of the host's resolvers works. Fooled by servers that
//! answer other networks otherwise; signatures are not looked at.
mod judgement;
mod sight;

use std::net::{IpAddr, SocketAddr};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status};
use hickory_proto::rr::{Name, RecordType};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings};
use crate::probe::dns::normal;
use crate::probe::redact::plain;

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "dns",
    about: "Each name server of a zone answers for it with the declared records, and each \
            resolver of this host works",
    limits: "It sees the answers that this host gets; DNSSEC signatures are not looked at.",
    example: r#"domain = "example.org"
servers = ["192.0.2.53", "198.51.100.53"]   # asked one by one; else looked up
expect = [ { name = "www", type = "A", values = ["192.0.2.10"] },
           { name = "@", type = "MX", values = ["10 mail.example.org"] } ]
resolvers = true                            # ask each nameserver of resolv.conf, too
registration_expires = "2027-03-01"         # as the registrar says
port = 53
"#,
    every: Span::from_secs(15 * 60),
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
    subject: &'static str,
) -> FactKind {
    FactKind { name, metric, help, subject, labels: &[] }
}

const FACTS: &[FactKind] = &[
    fact("delegation", "", "Whether the name servers of the zone could be found.", ""),
    fact("name_servers", "dns_name_servers", "Names of name servers in the zone.", ""),
    fact(
        "registration_expires",
        "dns_registration_expires_timestamp_seconds",
        "Declared end of the registration.",
        "",
    ),
    fact("udp_answers", "dns_udp_answers", "Whether the name server answers by UDP.", "server"),
    fact("udp_reason", "", "Why it does not.", "server"),
    fact("tcp_answers", "dns_tcp_answers", "Whether the name server answers by TCP.", "server"),
    fact("tcp_reason", "", "Why it does not.", "server"),
    fact(
        "authoritative",
        "dns_authoritative",
        "Whether the name server speaks for the zone.",
        "server",
    ),
    fact("lame_reason", "", "What it says instead.", "server"),
    fact("serial", "dns_zone_serial", "Serial number of the zone there.", "server"),
    fact("refresh", "", "Seconds after which copies of the zone are renewed.", "server"),
    fact(
        "expire",
        "dns_zone_expire_seconds",
        "How long copies of the zone outlive its origin.",
        "server",
    ),
    FactKind {
        name: "answer",
        metric: "",
        help: "What the name server answers to a declared question.",
        subject: "server",
        labels: &["name", "type"],
    },
    fact("resolver_answers", "dns_resolver_answers", "Whether the resolver works.", "server"),
    fact("resolver_reason", "", "Why it does not.", "server"),
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
        "dns_zone_missing",
        Status::Critical,
        "The parent knows no name servers of the domain: the name is gone.",
        "Look at the registration first: expired, suspended, or its name servers removed.",
    ),
    finding(
        "dns_zone_unknown",
        Status::Warning,
        "The name servers of the domain could not be looked up, so none was asked.",
        "See whether the host's resolvers work, or give `servers`.",
    ),
    finding(
        "dns_ns_unreachable",
        Status::Warning,
        "A name server does not answer; critical when none does.",
        "Ask its operator; if it is gone for good, remove it from the zone and at the registrar.",
    ),
    finding(
        "dns_ns_lame",
        Status::Warning,
        "A name server answers and does not speak for the zone; critical when none does.",
        "Have its operator load the zone, or remove it from the zone and at the registrar.",
    ),
    finding(
        "dns_serial_skew",
        Status::Warning,
        "A name server has kept an old copy of the zone for longer than its refresh time; \
         critical past half of its expiry.",
        "See why it gets no transfers: address, key or firewall.",
    ),
    finding(
        "dns_answer_drift",
        Status::Warning,
        "A name server answers otherwise than declared; critical for mail, name servers and \
         missing names.",
        "Find out who changed the zone; if it was meant, change `expect`.",
    ),
    finding(
        "dns_ns_single",
        Status::Warning,
        "The zone has one name server only: with it the name goes.",
        "Add a second one elsewhere, at another provider if possible.",
    ),
    finding(
        "dns_soa_expire_short",
        Status::Warning,
        "Copies of the zone die within a week when its origin is gone.",
        "Raise the expiry in the zone's SOA record to two weeks or more.",
    ),
    finding(
        "dns_resolver_down",
        Status::Warning,
        "A resolver of this host does not work; critical when none does.",
        "Repair it or take it out of resolv.conf: each look-up may wait for it.",
    ),
    finding(
        "dns_domain_expires",
        Status::Warning,
        "The registration ends soon; critical two weeks before.",
        "Renew it at the registrar and see that the card and the mail address there still work.",
    ),
];

/// Own keys of the check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    domain: Option<String>,
    servers: Vec<String>,
    expect: Vec<ExpectKeys>,
    resolvers: bool,
    registration_expires: Option<Date>,
    port: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            domain: None,
            servers: Vec::new(),
            expect: Vec::new(),
            resolvers: false,
            registration_expires: None,
            port: 53,
        }
    }
}

/// One declared answer as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectKeys {
    name: String,
    r#type: String,
    values: Vec<String>,
}

struct Dns {
    component: Id,
    domain: Option<Name>,
    /// Empty: looked up.
    servers: Vec<SocketAddr>,
    expect: Vec<Expected>,
    resolvers: bool,
    registration_expires: Option<Date>,
    port: u16,
}

/// One declared answer.
struct Expected {
    name: Name,
    kind: RecordType,
    /// In the form of [`normal`], sorted.
    values: Vec<String>,
}

/// Types of which answers can be declared.
const TYPES: &[RecordType] = &[
    RecordType::A,
    RecordType::AAAA,
    RecordType::CAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::NS,
    RecordType::PTR,
    RecordType::SRV,
    RecordType::TXT,
];

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    let mut sound = true;
    let mut refuse = |key: &str, what: String, hint: &str| {
        problems.error(place(entry, key), what, hint);
        sound = false;
    };
    let domain = match settings.domain.as_deref().map(full_name) {
        Some(Some(name)) => Some(name),
        Some(None) => {
            refuse("domain", "this is no domain name".to_owned(), "as in `example.org`");
            None
        }
        None if settings.resolvers => None,
        None => {
            let what = "neither `domain` nor `resolvers` is given";
            refuse("domain", what.to_owned(), "for example `domain = \"example.org\"`");
            None
        }
    };
    let mut servers = Vec::new();
    for text in &settings.servers {
        match server(text, settings.port) {
            Some(address) => servers.push(address),
            None => {
                let what = format!("`{text}` is not an address");
                refuse("servers", what, "as in `192.0.2.53` or `192.0.2.53:5353`");
            }
        }
    }
    let mut expect = Vec::new();
    for keys in &settings.expect {
        match expected(keys, domain.as_ref()) {
            Ok(one) => expect.push(one),
            Err(what) => {
                let hint = "as in `{ name = \"www\", type = \"A\", values = [\"192.0.2.10\"] }`";
                refuse("expect", what, hint);
            }
        }
    }
    sound.then(|| -> Box<dyn Check> {
        Box::new(Dns {
            component: entry.component.clone(),
            domain,
            servers,
            expect,
            resolvers: settings.resolvers,
            registration_expires: settings.registration_expires,
            port: settings.port,
        })
    })
}

fn full_name(text: &str) -> Option<Name> {
    let mut name = Name::from_utf8(text).ok().filter(|name| !name.is_root())?;
    name.set_fqdn(true);
    Some(name.to_lowercase())
}

fn server(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = |text: &str| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
    text.parse().ok().or_else(|| bare(text))
}

fn expected(keys: &ExpectKeys, domain: Option<&Name>) -> Result<Expected, String> {
    let domain = domain.ok_or("`expect` needs a `domain`")?;
    let kind = keys.r#type.to_uppercase();
    let kind = kind.parse::<RecordType>().ok().filter(|kind| TYPES.contains(kind));
    let kind =
        kind.ok_or_else(|| format!("answers of type `{}` cannot be declared", keys.r#type))?;
    let name = match keys.name.as_str() {
        "@" => domain.clone(),
        text => {
            let name = full_name(text).ok_or_else(|| format!("`{text}` is no name"))?;
            if domain.zone_of(&name) {
                name
            } else {
                full_name(&format!("{text}.{domain}"))
                    .ok_or_else(|| format!("`{text}` is no name"))?
            }
        }
    };
    let mut values: Vec<String> = keys.values.iter().map(|value| normal(kind, value)).collect();
    values.sort();
    values.dedup();
    if values.is_empty() {
        return Err(format!("no values are declared for `{}`", keys.name));
    }
    Ok(Expected { name, kind, values })
}

/// Values as one text; of a long one the beginning, with a digest of the whole.
fn in_one_line(values: &[String]) -> String {
    const LONGEST: usize = 300;
    let whole = values.join(" | ");
    let text = plain(&whole);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let begin: String = text.chars().take(LONGEST).collect();
    let digest: String =
        Sha256::digest(whole.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{begin}... (digest {digest})")
}

#[async_trait::async_trait]
impl Check for Dns {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        self.look(look).await
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        judgement::judge(self, facts, past, now)
    }
}
