//! Asks one DNS server one question, so that a resolver cannot hide a fault.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

/// One lost packet is no outage.
const TRIES: u32 = 3;

/// The answer size that passes everywhere (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// Why a server gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// Nothing came back, in several tries.
    #[error("no answer in {TRIES} tries")]
    Timeout,
    /// Nobody listens there.
    #[error("nobody listens")]
    Refused,
    /// No way there, or the connection broke.
    #[error("no way there: {0}")]
    Unreachable(String),
    /// Something answered that is no DNS answer to the question.
    #[error("the answer is no DNS answer to the question")]
    Garbage,
}

impl DnsError {
    /// A short stable word: `timeout`, `refused`, `unreachable` or `garbage`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Garbage => "garbage",
        }
    }

    fn of(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

/// How a question is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP, and TCP when the answer is too long for it.
    Udp,
    /// TCP alone.
    Tcp,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// The name, complete.
    pub name: Name,
    /// The type of record.
    pub kind: RecordType,
    /// Whether the server should ask others; only resolvers are asked so.
    pub recurse: bool,
}

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answer {
    message: Message,
    question: Question,
}

impl Question {
    /// Asks a server; each try takes at most `limit`.
    ///
    /// # Errors
    /// See [`DnsError`]. A refusal in DNS itself is an answer, not an error.
    pub async fn ask(
        &self,
        server: SocketAddr,
        transport: Transport,
        limit: Duration,
    ) -> Result<Answer, DnsError> {
        let mut last = DnsError::Timeout;
        for _ in 0..TRIES {
            let end = Instant::now() + limit;
            let message = match transport {
                Transport::Udp => match self.by_udp(server, end).await {
                    Ok(message) if message.metadata.truncation => {
                        self.by_tcp(server, Instant::now() + limit).await
                    }
                    other => other,
                },
                Transport::Tcp => self.by_tcp(server, end).await,
            };
            match message {
                Ok(message) => return Ok(Answer { message, question: self.clone() }),
                Err(DnsError::Timeout) => {}
                Err(DnsError::Garbage) => last = DnsError::Garbage,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn message(&self) -> (u16, Vec<u8>) {
        let mut message = Message::query();
        message.metadata.recursion_desired = self.recurse;
        message.add_query(Query::query(self.name.clone(), self.kind));
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD);
        message.set_edns(edns);
        let bytes = message.to_vec().expect("a question of one name fits any message");
        (message.metadata.id, bytes)
    }

    async fn by_udp(&self, server: SocketAddr, end: Instant) -> Result<Message, DnsError> {
        let (id, bytes) = self.message();
        let own: IpAddr = if server.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let exchange = async {
            let socket = UdpSocket::bind((own, 0)).await?;
            // A connected socket hears of closed ports, and of nobody else.
            socket.connect(server).await?;
            socket.send(&bytes).await?;
            Ok::<UdpSocket, std::io::Error>(socket)
        };
        let socket = timeout_at(end, exchange)
            .await
            .map_err(|_| DnsError::Timeout)?
            .map_err(|error| DnsError::of(&error))?;
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let mut was_garbage = false;
        loop {
            let length = match timeout_at(end, socket.recv(&mut buffer)).await {
                Err(_) if was_garbage => return Err(DnsError::Garbage),
                Err(_) => return Err(DnsError::Timeout),
                Ok(received) => received.map_err(|error| DnsError::of(&error))?,
            };
            match self.accept(id, &buffer[..length]) {
                Some(message) => return Ok(message),
                // A late or forged packet; the right one may still come.
                None => was_garbage = true,
            }
        }
    }

    async fn by_tcp(&self, server: SocketAddr, end: Instant) -> Result<Message, DnsError> {
        let (id, bytes) = self.message();
        let exchange = async {
            let mut stream = TcpStream::connect(server).await?;
            let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
            stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat()).await?;
            let length = stream.read_u16().await?;
            let mut answer = vec![0; usize::from(length)];
            stream.read_exact(&mut answer).await?;
            Ok::<Vec<u8>, std::io::Error>(answer)
        };
        let answer = timeout_at(end, exchange)
            .await
            .map_err(|_| DnsError::Timeout)?
            .map_err(|error| DnsError::of(&error))?;
        self.accept(id, &answer).ok_or(DnsError::Garbage)
    }

    fn accept(&self, id: u16, bytes: &[u8]) -> Option<Message> {
        let message = parse(bytes)?;
        let is_ours = message.metadata.id == id
            && message.metadata.message_type == MessageType::Response
            // Servers that do not understand the question may leave it out.
            && message
                .queries
                .iter()
                .all(|query| *query.name() == self.name && query.query_type() == self.kind);
        is_ours.then_some(message)
    }
}

/// Reads a packet.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    Message::from_vec(bytes).ok()
}

