//! The DNS check against real BIND servers, and against peers that are silent, closed or babble.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fmt::Write;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evenkeel_agent::checks::{Check, Facts, Look};
use evenkeel_config::record::Finding;
use jiff::{SignedDuration, Timestamp};
use support::{build, evidence, free_port, ids, judged, until};
use tempfile::TempDir;

const NOTHING: &[&str] = &[];

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A running name server, ended when dropped.
struct Named {
    process: Child,
    port: u16,
    _folder: TempDir,
}

/// What a zone holds.
struct Zone {
    serial: u32,
    expire: u32,
    servers: u8,
    www: &'static str,
    mail: &'static str,
}

const GOOD: Zone =
    Zone { serial: 100, expire: 1_209_600, servers: 2, www: "192.0.2.10", mail: "mail" };

impl Zone {
    fn text(&self) -> String {
        let mut text = format!(
            "$TTL 300\n@ SOA ns1 host ( {} 3600 600 {} 300 )\n@ MX 10 {}\nmail A 192.0.2.20\n\
             www A {}\n",
            self.serial, self.expire, self.mail, self.www
        );
        for server in 1..=self.servers {
            writeln!(text, "@ NS ns{server}\nns{server} A 127.0.0.1").unwrap();
        }
        for part in 0..40 {
            writeln!(text, "big TXT \"{part:02}-{}\"", "x".repeat(200)).unwrap();
        }
        text
    }
}

impl Named {
    /// Starts a server with the zone, or without any.
    fn start(zone: Option<&Zone>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port(Ipv4Addr::LOCALHOST);
        let path = folder.path();
        let mut settings = format!(
            "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; \
             notify no; dnssec-validation no; }};\ncontrols {{ }};\n",
            path.display()
        );
        if let Some(zone) = zone {
            std::fs::write(path.join("zone"), zone.text()).unwrap();
            settings += "zone \"lab.test\" { type primary; file \"zone\"; };\n";
        }
        std::fs::write(path.join("named.conf"), settings).unwrap();
        let process = Command::new("/usr/sbin/named")
            .args(["-g", "-4", "-n", "1", "-c"])
            .arg(path.join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bind9 is needed for this test");
        until("an answer of the name server", || {
            let output = Command::new("dig")
                .args(["@127.0.0.1", "-p", &port.to_string(), "+time=1", "+tries=1"])
                .args(["lab.test", "SOA"])
                .output()
                .expect("bind9-dnsutils is needed for this test");
            String::from_utf8_lossy(&output.stdout).contains("status:")
        });
        Self { process, port, _folder: folder }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

const EXPECT: &str = "expect = [ { name = \"www\", type = \"A\", values = [\"192.0.2.10\"] }, \
    { name = \"@\", type = \"MX\", values = [\"10 mail.lab.test.\"] } ]\n";

/// A check that asks servers on these ports of 127.0.0.1.
fn asking(ports: &[u16], more: &str) -> Box<dyn Check> {
    let servers: Vec<String> = ports.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    build("dns", &format!("domain = \"lab.test\"\nservers = [{}]\n{more}", servers.join(", ")))
}

async fn facts(check: &dyn Check) -> Facts {
    let look = Look::new("/", now(), Duration::from_secs(12));
    check.observe(&look).await.unwrap()
}

async fn findings(ports: &[u16], more: &str) -> Vec<Finding> {
    let check = asking(ports, more);
    check.judge(&facts(check.as_ref()).await, &[], now())
}

#[tokio::test]
async fn each_server_answers_for_itself() {
    let good = Named::start(Some(&GOOD));
    let copy = Named::start(Some(&GOOD));
    let changed = Named::start(Some(&Zone { www: "192.0.2.66", ..GOOD }));
    let mail = Named::start(Some(&Zone { mail: "mail.elsewhere.test.", ..GOOD }));
    let lame = Named::start(None);
    let short = Named::start(Some(&Zone { expire: 86_400, servers: 1, ..GOOD }));
    let closed = free_port(Ipv4Addr::LOCALHOST);
    for (ports, expected) in [
        (&[good.port, copy.port][..], NOTHING),
        (&[good.port, changed.port], &["dns_answer_drift"]),
        (&[good.port, mail.port], &["dns_answer_drift!"]),
        (&[good.port, lame.port], &["dns_ns_lame"]),
        (&[lame.port], &["dns_ns_lame!"]),
        (&[good.port, closed], &["dns_ns_unreachable"]),
        (&[closed], &["dns_ns_unreachable!"]),
        (&[short.port], &["dns_ns_single", "dns_soa_expire_short"]),
    ] {
        let found = findings(ports, EXPECT).await;
        assert_eq!(ids(&found), expected, "{found:?}");
        for finding in
            found.iter().filter(|finding| ports.len() == 2 && !finding.subject.is_empty())
        {
            assert_eq!(finding.subject, format!("127.0.0.1:{}", ports[1]), "names the offender");
        }
    }
    let missing = "expect = [ { name = \"none\", type = \"A\", values = [\"192.0.2.1\"] } ]";
    assert_eq!(ids(&findings(&[good.port], missing).await), ["dns_answer_drift!"]);
    let big: Vec<String> =
        (0..40).map(|part| format!("\"{part:02}-{}\"", "x".repeat(200))).collect();
    let big =
        format!("expect = [ {{ name = \"big\", type = \"TXT\", values = [{}] }} ]", big.join(","));
    assert_eq!(ids(&findings(&[good.port], &big).await), NOTHING, "truncation leads to TCP");
}

#[tokio::test]
async fn an_old_copy_is_a_fault_only_when_it_lasts() {
    let good = Named::start(Some(&GOOD));
    let old = Named::start(Some(&Zone { serial: 90, ..GOOD }));
    let check = asking(&[good.port, old.port], "");
    let facts = facts(check.as_ref()).await;
    assert_eq!(judged(check.as_ref(), &facts, now()), NOTHING);
    let past = |hours| [evidence(&facts, now() - SignedDuration::from_hours(hours))];
    let found = check.judge(&facts, &past(2), now());
    assert_eq!(ids(&found), ["dns_serial_skew"]);
    assert_eq!(found[0].subject, format!("127.0.0.1:{}", old.port));
    assert_eq!(ids(&check.judge(&facts, &past(24 * 8), now())), ["dns_serial_skew!"]);
}

#[tokio::test]
async fn silence_babble_and_closed_ports_are_told_apart() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let babbling = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (silent_port, babbling_port) =
        (silent.local_addr().unwrap().port(), babbling.local_addr().unwrap().port());
    let talk = std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        for _ in 0..3 {
            let (_, peer) = babbling.recv_from(&mut buffer).unwrap();
            babbling.send_to(b"no DNS at all, sorry", peer).unwrap();
        }
    });
    let closed = free_port(Ipv4Addr::LOCALHOST);
    let check = asking(&[silent_port, babbling_port, closed], "");
    let facts = facts(check.as_ref()).await;
    talk.join().unwrap();
    for (port, reason) in
        [(silent_port, "timeout"), (babbling_port, "garbage"), (closed, "refused")]
    {
        let subject = format!("127.0.0.1:{port}");
        assert_eq!(facts.text("udp_reason", &subject), Some(reason));
        assert_eq!(facts.text("tcp_reason", &subject), Some("refused"));
    }
    assert_eq!(judged(check.as_ref(), &facts, now()), ["dns_ns_unreachable!"; 3]);
}

