//! Documents: where the changes of each one are found.
//!
//! Invariant: a document has one opening change; its later changes are listed
//! in an order that respects causes.

use evertill_documents::{ChangeInfo, Document};
use evertill_domain::{DocumentId, Hlc, ReplicaId, Seq};
use evertill_journal::Part;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableError, TableResult, int, optional, uint};
use crate::{feed, journal};

/// Where a part is found: its entry and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The journal.
    pub replica: ReplicaId,
    /// The entry.
    pub seq: Seq,
    /// The part's number.
    pub n: u32,
}

/// Where a document was opened; `None` if it is not applied here.
///
/// # Errors
/// The table could not be read.
pub fn opened_at(conn: &Connection, document: &DocumentId) -> TableResult<Option<Place>> {
    conn.prepare_cached("SELECT replica, seq, n FROM document WHERE document = ?1")
        .and_then(|mut select| {
            optional(select.query_row([document.as_bytes()], |row| place(row, 0)))
        })
        .doing("look up a document")
}

/// Where the changes of a document are found, causes first; none if it is not
/// applied here.
///
/// # Errors
/// The tables could not be read.
pub(crate) fn places(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Place>> {
    let Some(first) = opened_at(conn, document)? else {
        return Ok(Vec::new());
    };
    let later = conn
        .prepare_cached(
            "SELECT replica, seq, n FROM document_change WHERE document = ?1
             ORDER BY max_op, hash",
        )
        .and_then(|mut select| {
            let rows = select.query_map([document.as_bytes()], |row| place(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read a document's changes")?;
    Ok(std::iter::once(first).chain(later).collect())
}

/// The changes of a document, the opening one first; none if it is not applied
/// here.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn changes(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Vec<u8>>> {
    places(conn, document)?
        .into_iter()
        .map(|place| part_at(conn, place).map(|held| held.part.change))
        .collect()
}

/// How many changes a document has after its first.
pub(crate) fn later_changes(conn: &Connection, document: &DocumentId) -> TableResult<u64> {
    conn.prepare_cached("SELECT count(*) FROM document_change WHERE document = ?1")
        .and_then(|mut select| select.query_row([document.as_bytes()], |row| uint(row, 0)))
        .doing("count a document's changes")
}

/// A document with every change applied here; `None` if it is not.
///
/// # Errors
/// The tables could not be read, or a change does not load.
pub fn load(conn: &Connection, document: &DocumentId) -> TableResult<Option<Document>> {
    let changes = changes(conn, document)?;
    if changes.is_empty() {
        return Ok(None);
    }
    let loaded = Document::load(*document, changes);
    loaded.map(Some).map_err(|error| TableError::Damaged {
        what: format!("document {document}"),
        detail: error.to_string(),
    })
}

/// A part as it is held here.
pub(crate) struct HeldPart {
    /// The document and its change.
    pub(crate) part: Part,
    /// When its entry was written, by its author's clock.
    pub(crate) hlc: Hlc,
    /// When it came here, in the order of everything that did.
    pub(crate) arrival: i64,
}

/// A part, from its entry or, where the journal itself is not held here, from
/// the feed item that carried it.
pub(crate) fn part_at(conn: &Connection, place: Place) -> TableResult<HeldPart> {
    let (replica, seq) = (place.replica, place.seq);
    let (arrival, hlc, parts) = match journal::arrived(conn, replica, seq)? {
        Some((arrival, sealed)) => (arrival, sealed.entry.hlc, sealed.entry.parts),
        None => feed::carried(conn, replica, seq)?.unwrap_or_default(),
    };
    let part = parts.into_iter().find(|part| part.n == place.n);
    let part = part.ok_or_else(|| TableError::Damaged {
        what: format!("entry {seq} of replica {replica}"),
        detail: "a document points to a part that is not held".to_owned(),
    })?;
    Ok(HeldPart { part, hlc, arrival })
}

/// The part that a change is applied from, if it is applied here. A document
/// has one opening change, because its id derives from that change's place.
pub(crate) fn applied_from(
    conn: &Connection,
    document: &DocumentId,
    info: &ChangeInfo,
) -> TableResult<Option<Place>> {
    if info.deps.is_empty() {
        return opened_at(conn, document);
    }
    conn.prepare_cached(
        "SELECT replica, seq, n FROM document_change WHERE document = ?1 AND hash = ?2",
    )
    .and_then(|mut select| {
        let columns = params![document.as_bytes(), info.hash];
        optional(select.query_row(columns, |row| place(row, 0)))
    })
    .doing("look up a change")
}

/// Claims a document for its opening change; `false` if it is opened already.
pub(crate) fn open(conn: &Connection, document: &DocumentId, place: Place) -> TableResult<bool> {
    conn.prepare_cached("INSERT OR IGNORE INTO document VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| {
            insert.execute(params![
                document.as_bytes(),
                int(place.replica.0),
                int(place.seq),
                place.n
            ])
        })
        .doing("open a document")
        .map(|rows| rows == 1)
}

/// Whether a document's opening change is this very one.
pub(crate) fn is_opened_by(
    conn: &Connection,
    document: &DocumentId,
    info: &ChangeInfo,
) -> TableResult<bool> {
    let Some(place) = opened_at(conn, document)? else {
        return Ok(false);
    };
    let change = part_at(conn, place)?.part.change;
    Ok(ChangeInfo::read(&change).is_ok_and(|opening| opening.hash == info.hash))
}

/// Takes back what [`open`] claimed.
pub(crate) fn close(conn: &Connection, document: &DocumentId) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM document WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document.as_bytes()]))
        .doing("take back a document")
        .map(drop)
}

/// Takes back what [`extend`] noted.
pub(crate) fn shorten(
    conn: &Connection,
    document: &DocumentId,
    hash: &[u8; 32],
) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM document_change WHERE document = ?1 AND hash = ?2")
        .and_then(|mut delete| delete.execute(params![document.as_bytes(), hash]))
        .doing("take back a document's change")
        .map(drop)
}

/// Notes a later change; `false` if it is held already.
pub(crate) fn extend(
    conn: &Connection,
    document: &DocumentId,
    info: &ChangeInfo,
    place: Place,
) -> TableResult<bool> {
    conn.prepare_cached("INSERT OR IGNORE INTO document_change VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut insert| {
            insert.execute(params![
                document.as_bytes(),
                info.hash,
                int(info.max_op),
                int(place.replica.0),
                int(place.seq),
                place.n
            ])
        })
        .doing("extend a document")
        .map(|rows| rows == 1)
}

fn place(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Place> {
    Ok(Place {
        replica: ReplicaId(uint(row, first)?),
        seq: uint(row, first + 1)?,
        n: row.get(first + 2)?,
    })
}
