//! The hub's side: which locations may know who ordered what, and what changed.
//!
//! Invariant: a change that is numbered is in the same transaction as what it
//! follows from; numbers of one location rise.

use std::collections::BTreeMap;

use evertill_domain::order::{FulfilmentKind, OrderState};
use evertill_domain::{DocumentId, LocationId, ReplicaId, Timestamp};
use rusqlite::{Connection, params};

use super::row::{self, Row};
use super::{Customer, Page, Position};
use crate::selling::contacts;
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// How long a location still knows who ordered what it handed over or sent, in
/// milliseconds: customers come back to the counter, parcels too. Who got nothing
/// from it is taken back at once.
pub const GRACE_MS: i64 = 3 * 24 * 3_600_000;

/// Orders that are taken off in one sweep.
const AT_ONCE: usize = 500;
/// The name under which the number of the last change of all stands.
const ALL: &str = "";

/// Says which locations may know who made this order, as its promises are now.
///
/// # Errors
/// The tables could not be read or written.
pub fn refresh(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    now: Timestamp,
) -> TableResult<()> {
    let Some(contact) = contacts::of(conn, document)? else {
        return Ok(());
    };
    let ships = order.placed.fulfilment.kind == FulfilmentKind::Ship;
    let address = ships && contact.address.is_some();
    if contact.name.is_none() && contact.phone.is_none() && !address {
        return Ok(());
    }
    let mut places: BTreeMap<&LocationId, Part> = BTreeMap::new();
    for promise in order.promises.values() {
        let part = places.entry(&promise.location).or_default();
        part.open |= promise.is_open();
        part.served |= promise.parts.settled > 0 || promise.substituted > 0;
    }
    for (location, part) in places {
        let held = held(conn, location, document)?;
        let listed = held.as_ref().is_some_and(|held| !held.gone);
        let over = held.is_some_and(|held| held.over);
        match (part.open, listed) {
            (true, false) => note(conn, location, document, Change::Known { ships })?,
            (true, true) if over => set_over(conn, location, document, None)?,
            (false, true) if !part.served => note(conn, location, document, Change::Gone)?,
            (false, true) if !over => set_over(conn, location, document, Some(now))?,
            (true | false, _) => {}
        }
    }
    Ok(())
}

/// What a location has to do with an order.
#[derive(Default)]
struct Part {
    /// Whether it has work with it.
    open: bool,
    /// Whether the customer got anything from it.
    served: bool,
}

/// Takes off what has been over for long enough; gives how much that was.
///
/// # Errors
/// The tables could not be read or written.
pub fn sweep(conn: &Connection, now: Timestamp) -> TableResult<usize> {
    let before = now.as_millis() - GRACE_MS;
    let over: Vec<(LocationId, DocumentId)> = conn
        .prepare_cached(
            "SELECT location, document FROM contact_place
             WHERE gone = 0 AND over_at IS NOT NULL AND over_at <= ?1 LIMIT ?2",
        )
        .and_then(|mut select| {
            let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
            let rows = select.query_map([before, limit], |row| {
                Ok((text(row, 0)?, DocumentId::from_bytes(row.get(1)?)))
            })?;
            rows.collect()
        })
        .doing("look for orders that are over")?;
    for (location, document) in &over {
        note(conn, location, document, Change::Gone)?;
    }
    Ok(over.len())
}

/// Erases who made an order, here and at every location that knows it; true if
/// there was anything to erase.
///
/// # Errors
/// The tables could not be read or written.
pub fn erase(conn: &Connection, document: &DocumentId) -> TableResult<bool> {
    let places: Vec<LocationId> = conn
        .prepare_cached("SELECT location FROM contact_place WHERE document = ?1 AND gone = 0")
        .and_then(|mut select| {
            let rows = select.query_map([document.as_bytes()], |row| text(row, 0))?;
            rows.collect()
        })
        .doing("look who knows a customer")?;
    for location in &places {
        note(conn, location, document, Change::Gone)?;
    }
    contacts::erase(conn, document)
}

/// The number of the last change of all.
///
/// # Errors
/// The table could not be read.
pub fn last(conn: &Connection) -> TableResult<u64> {
    head(conn, ALL)
}

/// The number of the last change of a location; 0 if there never was one.
///
/// # Errors
/// The table could not be read.
pub fn head_of(conn: &Connection, location: &LocationId) -> TableResult<u64> {
    head(conn, location.as_str())
}

/// The number of the last change of each location that has any.
///
/// # Errors
/// The table could not be read.
pub fn heads(conn: &Connection) -> TableResult<BTreeMap<LocationId, u64>> {
    conn.prepare_cached("SELECT location, version FROM contact_head WHERE location <> ''")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| Ok((text(row, 0)?, uint(row, 1)?)))?;
            rows.collect()
        })
        .doing("read how far private streams reach")
}

