//! Enrolment: token and signing request up, certificate down.
//!
//! One stream, one message each way: fields with their length before them. The
//! node checks the hub by the token before it sends the secret; the hub checks
//! the secret before it signs.
//!
//! Invariant: the node's key never leaves its machine; the secret travels only
//! to the holder of the token's authority.

use std::path::Path;
use std::time::Duration;

use quinn::{RecvStream, SendStream, VarInt};
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::OwnedSemaphorePermit;

use crate::node::{client, dial};
use crate::node_identity::Enrolled;
use crate::{
    ConnectError, EnrolError, EnrolmentToken, IdentityError, Issued, NodeIdentity, SECRET_BYTES,
    tls,
};

/// Longest enrolment message in bytes, in either direction.
const MAX_BYTES: usize = 16 << 10;
/// How long a machine may take to confirm that it has the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the hub may take to answer.
const ENROL_TIMEOUT: Duration = Duration::from_secs(20);

/// A machine that wants to enrol, at the hub. Answer with
/// [`accept`](Self::accept) or [`refuse`](Self::refuse).
#[derive(Debug)]
pub struct EnrolmentRequest {
    /// The secret of the token that it shows.
    pub secret: [u8; SECRET_BYTES],
    /// Its certificate signing request, as DER.
    pub request: Vec<u8>,
    quic: quinn::Connection,
    answer: SendStream,
    /// Counts this enrolment as under way.
    _place: OwnedSemaphorePermit,
}

impl EnrolmentRequest {
    pub(crate) async fn read(
        quic: quinn::Connection,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, String> {
        let (answer, mut stream) = quic.accept_bi().await.map_err(|e| e.to_string())?;
        let message = stream.read_to_end(MAX_BYTES).await;
        let message = message.map_err(|e| e.to_string())?;
        let [secret, request] = fields(&message).ok_or("the enrolment cannot be read")?;
        let secret = secret
            .try_into()
            .map_err(|_| "the secret has no 128 bits")?;
        Ok(Self {
            secret,
            request: request.to_vec(),
            quic,
            answer,
            _place: place,
        })
    }

    /// Hands the certificate out, with the authority's.
    pub async fn accept(self, issued: &Issued, authority: &[u8]) {
        self.reply(&[b"ok", &issued.certificate, authority]).await;
    }

    /// Refuses; `code` is a stable word, `detail` says what to do.
    pub async fn refuse(self, code: &str, detail: &str) {
        self.reply(&[b"no", code.as_bytes(), detail.as_bytes()])
            .await;
    }

    async fn reply(mut self, parts: &[&[u8]]) {
        // A machine that is gone reads no answer; its token is used up then,
        // and a person issues another.
        if self.answer.write_all(&message(parts)).await.is_ok() {
            let _ = self.answer.finish();
            let _ = tokio::time::timeout(ANSWER_TIMEOUT, self.answer.stopped()).await;
        }
        self.quic.close(VarInt::from_u32(0), b"done");
    }
}

/// Enrols this machine: makes a key, has the hub sign it, and keeps the result
/// in the data folder. `hub` is HOST:PORT.
///
/// # Errors
/// [`EnrolError`] with the reason; the folder is then as it was.
pub async fn enrol(
    dir: &Path,
    hub: &str,
    token: &EnrolmentToken,
) -> Result<NodeIdentity, EnrolError> {
    if let Some(identity) = NodeIdentity::load(dir)? {
        return Err(EnrolError::AlreadyEnrolled {
            folder: dir.to_owned(),
            node: identity.node,
            location: identity.location,
        });
    }
    let made = |error: rcgen::Error| IdentityError::Certificate(error.to_string());
    let key = KeyPair::generate().map_err(made)?;
    let request = CertificateParams::default().serialize_request(&key);
    let request = request.map_err(made)?;
    let config = client(tls::enrolling(token.authority)?)?;
    let connection = match dial(&config, hub).await {
        Err(ConnectError::Untrusted { hub, .. }) => return Err(EnrolError::ForeignHub { hub }),
        other => other?,
    };
    let parts: [&[u8]; 2] = [&token.secret, request.der()];
    let answer = tokio::time::timeout(ENROL_TIMEOUT, exchange(&connection.quic, &parts))
        .await
        .unwrap_or_else(|_| Err("the hub did not answer in time".to_owned()))
        .map_err(EnrolError::BrokeOff)?;
    connection.quic.close(VarInt::from_u32(0), b"done");
    let unreadable = || EnrolError::BrokeOff("the hub's answer cannot be read".to_owned());
    let [verdict, first, second] = fields(&answer).ok_or_else(unreadable)?;
    if verdict != b"ok" {
        return Err(EnrolError::Refused {
            code: String::from_utf8_lossy(first).into_owned(),
            detail: String::from_utf8_lossy(second).into_owned(),
        });
    }
    NodeIdentity::store(
        dir,
        &Enrolled {
            key_pem: &key.serialize_pem(),
            certificate: first,
            authority: second,
            hub,
        },
    )?;
    NodeIdentity::load(dir)?.ok_or_else(unreadable)
}

async fn exchange(quic: &quinn::Connection, parts: &[&[u8]]) -> Result<Vec<u8>, String> {
    let (mut send, mut receive): (SendStream, RecvStream) =
        quic.open_bi().await.map_err(|e| e.to_string())?;
    send.write_all(&message(parts))
        .await
        .map_err(|e| e.to_string())?;
    send.finish().map_err(|e| e.to_string())?;
    receive
        .read_to_end(MAX_BYTES)
        .await
        .map_err(|e| e.to_string())
}

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    for part in parts {
        let length = u32::try_from(part.len()).expect("invariant: fields are small");
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

/// Exactly `N` fields, or nothing.
fn fields<const N: usize>(mut message: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [&[][..]; N];
    for field in &mut fields {
        let (length, rest) = message.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        (*field, message) = rest.split_at_checked(length)?;
    }
    message.is_empty().then_some(fields)
}
