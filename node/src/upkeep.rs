//! What a running node does by itself: it throws away old answers, forgets
//! customers whose orders are long over, measures itself, and mints and withdraws
//! as its location's minter.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use evertill_http::app::watch::{self, gauge};
use evertill_storage::journal;
use tokio::task::JoinHandle;

use crate::services::{customers, marker, rights};
use crate::state::Node;

/// The tasks of a running node; dropping it ends them.
#[derive(Debug)]
pub struct Upkeep(Vec<JoinHandle<()>>);

impl Upkeep {
    /// Begins. Call it inside a runtime.
    #[must_use]
    pub fn start(node: &Node) -> Self {
        metrics::describe_gauge!("node_hub_connected", "1 while the hub is connected");
        metrics::describe_gauge!(
            "node_unsent_entries",
            "Own entries that the hub has not confirmed"
        );
        let (store, measured) = (node.store().clone(), node.clone());
        Self(vec![
            tokio::spawn(watch::prune(
                store.clone(),
                node.surroundings().clone(),
                watch::Old::ANSWERS,
            )),
            tokio::spawn(watch::show(store, move || measure(measured.clone()))),
            tokio::spawn(rights::keep(node.clone())),
            tokio::spawn(marker::keep(node.clone())),
            tokio::spawn(customers::keep(node.clone())),
        ])
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Shows in `/metrics` what whoever looks after the store watches.
async fn measure(node: Node) {
    gauge("node_hub_connected", u64::from(node.hub().connected));
    let Some(author) = node.author() else {
        return;
    };
    let unsent = node
        .store()
        .read(move |conn| journal::unsent(conn, &author));
    match unsent.await {
        Ok(unsent) => gauge("node_unsent_entries", unsent.entries),
        Err(error) => tracing::warn!(%error, "the node could not be measured"),
    }
}
