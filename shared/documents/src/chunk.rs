//! The bytes of a change: automerge's change chunk, read and written here.
//!
//! ```text
//! chunk = magic, checksum, type, length, body
//! body  = deps, actor, seq, start_op, time, message, other actors,
//!         columns (specification and length each), column data, extra bytes
//! ```
//!
//! The format is automerge's storage format
//! (<https://automerge.org/automerge-binary-format-spec/>). Reading it here
//! means that bytes from another machine reach automerge only after they proved
//! to be exactly what [`write`] would have written, and that a hub reads a
//! receipt without building a document for it. Tests hold both directions
//! against automerge itself, byte for byte.
//!
//! Invariant: reading is total, and costs memory proportional to the input.

pub(crate) mod columns;
pub(crate) mod runs;
mod write;

use evertill_domain::{ActorId, EventKey};
use sha2::{Digest, Sha256};

pub(crate) use write::{Change, numbers_fit, write};

use crate::leb::{put_unsigned, take_signed, take_unsigned};
use columns::{Column, Operations};

/// The first bytes of every automerge chunk.
pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type of an uncompressed change chunk.
pub(crate) const CHANGE: u8 = 1;
/// Length of a change's hash.
const HASH: u64 = 32;

/// One change of a document, as far as history is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeInfo {
    /// Its automerge hash, over all its bytes.
    pub hash: [u8; 32],
    /// The actor that wrote it.
    pub actor: ActorId,
    /// Its number among that actor's changes of this document, from 1. Not the
    /// journal's number.
    pub seq: u64,
    /// The highest operation number in it.
    pub max_op: u64,
    /// The changes it builds on, by hash, ascending.
    pub deps: Vec<[u8; 32]>,
}

impl ChangeInfo {
    /// Reads this of a change from our own tables.
    ///
    /// # Errors
    /// [`ReadError`] when the bytes are not a change of the one shape that
    /// documents have.
    pub fn read(change: &[u8]) -> Result<Self, ReadError> {
        let chunk = Chunk::parse(change).ok_or(ReadError::NotAChange)?;
        let operations = chunk.operations().ok_or(ReadError::NotAChange)?;
        chunk.info(operations.count)
    }
}

/// Bytes that are not a change as documents have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not an uncompressed change.
    #[error("the stored bytes are not a change chunk: the database needs `verify`")]
    NotAChange,
    /// The change does something else than add events.
    #[error("the stored change does something else than add events: the database needs `verify`")]
    NotEvents,
}

/// The events of a change from our own tables, without building a document.
///
/// The checksum is not recomputed: the journal's chain covers these bytes.
///
/// # Errors
/// [`ReadError`] when the bytes are not a change of the one shape that
/// documents have.
pub fn read(change: &[u8]) -> Result<Vec<(EventKey, Vec<u8>)>, ReadError> {
    let chunk = Chunk::parse(change).ok_or(ReadError::NotAChange)?;
    let operations = chunk.operations().ok_or(ReadError::NotAChange)?;
    let events = operations.events().ok_or(ReadError::NotEvents)?;
    events
        .map(|(key, event)| {
            Ok((
                key.parse().map_err(|_| ReadError::NotEvents)?,
                event.to_vec(),
            ))
        })
        .collect()
}

/// The header of a chunk, split from its body.
pub(crate) struct Header<'a> {
    /// What the sender says the first bytes of the hash are.
    pub(crate) checksum: [u8; 4],
    /// The chunk's type.
    pub(crate) kind: u8,
    /// How long the sender says the body is.
    pub(crate) length: u64,
    /// All bytes after the header.
    pub(crate) body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Splits a chunk; `None` when the bytes do not begin like one.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let input = &mut bytes;
        let magic: [u8; 4] = take_array(input)?;
        if magic != MAGIC {
            return None;
        }
        Some(Self {
            checksum: take_array(input)?,
            kind: take_array::<1>(input)?[0],
            length: take_unsigned(input)?,
            body: input,
        })
    }
}

/// A parsed change chunk; its columns are not decoded yet.
pub(crate) struct Chunk<'a> {
    pub(crate) checksum: [u8; 4],
    pub(crate) body: &'a [u8],
    pub(crate) deps: Vec<[u8; 32]>,
    pub(crate) actor: &'a [u8],
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: &'a [u8],
    pub(crate) other_actors: Vec<&'a [u8]>,
    pub(crate) columns: Vec<Column<'a>>,
    pub(crate) extra: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Parses one whole change chunk; `None` when it is none or not whole.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::parse(bytes)?;
        if header.kind != CHANGE || header.length != header.body.len() as u64 {
            return None;
        }
        let input = &mut { header.body };
        let deps = take_list(input, HASH, take_array)?;
        let actor = take_prefixed(input)?;
        let seq = take_unsigned(input)?;
        let start_op = take_unsigned(input)?;
        let time = take_signed(input)?;
        let message = take_prefixed(input)?;
        let other_actors = take_list(input, 1, take_prefixed)?;
        let specifications = take_list(input, 2, |input| {
            Some((take_unsigned(input)?, take_unsigned(input)?))
        })?;
        let columns = specifications
            .into_iter()
            .map(|(specification, length)| {
                let data = take(input, length)?;
                Some(Column {
                    specification,
                    data,
                })
            })
            .collect::<Option<_>>()?;
        Some(Self {
            checksum: header.checksum,
            body: header.body,
            deps,
            actor,
            seq,
            start_op,
            time,
            message,
            other_actors,
            columns,
            extra: input,
        })
    }

    /// The operations, decoded; `None` when the columns do not fit together.
    pub(crate) fn operations(&self) -> Option<Operations<'a>> {
        Operations::decode(&self.columns)
    }

    /// The change's hash, over type, length and body.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(self.body)
    }

    /// What history needs to know of this change of `operations` operations.
    pub(crate) fn info(&self, operations: usize) -> Result<ChangeInfo, ReadError> {
        let actor = self.actor.try_into().map_err(|_| ReadError::NotEvents)?;
        let last = (operations as u64).checked_sub(1);
        Ok(ChangeInfo {
            hash: self.hash(),
            actor: ActorId(actor),
            seq: self.seq,
            max_op: last
                .and_then(|last| self.start_op.checked_add(last))
                .ok_or(ReadError::NotEvents)?,
            deps: self.deps.clone(),
        })
    }
}

/// SHA-256 over a change chunk's type, length and body; its first four bytes are
/// the chunk's checksum.
pub(crate) fn hash(body: &[u8]) -> [u8; 32] {
    let mut head = vec![CHANGE];
    put_unsigned(&mut head, body.len() as u64);
    let mut hasher = Sha256::new();
    hasher.update(&head);
    hasher.update(body);
    hasher.finalize().into()
}

/// A counted list whose elements take at least `least` bytes each, so a count
/// that the input cannot hold is refused before memory is taken for it.
fn take_list<'a, T>(
    input: &mut &'a [u8],
    least: u64,
    take_one: impl Fn(&mut &'a [u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let count = take_unsigned(input)?;
    if count > input.len() as u64 / least {
        return None;
    }
    (0..count).map(|_| take_one(input)).collect()
}

/// A byte string with its length before it.
pub(crate) fn take_prefixed<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_unsigned(input)?;
    take(input, length)
}

/// The next `length` bytes.
pub(crate) fn take<'a>(input: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(taken)
}

fn take_array<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    take(input, N as u64)?.try_into().ok()
}
