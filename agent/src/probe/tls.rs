//! Takes the certificates that a TLS server shows, valid or not.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_config::record::{Failure, FailureKind};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server that shows more certificates is not read on.
const MOST_CERTIFICATES: usize = 16;

/// What a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// DER certificates in the order of the server, its own first.
    pub chain: Vec<Vec<u8>>,
    /// The server speaks nothing newer than TLS 1.1, so that no certificate could be taken.
    pub legacy_only: bool,
}

/// Why no certificate was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The name has no address.
    #[error("{name} has no address: {why}")]
    NoAddress {
        /// The name.
        name: String,
        /// The resolver's words.
        why: String,
    },
    /// Nobody listens.
    #[error("{address} refuses the connection")]
    Refused {
        /// Address and port.
        address: SocketAddr,
    },
    /// Nothing came back in time.
    #[error("{address} did not answer within {seconds} s")]
    Timeout {
        /// Address and port.
        address: SocketAddr,
        /// The limit.
        seconds: u64,
    },
    /// No way there, or the connection broke.
    #[error("{address} cannot be reached: {why}")]
    Unreachable {
        /// Address and port.
        address: SocketAddr,
        /// The system's words.
        why: String,
    },
    /// Something answers that is no TLS server.
    #[error("{address} answers, and not in TLS: {why}")]
    NotTls {
        /// Address and port.
        address: SocketAddr,
        /// What was wrong.
        why: String,
    },
}

impl TlsError {
    /// A short stable word: `no_address`, `refused`, `timeout`, `unreachable` or `not_tls`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => "no_address",
            Self::Refused { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::NotTls { .. } => "not_tls",
        }
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        let (kind, advice) = match &error {
            TlsError::NoAddress { .. } => {
                (FailureKind::NetworkDown, "correct the name in `endpoint`, or give `addresses`")
            }
            TlsError::Refused { .. } => {
                (FailureKind::NetworkDown, "see whether the service runs on that port")
            }
            TlsError::Timeout { .. } => {
                (FailureKind::Timeout, "see whether the machine is up and no filter drops packets")
            }
            TlsError::Unreachable { .. } => {
                (FailureKind::NetworkDown, "see whether the network there is up")
            }
            TlsError::NotTls { .. } => {
                (FailureKind::Unreadable, "name a port that speaks TLS from the first byte")
            }
        };
        Self { kind, what: error.to_string(), advice: advice.to_owned() }
    }
}

/// Connects and keeps what the server shows. Nothing is trusted and nothing sent.
///
/// # Errors
/// When no certificate was seen and the reason is not the server's old protocol.
pub async fn fetch(
    address: SocketAddr,
    server_name: &ServerName<'static>,
    limit: Duration,
) -> Result<Shown, TlsError> {
    let capture = Arc::new(Capture::default());
    let timeout = || TlsError::Timeout { address, seconds: limit.as_secs_f64().ceil() as u64 };
    let handshake = async {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(config(capture.clone())));
        connector.connect(server_name.clone(), stream).await
    };
    let ended = tokio::time::timeout(limit, handshake).await;
    let chain = capture.chain.lock().map(|mut chain| std::mem::take(&mut *chain));
    let chain = chain.unwrap_or_default();
    match ended {
        // A server that asks for our certificate ends the handshake after showing its own.
        _ if !chain.is_empty() => Ok(Shown { chain, legacy_only: false }),
        Err(_) => Err(timeout()),
        Ok(Ok(_)) => Err(TlsError::NotTls { address, why: "no certificate came".to_owned() }),
        Ok(Err(error)) if is_too_old(&error) => Ok(Shown { chain, legacy_only: true }),
        Ok(Err(error)) => Err(failed(address, &error)),
    }
}

fn config(capture: Arc<Capture>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports both versions")
        .dangerous()
        .with_custom_certificate_verifier(capture)
        .with_no_client_auth();
    config.enable_early_data = false;
    config.resumption = rustls::client::Resumption::disabled();
    config
}

fn failed(address: SocketAddr, error: &std::io::Error) -> TlsError {
    use std::io::ErrorKind;
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return TlsError::NotTls { address, why: inner.to_string() };
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => TlsError::Refused { address },
        ErrorKind::UnexpectedEof => {
            TlsError::NotTls { address, why: "the connection was closed".to_owned() }
        }
        _ => TlsError::Unreachable { address, why: error.to_string() },
    }
}

fn is_too_old(error: &std::io::Error) -> bool {
    use rustls::Error;
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).is_some_and(|inner| {
        matches!(
            inner,
            Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_)
        )
    })
}

/// Keeps the chain and accepts everything, since a refused chain could not be judged.
#[derive(Debug, Default)]
struct Capture {
    chain: Mutex<Vec<Vec<u8>>>,
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Ok(mut chain) = self.chain.lock() {
            *chain = std::iter::once(end_entity)
                .chain(intermediates)
                .take(MOST_CERTIFICATES)
                .map(|certificate| certificate.to_vec())
                .collect();
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // Old ones too: a weak server is to be seen, not avoided.
        let provider = rustls::crypto::ring::default_provider();
        let mut schemes = provider.signature_verification_algorithms.supported_schemes();
        schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        schemes
    }
}
