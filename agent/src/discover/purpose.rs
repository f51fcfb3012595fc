//! What a port is usually for, in the words of the people who miss it.

/// What stands behind a well-known port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose {
    /// What to call the program if it cannot be seen.
    pub(crate) service: &'static str,
    /// What people do with it.
    pub(crate) function: &'static str,
}

const PURPOSES: [(&[u16], Purpose); 14] = [
    (&[25, 465, 587], Purpose { service: "smtp", function: "mail" }),
    (&[110, 143, 993, 995], Purpose { service: "imap", function: "mail" }),
    (&[53], Purpose { service: "name-server", function: "names and addresses" }),
    (&[80, 443, 8080, 8443], Purpose { service: "web", function: "web pages" }),
    (&[88, 389, 636], Purpose { service: "directory", function: "log in" }),
    (&[139, 445], Purpose { service: "smb", function: "file shares" }),
    (&[2049], Purpose { service: "nfs", function: "file shares" }),
    (&[515, 631, 9100], Purpose { service: "printing", function: "printing" }),
    (&[1433], Purpose { service: "mssql", function: "database" }),
    (&[3306], Purpose { service: "mysql", function: "database" }),
    (&[5432], Purpose { service: "postgresql", function: "database" }),
    (&[3389], Purpose { service: "remote-desktop", function: "remote work" }),
    (&[5060, 5061], Purpose { service: "sip", function: "phones" }),
    (&[8000], Purpose { service: "rest-server", function: "backup target" }),
];

/// Ports on which the first byte is part of a TLS handshake.
const TLS: [u16; 11] = [443, 465, 636, 853, 993, 995, 3269, 5986, 6443, 8443, 9443];

/// What a port is usually for.
pub(crate) fn of_port(port: u16) -> Option<Purpose> {
    PURPOSES.iter().find(|(ports, _)| ports.contains(&port)).map(|(_, purpose)| *purpose)
}

/// Whether a port usually speaks TLS from the first byte on.
pub(crate) fn is_tls(port: u16) -> bool {
    TLS.contains(&port)
}
