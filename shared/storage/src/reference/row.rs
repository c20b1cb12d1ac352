//! Rows, and where a store is among them.
//!
//! A row is (kind, key, version) with a payload or a tombstone. Rows are sent in
//! the order of (version, kind, key), so a cursor is simply the last row that
//! arrived, and a row that changes while pages are being read turns up again
//! behind the cursor.
//!
//! Invariant: cursors are ordered as rows are.

use std::fmt;

use minicbor::{Decode, Encode};

use super::error::ReferenceError;

/// What a row describes. Kinds of a newer release are kept and handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Kind(#[n(0)] u8);

impl Kind {
    /// A policy; its key is the policy's name. First, because rules come before
    /// what they apply to.
    pub const POLICY: Self = Self(1);
    /// A location; its key is the location's id.
    pub const LOCATION: Self = Self(2);
    /// A product; its key is the SKU.
    pub const PRODUCT: Self = Self(3);

    /// The kind with this number.
    #[must_use]
    pub const fn new(code: u8) -> Self {
        Self(code)
    }

    /// The number that stands for the kind in tables and pages.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::POLICY => f.write_str("policy"),
            Self::LOCATION => f.write_str("location"),
            Self::PRODUCT => f.write_str("product"),
            Self(code) => write!(f, "of kind {code}"),
        }
    }
}

/// The last row of a page: where the next page starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Cursor {
    /// The row's version.
    #[n(0)]
    pub version: u64,
    /// The row's kind.
    #[n(1)]
    pub kind: Kind,
    /// The row's key.
    #[n(2)]
    pub key: String,
}

impl Cursor {
    /// The cursor as a minicbor array, for a channel that does not look inside.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("invariant: writing to memory does not fail")
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// The bytes are not a cursor.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReferenceError> {
        minicbor::decode(bytes).map_err(|error| ReferenceError::Page(error.to_string()))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} {} {}", self.version, self.kind, self.key)
    }
}

/// How far a store is in which hub's reference data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Position {
    /// The hub's id; 0 before the first contact.
    #[n(0)]
    pub hub: u64,
    /// The version that is complete here, or that staged rows build on; 0 is
    /// nothing.
    #[n(1)]
    pub version: u64,
    /// The last staged row, when a snapshot or delta is half fetched.
    #[n(2)]
    pub cursor: Option<Cursor>,
}

/// One thing the hub publishes, or that it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Row {
    /// What it describes.
    #[n(0)]
    pub kind: Kind,
    /// Which one.
    #[n(1)]
    pub key: String,
    /// The version that last changed it.
    #[n(2)]
    pub version: u64,
    /// Its content; none is a tombstone.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub payload: Option<Vec<u8>>,
}

impl Row {
    /// The row's place in the order of pages.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            version: self.version,
            kind: self.kind,
            key: self.key.clone(),
        }
    }

    /// What the row weighs in a page, in bytes, before compression.
    pub(super) fn weight(&self) -> usize {
        self.key.len() + self.payload.as_ref().map_or(0, Vec::len) + 12
    }
}
