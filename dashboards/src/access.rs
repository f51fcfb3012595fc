//! Who may ask what: listed host names, a token for pages, same origin for changes.
use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;

use crate::html::assets::STYLESHEET_PATH;

/// The rules of one listener. Loopback is not authentication: any page in a
/// browser can reach it, so every request must name a listed host, and every
/// page needs the token.
#[derive(Debug, Clone)]
pub struct Access {
    names: Vec<String>,
    token: String,
    cookie: String,
    secure: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// The `Host` header is none of the listed names.
    WrongHost,
    /// No token, or a wrong one.
    NoToken,
    /// A change asked for from another origin.
    WrongOrigin,
}

impl Access {
    /// Rules for a listener at `address`, reachable also under `names`
    /// (`host` or `host:port`).
    pub fn new(address: SocketAddr, names: &[String], token: String, secure: bool) -> Self {
        let port = address.port();
        let mut listed = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        listed.push(format!("[::1]:{port}"));
        if !address.ip().is_unspecified() {
            listed.push(address.to_string());
        }
        for name in names {
            listed.push(name.to_ascii_lowercase());
            listed.push(format!("{}:{port}", name.to_ascii_lowercase()));
        }
        Self { names: listed, token, cookie: format!("evenkeel-{port}"), secure }
    }

    /// Judges a request by its method, path and headers.
    pub fn judge(&self, method: &Method, path: &str, headers: &HeaderMap) -> Verdict {
        let host = text(headers, header::HOST.as_str()).to_ascii_lowercase();
        if !self.names.contains(&host) {
            return Verdict::WrongHost;
        }
        let open = matches!(path, "/healthz" | "/metrics" | STYLESHEET_PATH);
        if open && *method == Method::GET {
            return Verdict::Allowed;
        }
        let changes = !matches!(*method, Method::GET | Method::HEAD);
        if changes && !self.same_origin(&host, headers) {
            return Verdict::WrongOrigin;
        }
        if path == "/enter" || self.has_token(headers) {
            Verdict::Allowed
        } else {
            Verdict::NoToken
        }
    }

    /// Whether `offered` is the token; takes the same time for any wrong text
    /// of the right length.
    pub fn is_token(&self, offered: &str) -> bool {
        offered.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// The `Set-Cookie` value that lets a browser in.
    pub fn cookie(&self) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie, self.token)
    }

    fn same_origin(&self, host: &str, headers: &HeaderMap) -> bool {
        let scheme = if self.secure { "https" } else { "http" };
        text(headers, header::ORIGIN.as_str()).eq_ignore_ascii_case(&format!("{scheme}://{host}"))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let bearer = text(headers, header::AUTHORIZATION.as_str()).strip_prefix("Bearer ");
        if bearer.is_some_and(|token| self.is_token(token)) {
            return true;
        }
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|line| line.split(';')).any(|cookie| {
            let (name, value) = cookie.trim().split_once('=').unwrap_or(("", ""));
            name == self.cookie && self.is_token(value)
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn judge(method: &Method, path: &str, headers: &[(&str, &str)]) -> Verdict {
        let address = "127.0.0.1:8420".parse().expect("an address");
        let access = Access::new(address, &["keel.example".to_owned()], "s3cret".to_owned(), false);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: header::HeaderName = name.parse().expect("a header name");
            map.append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        access.judge(method, path, &map)
    }

    #[test]
    fn only_listed_hosts_with_the_token_see_pages() {
        let here = ("host", "127.0.0.1:8420");
        let cookie = ("cookie", "a=b; evenkeel-8420=s3cret");
        type Case<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], Verdict);
        let cases: [Case<'_>; 11] = [
            (Method::GET, "/", &[here, cookie], Verdict::Allowed),
            (Method::GET, "/", &[here, ("authorization", "Bearer s3cret")], Verdict::Allowed),
            (Method::GET, "/", &[here], Verdict::NoToken),
            (Method::GET, "/", &[here, ("cookie", "evenkeel-8420=wrong!")], Verdict::NoToken),
            (Method::GET, "/", &[here, ("cookie", "evenkeel-9999=s3cret")], Verdict::NoToken),
            (Method::GET, "/", &[("host", "evil.example:8420"), cookie], Verdict::WrongHost),
            (Method::GET, "/", &[cookie], Verdict::WrongHost),
            (Method::GET, "/metrics", &[here], Verdict::Allowed),
            (Method::GET, "/metrics", &[("host", "evil.example")], Verdict::WrongHost),
            (Method::POST, "/refresh", &[here, cookie], Verdict::WrongOrigin),
            (
                Method::POST,
                "/refresh",
                &[here, cookie, ("origin", "http://127.0.0.1:8420")],
                Verdict::Allowed,
            ),
        ];
        for (method, path, headers, expected) in cases {
            assert_eq!(judge(&method, path, headers), expected, "{method} {path} {headers:?}");
        }
    }
}
