//! The single rows that say what is live and what is half fetched.

use rusqlite::{Connection, OptionalExtension, params};

use super::row::{Cursor, Kind, Position};
use super::slot::Slot;

/// What readers see: the hub, its version and the slot that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) hub: u64,
    pub(super) version: u64,
    pub(super) slot: Slot,
}

/// A snapshot (base 0) or delta of which some pages are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Staging {
    pub(super) hub: u64,
    pub(super) base: u64,
    pub(super) cursor: Cursor,
}

pub(super) fn live(conn: &Connection) -> rusqlite::Result<Live> {
    conn.prepare_cached("SELECT hub, version, slot FROM reference_position")?
        .query_row([], |row| {
            Ok(Live {
                hub: row.get::<_, i64>(0)?.cast_unsigned(),
                version: row.get::<_, i64>(1)?.cast_unsigned(),
                slot: Slot::from_number(row.get(2)?),
            })
        })
}

pub(super) fn set_live(conn: &Connection, live: Live) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE reference_position SET hub = ?1, version = ?2, slot = ?3")?
        .execute(params![
            live.hub.cast_signed(),
            live.version.cast_signed(),
            live.slot.number()
        ])?;
    Ok(())
}

pub(super) fn staging(conn: &Connection) -> rusqlite::Result<Option<Staging>> {
    conn.prepare_cached(
        "SELECT hub, base, cursor_version, cursor_kind, cursor_key FROM reference_staging",
    )?
    .query_row([], |row| {
        Ok(Staging {
            hub: row.get::<_, i64>(0)?.cast_unsigned(),
            base: row.get::<_, i64>(1)?.cast_unsigned(),
            cursor: Cursor {
                version: row.get::<_, i64>(2)?.cast_unsigned(),
                kind: Kind::new(row.get(3)?),
                key: row.get(4)?,
            },
        })
    })
    .optional()
}

pub(super) fn set_staging(conn: &Connection, staging: &Staging) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO reference_staging
             (only, hub, base, cursor_version, cursor_kind, cursor_key)
         VALUES (1, ?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        staging.hub.cast_signed(),
        staging.base.cast_signed(),
        staging.cursor.version.cast_signed(),
        staging.cursor.kind.code(),
        staging.cursor.key,
    ])?;
    Ok(())
}

pub(super) fn clear_staging(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("DELETE FROM reference_staging; DELETE FROM reference_staged;")
}

/// What to ask a hub for: the staged fetch if there is one, else the live set.
pub(super) fn position(conn: &Connection) -> rusqlite::Result<Position> {
    let live = live(conn)?;
    Ok(match staging(conn)? {
        Some(staging) => Position {
            hub: staging.hub,
            version: staging.base,
            cursor: Some(staging.cursor),
        },
        None => Position {
            hub: live.hub,
            version: live.version,
            cursor: None,
        },
    })
}

/// A number of rows as SQLite takes it.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
