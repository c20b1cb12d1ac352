//! The one way a row gets into a slot, for imports, snapshots and deltas alike.
//!
//! Invariant: codes and search text of a product are those of its row, in the
//! same transaction; a row that says the same as before changes nothing.

use rusqlite::{Connection, OptionalExtension, params};

use super::codec;
use super::row::{Kind, Row};
use super::slot::Slot;
use super::text;

/// Class of a code that is a SKU, as given.
pub(super) const CODE_SKU: i64 = 0;
/// Class of a code that is a barcode, as given.
pub(super) const CODE_BARCODE: i64 = 1;
/// Class of a code that only starts a search.
pub(super) const CODE_PART: i64 = 2;

/// What putting a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is new, or back after a deletion.
    Added,
    /// The row says something else now.
    Updated,
    /// The row is gone.
    Removed,
    /// Nothing changed; the row keeps its version.
    Unchanged,
}

/// What makes a row findable.
#[derive(Default, PartialEq, Eq)]
struct Findable {
    codes: Vec<(String, i64)>,
    text: String,
}

/// Puts one row into a slot unless it says what the held one says: an import of
/// the same file must not send every product to every store again.
pub(super) fn put_changed(conn: &Connection, slot: Slot, row: &Row) -> rusqlite::Result<Change> {
    let held = held_row(conn, slot, row)?;
    if held.as_ref().and_then(|held| held.payload.as_ref()) == row.payload.as_ref() {
        return Ok(Change::Unchanged);
    }
    write_row(conn, slot, held, row)
}

/// Puts one row that a page brought into a slot; its version is the truth even
/// if its content is not new.
pub(super) fn put_row(conn: &Connection, slot: Slot, row: &Row) -> rusqlite::Result<Change> {
    let held = held_row(conn, slot, row)?;
    write_row(conn, slot, held, row)
}

fn write_row(
    conn: &Connection,
    slot: Slot,
    held: Option<Held>,
    row: &Row,
) -> rusqlite::Result<Change> {
    match (held, &row.payload) {
        (None, None) => Ok(Change::Unchanged),
        (None, Some(payload)) => {
            conn.prepare_cached(&slot.sql(
                "INSERT INTO reference_row_{s} (kind, key, version, deleted, payload)
                 VALUES (?1, ?2, ?3, 0, ?4)",
            ))?
            .execute(params![
                row.kind.code(),
                row.key,
                row.version.cast_signed(),
                payload
            ])?;
            let id = conn.last_insert_rowid();
            replace_findable(conn, slot, id, &Findable::default(), &findable(row))?;
            Ok(Change::Added)
        }
        (Some(held), payload) => {
            let change = match (&held.payload, payload) {
                (None, None) => Change::Unchanged,
                (None, Some(_)) => Change::Added,
                (Some(_), None) => Change::Removed,
                (Some(before), Some(after)) if before == after => Change::Unchanged,
                (Some(_), Some(_)) => Change::Updated,
            };
            update_row(conn, slot, &held, row)?;
            Ok(change)
        }
    }
}

struct Held {
    id: i64,
    payload: Option<Vec<u8>>,
}

fn held_row(conn: &Connection, slot: Slot, row: &Row) -> rusqlite::Result<Option<Held>> {
    conn.prepare_cached(
        &slot
            .sql("SELECT id, deleted, payload FROM reference_row_{s} WHERE kind = ?1 AND key = ?2"),
    )?
    .query_row(params![row.kind.code(), row.key], |found| {
        let deleted: bool = found.get(1)?;
        Ok(Held {
            id: found.get(0)?,
            payload: if deleted { None } else { Some(found.get(2)?) },
        })
    })
    .optional()
}

fn update_row(conn: &Connection, slot: Slot, held: &Held, row: &Row) -> rusqlite::Result<()> {
    let before = Row {
        payload: held.payload.clone(),
        ..row.clone()
    };
    replace_findable(conn, slot, held.id, &findable(&before), &findable(row))?;
    conn.prepare_cached(&slot.sql(
        "UPDATE reference_row_{s} SET version = ?2, deleted = ?3, payload = ?4 WHERE id = ?1",
    ))?
    .execute(params![
        held.id,
        row.version.cast_signed(),
        row.payload.is_none(),
        row.payload.as_deref().unwrap_or_default(),
    ])?;
    Ok(())
}

/// What a row is found by. A payload this release cannot read is kept and handed
/// on, but found by its key only.
fn findable(row: &Row) -> Findable {
    let (Kind::PRODUCT, Some(payload)) = (row.kind, &row.payload) else {
        return Findable::default();
    };
    let Ok(product) = codec::decode_product(&row.key, payload) else {
        return Findable::default();
    };
    let mut codes = vec![(row.key.clone(), CODE_SKU)];
    let mut words = text::terms(&product.name);
    for (code, class) in std::iter::once((row.key.as_str(), CODE_SKU)).chain(
        product
            .barcodes
            .iter()
            .map(|barcode| (barcode.as_str(), CODE_BARCODE)),
    ) {
        if class == CODE_BARCODE {
            codes.push((code.to_owned(), class));
        }
        for part in text::terms(code) {
            if part != code {
                codes.push((part.clone(), CODE_PART));
            }
            words.push(part);
        }
    }
    codes.sort();
    codes.dedup();
    Findable {
        codes,
        text: words.join(" "),
    }
}

fn replace_findable(
    conn: &Connection,
    slot: Slot,
    id: i64,
    before: &Findable,
    after: &Findable,
) -> rusqlite::Result<()> {
    for (code, class) in before
        .codes
        .iter()
        .filter(|code| !after.codes.contains(code))
    {
        conn.prepare_cached(
            &slot.sql(
                "DELETE FROM reference_code_{s} WHERE code = ?1 AND class = ?2 AND row_id = ?3",
            ),
        )?
        .execute(params![code, class, id])?;
    }
    for (code, class) in after
        .codes
        .iter()
        .filter(|code| !before.codes.contains(code))
    {
        conn.prepare_cached(
            &slot.sql("INSERT INTO reference_code_{s} (code, class, row_id) VALUES (?1, ?2, ?3)"),
        )?
        .execute(params![code, class, id])?;
    }
    if before.text == after.text {
        return Ok(());
    }
    if !before.text.is_empty() {
        conn.prepare_cached(&slot.sql("DELETE FROM reference_search_{s} WHERE rowid = ?1"))?
            .execute([id])?;
    }
    if !after.text.is_empty() {
        conn.prepare_cached(
            &slot.sql("INSERT INTO reference_search_{s} (rowid, text) VALUES (?1, ?2)"),
        )?
        .execute(params![id, after.text])?;
    }
    Ok(())
}
