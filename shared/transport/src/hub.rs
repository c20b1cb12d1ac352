//! The hub's end of the line: one UDP socket for both protocols.
//!
//! Invariant: what [`HubEndpoint::accept`] hands out has finished its handshake;
//! a [`Arrival::Node`] has shown a certificate of this hub's authority that is
//! not revoked.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use evertill_domain::{LocationId, NodeId};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{
    Endpoint, EndpointConfig, IdleTimeout, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use rustls_pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc};

use crate::connection::Connection;
use crate::enrol::EnrolmentRequest;
use crate::{CHANNELS, HubIdentity, IdentityError, Revocations, names, tls};

/// Handshakes and enrolments under way at once; more wait in QUIC's own queue
/// and are refused beyond it.
const HANDSHAKES: usize = 256;
/// Enrolments under way at once; a chain opens its stores one by one.
const ENROLMENTS: usize = 16;
/// Bytes that a machine may have on the way before it is known, and while it
/// enrols: one enrolment fits.
const STRANGER_WINDOW: u32 = 32 << 10;
/// How long a handshake, and reading an enrolment, may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which QUIC gives a connection up: a node then looks for its
/// hub anew.
const IDLE_TIMEOUT_MS: u32 = 10_000;
/// How often a quiet connection shows that it lives; a third of the silence.
const KEEP_ALIVE: Duration = Duration::from_millis(3_300);
/// Unread bytes that one channel may have on the way.
const STREAM_WINDOW: u32 = 1 << 20;
/// [`CHANNELS`] as QUIC counts.
const CHANNEL_COUNT: u32 = 4;
const _: () = assert!(CHANNEL_COUNT as usize == CHANNELS);

/// Whom a node's certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The machine.
    pub node: NodeId,
    /// Its location.
    pub location: LocationId,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
}

/// Somebody at the door.
#[derive(Debug)]
pub enum Arrival {
    /// A machine that wants to enrol.
    Enrolling(EnrolmentRequest),
    /// An enrolled node.
    Node(PeerCertificate, Connection),
}

/// The hub's UDP socket.
#[derive(Debug)]
pub struct HubEndpoint {
    endpoint: Endpoint,
    arrivals: mpsc::Receiver<Arrival>,
}

impl HubEndpoint {
    /// Takes the address and begins to answer.
    ///
    /// # Errors
    /// [`IdentityError`] when the address is taken or TLS refuses the keys.
    pub fn bind(
        address: SocketAddr,
        identity: &HubIdentity,
        revocations: Revocations,
    ) -> Result<Self, IdentityError> {
        let crypto = tls::hub(identity, revocations)?;
        let crypto = QuicServerConfig::try_from(crypto).map_err(|error| {
            // Only a provider without the initial cipher suite gets here.
            IdentityError::Tls(error.to_string())
        })?;
        let mut config = ServerConfig::with_crypto(Arc::new(crypto));
        config.transport_config(Arc::new(strangers()));
        config.migration(true);
        config.max_incoming(HANDSHAKES * 4);
        config.incoming_buffer_size_total(4 << 20);
        config.incoming_buffer_size(64 << 10);
        let endpoint = listen(address, identity, config)
            .map_err(|source| IdentityError::Bind { address, source })?;
        let (arrived, arrivals) = mpsc::channel(16);
        tokio::spawn(answer(endpoint.clone(), arrived));
        Ok(Self { endpoint, arrivals })
    }

    /// The address in use.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The next arrival; `None` after [`close`](Self::close).
    pub async fn accept(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// Stops answering and ends what is still open.
    pub async fn close(self) {
        self.endpoint
            .close(VarInt::from_u32(0), b"the hub shuts down");
        self.endpoint.wait_idle().await;
    }
}

/// Takes the address. A hub that was killed and started again tells its nodes
/// so at their next packet (stateless reset, RFC 9000 section 10.3): the key
/// behind that is derived from the hub's own, and so outlives the process.
fn listen(
    address: SocketAddr,
    identity: &HubIdentity,
    config: ServerConfig,
) -> std::io::Result<Endpoint> {
    let secret = identity.reset_secret();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
    let (id_key, _) = secret.split_first_chunk().expect("invariant: 32 bytes");
    let id_key = u64::from_be_bytes(*id_key);
    let mut reset = EndpointConfig::new(Arc::new(key));
    // Only ids that this generator knows again are answered with a reset.
    reset.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(id_key)));
    let socket = UdpSocket::bind(address)?;
    Endpoint::new(reset, Some(config), socket, Arc::new(TokioRuntime))
}

