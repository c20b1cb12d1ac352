//! Ingest: taking in the journal of another machine.
//!
//! A frame is unpacked against the head held here, so its entries are exactly
//! that journal's next ones or nothing of it is taken. Every entry is stored and
//! acknowledged. Its parts are gated; when all pass they apply through the one
//! path that local entries take, and when any fails none of its documents apply
//! and the entry goes to quarantine with the rule and the reason.
//!
//! Invariant: one machine's frames never change what is held of another's, and
//! never keep another's from being taken.

mod refusal;

use evertill_domain::{Hlc, LocationId, NodeId, Seq};
use evertill_journal::Watermark;

pub use refusal::{IngestError, Refusal, RefusalRule};

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
