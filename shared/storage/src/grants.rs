//! Rights that the hub has asked this location for.
//!
//! They wait for the minter's next round, which is some milliseconds away, and
//! go with it: a wish that could not be met then is made again by whoever still
//! needs it.
//!
//! Invariant: what waits is what was asked for and neither answered nor out of
//! date.

use evertill_domain::{LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::duties;
use crate::feed::GrantRequest;
use crate::sql::{Doing, TableResult, optional};

/// Notes what the hub asks for, unless nobody waits for it any more.
pub(crate) fn note(
    conn: &Connection,
    location: &LocationId,
    requests: &[GrantRequest],
    now: Timestamp,
) -> TableResult<()> {
    let wanted = requests
        .iter()
        .filter(|request| request.expires >= now && request.quantity > 0);
    for request in wanted {
        conn.prepare_cached(
            "INSERT INTO grant_request VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (location, sku) DO UPDATE SET
               quantity = quantity + ?3, expires_at = max(expires_at, ?4)",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                location.as_str(),
                request.sku.as_str(),
                request.quantity,
                request.expires.as_millis()
            ])
        })
        .doing("note rights that are asked for")?;
        duties::note_pair(conn, location, &request.sku)?;
    }
    Ok(())
}

/// Takes up what is asked for of a pair: how much, in thousandths; 0 for
/// nothing, or when it is too late.
///
/// # Errors
/// The table could not be used.
pub fn take(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    now: Timestamp,
) -> TableResult<i64> {
    let asked: Option<(i64, i64)> = conn
        .prepare_cached(
            "DELETE FROM grant_request WHERE location = ?1 AND sku = ?2
             RETURNING quantity, expires_at",
        )
        .and_then(|mut delete| {
            optional(delete.query_row([location.as_str(), sku.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            }))
        })
        .doing("take up rights that are asked for")?;
    Ok(asked
        .filter(|(_, expires)| *expires >= now.as_millis())
        .map_or(0, |(quantity, _)| quantity))
}
