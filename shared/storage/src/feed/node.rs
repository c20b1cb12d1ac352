//! The node's side of a feed: pages are verified, stored and applied.
//!
//! Invariant: the position moves in the transaction that applies what it
//! passes, so a page that comes twice changes nothing the second time.

use evertill_domain::{Hlc, LocationId, ReplicaId, Seq, Timestamp};
use evertill_journal::{FRAME_ENTRIES, Watermark};
use rusqlite::{Connection, params};

use super::{Item, MAX_ITEM_BYTES, Page, hash_at, head, insert, item_hash, set_head};
use crate::ingest::intake::{Arrived, Intake, Taken, savepoint};
use crate::ingest::{IngestError, Refusal, RefusalRule};
use crate::quarantine::{self, CaseKind, NewCase};
use crate::sql::{Doing, TableError, TableResult, int, optional};

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The last item of the page: what is acknowledged once committed. The feed
    /// may be held further, if another connection was faster.
    pub at: Watermark,
    /// Items that were new and applied.
    pub applied: usize,
    /// Items that were new and went to quarantine.
    pub parked: usize,
    /// Items that were held already.
    pub duplicates: usize,
    /// What had waited in quarantine for these and applied with them.
    pub released: usize,
    /// The first item whose author's clock was too far ahead to be merged.
    pub wild_clock: Option<(Seq, Hlc)>,
}

/// Takes a page of the feed for `location`, the place this node stands in.
///
/// Call it inside a write and **commit in any case**: a page that is refused
/// has left its case in quarantine. Acknowledge nothing before that commit.
///
/// # Errors
/// The disk or the database failed; the transaction must be rolled back.
pub fn commit(
    conn: &Connection,
    location: &LocationId,
    page: &Page,
    now: Timestamp,
) -> TableResult<Result<Committed, IngestError>> {
    let run = |mut intake: Intake<'_>| {
        savepoint(conn, || {
            let result = take(&mut intake, location, page)?;
            intake.flush()?;
            Ok(result)
        })
    };
    let mut outcome = run(Intake::new(conn, now).of_hub());
    if matches!(outcome, Err(TableError::Overflow { .. })) {
        outcome = run(Intake::careful(conn, now).of_hub());
    }
    match outcome {
        Ok(result) => Ok(result.map_err(IngestError::from)),
        Err(error @ TableError::Sql { .. }) => Err(error),
        Err(error) => Ok(Err(error.into())),
    }
}

fn take(
    intake: &mut Intake<'_>,
    location: &LocationId,
    page: &Page,
) -> TableResult<Result<Committed, Refusal>> {
    let conn = intake.conn;
    let held = head(conn, page.hub, location)?;
    if let Err(refusal) = continues(conn, location, page, &held)? {
        return refuse(intake, location, refusal).map(Err);
    }
    let mut committed = Committed {
        at: held,
        applied: 0,
        parked: 0,
        duplicates: 0,
        released: 0,
        wild_clock: None,
    };
    let mut arrival = crate::arrival::last(conn)?;
    for (seq, bytes) in (page.first_seq..).zip(&page.items) {
        if seq <= held.seq {
            committed.duplicates += 1;
            continue;
        }
        arrival += 1;
        let hash = item_hash(&committed.at.hash, location, seq, bytes);
        committed.at = Watermark { seq, hash };
        let place = Place {
            hub: page.hub,
            location,
            arrival,
        };
        take_item(intake, &place, bytes, &mut committed)?;
    }
    if committed.at != held {
        set_head(conn, page.hub, location, &committed.at)?;
        intake
            .batch
            .taken_in(page.hub, location.as_str(), committed.at.seq);
    }
    if let Some(last) = page.last_seq() {
        committed.at = Watermark {
            seq: last,
            hash: page.head,
        };
    }
    Ok(Ok(committed))
}

/// Where an item is stored.
struct Place<'a> {
    hub: ReplicaId,
    location: &'a LocationId,
    arrival: i64,
}

