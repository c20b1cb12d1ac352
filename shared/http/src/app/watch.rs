//! What every service does by itself from time to time: it throws away old
//! answers and measures its store.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use std::time::Duration;

use evertill_storage::{Store, Surroundings, idempotency};
use tokio::time::{MissedTickBehavior, interval};

/// Rest between two rounds of throwing away old answers.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Rest between two measurements.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// Throws away answers to repeated requests that are too old to be asked for,
/// for as long as the task lives.
pub async fn prune_answers(store: Store, surroundings: Surroundings) {
    let mut every = interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        loop {
            let now = surroundings.now();
            let pruned = store
                .write("prune answers", move |tx| idempotency::prune(tx, now))
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

/// Shows the store in `/metrics`, and what `measure` adds, for as long as the
/// task lives.
pub async fn show<M: Future<Output = ()>>(store: Store, mut measure: impl FnMut() -> M) {
    metrics::describe_counter!(
        "store_commits_total",
        "Transactions committed since the start"
    );
    metrics::describe_counter!("store_writes_total", "Writes answered since the start");
    metrics::describe_gauge!("store_writes_waiting", "Writes that wait now");
    metrics::describe_gauge!(
        "disk_free_bytes",
        "Free space on the disk of the data folder"
    );
    let mut every = interval(MEASURE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let stats = store.stats();
        metrics::counter!("store_commits_total").absolute(stats.groups);
        metrics::counter!("store_writes_total").absolute(stats.writes);
        gauge("store_writes_waiting", stats.waiting as u64);
        match store.disk_free() {
            Ok(free) => gauge("disk_free_bytes", free),
            Err(error) => tracing::warn!(%error, "the free disk space cannot be read"),
        }
        measure().await;
    }
}

/// Sets a gauge of `/metrics`.
pub fn gauge(name: &'static str, value: u64) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; what it shows is far below 2^52"
    )]
    metrics::gauge!(name).set(value as f64);
}
