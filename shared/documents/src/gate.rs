//! The gate: every change from another machine passes it before anything of it
//! is applied.
//!
//! The rules run in a fixed order and the first broken one is named. They judge
//! the bytes themselves: automerge is never handed a change that did not prove,
//! byte for byte, to be what this crate would have written for the same events.
//! So no hostile change can make automerge panic, follow a claim of 10¹²
//! operations, inflate a bomb, or build a document that does not load again.
//!
//! The last rule reads the events: each is sound by itself and stands where its
//! kind belongs. Events of kinds that a later release knows pass, and are kept.
//! Whether an event may speak for its location is asked where the origin's
//! location is known.
//!
//! Invariant: a change that passes equals the one form of its events at its
//! place, and all its events of known kinds are sound; checking is total, and its memory is bounded by [`Limits`].

mod business;
mod rules;

use evertill_domain::{ActorId, DocumentId, DocumentKind, Event, EventKey, Seq};
use evertill_journal::Entry;

use crate::chunk::{ChangeInfo, Chunk};

/// Bounds on one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the change.
    pub bytes: usize,
    /// Operations, in any column.
    pub operations: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 256 << 10,
            operations: 4_096,
        }
    }
}

/// What a change has to match: its place in the journal, and its document.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The actor of the entry, from the last start of its replica.
    pub actor: ActorId,
    /// Number of the entry; of the original one when it is reissued.
    pub entry_seq: Seq,
    /// Number of the part's first event.
    pub n: u32,
    /// The number that the events must stay below: that of the next part, or
    /// `u32::MAX` for the last one.
    pub n_end: u32,
    /// The document that the entry names.
    pub document: DocumentId,
    /// All changes that the document holds; none when it has to be opened.
    pub known: &'a [ChangeInfo],
    /// What the document is; `None` when it has to be opened, or when nobody
    /// here knows.
    pub kind: Option<DocumentKind>,
}

impl<'a> Expected<'a> {
    /// What part `index` of an entry has to match. `actor` is the one that the
    /// entry's origin wrote with, `known` and `kind` what the document is so far;
    /// `None` when there is no such part.
    #[must_use]
    pub fn of(
        entry: &Entry,
        index: usize,
        actor: ActorId,
        known: &'a [ChangeInfo],
        kind: Option<DocumentKind>,
    ) -> Option<Self> {
        let part = entry.parts.get(index)?;
        Some(Self {
            actor,
            entry_seq: entry.reissue.map_or(entry.seq, |(_, seq)| seq),
            n: part.n,
            n_end: entry.parts.get(index + 1).map_or(u32::MAX, |next| next.n),
            document: part.document,
            known,
            kind,
        })
    }
}

/// A change that passed.
#[derive(Debug, Clone, PartialEq)]
pub struct Gated {
    /// Its events, in order.
    pub events: Vec<(EventKey, Vec<u8>)>,
    /// What they say, in the same order.
    pub decoded: Vec<Event>,
    /// Its place in the document's history.
    pub info: ChangeInfo,
    /// Whether the document already holds this very change: nothing to apply.
    pub duplicate: bool,
}

/// The rules, in the order in which they are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GateRule {
    /// The change is not too large.
    Size,
    /// It is one uncompressed change chunk.
    ChunkType,
    /// It does not claim too many operations.
    Operations,
    /// It is whole, its checksum is right, and its columns fit together.
    Decode,
    /// It is spelled in the one canonical way.
    Canonical,
    /// The entry's own actor wrote it.
    Actor,
    /// It follows from what the document holds.
    History,
    /// It adds events under their keys, and does nothing else.
    Shape,
    /// The events are sound and stand where their kinds belong.
    Business,
}

/// A change that is kept out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the change breaks the gate's {rule:?} rule: {detail}")]
pub struct GateRejection {
    /// The first rule that is broken.
    pub rule: GateRule,
    /// What is wrong, in words.
    pub detail: String,
}

/// Checks one change. Total: any bytes pass or are rejected.
///
/// # Errors
/// [`GateRejection`] with the first broken rule.
pub fn check(
    change: &[u8],
    expected: &Expected<'_>,
    limits: &Limits,
) -> Result<Gated, GateRejection> {
    rules::size(change, limits)?;
    rules::chunk_type(change)?;
    let chunk = Chunk::parse(change);
    rules::operations(chunk.as_ref(), limits)?;
    let (chunk, operations) = rules::decode(chunk)?;
    rules::canonical(change, &chunk)?;
    rules::actor(&chunk, expected)?;
    let info = rules::history(&chunk, operations.count, expected)?;
    let duplicate = expected.known.iter().any(|known| known.hash == info.hash);
    let events = rules::shape(&chunk, &operations, expected)?;
    let decoded = business::check(&events, info.deps.is_empty(), expected)?;
    Ok(Gated {
        events,
        decoded,
        info,
        duplicate,
    })
}
