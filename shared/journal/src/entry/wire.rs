//! The bytes of an entry, versions 1 and 2.
//!
//! ```text
//! entry    = [schema, replica, seq, prev_hash, hlc, control / null,
//!             reissue / null, [* part], cells, * later fields]
//! part     = [n, document, change]
//! reissue  = [replica, seq]
//! control  = [1, actor, node, location, predecessor / null, [* register]]
//!          / [2] / [3, checkpoint] / [code, * any]
//! register = [register, last_number, [* [currency, sales, returns]]]
//! ```
//!
//! Numbers, byte strings and texts have definite length and shortest form. The
//! currency is its ISO 4217 number. Cells are an empty array in version 1, and
//! what `evertill_domain::rights::encode_cells` writes in version 2. Fields are
//! never renumbered; a later schema appends.

use std::convert::Infallible;

use evertill_domain::{ActorId, Currency, DocumentId, Hlc, NodeId, ReplicaId};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::{Control, Entry, EntryError, Part, RegisterState, RegisterTotal, Start};
use crate::chain::EntryHash;
use crate::limits::MAX_PARTS;

/// A CBOR array without elements.
pub(super) const EMPTY_ARRAY: &[u8] = &[0x80];

const FIELDS: u64 = 9;
const START: u32 = 1;
const CLOSING: u32 = 2;
const CHECKPOINT: u32 = 3;
/// Registers of one node and currencies of one register: far above any store,
/// far below what a hostile start could make us allocate.
const MAX_LIST: u64 = 1_000;

type Encoded = Result<(), minicbor::encode::Error<Infallible>>;
type Decoded<T> = Result<T, minicbor::decode::Error>;

/// The canonical bytes of an entry of this version's schema.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let changes: usize = entry.parts.iter().map(|part| part.change.len() + 32).sum();
    let mut e = Encoder::new(Vec::with_capacity(96 + changes));
    write_entry(&mut e, entry).expect("invariant: writing to memory cannot fail");
    e.into_writer()
}

/// The entry that these bytes say, of this or a later schema.
pub(super) fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
    let mut d = Decoder::new(bytes);
    let entry = read_entry(&mut d).map_err(|error| EntryError::Malformed(error.to_string()))?;
    if d.position() != bytes.len() {
        return Err(EntryError::Malformed("bytes follow the entry".to_owned()));
    }
    Ok(entry)
}

fn write_entry(e: &mut Encoder<Vec<u8>>, entry: &Entry) -> Encoded {
    e.array(FIELDS)?
        .u16(entry.schema)?
        .u64(entry.replica.0)?
        .u64(entry.seq)?
        .bytes(&entry.prev_hash.0)?
        .u64(entry.hlc.0)?;
    match &entry.control {
        Some(control) => write_control(e, control)?,
        None => {
            e.null()?;
        }
    }
    match entry.reissue {
        Some((replica, seq)) => {
            e.array(2)?.u64(replica.0)?.u64(seq)?;
        }
        None => {
            e.null()?;
        }
    }
    e.array(entry.parts.len() as u64)?;
    for part in &entry.parts {
        e.array(3)?
            .u32(part.n)?
            .bytes(part.document.as_bytes())?
            .bytes(&part.change)?;
    }
    e.writer_mut().extend_from_slice(&entry.cells);
    Ok(())
}

fn write_control(e: &mut Encoder<Vec<u8>>, control: &Control) -> Encoded {
    match control {
        Control::Start(start) => write_start(e, start)?,
        Control::Closing => {
            e.array(1)?.u32(CLOSING)?;
        }
        Control::Checkpoint(raw) => {
            e.array(2)?.u32(CHECKPOINT)?.bytes(raw)?;
        }
        Control::Unknown(code) => {
            e.array(1)?.u32(*code)?;
        }
    }
    Ok(())
}

fn write_start(e: &mut Encoder<Vec<u8>>, start: &Start) -> Encoded {
    e.array(6)?
        .u32(START)?
        .bytes(&start.actor.0)?
        .u64(start.node.0)?
        .str(start.location.as_str())?;
    match start.predecessor {
        Some(replica) => e.u64(replica.0)?,
        None => e.null()?,
    };
    e.array(start.registers.len() as u64)?;
    for state in &start.registers {
        e.array(3)?
            .str(state.register.as_str())?
            .u64(state.last_number)?
            .array(state.totals.len() as u64)?;
        for total in &state.totals {
            e.array(3)?
                .u16(total.currency.numeric())?
                .i64(total.sales)?
                .i64(total.returns)?;
        }
    }
    Ok(())
}

