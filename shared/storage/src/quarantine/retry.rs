//! Trying again: what is in quarantine is judged anew, and what waited for it
//! follows in the order in which it arrived.
//!
//! Invariant: a case is released in the transaction that applies its entry, and
//! its resolution number says where in the order of applications that was.

use std::collections::VecDeque;

use evertill_domain::{ActorId, DocumentId, LocationId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_journal::Sealed;
use rusqlite::{Connection, params};

use super::case::{COLUMNS, Case, CaseKind, CaseState};
use super::{SettleError, open_case, settle};
use crate::feed::Item;
use crate::ingest::actors;
use crate::ingest::intake::{Arrived, Intake};
use crate::ingest::judge::{Judged, Parked};
use crate::journal;
use crate::sql::{Doing, TableError, TableResult, int, optional};

/// Most cases that one call looks at; the next call goes on from there.
pub const RETRY_LIMIT: usize = 1_000;

/// What came of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// The cases that were released, in the order in which they applied. The
    /// one that was asked for is the first.
    pub released: Vec<i64>,
    /// Why the case that was asked for stays where it is.
    pub still: Option<String>,
    /// Whether the limit was reached before every dependant was looked at.
    pub more: bool,
}

/// Judges a case again and applies it if it passes now, with everything that
/// waited for it. For a stopped journal or feed it means that the next
/// connection may try to continue it.
///
/// # Errors
/// [`SettleError`] when there is no such case, it is settled, or the tables
/// could not be read or written; the write must then be rolled back.
pub fn retry(conn: &Connection, id: i64, by: &str, now: Timestamp) -> Result<Retried, SettleError> {
    let case = open_case(conn, id)?;
    let mut retried = Retried {
        released: Vec::new(),
        still: None,
        more: false,
    };
    if matches!(case.kind, CaseKind::Replica | CaseKind::Feed) {
        resume(conn, &case)?;
        settle(conn, &case, CaseState::Released, by, now)?;
        retried.released.push(id);
        return Ok(retried);
    }
    let mut intake = Intake::careful(conn, now);
    let mut run = Run::new(RETRY_LIMIT, by);
    match run.release(&mut intake, &case)? {
        Ok(()) => run.follow(&mut intake)?,
        Err(parked) => {
            note(conn, &case, &parked)?;
            retried.still = Some(parked.reason);
        }
    }
    intake.flush()?;
    retried.released = run.released;
    retried.more = run.left == 0;
    Ok(retried)
}

/// Whether any open case waits for a document.
pub(crate) fn anything_waits(conn: &Connection) -> TableResult<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM quarantine
         WHERE state = 'open' AND kind IN ('entry', 'feed_item') AND waits_for > x'')",
    )
    .and_then(|mut select| select.query_row([], |row| row.get(0)))
    .doing("look for what waits in quarantine")
}

/// Releases what waits for these documents, and for what that adds to. Gives
/// the cases released, and how many were looked at.
pub(crate) fn release_waiting(
    intake: &mut Intake<'_>,
    documents: Vec<DocumentId>,
    limit: usize,
    by: &str,
) -> TableResult<(Vec<i64>, usize)> {
    let mut run = Run::new(limit, by);
    run.documents.extend(documents);
    run.follow(intake)?;
    Ok((run.released, limit - run.left))
}

/// One run of releases.
struct Run<'a> {
    by: &'a str,
    released: Vec<i64>,
    /// Documents that were added to, whose dependants are to be looked at.
    documents: VecDeque<DocumentId>,
    /// Journals whose actor became known, with the start's number.
    starts: VecDeque<(ReplicaId, Seq)>,
    /// How many more cases may be judged.
    left: usize,
}

impl<'a> Run<'a> {
    fn new(limit: usize, by: &'a str) -> Self {
        Self {
            by,
            released: Vec::new(),
            documents: VecDeque::new(),
            starts: VecDeque::new(),
            left: limit,
        }
    }

    /// Applies one case and settles it, or says why it stays.
    fn release(&mut self, intake: &mut Intake<'_>, case: &Case) -> TableResult<Judged<()>> {
        self.left = self.left.saturating_sub(1);
        let stored = match Stored::of(intake.conn, case)? {
            Ok(stored) => stored,
            Err(parked) => return Ok(Err(parked)),
        };
        let arrived = stored.arrived(case);
        let receipts = match intake.try_apply(&arrived)? {
            Ok(receipts) => receipts,
            Err(parked) => return Ok(Err(parked)),
        };
        if case.kind == CaseKind::Entry {
            journal::set_receipts(intake.conn, case.arrival, receipts)?;
        }
        settle(intake.conn, case, CaseState::Released, self.by, intake.now)?;
        self.released.push(case.id);
        self.documents.extend(arrived.documents());
        if arrived.start.is_some() {
            self.starts.push_back((case.replica, case.seq));
        }
        Ok(Ok(()))
    }

