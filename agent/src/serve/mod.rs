//! HTTP: `/metrics` and `/healthz` for everybody on the host, `/evidence` and `/map` by token,
//! `/heartbeat/TOKEN` for jobs that report.
mod guard;
mod heartbeat;
mod limit;
pub mod token;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use evenkeel_config::agent::{AgentTable, Tls};
use hyper_util::rt::TokioTimer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::agent::Agent;
use guard::Guard;
use limit::Limit;

/// Most open connections; more are closed at once.
const MOST_CONNECTIONS: usize = 64;
/// Largest head of a request.
const LARGEST_HEAD: usize = 16 << 10;
/// Longest time a client may take to send its head.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Longest time an answer may take to be put together.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// Largest answer.
const LARGEST_ANSWER: usize = 32 << 20;
/// How long open connections get at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is none.
    #[error(
        "`{0}` is no address to listen on\n  hint: write one as in `listen = \"127.0.0.1:8421\"`"
    )]
    Address(String),
    /// The port is taken.
    #[error(
        "port {} on {} is in use\n  hint: see by whom with `ss -ltnp`, or set another one, as in \
         `listen = \"127.0.0.1:{}\"`", .0.port(), .0.ip(), .0.port().wrapping_add(1)
    )]
    InUse(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Off loopback without protection.
    #[error(
        "{0} can be reached by others, so TLS is needed\n  hint: set `tls = {{ certificate = \
         \"FILE.pem\", key = \"FILE.pem\" }}`, listen on 127.0.0.1, or say `insecure = true`"
    )]
    NeedsTls(SocketAddr),
    /// The certificate or its key cannot be used.
    #[error("{file}: cannot be used for TLS: {why}")]
    Tls {
        /// The file.
        file: String,
        /// The reason.
        why: String,
    },
    /// The server stopped by itself.
    #[error("the server stopped: {0}")]
    Stopped(std::io::Error),
}

/// Takes the configured address.
///
/// # Errors
/// The text is no address, or the port is taken.
pub async fn listen(address: &str) -> Result<tokio::net::TcpListener, ServeError> {
    let address: SocketAddr =
        address.parse().map_err(|_| ServeError::Address(address.chars().take(60).collect()))?;
    tokio::net::TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::InUse(address),
        _ => ServeError::Listen(address, error),
    })
}

/// What every request is answered from.
#[derive(Debug, Clone)]
struct Desk {
    agent: Agent,
    guard: Guard,
    reports: heartbeat::Bucket,
}

/// Answers on a listener until `shutdown`.
pub(crate) async fn serve(
    agent: &Agent,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Stopped)?;
    let table = agent.setup().settings.agent.clone();
    let tls = protection(address, &table)?;
    let demand_all = !address.ip().is_loopback() && !table.insecure;
    let guard = Guard::new(address, &table.names, agent.token(), demand_all);
    let app = routes(Desk { agent: agent.clone(), guard, reports: heartbeat::Bucket::new() })
        .into_make_service();

    let handle = Handle::<SocketAddr>::new();
    let limit = Limit::new(MOST_CONNECTIONS);
    let mut server =
        Server::from_listener(listener).acceptor(limit.clone()).http1_only().handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(LARGEST_HEAD);
    let serving = async {
        match tls {
            None => server.serve(app).await,
            Some(config) => {
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(HEAD_TIME);
                server.acceptor(acceptor.acceptor(limit)).serve(app).await
            }
        }
    };
    let ending = async {
        shutdown.await;
        handle.graceful_shutdown(Some(FAREWELL));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        done = serving => done.map_err(ServeError::Stopped),
        () = ending => Ok(()),
    }
}

/// The TLS configuration a listener needs; refused off loopback without one.
fn protection(address: SocketAddr, table: &AgentTable) -> Result<Option<RustlsConfig>, ServeError> {
    match &table.tls {
        Some(tls) => tls_config(tls).map(Some),
        None if address.ip().is_loopback() || table.insecure => Ok(None),
        None => Err(ServeError::NeedsTls(address)),
    }
}

fn tls_config(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    let wrap = |file: &str, why: String| ServeError::Tls { file: file.to_owned(), why };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(Path::new(&tls.certificate))
            .and_then(Iterator::collect)
            .map_err(|error| wrap(&tls.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(Path::new(&tls.key))
        .map_err(|error| wrap(&tls.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| wrap(&tls.certificate, error.to_string()))?;
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .route("/evidence", get(evidence))
        .route("/map", get(map))
        .route("/heartbeat/{token}", any(heartbeat::success))
        .route("/heartbeat/{token}/{word}", any(heartbeat::report))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here\n") })
        .layer(middleware::from_fn_with_state(desk.clone(), door))
        .with_state(desk)
}

/// Judges each request, bounds each answer in time, and adds the headers.
async fn door(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let judged = desk.guard.judge(request.method(), request.uri().path(), request.headers());
    let mut response = match judged {
        Err((status, why)) => refuse(status, why),
        Ok(()) => tokio::time::timeout(ANSWER_TIME, next.run(request)).await.unwrap_or_else(|_| {
            (StatusCode::SERVICE_UNAVAILABLE, "the answer took too long\n").into_response()
        }),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refuse(status: StatusCode, why: &'static str) -> Response {
    let mut response = (status, why).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"evenkeel-agent\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn metrics(State(desk): State<Desk>) -> Response {
    let text = desk.agent.metrics();
    answer("text/plain; version=0.0.4; charset=utf-8", text)
}

async fn evidence(State(desk): State<Desk>) -> Response {
    json(move || serde_json::to_string(&desk.agent.evidence())).await
}

async fn map(State(desk): State<Desk>) -> Response {
    json(move || serde_json::to_string(&desk.agent.recorded_map())).await
}

/// A document that is put together on another thread, since it reads the store.
async fn json(
    make: impl FnOnce() -> Result<String, serde_json::Error> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(make).await {
        Ok(Ok(text)) => answer("application/json", text),
        Ok(Err(_)) | Err(_) => {
            let why = "the document could not be put together; see the agent's log\n";
            (StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
        }
    }
}

fn answer(kind: &'static str, text: String) -> Response {
    if text.len() > LARGEST_ANSWER {
        return (StatusCode::INSUFFICIENT_STORAGE, "the answer is too large\n").into_response();
    }
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

#[cfg(test)]
mod tests;
