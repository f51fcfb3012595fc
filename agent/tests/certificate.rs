//! The certificate check against real OpenSSL servers, one for each thing that goes wrong.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use evenkeel_agent::checks::Facts;
use evenkeel_config::record::{Failure, FailureKind, Value};
use jiff::Timestamp;
use support::{build, free_port, ids, judged, observe, observe_within, run, until};
use tempfile::TempDir;

const NOTHING: &[&str] = &[];

const SETTINGS: &str = "
[ca]
default_ca = lab
[lab]
database = index.txt
serial = serial
new_certs_dir = .
policy = policy
copy_extensions = copy
unique_subject = no
default_md = sha256
[policy]
commonName = supplied
[root]
basicConstraints = critical,CA:true
keyUsage = keyCertSign
[inter]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = keyCertSign
[limited]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = keyCertSign
nameConstraints = critical,permitted;DNS:allowed.lab.test
[leaf]
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Who signs, with which section, for which name, from when to when.
struct Order {
    name: &'static str,
    by: &'static str,
    section: &'static str,
    san: &'static str,
    dates: [&'static str; 2],
    more: &'static [&'static str],
}

const LIFE: [&str; 2] = ["20261101000000Z", "20270130000000Z"];
const LONG: [&str; 2] = ["20250101000000Z", "20350101000000Z"];

const fn order(
    name: &'static str,
    by: &'static str,
    section: &'static str,
    dates: [&'static str; 2],
) -> Order {
    Order { name, by, section, san: "DNS:www.lab.test", dates, more: &[] }
}

const ORDERS: &[Order] = &[
    order("root", "root", "root", LONG),
    order("strange", "strange", "root", LONG),
    order("inter", "root", "inter", LONG),
    order("limited", "root", "limited", LONG),
    order("oldinter", "root", "inter", ["20250101000000Z", "20261119000000Z"]),
    order("strangeinter", "strange", "inter", LONG),
    order("good", "inter", "leaf", LIFE),
    order("renewed", "inter", "leaf", LIFE),
    order("soon", "inter", "leaf", ["20260828000000Z", "20261126120000Z"]),
    order("overdue", "inter", "leaf", ["20260916000000Z", "20261216000000Z"]),
    order("expired", "inter", "leaf", ["20260801000000Z", "20261120000000Z"]),
    order("future", "inter", "leaf", ["20261126000000Z", "20270120000000Z"]),
    order("underold", "oldinter", "leaf", LIFE),
    order("unknown", "strangeinter", "leaf", LIFE),
    order("alone", "alone", "root", LIFE),
    order("long", "inter", "leaf", ["20261101000000Z", "20290501000000Z"]),
    order("client", "inter", "client", LIFE),
    order("outside", "limited", "leaf", LIFE),
    Order { san: "DNS:other.example", ..order("other", "inter", "leaf", LIFE) },
    Order { san: "", ..order("nosan", "inter", "leaf", LIFE) },
    Order { more: &["-md", "sha1"], ..order("sha1", "inter", "leaf", LIFE) },
    order("weak", "inter", "leaf", LIFE),
];

/// A folder with an authority and all certificates, made once.
fn lab() -> &'static Path {
    static LAB: OnceLock<TempDir> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("ca.cnf"), SETTINGS).unwrap();
        std::fs::write(path.join("index.txt"), "").unwrap();
        std::fs::write(path.join("serial"), "1000\n").unwrap();
        for order in ORDERS {
            issue(path, order);
        }
        folder
    })
    .path()
}

