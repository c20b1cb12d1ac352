//! The hub's certificate authority and its own certificate.
//!
//! The authority signs two kinds of certificates: the hub's, under a fixed name,
//! and those of nodes, which carry the node's id as common name and its
//! location as organisational unit. Its key stays in the data folder.
//!
//! Invariant: the authority is made once; a node that trusts it trusts every
//! later certificate of the same hub.

use std::path::Path;

use evertill_domain::{LocationId, NodeId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::{EnrolmentToken, IdentityError, SECRET_BYTES, files, names, tls};

/// How long the authority and the hub's certificate last.
const HUB_LIFE: Duration = Duration::days(20 * 365);
/// How long a node's certificate lasts. A lost machine is revoked at once, so
/// this only bounds what is forgotten.
const NODE_LIFE: Duration = Duration::days(10 * 365);
/// How far clocks may differ when a certificate is new.
const CLOCK_SKEW: Duration = Duration::days(1);

/// A certificate that the hub has issued.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, as DER.
    pub certificate: Vec<u8>,
    /// SHA-256 of it.
    pub fingerprint: [u8; 32],
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// The hub's authority and certificate.
pub struct HubIdentity {
    authority: Issuer<'static, KeyPair>,
    authority_certificate: CertificateDer<'static>,
    authority_hash: [u8; 32],
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for HubIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HubIdentity(keys)")
    }
}

impl HubIdentity {
    /// Reads the keys and certificates of a data folder; makes what is missing.
    ///
    /// # Errors
    /// [`IdentityError`] when a file cannot be read or written, or is damaged.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, IdentityError> {
        let (key, certificate) = (dir.join(names::CA_KEY), dir.join(names::CA_CERTIFICATE));
        if files::read(&certificate)?.is_none() {
            make_authority(&key, &certificate, now)?;
        }
        let authority_key = read_key(&key)?;
        let authority_certificate = read_certificate(&certificate)?;
        let authority = Issuer::from_ca_cert_der(&authority_certificate, authority_key)
            .map_err(|error| damaged(&certificate, error))?;

        let (key, certificate) = (dir.join(names::HUB_KEY), dir.join(names::HUB_CERTIFICATE));
        if files::read(&certificate)?.is_none() {
            make_hub_certificate(&authority, &key, &certificate, now)?;
        }
        let authority_hash =
            tls::key_hash(&authority_certificate).map_err(|e| damaged(&certificate, e))?;
        Ok(Self {
            authority,
            authority_hash,
            authority_certificate,
            key: PrivateKeyDer::from_pem_file(&key).map_err(|error| damaged(&key, error))?,
            certificate: read_certificate(&certificate)?,
        })
    }

    /// The token that carries this secret.
    #[must_use]
    pub fn token(&self, secret: [u8; SECRET_BYTES]) -> EnrolmentToken {
        EnrolmentToken {
            secret,
            authority: self.authority_hash,
        }
    }

    /// Issues a node's certificate for the key in a signing request. Whatever
    /// else the request asks for is ignored.
    ///
    /// # Errors
    /// [`IdentityError::Certificate`] when the request is not one, or is not
    /// signed with its own key.
    pub fn issue(
        &self,
        request: &[u8],
        node: NodeId,
        location: &LocationId,
        now: Timestamp,
    ) -> Result<Issued, IdentityError> {
        let request = CertificateSigningRequestDer::from(request.to_vec());
        let mut request = CertificateSigningRequestParams::from_der(&request).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(&node.to_string(), Some(location));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let expires = lasting(&mut params, now, NODE_LIFE);
        request.params = params;
        let certificate = request.signed_by(&self.authority).map_err(failed)?;
        let certificate = certificate.der().to_vec();
        Ok(Issued {
            fingerprint: fingerprint(&certificate),
            certificate,
            expires_at: Timestamp::from_millis(expires.unix_timestamp() * 1_000),
        })
    }

    /// The authority's certificate, as DER.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        &self.authority_certificate
    }

    /// The chain that the hub shows: its certificate and its authority's.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone(), self.authority_certificate.clone()]
    }

    /// What only this hub knows, the same in every process of it.
    pub(crate) fn reset_secret(&self) -> [u8; 32] {
        let mut hasher = Sha256::new_with_prefix(b"evertill stateless reset v1");
        hasher.update(self.key.secret_der());
        hasher.finalize().into()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// SHA-256 of a certificate.
pub(crate) fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

/// The key is written first: a certificate that is there has its key.
fn make_authority(key: &Path, certificate: &Path, now: Timestamp) -> Result<(), IdentityError> {
    let pair = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject("Evertill hub authority", None);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params, now, HUB_LIFE);
    let made = params.self_signed(&pair).map_err(failed)?;
    files::write(key, pair.serialize_pem().as_bytes())?;
    files::write(certificate, made.pem().as_bytes())
}

fn make_hub_certificate(
    authority: &Issuer<'static, KeyPair>,
    key: &Path,
    certificate: &Path,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let pair = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(names::HUB_NAME, None);
    let name = names::HUB_NAME.try_into().map_err(failed)?;
    params.subject_alt_names = vec![SanType::DnsName(name)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    lasting(&mut params, now, HUB_LIFE);
    let made = params.signed_by(&pair, authority).map_err(failed)?;
    files::write(key, pair.serialize_pem().as_bytes())?;
    files::write(certificate, made.pem().as_bytes())
}

fn subject(common_name: &str, location: Option<&LocationId>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(location) = location {
        name.push(DnType::OrganizationalUnitName, location.as_str());
    }
    name
}

fn lasting(params: &mut CertificateParams, now: Timestamp, life: Duration) -> OffsetDateTime {
    let now = OffsetDateTime::from_unix_timestamp(now.as_millis() / 1_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    params.not_before = now.saturating_sub(CLOCK_SKEW);
    params.not_after = now.saturating_add(life);
    params.not_after
}

fn read_key(path: &Path) -> Result<KeyPair, IdentityError> {
    let text = files::read(path)?.ok_or_else(|| damaged(path, "it is missing"))?;
    KeyPair::from_pem(&text).map_err(|error| damaged(path, error))
}

fn read_certificate(path: &Path) -> Result<CertificateDer<'static>, IdentityError> {
    CertificateDer::from_pem_file(path).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, detail: impl std::fmt::Display) -> IdentityError {
    IdentityError::Damaged {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

fn failed(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::Certificate(error.to_string())
}
