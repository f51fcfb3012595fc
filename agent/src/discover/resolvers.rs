//! The name servers that this host asks, and the names it gives to addresses itself.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::read;
use crate::probe::host::Host;

/// Where the addresses of name servers stand: the usual file, and the one
/// with the real servers where systemd-resolved stands in front.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Addresses of the host's name servers, without its own stub on loopback.
pub(crate) fn read(host: &Host) -> Vec<IpAddr> {
    let mut servers = BTreeSet::new();
    for file in FILES {
        let text = read::settings(host, file).unwrap_or_default();
        servers.extend(parse(&text).into_iter().filter(|address| !address.is_loopback()));
    }
    servers.into_iter().collect()
}

/// Whether the resolver library has anybody to ask.
pub(crate) fn is_any_set(host: &Host) -> bool {
    let text = read::settings(host, "/etc/resolv.conf").unwrap_or_default();
    !parse(&text).is_empty()
}

fn parse(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            if words.next()? != "nameserver" {
                return None;
            }
            words.next()?.split('%').next()?.parse().ok()
        })
        .take(16)
        .collect()
}

/// First name of each address in `/etc/hosts`, loopback left out.
pub(crate) fn names(host: &Host) -> BTreeMap<IpAddr, String> {
    let text = read::settings(host, "/etc/hosts").unwrap_or_default();
    let mut names = BTreeMap::new();
    for line in text.lines().take(4096) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let (Some(address), Some(name)) = (words.next(), words.next()) else { continue };
        if let Ok(address) = address.parse::<IpAddr>()
            && !address.is_loopback()
            && !address.is_multicast()
        {
            names.entry(address).or_insert_with(|| read::plain(name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_and_anything_else_is_not() {
        let text = "# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver nonsense\n";
        let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.53", "fe80::1"]);
    }
}
