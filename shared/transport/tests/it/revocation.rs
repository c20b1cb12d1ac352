//! A certificate that counts no more.

use evertill_transport::{ConnectError, NodeEndpoint};
use tempfile::TempDir;

use super::world::Hub;

#[tokio::test]
async fn a_revoked_machine_is_refused_and_others_are_not() {
    let mut hub = Hub::start();
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (stolen, issued) = hub.enrol(dir.path(), 7).await;
    let (kept, _) = hub.enrol(other.path(), 8).await;
    hub.connect(&stolen).await;
    hub.revocations.revoke(&[issued.fingerprint]).unwrap();
    let (node, peer, _) = hub.connect(&kept).await;
    assert_eq!(peer.node, kept.node);
    drop(node);
    let endpoint = NodeEndpoint::new(&stolen).unwrap();
    match endpoint.connect().await {
        Err(ConnectError::Untrusted { .. }) => {}
        // In TLS 1.3 the client is done before the server has judged: the first
        // use of the connection fails then.
        Ok(connection) => {
            if let Ok((_, mut messages)) = connection.open([1 << 10; 4]).await {
                assert!(messages.receive().await.is_err());
            }
        }
        Err(other) => panic!("{other}"),
    }
}
