//! Writing a change: the one byte form of given events at a given place.

use evertill_domain::{ActorId, EventKey, Seq};

use super::columns::{ACTION, BYTES, EVENT_COLUMNS, INSERT, KEY, PUT, REPLACED, VALUE, VALUE_META};
use super::{CHANGE, Chunk, MAGIC, hash, runs};
use crate::leb::{put_signed, put_unsigned};

/// Everything that a change's bytes depend on.
pub(crate) struct Change<'a> {
    /// The heads of the document it extends, ascending; none when it opens one.
    pub(crate) deps: &'a [[u8; 32]],
    /// Who writes.
    pub(crate) actor: ActorId,
    /// Number of this change among the actor's in this document, from 1.
    pub(crate) seq: u64,
    /// Number of its first operation: one above every operation it builds on.
    pub(crate) start_op: u64,
    /// The journal entry that carries it.
    pub(crate) entry_seq: Seq,
    /// Number of its first event in that entry.
    pub(crate) n: u32,
}

impl Change<'_> {
    /// A change that opens a document.
    pub(crate) fn opening(actor: ActorId, entry_seq: Seq, n: u32) -> Self {
        Self {
            deps: &[],
            actor,
            seq: 1,
            start_op: 1,
            entry_seq,
            n,
        }
    }
}

/// Whether `count` events from number `n` on all have numbers, and the next
/// part's number still exists.
pub(crate) fn numbers_fit(n: u32, count: usize) -> bool {
    u32::try_from(count).is_ok_and(|count| n.checked_add(count).is_some())
}

/// The bytes of this change with these events, whose numbers must fit.
pub(crate) fn write<E: AsRef<[u8]>>(change: &Change<'_>, events: &[E]) -> Vec<u8> {
    let keys: Vec<_> = (u64::from(change.n)..)
        .zip(events)
        .map(|(n, _)| {
            let n = u32::try_from(n).expect("invariant: the caller checked `numbers_fit`");
            key(change.actor, change.entry_seq, n)
        })
        .collect();
    let columns = event_columns(&keys, events);
    let mut body = Vec::with_capacity(
        96 + change.deps.len() * 32 + columns.iter().map(|(_, data)| data.len()).sum::<usize>(),
    );
    write_body_head(
        &mut body,
        change.deps,
        &change.actor.0,
        [change.seq, change.start_op],
        (0, &[]),
        &[],
        columns
            .iter()
            .map(|(specification, data)| (*specification, data.len())),
    );
    for (_, data) in columns {
        body.extend(data);
    }
    with_header(&body)
}

/// The text under which an event stands in its document.
fn key(actor: ActorId, seq: Seq, n: u32) -> String {
    EventKey {
        actor_prefix: actor.prefix(),
        seq,
        n,
    }
    .to_string()
}

/// The six columns of a change that adds these events, each with its data.
fn event_columns<E: AsRef<[u8]>>(keys: &[String], events: &[E]) -> [(u64, Vec<u8>); 6] {
    let count = events.len();
    EVENT_COLUMNS.map(|specification| {
        let mut data = Vec::new();
        match specification {
            KEY => {
                let texts: Vec<_> = keys.iter().map(|key| Some(key.as_bytes())).collect();
                runs::encode(&mut data, &texts);
            }
            INSERT => put_unsigned(&mut data, count as u64),
            ACTION => runs::encode(&mut data, &vec![Some(PUT); count]),
            VALUE_META => {
                let meta: Vec<_> = events
                    .iter()
                    .map(|event| Some((event.as_ref().len() as u64) << 4 | BYTES))
                    .collect();
                runs::encode(&mut data, &meta);
            }
            VALUE => {
                for event in events {
                    data.extend_from_slice(event.as_ref());
                }
            }
            REPLACED => runs::encode(&mut data, &vec![Some(0_u64); count]),
            _ => unreachable!("invariant: the match covers every event column"),
        }
        (specification, data)
    })
}

/// Everything of a body that stands before the column data.
pub(crate) fn write_body_head(
    out: &mut Vec<u8>,
    deps: &[[u8; 32]],
    actor: &[u8],
    [seq, start_op]: [u64; 2],
    (time, message): (i64, &[u8]),
    other_actors: &[&[u8]],
    columns: impl ExactSizeIterator<Item = (u64, usize)>,
) {
    put_unsigned(out, deps.len() as u64);
    for dep in deps {
        out.extend_from_slice(dep);
    }
    put_prefixed(out, actor);
    put_unsigned(out, seq);
    put_unsigned(out, start_op);
    put_signed(out, time);
    put_prefixed(out, message);
    put_unsigned(out, other_actors.len() as u64);
    for actor in other_actors {
        put_prefixed(out, actor);
    }
    put_unsigned(out, columns.len() as u64);
    for (specification, length) in columns {
        put_unsigned(out, specification);
        put_unsigned(out, length as u64);
    }
}

impl Chunk<'_> {
    /// The bytes of the chunk, up to the column data, as they would be written
    /// for what was read.
    pub(crate) fn respelled_head(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.checksum);
        out.push(CHANGE);
        put_unsigned(&mut out, self.body.len() as u64);
        write_body_head(
            &mut out,
            &self.deps,
            self.actor,
            [self.seq, self.start_op],
            (self.time, self.message),
            &self.other_actors,
            self.columns
                .iter()
                .map(|column| (column.specification, column.data.len())),
        );
        out
    }
}

/// A body with its header: magic, checksum, type and length.
pub(crate) fn with_header(body: &[u8]) -> Vec<u8> {
    let [a, b, c, d, ..] = hash(body);
    let mut out = Vec::with_capacity(body.len() + 16);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[a, b, c, d, CHANGE]);
    put_unsigned(&mut out, body.len() as u64);
    out.extend_from_slice(body);
    out
}

fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
