//! The committer: takes frames of all sessions into the database.
//!
//! It takes whatever is queued, up to a limit, into one transaction, never
//! waits for more, and answers each session in its order. How many bytes wait
//! decides the credit that sessions hand out: with too many, none. A session
//! that finds no room keeps its frames and reads nothing until there is some.
//!
//! Invariant: a session hears that its frame is committed after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evertill_journal::Frame;
use evertill_storage::TableError;
use evertill_storage::ingest::{self, IngestError, Ingested, Peer};
use evertill_sync::{HubInput, limits};
use tokio::sync::{mpsc, watch};

use crate::services::exceptions;
use crate::state::Hub;

/// Frames that may wait over all sessions.
const QUEUE: usize = 1_024;
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
pub(super) struct Job {
    peer: Arc<Peer>,
    frame: Frame,
    bytes: u64,
    answered: flume::Sender<Taken>,
}

/// What became of a frame; the detail is in words. Every session keeps room for
/// some, so it is small.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is on stable storage.
    Committed,
    /// It is not what this node's journal goes on with.
    Refused { detail: String },
    /// The hub could not take it.
    Failed { detail: String },
}

impl From<Taken> for HubInput {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Committed => Self::FrameCommitted,
            Taken::Refused { detail } => Self::FrameRefused { detail },
            Taken::Failed { detail } => Self::Failed { detail },
        }
    }
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

    /// A frame of `bytes` bytes that waits from now on.
    pub(super) fn job(
        &self,
        peer: &Arc<Peer>,
        frame: Frame,
        bytes: u64,
        answered: &flume::Sender<Taken>,
    ) -> Job {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        Job {
            peer: peer.clone(),
            frame,
            bytes,
            answered: answered.clone(),
        }
    }

    /// Queues a frame, or gives it back if there is no room.
    pub(super) fn try_queue(&self, job: Job) -> Option<Job> {
        match self.queue.try_send(job) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(job) | mpsc::error::TrySendError::Closed(job)) => {
                Some(job)
            }
        }
    }

    /// Waits for room for one frame. Never ready once the committer is gone,
    /// which it is only when the process ends.
    pub(super) async fn room(&self) -> mpsc::Permit<'_, Job> {
        match self.queue.reserve().await {
            Ok(room) => room,
            Err(_) => std::future::pending().await,
        }
    }

    /// A frame that its session threw away waits no longer.
    pub(super) fn forget(&self, job: &Job) {
        self.waiting.fetch_sub(job.bytes, Ordering::Relaxed);
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
    let now = hub.now();
    let written = hub
        .store()
        .write("take in journals", move |tx| {
            let frames: Vec<(&Peer, &Frame)> = frames
                .iter()
                .map(|(peer, frame)| (peer.as_ref(), frame))
                .collect();
            let taken = ingest::group(tx, &frames, now)?;
            for ((peer, _), taken) in frames.iter().zip(&taken) {
                if let Ok(Ingested {
                    wild_clock: Some(at),
                    ..
                }) = taken
                {
                    exceptions::wild_clock(tx, peer, *at, now)?;
                }
            }
            Ok::<_, TableError>(taken)
        })
        .await;
    match written {
        Ok(results) => {
            for ((session, peer), result) in sessions.into_iter().zip(results) {
                // A session that ended meanwhile needs no answer.
                let _ = session.send_async(answer(&peer, result)).await;
            }
        }
        Err(error) => {
            tracing::error!(%error, "journals could not be taken in");
            for (session, _) in sessions {
                let detail = error.to_string();
                let _ = session.send_async(Taken::Failed { detail }).await;
            }
        }
    }
}

fn answer(peer: &Peer, result: Result<Ingested, IngestError>) -> Taken {
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
            Taken::Committed
        }
        Err(IngestError::Refused(refusal)) => Taken::Refused {
            detail: refusal.to_string(),
        },
        Err(error @ IngestError::Table(TableError::Sql { .. })) => Taken::Failed {
            detail: error.to_string(),
        },
        Err(error @ IngestError::Table(_)) => {
            tracing::error!(%error, location = %peer.location, "what is held of a journal is damaged");
            Taken::Failed {
                detail: error.to_string(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use evertill_domain::{NodeId, ReplicaId};
    use evertill_journal::EntryHash;

    use super::*;

    fn committer(room: usize) -> (Committer, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(room);
        let committer = Committer {
            queue,
            waiting: Arc::default(),
            window: watch::channel(limits::DEFAULT_WINDOW).1,
        };
        (committer, jobs)
    }

    fn job(committer: &Committer, bytes: u64) -> Job {
        let peer = Arc::new(Peer {
            node: NodeId(1),
            location: "S001".parse().unwrap(),
        });
        let frame = Frame {
            replica: ReplicaId(1),
            first_seq: 1,
            count: 1,
            actor: None,
            head: EntryHash([0; 32]),
            level: 0,
            raw_len: 0,
            payload: Vec::new(),
        };
        committer.job(&peer, frame, bytes, &flume::bounded(1).0)
    }

    /// Regression: a full queue ended the session instead of making it wait.
    #[tokio::test]
    async fn a_frame_without_room_is_given_back_and_goes_in_later() {
        let (committer, mut jobs) = committer(1);
        assert!(committer.try_queue(job(&committer, 10)).is_none());
        let crowded = committer.try_queue(job(&committer, 5)).unwrap();
        assert_eq!(committer.waiting.load(Ordering::Relaxed), 15);
        let (taken, room) = tokio::join!(jobs.recv(), committer.room());
        assert_eq!(taken.unwrap().bytes, 10);
        room.send(crowded);
        assert_eq!(jobs.recv().await.unwrap().bytes, 5);
        committer.forget(&job(&committer, 7));
        assert_eq!(committer.waiting.load(Ordering::Relaxed), 15);
    }
}