    fn follow(&mut self, intake: &mut Intake<'_>) -> TableResult<()> {
        loop {
            let cases = if let Some(start) = self.starts.pop_front() {
                without_actor(intake.conn, start, self.left)?
            } else if let Some(document) = self.documents.pop_front() {
                waiting_for(intake.conn, &document, self.left)?
            } else {
                return Ok(());
            };
            for case in cases {
                if self.left == 0 {
                    return Ok(());
                }
                // One that still does not pass keeps its case as it is.
                let _ = self.release(intake, &case)?;
            }
        }
    }
}

/// What a case's arrival stored.
enum Stored {
    Entry {
        sealed: Box<Sealed>,
        node: NodeId,
        location: LocationId,
        actor: Option<ActorId>,
    },
    Item(Box<Item>),
}

impl Stored {
    fn of(conn: &Connection, case: &Case) -> TableResult<Judged<Self>> {
        let table = match case.kind {
            CaseKind::FeedItem => "SELECT bytes FROM feed_item WHERE arrival = ?1",
            CaseKind::Entry | CaseKind::Replica | CaseKind::Feed => {
                "SELECT bytes FROM entry WHERE arrival = ?1"
            }
        };
        let bytes: Option<Vec<u8>> = conn
            .prepare_cached(table)
            .and_then(|mut select| optional(select.query_row([case.arrival], |row| row.get(0))))
            .doing("read what is in quarantine")?;
        let bytes = bytes.ok_or_else(|| damaged(case, "what it is about is not stored"))?;
        if case.kind == CaseKind::FeedItem {
            return Ok(Item::decode(&bytes)
                .map(|item| Self::Item(Box::new(item)))
                .map_err(|error| Parked::new("item", error.to_string())));
        }
        let sealed = Sealed::decode(bytes).map_err(|error| damaged(case, error.to_string()))?;
        let home = actors::home_of(conn, case.replica)?;
        let (node, location) = home.ok_or_else(|| damaged(case, "its journal is not listed"))?;
        let actor = actors::writer_of(conn, &sealed.entry, &location)?;
        Ok(Ok(Self::Entry {
            sealed: Box::new(sealed),
            node,
            location,
            actor,
        }))
    }

    fn arrived<'a>(&'a self, case: &'a Case) -> Arrived<'a> {
        match self {
            Self::Entry {
                sealed,
                node,
                location,
                actor,
            } => Arrived::entry(&sealed.entry, (*node, location), *actor, case.arrival),
            Self::Item(item) => {
                Arrived::item(item, (case.replica, case.seq), &case.location, case.arrival)
            }
        }
    }
}

fn damaged(case: &Case, detail: impl Into<String>) -> TableError {
    TableError::Damaged {
        what: format!("quarantine case {}", case.id),
        detail: detail.into(),
    }
}

/// Open cases that wait for a document, in the order of arrival.
fn waiting_for(conn: &Connection, document: &DocumentId, limit: usize) -> TableResult<Vec<Case>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM quarantine
         WHERE state = 'open' AND kind IN ('entry', 'feed_item') AND waits_for = ?1
         ORDER BY arrival LIMIT ?2"
    ))
    .and_then(|mut select| {
        select
            .query_map(params![document.as_bytes(), limit], Case::read)?
            .collect()
    })
    .doing("look for what waits for a document")
}

/// Open cases of a journal whose author was not known before its start.
fn without_actor(
    conn: &Connection,
    (replica, start): (ReplicaId, Seq),
    limit: usize,
) -> TableResult<Vec<Case>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM quarantine
         WHERE state = 'open' AND kind = 'entry' AND replica = ?1 AND seq > ?2
           AND rule IN ('actor', 'gate.actor')
         ORDER BY arrival LIMIT ?3"
    ))
    .and_then(|mut select| {
        select
            .query_map(params![int(replica.0), int(start), limit], Case::read)?
            .collect()
    })
    .doing("look for what waits for a start")
}

/// Lets a stopped journal or feed go on.
fn resume(conn: &Connection, case: &Case) -> TableResult<()> {
    let resumed = match case.kind {
        CaseKind::Feed => conn
            .prepare_cached("UPDATE feed SET stopped = 0 WHERE hub = ?1 AND location = ?2")
            .and_then(|mut update| {
                update.execute(params![int(case.replica.0), case.location.as_str()])
            }),
        CaseKind::Entry | CaseKind::FeedItem | CaseKind::Replica => {
            return journal::stop(conn, case.replica, false);
        }
    };
    resumed.doing("let a stopped journal go on").map(drop)
}

/// Notes what is wrong now, which may be something else than at first.
fn note(conn: &Connection, case: &Case, parked: &Parked) -> TableResult<()> {
    let waits_for = parked.waits_for;
    conn.prepare_cached(
        "UPDATE quarantine SET rule = ?2, reason = ?3, waits_for = ?4 WHERE id = ?1",
    )
    .and_then(|mut update| {
        update.execute(params![
            case.id,
            parked.rule,
            parked.reason,
            waits_for.as_ref().map_or(&[][..], |id| id.as_bytes())
        ])
    })
    .doing("note why a case stays in quarantine")
    .map(drop)
}
