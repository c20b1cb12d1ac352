//! The bytes of the records of stock documents, version 1.
//!
//! ```text
//! movements = [location, reason, seconds, from, to, [* movement],
//!              milliseconds, day, by, reference, * later fields]
//! movement  = [sku, quantity, from, to, lot, owner]
//! request   = [location, seconds, [* line], [* seen], milliseconds, by,
//!              reference, * later fields]
//! line      = [sku, counted, unit, lot]
//! seen      = [replica, seq]
//! posted    = [location, seconds, [* result], milliseconds, * later fields]
//! result    = [sku, counted, expected, lot]
//! ```
//!
//! Left out: one unit, the unit `each`, buckets that are those of the record's
//! first line, an expected figure that equals the counted one.

use minicbor::{Decode, Encode};

use super::wire::{List, Read, Word, amount_of_goods, day, day_offset, join_time, quantity};
use super::wire::{split_time, word};
use crate::count::{CountLine, CountPosted, CountRequest, CountResult, MAX_SEEN};
use crate::ids::ReplicaId;
use crate::movement::MovementRecord;
use crate::quantity::Unit;
use crate::receipt::MAX_LINES;
use crate::stock::{Bucket, Movement, MovementReason};

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct MovementsFields<'a> {
    #[b(0)]
    location: Word<'a>,
    #[n(1)]
    reason: u8,
    #[n(2)]
    seconds: i64,
    #[n(3)]
    from: u8,
    #[n(4)]
    to: u8,
    #[b(5)]
    lines: List<MovementFields<'a>, MAX_LINES>,
    #[n(6)]
    millis: Option<u16>,
    #[n(7)]
    day: Option<i32>,
    #[b(8)]
    by: Option<Word<'a>>,
    #[b(9)]
    reference: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
struct MovementFields<'a> {
    #[b(0)]
    sku: Word<'a>,
    #[n(1)]
    quantity: Option<i64>,
    #[n(2)]
    from: Option<u8>,
    #[n(3)]
    to: Option<u8>,
    #[b(4)]
    lot: Option<Word<'a>>,
    #[b(5)]
    owner: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct RequestFields<'a> {
    #[b(0)]
    location: Word<'a>,
    #[n(1)]
    seconds: i64,
    #[b(2)]
    lines: List<LineFields<'a>, MAX_LINES>,
    #[n(3)]
    seen: Option<List<SeenFields, MAX_SEEN>>,
    #[n(4)]
    millis: Option<u16>,
    #[b(5)]
    by: Option<Word<'a>>,
    #[b(6)]
    reference: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
struct LineFields<'a> {
    #[b(0)]
    sku: Word<'a>,
    #[n(1)]
    counted: Option<i64>,
    #[n(2)]
    unit: Option<u8>,
    #[b(3)]
    lot: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
struct SeenFields {
    #[n(0)]
    replica: u64,
    #[n(1)]
    seq: u64,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct PostedFields<'a> {
    #[b(0)]
    location: Word<'a>,
    #[n(1)]
    seconds: i64,
    #[b(2)]
    lines: List<ResultFields<'a>, MAX_LINES>,
    #[n(3)]
    millis: Option<u16>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
struct ResultFields<'a> {
    #[b(0)]
    sku: Word<'a>,
    #[n(1)]
    counted: Option<i64>,
    #[n(2)]
    expected: Option<i64>,
    #[b(3)]
    lot: Option<Word<'a>>,
}

pub(super) fn write_movements(record: &MovementRecord) -> MovementsFields<'_> {
    let first = record.lines.first();
    let first = first.expect("invariant: a sound record has a line");
    let (seconds, millis) = split_time(record.at);
    let line = |line| movement_fields(line, first);
    MovementsFields {
        location: Word::of(record.location.as_str()),
        reason: record.reason.code(),
        seconds,
        from: first.from.code(),
        to: first.to.code(),
        lines: List(record.lines.iter().map(line).collect()),
        millis,
        day: day_offset(record.at, record.business_date),
        by: word(record.by.as_ref()),
        reference: word(record.reference.as_ref()),
    }
}

fn movement_fields<'a>(line: &'a Movement, first: &Movement) -> MovementFields<'a> {
    MovementFields {
        sku: Word::of(line.sku.as_str()),
        quantity: amount_of_goods(line.quantity),
        from: (line.from != first.from).then(|| line.from.code()),
        to: (line.to != first.to).then(|| line.to.code()),
        lot: word(line.lot.as_ref()),
        owner: word(line.owner.as_ref()),
    }
}

