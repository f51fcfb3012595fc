//! TLS for listeners off loopback.
use std::path::Path;

use axum_server::tls_rustls::RustlsConfig;

use crate::cli::Failure;

/// Reads certificate and key in PEM.
///
/// # Errors
/// A file is missing or is no PEM; the message names both.
pub(crate) async fn load(certificate: &Path, key: &Path) -> Result<RustlsConfig, Failure> {
    // The provider of cryptography is chosen once for the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(certificate, key).await.map_err(|error| {
        Failure::other(format!(
            "cannot serve with the certificate {} and the key {}: {error}\n  hint: both are PEM files, the \
             certificate with its chain, leaf first",
            certificate.display(),
            key.display()
        ))
    })
}
