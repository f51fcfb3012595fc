//! The pages over HTTP: no script, strict policy, token for everything but health and metrics.
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hyper_util::rt::TokioTimer;
use maud::Markup;
use tokio::sync::Notify;

use crate::access::{Access, Verdict};
use crate::html::assets;
use crate::pages;
use crate::picture::{Ask, Picture};

/// What every request sees: the current picture, the rules, and a bell to ring
/// when somebody wants new facts.
#[derive(Debug, Clone)]
pub struct Site {
    picture: Arc<RwLock<Arc<Picture>>>,
    access: Arc<Access>,
    refresh: Arc<Notify>,
}

impl Site {
    /// A site that shows `picture` under the rules of `access`.
    pub fn new(picture: Picture, access: Access) -> Self {
        Self {
            picture: Arc::new(RwLock::new(Arc::new(picture))),
            access: Arc::new(access),
            refresh: Arc::new(Notify::new()),
        }
    }

    /// The picture shown now.
    pub fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.picture.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows another picture from now on.
    pub fn show(&self, picture: Picture) {
        *self.picture.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(picture);
    }

    /// Ends when somebody asked for new facts.
    pub async fn asked_to_refresh(&self) {
        self.refresh.notified().await;
    }

    /// All routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(tonight))
            .route("/function", get(function))
            .route("/map", get(map))
            .route("/evidence", get(evidence))
            .route("/report", get(report))
            .route("/report.html", get(report_file))
            .route("/refresh", post(refresh))
            .route("/enter", post(enter))
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "ok\n" }))
            .route(assets::STYLESHEET_PATH, get(stylesheet))
            .fallback(|| async { (StatusCode::NOT_FOUND, "there is no such page\n") })
            .layer(DefaultBodyLimit::max(4096))
            .layer(from_fn_with_state(self.clone(), guard))
            .with_state(self.clone())
    }
}

/// Serves until `handle` is told to stop.
///
/// # Errors
/// The listener is lost.
pub async fn serve(
    site: &Site,
    listener: std::net::TcpListener,
    tls: Option<axum_server::tls_rustls::RustlsConfig>,
    handle: axum_server::Handle<SocketAddr>,
) -> std::io::Result<()> {
    let service = site.router().into_make_service();
    match tls {
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
            set_deadlines(server.http_builder());
            server.serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            set_deadlines(server.http_builder());
            server.serve(service).await
        }
    }
}

/// A client that sends its request slowly does not hold a connection for ever.
fn set_deadlines(
    builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>,
) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
}

/// Every request passes here: host, token and origin, then the headers of the answer.
async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let verdict = site.access.judge(request.method(), request.uri().path(), request.headers());
    let mut response = match verdict {
        Verdict::Allowed => next.run(request).await,
        Verdict::WrongHost => {
            let words = "this name is not served here; use the address that the program printed, \
                         or list the name with --name\n";
            (StatusCode::MISDIRECTED_REQUEST, words).into_response()
        }
        Verdict::WrongOrigin => {
            (StatusCode::FORBIDDEN, "changes are only taken from our own pages\n").into_response()
        }
        Verdict::NoToken => match offered_token(&site, &request) {
            Some(welcome) => welcome,
            None => (StatusCode::UNAUTHORIZED, html(&pages::door::page())).into_response(),
        },
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, assets::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The address printed at start carries the token; it becomes a cookie and
/// leaves the address bar.
fn offered_token(site: &Site, request: &Request) -> Option<Response> {
    let offered = request.uri().query()?.strip_prefix("token=")?;
    let welcome = site.access.is_token(offered).then(|| Redirect::to("/").into_response());
    welcome.map(|response| with_cookie(site, response))
}

fn with_cookie(site: &Site, mut response: Response) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(&site.access.cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn enter(State(site): State<Site>, body: String) -> Response {
    let offered = body.strip_prefix("token=").unwrap_or("").trim();
    if site.access.is_token(offered) {
        with_cookie(&site, Redirect::to("/").into_response())
    } else {
        (StatusCode::UNAUTHORIZED, html(&pages::door::page())).into_response()
    }
}

#[derive(serde::Deserialize)]
struct Question {
    scenario: Option<String>,
    function: Option<String>,
}

impl From<Question> for Ask {
    fn from(question: Question) -> Self {
        Self { scenario: question.scenario, function: question.function }
    }
}

async fn tonight(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    html(&pages::tonight::page(&site.picture(), &question.into()))
}

async fn function(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    html(&pages::function::page(&site.picture(), &question.into()))
}

async fn map(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    html(&pages::map::page(&site.picture(), &question.into()))
}

async fn evidence(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    html(&pages::evidence::page(&site.picture(), &question.into()))
}

async fn report(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    html(&pages::report::page(&site.picture(), &question.into()))
}

async fn report_file(State(site): State<Site>, Query(question): Query<Question>) -> Response {
    let page = pages::report::self_contained(&site.picture(), &question.into());
    let name = HeaderValue::from_static("attachment; filename=\"continuity-report.html\"");
    let mut response = typed("text/html; charset=utf-8", page);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

async fn refresh(State(site): State<Site>) -> Redirect {
    site.refresh.notify_one();
    Redirect::to("/")
}

async fn metrics(State(site): State<Site>) -> Response {
    match crate::export::metrics(&site.picture()) {
        Ok(page) => typed("text/plain; version=0.0.4; charset=utf-8", page),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn stylesheet() -> Response {
    let mut response = typed("text/css; charset=utf-8", assets::STYLESHEET.to_owned());
    let day = HeaderValue::from_static("max-age=86400");
    response.headers_mut().insert(header::CACHE_CONTROL, day);
    response
}

fn html(page: &Markup) -> Response {
    typed("text/html; charset=utf-8", page.clone().into_string())
}

fn typed(kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
