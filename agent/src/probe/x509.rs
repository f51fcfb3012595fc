//! Reads certificates and builds their path: what they say, and whom it leads to.
use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::redact::plain;

/// What one certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid to.
    pub not_after: Timestamp,
    /// Whose it is, in one short line.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Names itself as its issuer.
    pub is_self_issued: bool,
    /// Key size in bits; 0 when not known.
    pub key_bits: u32,
    /// An RSA key; its sizes are judged differently.
    pub is_rsa: bool,
    /// Signed with SHA-1 or MD5.
    pub is_weakly_signed: bool,
    /// SHA-256 of the whole, in hexadecimal.
    pub fingerprint: String,
}

/// Whom a chain leads to; dates are left out of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// An authority that this system trusts.
    Public,
    /// An authority that the settings declare.
    Declared,
    /// Nobody: the certificate signs itself.
    SelfSigned,
    /// An issuer in between is not shown, or a private authority was not declared.
    Incomplete,
    /// An authority that is not trusted here.
    Untrusted,
    /// A certificate on the way is signed with an outdated algorithm.
    WeakSignature,
    /// The certificate is not meant for servers.
    WrongPurpose,
    /// An authority on the way may not sign for these names.
    NameConstraint,
    /// The dates of the chain never overlap, so the way cannot be judged.
    Dates,
    /// A signature is wrong, or another rule is broken.
    Broken,
    /// There is no authority at all to compare with.
    NoAuthorities,
}

/// The stable names of [`Trust`].
const TRUST_NAMES: &[(Trust, &str)] = &[
    (Trust::Public, "public"),
    (Trust::Declared, "declared"),
    (Trust::SelfSigned, "self_signed"),
    (Trust::Incomplete, "incomplete"),
    (Trust::Untrusted, "untrusted"),
    (Trust::WeakSignature, "weak_signature"),
    (Trust::WrongPurpose, "wrong_purpose"),
    (Trust::NameConstraint, "name_constraint"),
    (Trust::Dates, "dates"),
    (Trust::Broken, "broken"),
    (Trust::NoAuthorities, "no_authorities"),
];

impl Trust {
    /// A stable word.
    pub fn name(self) -> &'static str {
        TRUST_NAMES.iter().find(|(trust, _)| *trust == self).map_or("broken", |(_, name)| name)
    }
}

/// The way from a server's certificate upwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Whom it leads to.
    pub trust: Trust,
    /// Which of the shown certificates are on it, by place; the first always is.
    pub places: Vec<usize>,
}

/// Authorities that are trusted, and certificates that are known besides.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    /// Trusted by this system.
    pub system: Vec<Vec<u8>>,
    /// Declared in the settings.
    pub declared: Vec<Vec<u8>>,
    /// Not trusted, and known to tell a missing link from a strange authority.
    pub known: Vec<Vec<u8>>,
}

impl Authorities {
    /// The system's own, with those declared: of these the ones that sign
    /// themselves are trusted, or all when none does.
    pub fn with_declared(certificates: Vec<Vec<u8>>) -> Self {
        let system = rustls_native_certs::load_native_certs().certs;
        let is_root = |der: &Vec<u8>| read(der).is_ok_and(|one| one.is_self_issued);
        let (roots, rest): (Vec<_>, Vec<_>) = certificates.into_iter().partition(is_root);
        let (declared, known) = if roots.is_empty() { (rest, roots) } else { (roots, rest) };
        Self { system: system.iter().map(|der| der.to_vec()).collect(), declared, known }
    }
}

