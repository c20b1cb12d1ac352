//! Machines that do not keep to what ours do: without a certificate, or reading
//! some channels and not others.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evertill_transport::{Arrival, NodeIdentity};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use super::world::Hub;

const SYNC: &[u8] = b"evertill-sync/1";
const ENROL: &[u8] = b"evertill-enrol/1";
/// Far longer than anything takes on loopback.
const LONG: Duration = Duration::from_secs(20);

/// A client with the hub's authority, and a node's certificate if it has one.
fn client(authority: &Path, node: Option<&Path>, protocol: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match node {
        None => config.with_no_client_auth(),
        Some(dir) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(dir.join("node.crt")).unwrap()],
                PrivateKeyDer::from_pem_file(dir.join("node.key")).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()))
}

async fn dial(address: String, config: ClientConfig) -> Result<Connection, quinn::ConnectionError> {
    let endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let connecting =
        endpoint.connect_with(config, address.parse().unwrap(), "hub.evertill.internal");
    connecting.unwrap().await
}

#[tokio::test]
async fn without_a_certificate_there_is_no_session() {
    let hub = Hub::start();
    let config = client(&hub.dir.path().join("ca.crt"), None, SYNC);
    // In TLS 1.3 the client is done before the server has judged.
    if let Ok(connection) = dial(hub.address(), config).await {
        let closed = tokio::time::timeout(LONG, connection.closed()).await;
        let closed = closed.expect("the hub hangs up").to_string();
        assert!(closed.contains("certificate"), "{closed}");
    }
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let hub = Hub::start();
    let config = client(&hub.dir.path().join("ca.crt"), None, b"h3");
    assert!(dial(hub.address(), config).await.is_err());
}

#[tokio::test]
async fn a_stranger_gets_one_stream_and_little_room() {
    let hub = Hub::start();
    let config = client(&hub.dir.path().join("ca.crt"), None, ENROL);
    let connection = dial(hub.address(), config).await.unwrap();
    let (mut first, _answer) = connection.open_bi().await.unwrap();
    first.write_all(&[0]).await.unwrap();
    let second = tokio::time::timeout(Duration::from_millis(300), connection.open_bi()).await;
    assert!(second.is_err(), "a second stream was allowed");
    // More than an enrolment may have: the hub ends it instead of keeping it.
    let flood = async {
        while first.write_all(&[0; 4096]).await.is_ok() {}
        connection.closed().await
    };
    let ended = tokio::time::timeout(LONG, flood).await;
    assert!(ended.is_ok(), "the hub went on reading");
}

#[tokio::test]
async fn a_channel_that_nobody_reads_holds_up_no_other() {
    let mut hub = Hub::start();
    let dir = TempDir::new().unwrap();
    let (identity, _): (NodeIdentity, _) = hub.enrol(dir.path(), 7).await;
    assert_eq!(identity.node.0, 7);
    let config = client(&dir.path().join("hub-ca.crt"), Some(dir.path()), SYNC);
    let address = hub.address();
    let (node, arrival) = tokio::join!(dial(address, config), hub.endpoint.accept());
    let node = node.unwrap();
    let Some(Arrival::Node(_, accepted)) = arrival else {
        panic!("expected a node");
    };
    let open = async {
        let mut streams = Vec::new();
        for number in 0..4_u8 {
            let (mut send, receive) = node.open_bi().await.unwrap();
            send.write_all(&[number]).await.unwrap();
            streams.push((send, receive));
        }
        streams
    };
    let (mut streams, hub_side) = tokio::join!(open, accepted.accept([1 << 20; 4]));
    let (sender, _receiver) = hub_side.unwrap();
    // More than the channel's window, and nobody reads it.
    for _ in 0..40 {
        sender.send(3, vec![3; 100_000]).unwrap();
    }
    for i in 0..100_u8 {
        sender.send(1, vec![i; 50_000]).unwrap();
    }
    let read = async {
        for i in 0..100_u8 {
            let mut message = vec![0; 4 + 50_000];
            streams[1].1.read_exact(&mut message).await.unwrap();
            assert!(message[4..].iter().all(|byte| *byte == i));
        }
    };
    let read = tokio::time::timeout(LONG, read).await;
    assert!(read.is_ok(), "the channel that is read stood still");
}
