//! Frames: consecutive entries of one journal on their way to a peer.
//!
//! What the receiver can recompute stays behind: replica and numbers stand once
//! in the frame, the hash of the entry before is known from the entry before,
//! document ids derive from actor, number and part, and the part codec leaves
//! out what it can of a change. The receiver rebuilds the entries, hashes them,
//! and compares the last hash with the one the sender named, so nothing that
//! was left out can come back different.
//!
//! Invariant: [`unpack`] gives exactly the entries that were packed, or an
//! error; it never panics and its memory is bounded by the limits.

mod columns;
mod pack;
mod unpack;
mod wire;

use evertill_domain::{ActorId, ReplicaId, Seq};

pub use pack::{PackError, pack};
pub use unpack::unpack;

use crate::chain::{ChainBreak, EntryHash};
use crate::entry::EntryError;

/// How much work to spend on making a frame small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// A few entries that someone waits for: the cheapest level.
    Live,
    /// A backlog: bytes count more than microseconds.
    CatchUp,
}

/// Consecutive entries of one journal, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The journal.
    pub replica: ReplicaId,
    /// Number of the first entry.
    pub first_seq: Seq,
    /// How many entries follow each other, 1 to [`FRAME_ENTRIES`](crate::FRAME_ENTRIES).
    pub count: u32,
    /// The actor that wrote the first entry, if it is not itself a start.
    pub actor: Option<ActorId>,
    /// Hash of the last entry.
    pub head: EntryHash,
    /// Zstandard level of the payload; 0 when it is not compressed.
    pub level: u8,
    /// Length of the payload once inflated.
    pub raw_len: u32,
    /// The entries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Number of the last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.first_seq
            .saturating_add(u64::from(self.count).saturating_sub(1))
    }

    /// The frame as a CBOR array.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Reads a frame without inflating it. Later fields are ignored.
    ///
    /// # Errors
    /// [`FrameError::Malformed`] when the bytes are no frame, or one whose
    /// claims exceed the limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        wire::decode(bytes)
    }
}

/// A frame that cannot be accepted. The journal it continues stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not a frame's, or its claims exceed the limits.
    #[error("the frame is malformed: {0}")]
    Malformed(String),
    /// The payload does not inflate to what the frame says.
    #[error("the frame's payload does not inflate to the {raw_len} bytes it claims")]
    Inflate {
        /// The claimed length.
        raw_len: u32,
    },
    /// A rebuilt or carried entry is none.
    #[error("the frame carries a bad entry: {0}")]
    Entry(#[from] EntryError),
    /// The entries do not continue the journal.
    #[error(transparent)]
    Chain(#[from] ChainBreak),
    /// All entries fit, but the last one is not the one that was sent.
    #[error("the frame rebuilds to head {found}, the sender named {expected}")]
    Head {
        /// The hash that the sender named.
        expected: EntryHash,
        /// The hash of the last rebuilt entry.
        found: EntryHash,
    },
}
