//! Rebuild: the projections thrown away and computed again from the entries and
//! feed items, in the order in which they were applied.
//!
//! What is in quarantine stays out; what was released later is applied where it
//! was released. The gate is not asked again: what was applied had passed it,
//! and what is stored is proven by its hash.
//!
//! Invariant: [`rebuild`] leaves every projection as it was ([`fingerprint`]
//! does not change), or the database was damaged.

use std::collections::{BTreeMap, BTreeSet};

use evertill_documents::{ChangeInfo, read};
use evertill_domain::{ReplicaId, Seq, event};
use evertill_journal::{Part, Sealed};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::apply::{self, AppliedPart, Batch};
use crate::feed::Item;
use crate::journal;
use crate::projection::documents;
use crate::sql::{Doing, TableError, TableResult, int, text, uint};

/// The tables that are computed.
pub const PROJECTIONS: [&str; 13] = [
    "actor",
    "count_task",
    "day",
    "day_tax",
    "day_tender",
    "document",
    "document_change",
    "feed_document",
    "projection_head",
    "receipt",
    "receipt_link",
    "register_total",
    "stock",
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

/// How many entries and items are read at a time.
const PAGE: i64 = 500;

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
        own: journal::identity(conn)?.map(|author| author.replica),
        batch: Batch::default(),
        cases: Cases::read(conn)?,
        rebuilt: Rebuilt::default(),
    };
    let mut arrival = 0;
    loop {
        let page = stored_after(conn, arrival)?;
        let Some(last) = page.last() else { break };
        arrival = last.arrival;
        for stored in &page {
            run.stored(stored)?;
        }
        run.batch.flush(conn)?;
    }
    Ok(run.rebuilt)
}

/// A hash of each projection, over all its rows in the order of their keys.
///
/// # Errors
/// The tables could not be read.
pub fn fingerprint(conn: &Connection) -> TableResult<BTreeMap<&'static str, [u8; 32]>> {
    let hashes = PROJECTIONS
        .iter()
        .map(|table| Ok((*table, hash_of(conn, table)?)));
    hashes.collect()
}

