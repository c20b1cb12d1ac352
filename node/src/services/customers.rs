//! Who ordered what this location has to hand over: for how long it is known here.
//!
//! The hub tells and takes back. A node whose line is cut forgets by itself.
//!
//! Invariant: an order that is long over here has no customer here.

use std::time::Duration;

use evertill_storage::{TableError, WriteError, private};

use crate::state::Node;

/// Rest between two looks.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Forgets customers in time, for as long as the task lives.
pub async fn keep(node: Node) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match sweep(&node).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "customers of old orders were forgotten"),
            Err(error) => {
                tracing::warn!(%error, "customers of old orders could not be forgotten yet");
            }
        }
    }
}

/// Forgets the customers of orders that are long over; gives how many.
///
/// # Errors
/// The tables could not be read or written.
pub async fn sweep(node: &Node) -> Result<usize, WriteError<TableError>> {
    let Some(author) = node.author() else {
        return Ok(0);
    };
    let now = node.now();
    node.store()
        .write("forget customers of old orders", move |tx| {
            private::sweep_kept(tx, &author.location, now)
        })
        .await
}
