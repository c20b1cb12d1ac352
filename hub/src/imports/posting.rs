//! What a stock file changes: opening stock, corrections, and counts that are
//! asked of nodes.
//!
//! A row says how much can be sold, as a count does; what is damaged or held
//! back stands beside it. The first row that a SKU ever gets at a location is
//! its opening stock: units that were there when recording began, whatever was
//! sold since. After that, a row is a count. Where no node is, the hub knows
//! everything and posts the difference from its own fold. Where one is, tills
//! may have sold what the hub has not heard of, so the hub asks for a count
//! that names the entries it had seen, and the node posts it against its fold
//! at exactly these. A count that agrees with the fold there changes nothing
//! and is not asked for, unless the product waits to be counted after a machine
//! was lost.
//!
//! Invariant: everything of a file is posted in one transaction, in documents
//! of at most [`LINES`] lines, and is on the feeds of its locations with it.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::count::{CountLine, CountRequest, MAX_SEEN};
use evertill_domain::movement::MovementRecord;
use evertill_domain::time::business_date;
use evertill_domain::{
    Bucket, BusinessDate, Event, Location, LocationId, Movement, MovementReason, Product, Quantity,
    ReplicaId, Seq, Timestamp,
};
use evertill_storage::journal::{self, Author, Write};
use evertill_storage::projection::{seals, stock};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableError, TableResult, enrolments, feed, imports};

use super::stock::StockRow;

/// Lines of one document.
const LINES: usize = 500;
/// Documents of one entry: well below the entry's limit of 1 MiB, and about as
/// much as one frame carries.
const DOCUMENTS: usize = 16;
/// Entries of a lost machine that go onto a feed at a time.
const RETURNED: usize = 500;

/// The rows of one location, ready to post.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) location: LocationId,
    /// The trading day there.
    pub(super) business_date: BusinessDate,
    pub(super) rows: Vec<StockRow>,
}

/// A file, ready to post.
#[derive(Debug)]
pub(super) struct StockFile {
    /// BLAKE3 of its bytes.
    pub(super) hash: [u8; 32],
    pub(super) places: Vec<Place>,
    /// Lines that were refused.
    pub(super) refused: Vec<u64>,
    pub(super) now: Timestamp,
}

/// How many rows change something, and how many say what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) unchanged: u64,
}

/// What posting a file would do.
pub(super) fn look(conn: &Connection, file: &StockFile) -> TableResult<Counts> {
    let mut counts = Counts::default();
    if imports::earlier(conn, &file.hash)?.is_some() {
        counts.unchanged = file
            .places
            .iter()
            .map(|place| place.rows.len() as u64)
            .sum();
        return Ok(counts);
    }
    let staffed = locations_with_a_node(conn)?;
    for place in &file.places {
        let change = Change::of(conn, place, staffed.contains(&place.location))?;
        counts.add(place, &change);
    }
    Ok(counts)
}

/// Posts a file, in the caller's transaction.
pub(super) fn post(conn: &Connection, author: &Author, file: &StockFile) -> TableResult<Counts> {
    let mut counts = Counts::default();
    if imports::earlier(conn, &file.hash)?.is_some() {
        return look(conn, file);
    }
    let staffed = locations_with_a_node(conn)?;
    let mut writes = Vec::new();
    for place in &file.places {
        let change = Change::of(conn, place, staffed.contains(&place.location))?;
        counts.add(place, &change);
        let seen = if change.counts.is_empty() {
            Vec::new()
        } else {
            // What a lost machine told late goes to the store before the count,
            // whose counter has seen it.
            while feed::succeed(conn, author, &place.location, RETURNED)?
                == feed::Succession::Returning
            {}
            seen(conn, author, &place.location)?
        };
        let reference = format!("stock file {}", short(&file.hash));
        writes.extend(change.documents(place, (&reference, None), &seen, file.now));
        for row in &place.rows {
            if let Some(cost) = row.cost {
                imports::set_cost(conn, &place.location, &row.sku, cost, file.now)?;
            }
        }
    }
    for entry in writes.chunks(DOCUMENTS) {
        let appended = journal::append(conn, author, file.now, entry)?;
        feed::publish(conn, author, appended.at.seq)?;
    }
    imports::record(conn, &file.hash, &file.refused, file.now)?;
    Ok(counts)
}

/// Posts what a person counted of one product, as a row of a stock file is posted:
/// where a node is, as a count that is asked of it. False if it is what the
/// records say already; nothing is written then.
pub(crate) fn correct(
    conn: &Connection,
    author: &Author,
    (location, product, counted): (&Location, &Product, Quantity),
    (reference, by): (&str, Option<&str>),
    now: Timestamp,
) -> TableResult<bool> {
    let starts = location.day_starts_at_minutes;
    let place = Place {
        location: location.id.clone(),
        business_date: business_date(now, &location.time_zone, starts),
        rows: vec![StockRow {
            line: 1,
            sku: product.sku.clone(),
            unit: product.unit,
            counted,
            cost: None,
        }],
    };
    let staffed = locations_with_a_node(conn)?.contains(&place.location);
    let change = Change::of(conn, &place, staffed)?;
    let seen = seen(conn, author, &place.location)?;
    let writes = change.documents(&place, (reference, by), &seen, now);
    if writes.is_empty() {
        return Ok(false);
    }
    let appended = journal::append(conn, author, now, &writes)?;
    feed::publish(conn, author, appended.at.seq)?;
    Ok(true)
}

