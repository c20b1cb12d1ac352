//! Rebuild: the projections thrown away and computed again from the entries and
//! feed items, in the order in which they were applied.
//!
//! What is in quarantine stays out; what was released later is applied where it
//! was released. The gate is not asked again: what was applied had passed it,
//! and what is stored is proven by its hash.
//!
//! Invariant: [`rebuild`] leaves every projection as it was ([`fingerprint`]
//! does not change), or the database was damaged.

mod fingerprint;
mod order;
mod stored;

use std::collections::BTreeSet;

use evertill_documents::{ChangeInfo, read};
use evertill_domain::ReplicaId;
use evertill_domain::rights::PairCells;
use evertill_domain::{LocationId, event};
use evertill_journal::{Entry, Part};
use rusqlite::{Connection, params};

pub use fingerprint::fingerprint;

use crate::apply::{self, AppliedPart, Applying, Batch};
use crate::journal;
use crate::projection::{minters, rights};
use crate::sql::{Doing, TableError, TableResult, int};
use order::Cases;
use stored::{Content, Stored};

/// The tables that are computed.
pub const PROJECTIONS: [&str; 26] = [
    "actor",
    "backorder",
    "cell",
    "cell_sent",
    "count_task",
    "counted",
    "customer_order",
    "day",
    "day_tax",
    "day_tender",
    "document",
    "document_change",
    "feed_document",
    "minter",
    "order_line",
    "order_location",
    "projection_head",
    "promise",
    "promised",
    "receipt",
    "receipt_link",
    "register_total",
    "seal",
    "stock",
    "waiting_step",
    "work_load",
];

/// What a rebuild went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Entries applied.
    pub entries: u64,
    /// Feed items applied.
    pub items: u64,
    /// Entries and items left out, because they are in quarantine.
    pub left_out: u64,
}

/// Computes every projection again, in the caller's transaction.
///
/// # Errors
/// The tables could not be used, or something that was applied before cannot be
/// read or applied now: run verify. Give the transaction up.
pub fn rebuild(conn: &Connection) -> TableResult<Rebuilt> {
    for table in PROJECTIONS {
        conn.execute(&format!("DELETE FROM {table}"), [])
            .doing("clear a projection")?;
    }
    let mut run = Run {
        conn,
        author: journal::identity(conn)?.map(|author| author.replica),
        own: journal::held(conn)?,
        batch: Batch::default(),
        cases: Cases::read(conn)?,
        rebuilt: Rebuilt::default(),
    };
    let mut arrival = 0;
    loop {
        let page = stored::after(conn, arrival)?;
        let Some(last) = page.last() else { break };
        arrival = last.arrival;
        for stored in page {
            run.stored(stored)?;
        }
        run.batch.flush(conn)?;
    }
    Ok(run.rebuilt)
}

struct Run<'a> {
    conn: &'a Connection,
    /// The journal that is written here.
    author: Option<ReplicaId>,
    /// Journals held here: a feed of one of these repeats them.
    own: BTreeSet<ReplicaId>,
    batch: Batch,
    cases: Cases,
    rebuilt: Rebuilt,
}

