//! The private stream: who ordered what a location has to hand over, written by
//! the hub alone and sent as pages.
//!
//! It is unchained: a row that was taken back leaves nothing behind, neither
//! here nor in a hash. Rows are opaque; a page says from which position it leads
//! to which, and a page from nothing replaces everything. It travels on the feed's
//! channel, because a channel of its own would cost every idle connection memory.

use std::fmt;

/// A node's durable place in its location's private stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrivatePosition {
    /// The life of the hub's database; 0 before the first page.
    pub hub: u64,
    /// The number of the last change that is kept.
    pub version: u64,
}

impl PrivatePosition {
    /// Nothing is kept.
    pub const NOTHING: Self = Self { hub: 0, version: 0 };

    /// Whether a hub at `newest` has nothing more for this position.
    #[must_use]
    pub fn is_at(&self, newest: &Self) -> bool {
        if *self == Self::NOTHING {
            newest.version == 0
        } else {
            self == newest
        }
    }
}

/// Changes that lead from one position to another.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivatePage {
    /// Where the page starts: the position that it was read for, or nothing if
    /// that one could not be continued.
    pub from: PrivatePosition,
    /// Where the node stands when the page is kept.
    pub to: PrivatePosition,
    /// The rows as the hub's storage packed them.
    pub rows: Vec<u8>,
}

/// What is personal appears in no log.
impl fmt::Debug for PrivatePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivatePage")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("bytes", &self.rows.len())
            .finish_non_exhaustive()
    }
}