pub(super) fn read_movements(fields: &MovementsFields<'_>) -> Read<MovementRecord> {
    let at = join_time(fields.seconds, fields.millis)?;
    let line = |line: &MovementFields<'_>| {
        Ok(Movement {
            sku: line.sku.parse()?,
            from: bucket(line.from.unwrap_or(fields.from))?,
            to: bucket(line.to.unwrap_or(fields.to))?,
            quantity: quantity(line.quantity)?,
            lot: line.lot.map(Word::text),
            owner: line.owner.map(Word::text),
        })
    };
    let record = MovementRecord {
        location: fields.location.parse()?,
        reason: MovementReason::from_code(fields.reason).ok_or("its reason is unknown")?,
        at,
        business_date: day(at, fields.day)?,
        by: fields.by.map(Word::text),
        reference: fields.reference.map(Word::text),
        lines: fields.lines.0.iter().map(line).collect::<Read<_>>()?,
    };
    record.check().map_err(|unsound| unsound.to_string())?;
    Ok(record)
}

pub(super) fn write_request(request: &CountRequest) -> RequestFields<'_> {
    let (seconds, millis) = split_time(request.requested_at);
    let line = |line| request_line(line);
    let seen = request.seen.iter().map(|(replica, seq)| SeenFields {
        replica: replica.0,
        seq: *seq,
    });
    RequestFields {
        location: Word::of(request.location.as_str()),
        seconds,
        lines: List(request.lines.iter().map(line).collect()),
        seen: List::unless_empty(seen.collect()),
        millis,
        by: word(request.by.as_ref()),
        reference: word(request.reference.as_ref()),
    }
}

fn request_line(line: &CountLine) -> LineFields<'_> {
    LineFields {
        sku: Word::of(line.sku.as_str()),
        counted: amount_of_goods(line.counted),
        unit: (line.unit != Unit::Each).then(|| line.unit.code()),
        lot: word(line.lot.as_ref()),
    }
}

pub(super) fn read_request(fields: &RequestFields<'_>) -> Read<CountRequest> {
    let line = |line: &LineFields<'_>| {
        Ok(CountLine {
            sku: line.sku.parse()?,
            unit: Unit::from_code(line.unit.unwrap_or(0)).ok_or("a unit is unknown")?,
            counted: quantity(line.counted)?,
            lot: line.lot.map(Word::text),
        })
    };
    let seen = List::items(fields.seen.as_ref()).iter();
    let request = CountRequest {
        location: fields.location.parse()?,
        requested_at: join_time(fields.seconds, fields.millis)?,
        by: fields.by.map(Word::text),
        reference: fields.reference.map(Word::text),
        lines: fields.lines.0.iter().map(line).collect::<Read<_>>()?,
        seen: seen
            .map(|seen| (ReplicaId(seen.replica), seen.seq))
            .collect(),
    };
    request.check().map_err(|unsound| unsound.to_string())?;
    Ok(request)
}

pub(super) fn write_posted(posted: &CountPosted) -> PostedFields<'_> {
    let (seconds, millis) = split_time(posted.posted_at);
    let line = |line| posted_line(line);
    PostedFields {
        location: Word::of(posted.location.as_str()),
        seconds,
        lines: List(posted.lines.iter().map(line).collect()),
        millis,
    }
}

fn posted_line(line: &CountResult) -> ResultFields<'_> {
    ResultFields {
        sku: Word::of(line.sku.as_str()),
        counted: amount_of_goods(line.counted),
        expected: (line.expected != line.counted.thousandths()).then_some(line.expected),
        lot: word(line.lot.as_ref()),
    }
}

pub(super) fn read_posted(fields: &PostedFields<'_>) -> Read<CountPosted> {
    let line = |line: &ResultFields<'_>| {
        let counted = quantity(line.counted)?;
        Ok(CountResult {
            sku: line.sku.parse()?,
            counted,
            expected: line.expected.unwrap_or(counted.thousandths()),
            lot: line.lot.map(Word::text),
        })
    };
    let posted = CountPosted {
        location: fields.location.parse()?,
        posted_at: join_time(fields.seconds, fields.millis)?,
        lines: fields.lines.0.iter().map(line).collect::<Read<_>>()?,
    };
    posted.check().map_err(|unsound| unsound.to_string())?;
    Ok(posted)
}

fn bucket(code: u8) -> Read<Bucket> {
    Bucket::from_code(code).ok_or_else(|| "a bucket is unknown".to_owned())
}
