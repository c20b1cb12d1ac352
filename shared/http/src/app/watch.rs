//! What every service does by itself from time to time: it throws away what is
//! too old and measures its store.
//!
//! Invariant: nothing waits for this; what fails is logged and tried again.

use std::time::Duration;

use evertill_domain::Timestamp;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{Store, Surroundings, TableResult, idempotency};
use tokio::time::{MissedTickBehavior, interval};

/// Rest between two rounds of throwing away what is too old.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Rest between two measurements.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// Rows that are thrown away when they are too old.
#[derive(Clone, Copy, Debug)]
pub struct Old {
    /// What is done, for logs and errors.
    pub what: &'static str,
    /// Removes some of them; gives how many.
    pub prune: fn(&Connection, Timestamp) -> TableResult<usize>,
    /// If so many were removed, there may be more.
    pub limit: u32,
}

impl Old {
    /// Answers to repeated requests.
    pub const ANSWERS: Self = Self {
        what: "prune answers",
        prune: idempotency::prune,
        limit: idempotency::PRUNE_LIMIT,
    };
}

/// Throws away what is too old, for as long as the task lives.
pub async fn prune(store: Store, surroundings: Surroundings, old: Old) {
    let mut every = interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        let mut more = true;
        while more {
            let now = surroundings.now();
            let pruned = store.write(old.what, move |tx| (old.prune)(tx, now)).await;
            more = pruned
                .as_ref()
                .is_ok_and(|found| *found == old.limit as usize);
            if let Err(error) = pruned {
                tracing::warn!(%error, what = old.what, "what is too old was not thrown away");
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
