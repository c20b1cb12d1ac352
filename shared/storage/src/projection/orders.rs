//! Orders: each one folded, and what their lists show.
//!
//! Invariant: a row of `customer_order` is what the fold of the order's events
//! says, as soon as the batch that brought them is flushed.

use std::collections::{BTreeMap, BTreeSet};

use evertill_documents::read;
use evertill_domain::event::decode;
use evertill_domain::fold::{Placed, State, fold};
use evertill_domain::order::{FulfilmentState, OrderEvent, OrderState, PromiseState, Work};
use evertill_domain::{DocumentId, Event, EventKey, Hlc, LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use super::{backorders, documents, waiting};
use crate::sql::{Doing, TableError, TableResult, int, optional, text};

/// An order as its list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOrder {
    /// Its document.
    pub document: DocumentId,
    /// When it came here, in the order of everything that did.
    pub arrival: i64,
}

/// Which orders are asked for; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// The channel's name for it.
    pub external_id: Option<String>,
    /// Where it stands as a whole.
    pub state: Option<String>,
    /// Changed at that time or later.
    pub updated_since: Option<Timestamp>,
}

/// An order with every event that is applied here; `None` if there is none of
/// that document.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn load(conn: &Connection, document: &DocumentId) -> TableResult<Option<OrderState>> {
    Ok(folded(&stored(conn, document)?))
}

/// The events of an order that are applied here, in the order of their clocks;
/// none for a document that is no order. Events of a kind that this release does
/// not know are left out.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn events(
    conn: &Connection,
    document: &DocumentId,
) -> TableResult<Vec<(EventKey, OrderEvent)>> {
    let mut events = stored(conn, document)?.events;
    events.sort_by_key(|(key, hlc, _)| (*hlc, *key));
    let events = events
        .into_iter()
        .filter_map(|(key, _, bytes)| match decode(&bytes) {
            Ok(Event::Order(event)) => Some((key, *event)),
            _ => None,
        });
    Ok(events.collect())
}

/// What the events of a document say of an order; `None` if it is no order.
fn folded(stored: &Stored) -> Option<OrderState> {
    let events = stored.events.iter().map(|(key, hlc, bytes)| Placed {
        key: *key,
        hlc: *hlc,
        parents: Vec::new(),
        bytes,
    });
    match fold(events).state {
        State::Order(order) => Some(*order),
        _ => None,
    }
}

/// The events of a document as they are held here.
#[derive(Default)]
struct Stored {
    /// Each with its key and its author's clock; causes first.
    events: Vec<(EventKey, Hlc, Vec<u8>)>,
    /// When the document came here, in the order of everything that did; 0 for
    /// one that is not applied.
    arrival: i64,
}

fn stored(conn: &Connection, document: &DocumentId) -> TableResult<Stored> {
    let mut stored = Stored::default();
    for (number, place) in documents::places(conn, document)?.into_iter().enumerate() {
        let held = documents::part_at(conn, place)?;
        let events = read(&held.part.change).map_err(|error| TableError::Damaged {
            what: format!("document {document}"),
            detail: error.to_string(),
        })?;
        let events = events.into_iter();
        stored
            .events
            .extend(events.map(|(key, bytes)| (key, held.hlc, bytes)));
        if number == 0 {
            stored.arrival = held.arrival;
        }
    }
    Ok(stored)
}

/// The order of a channel under its own name for it.
///
/// # Errors
/// The table could not be read.
pub fn by_name(
    conn: &Connection,
    channel: &str,
    external_id: &str,
) -> TableResult<Option<DocumentId>> {
    conn.prepare_cached(
        "SELECT document FROM customer_order WHERE channel = ?1 AND external_id = ?2",
    )
    .and_then(|mut select| {
        optional(select.query_row([channel, external_id], |row| {
            row.get(0).map(DocumentId::from_bytes)
        }))
    })
    .doing("look up an order by its channel's name")
}

