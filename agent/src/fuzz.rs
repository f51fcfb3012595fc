//! Entry points for fuzzers: whatever comes from outside is fed in as bytes and must not panic.

/// What restic lists.
pub fn restic_snapshots(bytes: &[u8]) {
    let _ = crate::probe::restic::snapshots(bytes);
    let _ = crate::probe::restic::classify(Some(1), bytes);
}

/// What borg lists, and what it says besides.
pub fn borg_answer(bytes: &[u8]) {
    let _ = crate::probe::borg::archives(bytes);
    let _ = crate::probe::borg::item(bytes);
    let _ = crate::probe::borg::change(bytes);
    let _ = crate::probe::borg::classify(Some(2), &crate::probe::borg::said(bytes));
}

/// Files of a borg repository.
pub fn borg_folder(bytes: &[u8]) {
    let _ = crate::probe::borg::segments_in_use(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = crate::probe::borg::config(&text);
    let _ = crate::probe::borg::in_roster(&text);
}

/// A configuration of borgmatic's.
pub fn borgmatic_configuration(bytes: &[u8]) {
    crate::checks::borgmatic_fuzz(bytes);
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

/// What pgBackRest prints.
pub fn pgbackrest(bytes: &[u8]) {
    let _ = crate::probe::pgbackrest::info(bytes);
    let _ = crate::probe::pgbackrest::verify_is_sound(Some(0), bytes);
    let _ = crate::probe::pgbackrest::manifest_file(bytes);
}

/// The manifest and the label of a base backup of PostgreSQL, and names in its archive.
pub fn postgres_base(bytes: &[u8]) {
    use crate::probe::postgres::base;
    let _ = base::manifest(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = (base::start_time(&text), base::first_segment(&text), base::segment(&text));
}
