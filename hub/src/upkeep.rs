//! What a running hub does by itself: it throws away old answers, measures
//! itself, and looks after orders.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use std::time::Duration;

use evertill_http::app::watch::{self, gauge};
use evertill_storage::selling::decisions;
use evertill_storage::{TableError, completeness, quarantine};
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::outgoing::{messages, webhooks};
use crate::services::{orders, refused};
use crate::state::Hub;

/// How often old decisions are looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// The tasks of a running hub; dropping it ends them.
#[derive(Debug)]
pub struct Upkeep(Vec<JoinHandle<()>>);

impl Upkeep {
    /// Begins. Call it inside a runtime.
    #[must_use]
    pub fn start(hub: &Hub) -> Self {
        describe();
        let (store, measured) = (hub.store().clone(), hub.clone());
        Self(vec![
            tokio::spawn(watch::prune_answers(
                store.clone(),
                hub.surroundings().clone(),
            )),
            tokio::spawn(watch::show(store, move || measure(measured.clone()))),
            tokio::spawn(orders::keep(hub.clone())),
            tokio::spawn(orders::watch(hub.clone())),
            tokio::spawn(prune_decisions(hub.clone())),
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

/// Throws away what was decided so long ago that no journal has it either.
async fn prune_decisions(hub: Hub) {
    let mut every = interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        let mut more = true;
        while more {
            let now = hub.now();
            let pruned = hub
                .store()
                .write("prune decisions", move |tx| decisions::prune(tx, now))
                .await;
            more = pruned
                .as_ref()
                .is_ok_and(|found| *found == decisions::PRUNE_LIMIT as usize);
            if let Err(error) = pruned {
                tracing::warn!(%error, "old decisions were not thrown away");
            }
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
