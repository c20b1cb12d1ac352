//! The hub's side of the reference stream: the rows a node lacks, page by page.
//!
//! Invariant: a page that says complete = n was read in one snapshot of the
//! database whose version is n, and with the pages before it carries every row
//! newer than its base.

use rusqlite::{Connection, params};

use super::page::Page;
use super::row::{Kind, Position, Row};
use super::state;

/// Above every kind: where the rows of the next version start.
const AFTER_EVERY_KIND: i64 = 256;

/// The rows that follow a node's position, about `max_bytes` of them and at
/// least one. A node that follows another hub, or is ahead of this one (which
/// came back from a backup), gets a snapshot.
pub(super) fn page_after(
    conn: &Connection,
    position: &Position,
    max_bytes: usize,
) -> rusqlite::Result<Page> {
    let live = state::live(conn)?;
    let known = position.hub == live.hub && position.version <= live.version;
    let base = if known { position.version } else { 0 };
    let after = position
        .cursor
        .clone()
        .filter(|cursor| known && base < cursor.version && cursor.version <= live.version);

    let mut statement = conn.prepare_cached(&live.slot.sql(
        "SELECT kind, key, version, deleted, payload FROM reference_row_{s}
         WHERE (version, kind, key) > (?1, ?2, ?3)
         ORDER BY version, kind, key",
    ))?;
    let mut found = match &after {
        Some(cursor) => statement.query(params![
            cursor.version.cast_signed(),
            cursor.kind.code(),
            cursor.key
        ])?,
        None => statement.query(params![base.cast_signed(), AFTER_EVERY_KIND, ""])?,
    };
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut complete = Some(live.version);
    while let Some(row) = found.next()? {
        if bytes >= max_bytes && !rows.is_empty() {
            complete = None;
            break;
        }
        let deleted: bool = row.get(3)?;
        let row = Row {
            kind: Kind::new(row.get(0)?),
            key: row.get(1)?,
            version: row.get::<_, i64>(2)?.cast_unsigned(),
            payload: if deleted { None } else { Some(row.get(4)?) },
        };
        bytes += row.weight();
        rows.push(row);
    }
    let next = rows.last().map(Row::cursor).or_else(|| after.clone());
    Ok(Page {
        hub: live.hub,
        base,
        after,
        rows,
        next,
        complete,
    })
}
