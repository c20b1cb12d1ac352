//! The line to the hub: it is looked for in the background, and nothing waits
//! for it.
//!
//! The protocol itself is [`evertill_sync::NodeSession`], a pure state machine;
//! this is its shell. A `session` lives as long as one connection; between two
//! connections the node waits with jitter.
//!
//! Invariant: no request of a till waits for anything here.

mod acknowledgements;
mod desk;
mod session;

use std::time::Duration;

use evertill_sync::{Retry, limits, reconnect_delay};
use evertill_transport::{IdentityError, NodeEndpoint, NodeIdentity};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::state::{HubContact, Node};
use session::{Ended, told};

/// How long the session may take to end in good order.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

/// The running uplink.
#[derive(Debug)]
pub struct Uplink {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Begins to look for the hub.
///
/// # Errors
/// [`IdentityError`] when TLS refuses the keys of this machine.
pub fn spawn(node: &Node, identity: &NodeIdentity) -> Result<Uplink, IdentityError> {
    let endpoint = NodeEndpoint::new(identity)?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(keep_connected(node.clone(), endpoint, stopped));
    Ok(Uplink { stop, task })
}

impl Uplink {
    /// Ends the session in good order and stops looking for the hub.
    pub async fn stop(self) {
        // The task is gone if a person has to act first; nothing to stop then.
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_TIMEOUT, self.task).await.is_err() {
            tracing::warn!("the line to the hub did not end in time and was cut");
        }
    }
}

async fn keep_connected(node: Node, endpoint: NodeEndpoint, mut stop: watch::Receiver<bool>) {
    let mut attempt = 0;
    let mut said = String::new();
    loop {
        let connected = tokio::select! {
            biased;
            () = told(&mut stop) => return,
            connected = endpoint.connect() => connected,
        };
        let ended = match connected {
            Ok(connection) => session::run(&node, connection, stop.clone()).await,
            Err(error) => Ended::before_hello(error.to_string()),
        };
        let contact = node.hub();
        node.set_hub(HubContact {
            connected: false,
            ..contact
        });
        if *stop.borrow() {
            return;
        }
        // A line that is cut for days is worth one line in the log.
        if ended.reached || said != ended.reason {
            tracing::info!(reason = ended.reason, "there is no line to the hub");
            said.clone_from(&ended.reason);
        }
        attempt = if ended.reached { 0 } else { attempt + 1 };
        let Some(rest) = rest(ended.retry, attempt) else {
            tracing::error!(
                reason = ended.reason,
                "the node stays without a hub until it is started again; it goes on selling"
            );
            return;
        };
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// How long to wait before the next attempt; `None` is for ever.
fn rest(retry: Retry, attempt: u32) -> Option<Duration> {
    let milliseconds = match retry {
        // Without random numbers all stores would come back at once; that is
        // still better than not at all.
        Retry::Backoff => reconnect_delay(attempt, getrandom::u64().unwrap_or_default()),
        Retry::Slow => limits::RECONNECT_MAX_MS,
        Retry::Never => return None,
    };
    Some(Duration::from_millis(milliseconds))
}
