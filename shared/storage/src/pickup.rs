//! Pickup codes at rest: the keys, and how often a wrong code was shown.
//!
//! Invariant: no code is kept; attempts survive a restart.

use evertill_domain::order::PickupKey;
use evertill_domain::{DocumentId, LocationId, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional};

/// Wrong codes after which an order is locked for a while.
pub const ATTEMPTS: u32 = 5;
/// For how long, in milliseconds.
pub const LOCK_MS: i64 = 15 * 60 * 1_000;

/// The name that the hub's own key stands under.
const MASTER: &str = "";

/// The hub's key for all locations; none before its first start.
///
/// # Errors
/// The table could not be read.
pub fn master(conn: &Connection) -> TableResult<Option<PickupKey>> {
    read(conn, MASTER)
}

/// Keeps the hub's key, unless there is one.
///
/// # Errors
/// The row could not be written.
pub fn ensure_master(conn: &Connection, fresh: &PickupKey) -> TableResult<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO pickup_key VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![MASTER, fresh.bytes()]))
        .doing("keep the key of pickup codes")
        .map(drop)
}

/// The key of a location; none before the hub has sent it.
///
/// # Errors
/// The table could not be read.
pub fn key(conn: &Connection, location: &LocationId) -> TableResult<Option<PickupKey>> {
    read(conn, location.as_str())
}

/// Keeps the key that the hub sent for this location; true if it is new.
///
/// # Errors
/// The row could not be written.
pub fn keep(conn: &Connection, location: &LocationId, key: &PickupKey) -> TableResult<bool> {
    conn.prepare_cached(
        "INSERT INTO pickup_key VALUES (?1, ?2)
         ON CONFLICT (location) DO UPDATE SET key = ?2 WHERE key <> ?2",
    )
    .and_then(|mut upsert| upsert.execute(params![location.as_str(), key.bytes()]))
    .doing("keep the key of pickup codes")
    .map(|rows| rows == 1)
}

/// Until when no code is accepted for an order; none if any is now.
///
/// # Errors
/// The table could not be read.
pub fn locked_until(
    conn: &Connection,
    document: &DocumentId,
    now: Timestamp,
) -> TableResult<Option<Timestamp>> {
    let until = conn
        .prepare_cached("SELECT locked_until FROM pickup_attempt WHERE document = ?1")
        .and_then(|mut select| {
            optional(select.query_row([document.as_bytes()], |row| row.get::<_, i64>(0)))
        })
        .doing("read whether an order's code is locked")?;
    Ok(until
        .map(Timestamp::from_millis)
        .filter(|until| *until > now))
}

/// Notes a wrong code; gives how many are left before the order is locked.
///
/// # Errors
/// The row could not be written.
pub fn note_wrong(conn: &Connection, document: &DocumentId, now: Timestamp) -> TableResult<u32> {
    let failed: u32 = conn
        .prepare_cached(
            "INSERT INTO pickup_attempt VALUES (?1, 1, 0)
             ON CONFLICT (document) DO UPDATE SET
               failed = CASE WHEN failed >= ?2 THEN 1 ELSE failed + 1 END
             RETURNING failed",
        )
        .and_then(|mut upsert| {
            upsert.query_row(params![document.as_bytes(), ATTEMPTS], |row| row.get(0))
        })
        .doing("note a wrong code")?;
    if failed >= ATTEMPTS {
        let until = now.as_millis() + LOCK_MS;
        conn.prepare_cached("UPDATE pickup_attempt SET locked_until = ?2 WHERE document = ?1")
            .and_then(|mut update| update.execute(params![document.as_bytes(), until]))
            .doing("lock an order's code")?;
    }
    Ok(ATTEMPTS.saturating_sub(failed))
}

/// Forgets the wrong codes of an order: the right one was shown.
///
/// # Errors
/// The row could not be removed.
pub fn forget(conn: &Connection, document: &DocumentId) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM pickup_attempt WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document.as_bytes()]))
        .doing("forget wrong codes")
        .map(drop)
}

fn read(conn: &Connection, location: &str) -> TableResult<Option<PickupKey>> {
    conn.prepare_cached("SELECT key FROM pickup_key WHERE location = ?1")
        .and_then(|mut select| {
            optional(select.query_row([location], |row| row.get(0).map(PickupKey::new)))
        })
        .doing("read the key of pickup codes")
}
