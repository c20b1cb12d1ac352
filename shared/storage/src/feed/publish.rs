//! Publishing: which locations an entry of the hub concerns, and what goes
//! into their feeds.
//!
//! Invariant: a document is on a feed whole or not at all. Its first appearance
//! brings its earlier changes before the new one, each as an item of the entry
//! that it came with.

use std::collections::{BTreeMap, BTreeSet};

use evertill_documents::read;
use evertill_domain::rights::PairCells;
use evertill_domain::{DocumentId, Event, LocationId, ReplicaId, Seq, event};
use evertill_journal::{Entry, Watermark};
use rusqlite::{Connection, params};

use super::{GrantRequest, Item, ItemPart, append};
use crate::ingest::actors;
use crate::journal::{self, Author};
use crate::projection::documents::{self, Place};
use crate::projection::minters;
use crate::sql::{Doing, TableError, TableResult, int, text};

/// Writes what an own entry of the hub says about other locations into their
/// feeds: opening stock posted for them, counts asked of them, and whatever
/// adds to a document that is on a feed already. Call it in the transaction
/// that appended the entry. Gives the feeds that grew, with their new heads.
///
/// # Errors
/// The tables could not be used, or there is no such entry.
pub fn publish(
    conn: &Connection,
    hub: &Author,
    seq: Seq,
) -> TableResult<Vec<(LocationId, Watermark)>> {
    let entry = held(conn, hub.replica, seq)?;
    let mut concerned: BTreeMap<LocationId, BTreeSet<DocumentId>> = BTreeMap::new();
    for part in &entry.parts {
        for location in readers_of(conn, hub, &part.document, &part.change)? {
            concerned.entry(location).or_default().insert(part.document);
        }
    }
    let mut cells: BTreeMap<LocationId, PairCells> = BTreeMap::new();
    for ((location, sku), write) in entry.rights().map_err(unreadable)? {
        if location != hub.location {
            concerned.entry(location.clone()).or_default();
            let own = cells.entry(location.clone()).or_default();
            own.insert((location, sku), write);
        }
    }
    let mut grown = Vec::with_capacity(concerned.len());
    for (location, documents) in concerned {
        let mut items = Vec::new();
        for document in &documents {
            first_appearance(conn, hub.replica, &location, document)?;
            items.extend(missing(conn, hub, &location, document, seq)?);
        }
        let mut last = item(conn, &entry, &documents)?;
        last.set_rights(&cells.remove(&location).unwrap_or_default());
        items.push(last);
        let head = append(conn, hub.replica, &location, &items)?;
        grown.push((location, head));
    }
    Ok(grown)
}

fn unreadable(error: impl std::fmt::Display) -> TableError {
    TableError::Damaged {
        what: "an entry of this hub".to_owned(),
        detail: error.to_string(),
    }
}

/// Names the replica that mints at a location, on the location's feed. The hub
/// mints there no more. Call it in a write of the hub.
///
/// # Errors
/// The tables could not be used.
pub fn name_minter(
    conn: &Connection,
    hub: &Author,
    location: &LocationId,
    minter: ReplicaId,
) -> TableResult<Watermark> {
    let head = journal::head(conn, hub.replica)?;
    let entry = held(conn, hub.replica, head.seq)?;
    let mut item = item(conn, &entry, &BTreeSet::new())?;
    item.minter = Some(minter);
    minters::name(conn, location.as_str(), minter)?;
    append(conn, hub.replica, location, &[item])
}

/// Asks a location's minter for rights, on the location's feed. Call it in a
/// write of the hub.
///
/// # Errors
/// The tables could not be used.
pub fn request_grants(
    conn: &Connection,
    hub: &Author,
    location: &LocationId,
    requests: Vec<GrantRequest>,
) -> TableResult<Watermark> {
    let head = journal::head(conn, hub.replica)?;
    let entry = held(conn, hub.replica, head.seq)?;
    let mut item = item(conn, &entry, &BTreeSet::new())?;
    item.requests = requests;
    append(conn, hub.replica, location, &[item])
}

