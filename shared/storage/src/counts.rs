//! Counts that a location has to post: what was asked, and what its records
//! said at the moment of counting.
//!
//! A counter sees the shelf as it is after certain sales. The request names the
//! last entry of each journal that had been seen; what was recorded later is
//! taken off again, so that a sale between counting and posting is neither lost
//! nor found as a difference.
//!
//! Invariant: what is expected depends on the entries that were seen, not on
//! when they are asked for.

use std::collections::BTreeMap;

use evertill_documents::{ChangeInfo, read};
use evertill_domain::count::CountRequest;
use evertill_domain::{Bucket, DocumentId, Event, LocationId, ReplicaId, Seq, Sku, effects, event};
use evertill_journal::{Part, Sealed};
use rusqlite::{Connection, params};

use crate::feed::Item;
use crate::journal;
use crate::projection::{counts, documents};
use crate::sql::{Doing, TableError, TableResult, int, optional, uint};

/// Open counts of a location that are looked through.
const MAX_OPEN: usize = 1_000;

/// A figure that is counted: a SKU, and its lot where lots are tracked.
pub type Counted = (Sku, Option<String>);

/// A count that is asked for and not yet posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCount {
    /// The document that its posting goes into.
    pub document: DocumentId,
    /// What was counted.
    pub request: CountRequest,
    /// Units that the records had sellable when it was counted, in thousandths,
    /// for every line; below zero if more was sold than recorded.
    pub expected: BTreeMap<Counted, i64>,
}

/// The counts that a location has to post, at most `limit`.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn due(conn: &Connection, location: &LocationId, limit: usize) -> TableResult<Vec<DueCount>> {
    let mut due = Vec::new();
    for document in counts::open(conn, location, limit)? {
        let request = asked(conn, &document)?;
        due.push(DueCount {
            document,
            expected: expected(conn, &request)?,
            request,
        });
    }
    Ok(due)
}

/// Whether a location has a count of a product still to post.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn is_asked(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<bool> {
    for document in counts::open(conn, location, MAX_OPEN)? {
        let request = asked(conn, &document)?;
        if request.lines.iter().any(|line| line.sku == *sku) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the records of a location had sellable of each counted figure, in
/// thousandths, after exactly the entries that the counter had seen.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn expected(conn: &Connection, request: &CountRequest) -> TableResult<BTreeMap<Counted, i64>> {
    let mut unseen = Unseen {
        conn,
        location: &request.location,
        figures: BTreeMap::new(),
    };
    for line in &request.lines {
        let now = sellable(conn, &request.location, &line.sku, line.lot.as_deref())?;
        unseen
            .figures
            .insert((line.sku.clone(), line.lot.clone()), now);
    }
    let seen: BTreeMap<ReplicaId, Seq> = request.seen.iter().copied().collect();
    let seen_of = |replica| seen.get(&replica).copied().unwrap_or(0);
    for replica in journals_of(conn, &request.location)? {
        unseen.entries(replica, seen_of(replica))?;
    }
    unseen.items(&seen_of)?;
    Ok(unseen.figures)
}

/// The request that opened a count.
fn asked(conn: &Connection, document: &DocumentId) -> TableResult<CountRequest> {
    let changes = documents::changes(conn, document)?;
    let opening = changes
        .first()
        .map_or(Ok(Vec::new()), |change| read(change));
    let mut events = opening
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(_, bytes)| event::decode(&bytes).ok());
    events
        .find_map(|event| match event {
            Event::CountRequested(request) => Some(request),
            Event::Receipt(_)
            | Event::Movements(_)
            | Event::CountPosted(_)
            | Event::Order(_)
            | Event::ReplicaSealed(_)
            | Event::Unknown { .. } => None,
        })
        .ok_or_else(|| TableError::Damaged {
            what: format!("count {document}"),
            detail: "no request opens it".to_owned(),
        })
}

fn sellable(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    lot: Option<&str>,
) -> TableResult<i64> {
    conn.prepare_cached(
        "SELECT sellable FROM stock WHERE location = ?1 AND sku = ?2 AND owner = '' AND lot = ?3",
    )
    .and_then(|mut select| {
        let columns = params![location.as_str(), sku.as_str(), lot.unwrap_or_default()];
        optional(select.query_row(columns, |row| row.get(0)))
    })
    .doing("read stock")
    .map(Option::unwrap_or_default)
}

