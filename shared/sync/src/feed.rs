//! The feed: what the hub has for one location, as a chained sequence of its own.
//!
//! An item is opaque here: the hub's storage writes it, the node's storage
//! verifies the chain, gates the parts and applies them. The session only keeps
//! order and positions.

use evertill_domain::ReplicaId;
use evertill_journal::{EntryHash, Watermark};

/// A node's place in the hub's feed for its location.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeedPosition {
    /// The life of the hub whose feed this is.
    pub hub: ReplicaId,
    /// The last item applied, with its hash.
    pub at: Watermark,
}

/// Consecutive items of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedFrame {
    /// The life of the hub whose feed this is.
    pub hub: ReplicaId,
    /// Position of the first item; the others follow without a gap.
    pub first_seq: u64,
    /// The items as the hub stored them, 1 to
    /// [`FEED_FRAME_ITEMS`](crate::limits::FEED_FRAME_ITEMS).
    pub items: Vec<Vec<u8>>,
    /// Hash of the last item, over the whole chain up to it.
    pub head: EntryHash,
}

impl FeedFrame {
    /// The position after the last item, or nothing for a frame without items
    /// or with impossible numbers.
    #[must_use]
    pub fn end(&self) -> Option<Watermark> {
        let further = u64::try_from(self.items.len()).ok()?.checked_sub(1)?;
        Some(Watermark {
            seq: self.first_seq.checked_add(further)?,
            hash: self.head,
        })
    }
}