/// Orders in the order in which they came, after the given arrival.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    filter: &OrderFilter,
    after: Option<i64>,
    limit: usize,
) -> TableResult<Vec<ListedOrder>> {
    conn.prepare_cached(
        "SELECT document, arrival FROM customer_order
         WHERE arrival > ?1 AND (?2 IS NULL OR external_id = ?2)
           AND (?3 IS NULL OR status = ?3) AND (?4 IS NULL OR updated_at >= ?4)
         ORDER BY arrival LIMIT ?5",
    )
    .and_then(|mut select| {
        let columns = params![
            after.unwrap_or(i64::MIN),
            filter.external_id,
            filter.state,
            filter.updated_since.map(Timestamp::as_millis),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        let rows = select.query_map(columns, |row| {
            Ok(ListedOrder {
                document: DocumentId::from_bytes(row.get(0)?),
                arrival: row.get(1)?,
            })
        })?;
        rows.collect()
    })
    .doing("list orders")
}

/// Orders that a location has work with, after the given one.
///
/// # Errors
/// The table could not be read.
pub fn open_at(
    conn: &Connection,
    location: &LocationId,
    after: Option<&DocumentId>,
    limit: usize,
) -> TableResult<Vec<DocumentId>> {
    let from = after.map_or(&[][..], |document| document.as_bytes().as_slice());
    conn.prepare_cached(
        "SELECT document FROM order_location
         WHERE location = ?1 AND open = 1 AND document > ?2 ORDER BY document LIMIT ?3",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![location.as_str(), from, limit], |row| {
            row.get(0).map(DocumentId::from_bytes)
        })?;
        rows.collect()
    })
    .doing("list a location's open orders")
}

/// Writes what the lists show of an order, from all its events; gives the order,
/// and the products of which something else waits now.
pub(crate) fn refresh(
    conn: &Connection,
    document: &DocumentId,
) -> TableResult<Option<(OrderState, BTreeSet<Sku>)>> {
    let stored = stored(conn, document)?;
    let Some(order) = folded(&stored) else {
        return Ok(None);
    };
    let arrival = stored.arrival;
    conn.prepare_cached(
        "INSERT INTO customer_order VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (document) DO UPDATE SET
           status = ?5, payment = ?6, customer = ?7, updated_at = ?8, version = ?9",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            document.as_bytes(),
            arrival,
            order.placed.channel.as_str(),
            order.placed.external_id,
            order.status.as_str(),
            order.payment_state.as_str(),
            order.customer_state.as_str(),
            order.updated_at.as_millis(),
            int(order.version)
        ])
    })
    .doing("list an order")?;
    let mut work: BTreeMap<&LocationId, LocalWork> = BTreeMap::new();
    for promise in order.promises.values() {
        work.entry(&promise.location).or_default().add(promise);
    }
    for (location, work) in work {
        conn.prepare_cached(
            "INSERT INTO order_location VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (location, document) DO UPDATE SET open = ?3, offered = ?4",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                location.as_str(),
                document.as_bytes(),
                work.open,
                work.offered
            ])
        })
        .doing("list an order at its location")?;
    }
    waiting::refresh(conn, document, &order)?;
    let waited_for = backorders::refresh(conn, document, &order, arrival)?;
    Ok(Some((order, waited_for)))
}

/// What a location has to do with an order.
#[derive(Default)]
struct LocalWork {
    open: bool,
    offered: bool,
}

impl LocalWork {
    fn add(&mut self, promise: &PromiseState) {
        let kept = promise.kept() > 0;
        self.open |= promise.is_open();
        self.offered |= kept && promise.work == Work::Shipment(FulfilmentState::Offered);
    }
}

/// Orders that were decided before `before` and wait for the answer of a
/// location that `is_open`.
///
/// # Errors
/// The tables could not be read.
pub fn unanswered(
    conn: &Connection,
    before: Timestamp,
    is_open: impl Fn(&LocationId) -> bool,
    limit: usize,
) -> TableResult<BTreeSet<DocumentId>> {
    let mut select = conn
        .prepare_cached(
            "SELECT location, document FROM order_location AS o
             WHERE offered = 1 AND EXISTS (
               SELECT 1 FROM decision AS d WHERE d.document = o.document AND d.at < ?1)",
        )
        .doing("list orders that nobody answered")?;
    let rows = select.query_map([before.as_millis()], |row| {
        let document = row.get(1).map(DocumentId::from_bytes)?;
        Ok((text::<LocationId>(row, 0)?, document))
    });
    let mut found = BTreeSet::new();
    for row in rows.doing("list orders that nobody answered")? {
        let (location, document) = row.doing("list orders that nobody answered")?;
        if is_open(&location) {
            found.insert(document);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}
