//! The committer: takes frames of all sessions into the database.
//!
//! It takes whatever is queued, up to a limit, into one transaction, never
//! waits for more, and answers each session in its order. How many bytes wait
//! decides the credit that sessions hand out: with too many, none.
//!
//! Invariant: a session hears that its frame is committed after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evertill_journal::Frame;
use evertill_storage::TableError;
use evertill_storage::ingest::{self, IngestError, Ingested, Peer};
use evertill_sync::{HubInput, limits};
use tokio::sync::{mpsc, watch};

use crate::state::{Hub, now};

/// Frames that may wait over all sessions; each session has few.
const QUEUE: usize = 4_096;
/// Entries that are taken into one transaction, unless one frame has more.
const GROUP_ENTRIES: u32 = 500;
/// Waiting bytes beyond which no credit is given.
const PRESSURE_BYTES: u64 = 16 << 20;

/// The way to the committer; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Committer {
    queue: mpsc::Sender<Job>,
    waiting: Arc<AtomicU64>,
    window: watch::Receiver<u64>,
}

/// A frame and who waits for it.
#[derive(Debug)]
struct Job {
    peer: Arc<Peer>,
    frame: Frame,
    bytes: u64,
    answered: mpsc::Sender<HubInput>,
}

impl Committer {
    pub(super) fn start(hub: &Hub) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (widen, window) = watch::channel(limits::DEFAULT_WINDOW);
        let waiting = Arc::new(AtomicU64::new(0));
        tokio::spawn(commit(hub.clone(), jobs, waiting.clone(), widen));
        Self {
            queue,
            waiting,
            window,
        }
    }

    /// Queues a frame of `bytes` bytes. False if the queue is full, which only
    /// sessions beyond their credit can make it.
    pub(super) fn commit(
        &self,
        peer: &Arc<Peer>,
        frame: Frame,
        bytes: u64,
        answered: &mpsc::Sender<HubInput>,
    ) -> bool {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let job = Job {
            peer: peer.clone(),
            frame,
            bytes,
            answered: answered.clone(),
        };
        let taken = self.queue.try_send(job).is_ok();
        if !taken {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// How many unacknowledged bytes each connection may have now.
    pub(super) fn window(&self) -> watch::Receiver<u64> {
        self.window.clone()
    }
}

async fn commit(
    hub: Hub,
    mut jobs: mpsc::Receiver<Job>,
    waiting: Arc<AtomicU64>,
    widen: watch::Sender<u64>,
) {
    while let Some(first) = jobs.recv().await {
        let mut entries = first.frame.count;
        let mut group = vec![first];
        while entries < GROUP_ENTRIES {
            let Ok(job) = jobs.try_recv() else { break };
            entries += job.frame.count;
            group.push(job);
        }
        let bytes: u64 = group.iter().map(|job| job.bytes).sum();
        take(&hub, group).await;
        let left = waiting.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        let window = if left > PRESSURE_BYTES {
            0
        } else {
            limits::DEFAULT_WINDOW
        };
        widen.send_if_modified(|held| std::mem::replace(held, window) != window);
    }
}

async fn take(hub: &Hub, group: Vec<Job>) {
    let mut sessions = Vec::with_capacity(group.len());
    let mut frames = Vec::with_capacity(group.len());
    for job in group {
        sessions.push((job.answered, job.peer.clone()));
        frames.push((job.peer, job.frame));
    }
    let written = hub
        .store()
        .write("take in journals", move |tx| {
            let frames: Vec<(&Peer, &Frame)> = frames
                .iter()
                .map(|(peer, frame)| (peer.as_ref(), frame))
                .collect();
            ingest::group(tx, &frames, now())
        })
        .await;
    match written {
        Ok(results) => {
            for ((session, peer), result) in sessions.into_iter().zip(results) {
                // A session that ended meanwhile needs no answer.
                let _ = session.send(answer(&peer, result)).await;
            }
        }
        Err(error) => {
            tracing::error!(%error, "journals could not be taken in");
            for (session, _) in sessions {
                let detail = error.to_string();
                let _ = session.send(HubInput::Failed { detail }).await;
            }
        }
    }
}

fn answer(peer: &Peer, result: Result<Ingested, IngestError>) -> HubInput {
    match result {
        Ok(ingested) => {
            if ingested.parked > 0 {
                tracing::warn!(
                    location = %peer.location,
                    node = %peer.node,
                    entries = ingested.parked,
                    "entries went to quarantine; GET /api/v1/quarantine says why"
                );
            }
            if let Some((seq, hlc)) = ingested.wild_clock {
                tracing::warn!(
                    location = %peer.location,
                    node = %peer.node,
                    seq,
                    clock = %hlc,
                    "a node's clock is far ahead; set it right"
                );
            }
            HubInput::FrameCommitted
        }
        Err(IngestError::Refused(refusal)) => HubInput::FrameRefused {
            detail: refusal.to_string(),
        },
        Err(error @ IngestError::Table(TableError::Sql { .. })) => HubInput::Failed {
            detail: error.to_string(),
        },
        Err(error @ IngestError::Table(_)) => {
            tracing::error!(%error, location = %peer.location, "what is held of a journal is damaged");
            HubInput::Failed {
                detail: error.to_string(),
            }
        }
    }
}
