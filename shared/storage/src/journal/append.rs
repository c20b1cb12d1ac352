//! One local transaction as one entry.
//!
//! Invariant: what is appended here would pass the gate of every other replica.

use std::collections::BTreeMap;

use evertill_documents::{ChangeInfo, append as append_change, create};
use evertill_domain::order::OrderState;
use evertill_domain::rights::{PairCells, burn_of_outflow};
use evertill_domain::{
    Bucket, DocumentId, Event, EventKey, LocationId, Sku, Timestamp, effects, event,
};
use evertill_journal::{Control, Entry, Part, Sealed, Watermark};
use rusqlite::Connection;

use super::author::tick;
use super::{Author, head, set_head, store};
use crate::apply::{self, AppliedPart, Applying, Batch};
use crate::projection::{documents, rights};
use crate::sql::{TableError, TableResult};

/// What a local transaction adds.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A new document with its first event.
    Open(Event),
    /// One more event in a document that is held here.
    Extend(DocumentId, Event),
    /// A new document with its first events.
    OpenWith(Vec<Event>),
    /// More events in a document that is held here; once a document and entry.
    ExtendWith(DocumentId, Vec<Event>),
}

impl Write {
    fn events(&self) -> &[Event] {
        match self {
            Self::Open(event) | Self::Extend(_, event) => std::slice::from_ref(event),
            Self::OpenWith(events) | Self::ExtendWith(_, events) => events,
        }
    }
}

/// Where a local transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its entry, the new head of the journal.
    pub at: Watermark,
    /// The documents, in the order of the writes.
    pub documents: Vec<DocumentId>,
    /// The orders among them, as they are now.
    pub orders: BTreeMap<DocumentId, OrderState>,
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
    let events = writes.iter().flat_map(Write::events);
    let cells = burned_elsewhere(conn, author, events, cells)?;
    entry.set_rights(&cells);
    let mut applied = Vec::with_capacity(writes.len());
    let mut n = 0;
    for write in writes {
        let (part, info) = compose(conn, author, entry.seq, n, write)?;
        applied.push(AppliedPart {
            document: part.document,
            n,
            key: EventKey {
                actor_prefix: author.actor.prefix(),
                seq: entry.seq,
                n,
            },
            info,
            events: write.events().to_vec(),
        });
        n += u32::try_from(write.events().len()).map_err(unfit)?;
        entry.parts.push(part);
    }
    let sealed = Sealed::seal(entry).map_err(unfit)?;
    let seq = sealed.entry.seq;
    if started {
        apply::start_actor(conn, &author.actor, author.replica, seq)?;
    }
    let mut batch = Batch::default();
    let applying = Applying {
        replica: author.replica,
        seq,
        burns_at: Some(&author.location),
        cells: &cells,
    };
    let receipts = apply::apply(conn, &mut batch, &applying, &applied)?;
    let receipts = receipts.map_err(unfit)?;
    let arrival = crate::arrival::last(conn)? + 1;
    store(conn, arrival, &sealed, receipts)?;
    let at = sealed.watermark();
    set_head(conn, author.replica, (author.node, &author.location), &at)?;
    batch.taken_in(author.replica, "", seq);
    let orders = batch.flush(conn)?;
    let documents = applied.iter().map(|part| part.document).collect();
    Ok(Appended {
        at,
        documents,
        orders,
    })
}

/// What the transaction says of the author's rights, with what its outflows
/// burn at other locations. At its own location that goes without saying; of
/// another one readers know too little of the author to derive it.
fn burned_elsewhere<'a>(
    conn: &Connection,
    author: &Author,
    events: impl Iterator<Item = &'a Event>,
    cells: &PairCells,
) -> TableResult<PairCells> {
    let mut said = cells.clone();
    let mut net: BTreeMap<(LocationId, Sku), i64> = BTreeMap::new();
    for delta in events.flat_map(|event| effects(event).stock) {
        let key = delta.key;
        if key.location != author.location
            && matches!(key.bucket, Bucket::Sellable | Bucket::Staged)
        {
            *net.entry((key.location, key.sku)).or_default() += delta.delta;
        }
    }
    for (pair, change) in net.into_iter().filter(|(_, change)| *change < 0) {
        let mut known = rights::cells(conn, &pair.0, &pair.1)?;
        if let Some(write) = said.get(&pair) {
            known.apply(author.replica, write);
        }
        let burn = burn_of_outflow(-change, known.rights(author.replica));
        if burn > 0 {
            let write = known.burn(author.replica, burn).map_err(unfit)?;
            said.entry(pair).or_default().join(write);
        }
    }
    Ok(said)
}

/// The part of one write, and its place in its document's history.
fn compose(
    conn: &Connection,
    author: &Author,
    seq: u64,
    n: u32,
    write: &Write,
) -> TableResult<(Part, ChangeInfo)> {
    let bytes: Vec<Vec<u8>> = write.events().iter().map(event::encode).collect();
    let part = match write {
        Write::Open(_) | Write::OpenWith(_) => create(&author.actor, seq, n, &bytes),
        Write::Extend(id, _) | Write::ExtendWith(id, _) => {
            let document = documents::load(conn, id)?.ok_or_else(|| TableError::Unfit {
                reason: format!("document {id} is not held here and cannot be extended"),
            })?;
            append_change(&document, &author.actor, seq, n, &bytes)
        }
    };
    let info = ChangeInfo::read(&part.change).expect("invariant: our own change can be read");
    Ok((part, info))
}

fn unfit(error: impl std::fmt::Display) -> TableError {
    TableError::Unfit {
        reason: error.to_string(),
    }
}
