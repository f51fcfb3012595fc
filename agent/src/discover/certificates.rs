//! Certificates that programs of this host serve, as their settings name them.
use std::collections::BTreeMap;

use super::read;
use crate::probe::host::Host;

/// A certificate file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFile {
    /// The PEM file.
    pub(crate) path: String,
    /// A name it is served under, if the settings say.
    pub(crate) server_name: Option<String>,
}

/// Settings files of programs that serve TLS, by folder.
const FOLDERS: [&str; 9] = [
    "/etc/nginx",
    "/etc/nginx/conf.d",
    "/etc/nginx/sites-enabled",
    "/etc/apache2/sites-enabled",
    "/etc/httpd/conf.d",
    "/etc/postfix",
    "/etc/dovecot/conf.d",
    "/etc/haproxy",
    "/etc/postgresql",
];

/// Keys that name a certificate file.
const KEYS: [&str; 6] = [
    "ssl_certificate",
    "SSLCertificateFile",
    "smtpd_tls_cert_file",
    "ssl_cert",
    "ssl_cert_file",
    "ssl_server_cert_file",
];

/// Most certificates that are proposed.
const MOST: usize = 50;

/// Certificate files named in settings, those of certbot, and those that lie
/// beside a private key; sorted, each once.
pub(crate) fn find(host: &Host) -> Vec<CertificateFile> {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    for folder in FOLDERS {
        for name in read::names(host, folder).iter().take(200) {
            let Some(text) = read::settings(host, &format!("{folder}/{name}")) else { continue };
            for certificate in in_settings(&text) {
                found.entry(certificate.path).or_insert(certificate.server_name);
            }
        }
    }
    for name in read::names(host, "/etc/letsencrypt/live") {
        let path = format!("/etc/letsencrypt/live/{name}/fullchain.pem");
        if host.exists(&path) {
            found.entry(path).or_insert(Some(name));
        }
    }
    for name in read::names(host, "/etc/ssl/private") {
        let Some(stem) = name.strip_suffix(".key") else { continue };
        let beside = ["pem", "crt"].map(|ending| format!("/etc/ssl/certs/{stem}.{ending}"));
        if let Some(path) = beside.into_iter().find(|path| host.exists(path)) {
            found.entry(path).or_insert(None);
        }
    }
    found
        .into_iter()
        // Debian's placeholder, which nobody serves on purpose.
        .filter(|(path, _)| !path.contains("snakeoil"))
        .map(|(path, server_name)| CertificateFile { path, server_name })
        .take(MOST)
        .collect()
}

fn in_settings(text: &str) -> Vec<CertificateFile> {
    let mut found: Vec<CertificateFile> = Vec::new();
    let mut server_name = None;
    for line in text.lines().take(20_000).map(str::trim) {
        if line.starts_with('#') || line.len() > 1000 {
            continue;
        }
        let mut words = line
            .split(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | ';' | '<' | '"' | '\''))
            .filter(|word| !word.is_empty());
        let (Some(key), Some(value)) = (words.next(), words.next()) else { continue };
        // A block may name its server before or after its certificate.
        if matches!(key, "server_name" | "ServerName") && value.contains('.') {
            server_name = Some(read::plain(value));
            if let Some(last) = found.last_mut().filter(|last| last.server_name.is_none()) {
                last.server_name.clone_from(&server_name);
            }
        } else if matches!(key, "server" | "VirtualHost") {
            server_name = None;
        } else if KEYS.contains(&key) && value.starts_with('/') {
            let path = read::plain(value);
            found.push(CertificateFile { path, server_name: server_name.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_and_their_names_are_read_from_settings() {
        let nginx = "server {\n  listen 443 ssl;\n  server_name www.town.example;\n  ssl_certificate /etc/ssl/town.pem;\n}\n\
            server {\n  ssl_certificate \"/etc/ssl/other.pem\";\n  server_name other.example;\n}\n";
        let found = in_settings(nginx);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].path, "/etc/ssl/town.pem");
        assert_eq!(found[0].server_name.as_deref(), Some("www.town.example"));
        assert_eq!(found[1].server_name.as_deref(), Some("other.example"));
        let dovecot = in_settings("ssl_cert = </etc/dovecot/mail.pem\n# ssl_cert = </old.pem\n");
        assert_eq!(dovecot.len(), 1);
        assert_eq!(dovecot[0].path, "/etc/dovecot/mail.pem");
    }
}
