//! Feeds: what the hub has for each location, as a chained sequence of its own.
//!
//! The hub appends an item in the transaction that wrote its source
//! ([`publish`]) and hands out pages ([`read`]); a node verifies, gates and
//! applies a page ([`commit`]) and moves its position in the same transaction. An
//! item's hash covers its bytes, its place, its location and the item before
//! it, so a page that was cut, reordered or meant for another store does not
//! continue the chain.
//!
//! Invariant: `feed.head_seq` and `feed.head_hash` are those of the last row of
//! `feed_item`, which are numbered from 1 without a gap.

mod hub;
mod item;
mod node;
mod publish;
mod succession;

use evertill_domain::{Hlc, LocationId, ReplicaId, Seq};
use evertill_journal::{EntryHash, Part, Watermark};
use rusqlite::{Connection, params};

pub use hub::{Reader, acknowledge, append, heads, read, readers};
pub use item::{GrantRequest, Item, ItemError, ItemPart, MAX_ITEM_BYTES};
pub use node::{Committed, commit};
pub use publish::{name_minter, publish, request_grants};
pub use succession::{Succession, due, succeed};

use crate::sql::{Doing, TableResult, int, optional, uint};

/// Consecutive items of one feed, as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The life of the hub whose feed this is.
    pub hub: ReplicaId,
    /// Number of the first item; the others follow without a gap.
    pub first_seq: Seq,
    /// The items' bytes, at least one.
    pub items: Vec<Vec<u8>>,
    /// Hash of the last item, over the whole chain up to it.
    pub head: EntryHash,
}

impl Page {
    /// Number of the last item, if there is one and numbers reach so far.
    fn last_seq(&self) -> Option<Seq> {
        let further = u64::try_from(self.items.len()).ok()?.checked_sub(1)?;
        self.first_seq.checked_add(further)
    }
}

/// The hash of item `seq` of a location's feed, which follows an item that
/// hashes to `before` ([`EntryHash::genesis`] of the hub for the first).
#[must_use]
pub fn item_hash(before: &EntryHash, location: &LocationId, seq: Seq, bytes: &[u8]) -> EntryHash {
    let name = location.as_str().as_bytes();
    let mut hasher = blake3::Hasher::new_derive_key("evertill feed item v1");
    hasher
        .update(&before.0)
        .update(&(name.len() as u64).to_be_bytes())
        .update(name)
        .update(&seq.to_be_bytes())
        .update(bytes);
    EntryHash(*hasher.finalize().as_bytes())
}

/// How far a feed is held here; nothing for one that is not.
///
/// # Errors
/// The table could not be read.
pub fn head(conn: &Connection, hub: ReplicaId, location: &LocationId) -> TableResult<Watermark> {
    conn.prepare_cached("SELECT head_seq, head_hash FROM feed WHERE hub = ?1 AND location = ?2")
        .and_then(|mut select| {
            optional(
                select.query_row(params![int(hub.0), location.as_str()], |row| {
                    watermark(row, 0)
                }),
            )
        })
        .doing("read the head of a feed")
        .map(|head| head.unwrap_or(Watermark::nothing(hub)))
}

/// The hash of an item held here. Item 0 is the beginning of every feed.
///
/// # Errors
/// The table could not be read.
pub fn hash_at(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    seq: Seq,
) -> TableResult<Option<EntryHash>> {
    if seq == 0 {
        return Ok(Some(EntryHash::genesis(hub)));
    }
    conn.prepare_cached("SELECT hash FROM feed_item WHERE hub = ?1 AND location = ?2 AND seq = ?3")
        .and_then(|mut select| {
            optional(
                select.query_row(params![int(hub.0), location.as_str(), int(seq)], |row| {
                    row.get(0).map(EntryHash)
                }),
            )
        })
        .doing("look up a feed item")
}

/// The feed of a location that was last added to here, and how far it is held:
/// where a node's next session starts.
///
/// # Errors
/// The table could not be read.
pub fn position(
    conn: &Connection,
    location: &LocationId,
) -> TableResult<Option<(ReplicaId, Watermark)>> {
    let hub = conn
        .prepare_cached(
            "SELECT hub FROM feed_item WHERE location = ?1 ORDER BY arrival DESC LIMIT 1",
        )
        .and_then(|mut select| {
            optional(select.query_row([location.as_str()], |row| uint(row, 0).map(ReplicaId)))
        })
        .doing("look up the position in the feed")?;
    hub.map(|hub| Ok((hub, head(conn, hub, location)?)))
        .transpose()
}

/// The parts of an entry as feed items carried them here, with its author's
/// clock and the arrival of the first of these items; `None` if no item did. A
/// document that came later to a feed brings its earlier changes in items of
/// their own, so one entry may be spread over several.
///
/// # Errors
/// The table could not be read.
pub(crate) fn carried(
    conn: &Connection,
    origin: ReplicaId,
    seq: Seq,
) -> TableResult<Option<(i64, Hlc, Vec<Part>)>> {
    let rows: Vec<(i64, Vec<u8>)> = conn
        .prepare_cached(
            "SELECT arrival, bytes FROM feed_item WHERE origin = ?1 AND origin_seq = ?2
             ORDER BY arrival",
        )
        .and_then(|mut select| {
            let columns = [int(origin.0), int(seq)];
            let rows = select.query_map(columns, |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .doing("read what a feed carried")?;
    let mut found: Option<(i64, Hlc, Vec<Part>)> = None;
    for (arrival, bytes) in rows {
        let Ok(item) = Item::decode(&bytes) else {
            continue;
        };
        let (.., parts) = found.get_or_insert((arrival, item.hlc, Vec::new()));
        parts.extend(item.parts.into_iter().map(|part| part.part));
    }
    Ok(found)
}

/// Reads number and hash from two neighbouring columns.
fn watermark(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Watermark> {
    Ok(Watermark {
        seq: uint(row, column)?,
        hash: EntryHash(row.get(column + 1)?),
    })
}

/// What goes into one row of `feed_item`.
struct Row<'a> {
    hub: ReplicaId,
    location: &'a LocationId,
    arrival: i64,
    at: Watermark,
    origin: (ReplicaId, Seq),
    bytes: &'a [u8],
}

/// Writes one item; the head is moved by [`set_head`].
fn insert(conn: &Connection, row: &Row<'_>) -> TableResult<()> {
    conn.prepare_cached("INSERT INTO feed_item VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .and_then(|mut insert| {
            insert.execute(params![
                row.arrival,
                int(row.hub.0),
                row.location.as_str(),
                int(row.at.seq),
                row.at.hash.0,
                int(row.origin.0.0),
                int(row.origin.1),
                row.bytes
            ])
        })
        .doing("store a feed item")
        .map(drop)
}

/// Moves a feed's head; the row is made if it is the feed's first.
fn set_head(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    at: &Watermark,
) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO feed VALUES (?1, ?2, ?3, ?4, 0)
         ON CONFLICT (hub, location) DO UPDATE SET head_seq = ?3, head_hash = ?4",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            int(hub.0),
            location.as_str(),
            int(at.seq),
            at.hash.0
        ])
    })
    .doing("move the head of a feed")
    .map(drop)
}