/// The locations whose business a part is: those that its events name, and
/// those that have its document on their feed.
fn readers_of(
    conn: &Connection,
    hub: &Author,
    document: &DocumentId,
    change: &[u8],
) -> TableResult<BTreeSet<LocationId>> {
    let events = read(change).map_err(|error| TableError::Damaged {
        what: format!("document {document}"),
        detail: error.to_string(),
    })?;
    let mut locations: BTreeSet<LocationId> = events
        .iter()
        .filter_map(|(_, bytes)| match event::decode(bytes) {
            Ok(Event::Movements(movements)) => Some(movements.location),
            Ok(Event::CountRequested(request)) => Some(request.location),
            Ok(Event::CountPosted(posted)) => Some(posted.location),
            Ok(Event::Order(event)) => event.location().cloned(),
            Ok(Event::ReplicaSealed(seal)) => Some(seal.location),
            Ok(Event::Receipt(_) | Event::Unknown { .. }) | Err(_) => None,
        })
        .collect();
    let listed = conn
        .prepare_cached("SELECT location FROM feed_document WHERE hub = ?1 AND document = ?2")
        .and_then(|mut select| {
            let columns = params![int(hub.replica.0), document.as_bytes()];
            let rows = select.query_map(columns, |row| text(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("look up who reads a document")?;
    locations.extend(listed);
    locations.remove(&hub.location);
    Ok(locations)
}

/// Notes that a document is on a feed.
fn first_appearance(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    document: &DocumentId,
) -> TableResult<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO feed_document VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| {
            insert.execute(params![int(hub.0), location.as_str(), document.as_bytes()])
        })
        .doing("note a document on a feed")
        .map(drop)
}

/// The changes of a document that came before the hub's entry `seq` and are not
/// on the feed yet, as items: all of them when it appears first, and later what
/// other locations have added, which the hub's next change follows. What the
/// location's own minter wrote it has.
fn missing(
    conn: &Connection,
    hub: &Author,
    location: &LocationId,
    document: &DocumentId,
    seq: Seq,
) -> TableResult<Vec<Item>> {
    let is_new = |place: Place| (place.replica, place.seq) == (hub.replica, seq);
    if documents::opened_at(conn, document)?.is_some_and(is_new) {
        return Ok(Vec::new());
    }
    let minter = minters::of(conn, location)?;
    let only = BTreeSet::from([*document]);
    let mut items = Vec::new();
    for place in documents::places(conn, document)? {
        if is_new(place)
            || Some(place.replica) == minter
            || is_on_feed(
                conn,
                hub.replica,
                location,
                (place.replica, place.seq),
                document,
            )?
        {
            continue;
        }
        items.push(item(conn, &held(conn, place.replica, place.seq)?, &only)?);
    }
    Ok(items)
}

/// Whether a location's feed carries an entry's part of a document.
fn is_on_feed(
    conn: &Connection,
    hub: ReplicaId,
    location: &LocationId,
    (origin, seq): (ReplicaId, Seq),
    document: &DocumentId,
) -> TableResult<bool> {
    let items: Vec<Vec<u8>> = conn
        .prepare_cached(
            "SELECT bytes FROM feed_item
             WHERE origin = ?1 AND origin_seq = ?2 AND hub = ?3 AND location = ?4",
        )
        .and_then(|mut select| {
            let columns = params![int(origin.0), int(seq), int(hub.0), location.as_str()];
            select.query_map(columns, |row| row.get(0))?.collect()
        })
        .doing("look what a feed carries")?;
    let mut items = items.iter().filter_map(|bytes| Item::decode(bytes).ok());
    Ok(items.any(|item| {
        item.parts
            .iter()
            .any(|part| part.part.document == *document)
    }))
}

/// The parts of an entry that add to these documents.
pub(super) fn item(
    conn: &Connection,
    entry: &Entry,
    documents: &BTreeSet<DocumentId>,
) -> TableResult<Item> {
    let damaged = |detail: &str| TableError::Damaged {
        what: format!("the journal of replica {}", entry.replica),
        detail: detail.to_owned(),
    };
    let (_, location) =
        actors::home_of(conn, entry.replica)?.ok_or_else(|| damaged("it is not listed"))?;
    let actor = actors::writer_of(conn, entry, &location)?
        .ok_or_else(|| damaged("no start says who writes it"))?;
    let ends = entry.parts.iter().skip(1).map(|next| next.n);
    let parts = entry.parts.iter().zip(ends.chain([u32::MAX]));
    Ok(Item {
        origin: entry.replica,
        seq: entry.seq,
        actor,
        hlc: entry.hlc,
        location,
        reissue: entry.reissue,
        parts: parts
            .filter(|(part, _)| documents.contains(&part.document))
            .map(|(part, n_end)| ItemPart {
                part: part.clone(),
                n_end,
            })
            .collect(),
        cells: Vec::new(),
        minter: None,
        requests: Vec::new(),
        returned: false,
    })
}

fn held(conn: &Connection, replica: ReplicaId, seq: Seq) -> TableResult<Entry> {
    let sealed = journal::entry(conn, replica, seq)?.ok_or_else(|| TableError::Unfit {
        reason: format!("entry {seq} of replica {replica} is not held and cannot be fed"),
    })?;
    Ok(sealed.entry)
}