/// Reads one DER certificate.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(der: &[u8]) -> Result<Certificate, String> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| "it is no X.509 certificate".to_owned())?;
    let time = |seconds: i64| {
        Timestamp::from_second(seconds).map_err(|_| "its dates are out of range".to_owned())
    };
    let key = certificate.public_key().parsed().ok();
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    let short = |text: String| plain(&text).chars().take(120).collect::<String>();
    Ok(Certificate {
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
        subject: short(certificate.subject().to_string()),
        issuer: short(certificate.issuer().to_string()),
        is_self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        key_bits: key.as_ref().map_or(0, |key| u32::try_from(key.key_size()).unwrap_or(0)),
        is_rsa: matches!(key, Some(PublicKey::RSA(_))),
        is_weakly_signed: WEAK_SIGNATURES.contains(&algorithm.as_str()),
        fingerprint: Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// RSA with MD2, MD5 and SHA-1, DSA and ECDSA with SHA-1.
const WEAK_SIGNATURES: &[&str] = &[
    "1.2.840.113549.1.1.2",
    "1.2.840.113549.1.1.4",
    "1.2.840.113549.1.1.5",
    "1.2.840.10040.4.3",
    "1.2.840.10045.4.1",
];

/// Reads every certificate of a PEM text, in order.
///
/// # Errors
/// What is wrong with the text.
pub fn pem(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut list = Vec::new();
    for one in CertificateDer::pem_slice_iter(text) {
        let one = one.map_err(|error| format!("it is no PEM text: {error}"))?;
        list.push(one.to_vec());
    }
    if list.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(list) }
}

/// Whether a PEM private key belongs to a certificate.
///
/// # Errors
/// What is wrong with the key, without any of it.
pub fn key_matches(key_pem: &[u8], certificate: &[u8]) -> Result<bool, String> {
    let unreadable = "it holds no private key of a known kind";
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| unreadable.to_owned())?;
    let key =
        rustls::crypto::ring::sign::any_supported_type(&key).map_err(|_| unreadable.to_owned())?;
    let der = CertificateDer::from(certificate.to_vec());
    let pair = rustls::sign::CertifiedKey::new(vec![der], Arc::clone(&key));
    match pair.keys_match() {
        Ok(()) => Ok(true),
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Ok(false),
        Err(_) => Err("it cannot be compared with the certificate".to_owned()),
    }
}

/// Whether a certificate is made out to a name; its subject line does not count.
pub fn is_for(certificate: &[u8], name: &ServerName<'_>) -> bool {
    let der = CertificateDer::from(certificate);
    EndEntityCert::try_from(&der)
        .is_ok_and(|end| end.verify_is_valid_for_subject_name(name).is_ok())
}

/// Finds the way from the first certificate to an authority. When the dates
/// stand in the way, it is looked for at a time when all were valid.
pub fn way(chain: &[Vec<u8>], authorities: &Authorities, now: Timestamp) -> Way {
    let walked = walk(chain);
    let Some(leaf) = chain.first() else { return Way { trust: Trust::Broken, places: walked } };
    if authorities.declared.contains(leaf) {
        return Way { trust: Trust::Declared, places: vec![0] };
    }
    let mut last = None;
    for at in [Some(now), common_time(chain, &walked)].into_iter().flatten() {
        for (roots, trust) in
            [(&authorities.declared, Trust::Declared), (&authorities.system, Trust::Public)]
        {
            match build(chain, roots, &[], at) {
                Ok(places) => return Way { trust, places },
                Err(error) => last = Some(meaning(&error, last)),
            }
        }
        if last != Some(Trust::Dates) {
            break;
        }
    }
    let mut last = match last {
        None => Trust::Broken,
        Some(Trust::Untrusted) => unknown_issuer(chain, &walked, authorities, now),
        Some(other) => other,
    };
    let is_self_signed = read(leaf).is_ok_and(|leaf| leaf.is_self_issued);
    let hides = !matches!(last, Trust::Dates | Trust::WeakSignature | Trust::WrongPurpose);
    if is_self_signed && hides {
        last = Trust::SelfSigned;
    }
    Way { trust: last, places: walked }
}

/// What a refusal means; a more telling one from other authorities is kept.
fn meaning(error: &Error, earlier: Option<Trust>) -> Trust {
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => Trust::Dates,
        Error::UnknownIssuer => earlier.unwrap_or(Trust::Untrusted),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Trust::WeakSignature,
        Error::RequiredEkuNotFoundContext(_) => Trust::WrongPurpose,
        Error::NameConstraintViolation => Trust::NameConstraint,
        _ => Trust::Broken,
    }
}

