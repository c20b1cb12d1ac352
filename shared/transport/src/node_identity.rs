//! What a node keeps of its enrolment.
//!
//! The certificate is written last: where it is, the rest is.
//!
//! Invariant: an identity is read whole or not at all.

use std::path::Path;

use evertill_domain::{LocationId, NodeId};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{IdentityError, files, names, tls};

/// An enrolled node.
pub struct NodeIdentity {
    /// The machine.
    pub node: NodeId,
    /// Where it stands.
    pub location: LocationId,
    /// The hub's HOST:PORT.
    pub hub: String,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) authority: CertificateDer<'static>,
}

impl std::fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeIdentity")
            .field("node", &self.node)
            .field("location", &self.location)
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

/// What an enrolment brought.
pub(crate) struct Enrolled<'a> {
    pub(crate) key_pem: &'a str,
    pub(crate) certificate: &'a [u8],
    pub(crate) authority: &'a [u8],
    pub(crate) hub: &'a str,
}

impl NodeIdentity {
    /// Reads the identity in a data folder; `None` before enrolment.
    ///
    /// # Errors
    /// [`IdentityError`] when a file cannot be read or is damaged.
    pub fn load(dir: &Path) -> Result<Option<Self>, IdentityError> {
        let path = dir.join(names::NODE_CERTIFICATE);
        if files::read(&path)?.is_none() {
            return Ok(None);
        }
        let certificate = pem(&path)?;
        let peer = tls::peer(&certificate).map_err(|error| damaged(&path, error))?;
        let key = dir.join(names::NODE_KEY);
        let address = dir.join(names::NODE_HUB_ADDRESS);
        let hub = files::read(&address)?.ok_or_else(|| damaged(&address, "it is missing"))?;
        Ok(Some(Self {
            node: peer.node,
            location: peer.location,
            hub: hub.trim().to_owned(),
            key: PrivateKeyDer::from_pem_file(&key).map_err(|error| damaged(&key, error))?,
            certificate,
            authority: pem(&dir.join(names::NODE_CA))?,
        }))
    }

    /// Keeps what an enrolment brought.
    pub(crate) fn store(dir: &Path, enrolled: &Enrolled<'_>) -> Result<(), IdentityError> {
        files::write(&dir.join(names::NODE_KEY), enrolled.key_pem.as_bytes())?;
        let text = certificate_pem(enrolled.authority);
        files::write(&dir.join(names::NODE_CA), text.as_bytes())?;
        files::write(&dir.join(names::NODE_HUB_ADDRESS), enrolled.hub.as_bytes())?;
        let text = certificate_pem(enrolled.certificate);
        files::write(&dir.join(names::NODE_CERTIFICATE), text.as_bytes())
    }
}

fn pem(path: &Path) -> Result<CertificateDer<'static>, IdentityError> {
    CertificateDer::from_pem_file(path).map_err(|error| damaged(path, error))
}

/// A certificate as text: base64 in lines of 64 (RFC 7468).
fn certificate_pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn damaged(path: &Path, detail: impl std::fmt::Display) -> IdentityError {
    IdentityError::Damaged {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}