/// The changes of a location after a place: at most `max_bytes` of them, but at
/// least one; everything anew after a place that is none of this `hub`'s. `None`
/// when there is nothing to say.
///
/// # Errors
/// The tables could not be read.
pub fn page(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    held: Position,
    max_bytes: u64,
) -> TableResult<Option<Page>> {
    let version = head_of(conn, location)?;
    let newest = Position {
        hub: hub.0,
        version,
    };
    let nothing = Position::default();
    if held == newest || (held == nothing && version == 0) {
        return Ok(None);
    }
    let known = held.hub == hub.0 && held.version <= version;
    let from = if known { held } else { nothing };
    let (mut rows, mut bytes, mut to) = (Vec::new(), 0_u64, newest);
    let mut select = conn
        .prepare_cached(
            "SELECT p.document, p.version, p.gone, p.ships, c.name, c.phone, c.address
             FROM contact_place AS p LEFT JOIN order_contact AS c ON c.document = p.document
             WHERE p.location = ?1 AND p.version > ?2 AND (?2 > 0 OR p.gone = 0)
             ORDER BY p.version",
        )
        .doing("read a private stream")?;
    let columns = params![location.as_str(), int(from.version)];
    let mut found = select.query(columns).doing("read a private stream")?;
    while let Some(next) = found.next().doing("read a private stream")? {
        if bytes >= max_bytes {
            return Ok(Some(Page {
                from,
                to,
                rows: row::encode(&rows),
            }));
        }
        let (row, version) = read(next).doing("read a private stream")?;
        bytes += row::encode(std::slice::from_ref(&row)).len() as u64;
        to.version = version;
        rows.push(row);
    }
    Ok(Some(Page {
        from,
        to: newest,
        rows: row::encode(&rows),
    }))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Row, u64)> {
    let (gone, ships): (bool, bool) = (row.get(2)?, row.get(3)?);
    let address: Option<String> = row.get(6)?;
    let customer = Customer {
        name: row.get(4)?,
        phone: row.get(5)?,
        address: address.filter(|_| ships),
    };
    let document = DocumentId::from_bytes(row.get(0)?);
    let customer = Some(customer).filter(|_| !gone);
    Ok((Row { document, customer }, uint(row, 1)?))
}

/// What the table says of an order at a location.
struct Held {
    over: bool,
    gone: bool,
}

fn held(
    conn: &Connection,
    location: &LocationId,
    document: &DocumentId,
) -> TableResult<Option<Held>> {
    conn.prepare_cached(
        "SELECT over_at IS NOT NULL, gone FROM contact_place
         WHERE location = ?1 AND document = ?2",
    )
    .and_then(|mut select| {
        let columns = params![location.as_str(), document.as_bytes()];
        optional(select.query_row(columns, |row| {
            Ok(Held {
                over: row.get(0)?,
                gone: row.get(1)?,
            })
        }))
    })
    .doing("look who knows a customer")
}

fn set_over(
    conn: &Connection,
    location: &LocationId,
    document: &DocumentId,
    over_at: Option<Timestamp>,
) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE contact_place SET over_at = ?3 WHERE location = ?1 AND document = ?2",
    )
    .and_then(|mut update| {
        let over_at = over_at.map(Timestamp::as_millis);
        update.execute(params![location.as_str(), document.as_bytes(), over_at])
    })
    .doing("note that a location is done with an order")
    .map(drop)
}

/// What a location learns.
#[derive(Clone, Copy)]
enum Change {
    /// Who ordered.
    Known { ships: bool },
    /// That it need not know any more.
    Gone,
}

fn note(
    conn: &Connection,
    location: &LocationId,
    document: &DocumentId,
    change: Change,
) -> TableResult<()> {
    let version = advance(conn, location)?;
    let (ships, gone) = match change {
        Change::Known { ships } => (ships, false),
        Change::Gone => (false, true),
    };
    conn.prepare_cached("INSERT OR REPLACE INTO contact_place VALUES (?1, ?2, ?3, ?4, NULL, ?5)")
        .and_then(|mut insert| {
            insert.execute(params![
                location.as_str(),
                document.as_bytes(),
                int(version),
                ships,
                gone
            ])
        })
        .doing("note who may know a customer")
        .map(drop)
}

/// Draws the number of a location's next change.
fn advance(conn: &Connection, location: &LocationId) -> TableResult<u64> {
    let version = conn
        .prepare_cached(
            "INSERT INTO contact_head VALUES ('', 1)
             ON CONFLICT (location) DO UPDATE SET version = version + 1 RETURNING version",
        )
        .and_then(|mut upsert| upsert.query_row([], |row| uint(row, 0)))
        .doing("number a private change")?;
    conn.prepare_cached("INSERT OR REPLACE INTO contact_head VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![location.as_str(), int(version)]))
        .doing("number a private change")?;
    Ok(version)
}

fn head(conn: &Connection, name: &str) -> TableResult<u64> {
    conn.prepare_cached("SELECT version FROM contact_head WHERE location = ?1")
        .and_then(|mut select| optional(select.query_row([name], |row| uint(row, 0))))
        .doing("read how far a private stream reaches")
        .map(Option::unwrap_or_default)
}