/// Tells a missing link from a strange authority.
fn unknown_issuer(
    chain: &[Vec<u8>],
    walked: &[usize],
    authorities: &Authorities,
    now: Timestamp,
) -> Trust {
    if authorities.declared.is_empty() && authorities.system.is_empty() {
        return Trust::NoAuthorities;
    }
    let at = common_time(chain, walked).unwrap_or(now);
    let completed = [&authorities.declared, &authorities.system]
        .into_iter()
        .any(|roots| build(chain, roots, &authorities.known, at).is_ok());
    // A server that shows nothing above its own certificate forgot a link more
    // often than it has an authority of its own.
    if completed || walked.len() == 1 { Trust::Incomplete } else { Trust::Untrusted }
}

/// Builds the way at an instant and gives the places on it.
fn build(
    chain: &[Vec<u8>],
    roots: &[Vec<u8>],
    known: &[Vec<u8>],
    at: Timestamp,
) -> Result<Vec<usize>, Error> {
    let ders: Vec<CertificateDer<'_>> =
        chain.iter().chain(known).map(|der| CertificateDer::from(der.as_slice())).collect();
    let roots: Vec<CertificateDer<'_>> =
        roots.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let (leaf, rest) = ders.split_first().ok_or(Error::UnknownIssuer)?;
    let end = EndEntityCert::try_from(leaf)?;
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let path = end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        rest,
        time,
        KeyUsage::server_auth(),
        None,
        None,
    )?;
    let mut places = vec![0];
    for one in path.intermediate_certificates() {
        let der = one.der();
        places.extend(chain.iter().position(|shown| shown.as_slice() == der.as_ref()));
    }
    Ok(places)
}

/// The places from the first certificate upwards by the names of their issuers.
fn walk(chain: &[Vec<u8>]) -> Vec<usize> {
    let names: Vec<Option<(Vec<u8>, Vec<u8>)>> = chain
        .iter()
        .map(|der| {
            X509Certificate::from_der(der)
                .ok()
                .map(|(_, one)| (one.subject().as_raw().to_vec(), one.issuer().as_raw().to_vec()))
        })
        .collect();
    let mut places = vec![0];
    while let Some(Some((_, issuer))) = places.last().and_then(|place| names.get(*place)) {
        let next = names.iter().enumerate().find(|(place, name)| {
            !places.contains(place) && name.as_ref().is_some_and(|(subject, _)| subject == issuer)
        });
        match next {
            Some((place, _)) => places.push(place),
            None => break,
        }
    }
    places
}

/// An instant at which all certificates on the way were valid.
fn common_time(chain: &[Vec<u8>], places: &[usize]) -> Option<Timestamp> {
    let read: Vec<Certificate> =
        places.iter().filter_map(|place| read(chain.get(*place)?).ok()).collect();
    let from = read.iter().map(|one| one.not_before).max()?;
    let to = read.iter().map(|one| one.not_after).min()?;
    (from <= to).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["www.lab.test".to_owned()]).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    /// A certificate by an authority that is not shown.
    fn issued() -> Vec<Vec<u8>> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority");
        let authority = rcgen::Issuer::new(params, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["www.lab.test".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "server");
        vec![params.signed_by(&key, &authority).unwrap().der().to_vec()]
    }

    #[test]
    fn reads_names_and_trusts_only_what_is_declared() {
        let der = sample();
        assert_eq!(read(&der).unwrap().key_bits, 256);
        let name = |text: &str| ServerName::try_from(text.to_owned()).unwrap();
        assert!(is_for(&der, &name("www.lab.test")));
        assert!(!is_for(&der, &name("lab.test")));
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let mut authorities = Authorities::default();
        let chain = [der.clone()];
        assert_eq!(way(&chain, &authorities, now).trust, Trust::SelfSigned);
        authorities.declared.push(der);
        assert_eq!(way(&chain, &authorities, now).trust, Trust::Declared);
        assert_eq!(way(&[], &authorities, now).trust, Trust::Broken);
        let issued = issued();
        assert_eq!(way(&issued, &authorities, now).trust, Trust::Incomplete);
        assert_eq!(way(&issued, &Authorities::default(), now).trust, Trust::NoAuthorities);
    }

    proptest! {
        #[test]
        fn no_certificate_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            crate::fuzz::certificate(&bytes);
        }

        #[test]
        fn no_damaged_certificate_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut der = sample();
            let at = at.index(der.len());
            der[at] = byte;
            crate::fuzz::certificate(&der);
        }
    }
}
