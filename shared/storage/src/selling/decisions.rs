//! Why goods come from where they do.
//!
//! Each row holds everything that a plan was made from, so that a person can be
//! told why, and the plan can be made again. That is a few hundred bytes for each
//! location, much of them the same, so rows are packed.
//!
//! Invariant: planning the kept snapshot with the kept policy gives the kept
//! plan.

use std::cell::RefCell;
use std::io::Read as _;

use evertill_domain::{DocumentId, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, params};
use zstd::bulk::Compressor;

use crate::sql::{Doing, TableResult, optional};

/// For how long decisions are kept, in milliseconds: 400 days, as long as stores
/// keep their journals.
pub const KEPT_MS: i64 = 400 * 24 * 3_600 * 1_000;
/// Most rows that one [`prune`] looks at.
pub const PRUNE_LIMIT: u32 = 500;
/// A low level of compression: the parts repeat themselves so much that it does
/// nearly what a high one does.
const LEVEL: i32 = 1;
/// Most bytes of the parts of a decision; a chain of thousands of locations
/// stays far below.
const MOST_BYTES: u64 = 64 << 20;
/// Between the parts: JSON on one line has none.
const BETWEEN: char = '\n';

thread_local! {
    /// The writer's; making one anew for each row costs as much as packing it.
    static PACKER: RefCell<Compressor<'static>> = RefCell::new(
        Compressor::new(LEVEL).expect("invariant: the level of compression exists"),
    );
}

/// A decision, its parts as JSON, each on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its number, in the order in which decisions were made.
    pub id: i64,
    /// The order.
    pub document: DocumentId,
    /// When.
    pub at: Timestamp,
    /// Why it was made: placed, changed, re-sourced, unsourced.
    pub cause: String,
    /// What was known.
    pub snapshot: String,
    /// The policy that decided.
    pub policy: String,
    /// What was decided.
    pub plan: String,
    /// The facts behind the figures; none for decisions of earlier releases.
    pub basis: Option<String>,
}

/// Keeps a decision; its number is given out here.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, decision: &Decision) -> TableResult<i64> {
    conn.prepare_cached(
        "INSERT INTO decision (document, at, cause, snapshot, policy, plan, packed)
         VALUES (?1, ?2, ?3, '', '', '', ?4)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            decision.document.as_bytes(),
            decision.at.as_millis(),
            decision.cause,
            packed(decision)
        ])
    })
    .doing("keep a decision")
}

/// Removes decisions that are too old, the oldest ones first; gives how many. If
/// these are [`PRUNE_LIMIT`], there may be more.
///
/// # Errors
/// The rows could not be removed.
pub fn prune(conn: &Connection, now: Timestamp) -> TableResult<usize> {
    conn.prepare_cached(
        "DELETE FROM decision WHERE at < ?1 AND id IN (
           SELECT id FROM decision ORDER BY id LIMIT ?2)",
    )
    .and_then(|mut delete| delete.execute(params![now.as_millis() - KEPT_MS, PRUNE_LIMIT]))
    .doing("remove old decisions")
}

fn packed(decision: &Decision) -> Vec<u8> {
    let basis = decision.basis.as_deref().unwrap_or_default();
    let parts = [&decision.snapshot, &decision.policy, &decision.plan, basis];
    let separator = BETWEEN.to_string();
    debug_assert!(
        parts.iter().all(|part| !part.contains(BETWEEN)),
        "invariant: the parts are JSON on one line"
    );
    let joined = parts.join(&separator);
    PACKER.with_borrow_mut(|packer| {
        packer
            .compress(joined.as_bytes())
            .expect("invariant: packing in memory does not fail")
    })
}

/// The four parts of a packed row.
fn unpacked(bytes: &[u8]) -> std::io::Result<[String; 4]> {
    let mut joined = String::new();
    let unpacking = zstd::stream::read::Decoder::new(bytes)?;
    unpacking.take(MOST_BYTES).read_to_string(&mut joined)?;
    let mut parts = joined.split(BETWEEN).map(str::to_owned);
    Ok(std::array::from_fn(|_| parts.next().unwrap_or_default()))
}

/// The number of the last decision; 0 before the first.
///
/// # Errors
/// The table could not be read.
pub fn last(conn: &Connection) -> TableResult<i64> {
    conn.prepare_cached("SELECT ifnull(max(id), 0) FROM decision")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .doing("look up the last decision")
}

/// When a decision was made; none of that number.
///
/// # Errors
/// The table could not be read.
pub fn made_at(conn: &Connection, id: i64) -> TableResult<Option<Timestamp>> {
    conn.prepare_cached("SELECT at FROM decision WHERE id = ?1")
        .and_then(|mut select| {
            optional(select.query_row([id], |row| row.get(0).map(Timestamp::from_millis)))
        })
        .doing("look up when a decision was made")
}

/// Why the last decision about an order was made; none without one.
///
/// # Errors
/// The table could not be read.
pub fn last_cause(conn: &Connection, document: &DocumentId) -> TableResult<Option<String>> {
    conn.prepare_cached("SELECT cause FROM decision WHERE document = ?1 ORDER BY id DESC LIMIT 1")
        .and_then(|mut select| optional(select.query_row([document.as_bytes()], |row| row.get(0))))
        .doing("look up the last decision about an order")
}

/// The decisions about an order, the first one first.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Decision>> {
    conn.prepare_cached(
        "SELECT id, document, at, cause, snapshot, policy, plan, basis, packed FROM decision
         WHERE document = ?1 ORDER BY id",
    )
    .and_then(|mut select| select.query_map([document.as_bytes()], read)?.collect())
    .doing("read the decisions about an order")
}

/// Decisions since a time, the newest first, before the one of a number.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<i64>,
    limit: usize,
) -> TableResult<Vec<Decision>> {
    conn.prepare_cached(
        "SELECT id, document, at, cause, snapshot, policy, plan, basis, packed FROM decision
         WHERE at >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )
    .and_then(|mut select| {
        let from = since.map_or(i64::MIN, Timestamp::as_millis);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        select
            .query_map([from, before.unwrap_or(i64::MAX), limit], read)?
            .collect()
    })
    .doing("read decisions")
}

/// The orders of decisions since a time, as [`page`] gives them.
///
/// # Errors
/// The table could not be read.
pub fn documents(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<i64>,
    limit: usize,
) -> TableResult<Vec<(i64, DocumentId)>> {
    conn.prepare_cached(
        "SELECT id, document FROM decision
         WHERE at >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )
    .and_then(|mut select| {
        let from = since.map_or(i64::MIN, Timestamp::as_millis);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([from, before.unwrap_or(i64::MAX), limit], |row| {
            Ok((row.get(0)?, DocumentId::from_bytes(row.get(1)?)))
        })?;
        rows.collect()
    })
    .doing("read which orders were decided")
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Decision> {
    let [snapshot, policy, plan, basis] = match row.get_ref(8)?.as_blob_or_null()? {
        Some(bytes) => unpacked(bytes).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(8, Type::Blob, Box::new(error))
        })?,
        // Rows of earlier releases are not packed.
        None => [
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        ],
    };
    Ok(Decision {
        id: row.get(0)?,
        document: DocumentId::from_bytes(row.get(1)?),
        at: Timestamp::from_millis(row.get(2)?),
        cause: row.get(3)?,
        snapshot,
        policy,
        plan,
        basis: Some(basis).filter(|basis| !basis.is_empty()),
    })
}