#[tokio::test]
async fn resolvers_and_look_ups_are_those_of_the_host() {
    let server = Named::start(Some(&GOOD));
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let run = async |resolvers: &[&str], keys: &str| {
        let text: String = resolvers.iter().map(|ip| format!("nameserver {ip}\n")).collect();
        std::fs::write(root.path().join("etc/resolv.conf"), text).unwrap();
        let check = build("dns", &format!("port = {}\n{keys}", server.port));
        let deadline = Duration::from_secs(12);
        let look = Look::new(root.path(), now(), deadline);
        check.observe(&look).await.map(|facts| ids(&check.judge(&facts, &[], now())))
    };
    let domain = "domain = \"lab.test\"\nresolvers = true\n";
    assert_eq!(run(&["127.0.0.1"], &format!("{domain}{EXPECT}")).await.unwrap(), NOTHING);
    let down = run(&["127.0.0.1", "127.0.0.9"], domain).await.unwrap();
    assert_eq!(down, ["dns_resolver_down"]);
    let all = run(&["127.0.0.9"], domain).await.unwrap();
    assert_eq!(all, ["dns_resolver_down!", "dns_zone_unknown"]);
    let gone = run(&["127.0.0.1"], "domain = \"gone.lab.test\"").await.unwrap();
    assert_eq!(gone, ["dns_zone_missing!"]);
    for (day, expected) in [
        ("2027-02-01", NOTHING),
        ("2026-12-20", &["dns_domain_expires"]),
        ("2026-12-01", &["dns_domain_expires!"]),
        ("2026-11-01", &["dns_domain_expires!"]),
    ] {
        let keys = format!("domain = \"lab.test\"\nregistration_expires = \"{day}\"");
        assert_eq!(run(&["127.0.0.1"], &keys).await.unwrap(), expected, "{day}");
    }
    assert!(run(&[], domain).await.is_err());
}
