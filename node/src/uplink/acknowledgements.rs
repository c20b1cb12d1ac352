//! What the hub has confirmed, kept durably, but not at the cost of a sale's
//! disk write each.
//!
//! Losing the latest confirmation is harmless: the next hello tells it again.
//!
//! Invariant: what is noted last is written last.

use std::time::Duration;

use evertill_domain::ReplicaId;
use evertill_journal::Watermark;
use evertill_storage::journal;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::state::Node;

/// How long a confirmation may wait for the next one before it is written.
const GATHER: Duration = Duration::from_millis(100);

/// The confirmations of one connection.
#[derive(Debug)]
pub(super) struct Acknowledgements {
    latest: watch::Sender<Option<Watermark>>,
    task: JoinHandle<()>,
}

impl Acknowledgements {
    pub(super) fn open(node: &Node, replica: ReplicaId) -> Self {
        let (latest, noted) = watch::channel(None);
        let task = tokio::spawn(write(node.clone(), replica, noted));
        Self { latest, task }
    }

    /// Notes how far the hub holds the journal.
    pub(super) fn note(&self, at: Watermark) {
        self.latest.send_replace(Some(at));
    }

    /// Writes what is noted, and ends.
    pub(super) async fn flush(self) {
        drop(self.latest);
        // A panic there was reported where it happened.
        let _ = self.task.await;
    }
}

async fn write(node: Node, replica: ReplicaId, mut noted: watch::Receiver<Option<Watermark>>) {
    loop {
        let more = noted.changed().await.is_ok();
        if more {
            tokio::time::sleep(GATHER).await;
        }
        let changed = noted.has_changed().unwrap_or(true);
        let at = *noted.borrow_and_update();
        if let Some(at) = at.filter(|_| more || changed) {
            let written = node
                .store()
                .write("note what the hub holds", move |tx| {
                    journal::set_acknowledged(tx, replica, &at)
                })
                .await;
            if let Err(error) = written {
                tracing::warn!(%error, "what the hub holds was not noted; the next hello tells it");
            }
        }
        if !more {
            return;
        }
    }
}
