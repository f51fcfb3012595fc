//! All contact with the outside: tools, files of the host, TLS and DNS.
pub mod groups;
pub mod host;
pub mod redact;
pub mod restic;
pub mod tool;
