//! Ingest: taking in the journal of another machine.
//!
//! A frame is unpacked against the head held here, so its entries are exactly
//! that journal's next ones or nothing of it is taken. Every entry is stored and
//! acknowledged. Its parts are gated; when all pass they apply through the one
//! path that local entries take, and when any fails none of its documents apply
//! and the entry goes to quarantine with the rule and the reason.
//!
//! Sums of stock and days are collected over a whole group of frames and
//! written once. Should what is held of one journal turn out to be damaged, or a
//! sum leave its range, the group is undone and taken again frame by frame, so
//! that only this one fails.
//!
//! Invariant: one machine's frames never change what is held of another's, and
//! never keep another's from being taken.

pub(crate) mod actors;
mod frame;
pub(crate) mod intake;
pub(crate) mod judge;
mod refusal;

use evertill_domain::{Hlc, LocationId, NodeId, Seq, Timestamp};
use evertill_journal::{Frame, Watermark};
use rusqlite::Connection;

pub use actors::actor_at;
pub use refusal::{IngestError, Refusal, RefusalRule};

use crate::sql::{TableError, TableResult};
use intake::{Intake, savepoint};

/// How far an author's clock may be ahead of ours before its readings are no
/// longer merged, in milliseconds. What it wrote is accepted all the same.
pub const WILD_CLOCK_MS: u64 = 5 * 60 * 1_000;

/// Who sends, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The machine.
    pub node: NodeId,
    /// Where it stands.
    pub location: LocationId,
}

/// What came of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// How far the journal is now held: what is acknowledged once committed.
    pub at: Watermark,
    /// Entries that were new and applied.
    pub applied: usize,
    /// Entries that were new and went to quarantine.
    pub parked: usize,
    /// Entries that were held already.
    pub duplicates: usize,
    /// Entries that had waited in quarantine for these and applied with them.
    pub released: usize,
    /// The first entry whose clock was too far ahead to be merged.
    pub wild_clock: Option<(Seq, Hlc)>,
}

/// Takes one frame: a group of one. See [`group`].
///
/// # Errors
/// The disk or the database failed; the transaction must be rolled back.
#[expect(
    clippy::missing_panics_doc,
    reason = "a group has one result for each frame"
)]
pub fn ingest(
    conn: &Connection,
    peer: &Peer,
    frame: &Frame,
    now: Timestamp,
) -> TableResult<Result<Ingested, IngestError>> {
    let frames = [(peer, frame)];
    let mut results = group(conn, &frames, now)?;
    Ok(results
        .pop()
        .expect("invariant: a group has one result per frame"))
}

/// Takes frames of any machines, in this order, and gives one result for each.
///
/// Call it inside a write and **commit in any case**: what is refused has left
/// its case in quarantine. Acknowledge nothing before that commit.
///
/// # Errors
/// The disk or the database failed; the transaction must be rolled back. What
/// concerns one frame alone stands in that frame's result.
pub fn group(
    conn: &Connection,
    frames: &[(&Peer, &Frame)],
    now: Timestamp,
) -> TableResult<Vec<Result<Ingested, IngestError>>> {
    let together = savepoint(conn, || {
        let mut intake = Intake::new(conn, now);
        let results = frames
            .iter()
            .map(|(peer, frame)| frame::take(&mut intake, peer, frame))
            .collect::<TableResult<Vec<_>>>()?;
        intake.flush()?;
        Ok(results)
    });
    match together {
        Ok(results) => Ok(results
            .into_iter()
            .map(|result| result.map_err(IngestError::from))
            .collect()),
        Err(error @ TableError::Sql { .. }) => Err(error),
        Err(_) => frames
            .iter()
            .map(|(peer, frame)| alone(conn, peer, frame, now))
            .collect(),
    }
}

/// Takes a frame by itself, and finds what is wrong with it.
fn alone(
    conn: &Connection,
    peer: &Peer,
    frame: &Frame,
    now: Timestamp,
) -> TableResult<Result<Ingested, IngestError>> {
    let outcome = savepoint(conn, || {
        let mut intake = Intake::careful(conn, now);
        let result = frame::take(&mut intake, peer, frame)?;
        intake.flush()?;
        Ok(result)
    });
    match outcome {
        Ok(result) => Ok(result.map_err(IngestError::from)),
        Err(error @ TableError::Sql { .. }) => Err(error),
        Err(error) => Ok(Err(error.into())),
    }
}
