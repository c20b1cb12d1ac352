//! The bytes of a frame:
//! `[replica, first_seq, count, actor / null, head, level, raw_len, payload, * later fields]`.

use std::convert::Infallible;

use evertill_domain::{ActorId, ReplicaId};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::{Frame, FrameError};
use crate::chain::EntryHash;
use crate::limits::{FRAME_ENTRIES, MAX_FRAME_RAW};

const FIELDS: u64 = 8;

pub(super) fn encode(frame: &Frame) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(96 + frame.payload.len()));
    write(&mut e, frame).expect("invariant: writing to memory cannot fail");
    e.into_writer()
}

fn write(
    e: &mut Encoder<Vec<u8>>,
    frame: &Frame,
) -> Result<(), minicbor::encode::Error<Infallible>> {
    e.array(FIELDS)?
        .u64(frame.replica.0)?
        .u64(frame.first_seq)?
        .u32(frame.count)?;
    match frame.actor {
        Some(actor) => e.bytes(&actor.0)?,
        None => e.null()?,
    };
    e.bytes(&frame.head.0)?
        .u8(frame.level)?
        .u32(frame.raw_len)?
        .bytes(&frame.payload)?;
    Ok(())
}

pub(super) fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
    let mut d = Decoder::new(bytes);
    let frame = read(&mut d).map_err(|error| FrameError::Malformed(error.to_string()))?;
    if d.position() != bytes.len() {
        return Err(FrameError::Malformed("bytes follow the frame".to_owned()));
    }
    check(&frame)?;
    Ok(frame)
}

fn read(d: &mut Decoder<'_>) -> Result<Frame, minicbor::decode::Error> {
    let wrong = minicbor::decode::Error::message;
    let fields = d.array()?.filter(|length| *length >= FIELDS);
    let Some(fields) = fields else {
        return Err(wrong("a frame has at least eight fields"));
    };
    let frame = Frame {
        replica: ReplicaId(d.u64()?),
        first_seq: d.u64()?,
        count: d.u32()?,
        actor: if d.datatype()? == Type::Null {
            d.null()?;
            None
        } else {
            let actor = d.bytes()?.try_into();
            Some(ActorId(
                actor.map_err(|_| wrong("an actor has sixteen bytes"))?,
            ))
        },
        head: EntryHash(
            d.bytes()?
                .try_into()
                .map_err(|_| wrong("a hash has 32 bytes"))?,
        ),
        level: d.u8()?,
        raw_len: d.u32()?,
        payload: d.bytes()?.to_vec(),
    };
    (FIELDS..fields).try_for_each(|_| d.skip())?;
    Ok(frame)
}

/// Claims that no honest sender makes, found before anything is spent on them.
pub(super) fn check(frame: &Frame) -> Result<(), FrameError> {
    let malformed = |what: &str| Err(FrameError::Malformed(what.to_owned()));
    if frame.count == 0 || frame.count as usize > FRAME_ENTRIES {
        return malformed("a frame has 1 to 500 entries");
    }
    if frame.raw_len as usize > MAX_FRAME_RAW || frame.payload.len() > MAX_FRAME_RAW {
        return malformed("the payload exceeds the limit");
    }
    if frame
        .first_seq
        .checked_add(u64::from(frame.count))
        .is_none()
    {
        return malformed("entry numbers end before this frame does");
    }
    Ok(())
}
