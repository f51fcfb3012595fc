//! What each server answers, as facts.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_config::record::{Failure, FailureKind, Observation, Value};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use jiff::tz::TimeZone;

use super::{Dns, in_one_line};
use crate::checks::{Facts, Look};
use crate::probe::dns::{Answer, DnsError, Question, Transport, name_servers};
use crate::probe::host::Host;
use crate::probe::redact::plain;

/// One try may take so long.
const LONGEST_TRY: Duration = Duration::from_secs(2);

/// Begins the text of an answer that is none.
pub(super) const FAILED: &str = "no answer: ";

/// More servers of one zone are not asked.
const MOST_SERVERS: usize = 16;

impl Dns {
    /// Asks resolvers and name servers one by one, all at the same time.
    pub(super) async fn look(&self, look: &Look) -> Result<Facts, Failure> {
        // Three tries by UDP, three by TCP, and the look-up of the servers before.
        let limit = LONGEST_TRY.min(look.deadline / 16);
        let resolvers = self.resolvers_of(look)?;
        let mut facts = Facts::default();
        if let Some(day) = self.registration_expires
            && let Ok(end) = day.to_zoned(TimeZone::UTC)
        {
            facts.push("registration_expires", "", Value::Time(end.timestamp()));
        }
        if self.resolvers {
            push_resolvers(&resolvers, self.domain.clone(), limit, &mut facts).await;
        }
        let Some(domain) = &self.domain else { return Ok(facts) };
        let servers = if self.servers.is_empty() {
            let found = find_servers(domain, &resolvers, self.port, limit).await;
            let word = match &found {
                Ok(_) => "found",
                Err(Lost::Missing) => "missing",
                Err(Lost::Unknown) => "unknown",
            };
            facts.push("delegation", "", Value::Text(word.to_owned()));
            found.unwrap_or_default()
        } else {
            self.servers.clone()
        };
        self.push_servers(domain, &servers, limit, &mut facts).await;
        Ok(facts)
    }

    fn resolvers_of(&self, look: &Look) -> Result<Vec<SocketAddr>, Failure> {
        if !self.resolvers && (!self.servers.is_empty() || self.domain.is_none()) {
            return Ok(Vec::new());
        }
        let text = Host::new(&look.root).text("/etc/resolv.conf", 1 << 16)?;
        let servers: Vec<SocketAddr> =
            name_servers(&text).into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect();
        if servers.is_empty() {
            return Err(Failure {
                kind: FailureKind::NotFound,
                what: "/etc/resolv.conf names no resolver".to_owned(),
                advice: "write `nameserver` lines there, or give `servers`".to_owned(),
            });
        }
        Ok(servers)
    }

    async fn push_servers(
        &self,
        domain: &Name,
        servers: &[SocketAddr],
        limit: Duration,
        facts: &mut Facts,
    ) {
        let questions: Arc<Vec<(Name, RecordType)>> =
            Arc::new(self.expect.iter().map(|one| (one.name.clone(), one.kind)).collect());
        let asked: Vec<_> = servers
            .iter()
            .map(|server| {
                let (server, domain, questions) = (*server, domain.clone(), questions.clone());
                let task = async move { ask_server(server, &domain, &questions, limit).await };
                (server, tokio::spawn(task))
            })
            .collect();
        let mut name_servers = Vec::new();
        for (server, answers) in asked {
            let Ok(answers) = answers.await else { continue };
            push_server(&self.subject(server), &answers, facts);
            if let Some(Ok(answer)) = &answers.name_servers
                && answer.is_authoritative()
            {
                name_servers.extend(answer.values());
            }
        }
        name_servers.sort();
        name_servers.dedup();
        if !name_servers.is_empty() {
            facts.push("name_servers", "", Value::Number(name_servers.len() as f64));
        }
    }

    fn subject(&self, server: SocketAddr) -> String {
        if server.port() == 53 { server.ip().to_string() } else { server.to_string() }
    }
}

/// What one name server answered.
struct Answers {
    by_udp: Result<Answer, DnsError>,
    by_tcp: Result<Answer, DnsError>,
    name_servers: Option<Result<Answer, DnsError>>,
    expected: Vec<(Name, RecordType, Result<Answer, DnsError>)>,
}

async fn ask_server(
    server: SocketAddr,
    domain: &Name,
    questions: &[(Name, RecordType)],
    limit: Duration,
) -> Answers {
    let question = |name: &Name, kind| Question { name: name.clone(), kind, recurse: false };
    let soa = question(domain, RecordType::SOA);
    let by_udp = soa.ask(server, Transport::Udp, limit).await;
    let by_tcp = soa.ask(server, Transport::Tcp, limit).await;
    let mut answers = Answers { by_udp, by_tcp, name_servers: None, expected: Vec::new() };
    let transport = match (&answers.by_udp, &answers.by_tcp) {
        (Ok(_), _) => Transport::Udp,
        (Err(_), Ok(_)) => Transport::Tcp,
        (Err(_), Err(_)) => return answers,
    };
    let names = question(domain, RecordType::NS).ask(server, transport, limit).await;
    answers.name_servers = Some(names);
    for (name, kind) in questions {
        let answer = question(name, *kind).ask(server, transport, limit).await;
        answers.expected.push((name.clone(), *kind, answer));
    }
    answers
}

