//! How far each journal is held, announced and confirmed.
//!
//! Invariant: `head` is the last entry stored here; what the peer confirmed
//! never lies beyond it.

use std::collections::BTreeSet;

use evertill_domain::{Hlc, LocationId, NodeId, ReplicaId, Timestamp};
use evertill_journal::{EntryHash, Watermark};
use rusqlite::{Connection, Row, params};

use super::{Author, entry};
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// A journal held here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalState {
    /// Whose it is: one life of a database.
    pub replica: ReplicaId,
    /// The machine.
    pub node: NodeId,
    /// Where it stands.
    pub location: LocationId,
    /// The last entry held.
    pub head: Watermark,
    /// The last entry that its owner said it has.
    pub announced: Watermark,
    /// The last entry that the peer confirmed to hold durably.
    pub acknowledged: Watermark,
    /// Whether its chain broke, and nothing more of it is taken.
    pub stopped: bool,
    /// When its owner was last heard; `None` if never, or if it is the own one.
    pub heard_at: Option<Timestamp>,
}

impl JournalState {
    /// Whether everything that its owner announced is held.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.stopped && self.head.seq >= self.announced.seq
    }
}

/// What the peer has not confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsent {
    /// How many own entries.
    pub entries: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
}

/// The last entry held of a journal; nothing for one that is not held.
///
/// # Errors
/// The table could not be read.
pub fn head(conn: &Connection, replica: ReplicaId) -> TableResult<Watermark> {
    conn.prepare_cached("SELECT head_seq, head_hash FROM journal WHERE replica = ?1")
        .and_then(|mut select| {
            optional(select.query_row([int(replica.0)], |row| watermark(row, 0)))
        })
        .doing("read the head of a journal")
        .map(|head| head.unwrap_or(Watermark::nothing(replica)))
}

/// One journal held here.
///
/// # Errors
/// The table could not be read.
pub fn state(conn: &Connection, replica: ReplicaId) -> TableResult<Option<JournalState>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM journal WHERE replica = ?1"))
        .and_then(|mut select| optional(select.query_row([int(replica.0)], read)))
        .doing("look up a journal")
}

/// Every journal held here, by location and replica.
///
/// # Errors
/// The table could not be read.
pub fn journals(conn: &Connection) -> TableResult<Vec<JournalState>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM journal ORDER BY location, replica"
    ))
    .and_then(|mut select| select.query_map([], read)?.collect())
    .doing("list the journals")
}

/// The journals held here. A feed of one of these is this hub's own, of this
/// life or a former one before a restore: it is made of journals, and nothing is
/// projected from it. A node never holds the journal of its hub.
///
/// # Errors
/// The table could not be read.
pub fn held(conn: &Connection) -> TableResult<BTreeSet<ReplicaId>> {
    conn.prepare_cached("SELECT replica FROM journal")
        .and_then(|mut select| {
            select
                .query_map([], |row| uint(row, 0).map(ReplicaId))?
                .collect()
        })
        .doing("list the journals")
}

/// Moves a journal's head; the row is made if it is the first entry.
///
/// # Errors
/// The row could not be written.
pub fn set_head(
    conn: &Connection,
    replica: ReplicaId,
    (node, location): (NodeId, &LocationId),
    at: &Watermark,
) -> TableResult<()> {
    let nothing = Watermark::nothing(replica);
    conn.prepare_cached(
        "INSERT INTO journal (replica, node, location, head_seq, head_hash, announced_seq,
                announced_hash, acked_seq, acked_hash, stopped, heard_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?7, 0, 0)
         ON CONFLICT (replica) DO UPDATE SET head_seq = ?4, head_hash = ?5",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            int(replica.0),
            int(node.0),
            location.as_str(),
            int(at.seq),
            at.hash.0,
            int(nothing.seq),
            nothing.hash.0
        ])
    })
    .doing("move the head of a journal")
    .map(drop)
}

/// Notes the last entry that a journal's owner says it has, and that it was
/// heard; the row is made if nothing of the journal is held yet.
///
/// # Errors
/// The row could not be written.
pub fn set_announced(
    conn: &Connection,
    replica: ReplicaId,
    (node, location): (NodeId, &LocationId),
    at: &Watermark,
    now: Timestamp,
) -> TableResult<()> {
    let nothing = Watermark::nothing(replica);
    conn.prepare_cached(
        "INSERT INTO journal (replica, node, location, head_seq, head_hash, announced_seq,
                announced_hash, acked_seq, acked_hash, stopped, heard_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?4, ?5, 0, ?8)
         ON CONFLICT (replica) DO UPDATE
         SET announced_seq = ?6, announced_hash = ?7, heard_at = ?8",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            int(replica.0),
            int(node.0),
            location.as_str(),
            int(nothing.seq),
            nothing.hash.0,
            int(at.seq),
            at.hash.0,
            now.as_millis()
        ])
    })
    .doing("note what a journal's owner announced")
    .map(drop)
}

/// Notes what the peer confirmed to hold of the own journal. A peer that lost
/// entries may confirm less than before.
///
/// # Errors
/// The row could not be written.
pub fn set_acknowledged(conn: &Connection, replica: ReplicaId, at: &Watermark) -> TableResult<()> {
    conn.prepare_cached("UPDATE journal SET acked_seq = ?2, acked_hash = ?3 WHERE replica = ?1")
        .and_then(|mut update| update.execute(params![int(replica.0), int(at.seq), at.hash.0]))
        .doing("note what the peer confirmed")
        .map(drop)
}

/// Stops a journal, or lets it go on.
///
/// # Errors
/// The row could not be written.
pub fn stop(conn: &Connection, replica: ReplicaId, stopped: bool) -> TableResult<()> {
    conn.prepare_cached("UPDATE journal SET stopped = ?2 WHERE replica = ?1")
        .and_then(|mut update| update.execute(params![int(replica.0), stopped]))
        .doing("stop a journal")
        .map(drop)
}

/// What the peer has not confirmed of the own journal.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn unsent(conn: &Connection, author: &Author) -> TableResult<Unsent> {
    let Some(own) = state(conn, author.replica)? else {
        return Ok(Unsent::default());
    };
    let entries = own.head.seq.saturating_sub(own.acknowledged.seq);
    if entries == 0 {
        return Ok(Unsent::default());
    }
    let oldest = entry(conn, author.replica, own.acknowledged.seq + 1)?;
    let oldest = oldest.map(|sealed| Hlc::timestamp(sealed.entry.hlc));
    Ok(Unsent { entries, oldest })
}

const COLUMNS: &str = "replica, node, location, head_seq, head_hash, announced_seq,
    announced_hash, acked_seq, acked_hash, stopped, heard_at";

fn read(row: &Row<'_>) -> rusqlite::Result<JournalState> {
    let heard_at: i64 = row.get(10)?;
    Ok(JournalState {
        replica: ReplicaId(uint(row, 0)?),
        node: NodeId(uint(row, 1)?),
        location: text(row, 2)?,
        head: watermark(row, 3)?,
        announced: watermark(row, 5)?,
        acknowledged: watermark(row, 7)?,
        stopped: row.get(9)?,
        heard_at: (heard_at != 0).then(|| Timestamp::from_millis(heard_at)),
    })
}

fn watermark(row: &Row<'_>, column: usize) -> rusqlite::Result<Watermark> {
    Ok(Watermark {
        seq: uint(row, column)?,
        hash: EntryHash(row.get(column + 1)?),
    })
}
