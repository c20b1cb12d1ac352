//! TLS as both protocols use it: version 1.3 only, one crypto provider passed
//! explicitly, no tickets, no resumption, no early data.
//!
//! Invariant: no configuration made here accepts a peer that the hub's
//! authority did not sign, except a node that enrols, which is known by its
//! token instead.

use std::sync::Arc;

use evertill_domain::{LocationId, NodeId};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::hub_identity::fingerprint;
use crate::{HubIdentity, IdentityError, NodeIdentity, PeerCertificate, Revocations, names};

/// The hub's side of both protocols.
pub(crate) fn hub(
    identity: &HubIdentity,
    revocations: Revocations,
) -> Result<ServerConfig, IdentityError> {
    let provider = provider();
    let authority = CertificateDer::from(identity.authority().to_vec());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority)?, provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(failed)?;
    let verifier = Arc::new(NotRevoked {
        verifier,
        revocations,
    });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain(), identity.key())
        .map_err(failed)?;
    config.alpn_protocols = vec![names::ALPN_SYNC.to_vec(), names::ALPN_ENROL.to_vec()];
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// An enrolled node's side.
pub(crate) fn node(identity: &NodeIdentity) -> Result<ClientConfig, IdentityError> {
    let provider = provider();
    let roots = roots(identity.authority.clone())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(failed)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .with_webpki_verifier(verifier)
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .map_err(failed)?;
    Ok(closed(config, names::ALPN_SYNC))
}

/// The side of a machine that enrols: it knows the hub by its token.
pub(crate) fn enrolling(authority: [u8; 32]) -> Result<ClientConfig, IdentityError> {
    let provider = provider();
    let verifier = Arc::new(KnownByToken {
        authority,
        provider: provider.clone(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(closed(config, names::ALPN_ENROL))
}

/// SHA-256 of a certificate's public key (`SubjectPublicKeyInfo`).
pub(crate) fn key_hash(certificate: &CertificateDer<'_>) -> Result<[u8; 32], String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|e| e.to_string())?;
    Ok(Sha256::digest(parsed.public_key().raw).into())
}

/// Whom a node's certificate names.
pub(crate) fn peer(certificate: &CertificateDer<'_>) -> Result<PeerCertificate, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|e| e.to_string())?;
    let subject = parsed.subject();
    let node = subject.iter_common_name().next();
    let node = node.and_then(|name| name.as_str().ok());
    let location = subject.iter_organizational_unit().next();
    let location = location.and_then(|name| name.as_str().ok());
    let (Some(node), Some(location)) = (node, location) else {
        return Err("the certificate names no node and location".to_owned());
    };
    Ok(PeerCertificate {
        node: node.parse::<NodeId>().map_err(|e| e.to_string())?,
        location: location.parse::<LocationId>().map_err(|e| e.to_string())?,
        fingerprint: fingerprint(certificate),
    })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn roots(authority: CertificateDer<'static>) -> Result<Arc<RootCertStore>, IdentityError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(failed)?;
    Ok(Arc::new(roots))
}

fn closed(mut config: ClientConfig, alpn: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_early_data = false;
    config
}

fn failed(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::Tls(error.to_string())
}

/// A client certificate counts only while it is not revoked.
#[derive(Debug)]
struct NotRevoked {
    verifier: Arc<dyn ClientCertVerifier>,
    revocations: Revocations,
}

impl ClientCertVerifier for NotRevoked {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.revocations.contains(&fingerprint(end_entity)) {
            return Err(Error::InvalidCertificate(CertificateError::Revoked));
        }
        self.verifier
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The hub of a token: the authority in its chain has the token's key, and that
/// authority signed the certificate under the hub's name.
#[derive(Debug)]
struct KnownByToken {
    authority: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl KnownByToken {
    fn authority_in(&self, chain: &[CertificateDer<'_>]) -> Result<CertificateDer<'static>, Error> {
        let found = chain
            .iter()
            .find(|link| key_hash(link).as_ref() == Ok(&self.authority));
        found.map(|link| link.clone().into_owned()).ok_or(
            // The one word for "not the authority you know".
            Error::InvalidCertificate(CertificateError::UnknownIssuer),
        )
    }
}

impl ServerCertVerifier for KnownByToken {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = self.authority_in(intermediates)?;
        let roots = roots(authority).map_err(|e| Error::General(e.to_string()))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let schemes = &self.provider.signature_verification_algorithms;
        schemes.supported_schemes()
    }
}
