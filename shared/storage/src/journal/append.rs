//! One local transaction as one entry.
//!
//! Invariant: what is appended here would pass the gate of every other replica.

use evertill_documents::{ChangeInfo, append as append_change, create};
use evertill_domain::rights::PairCells;
use evertill_domain::{DocumentId, Event, Timestamp, event};
use evertill_journal::{Control, Entry, Part, Sealed, Watermark};
use rusqlite::Connection;

use super::author::tick;
use super::{Author, head, set_head, store};
use crate::apply::{self, AppliedPart, Batch};
use crate::projection::{documents, rights};
use crate::sql::{TableError, TableResult};

/// What a local transaction adds.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A new document with its first event.
    Open(Event),
    /// One more event in a document that is held here.
    Extend(DocumentId, Event),
}

/// Where a local transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its entry, the new head of the journal.
    pub at: Watermark,
    /// The documents, in the order of the writes.
    pub documents: Vec<DocumentId>,
}

/// Writes one local transaction and applies it, in the caller's transaction.
///
/// # Errors
/// The tables could not be used, a document to extend is not held, or the
/// entry breaks a limit; give the whole transaction up.
pub fn append(
    conn: &Connection,
    author: &Author,
    now: Timestamp,
    writes: &[Write],
) -> TableResult<Appended> {
    append_with_rights(conn, author, now, writes, &PairCells::new())
}

/// [`append`], with what the transaction does to the author's own rights.
///
/// # Errors
/// As for [`append`].
pub fn append_with_rights(
    conn: &Connection,
    author: &Author,
    now: Timestamp,
    writes: &[Write],
    cells: &PairCells,
) -> TableResult<Appended> {
    write_entry(conn, author, now, None, writes, cells)
}

/// [`append`], also for the entries that are about the journal itself.
pub(super) fn write_entry(
    conn: &Connection,
    author: &Author,
    now: Timestamp,
    control: Option<Control>,
    writes: &[Write],
    cells: &PairCells,
) -> TableResult<Appended> {
    let before = head(conn, author.replica)?;
    let mut entry = Entry::after(author.replica, &before, tick(conn, now)?);
    let started = matches!(control, Some(Control::Start(_)));
    entry.control = control;
    entry.set_rights(cells);
    let mut applied = Vec::with_capacity(writes.len());
    for (n, write) in (0..).zip(writes) {
        let (part, info, event) = compose(conn, author, entry.seq, n, write)?;
        applied.push(AppliedPart {
            document: part.document,
            n,
            info,
            events: vec![event],
        });
        entry.parts.push(part);
    }
    let sealed = Sealed::seal(entry).map_err(unfit)?;
    let seq = sealed.entry.seq;
    if started {
        apply::start_actor(conn, &author.actor, author.replica, seq)?;
    }
    let mut batch = Batch::default();
    let receipts = apply::apply(conn, &mut batch, (author.replica, seq), &applied)?;
    let receipts = receipts.map_err(unfit)?;
    rights::note(conn, author.replica, cells)?;
    let arrival = crate::arrival::last(conn)? + 1;
    store(conn, arrival, &sealed, receipts)?;
    let at = sealed.watermark();
    set_head(conn, author.replica, (author.node, &author.location), &at)?;
    batch.taken_in(author.replica, "", seq);
    batch.flush(conn)?;
    let documents = applied.iter().map(|part| part.document).collect();
    Ok(Appended { at, documents })
}

/// The part of one write, its place in its document's history, and its event.
fn compose(
    conn: &Connection,
    author: &Author,
    seq: u64,
    n: u32,
    write: &Write,
) -> TableResult<(Part, ChangeInfo, Event)> {
    let (part, event) = match write {
        Write::Open(event) => {
            let part = create(&author.actor, seq, n, &[event::encode(event)]);
            (part, event)
        }
        Write::Extend(id, event) => {
            let document = documents::load(conn, id)?.ok_or_else(|| TableError::Unfit {
                reason: format!("document {id} is not held here and cannot be extended"),
            })?;
            let bytes = event::encode(event);
            let part = append_change(&document, &author.actor, seq, n, &[bytes]);
            (part, event)
        }
    };
    let info = ChangeInfo::read(&part.change).expect("invariant: our own change can be read");
    Ok((part, info, event.clone()))
}

fn unfit(error: impl std::fmt::Display) -> TableError {
    TableError::Unfit {
        reason: error.to_string(),
    }
}