/// Limits of a connection whose other end is not known yet: one stream and a
/// small window, so that nobody without a certificate makes the hub keep much.
///
/// Packets are handed to the socket one by one: to hand over ten at a time, each
/// connection would keep a buffer of ten for ever, and a hub with a thousand
/// stores mostly listens.
fn strangers() -> TransportConfig {
    let mut config = transport();
    config
        .enable_segmentation_offload(false)
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .receive_window(VarInt::from_u32(STRANGER_WINDOW));
    config
}

/// Lifts the limits of a stranger for a node that has shown its certificate.
fn welcome(quic: &quinn::Connection) {
    quic.set_receive_window(VarInt::from_u32(STREAM_WINDOW * CHANNEL_COUNT));
    quic.set_max_concurrent_bi_streams(VarInt::from_u32(CHANNEL_COUNT));
}

/// Limits of a connection between machines that know each other.
pub(crate) fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(CHANNEL_COUNT))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(STREAM_WINDOW * CHANNEL_COUNT))
        .send_window(u64::from(STREAM_WINDOW * CHANNEL_COUNT))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE));
    config
}

/// Finishes handshakes side by side, so that a slow one delays nobody.
async fn answer(endpoint: Endpoint, arrived: mpsc::Sender<Arrival>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    let enrolments = Arc::new(Semaphore::new(ENROLMENTS));
    while let Some(incoming) = endpoint.accept().await {
        // With many at the door, a sender first proves that its address is its own.
        let crowded = places.available_permits() < HANDSHAKES / 2;
        if crowded && !incoming.remote_address_validated() && incoming.may_retry() {
            // A sender that is gone needs no second packet.
            let _ = incoming.retry();
            continue;
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let (arrived, enrolments) = (arrived.clone(), enrolments.clone());
        tokio::spawn(async move {
            let _place = place;
            let remote = incoming.remote_address();
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, finish(incoming, enrolments)).await {
                Ok(Ok(arrival)) => {
                    // Nobody listens any more when the hub shuts down.
                    let _ = arrived.send(arrival).await;
                }
                Ok(Err(reason)) => tracing::info!(%remote, reason, "a connection was refused"),
                Err(_) => tracing::info!(%remote, "a handshake took too long"),
            }
        });
    }
}

async fn finish(incoming: quinn::Incoming, enrolments: Arc<Semaphore>) -> Result<Arrival, String> {
    let quic = incoming.await.map_err(|error| error.to_string())?;
    let handshake = quic.handshake_data();
    let handshake = handshake.and_then(|data| data.downcast::<HandshakeData>().ok());
    let protocol = handshake.and_then(|data| data.protocol);
    let refuse = |reason: String| {
        quic.close(VarInt::from_u32(1), reason.as_bytes());
        Err(reason)
    };
    if protocol.as_deref() == Some(names::ALPN_ENROL) {
        let Ok(place) = enrolments.try_acquire_owned() else {
            return refuse("too many machines enrol at once; try again".to_owned());
        };
        let request = EnrolmentRequest::read(quic, place).await?;
        return Ok(Arrival::Enrolling(request));
    }
    let chain = quic.peer_identity();
    let chain = chain.and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
    let certificate = chain.as_ref().and_then(|chain| chain.first());
    let Some(certificate) = certificate else {
        return refuse("a client certificate is required; enrol this machine first".to_owned());
    };
    match tls::peer(certificate) {
        Ok(peer) => {
            welcome(&quic);
            Ok(Arrival::Node(peer, Connection { quic }))
        }
        Err(reason) => refuse(reason),
    }
}
