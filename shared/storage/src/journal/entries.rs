//! The entries themselves, as the bytes that their authors wrote.
//!
//! Invariant: `hash` is the hash of `bytes`; an entry is stored once.

use evertill_domain::{ReplicaId, Seq};
use evertill_journal::{EntryHash, Sealed};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableError, TableResult, int, optional};

/// An entry held here.
///
/// # Errors
/// The table could not be read, or the entry is damaged.
pub fn entry(conn: &Connection, replica: ReplicaId, seq: Seq) -> TableResult<Option<Sealed>> {
    Ok(arrived(conn, replica, seq)?.map(|(_, sealed)| sealed))
}

/// An entry held here, and its arrival number.
pub(crate) fn arrived(
    conn: &Connection,
    replica: ReplicaId,
    seq: Seq,
) -> TableResult<Option<(i64, Sealed)>> {
    let row: Option<(i64, Vec<u8>)> = conn
        .prepare_cached("SELECT arrival, bytes FROM entry WHERE replica = ?1 AND seq = ?2")
        .and_then(|mut select| {
            let columns = [int(replica.0), int(seq)];
            optional(select.query_row(columns, |row| Ok((row.get(0)?, row.get(1)?))))
        })
        .doing("read an entry")?;
    row.map(|(arrival, bytes)| Ok((arrival, decode(bytes, replica, seq)?)))
        .transpose()
}

/// The hash of an entry held here. Entry 0 is the beginning of every journal.
///
/// # Errors
/// The table could not be read.
pub fn entry_hash(
    conn: &Connection,
    replica: ReplicaId,
    seq: Seq,
) -> TableResult<Option<EntryHash>> {
    if seq == 0 {
        return Ok(Some(EntryHash::genesis(replica)));
    }
    conn.prepare_cached("SELECT hash FROM entry WHERE replica = ?1 AND seq = ?2")
        .and_then(|mut select| {
            let columns = [int(replica.0), int(seq)];
            optional(select.query_row(columns, |row| row.get(0).map(EntryHash)))
        })
        .doing("look up an entry")
}

/// The entries of a journal after `after`: at most `max_entries`, and
/// `max_bytes` bytes of them, but at least one if there is one.
///
/// # Errors
/// The table could not be read, or an entry is damaged.
pub fn entries_after(
    conn: &Connection,
    replica: ReplicaId,
    after: Seq,
    max_entries: usize,
    max_bytes: u64,
) -> TableResult<Vec<Sealed>> {
    let mut select = conn
        .prepare_cached(
            "SELECT seq, bytes FROM entry WHERE replica = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )
        .doing("read a journal")?;
    let limit = i64::try_from(max_entries.max(1)).unwrap_or(i64::MAX);
    let mut rows = select
        .query(params![int(replica.0), int(after), limit])
        .doing("read a journal")?;
    let mut entries = Vec::new();
    let mut total = 0;
    while let Some(row) = rows.next().doing("read a journal")? {
        let seq = row
            .get::<_, i64>(0)
            .doing("read a journal")?
            .cast_unsigned();
        let bytes: Vec<u8> = row.get(1).doing("read a journal")?;
        total += bytes.len() as u64;
        if total > max_bytes && !entries.is_empty() {
            break;
        }
        entries.push(decode(bytes, replica, seq)?);
    }
    Ok(entries)
}

/// Stores an entry under its arrival number.
/// `receipts` is how many it added, 0 while it is in quarantine.
pub(crate) fn store(
    conn: &Connection,
    arrival: i64,
    sealed: &Sealed,
    receipts: u64,
) -> TableResult<()> {
    conn.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut insert| {
            insert.execute(params![
                arrival,
                int(sealed.entry.replica.0),
                int(sealed.entry.seq),
                sealed.hash.0,
                int(receipts),
                sealed.bytes
            ])
        })
        .doing("store an entry")
        .map(drop)
}

fn decode(bytes: Vec<u8>, replica: ReplicaId, seq: Seq) -> TableResult<Sealed> {
    Sealed::decode(bytes).map_err(|error| TableError::Damaged {
        what: format!("entry {seq} of replica {replica}"),
        detail: error.to_string(),
    })
}

/// Notes how many receipts a stored entry added, when it is released from
/// quarantine.
pub(crate) fn set_receipts(conn: &Connection, arrival: i64, receipts: u64) -> TableResult<()> {
    conn.prepare_cached("UPDATE entry SET receipts = ?2 WHERE arrival = ?1")
        .and_then(|mut update| update.execute([arrival, int(receipts)]))
        .doing("note the receipts of an entry")
        .map(drop)
}
