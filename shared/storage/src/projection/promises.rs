//! Promises: what of each is alive, and the sums by (location, SKU).
//!
//! Ends are added as they were recorded, so they may come in any order; what is
//! live is never below zero ([`PromiseParts`]).
//!
//! Invariant: `promised.live` is the sum of what is live of the pair's promises,
//! and `work_load.lines` counts the promises that were not called off.

use std::collections::BTreeMap;

use evertill_domain::order::{OrderBody, PromiseId};
use evertill_domain::rights::{End, PromiseParts};
use evertill_domain::{DocumentId, EventKey, LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional, text};

/// A quarter of an hour: every time zone's days begin on one.
const QUARTER_MS: i64 = 15 * 60_000;

/// A promise as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPromise {
    /// The order.
    pub document: DocumentId,
    /// Its name.
    pub id: PromiseId,
    /// From where.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// The order's line.
    pub line: u32,
    /// Its parts and how they ended.
    pub parts: PromiseParts,
    /// What the hub said is not to be kept.
    pub cancelled: i64,
    /// By when it was to be ready.
    pub due: Option<Timestamp>,
}

impl StoredPromise {
    /// Whether any of it is, or was, its location's work: not all of it was
    /// called off or given back.
    fn is_work(&self) -> bool {
        let called_off = self.cancelled.max(self.parts.released);
        self.parts.promised > called_off.saturating_add(self.parts.breached)
    }
}

/// What is promised of a pair and has not ended, in thousandths.
///
/// # Errors
/// The table could not be read.
pub fn live(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<i64> {
    conn.prepare_cached("SELECT live FROM promised WHERE location = ?1 AND sku = ?2")
        .and_then(|mut select| {
            let columns = [location.as_str(), sku.as_str()];
            optional(select.query_row(columns, |row| row.get(0)))
        })
        .doing("read what is promised")
        .map(Option::unwrap_or_default)
}

/// The promises of a pair that have not ended, by order.
///
/// # Errors
/// The table could not be read.
pub fn of_pair(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
) -> TableResult<Vec<StoredPromise>> {
    let promises: Vec<StoredPromise> = conn
        .prepare_cached(
            "SELECT document, promise, location, sku, line, promised, settled, released,
                    breached, withdrawn, cancelled, due
             FROM promise WHERE location = ?1 AND sku = ?2 ORDER BY document, promise",
        )
        .and_then(|mut select| {
            let rows = select.query_map([location.as_str(), sku.as_str()], stored)?;
            rows.collect()
        })
        .doing("read the promises of a pair")?;
    let live = promises.into_iter().filter(|p| p.parts.live() > 0);
    Ok(live.collect())
}

/// How many order lines are due at a location from one time until another, to
/// the quarter of an hour.
///
/// # Errors
/// The table could not be read.
pub fn lines_due(
    conn: &Connection,
    location: &LocationId,
    from: Timestamp,
    until: Timestamp,
) -> TableResult<u32> {
    conn.prepare_cached(
        "SELECT ifnull(sum(lines), 0) FROM work_load
         WHERE location = ?1 AND quarter >= ?2 AND quarter < ?3",
    )
    .and_then(|mut select| {
        let columns = params![location.as_str(), quarter(from), quarter(until)];
        select.query_row(columns, |row| row.get(0))
    })
    .doing("count the order lines that are due")
}

const fn quarter(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(QUARTER_MS)
}

/// What one entry's ends of promises explain of the units that left, by pair.
pub(crate) type Explained = BTreeMap<(LocationId, Sku), Ends>;

/// Ends of promises in one entry, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    /// Settled and breached, as recorded: the writer burned nothing for it.
    pub(crate) recorded: i64,
    /// How much of it was not live any more here: it left without a promise.
    pub(crate) beyond: i64,
}

