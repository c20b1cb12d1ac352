//! Which locations have more to tell than is counted here.
//!
//! Invariant: a location that is not named has every entry applied that its
//! machines last announced.

use std::collections::BTreeSet;

use evertill_domain::LocationId;
use rusqlite::Connection;

use crate::sql::{Doing, TableResult, text};

/// The locations of which something is outstanding: announced and not held,
/// stopped, or held in quarantine instead of being applied. Nobody waits for a
/// replica that was sealed.
///
/// # Errors
/// The tables could not be read.
pub fn incomplete(conn: &Connection) -> TableResult<BTreeSet<LocationId>> {
    conn.prepare_cached(
        "SELECT location FROM journal
         WHERE (stopped = 1 OR head_seq < announced_seq)
           AND replica NOT IN (SELECT replica FROM seal)
         UNION
         SELECT location FROM quarantine WHERE state = 'open' AND kind IN ('entry', 'replica')",
    )
    .and_then(|mut select| {
        select
            .query_map([], |row| text(row, 0))?
            .collect::<rusqlite::Result<_>>()
    })
    .doing("look for what is outstanding")
}
