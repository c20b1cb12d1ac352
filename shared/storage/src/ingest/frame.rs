//! One frame: does it continue the journal, and if so, entry by entry.
//!
//! Invariant: of a refused frame nothing is stored but its case.

use evertill_documents::PART_CODEC;
use evertill_domain::{LocationId, NodeId, ReplicaId, Seq};
use evertill_journal::{BreakReason, ChainBreak, Frame, FrameError, Sealed, Watermark, unpack};
use rusqlite::Connection;

use super::actors;
use super::intake::{Arrived, Intake, Taken};
use super::refusal::{Refusal, RefusalRule};
use super::{Ingested, Peer};
use crate::journal;
use crate::quarantine::{self, CaseKind, NewCase};
use crate::sql::TableResult;

type Taking<T> = TableResult<Result<T, Refusal>>;

/// Takes a frame, or refuses it and leaves a case.
pub(super) fn take(intake: &mut Intake<'_>, peer: &Peer, frame: &Frame) -> Taking<Ingested> {
    let held = match Held::of(intake.conn, peer, frame.replica)? {
        Ok(held) => held,
        Err(refusal) => return refuse(intake, peer, refusal),
    };
    let entries = match continuing(intake.conn, &held, frame)? {
        Ok(entries) => entries,
        Err(refusal) => return refuse(intake, peer, refusal),
    };
    take_entries(intake, &held, &entries).map(Ok)
}

/// A journal as it is held here before the frame.
struct Held {
    replica: ReplicaId,
    node: NodeId,
    location: LocationId,
    head: Watermark,
}

impl Held {
    fn of(conn: &Connection, peer: &Peer, replica: ReplicaId) -> Taking<Self> {
        let Some(state) = journal::state(conn, replica)? else {
            return Ok(Ok(Self {
                replica,
                node: peer.node,
                location: peer.location.clone(),
                head: Watermark::nothing(replica),
            }));
        };
        // One case for a machine that tries, however far the journal has come.
        let refusal = |rule, reason| Refusal {
            replica,
            seq: 1,
            rule,
            reason,
        };
        if (state.node, &state.location) != (peer.node, &peer.location) {
            return Ok(Err(refusal(
                RefusalRule::Owner,
                format!(
                    "node {} of {} sends it, but it belongs to node {} of {}",
                    peer.node, peer.location, state.node, state.location
                ),
            )));
        }
        if state.stopped {
            return Ok(Err(refusal(
                RefusalRule::Stopped,
                "the journal was stopped; settle its case in quarantine first".to_owned(),
            )));
        }
        Ok(Ok(Self {
            replica,
            node: state.node,
            location: state.location,
            head: state.head,
        }))
    }
}

/// The frame's entries, if they continue the journal or are held already.
fn continuing(conn: &Connection, held: &Held, frame: &Frame) -> Taking<Vec<Sealed>> {
    let replica = held.replica;
    let before = frame.first_seq.saturating_sub(1);
    let hash = if before >= held.head.seq {
        // A gap, if there is one, is found by the chain itself.
        Some(held.head)
    } else {
        journal::entry_hash(conn, replica, before)?.map(|hash| Watermark { seq: before, hash })
    };
    let after = hash.unwrap_or(Watermark::nothing(replica));
    let entries = match unpack(frame, &after, PART_CODEC) {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(refusal_of(replica, held.head.seq, &error))),
    };
    for sealed in &entries {
        let seq = sealed.entry.seq;
        if seq > held.head.seq {
            break;
        }
        if journal::entry_hash(conn, replica, seq)? != Some(sealed.hash) {
            return Ok(Err(Refusal {
                replica,
                seq,
                rule: RefusalRule::Chain,
                reason: "another entry of this number is held".to_owned(),
            }));
        }
    }
    Ok(Ok(entries))
}

/// Why a frame does not continue a journal that is held up to `head`. What the
/// sender claims about numbers is in the reason; the case stands at the number
/// that was due, so that one fault has one case.
fn refusal_of(replica: ReplicaId, head: Seq, error: &FrameError) -> Refusal {
    let (rule, seq) = match error {
        // Only another predecessor tells of another history. Numbers that do not
        // follow each other tell of a sender that lost its place.
        FrameError::Chain(ChainBreak {
            seq,
            reason: BreakReason::Altered { .. },
            ..
        }) => (RefusalRule::Chain, *seq),
        FrameError::Chain(_)
        | FrameError::Malformed(_)
        | FrameError::Inflate { .. }
        | FrameError::Entry(_)
        | FrameError::Head { .. } => (RefusalRule::Frame, head.saturating_add(1)),
    };
    Refusal {
        replica,
        seq,
        rule,
        reason: error.to_string(),
    }
}

/// Leaves the case of a refused frame, and stops a journal that has two
/// histories. Frames of a stopped journal open no further cases.
fn refuse(intake: &Intake<'_>, peer: &Peer, refusal: Refusal) -> Taking<Ingested> {
    let conn = intake.conn;
    if refusal.rule != RefusalRule::Stopped {
        let case = NewCase {
            kind: CaseKind::Replica,
            replica: refusal.replica,
            location: &peer.location,
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
        journal::stop(conn, refusal.replica, true)?;
    }
    Ok(Err(refusal))
}

fn take_entries(intake: &mut Intake<'_>, held: &Held, entries: &[Sealed]) -> TableResult<Ingested> {
    let conn = intake.conn;
    let mut ingested = Ingested {
        at: held.head,
        applied: 0,
        parked: 0,
        duplicates: 0,
        released: 0,
        wild_clock: None,
    };
    let mut arrival = crate::arrival::last(conn)?;
    let mut writer = actors::actor_at(conn, held.replica, held.head.seq)?;
    for sealed in entries {
        let entry = &sealed.entry;
        if entry.seq <= held.head.seq {
            ingested.duplicates += 1;
            continue;
        }
        arrival += 1;
        let actor = match entry.reissue {
            None => writer,
            Some(_) => actors::writer_of(conn, entry, &held.location)?,
        };
        let home = (held.node, &held.location);
        let arrived = Arrived::entry(entry, home, actor, arrival);
        let taken = intake.take(&arrived)?;
        match taken {
            Taken::Applied(receipts) => {
                journal::store(conn, arrival, sealed, receipts)?;
                writer = entry.started_actor().or(writer);
                ingested.applied += 1;
                ingested.released += intake.follow(arrived.documents())?;
            }
            Taken::Parked => {
                journal::store(conn, arrival, sealed, 0)?;
                ingested.parked += 1;
            }
        }
        if intake.hear_clock(entry.hlc) && ingested.wild_clock.is_none() {
            ingested.wild_clock = Some((entry.seq, entry.hlc));
        }
        ingested.at = sealed.watermark();
    }
    if ingested.at != held.head {
        let home = (held.node, &held.location);
        journal::set_head(conn, held.replica, home, &ingested.at)?;
        intake.batch.taken_in(held.replica, "", ingested.at.seq);
    }
    Ok(ingested)
}