fn issue(path: &Path, order: &Order) {
    let name = order.name;
    let key = format!("{name}.key");
    match name {
        "weak" => run(path, "openssl", &["genrsa", "-out", &key, "1024"]),
        _ => {
            let curve = ["ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", &key];
            run(path, "openssl", &curve)
        }
    };
    let common = format!("/CN={name} www.lab.test");
    let san = format!("subjectAltName={}", order.san);
    let request = format!("{name}.csr");
    let mut arguments = vec!["req", "-new", "-key", &key, "-subj", &common, "-out", &request];
    if !order.san.is_empty() && order.section != "root" {
        arguments.extend(["-addext", &san]);
    }
    run(path, "openssl", &arguments);
    let (by_key, by) = (format!("{}.key", order.by), format!("{}.crt", order.by));
    let out = format!("{name}.crt");
    let mut arguments = vec!["ca", "-config", "ca.cnf", "-batch", "-notext", "-in", &request];
    arguments.extend(["-out", &out, "-extensions", order.section, "-keyfile", &by_key]);
    arguments.extend(["-startdate", order.dates[0], "-enddate", order.dates[1]]);
    arguments.extend(order.more);
    if order.by == name {
        arguments.push("-selfsign");
    } else {
        arguments.extend(["-cert", &by]);
    }
    run(path, "openssl", &arguments);
}

/// Several certificates in one file.
fn joined(folder: &Path, file: &str, names: &[&str]) -> PathBuf {
    let path = folder.join(file);
    let mut text = String::new();
    for name in names {
        text += &std::fs::read_to_string(lab().join(format!("{name}.crt"))).unwrap();
    }
    std::fs::write(&path, text).unwrap();
    path
}