impl Run<'_> {
    /// Applies what arrived, unless it is in quarantine, and then what was
    /// released right after it.
    fn stored(&mut self, stored: Stored) -> TableResult<()> {
        let arrival = stored.arrival;
        self.take_in(&stored.content);
        if self.cases.keep_out(arrival) {
            self.rebuilt.left_out += 1;
            if let Content::Entry(sealed) = &stored.content {
                let entry = &sealed.entry;
                let (_, cells) = self.rights(entry)?;
                let debits = rights::debits(&cells);
                self.batch
                    .note_rights(self.conn, entry.replica, entry.seq, &debits)?;
            }
        } else {
            self.apply(stored)?;
        }
        for released in self.cases.released_after(arrival) {
            self.rebuilt.left_out -= 1;
            self.apply(stored::at(self.conn, released)?)?;
        }
        Ok(())
    }

    /// Notes that the projections have seen it, applied or not.
    fn take_in(&mut self, content: &Content) {
        match content {
            Content::Entry(sealed) => {
                let entry = &sealed.entry;
                self.batch.taken_in(entry.replica, "", entry.seq);
            }
            // The hub's own feed is made of entries that it has seen.
            Content::Item { hub, .. } if self.own.contains(hub) => {}
            Content::Item {
                hub, location, seq, ..
            } => self.batch.taken_in(*hub, location, *seq),
        }
    }

    /// Whose stock the writer of an entry keeps, and what the entry says of its
    /// rights. One whose rights cannot be read is in quarantine for it.
    fn rights(&self, entry: &Entry) -> TableResult<(Option<LocationId>, PairCells)> {
        let home = match journal::state(self.conn, entry.replica)? {
            Some(journal) => Some(journal.location),
            None => None,
        };
        // The hub speaks of rights of every location.
        let own = self.author == Some(entry.replica);
        let only = home.as_ref().filter(|_| !own);
        let cells = rights::said(entry, only).unwrap_or_default();
        Ok((home, cells))
    }

    fn apply(&mut self, stored: Stored) -> TableResult<()> {
        match stored.content {
            Content::Entry(sealed) => {
                let entry = &sealed.entry;
                if let Some(actor) = entry.started_actor() {
                    apply::start_actor(self.conn, &actor, entry.replica, entry.seq)?;
                }
                let (home, cells) = self.rights(entry)?;
                let applying = Applying {
                    replica: entry.replica,
                    seq: entry.seq,
                    burns_at: home.as_ref().filter(|_| entry.reissue.is_none()),
                    cells: &cells,
                };
                let receipts = self.parts(&applying, &entry.parts)?;
                // Mostly it is right already, and the row, with its bytes, is
                // not written again.
                self.conn
                    .prepare_cached(
                        "UPDATE entry SET receipts = ?2 WHERE arrival = ?1 AND receipts <> ?2",
                    )
                    .and_then(|mut update| update.execute([stored.arrival, int(receipts)]))
                    .doing("count an entry's receipts")?;
                self.rebuilt.entries += 1;
            }
            Content::Item {
                hub,
                location,
                bytes,
                ..
            } => {
                let item = stored::decode(stored.arrival, &bytes)?;
                if let Some(minter) = item.minter {
                    minters::name(self.conn, &location, minter)?;
                }
                if self.own.contains(&hub) {
                    // The hub applied the entry itself; its feed only names
                    // which documents the location goes on hearing of. What
                    // was given back is over.
                    for part in item.parts.iter().filter(|_| !item.returned) {
                        self.feeds(hub, &location, &part.part)?;
                    }
                } else {
                    let about = location.parse::<LocationId>().ok();
                    let said = about
                        .as_ref()
                        .map(|about| item.rights_at(about, hub).unwrap_or_default());
                    let cells = said.unwrap_or_default();
                    let applying = Applying {
                        replica: item.origin,
                        seq: item.seq,
                        burns_at: about.as_ref().filter(|_| item.burns()),
                        cells: &cells,
                    };
                    let parts: Vec<Part> = item.parts.into_iter().map(|part| part.part).collect();
                    self.parts(&applying, &parts)?;
                    self.rebuilt.items += 1;
                }
            }
        }
        Ok(())
    }

    fn parts(&mut self, applying: &Applying<'_>, parts: &[Part]) -> TableResult<u64> {
        let parts: Vec<AppliedPart> = parts.iter().map(trusted).collect::<TableResult<_>>()?;
        let applied = apply::apply(self.conn, &mut self.batch, applying, &parts)?;
        applied.map_err(|clash| TableError::Damaged {
            what: format!("entry {} of replica {}", applying.seq, applying.replica),
            detail: clash.to_string(),
        })
    }

    fn feeds(&self, hub: ReplicaId, location: &str, part: &Part) -> TableResult<()> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO feed_document VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| {
                insert.execute(params![int(hub.0), location, part.document.as_bytes()])
            })
            .doing("note what a feed carries")
            .map(drop)
    }
}

/// A part of our own tables: it passed the gate when it was stored.
fn trusted(part: &Part) -> TableResult<AppliedPart> {
    let damaged = |detail: String| TableError::Damaged {
        what: format!("document {}", part.document),
        detail,
    };
    let read = read(&part.change).map_err(|e| damaged(e.to_string()))?;
    let first = read.first().map(|(key, _)| *key);
    let events = read.iter().map(|(_, bytes)| event::decode(bytes));
    Ok(AppliedPart {
        document: part.document,
        key: first.ok_or_else(|| damaged("a change has no event".to_owned()))?,
        n: part.n,
        info: ChangeInfo::read(&part.change).map_err(|e| damaged(e.to_string()))?,
        events: events
            .collect::<Result<_, _>>()
            .map_err(|e| damaged(e.to_string()))?,
    })
}