impl Answer {
    /// The response code.
    pub fn code(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    /// Whether the server speaks for the zone.
    pub fn is_authoritative(&self) -> bool {
        self.message.metadata.authoritative
    }

    /// The start of authority in the answer.
    pub fn soa(&self) -> Option<&SOA> {
        self.message.answers.iter().find_map(|record| match &record.data {
            RData::SOA(soa) if record.name == self.question.name => Some(soa),
            _ => None,
        })
    }

    /// The values of the asked type in the answer, normal and sorted.
    pub fn values(&self) -> Vec<String> {
        let mut values: Vec<String> = self
            .message
            .answers
            .iter()
            .filter(|record| record.data.record_type() == self.question.kind)
            .map(|record| normal(self.question.kind, &words(&record.data)))
            .collect();
        values.sort();
        values.dedup();
        values
    }
}

fn words(data: &RData) -> String {
    match data {
        RData::TXT(text) => {
            text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()
        }
        other => other.to_string(),
    }
}

/// A record's value in one form, so that what is declared and what is answered
/// can be compared: lower case, no final dots, no quotes.
pub fn normal(kind: RecordType, value: &str) -> String {
    let value = value.trim();
    match kind {
        RecordType::TXT => {
            let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            bare.unwrap_or(value).to_owned()
        }
        RecordType::A | RecordType::AAAA => {
            value.parse::<IpAddr>().map_or_else(|_| value.to_owned(), |ip| ip.to_string())
        }
        _ => value
            .replace('"', "")
            .split_whitespace()
            .map(|word| word.strip_suffix('.').unwrap_or(word).to_lowercase())
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Whether serial `a` comes before `b` (RFC 1982: numbers wrap around).
pub fn is_before(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// The name servers of a `resolv.conf`; glibc asks only the first three.
pub fn name_servers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_whitespace().next())
        .filter_map(|word| word.split('%').next()?.parse().ok())
        .take(3)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serials_wrap_around() {
        for (a, b, before) in [
            (1, 2, true),
            (2, 1, false),
            (1, 1, false),
            (u32::MAX, 0, true),
            (4_000_000_000, 5, true),
            (5, 4_000_000_000, false),
        ] {
            assert_eq!(is_before(a, b), before, "{a} {b}");
        }
    }

    #[test]
    fn values_have_one_form() {
        assert_eq!(normal(RecordType::MX, "10  Mail.Example.ORG."), "10 mail.example.org");
        assert_eq!(normal(RecordType::TXT, "\"v=spf1 -all\""), "v=spf1 -all");
        assert_eq!(normal(RecordType::AAAA, "2001:DB8:0::1"), "2001:db8::1");
    }

    #[test]
    fn resolv_conf() {
        let text = "# x\nsearch lan\nnameserver 192.0.2.1\n nameserver fe80::1%eth0 # y\n\
                    nameserver bad\nnameserver ::1\nnameserver 192.0.2.4\n";
        let servers: Vec<String> = name_servers(text).iter().map(IpAddr::to_string).collect();
        assert_eq!(servers, ["192.0.2.1", "fe80::1", "::1"]);
    }

    proptest! {
        #[test]
        fn no_packet_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            crate::fuzz::dns_packet(&bytes);
        }
    }
}
