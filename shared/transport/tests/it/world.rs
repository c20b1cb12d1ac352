//! A hub that answers on loopback, and machines that join it.

use std::net::SocketAddr;
use std::path::Path;

use evertill_domain::{NodeId, Timestamp};
use evertill_transport::{
    Arrival, Connection, EnrolmentToken, HubEndpoint, HubIdentity, Issued, NodeEndpoint,
    NodeIdentity, PeerCertificate, Revocations, enrol,
};
use tempfile::TempDir;

pub(crate) const SECRET: [u8; 16] = [5; 16];

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(i64::try_from(since.unwrap().as_millis()).unwrap())
}

pub(crate) struct Hub {
    pub(crate) dir: TempDir,
    pub(crate) identity: HubIdentity,
    pub(crate) revocations: Revocations,
    pub(crate) endpoint: HubEndpoint,
}

impl Hub {
    pub(crate) fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let identity = HubIdentity::open(dir.path(), now()).unwrap();
        let revocations = Revocations::open(dir.path()).unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let endpoint = HubEndpoint::bind(loopback, &identity, revocations.clone()).unwrap();
        Self {
            dir,
            identity,
            revocations,
            endpoint,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.endpoint.local_address().unwrap().to_string()
    }

    pub(crate) fn token(&self) -> EnrolmentToken {
        self.identity.token(SECRET)
    }

    /// Signs for the next machine that enrols, if it has the secret.
    pub(crate) async fn sign_next(&mut self, node: u64) -> Option<Issued> {
        let Some(Arrival::Enrolling(request)) = self.endpoint.accept().await else {
            panic!("expected an enrolment");
        };
        if request.secret != SECRET {
            request.refuse("token_unknown", "issue another token").await;
            return None;
        }
        let location = "S001".parse().unwrap();
        let issued = self
            .identity
            .issue(&request.request, NodeId(node), &location, now())
            .unwrap();
        request.accept(&issued, self.identity.authority()).await;
        Some(issued)
    }

    /// Enrols a machine into a folder.
    pub(crate) async fn enrol(&mut self, dir: &Path, node: u64) -> (NodeIdentity, Issued) {
        let (address, token) = (self.address(), self.token());
        let (enrolled, issued) = tokio::join!(enrol(dir, &address, &token), self.sign_next(node));
        (enrolled.unwrap(), issued.unwrap())
    }

    /// Connects an enrolled machine; both ends.
    pub(crate) async fn connect(
        &mut self,
        identity: &NodeIdentity,
    ) -> (Connection, PeerCertificate, Connection) {
        let endpoint = NodeEndpoint::new(identity).unwrap();
        let (node, hub) = tokio::join!(endpoint.connect(), self.endpoint.accept());
        let Some(Arrival::Node(peer, hub)) = hub else {
            panic!("expected a node");
        };
        (node.unwrap(), peer, hub)
    }
}
