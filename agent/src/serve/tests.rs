//! The server over real sockets: routes, headers, slow and hostile clients, TLS.
use evenkeel_config::agent::AgentSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::agent::AgentError;
use crate::heartbeats::Word;

fn agent(table: AgentTable, folder: &Path) -> Agent {
    let settings = AgentSettings { agent: table, checks: Vec::new() };
    Agent::open(settings, None, &folder.join("data")).expect("an agent")
}

/// Serves until the returned sender is dropped.
async fn start(agent: &Agent) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let agent = agent.clone();
    tokio::spawn(async move {
        let shutdown = async {
            let _ = ended.await;
        };
        agent.serve(listener, shutdown).await.expect("served");
    });
    (address, end)
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

fn get(address: SocketAddr, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn open_pages_are_open_and_documents_need_the_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(AgentTable::default(), folder.path());
    let (address, _end) = start(&agent).await;
    let health = ask(address, &get(address, "/healthz", "")).await;
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"), "{health}");
    for header in
        ["cache-control: no-store", "x-content-type-options: nosniff", "default-src 'none'"]
    {
        assert!(health.contains(header), "{header} in {health}");
    }
    let metrics = ask(address, &get(address, "/metrics", "")).await;
    assert!(metrics.contains("evenkeel_agent_info{") && metrics.contains("version=0.0.4"));
    let bearer = format!("Authorization: Bearer {}\r\n", agent.token());
    for path in ["/evidence", "/map"] {
        let refused = ask(address, &get(address, path, "")).await;
        assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
        let answer = ask(address, &get(address, path, &bearer)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).expect("a body");
        let document: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(document["schema_version"], 1);
    }
    assert!(ask(address, &get(address, "/x", &bearer)).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn hostile_requests_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(AgentTable::default(), folder.path());
    let (address, _end) = start(&agent).await;
    let port = address.port();
    for (request, status) in [
        (
            format!(
                "GET /healthz HTTP/1.1\r\nHost: evil.example:{port}\r\nConnection: close\r\n\r\n"
            ),
            "421",
        ),
        (
            format!(
                "POST /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            ),
            "405",
        ),
        (
            format!(
                "GET /healthz HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n\r\n123456789"
            ),
            "413",
        ),
        (format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "x".repeat(20_000)), "4"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = ask(address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_head_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(AgentTable::default(), folder.path());
    let (address, _end) = start(&agent).await;
    let before = tokio::time::Instant::now();
    let answer = ask(address, "GET /healthz HTTP/1.1\r\nHost: ").await;
    assert!(!answer.contains("200"), "{answer}");
    assert!(before.elapsed() <= HEAD_TIME * 2);
}

#[tokio::test]
async fn connections_are_limited_and_come_free_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(AgentTable::default(), folder.path());
    let (address, _end) = start(&agent).await;
    let mut held = Vec::new();
    for _ in 0..MOST_CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.read_u8().await.expect("answered, and kept open");
        held.push(stream);
    }
    let mut surplus = TcpStream::connect(address).await.expect("connected");
    assert!(!matches!(surplus.read(&mut [0; 1]).await, Ok(1..)), "closed at once");
    let mut last = held.pop().expect("one of them");
    last.shutdown().await.expect("closed");
    last.read_to_end(&mut Vec::new()).await.expect("the agent closes, too");
    let mut answer = ask(address, &get(address, "/healthz", "")).await;
    while !answer.starts_with("HTTP/1.1 200") {
        // The place comes free a moment after the connection is closed.
        tokio::task::yield_now().await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        answer.clear();
        if stream.write_all(get(address, "/healthz", "").as_bytes()).await.is_ok() {
            let _ = stream.read_to_string(&mut answer).await;
        }
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let error = listen(&address.to_string()).await.expect_err("taken").to_string();
    assert!(error.contains(&address.port().to_string()) && error.contains("in use"), "{error}");
    let error = listen("everywhere").await.expect_err("no address").to_string();
    assert!(error.contains("127.0.0.1:8421"), "{error}");
}

#[tokio::test]
async fn off_loopback_needs_tls_or_a_clear_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent_of = |insecure| {
        let table = AgentTable { insecure, ..AgentTable::default() };
        agent(table, folder.path())
    };
    let listener = || TcpListener::bind("0.0.0.0:0");
    let refused = agent_of(false).serve(listener().await.expect("a port"), async {}).await;
    let error = refused.expect_err("refused");
    assert!(matches!(error, AgentError::Serve(ServeError::NeedsTls(_))), "{error}");
    agent_of(true).serve(listener().await.expect("a port"), async {}).await.expect("served");
}

#[tokio::test]
async fn tls_is_served_with_the_configured_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let tls =
        Tls { certificate: certificate.display().to_string(), key: key.display().to_string() };
    let agent = agent(AgentTable { tls: Some(tls), ..AgentTable::default() }, folder.path());
    let (address, _end) = start(&agent).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("connected");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().expect("a name");
    let mut stream = connector.connect(name, stream).await.expect("a handshake");
    stream.write_all(get(address, "/healthz", "").as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answered");
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn a_missing_certificate_is_named() {
    let tls =
        Tls { certificate: "/nowhere/cert.pem".to_owned(), key: "/nowhere/key.pem".to_owned() };
    let error = tls_config(&tls).expect_err("refused").to_string();
    assert!(error.contains("/nowhere/cert.pem"), "{error}");
}

#[tokio::test]
async fn a_job_reports_by_its_secret_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[[check.heartbeat]]\ncomponent = \"veeam\"\nname = \"nightly\"\n";
    let source = evenkeel_config::load::Source::new("agent.toml", text);
    let settings = evenkeel_config::load::agent_from(&source).expect("sound settings").value;
    let agent = Agent::open(settings, None, &folder.path().join("data")).expect("an agent");
    let (address, _end) = start(&agent).await;
    let beats = crate::heartbeats::Heartbeats::new(agent.data());
    let token = beats.token("nightly").expect("a token");
    let status = |answer: &str| answer.split(' ').nth(1).unwrap_or_default().to_owned();
    for (path, expected) in [
        (format!("/heartbeat/{token}/start"), "200"),
        (format!("/heartbeat/{token}"), "200"),
        (format!("/heartbeat/{token}/3"), "200"),
        (format!("/heartbeat/{token}/999"), "404"),
        (format!("/heartbeat/{}", "0".repeat(64)), "404"),
        ("/heartbeat/".to_owned(), "404"),
    ] {
        let answer = ask(address, &get(address, &path, "")).await;
        assert_eq!(status(&answer), expected, "{path}: {answer}");
    }
    let body = format!(
        "POST /heartbeat/{token}/fail HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: 7\r\n\r\npl4nted"
    );
    assert_eq!(status(&ask(address, &body).await), "200");
    let stranger = body.replace(&address.to_string(), "evil.example");
    assert_eq!(status(&ask(address, &stranger).await), "421");
    let words: Vec<Word> =
        beats.of("nightly").expect("kept").iter().map(|ping| ping.word).collect();

    assert_eq!(words, [Word::Start, Word::End(0), Word::End(3), Word::End(1)]);
    let mut kept = String::new();
    for entry in std::fs::read_dir(agent.data().join("heartbeats")).expect("the folder") {
        kept += &std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
    }
    assert!(!kept.contains("pl4nted"), "a body was kept");
    // What a job said is stored as such, and is never green alone.
    let evidence = agent.run_all_once().await;
    assert_eq!(evidence[0].status, evenkeel_config::record::Status::Critical);
    assert!(evidence[0].findings.iter().any(|one| one.id == "backup_only_said"));
    let flood = async {
        let mut refused = 0;
        for _ in 0..80 {
            let answer = ask(address, &get(address, &format!("/heartbeat/{token}"), "")).await;
            refused += usize::from(status(&answer) == "429");
        }
        refused
    };
    assert!(flood.await > 0, "a flood is taken in whole");
}
