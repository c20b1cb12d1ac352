//! The line to the stores: one UDP socket, a session for each connected node.
//!
//! The protocol itself is [`evertill_sync::HubSession`], a pure state machine;
//! `session` is its shell. Frames of all sessions go to one `committer`,
//! which takes whatever is there into one transaction.
//!
//! Invariant: a node that is slow, broken or hostile holds up its own session
//! and nobody else's.

mod committer;
mod desk;
mod enrolment;
mod feeds;
mod registry;
mod session;

use std::net::SocketAddr;
use std::time::Duration;

use evertill_storage::journal::Author;
use evertill_transport::{Arrival, HubEndpoint, IdentityError};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::state::Hub;
use committer::Committer;
use registry::Registry;

/// How long sessions may take to end in good order.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The running downlink.
#[derive(Debug)]
pub struct Downlink {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What all sessions share.
#[derive(Clone, Debug)]
struct Shared {
    hub: Hub,
    author: Author,
    committer: Committer,
    registry: Registry,
    feeds: feeds::FeedHeads,
}

impl Downlink {
    /// Takes the UDP address and begins to answer. `author` writes the hub's own
    /// journal, whose life the nodes are told.
    ///
    /// # Errors
    /// [`IdentityError`] when the address is taken or the keys do not work.
    pub fn start(hub: &Hub, author: Author, address: SocketAddr) -> Result<Self, IdentityError> {
        let identity = hub.identity()?;
        let endpoint = HubEndpoint::bind(address, &identity, hub.revocations().clone())?;
        let bound = endpoint.local_address();
        let address = bound.map_err(|source| IdentityError::Bind { address, source })?;
        let shared = Shared {
            committer: Committer::start(hub),
            registry: Registry::default(),
            feeds: feeds::watch(hub, author.replica),
            hub: hub.clone(),
            author,
        };
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(answer(shared, endpoint, stopped));
        tracing::info!("stores reach the hub at {address} (QUIC)");
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// The UDP address in use.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every session in good order and frees the address.
    pub async fn stop(self) {
        // Fails only if the task is gone, and then nothing is open.
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_TIMEOUT, self.task).await.is_err() {
            tracing::warn!("some stores did not say goodbye in time and were cut");
        }
    }
}

async fn answer(shared: Shared, mut endpoint: HubEndpoint, mut stop: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    loop {
        let arrival = tokio::select! {
            biased;
            () = session::told(&mut stop) => break,
            Some(_) = sessions.join_next() => continue,
            arrival = endpoint.accept() => arrival,
        };
        match arrival {
            Some(Arrival::Enrolling(request)) => {
                sessions.spawn(enrolment::answer(shared.hub.clone(), request));
            }
            Some(Arrival::Node(peer, connection)) => {
                let (shared, stop) = (shared.clone(), stop.clone());
                sessions.spawn(session::run(shared, peer, connection, stop));
            }
            None => break,
        }
    }
    while sessions.join_next().await.is_some() {}
    endpoint.close().await;
}