fn read_entry(d: &mut Decoder<'_>) -> Decoded<Entry> {
    let fields = read_array(d, FIELDS, u64::from(u16::MAX))?;
    let schema = d.u16()?;
    let entry = Entry {
        replica: ReplicaId(d.u64()?),
        seq: d.u64()?,
        prev_hash: EntryHash(read_bytes(d)?),
        hlc: Hlc(d.u64()?),
        schema,
        control: read_optional(d, read_control)?,
        reissue: read_optional(d, read_reissue)?,
        parts: read_parts(d)?,
        cells: read_raw(d)?,
    };
    for _ in FIELDS..fields {
        d.skip()?;
    }
    Ok(entry)
}

fn read_parts(d: &mut Decoder<'_>) -> Decoded<Vec<Part>> {
    let count = read_array(d, 0, MAX_PARTS as u64)?;
    (0..count)
        .map(|_| {
            let fields = read_array(d, 3, MAX_LIST)?;
            let part = Part {
                n: d.u32()?,
                document: DocumentId::from_bytes(read_bytes(d)?),
                change: d.bytes()?.to_vec(),
            };
            skip_fields(d, 3..fields)?;
            Ok(part)
        })
        .collect()
}

fn read_reissue(d: &mut Decoder<'_>) -> Decoded<(ReplicaId, u64)> {
    let fields = read_array(d, 2, MAX_LIST)?;
    let reissue = (ReplicaId(d.u64()?), d.u64()?);
    skip_fields(d, 2..fields)?;
    Ok(reissue)
}

fn read_control(d: &mut Decoder<'_>) -> Decoded<Control> {
    let fields = read_array(d, 1, MAX_LIST)?;
    let (control, known) = match d.u32()? {
        START if fields >= 6 => (Control::Start(read_start(d)?), 6),
        CLOSING => (Control::Closing, 1),
        CHECKPOINT if fields >= 2 => (Control::Checkpoint(d.bytes()?.to_vec()), 2),
        START | CHECKPOINT => return Err(malformed("a control lacks fields")),
        code => (Control::Unknown(code), 1),
    };
    skip_fields(d, known..fields)?;
    Ok(control)
}

fn read_start(d: &mut Decoder<'_>) -> Decoded<Start> {
    Ok(Start {
        actor: ActorId(read_bytes(d)?),
        node: NodeId(d.u64()?),
        location: read_id(d)?,
        predecessor: read_optional(d, |d| Ok(ReplicaId(d.u64()?)))?,
        registers: read_list(d, read_register)?,
    })
}

fn read_register(d: &mut Decoder<'_>) -> Decoded<RegisterState> {
    let fields = read_array(d, 3, MAX_LIST)?;
    let state = RegisterState {
        register: read_id(d)?,
        last_number: d.u64()?,
        totals: read_list(d, read_total)?,
    };
    skip_fields(d, 3..fields)?;
    Ok(state)
}

fn read_total(d: &mut Decoder<'_>) -> Decoded<RegisterTotal> {
    let fields = read_array(d, 3, MAX_LIST)?;
    let number = d.u16()?;
    let total = RegisterTotal {
        currency: Currency::from_numeric(number).ok_or_else(|| malformed("no such currency"))?,
        sales: d.i64()?,
        returns: d.i64()?,
    };
    skip_fields(d, 3..fields)?;
    Ok(total)
}

fn read_list<T>(
    d: &mut Decoder<'_>,
    read: impl Fn(&mut Decoder<'_>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = read_array(d, 0, MAX_LIST)?;
    (0..count).map(|_| read(d)).collect()
}

/// The length of an array that has at least `least` and at most `most` elements.
fn read_array(d: &mut Decoder<'_>, least: u64, most: u64) -> Decoded<u64> {
    match d.array()? {
        Some(length) if (least..=most).contains(&length) => Ok(length),
        Some(_) => Err(malformed("an array has an impossible length")),
        None => Err(malformed("an array has no definite length")),
    }
}

fn read_optional<T>(
    d: &mut Decoder<'_>,
    read: impl Fn(&mut Decoder<'_>) -> Decoded<T>,
) -> Decoded<Option<T>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        Ok(None)
    } else {
        read(d).map(Some)
    }
}

fn read_bytes<const N: usize>(d: &mut Decoder<'_>) -> Decoded<[u8; N]> {
    d.bytes()?
        .try_into()
        .map_err(|_| malformed("a byte string has the wrong length"))
}

fn read_id<T: std::str::FromStr>(d: &mut Decoder<'_>) -> Decoded<T> {
    d.str()?
        .parse()
        .map_err(|_| malformed("a name breaks its rule"))
}

/// One item of any kind, as its raw bytes.
fn read_raw(d: &mut Decoder<'_>) -> Decoded<Vec<u8>> {
    let start = d.position();
    d.skip()?;
    Ok(d.input()[start..d.position()].to_vec())
}

fn skip_fields(d: &mut Decoder<'_>, fields: std::ops::Range<u64>) -> Decoded<()> {
    fields.into_iter().try_for_each(|_| d.skip())
}

fn malformed(rule: &'static str) -> minicbor::decode::Error {
    minicbor::decode::Error::message(rule)
}
