//! How entries become tables: the hub's ingest behind the real gate, and the
//! rebuild that an oracle compares with.
//!
//! Invariant: an entry is applied whole or parked whole.

use std::rc::Rc;

use evertill_documents::{PART_CODEC, gate, read};
use evertill_domain::{ReceiptNumber, ReplicaId};
use evertill_journal::{Chain, Frame, Sealed, Watermark, unpack};

use crate::bug::Bug;
use crate::model::{Op, Sale, Tables};

/// The printed number of a receipt of a replica's only register.
#[must_use]
pub fn receipt_number(replica: ReplicaId, seq: u64) -> ReceiptNumber {
    ReceiptNumber {
        location: format!("S{:03}", replica.0 & 0xff)
            .parse()
            .expect("invariant: a location"),
        register: "R1".parse().expect("invariant: a register"),
        code: replica.code(),
        seq,
    }
}

/// The projections of one change.
fn project(replica: ReplicaId, change: &[u8], ops: &mut Vec<Op>) {
    for (_, event) in read(change).unwrap_or_default() {
        if let Some(sale) = Sale::decode(&event) {
            ops.push(Op::Project(
                replica,
                receipt_number(replica, sale.number),
                sale,
            ));
        }
    }
}

/// What a frame changes at the hub: entries, and apart from them projections.
///
/// # Errors
/// Why the frame does not continue the journal.
pub fn ingest(
    tables: &Tables,
    frame: &Frame,
    after: &Watermark,
    bug: Option<Bug>,
) -> Result<(Vec<Op>, Vec<Op>), String> {
    let mut entries = unpack(frame, after, PART_CODEC).map_err(|error| error.to_string())?;
    if bug == Some(Bug::DropFrameTail) && entries.len() > 1 {
        entries.pop();
    }
    let replica = frame.replica;
    let mut chain = Chain::from(replica, tables.head(replica));
    let mut actor = tables.actors.get(&replica).copied();
    let (mut kept, mut projections) = (Vec::new(), Vec::new());
    for sealed in entries {
        if is_known(tables, &sealed, bug)? {
            continue;
        }
        chain.next(&sealed).map_err(|error| error.to_string())?;
        actor = sealed.entry.started_actor().or(actor);
        let passes = |index: usize| {
            let part = &sealed.entry.parts[index];
            let expected = gate::Expected::of(&sealed.entry, index, actor?, &[], None)?;
            let gated = gate::check(&part.change, &expected, &gate::Limits::default()).ok()?;
            gated
                .events
                .iter()
                .all(|(_, event)| Sale::decode(event).is_some())
                .then_some(())
        };
        let parts: Vec<bool> = (0..sealed.entry.parts.len())
            .map(|index| passes(index).is_some())
            .collect();
        let whole = parts.iter().all(|passed| *passed);
        let seq = sealed.entry.seq;
        let sealed = Rc::new(sealed);
        kept.push(Op::Entry(Rc::clone(&sealed)));
        if !whole {
            kept.push(Op::Park(replica, seq));
        }
        for (part, passed) in sealed.entry.parts.iter().zip(parts) {
            if whole || (passed && bug == Some(Bug::ApplyParkedParts)) {
                project(replica, &part.change, &mut projections);
            }
        }
    }
    Ok((kept, projections))
}

/// Whether the hub holds this very entry already.
fn is_known(tables: &Tables, sealed: &Sealed, bug: Option<Bug>) -> Result<bool, String> {
    let seq = sealed.entry.seq;
    if bug == Some(Bug::DedupeBySeqAlone) {
        return Ok(tables
            .journals
            .values()
            .any(|journal| journal.len() as u64 >= seq));
    }
    let held = usize::try_from(seq - 1)
        .ok()
        .and_then(|index| tables.journals.get(&sealed.entry.replica)?.get(index));
    match held {
        None => Ok(false),
        Some(held) if held.hash == sealed.hash => Ok(true),
        Some(_) => Err(format!("entry {seq} differs from the one held")),
    }
}

/// The projections made again from the journals.
#[must_use]
pub fn rebuild(tables: &Tables) -> Vec<Op> {
    let mut ops = Vec::new();
    for (replica, journal) in &tables.journals {
        for sealed in journal {
            if !tables.parked.contains(&(*replica, sealed.entry.seq)) {
                for part in &sealed.entry.parts {
                    project(*replica, &part.change, &mut ops);
                }
            }
        }
    }
    ops
}
