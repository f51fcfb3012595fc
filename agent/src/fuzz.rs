//! Entry points for fuzzers: whatever comes from outside is fed in as bytes and must not panic.

/// What restic lists.
pub fn restic_snapshots(bytes: &[u8]) {
    let _ = crate::probe::restic::snapshots(bytes);
    let _ = crate::probe::restic::classify(Some(1), bytes);
}

/// A packet from a DNS server.
pub fn dns_packet(bytes: &[u8]) {
    let _ = crate::probe::dns::parse(bytes);
}

/// Certificates from a server or a file, as DER and as PEM.
pub fn certificate(bytes: &[u8]) {
    let _ = crate::probe::x509::read(bytes);
    let chain = crate::probe::x509::pem(bytes).unwrap_or_else(|_| vec![bytes.to_vec()]);
    let authorities = crate::probe::x509::Authorities::default();
    let _ = crate::probe::x509::way(&chain, &authorities, jiff::Timestamp::UNIX_EPOCH);
}

/// A file that a drill brought back: archives, documents, headers of databases.
pub fn restored_file(bytes: &[u8]) {
    crate::drill::examine::look_at_bytes(bytes);
}

/// The first bytes of a dump of PostgreSQL.
pub fn postgres_dump(bytes: &[u8]) {
    let _ = crate::probe::postgres::dump::head(bytes);
}

/// A plain dump on its way into a throw-away database.
pub fn postgres_script(bytes: &[u8]) {
    use crate::probe::postgres::script;
    let survey = script::survey(bytes).unwrap_or_default();
    let _ = script::pass(bytes, &survey, false, &mut |_| true);
}
