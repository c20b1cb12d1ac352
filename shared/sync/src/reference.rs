//! The reference stream: products, prices, policies and locations, written by
//! the hub alone and sent as pages.
//!
//! Rows and cursors are opaque here. A page says from which position it leads
//! to which; the node stages it durably and swaps the whole version in when the
//! last page arrives, so a reader never sees half a version.

/// The newest version that a hub has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ReferenceVersion {
    /// The life of the hub's reference database.
    pub hub: u64,
    /// Its version number; 0 is empty.
    pub version: u64,
}

/// A node's durable place in the reference stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReferencePosition {
    /// The life of the hub's reference database; 0 before the first page.
    pub hub: u64,
    /// The version that is swapped in and readable.
    pub version: u64,
    /// How far the next version is staged, if part of it is.
    pub cursor: Option<Vec<u8>>,
}

impl ReferencePosition {
    /// Whether a hub at `newest` has nothing more for this position.
    #[must_use]
    pub fn is_at(&self, newest: &ReferenceVersion) -> bool {
        self.cursor.is_none()
            && (newest.version == 0 || (self.hub == newest.hub && self.version >= newest.version))
    }
}

/// A page of rows leading from one position to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferencePage {
    /// Where the page starts: the position that it was read for, or the empty
    /// position of the hub's current life if that one could not be continued.
    pub from: ReferencePosition,
    /// Where the node stands when the page is staged. Without a cursor the
    /// version is complete.
    pub to: ReferencePosition,
    /// The rows as the hub's reference database packed them.
    pub rows: Vec<u8>,
}