/// Takes in one event of an order; `key` is its own. What it says of promises
/// that are not known here counts for nothing.
pub(crate) fn note(
    conn: &Connection,
    document: &DocumentId,
    key: EventKey,
    body: &OrderBody,
    explained: &mut Explained,
) -> TableResult<()> {
    match body {
        OrderBody::Placed(placed) => {
            for line in &placed.lines {
                conn.prepare_cached("INSERT OR IGNORE INTO order_line VALUES (?1, ?2, ?3)")
                    .and_then(|mut insert| {
                        insert.execute(params![document.as_bytes(), line.line, line.sku.as_str()])
                    })
                    .doing("note an order's line")?;
            }
            Ok(())
        }
        OrderBody::Promised(promised) => {
            let quantity = promised.quantity.thousandths();
            let made = conn
                .prepare_cached(
                    "INSERT OR IGNORE INTO promise
                     SELECT document, ?2, ?3, sku, line, ?4, 0, 0, 0, 0, 0, ?6
                     FROM order_line WHERE document = ?1 AND line = ?5
                     RETURNING sku",
                )
                .and_then(|mut insert| {
                    let columns = params![
                        document.as_bytes(),
                        key.to_string(),
                        promised.location.as_str(),
                        quantity,
                        promised.line,
                        promised.promise_by.map(Timestamp::as_millis)
                    ];
                    optional(insert.query_row(columns, |row| text::<Sku>(row, 0)))
                })
                .doing("note a promise")?;
            if let Some(sku) = made {
                add_live(conn, &promised.location, &sku, quantity)?;
                add_line(conn, &promised.location, promised.promise_by, 1)?;
            }
            Ok(())
        }
        OrderBody::PromiseCancelled(body) => change(conn, document, &body.promise, |promise| {
            promise.cancelled += body.quantity.thousandths();
        })
        .map(drop),
        OrderBody::Withdrawn(body) => change(conn, document, &body.promise, |promise| {
            promise.parts.withdraw(body.quantity.thousandths());
        })
        .map(drop),
        OrderBody::PromiseEnded(body) => {
            let quantity = body.quantity.thousandths();
            let mut beyond = 0;
            let ended = change(conn, document, &body.promise, |promise| {
                beyond = promise.parts.end(body.how, quantity);
            })?;
            if let Some(promise) = ended
                && matches!(body.how, End::Settled | End::Breached)
            {
                let pair = (promise.location, promise.sku);
                let ends: &mut Ends = explained.entry(pair).or_default();
                ends.recorded += quantity;
                ends.beyond += beyond;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Changes a promise, and the sum of its pair; gives it as it was.
fn change(
    conn: &Connection,
    document: &DocumentId,
    id: &PromiseId,
    how: impl FnOnce(&mut StoredPromise),
) -> TableResult<Option<StoredPromise>> {
    let found = conn
        .prepare_cached(
            "SELECT document, promise, location, sku, line, promised, settled, released,
                    breached, withdrawn, cancelled, due
             FROM promise WHERE document = ?1 AND promise = ?2",
        )
        .and_then(|mut select| {
            let columns = params![document.as_bytes(), id.to_string()];
            optional(select.query_row(columns, stored))
        })
        .doing("read a promise")?;
    let Some(before) = found else {
        return Ok(None);
    };
    let mut promise = before.clone();
    how(&mut promise);
    conn.prepare_cached(
        "UPDATE promise SET settled = ?3, released = ?4, breached = ?5, withdrawn = ?6,
                            cancelled = ?7
         WHERE document = ?1 AND promise = ?2",
    )
    .and_then(|mut update| {
        update.execute(params![
            document.as_bytes(),
            id.to_string(),
            promise.parts.settled,
            promise.parts.released,
            promise.parts.breached,
            promise.parts.withdrawn,
            promise.cancelled
        ])
    })
    .doing("change a promise")?;
    let delta = promise.parts.live() - before.parts.live();
    if delta != 0 {
        add_live(conn, &promise.location, &promise.sku, delta)?;
    }
    if before.is_work() && !promise.is_work() {
        add_line(conn, &promise.location, promise.due, -1)?;
    }
    Ok(Some(before))
}

fn add_live(conn: &Connection, location: &LocationId, sku: &Sku, quantity: i64) -> TableResult<()> {
    // A sum that falls is there already, and the row that an upsert proposes
    // would break the table's check.
    let sql = if quantity < 0 {
        "UPDATE promised SET live = live + ?3 WHERE location = ?1 AND sku = ?2"
    } else {
        "INSERT INTO promised VALUES (?1, ?2, ?3)
         ON CONFLICT (location, sku) DO UPDATE SET live = live + ?3"
    };
    conn.prepare_cached(sql)
        .and_then(|mut change| change.execute(params![location.as_str(), sku.as_str(), quantity]))
        .doing("sum what is promised")
        .map(drop)
}

fn add_line(
    conn: &Connection,
    location: &LocationId,
    due: Option<Timestamp>,
    lines: i64,
) -> TableResult<()> {
    let Some(due) = due else { return Ok(()) };
    let sql = if lines < 0 {
        "UPDATE work_load SET lines = lines + ?3 WHERE location = ?1 AND quarter = ?2"
    } else {
        "INSERT INTO work_load VALUES (?1, ?2, ?3)
         ON CONFLICT (location, quarter) DO UPDATE SET lines = lines + ?3"
    };
    conn.prepare_cached(sql)
        .and_then(|mut change| change.execute(params![location.as_str(), quarter(due), lines]))
        .doing("count the order lines that are due")
        .map(drop)
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredPromise> {
    Ok(StoredPromise {
        document: DocumentId::from_bytes(row.get(0)?),
        id: text(row, 1)?,
        location: text(row, 2)?,
        sku: text(row, 3)?,
        line: row.get(4)?,
        parts: PromiseParts {
            promised: row.get(5)?,
            settled: row.get(6)?,
            released: row.get(7)?,
            breached: row.get(8)?,
            withdrawn: row.get(9)?,
        },
        cancelled: row.get(10)?,
        due: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_millis),
    })
}
