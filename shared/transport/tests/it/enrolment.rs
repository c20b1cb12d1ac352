//! Joining a hub, and everything that must not work.

use evertill_transport::{
    ConnectError, EnrolError, HubIdentity, NodeEndpoint, NodeIdentity, enrol,
};
use tempfile::TempDir;

use super::world::{Hub, now};

#[tokio::test]
async fn a_machine_enrols_and_is_known_by_its_certificate() {
    let mut hub = Hub::start();
    let dir = TempDir::new().unwrap();
    let (identity, issued) = hub.enrol(dir.path(), 7).await;
    assert_eq!(identity.node.0, 7);
    assert_eq!(identity.location.as_str(), "S001");
    let loaded = NodeIdentity::load(dir.path()).unwrap().unwrap();
    assert_eq!(loaded.hub, hub.address());
    let (_, peer, _) = hub.connect(&loaded).await;
    assert_eq!(peer.node, identity.node);
    assert_eq!(peer.location, identity.location);
    assert_eq!(peer.fingerprint, issued.fingerprint);
}

#[tokio::test]
async fn keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut hub = Hub::start();
    let dir = TempDir::new().unwrap();
    hub.enrol(dir.path(), 7).await;
    for path in [
        hub.dir.path().join("ca.key"),
        hub.dir.path().join("hub.key"),
        dir.path().join("node.key"),
    ] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_hub_keeps_its_authority_over_a_restart() {
    let hub = Hub::start();
    let again = HubIdentity::open(hub.dir.path(), now()).unwrap();
    assert_eq!(again.token([5; 16]), hub.token());
}

#[tokio::test]
async fn a_folder_is_enrolled_once() {
    let mut hub = Hub::start();
    let dir = TempDir::new().unwrap();
    hub.enrol(dir.path(), 7).await;
    let again = enrol(dir.path(), &hub.address(), &hub.token()).await;
    assert!(matches!(again, Err(EnrolError::AlreadyEnrolled { .. })));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_with_the_hub_s_reason() {
    let mut hub = Hub::start();
    let dir = TempDir::new().unwrap();
    let mut token = hub.token();
    token.secret[0] ^= 1;
    let address = hub.address();
    let (refused, _) = tokio::join!(enrol(dir.path(), &address, &token), hub.sign_next(7));
    assert!(matches!(refused, Err(EnrolError::Refused { code, .. }) if code == "token_unknown"));
    assert!(NodeIdentity::load(dir.path()).unwrap().is_none());
}

#[tokio::test]
async fn a_token_of_another_hub_never_reaches_this_one() {
    let hub = Hub::start();
    let other = Hub::start();
    let dir = TempDir::new().unwrap();
    let refused = enrol(dir.path(), &hub.address(), &other.token()).await;
    assert!(matches!(refused, Err(EnrolError::ForeignHub { .. })));
}

#[tokio::test]
async fn a_machine_of_another_hub_is_refused() {
    let hub = Hub::start();
    let mut other = Hub::start();
    let dir = TempDir::new().unwrap();
    let (mut identity, _) = other.enrol(dir.path(), 7).await;
    identity.hub = hub.address();
    let refused = NodeEndpoint::new(&identity).unwrap().connect().await;
    assert!(matches!(refused, Err(ConnectError::Untrusted { .. })));
}

#[tokio::test]
async fn a_hub_that_is_not_there_is_named() {
    let dir = TempDir::new().unwrap();
    let hub = Hub::start();
    let nobody = "no-such-host.invalid:7071";
    let refused = enrol(dir.path(), nobody, &hub.token()).await;
    let Err(EnrolError::Connect(error @ ConnectError::Resolve { .. })) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains(nobody));
}
