//! A page: a piece of a snapshot or delta on its way from hub to node.
//!
//! Rows of one page resemble each other (same departments, same layout), so a
//! page is compressed as a whole: a store behind a slow line gets its first
//! hundred thousand products in about a third of the bytes.
//!
//! Invariant: a page names the hub it comes from, the version it builds on and
//! the cursor it continues, and its rows are in order; a store refuses a page
//! that does not fit.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::error::ReferenceError;
use super::row::{Cursor, Position, Row};

/// Most bytes that a page may have when unpacked; a reader refuses more.
pub const PAGE_MAX_BYTES: usize = 16 << 20;

/// How hard the hub tries: higher levels win little on rows this small.
const COMPRESSION_LEVEL: i32 = 3;

/// How a page is packed: the number of bytes it has unpacked, and the bytes.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Packed {
    #[n(0)]
    raw_len: u32,
    #[n(1)]
    zstd: ByteVec,
}

/// A piece of a snapshot or delta.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Page {
    /// The hub that published the rows.
    #[n(0)]
    pub hub: u64,
    /// The version the rows build on; 0 makes them part of a snapshot.
    #[n(1)]
    pub base: u64,
    /// The cursor this page continues; none starts the fetch.
    #[n(2)]
    pub after: Option<Cursor>,
    /// The rows, ordered by (version, kind, key).
    #[n(3)]
    pub rows: Vec<Row>,
    /// Where the next page starts; none only if nothing was ever sent.
    #[n(4)]
    pub next: Option<Cursor>,
    /// Set on the last page: the version that is complete with it.
    #[n(5)]
    pub complete: Option<u64>,
}

impl Page {
    /// The position that the page continues.
    #[must_use]
    pub fn from(&self) -> Position {
        Position {
            hub: self.hub,
            version: self.base,
            cursor: self.after.clone(),
        }
    }

    /// The position of a node that has taken the page.
    #[must_use]
    pub fn to(&self) -> Position {
        match self.complete {
            Some(version) => Position {
                hub: self.hub,
                version,
                cursor: None,
            },
            None => Position {
                hub: self.hub,
                version: self.base,
                cursor: self.next.clone(),
            },
        }
    }

    /// The page, compressed.
    ///
    /// # Errors
    /// Its rows have more than [`PAGE_MAX_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, ReferenceError> {
        let raw = minicbor::to_vec(self).expect("invariant: writing to memory does not fail");
        let raw_len = u32::try_from(raw.len())
            .ok()
            .filter(|_| raw.len() <= PAGE_MAX_BYTES)
            .ok_or_else(|| ReferenceError::Page(format!("it has {} bytes", raw.len())))?;
        let zstd = zstd::bulk::compress(&raw, COMPRESSION_LEVEL)
            .map_err(|error| ReferenceError::Page(error.to_string()))?
            .into();
        let packed = Packed { raw_len, zstd };
        Ok(minicbor::to_vec(&packed).expect("invariant: writing to memory does not fail"))
    }

    /// Reads a page; fields that a newer hub added are passed over. Never
    /// unpacks more than [`PAGE_MAX_BYTES`].
    ///
    /// # Errors
    /// The bytes are not a page, or its rows are out of order.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReferenceError> {
        let packed: Packed =
            minicbor::decode(bytes).map_err(|error| ReferenceError::Page(error.to_string()))?;
        let raw_len = usize::try_from(packed.raw_len).unwrap_or(usize::MAX);
        if raw_len > PAGE_MAX_BYTES {
            return Err(ReferenceError::Page(format!("it claims {raw_len} bytes")));
        }
        let raw = zstd::bulk::decompress(&packed.zstd, raw_len)
            .map_err(|error| ReferenceError::Page(error.to_string()))?;
        let page: Self =
            minicbor::decode(&raw).map_err(|error| ReferenceError::Page(error.to_string()))?;
        page.check()?;
        Ok(page)
    }

    /// Holds a page to the order that cursors rely on.
    fn check(&self) -> Result<(), ReferenceError> {
        let mut last = self.after.clone();
        for row in &self.rows {
            let cursor = row.cursor();
            if cursor.version <= self.base || last.as_ref().is_some_and(|last| *last >= cursor) {
                return Err(ReferenceError::Page(format!("{cursor} is out of order")));
            }
            last = Some(cursor);
        }
        let newest = last.as_ref().map_or(self.base, |last| last.version);
        if self.next != last || self.complete.is_some_and(|version| version < newest) {
            return Err(ReferenceError::Page(
                "its end does not fit its rows".to_owned(),
            ));
        }
        if self.complete.is_none() && self.rows.is_empty() {
            return Err(ReferenceError::Page("it has no rows and no end".to_owned()));
        }
        Ok(())
    }
}