impl Counts {
    fn add(&mut self, place: &Place, change: &Change) {
        let changed = change.openings.len() + change.differences.len() + change.counts.len();
        self.accepted += changed as u64;
        self.unchanged += (place.rows.len() - changed) as u64;
    }
}

/// What the rows of one location come to.
#[derive(Debug, Default)]
struct Change {
    openings: Vec<Movement>,
    differences: Vec<Movement>,
    counts: Vec<CountLine>,
}

impl Change {
    fn of(conn: &Connection, place: &Place, staffed: bool) -> TableResult<Self> {
        let mut change = Self::default();
        for row in &place.rows {
            let figures = stock::of(conn, &place.location, &row.sku)?.unwrap_or_default();
            let counted = row.counted.thousandths();
            // After a machine was lost each product is counted, right or wrong.
            let awaited = staffed && seals::awaits_count(conn, &place.location, &row.sku)?;
            let begun = awaited
                || figures.bucket(Bucket::Opening) != 0
                || figures.bucket(Bucket::Adjustment) != 0;
            // Where a node is, sales may precede the opening stock, which is
            // what was there before them. Elsewhere nothing sells.
            let there = if begun || !staffed {
                figures.bucket(Bucket::Sellable)
            } else {
                0
            };
            let says_more = |_: &i64| awaited || counted != there;
            let difference = counted.checked_sub(there).filter(says_more);
            let Some(difference) = difference else {
                continue;
            };
            if begun && staffed {
                change.counts.push(CountLine {
                    sku: row.sku.clone(),
                    unit: row.unit,
                    counted: row.counted,
                    lot: None,
                });
            } else if !begun && difference > 0 {
                let movement = movement(row, Bucket::Opening, Bucket::Sellable, difference)?;
                change.openings.push(movement);
            } else {
                let (from, to) = if difference > 0 {
                    (Bucket::Adjustment, Bucket::Sellable)
                } else {
                    (Bucket::Sellable, Bucket::Adjustment)
                };
                let movement = movement(row, from, to, difference.saturating_abs())?;
                change.differences.push(movement);
            }
        }
        Ok(change)
    }

    fn documents(
        &self,
        place: &Place,
        (reference, by): (&str, Option<&str>),
        seen: &[(ReplicaId, Seq)],
        now: Timestamp,
    ) -> Vec<Write> {
        let (reference, by) = (Some(reference.to_owned()), by.map(str::to_owned));
        let moved = |reason: MovementReason, lines: &[Movement]| {
            Write::Open(Event::Movements(MovementRecord {
                location: place.location.clone(),
                reason,
                at: now,
                business_date: place.business_date,
                by: by.clone(),
                reference: reference.clone(),
                lines: lines.to_vec(),
            }))
        };
        let counted = |lines: &[CountLine]| {
            Write::Open(Event::CountRequested(CountRequest {
                location: place.location.clone(),
                requested_at: now,
                by: by.clone(),
                reference: reference.clone(),
                lines: lines.to_vec(),
                seen: seen.to_vec(),
            }))
        };
        let openings = self.openings.chunks(LINES);
        let differences = self.differences.chunks(LINES);
        openings
            .map(|lines| moved(MovementReason::Opening, lines))
            .chain(differences.map(|lines| moved(MovementReason::CountDifference, lines)))
            .chain(self.counts.chunks(LINES).map(counted))
            .collect()
    }
}

fn movement(row: &StockRow, from: Bucket, to: Bucket, thousandths: i64) -> TableResult<Movement> {
    let quantity = Quantity::from_thousandths(thousandths).map_err(|_| TableError::Overflow {
        figure: format!("the correction of {} on line {}", row.sku, row.line),
    })?;
    Ok(Movement {
        sku: row.sku.clone(),
        from,
        to,
        quantity,
        lot: None,
        owner: None,
    })
}

/// How far the hub holds each journal that counts for a location: those of its
/// machines, and its own.
fn seen(
    conn: &Connection,
    author: &Author,
    location: &LocationId,
) -> TableResult<Vec<(ReplicaId, Seq)>> {
    let heads: BTreeMap<ReplicaId, Seq> = journal::journals(conn)?
        .into_iter()
        .filter(|journal| journal.location == *location || journal.location == author.location)
        .map(|journal| (journal.replica, journal.head.seq))
        .collect();
    if heads.len() > MAX_SEEN {
        return Err(TableError::Unfit {
            reason: format!("{location} has more journals than a count can name"),
        });
    }
    Ok(heads.into_iter().collect())
}

/// Locations whose stock a node keeps: one that has sent a journal, or may
/// connect at any moment.
fn locations_with_a_node(conn: &Connection) -> TableResult<BTreeSet<LocationId>> {
    let own = journal::identity(conn)?.map(|own| own.node);
    let journals = journal::journals(conn)?
        .into_iter()
        .filter(|journal| Some(journal.node) != own)
        .map(|journal| journal.location);
    let enrolled = enrolments::certificates(conn)?
        .into_iter()
        .filter(|certificate| certificate.revoked.is_none())
        .map(|certificate| certificate.location);
    Ok(journals.chain(enrolled).collect())
}

/// The first eight bytes of a hash, for people.
fn short(hash: &[u8; 32]) -> String {
    let hash = blake3::Hash::from_bytes(*hash).to_hex();
    hash.chars().take(16).collect()
}
