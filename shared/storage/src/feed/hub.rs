//! The hub's side of a feed: pages for its readers, and how far each has come.

use evertill_domain::{LocationId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_journal::{EntryHash, Watermark};
use rusqlite::{Connection, params};

use super::{Item, Page, head, insert, item_hash, set_head, watermark};
use crate::sql::{Doing, TableResult, int, text, uint};

/// A node that reads a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Whose feed it is.
    pub location: LocationId,
    /// The machine.
    pub node: NodeId,
    /// The last item that it holds durably.
    pub at: Watermark,
    /// When it said so.
    pub acked_at: Timestamp,
}

/// Appends items to the feed for a location, in the transaction that wrote
/// what they are made of; gives the feed's new head.
///
/// # Errors
/// The rows could not be written.
pub fn append(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    items: &[Item],
) -> TableResult<Watermark> {
    let mut at = head(conn, hub, location)?;
    let first = crate::arrival::last(conn)? + 1;
    for (arrival, item) in (first..).zip(items) {
        let bytes = item.encode();
        let seq = at.seq + 1;
        at = Watermark {
            seq,
            hash: item_hash(&at.hash, location, seq, &bytes),
        };
        let row = super::Row {
            hub,
            location,
            arrival,
            at,
            origin: (item.origin, item.seq),
            bytes: &bytes,
        };
        insert(conn, &row)?;
    }
    set_head(conn, hub, location, &at)?;
    Ok(at)
}

/// Reads the items after `after`: at most `max_items`, and `max_bytes` bytes
/// of them, but at least one. `None` when there is nothing after it.
///
/// # Errors
/// The table could not be read.
pub fn read(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    after: Seq,
    max_items: usize,
    max_bytes: u64,
) -> TableResult<Option<Page>> {
    let mut select = conn
        .prepare_cached(
            "SELECT bytes, hash FROM feed_item WHERE hub = ?1 AND location = ?2 AND seq > ?3
             ORDER BY seq LIMIT ?4",
        )
        .doing("read a feed")?;
    let limit = i64::try_from(max_items.max(1)).unwrap_or(i64::MAX);
    let mut rows = select
        .query(params![int(hub.0), location.as_str(), int(after), limit])
        .doing("read a feed")?;
    let mut page = Page {
        hub,
        first_seq: after.saturating_add(1),
        items: Vec::new(),
        head: EntryHash::genesis(hub),
    };
    let mut bytes = 0;
    while let Some(row) = rows.next().doing("read a feed")? {
        let item: Vec<u8> = row.get(0).doing("read a feed item")?;
        bytes += item.len() as u64;
        if bytes > max_bytes && !page.items.is_empty() {
            break;
        }
        page.head = EntryHash(row.get(1).doing("read a feed item")?);
        page.items.push(item);
    }
    Ok((!page.items.is_empty()).then_some(page))
}

/// Notes that a node holds the feed of its location durably up to `at`.
///
/// # Errors
/// The row could not be written.
pub fn acknowledge(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    node: NodeId,
    at: &Watermark,
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO feed_reader VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (hub, location, node)
         DO UPDATE SET acked_seq = ?4, acked_hash = ?5, acked_at = ?6",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            int(hub.0),
            location.as_str(),
            int(node.0),
            int(at.seq),
            at.hash.0,
            now.as_millis()
        ])
    })
    .doing("note how far a feed is read")
    .map(drop)
}

/// Every feed of this hub's life with its head, by location.
///
/// # Errors
/// The table could not be read.
pub fn heads(conn: &Connection, hub: ReplicaId) -> TableResult<Vec<(LocationId, Watermark)>> {
    conn.prepare_cached(
        "SELECT location, head_seq, head_hash FROM feed WHERE hub = ?1 ORDER BY location",
    )
    .and_then(|mut select| {
        select
            .query_map([int(hub.0)], |row| Ok((text(row, 0)?, watermark(row, 1)?)))?
            .collect()
    })
    .doing("list the feeds")
}

/// Everyone who has acknowledged a feed of this hub's life, by location.
///
/// # Errors
/// The table could not be read.
pub fn readers(conn: &Connection, hub: ReplicaId) -> TableResult<Vec<Reader>> {
    conn.prepare_cached(
        "SELECT location, node, acked_seq, acked_hash, acked_at FROM feed_reader
         WHERE hub = ?1 ORDER BY location, node",
    )
    .and_then(|mut select| {
        select
            .query_map([int(hub.0)], |row| {
                Ok(Reader {
                    location: text(row, 0)?,
                    node: NodeId(uint(row, 1)?),
                    at: watermark(row, 2)?,
                    acked_at: Timestamp::from_millis(row.get(4)?),
                })
            })?
            .collect()
    })
    .doing("list the readers of the feeds")
}
