//! Who may ask what: listed host names for everybody, the token for what tells about the host.
use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, StatusCode, header};

use super::{heartbeat, token};

/// The rules of one listener. Loopback is not authentication: any page in a
/// browser on this host can reach it, so every request must name a listed
/// host, and what tells about the host needs the token.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    hosts: Vec<String>,
    token: String,
    demand_all: bool,
}

impl Guard {
    /// Rules for a listener. `demand_all` asks for the token on everything
    /// but `/healthz`.
    pub(super) fn new(
        address: SocketAddr,
        names: &[String],
        token: &str,
        demand_all: bool,
    ) -> Self {
        let port = address.port();
        let mut plain = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        match address {
            _ if address.ip().is_unspecified() => {}
            SocketAddr::V4(address) => plain.push(address.ip().to_string()),
            SocketAddr::V6(address) => plain.push(format!("[{}]", address.ip())),
        }
        plain.extend(names.iter().map(|name| name.to_ascii_lowercase()));
        let mut hosts: Vec<String> = plain.iter().map(|name| format!("{name}:{port}")).collect();
        if matches!(port, 80 | 443) {
            hosts.extend(plain);
        }
        Self { hosts, token: token.to_owned(), demand_all }
    }

    /// Judges a request.
    ///
    /// # Errors
    /// The status to answer with and the reason.
    pub(super) fn judge(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, &'static str)> {
        if !self.is_listed(headers) {
            let why = "this name is not listed; add it to `names` in agent.toml\n";
            return Err((StatusCode::MISDIRECTED_REQUEST, why));
        }
        if path.starts_with(heartbeat::PREFIX) {
            // The address is the secret; whatever a job sends along is dropped unread.
            return match *method {
                Method::GET | Method::HEAD | Method::POST | Method::PUT => Ok(()),
                _ => Err((StatusCode::METHOD_NOT_ALLOWED, "a job reports by GET or POST\n")),
            };
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n"));
        }
        let has_body = headers.contains_key(header::TRANSFER_ENCODING)
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
        if has_body {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "a body is not taken\n"));
        }
        let is_open = match path {
            "/healthz" => true,
            "/metrics" => !self.demand_all,
            _ => false,
        };
        if is_open || self.has_token(headers) {
            Ok(())
        } else {
            Err((StatusCode::UNAUTHORIZED, "the access token is missing or wrong\n"))
        }
    }

    /// Exactly one `Host`, and a listed one.
    fn is_listed(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().is_ok_and(|host| self.hosts.contains(&host.to_ascii_lowercase()))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let cookie = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix("evenkeel-agent="));
        bearer.into_iter().chain(cookie).any(|given| token::is_same(given.trim(), &self.token))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    /// The status of a GET by path and headers; 200 if it may pass.
    fn check(demand_all: bool, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let address = "127.0.0.1:8421".parse().expect("an address");
        let guard = Guard::new(address, &["Srv-1.example".to_owned()], TOKEN, demand_all);
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).expect("a value");
                (HeaderName::from_static(name), value)
            })
            .collect();
        guard.judge(&Method::GET, path, &headers).err().map_or(200, |(status, _)| status.as_u16())
    }

    #[test]
    fn only_listed_hosts_are_answered() {
        for (host, status) in [
            ("127.0.0.1:8421", 200),
            ("localhost:8421", 200),
            ("LOCALHOST:8421", 200),
            ("[::1]:8421", 200),
            ("srv-1.example:8421", 200),
            ("localhost", 421),
            ("localhost:80", 421),
            ("evil.example:8421", 421),
            ("127.0.0.1:8421.evil.example", 421),
            ("", 421),
        ] {
            assert_eq!(check(false, "/healthz", &[("host", host)]), status, "{host}");
        }
        assert_eq!(check(false, "/healthz", &[]), 421);
    }

    #[test]
    fn what_tells_about_the_host_needs_the_token() {
        let host = ("host", "localhost:8421");
        let bearer = format!("Bearer {TOKEN}");
        let cookie = format!("a=b; evenkeel-agent={TOKEN}");
        for path in ["/evidence", "/map", "/", "/metrics/x"] {
            assert_eq!(check(false, path, &[host]), 401, "{path}");
            assert_eq!(check(false, path, &[host, ("authorization", "Bearer no")]), 401, "{path}");
            assert_eq!(check(false, path, &[host, ("authorization", TOKEN)]), 401, "{path}");
            assert_eq!(check(false, path, &[host, ("authorization", &bearer)]), 200, "{path}");
            assert_eq!(check(false, path, &[host, ("cookie", &cookie)]), 200, "{path}");
        }
        assert_eq!(check(false, "/metrics", &[host]), 200);
        assert_eq!(check(true, "/metrics", &[host]), 401);
        assert_eq!(check(true, "/healthz", &[host]), 200);
    }

    #[test]
    fn bodies_are_refused() {
        let host = ("host", "localhost:8421");
        assert_eq!(check(false, "/healthz", &[host, ("content-length", "5")]), 413);
        assert_eq!(check(false, "/healthz", &[host, ("transfer-encoding", "chunked")]), 413);
        assert_eq!(check(false, "/healthz", &[host, ("content-length", "0")]), 200);
    }
}
