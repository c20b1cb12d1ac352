//! What a running hub does by itself: it throws away what is too old, measures
//! itself, and looks after orders.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use evertill_http::app::watch::{self, Old, gauge};
use evertill_storage::selling::decisions;
use evertill_storage::{TableError, completeness, quarantine};
use tokio::task::JoinHandle;

use crate::outgoing::{messages, webhooks};
use crate::services::{orders, refused};
use crate::state::Hub;

/// Decisions that were made so long ago that no journal has their orders either.
const DECISIONS: Old = Old {
    what: "prune decisions",
    prune: decisions::prune,
    limit: decisions::PRUNE_LIMIT,
};

/// The tasks of a running hub; dropping it ends them.
#[derive(Debug)]
pub struct Upkeep(Vec<JoinHandle<()>>);

impl Upkeep {
    /// Begins. Call it inside a runtime.
    #[must_use]
    pub fn start(hub: &Hub) -> Self {
        describe();
        let (store, measured) = (hub.store().clone(), hub.clone());
        let prune = |old| {
            let (store, surroundings) = (hub.store().clone(), hub.surroundings().clone());
            tokio::spawn(watch::prune(store, surroundings, old))
        };
        Self(vec![
            prune(Old::ANSWERS),
            prune(DECISIONS),
            tokio::spawn(watch::show(store, move || measure(measured.clone()))),
            tokio::spawn(orders::keep(hub.clone())),
            tokio::spawn(orders::watch(hub.clone())),
            tokio::spawn(refused::keep_all(hub.clone())),
            tokio::spawn(messages::keep(hub.clone())),
            tokio::spawn(webhooks::keep(hub.clone())),
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

/// Shows in `/metrics` what an operator watches.
async fn measure(hub: Hub) {
    gauge("hub_nodes_connected", hub.live().count() as u64);
    let counted = hub
        .store()
        .read(|conn| {
            let open = quarantine::open_cases(conn)?;
            let incomplete = completeness::incomplete(conn)?.len();
            Ok::<_, TableError>((open, incomplete))
        })
        .await;
    match counted {
        Ok((open, incomplete)) => {
            gauge("hub_quarantine_open", open);
            gauge("hub_locations_incomplete", incomplete as u64);
        }
        Err(error) => tracing::warn!(%error, "the hub could not be measured"),
    }
}

fn describe() {
    metrics::describe_gauge!("hub_nodes_connected", "Nodes connected now");
    metrics::describe_gauge!("hub_quarantine_open", "Open quarantine cases");
    metrics::describe_gauge!(
        "hub_locations_incomplete",
        "Locations that have more to tell than is counted"
    );
}
