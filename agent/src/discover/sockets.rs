//! The kernel's TCP tables: who listens, and who talks to whom.
//!
//! Rows in TIME_WAIT are kept for a minute, so a sample every 30 seconds sees
//! short connections, too, wherever this host is the one that closes.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state of a socket, as far as it tells of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits for connections.
    Listening,
    /// Connected.
    Established,
    /// Closed less than a minute ago; has no owner any more.
    Closed,
}

/// One row of a TCP table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Socket {
    /// Our end.
    pub(crate) local: SocketAddr,
    /// The other end.
    pub(crate) remote: SocketAddr,
    /// Its state.
    pub(crate) state: State,
    /// The user that owns it.
    pub(crate) uid: u32,
    /// Its inode; 0 when it has no owner.
    pub(crate) inode: u64,
}

/// Most rows of one table that are looked at.
const MOST_ROWS: usize = 200_000;

/// Reads `/proc/net/tcp` or `/proc/net/tcp6`; rows in other states or that
/// cannot be read are left out.
pub(crate) fn parse(table: &str) -> Vec<Socket> {
    table.lines().skip(1).take(MOST_ROWS).filter_map(row).collect()
}

fn row(line: &str) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let state = match fields.next()? {
        "01" => State::Established,
        "06" => State::Closed,
        "0A" => State::Listening,
        _ => return None,
    };
    let mut fields = fields.skip(3);
    let uid = fields.next()?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Socket { local, remote, state, uid, inode })
}

/// `0100007F:1F90`: words in the machine's own byte order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| -> Option<[u8; 4]> {
        u32::from_str_radix(host.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match host.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(8 * index)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 20001 1 0000000000000000 100 0 0 10 0
   1: 0A02000A:C350 140200C0:01BB 01 00000000:00000000 02:00000A00 00000000    33        0 20002 2 0000000000000000 20 4 30 10 -1
   2: 0A02000A:C351 140200C0:01BB 06 00000000:00000000 03:00000A00 00000000     0        0 0 3 0000000000000000
   3: 0A02000A:C352 140200C0:01BB 02 00000000:00000000 03:00000A00 00000000     0        0 0 3 0000000000000000
";

    #[test]
    fn rows_that_tell_of_a_dependency_are_kept() {
        let rows = parse(TABLE);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].local.to_string(), "127.0.0.1:5432");
        assert_eq!((rows[0].uid, rows[0].inode), (107, 20001));
        assert_eq!(rows[1].remote.to_string(), "192.0.2.20:443");
        assert_eq!(rows[2].state, State::Closed);
    }

    #[test]
    fn a_mapped_address_is_read_as_version_4() {
        let row = "   0: 0000000000000000FFFF00000A02000A:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1";
        let sockets = parse(&format!("header\n{row}\n"));
        assert_eq!(sockets[0].local.to_string(), "10.0.2.10:80");
    }

    #[test]
    fn a_row_cut_anywhere_is_left_out_quietly() {
        let row = TABLE.lines().nth(1).unwrap();
        for end in 0..row.len() {
            if row.is_char_boundary(end) {
                parse(&format!("header\n{}", &row[..end]));
            }
        }
    }
}