/// The journals that may record something of a location: its own machines', and
/// that of this database.
fn journals_of(conn: &Connection, location: &LocationId) -> TableResult<Vec<ReplicaId>> {
    conn.prepare_cached(
        "SELECT replica FROM journal WHERE location = ?1
         UNION SELECT replica FROM local",
    )
    .and_then(|mut select| {
        let rows = select.query_map([location.as_str()], |row| uint(row, 0).map(ReplicaId))?;
        rows.collect()
    })
    .doing("list the journals of a location")
}

/// The counted figures, with what was recorded later taken off again.
struct Unseen<'a> {
    conn: &'a Connection,
    location: &'a LocationId,
    figures: BTreeMap<Counted, i64>,
}

/// Arrivals that are stored and not applied.
const NOT_OUT: &str = "NOT EXISTS (SELECT 1 FROM quarantine
    WHERE quarantine.arrival = stored.arrival AND state <> 'released')";

impl Unseen<'_> {
    fn entries(&mut self, replica: ReplicaId, seen: Seq) -> TableResult<()> {
        let mut select = self
            .conn
            .prepare_cached(&format!(
                "SELECT seq, bytes FROM entry AS stored
                 WHERE replica = ?1 AND seq > ?2 AND {NOT_OUT}"
            ))
            .doing("read what was not seen")?;
        let mut rows = select
            .query([int(replica.0), int(seen)])
            .doing("read what was not seen")?;
        while let Some(row) = rows.next().doing("read what was not seen")? {
            let seq = uint(row, 0).doing("read what was not seen")?;
            let bytes: Vec<u8> = row.get(1).doing("read what was not seen")?;
            let sealed = Sealed::decode(bytes).map_err(|error| TableError::Damaged {
                what: format!("entry {seq} of replica {replica}"),
                detail: error.to_string(),
            })?;
            self.take_off((replica, seq), &sealed.entry.parts)?;
        }
        Ok(())
    }

    /// Items of feeds that were received; the hub's own are made of journals.
    fn items(&mut self, seen_of: &impl Fn(ReplicaId) -> Seq) -> TableResult<()> {
        let own = journal::held(self.conn)?;
        let mut select = self
            .conn
            .prepare_cached(&format!(
                "SELECT hub, bytes FROM feed_item AS stored WHERE location = ?1 AND {NOT_OUT}"
            ))
            .doing("read what was not seen")?;
        let mut rows = select
            .query([self.location.as_str()])
            .doing("read what was not seen")?;
        while let Some(row) = rows.next().doing("read what was not seen")? {
            let hub = uint(row, 0)
                .map(ReplicaId)
                .doing("read what was not seen")?;
            let bytes: Vec<u8> = row.get(1).doing("read what was not seen")?;
            let Ok(item) = Item::decode(&bytes) else {
                continue;
            };
            // A machine that was set back has a part of its former journal twice:
            // as it was kept, and as the hub gave it back.
            let twice = journal::entry_hash(self.conn, item.origin, item.seq)?.is_some();
            if !own.contains(&hub) && !twice && item.seq > seen_of(item.origin) {
                let parts: Vec<Part> = item.parts.into_iter().map(|part| part.part).collect();
                self.take_off((item.origin, item.seq), &parts)?;
            }
        }
        Ok(())
    }

    fn take_off(&mut self, place: (ReplicaId, Seq), parts: &[Part]) -> TableResult<()> {
        for part in parts {
            let damaged = |detail: String| TableError::Damaged {
                what: format!("document {}", part.document),
                detail,
            };
            let info = ChangeInfo::read(&part.change).map_err(|e| damaged(e.to_string()))?;
            // What came twice counted from one of its places.
            let from = documents::applied_from(self.conn, &part.document, &info)?;
            if from.is_none_or(|from| (from.replica, from.seq) != place) {
                continue;
            }
            let events = read(&part.change).map_err(|e| damaged(e.to_string()))?;
            for (_, bytes) in events {
                let event = event::decode(&bytes).map_err(|e| damaged(e.to_string()))?;
                self.take_off_event(&event);
            }
        }
        Ok(())
    }

    fn take_off_event(&mut self, event: &Event) {
        for change in effects(event).stock {
            let key = change.key;
            if key.location != *self.location
                || key.bucket != Bucket::Sellable
                || key.owner.is_some()
            {
                continue;
            }
            if let Some(figure) = self.figures.get_mut(&(key.sku, key.lot)) {
                // Sums are kept far inside 64 bits, and so are single effects.
                *figure = figure.saturating_sub(change.delta);
            }
        }
    }
}
