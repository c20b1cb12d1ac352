//! Orders that were refused because there was not enough, on their way to where
//! they are kept.
//!
//! A refused order leaves no trace in the journal, and its answer waits for
//! nothing more. So what it asked for is noted in memory, and a task keeps the
//! notes a moment later in a write of its own. A crash loses those of the last
//! second.
//!
//! Invariant: never more than a fixed number waits, and what is kept says where
//! a customer lives no more precisely than to about ten kilometres.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evertill_domain::Timestamp;
use evertill_domain::routing::{Destination, Snapshot, plan};
use evertill_domain::trial::Recorded;
use evertill_storage::selling::refused::{self, Refused};
use evertill_storage::{TableError, WriteError};

use crate::state::Hub;

/// Most refused orders that wait to be kept; what comes on top is not kept.
const WAITING: usize = 200;
/// Rest between two writes.
const REST: Duration = Duration::from_secs(1);

/// The channel, and its name for an order.
type Name = (String, String);

/// Refused orders that wait to be kept, each as it was asked for last.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<BTreeMap<Name, (Timestamp, Recorded)>>);

impl Attempts {
    /// Notes a refused order.
    pub fn note(&self, name: (String, String), recorded: Recorded, at: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING || waiting.contains_key(&name) {
            waiting.insert(name, (at, recorded));
        }
    }

    fn take(&self) -> BTreeMap<Name, (Timestamp, Recorded)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps what was refused, for as long as the task lives.
pub async fn keep_all(hub: Hub) {
    loop {
        tokio::time::sleep(REST).await;
        if let Err(error) = keep(&hub).await {
            tracing::warn!(%error, "refused orders could not be kept");
        }
    }
}

/// Keeps what was refused so far.
///
/// # Errors
/// The rows could not be written; what was to be kept is lost.
pub async fn keep(hub: &Hub) -> Result<(), WriteError<TableError>> {
    let waiting = hub.refused().take();
    if waiting.is_empty() {
        return Ok(());
    }
    let kept: Vec<Refused> = waiting
        .into_iter()
        .filter_map(|(name, (at, recorded))| row(name, at, recorded))
        .collect();
    let now = hub.now();
    hub.store()
        .write("keep refused orders", move |tx| {
            refused::keep(tx, &kept, now)
        })
        .await
}

/// A refused order as it is kept: planned again for the coarser place. None if
/// that would not have been refused.
fn row((channel, external_id): Name, at: Timestamp, recorded: Recorded) -> Option<Refused> {
    let mut snapshot = recorded.snapshot;
    coarsen(&mut snapshot);
    if plan(&snapshot, &recorded.routing).unsourced.is_empty() {
        return None;
    }
    Some(Refused {
        channel,
        external_id,
        at,
        snapshot: json(&snapshot),
        policy: json(&recorded.routing),
        basis: json(&recorded.basis),
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: a plan is plain JSON")
}

fn coarsen(snapshot: &mut Snapshot) {
    if let Destination::Ship {
        position: Some(position),
        ..
    } = &mut snapshot.destination
    {
        *position = position.coarse();
    }
}
