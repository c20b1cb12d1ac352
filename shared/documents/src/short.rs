//! Short forms of changes: what is left of a change once its origin is known.
//!
//! A change is a function of its events and its place, so on the way between
//! two machines that both know the place only the events need to travel. The
//! journal checks every short form by restoring it before it relies on it.
//!
//! ```text
//! form 0  opens a document with one event: the event
//! form 1  opens a document with several: events
//! form 2  extends a document: number of deps, deps, seq, start_op, events
//! events  = number of events, all lengths, all bytes
//! ```
//!
//! Invariant: both directions are total, and restoring takes memory bounded by
//! a small multiple of the body.

use evertill_journal::{PartCodec, PartOrigin, Short};

use crate::chunk::{self, Change, Chunk, take};
use crate::leb::{put_unsigned, take_unsigned};

/// The codec that both ends of a connection pass to the journal's frames.
pub const PART_CODEC: PartCodec = PartCodec { strip, restore };

const OPENS_WITH_ONE: u8 = 0;
const OPENS: u8 = 1;
const EXTENDS: u8 = 2;
/// Events in a short form; a change with more travels as it is.
const MAX_EVENTS: u64 = 4_096;

fn strip(_: &PartOrigin, change: &[u8]) -> Option<Short> {
    let chunk = Chunk::parse(change)?;
    let operations = chunk.operations()?;
    let events: Vec<_> = operations.events()?.map(|(_, event)| event).collect();
    let mut body = Vec::with_capacity(change.len());
    if !chunk.deps.is_empty() {
        put_unsigned(&mut body, chunk.deps.len() as u64);
        chunk.deps.iter().for_each(|dep| body.extend(dep));
        put_unsigned(&mut body, chunk.seq);
        put_unsigned(&mut body, chunk.start_op);
        put_events(&mut body, &events);
        return Some(Short {
            form: EXTENDS,
            body,
        });
    }
    if let [event] = events.as_slice() {
        body.extend_from_slice(event);
        return Some(Short {
            form: OPENS_WITH_ONE,
            body,
        });
    }
    put_events(&mut body, &events);
    Some(Short { form: OPENS, body })
}

fn restore(origin: &PartOrigin, form: u8, mut body: &[u8]) -> Option<Vec<u8>> {
    let mut place = Change::opening(origin.actor, origin.seq, origin.n);
    let input = &mut body;
    let events = match form {
        OPENS_WITH_ONE => vec![Some(*input).filter(|event| !event.is_empty())?],
        OPENS => take_events(input)?,
        EXTENDS => {
            let count = take_unsigned(input)?;
            let (deps, _) = take(input, count.checked_mul(32)?)?.as_chunks();
            place.deps = deps;
            place.seq = take_unsigned(input)?;
            place.start_op = take_unsigned(input)?;
            take_events(input)?
        }
        _ => return None,
    };
    chunk::numbers_fit(origin.n, events.len()).then(|| chunk::write(&place, &events))
}

fn put_events(out: &mut Vec<u8>, events: &[&[u8]]) {
    put_unsigned(out, events.len() as u64);
    for event in events {
        put_unsigned(out, event.len() as u64);
    }
    for event in events {
        out.extend_from_slice(event);
    }
}

/// All events up to the end of the input.
fn take_events<'a>(input: &mut &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let count = take_unsigned(input)?;
    if !(1..=MAX_EVENTS).contains(&count) {
        return None;
    }
    let lengths: Vec<_> = (0..count)
        .map(|_| take_unsigned(input).filter(|length| *length > 0))
        .collect::<Option<_>>()?;
    let events = lengths
        .into_iter()
        .map(|length| take(input, length))
        .collect::<Option<Vec<_>>>()?;
    input.is_empty().then_some(events)
}