/// A running server, ended when dropped.
struct Server {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    /// Shows the first certificate with the others as its chain.
    fn start(address: Ipv4Addr, port: u16, names: &[&str], more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = joined(folder.path(), "chain.pem", &names[1..]).display().to_string();
        let accept = format!("{address}:{port}");
        let (leaf, key) = (format!("{}.crt", names[0]), format!("{}.key", names[0]));
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", &accept, "-cert", &leaf, "-key", &key]);
        if names.len() > 1 {
            command.args(["-cert_chain", &chain]);
        }
        let process = command
            .args(more)
            .current_dir(lab())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is needed for this test");
        until("the server", || TcpStream::connect((address, port)).is_ok());
        Self { process, port, _folder: folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Serves and gives the findings.
async fn served(names: &[&str], more: &[&str], keys: &str) -> Vec<String> {
    let server = Server::start(Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST), names, more);
    let check = build("certificate", &endpoint(server.port, keys));
    judged(check.as_ref(), &observe(check.as_ref(), now()).await.unwrap(), now())
}

fn endpoint(port: u16, keys: &str) -> String {
    let root = lab().join("root.crt").display().to_string();
    format!(
        "endpoint = \"www.lab.test:{port}\"\naddresses = [\"127.0.0.1\"]\nca_file = \"{root}\"\n{keys}"
    )
}

const OLD: &[&str] = &["-cipher", "DEFAULT@SECLEVEL=0"];

#[tokio::test]
async fn each_fault_has_its_finding_and_no_other() {
    for (names, more, keys, expected) in [
        (&["good", "inter"][..], &[][..], "", NOTHING),
        (&["good", "root", "inter"], &[], "", NOTHING),
        (&["soon", "inter"], &[], "", &["certificate_expires_soon!"]),
        (&["overdue", "inter"], &[], "", &["certificate_renewal_overdue"]),
        (&["overdue", "inter"], &[], "renewal = \"manual\"", &["certificate_expires_soon"]),
        (&["expired", "inter"], &[], "", &["certificate_expired!"]),
        (&["future", "inter"], &[], "", &["certificate_not_yet_valid!"]),
        (&["other", "inter"], &[], "", &["certificate_hostname_mismatch!"]),
        (&["nosan", "inter"], &[], "", &["certificate_hostname_mismatch!"]),
        (&["good"], &[], "", &["certificate_chain_incomplete!"]),
        (&["unknown", "strangeinter"], &[], "", &["certificate_untrusted_root!"]),
        (
            &["alone"],
            &[],
            "server_name = \"www.lab.test\"",
            &["certificate_hostname_mismatch!", "certificate_self_signed!"],
        ),
        (&["weak", "inter"], OLD, "", &["certificate_weak_key"]),
        (&["sha1", "inter"], OLD, "", &["certificate_weak_signature!"]),
        (&["long", "inter"], &[], "public = true", &["certificate_lifetime_over_policy"]),
        (&["long", "inter"], &[], "", NOTHING),
        (&["client", "inter"], &[], "", &["certificate_eku_missing!"]),
        (&["outside", "limited"], &[], "", &["certificate_chain_broken!"]),
        (&["underold", "oldinter"], &[], "", &["certificate_intermediate_expired!"]),
        (
            &["good", "inter"],
            &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
            "",
            &["certificate_legacy_tls"],
        ),
        (&["good", "inter"], &["-Verify", "1", "-tls1_2"], "", NOTHING),
        (&["good", "inter"], &["-Verify", "1", "-tls1_3"], "", NOTHING),
    ] {
        assert_eq!(served(names, more, keys).await, expected, "{names:?} {more:?} {keys}");
    }
}

#[tokio::test]
async fn the_verdict_agrees_with_openssl() {
    let root = lab().join("root.crt").display().to_string();
    let instant = now().as_second().to_string();
    for (leaf, above, trusted) in [
        ("good", "inter", true),
        ("expired", "inter", false),
        ("future", "inter", false),
        ("underold", "oldinter", false),
        ("unknown", "strangeinter", false),
        ("client", "inter", false),
        ("outside", "limited", false),
    ] {
        let (leaf_file, above_file) = (format!("{leaf}.crt"), format!("{above}.crt"));
        let status = Command::new("openssl")
            .args(["verify", "-CAfile", &root, "-untrusted", &above_file, "-attime", &instant])
            .args(["-purpose", "sslserver", &leaf_file])
            .current_dir(lab())
            .output()
            .expect("openssl is needed for this test")
            .status;
        assert_eq!(status.success(), trusted, "openssl verify {leaf}");
        let findings = served(&[leaf, above], &[], "").await;
        assert_eq!(findings.is_empty(), trusted, "{leaf}: {findings:?}");
    }
}

#[tokio::test]
async fn what_is_served_is_held_against_the_file_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let same = joined(folder.path(), "same.pem", &["good", "inter"]).display().to_string();
    let newer = joined(folder.path(), "newer.pem", &["renewed", "inter"]).display().to_string();
    let key = |name: &str| lab().join(format!("{name}.key")).display().to_string();
    let names = ["good", "inter"];
    let keys = format!("file = \"{same}\"\nkey_file = \"{}\"", key("good"));
    assert_eq!(served(&names, &[], &keys).await, NOTHING);
    let keys = format!("file = \"{newer}\"\nkey_file = \"{}\"", key("good"));
    let expected = ["certificate_key_mismatch!", "certificate_served_differs"];
    assert_eq!(served(&names, &[], &keys).await, expected);
    let keys = format!("file = \"{same}\"\nkey_file = \"{same}\"");
    assert_eq!(
        served(&names, &[], &keys).await,
        ["certificate_key_exposed", "certificate_key_unreadable"]
    );
    let keys = "file = \"/nowhere/chain.pem\"";
    assert_eq!(served(&names, &[], keys).await, ["certificate_file_missing!"]);
    // The file's chain shows that the server forgot a link it has.
    let keys = format!("file = \"{same}\"");
    assert_eq!(served(&["good"], &[], &keys).await, ["certificate_chain_incomplete!"]);
}

#[tokio::test]
async fn a_file_alone_is_judged_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = lab().join("root.crt").display().to_string();
    let garbage = folder.path().join("garbage.pem");
    std::fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n")
        .unwrap();
    for (file, expected) in [
        (joined(folder.path(), "a.pem", &["good"]), NOTHING),
        (joined(folder.path(), "b.pem", &["expired", "inter"]), &["certificate_expired!"]),
        (garbage, &["certificate_file_unreadable!"]),
        (folder.path().join("none.pem"), &["certificate_file_missing!"]),
    ] {
        let keys = format!("file = \"{}\"\nca_file = \"{root}\"", file.display());
        let check = build("certificate", &keys);
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(judged(check.as_ref(), &facts, now()), expected, "{}", file.display());
    }
}

