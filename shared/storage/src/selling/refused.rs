//! Orders that were refused because there was not enough.
//!
//! A refused order leaves no trace where orders are. What it asked for is kept
//! here, so that a merchant can see what another policy would have won. Its plan
//! is not: it says that nothing was to be had, and can be made again.
//!
//! Invariant: each name of a channel stands here once, nothing here names a
//! person, and what is too old or too much is removed when more is kept.

use evertill_domain::Timestamp;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, int};

/// Most refused orders that are kept.
pub const MOST: u64 = 2_000;
/// For how long they are kept, in milliseconds: thirty days.
pub const KEPT_MS: i64 = 30 * 24 * 3_600 * 1_000;

/// A refused order, its parts as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it.
    pub channel: String,
    /// The channel's name for it.
    pub external_id: String,
    /// When it was refused last.
    pub at: Timestamp,
    /// What was known.
    pub snapshot: String,
    /// The policy that decided.
    pub policy: String,
    /// The facts behind the figures.
    pub basis: String,
}

/// Keeps refused orders, and removes what is too old or too much.
///
/// # Errors
/// The rows could not be written.
pub fn keep(conn: &Connection, refused: &[Refused], now: Timestamp) -> TableResult<()> {
    for one in refused {
        conn.prepare_cached("INSERT OR REPLACE INTO refused_order VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .and_then(|mut insert| {
                insert.execute(params![
                    one.channel,
                    one.external_id,
                    one.at.as_millis(),
                    one.snapshot,
                    one.policy,
                    one.basis
                ])
            })
            .doing("keep a refused order")?;
    }
    conn.prepare_cached("DELETE FROM refused_order WHERE at < ?1")
        .and_then(|mut delete| delete.execute([now.as_millis() - KEPT_MS]))
        .doing("remove old refused orders")?;
    conn.prepare_cached(
        "DELETE FROM refused_order WHERE (channel, external_id) IN (
           SELECT channel, external_id FROM refused_order
           ORDER BY at DESC, channel, external_id LIMIT -1 OFFSET ?1)",
    )
    .and_then(|mut delete| delete.execute([int(MOST)]))
    .doing("remove refused orders beyond the limit")
    .map(drop)
}

/// Refused orders that were never taken in later, the newest first: those since a
/// time, before a given one.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<&Refused>,
    limit: usize,
) -> TableResult<Vec<Refused>> {
    conn.prepare_cached(
        "SELECT channel, external_id, at, snapshot, policy, basis FROM refused_order AS r
         WHERE at >= ?1 AND (at, channel, external_id) < (?2, ?3, ?4)
           AND NOT EXISTS (SELECT 1 FROM order_intake AS o
                           WHERE o.channel = r.channel AND o.external_id = r.external_id)
         ORDER BY at DESC, channel DESC, external_id DESC LIMIT ?5",
    )
    .and_then(|mut select| {
        let columns = params![
            since.map_or(i64::MIN, Timestamp::as_millis),
            before.map_or(i64::MAX, |before| before.at.as_millis()),
            before.map_or("", |before| &before.channel),
            before.map_or("", |before| &before.external_id),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        let rows = select.query_map(columns, |row| {
            Ok(Refused {
                channel: row.get(0)?,
                external_id: row.get(1)?,
                at: Timestamp::from_millis(row.get(2)?),
                snapshot: row.get(3)?,
                policy: row.get(4)?,
                basis: row.get(5)?,
            })
        })?;
        rows.collect()
    })
    .doing("read refused orders")
}