fn hash_of(conn: &Connection, table: &str) -> TableResult<[u8; 32]> {
    let mut select = conn
        .prepare(&format!("SELECT * FROM {table}"))
        .doing("read a projection")?;
    let columns = select.column_count();
    let order: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
    let sql = format!("SELECT * FROM {table} ORDER BY {}", order.join(", "));
    select = conn.prepare(&sql).doing("read a projection")?;
    let mut rows = select.query([]).doing("read a projection")?;
    let mut hasher = blake3::Hasher::new();
    while let Some(row) = rows.next().doing("read a projection")? {
        for column in 0..columns {
            let (kind, bytes): (u8, &[u8]) = match row.get_ref(column).doing("read a projection")? {
                ValueRef::Null => (0, &[]),
                ValueRef::Integer(number) => (1, &number.to_be_bytes()),
                ValueRef::Real(number) => (2, &number.to_be_bytes()),
                ValueRef::Text(bytes) => (3, bytes),
                ValueRef::Blob(bytes) => (4, bytes),
            };
            hasher
                .update(&[kind])
                .update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

/// An entry or feed item as stored.
struct Stored {
    arrival: i64,
    source: Source,
    bytes: Vec<u8>,
}

enum Source {
    Entry,
    Item {
        hub: ReplicaId,
        location: String,
        seq: Seq,
    },
}

fn stored_after(conn: &Connection, arrival: i64) -> TableResult<Vec<Stored>> {
    let columns = params![arrival, PAGE];
    let entries = conn
        .prepare_cached(
            "SELECT arrival, bytes FROM entry WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(columns, |row| {
                Ok(Stored {
                    arrival: row.get(0)?,
                    source: Source::Entry,
                    bytes: row.get(1)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read the entries")?;
    let items = conn
        .prepare_cached(
            "SELECT arrival, bytes, hub, location, seq FROM feed_item
             WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(columns, |row| {
                Ok(Stored {
                    arrival: row.get(0)?,
                    source: Source::Item {
                        hub: ReplicaId(uint(row, 2)?),
                        location: text(row, 3)?,
                        seq: uint(row, 4)?,
                    },
                    bytes: row.get(1)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read the feed items")?;
    let mut both: Vec<Stored> = entries.into_iter().chain(items).collect();
    both.sort_unstable_by_key(|stored| stored.arrival);
    // Beyond the first page of either list the other one may have rows between.
    both.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    Ok(both)
}

/// What quarantine says about the order.
struct Cases {
    /// Arrivals that are not applied at their place.
    out: BTreeSet<i64>,
    /// Released ones, by what had arrived before and the order of release.
    released: BTreeMap<(i64, i64), i64>,
}

impl Cases {
    fn read(conn: &Connection) -> TableResult<Self> {
        let rows = conn
            .prepare(
                "SELECT arrival, state = 'released', released_after, resolution FROM quarantine
                 WHERE kind IN ('entry', 'feed_item')",
            )
            .and_then(|mut select| {
                let rows = select.query_map([], |row| {
                    let released: bool = row.get(1)?;
                    let key: (i64, i64) = (row.get(2)?, row.get(3)?);
                    Ok((row.get::<_, i64>(0)?, released.then_some(key)))
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            })
            .doing("read the quarantine")?;
        let released = rows
            .iter()
            .filter_map(|(arrival, key)| key.map(|key| (key, *arrival)));
        Ok(Self {
            released: released.collect(),
            out: rows.iter().map(|(arrival, _)| *arrival).collect(),
        })
    }
}

struct Run<'a> {
    conn: &'a Connection,
    own: Option<ReplicaId>,
    batch: Batch,
    cases: Cases,
    rebuilt: Rebuilt,
}

impl Run<'_> {
    /// Applies what arrived, unless it is in quarantine, and then what was
    /// released right after it.
    fn stored(&mut self, stored: &Stored) -> TableResult<()> {
        if self.cases.out.contains(&stored.arrival) {
            self.rebuilt.left_out += 1;
            self.take_in(stored)?;
        } else {
            self.take_in(stored)?;
            self.apply(stored)?;
        }
        let first = (stored.arrival, i64::MIN);
        let last = (stored.arrival, i64::MAX);
        let due: Vec<i64> = self
            .cases
            .released
            .range(first..=last)
            .map(|(_, a)| *a)
            .collect();
        for arrival in due {
            let released = stored_after(self.conn, arrival - 1)?.into_iter().next();
            let released = released.filter(|released| released.arrival == arrival);
            let released = released.ok_or_else(|| TableError::Damaged {
                what: "the quarantine".to_owned(),
                detail: format!("it released arrival {arrival}, which is not stored"),
            })?;
            self.rebuilt.left_out -= 1;
            self.apply(&released)?;
        }
        Ok(())
    }

    /// Notes that the projections have seen it, applied or not.
    fn take_in(&mut self, stored: &Stored) -> TableResult<()> {
        match &stored.source {
            Source::Entry => {
                let sealed = sealed(stored)?;
                self.batch
                    .taken_in(sealed.entry.replica, "", sealed.entry.seq);
            }
            Source::Item { hub, location, seq } => {
                if self.own != Some(*hub) {
                    self.batch.taken_in(*hub, location, *seq);
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, stored: &Stored) -> TableResult<()> {
        match &stored.source {
            Source::Entry => {
                let sealed = sealed(stored)?;
                let entry = &sealed.entry;
                if let Some(actor) = entry.started_actor() {
                    apply::start_actor(self.conn, &actor, entry.replica, entry.seq)?;
                }
                let receipts = self.parts((entry.replica, entry.seq), &entry.parts)?;
                self.conn
                    .prepare_cached("UPDATE entry SET receipts = ?2 WHERE arrival = ?1")
                    .and_then(|mut update| update.execute([stored.arrival, int(receipts)]))
                    .doing("count an entry's receipts")?;
                self.rebuilt.entries += 1;
            }
            Source::Item { hub, location, .. } => {
                let item = Item::decode(&stored.bytes).map_err(|e| damaged(stored, &e))?;
                if self.own == Some(*hub) {
                    // The hub applied the entry itself; its feed only names
                    // which documents the location has.
                    for part in &item.parts {
                        self.feeds(*hub, location, &part.part)?;
                    }
                } else {
                    let parts: Vec<Part> = item.parts.into_iter().map(|part| part.part).collect();
                    self.parts((item.origin, item.seq), &parts)?;
                    self.rebuilt.items += 1;
                }
            }
        }
        Ok(())
    }

    fn parts(&mut self, place: (ReplicaId, Seq), parts: &[Part]) -> TableResult<u64> {
        let mut fresh = Vec::with_capacity(parts.len());
        for part in parts {
            let part = trusted(part)?;
            // A change that came twice, in an entry that was written again or on
            // a feed, counted once then and counts once now.
            if documents::applied_from(self.conn, &part.document, &part.info)?.is_none() {
                fresh.push(part);
            }
        }
        let parts = fresh;
        let applied = apply::apply(self.conn, &mut self.batch, place, &parts)?;
        applied.map_err(|clash| TableError::Damaged {
            what: format!("entry {} of replica {}", place.1, place.0),
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
    let events = read(&part.change).map_err(|e| damaged(e.to_string()))?;
    let events = events.iter().map(|(_, bytes)| event::decode(bytes));
    Ok(AppliedPart {
        document: part.document,
        n: part.n,
        info: ChangeInfo::read(&part.change).map_err(|e| damaged(e.to_string()))?,
        events: events
            .collect::<Result<_, _>>()
            .map_err(|e| damaged(e.to_string()))?,
    })
}

fn sealed(stored: &Stored) -> TableResult<Sealed> {
    Sealed::decode(stored.bytes.clone()).map_err(|error| damaged(stored, &error))
}

fn damaged(stored: &Stored, error: &dyn std::error::Error) -> TableError {
    TableError::Damaged {
        what: format!("arrival {}", stored.arrival),
        detail: error.to_string(),
    }
}