#[tokio::test]
async fn each_address_is_seen_by_itself() {
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let port = free_port(other);
    let keys = endpoint(port, "").replace("[\"127.0.0.1\"]", "[\"127.0.0.1\", \"127.0.0.2\"]");
    let check = build("certificate", &keys);
    let _first = Server::start(Ipv4Addr::LOCALHOST, port, &["good", "inter"], &[]);
    let facts = observe(check.as_ref(), now()).await.unwrap();
    let findings = check.judge(&facts, &[], now());
    assert_eq!(ids(&findings), ["certificate_unreachable"]);
    assert!(findings[0].subject.ends_with("at 127.0.0.2"), "{}", findings[0].subject);
    let _second = Server::start(other, port, &["soon", "inter"], &[]);
    let facts = observe(check.as_ref(), now()).await.unwrap();
    let findings = check.judge(&facts, &[], now());
    assert_eq!(ids(&findings), ["certificate_backends_differ", "certificate_expires_soon!"]);
    let ends: Vec<&str> = facts
        .observations
        .iter()
        .filter(|fact| fact.name == "not_after" && fact.labels["role"] == "leaf")
        .map(|fact| fact.labels["address"].as_str())
        .collect();
    assert_eq!(ends, ["127.0.0.1", "127.0.0.2"]);
}

async fn failed(port: u16) -> Failure {
    let check = build("certificate", &endpoint(port, ""));
    observe_within(check.as_ref(), now(), Duration::from_secs(4)).await.unwrap_err()
}

#[tokio::test]
async fn no_answer_is_no_verdict() {
    let closed = free_port(Ipv4Addr::LOCALHOST);
    assert_eq!(failed(closed).await.kind, FailureKind::NetworkDown);
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(failed(silent.local_addr().unwrap().port()).await.kind, FailureKind::Timeout);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let talk = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        stream.write_all(b"220 mail.lab.test ESMTP\r\n").unwrap();
        stream
    });
    assert_eq!(failed(port).await.kind, FailureKind::Unreadable);
    talk.join().unwrap();
}

#[tokio::test]
async fn a_bare_address_is_no_name_unless_it_is_meant() {
    let port = free_port(Ipv4Addr::LOCALHOST);
    let _server = Server::start(Ipv4Addr::LOCALHOST, port, &["good", "inter"], &[]);
    let keys = endpoint(port, "").replace("www.lab.test", "127.0.0.1");
    for (more, expected) in [
        ("", NOTHING),
        ("server_name = \"www.lab.test\"", NOTHING),
        ("server_name = \"127.0.0.1\"", &["certificate_hostname_mismatch!"]),
    ] {
        let check = build("certificate", &format!("{keys}{more}"));
        let facts = observe(check.as_ref(), now()).await.unwrap();
        assert_eq!(judged(check.as_ref(), &facts, now()), expected, "{more}");
    }
}

#[tokio::test]
async fn facts_age_without_a_new_look() {
    let server =
        Server::start(Ipv4Addr::LOCALHOST, free_port(Ipv4Addr::LOCALHOST), &["good", "inter"], &[]);
    let check = build("certificate", &endpoint(server.port, ""));
    let facts: Facts = observe(check.as_ref(), now()).await.unwrap();
    let later: Timestamp = "2027-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(judged(check.as_ref(), &facts, later), ["certificate_expired!"]);
    let has_key = facts.observations.iter().any(|fact| match &fact.value {
        Value::Text(text) => text.contains("PRIVATE"),
        _ => false,
    });
    assert!(!has_key);
}