/// Stores one item at `committed.at`, and applies or parks it.
fn take_item(
    intake: &mut Intake<'_>,
    place: &Place<'_>,
    bytes: &[u8],
    committed: &mut Committed,
) -> TableResult<()> {
    let item = Item::decode(bytes);
    let origin = item
        .as_ref()
        .map_or((ReplicaId(0), 0), |item| (item.origin, item.seq));
    let row = super::Row {
        hub: place.hub,
        location: place.location,
        arrival: place.arrival,
        at: committed.at,
        origin,
        bytes,
    };
    insert(intake.conn, &row)?;
    let seq = committed.at.seq;
    let item = match item {
        Ok(item) => item,
        Err(error) => {
            committed.parked += 1;
            let case = NewCase {
                kind: CaseKind::FeedItem,
                replica: place.hub,
                location: place.location,
                seq,
                arrival: place.arrival,
                rule: "item",
                reason: &error.to_string(),
                waits_for: None,
                bytes: &[],
                now: intake.now,
            };
            return quarantine::open(intake.conn, &case);
        }
    };
    let arrived = Arrived::item(&item, (place.hub, seq), place.location, place.arrival);
    match intake.take(&arrived)? {
        Taken::Applied(_) => {
            committed.applied += 1;
            committed.released += intake.follow(arrived.documents())?;
        }
        Taken::Parked => committed.parked += 1,
    }
    if intake.hear_clock(item.hlc) && committed.wild_clock.is_none() {
        committed.wild_clock = Some((seq, item.hlc));
    }
    Ok(())
}

/// Whether a page follows what is held, item by item up to the head it names.
fn continues(
    conn: &Connection,
    location: &LocationId,
    page: &Page,
    held: &Watermark,
) -> TableResult<Result<(), Refusal>> {
    let refuse = |seq, rule, reason: String| {
        Ok(Err(Refusal {
            replica: page.hub,
            seq,
            rule,
            reason,
        }))
    };
    let first = page.first_seq;
    if is_stopped(conn, page.hub, location)? {
        let reason = "the feed was stopped; settle its case in quarantine first";
        return refuse(first, RefusalRule::Stopped, reason.to_owned());
    }
    let too_large = page.items.iter().any(|item| item.len() > MAX_ITEM_BYTES);
    let too_many = page.items.is_empty() || page.items.len() > FRAME_ENTRIES;
    let ends = first.checked_add(page.items.len() as u64);
    if first == 0 || too_large || too_many || ends.is_none() {
        let reason = format!("a page has 1 to {FRAME_ENTRIES} items of bounded size");
        return refuse(first, RefusalRule::Frame, reason);
    }
    let due = held.seq.saturating_add(1);
    if first > due {
        let reason = format!("item {due} is missing, {first} came instead");
        return refuse(due, RefusalRule::Frame, reason);
    }
    let Some(mut hash) = hash_at(conn, page.hub, location, first - 1)? else {
        let what = format!("item {} of the feed", first - 1);
        let detail = "it is missing".to_owned();
        return Err(TableError::Damaged { what, detail });
    };
    for (seq, bytes) in (first..).zip(&page.items) {
        hash = item_hash(&hash, location, seq, bytes);
        if seq <= held.seq && hash_at(conn, page.hub, location, seq)? != Some(hash) {
            let reason = "another item of this number is held".to_owned();
            return refuse(seq, RefusalRule::Chain, reason);
        }
    }
    if hash != page.head {
        let reason = format!("the items hash to {hash}, the hub named {}", page.head);
        return refuse(first, RefusalRule::Chain, reason);
    }
    Ok(Ok(()))
}

fn is_stopped(conn: &Connection, hub: ReplicaId, location: &LocationId) -> TableResult<bool> {
    conn.prepare_cached("SELECT stopped FROM feed WHERE hub = ?1 AND location = ?2")
        .and_then(|mut select| {
            optional(select.query_row(params![int(hub.0), location.as_str()], |row| row.get(0)))
        })
        .doing("read whether a feed is stopped")
        .map(Option::unwrap_or_default)
}

/// Leaves the case of a refused page, and stops a feed that has two histories.
fn refuse(intake: &Intake<'_>, location: &LocationId, refusal: Refusal) -> TableResult<Refusal> {
    let conn = intake.conn;
    if refusal.rule != RefusalRule::Stopped {
        let case = NewCase {
            kind: CaseKind::Feed,
            replica: refusal.replica,
            location,
            seq: refusal.seq,
            arrival: 0,
            rule: refusal.rule.as_str(),
            reason: &refusal.reason,
            waits_for: None,
            bytes: &[],
            now: intake.now,
        };
        quarantine::open(conn, &case)?;
    }
    if refusal.rule == RefusalRule::Chain {
        conn.prepare_cached("UPDATE feed SET stopped = 1 WHERE hub = ?1 AND location = ?2")
            .and_then(|mut update| {
                update.execute(params![int(refusal.replica.0), location.as_str()])
            })
            .doing("stop a feed")?;
    }
    Ok(refusal)
}
