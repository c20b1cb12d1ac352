//! What a running hub does by itself from time to time: it throws away old
//! answers and measures itself.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use std::time::Duration;

use evertill_storage::{TableError, completeness, idempotency, quarantine};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::state::{self, Hub};

/// Rest between two rounds of throwing away old answers.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Rest between two measurements.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// The tasks of a running hub; dropping it ends them.
#[derive(Debug)]
pub struct Upkeep(Vec<JoinHandle<()>>);

impl Upkeep {
    /// Begins. Call it inside a runtime.
    #[must_use]
    pub fn start(hub: &Hub) -> Self {
        Self(vec![
            tokio::spawn(prune(hub.clone())),
            tokio::spawn(measure(hub.clone())),
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

/// Throws away answers to repeated requests that are too old to be asked for.
async fn prune(hub: Hub) {
    let mut every = interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        loop {
            let pruned = hub
                .store()
                .write("prune answers", |tx| idempotency::prune(tx, state::now()))
                .await;
            match pruned {
                Ok(found) if found == idempotency::PRUNE_LIMIT as usize => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old answers were not thrown away");
                    break;
                }
            }
        }
    }
}

/// Shows in `/metrics` what an operator watches.
async fn measure(hub: Hub) {
    describe();
    let mut every = interval(MEASURE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let stats = hub.store().stats();
        metrics::counter!("store_commits_total").absolute(stats.groups);
        metrics::counter!("store_writes_total").absolute(stats.writes);
        gauge("store_writes_waiting", stats.waiting);
        gauge("hub_nodes_connected", hub.live().count());
        match hub.store().disk_free() {
            Ok(free) => gauge(
                "disk_free_bytes",
                usize::try_from(free).unwrap_or(usize::MAX),
            ),
            Err(error) => tracing::warn!(%error, "the free disk space cannot be read"),
        }
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
                let open = usize::try_from(open).unwrap_or(usize::MAX);
                gauge("hub_quarantine_open", open);
                gauge("hub_locations_incomplete", incomplete);
            }
            Err(error) => tracing::warn!(%error, "the hub could not be measured"),
        }
    }
}

fn describe() {
    metrics::describe_counter!(
        "store_commits_total",
        "Transactions committed since the start"
    );
    metrics::describe_counter!("store_writes_total", "Writes answered since the start");
    metrics::describe_gauge!("store_writes_waiting", "Writes that wait now");
    metrics::describe_gauge!("hub_nodes_connected", "Nodes connected now");
    metrics::describe_gauge!(
        "disk_free_bytes",
        "Free space on the disk of the data folder"
    );
    metrics::describe_gauge!("hub_quarantine_open", "Open quarantine cases");
    metrics::describe_gauge!(
        "hub_locations_incomplete",
        "Locations that have more to tell than is counted"
    );
}

fn gauge(name: &'static str, value: usize) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; what it shows is far below 2^52"
    )]
    metrics::gauge!(name).set(value as f64);
}
