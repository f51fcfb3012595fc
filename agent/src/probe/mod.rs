//! All contact with the outside: tools, files of the host, TLS and DNS.
pub mod borg;
pub mod copy;
pub mod dns;
mod endings;
pub mod host;
pub mod lookup;
pub mod own_file;
pub mod pgbackrest;
pub mod postgres;
pub mod process;
pub mod redact;
pub mod restic;
pub mod tls;
pub mod tool;
pub mod x509;
