//! The node's side of the reference stream: pages become a new set, all at once.
//!
//! Each page is one commit, so a killed node goes on where it was. The rows of a
//! snapshot go straight into the slot that nobody reads, with their codes and
//! search terms, and the swap is the update of one row however many products
//! there are. The rows of a delta wait in a table of their own and are applied
//! in the transaction that raises the version; readers keep the old set until
//! it commits, because SQLite's write-ahead log gives each of them a snapshot.
//!
//! Invariant: readers see the complete set of one version of one hub.

use rusqlite::{Connection, params};

use super::apply;
use super::error::ReferenceError;
use super::page::Page;
use super::row::{Kind, Row};
use super::state::{self, Live, Staging};

/// What a page did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Staged {
    /// The page completed a snapshot; the slot that was live can be emptied.
    pub(super) swapped: bool,
}

const OPERATION: &str = "take over a page of reference data";

/// Takes one page inside the caller's transaction.
pub(super) fn stage(conn: &Connection, page: &Page) -> Result<Staged, ReferenceError> {
    let live = state::live(conn).map_err(ReferenceError::storage(OPERATION))?;
    let staging = state::staging(conn).map_err(ReferenceError::storage(OPERATION))?;
    check_fit(live, staging.as_ref(), page)?;
    take(conn, live, staging.is_some(), page).map_err(ReferenceError::storage(OPERATION))
}

/// Empties the slot that is not live, unless a snapshot is being built there.
/// Run after a swap and at start, in case a kill came between.
pub(super) fn tidy(conn: &Connection) -> rusqlite::Result<()> {
    let building = state::staging(conn)?.is_some_and(|staging| staging.base == 0);
    if !building {
        state::live(conn)?.slot.other().clear(conn)?;
    }
    Ok(())
}

/// A first page starts a snapshot, or a delta on what is live; a later page
/// continues exactly what is staged.
fn check_fit(live: Live, staging: Option<&Staging>, page: &Page) -> Result<(), ReferenceError> {
    let Some(after) = &page.after else {
        let fits = page.base == 0 || (page.hub == live.hub && page.base == live.version);
        return if fits {
            Ok(())
        } else {
            Err(ReferenceError::Gap {
                expected: format!("version {} of hub {:016x}", live.version, live.hub),
                found: format!("version {} of hub {:016x}", page.base, page.hub),
            })
        };
    };
    let fits = staging.is_some_and(|staging| {
        staging.hub == page.hub && staging.base == page.base && staging.cursor == *after
    });
    if fits {
        Ok(())
    } else {
        let expected = staging.map(|staging| &staging.cursor);
        Err(ReferenceError::gap(expected, Some(after)))
    }
}

fn take(conn: &Connection, live: Live, staged: bool, page: &Page) -> rusqlite::Result<Staged> {
    let snapshot = page.base == 0;
    let starts = page.after.is_none();
    if starts && staged {
        state::clear_staging(conn)?;
    }
    if starts && snapshot {
        live.slot.other().clear(conn)?;
    }
    let Some(version) = page.complete else {
        keep(conn, live, page)?;
        return Ok(Staged { swapped: false });
    };
    if snapshot {
        put_all(conn, live, page)?;
    } else {
        apply_staged(conn, live)?;
        for row in &page.rows {
            apply::put_row(conn, live.slot, row)?;
        }
    }
    state::clear_staging(conn)?;
    let slot = if snapshot {
        live.slot.other()
    } else {
        live.slot
    };
    let hub = page.hub;
    state::set_live(conn, Live { hub, version, slot })?;
    Ok(Staged { swapped: snapshot })
}

/// Keeps a page that is not the last one, and remembers where it ended.
fn keep(conn: &Connection, live: Live, page: &Page) -> rusqlite::Result<()> {
    if page.base == 0 {
        put_all(conn, live, page)?;
    } else {
        for row in &page.rows {
            put_aside(conn, row)?;
        }
    }
    if let Some(cursor) = page.next.clone() {
        let (hub, base) = (page.hub, page.base);
        state::set_staging(conn, &Staging { hub, base, cursor })?;
    }
    Ok(())
}

fn put_all(conn: &Connection, live: Live, page: &Page) -> rusqlite::Result<()> {
    for row in &page.rows {
        apply::put_row(conn, live.slot.other(), row)?;
    }
    Ok(())
}

fn put_aside(conn: &Connection, row: &Row) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO reference_staged (kind, key, version, deleted, payload)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        row.kind.code(),
        row.key,
        row.version.cast_signed(),
        row.payload.is_none(),
        row.payload.as_deref().unwrap_or_default(),
    ])?;
    Ok(())
}

fn apply_staged(conn: &Connection, live: Live) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("SELECT kind, key, version, deleted, payload FROM reference_staged")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let deleted: bool = row.get(3)?;
        let row = Row {
            kind: Kind::new(row.get(0)?),
            key: row.get(1)?,
            version: row.get::<_, i64>(2)?.cast_unsigned(),
            payload: if deleted { None } else { Some(row.get(4)?) },
        };
        apply::put_row(conn, live.slot, &row)?;
    }
    Ok(())
}