fn push_server(subject: &str, answers: &Answers, facts: &mut Facts) {
    for (by, name, reason) in [
        (&answers.by_udp, "udp_answers", "udp_reason"),
        (&answers.by_tcp, "tcp_answers", "tcp_reason"),
    ] {
        facts.push(name, subject, Value::Flag(by.is_ok()));
        if let Err(error) = by {
            facts.push(reason, subject, Value::Text(error.reason().to_owned()));
        }
    }
    let Some(answer) = answers.by_udp.as_ref().ok().or(answers.by_tcp.as_ref().ok()) else {
        return;
    };
    let soa = answer.soa().filter(|_| answer.is_authoritative());
    facts.push("authoritative", subject, Value::Flag(soa.is_some()));
    let Some(soa) = soa else {
        let reason = match answer.code() {
            ResponseCode::NoError if answer.is_authoritative() => {
                "it knows no such zone".to_owned()
            }
            ResponseCode::NoError => "it answers without authority".to_owned(),
            code => format!("it says {}", plain(&code.to_string())),
        };
        facts.push("lame_reason", subject, Value::Text(reason));
        return;
    };
    facts.push("serial", subject, Value::Number(f64::from(soa.serial)));
    facts.push("refresh", subject, Value::Number(f64::from(soa.refresh)));
    facts.push("expire", subject, Value::Number(f64::from(soa.expire)));
    for (name, kind, answer) in &answers.expected {
        let value = match answer.as_ref().map(|answer| (answer.code(), answer)) {
            Ok((ResponseCode::NoError, answer)) => in_one_line(&answer.values()),
            Ok((ResponseCode::NXDomain, _)) => String::new(),
            Ok((code, _)) => format!("{FAILED}{}", plain(&code.to_string())),
            Err(error) => format!("{FAILED}{}", error.reason()),
        };
        facts.observations.push(Observation {
            name: "answer".to_owned(),
            subject: subject.to_owned(),
            value: Value::Text(value),
            labels: BTreeMap::from([
                ("name".to_owned(), name.to_ascii()),
                ("type".to_owned(), kind.to_string()),
            ]),
        });
    }
}

async fn push_resolvers(
    resolvers: &[SocketAddr],
    domain: Option<Name>,
    limit: Duration,
    facts: &mut Facts,
) {
    let asked: Vec<_> = resolvers
        .iter()
        .map(|resolver| {
            let (resolver, domain) = (*resolver, domain.clone());
            (resolver, tokio::spawn(async move { try_resolver(resolver, domain, limit).await }))
        })
        .collect();
    for (resolver, tried) in asked {
        let subject = resolver.ip().to_string();
        let tried = tried.await.unwrap_or_else(|_| Err("internal".to_owned()));
        facts.push("resolver_answers", &subject, Value::Flag(tried.is_ok()));
        if let Err(reason) = tried {
            facts.push("resolver_reason", &subject, Value::Text(reason));
        }
    }
}

/// A resolver works if it finds the domain or, when that fails, the root: the
/// domain may be at fault.
async fn try_resolver(
    resolver: SocketAddr,
    domain: Option<Name>,
    limit: Duration,
) -> Result<(), String> {
    let mut last = String::new();
    for (name, kind) in domain
        .map(|name| (name, RecordType::SOA))
        .into_iter()
        .chain([(Name::root(), RecordType::NS)])
    {
        let question = Question { name, kind, recurse: true };
        match question.ask(resolver, Transport::Udp, limit).await {
            Ok(answer) => match answer.code() {
                ResponseCode::NoError | ResponseCode::NXDomain => return Ok(()),
                code => last = format!("it says {}", plain(&code.to_string())),
            },
            Err(error) => return Err(error.reason().to_owned()),
        }
    }
    Err(last)
}

/// Why the name servers of a zone were not found.
enum Lost {
    /// They do not exist.
    Missing,
    /// Nobody could say.
    Unknown,
}

/// Asks the host's resolvers, one after the other, for the zone's name servers
/// and their addresses.
async fn find_servers(
    domain: &Name,
    resolvers: &[SocketAddr],
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, Lost> {
    let question = |name: Name, kind| Question { name, kind, recurse: true };
    for resolver in resolvers {
        let names = question(domain.clone(), RecordType::NS);
        let Ok(answer) = names.ask(*resolver, Transport::Udp, limit).await else { continue };
        let names = match answer.code() {
            ResponseCode::NXDomain => return Err(Lost::Missing),
            ResponseCode::NoError => answer.values(),
            _ => continue,
        };
        if names.is_empty() {
            return Err(Lost::Missing);
        }
        let mut servers = Vec::new();
        for name in names.iter().filter_map(|name| super::full_name(name)) {
            for kind in [RecordType::A, RecordType::AAAA] {
                let addresses = question(name.clone(), kind);
                if let Ok(answer) = addresses.ask(*resolver, Transport::Udp, limit).await {
                    servers.extend(answer.values().iter().filter_map(|ip| super::server(ip, port)));
                }
            }
        }
        servers.sort_unstable();
        servers.dedup();
        servers.truncate(MOST_SERVERS);
        return if servers.is_empty() { Err(Lost::Unknown) } else { Ok(servers) };
    }
    Err(Lost::Unknown)
}
