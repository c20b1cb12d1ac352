//! Packing: entries into a frame.

use evertill_domain::{ActorId, DocumentId};

use super::columns::{self, Writer};
use super::{Compression, Frame};
use crate::chain::{Chain, ChainBreak, Watermark};
use crate::codec::{PartCodec, PartOrigin, Short};
use crate::entry::{Entry, Part, SCHEMA, Sealed};
use crate::limits::{FRAME_BYTES, FRAME_ENTRIES};

/// Entries that cannot be packed: the caller read its journal wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// There is nothing to pack.
    #[error("a frame needs at least one entry")]
    Empty,
    /// The entries do not continue the journal after the watermark.
    #[error("the entries cannot be packed: {0}")]
    Chain(#[from] ChainBreak),
}

/// Packs the entries that follow `after`, as many from the front as one frame
/// takes; [`Frame::count`] says how many. `actor` is the one that wrote the
/// first of them, `None` before a journal's first start.
///
/// # Errors
/// [`PackError`] when there are no entries, or they do not follow `after`.
#[expect(
    clippy::missing_panics_doc,
    reason = "the conversions are of numbers below the limits"
)]
pub fn pack(
    after: &Watermark,
    actor: Option<ActorId>,
    entries: &[Sealed],
    compression: Compression,
    codec: PartCodec,
) -> Result<Frame, PackError> {
    let entries = &entries[..prefix(entries)];
    let first = entries.first().ok_or(PackError::Empty)?;
    let replica = first.entry.replica;
    let mut chain = Chain::from(replica, *after);
    let mut packer = Packer {
        columns: Writer::default(),
        codec,
        actor,
        clock: 0,
    };
    for sealed in entries {
        chain.next(sealed)?;
        packer.add(sealed);
    }
    let raw = packer.columns.finish();
    let raw_len = u32::try_from(raw.len()).expect("invariant: a payload is below 4 GiB");
    let (level, payload) = compress(raw, compression);
    Ok(Frame {
        replica,
        first_seq: first.entry.seq,
        count: u32::try_from(entries.len()).expect("invariant: a frame has at most 500 entries"),
        actor,
        head: chain.head.hash,
        level,
        raw_len,
        payload,
    })
}

/// How many entries from the front one frame takes: at least one.
fn prefix(entries: &[Sealed]) -> usize {
    let mut bytes = 0;
    let fitting = entries
        .iter()
        .take(FRAME_ENTRIES)
        .take_while(|sealed| {
            bytes += sealed.bytes.len();
            bytes <= FRAME_BYTES
        })
        .count();
    fitting.max(1).min(entries.len())
}

fn compress(raw: Vec<u8>, compression: Compression) -> (u8, Vec<u8>) {
    let level = match compression {
        Compression::Live => 1,
        Compression::CatchUp => 9,
    };
    let packed = zstd::bulk::compress(&raw, i32::from(level))
        .expect("invariant: the compression bound is always enough");
    if packed.len() < raw.len() {
        (level, packed)
    } else {
        (0, raw)
    }
}

struct Packer {
    columns: Writer,
    codec: PartCodec,
    actor: Option<ActorId>,
    clock: u64,
}

impl Packer {
    fn add(&mut self, sealed: &Sealed) {
        let entry = &sealed.entry;
        // A start's own parts are written by the actor that it names.
        self.actor = entry.started_actor().or(self.actor);
        match self.actor {
            Some(actor) if is_plain(entry) => self.add_parts(entry, actor),
            _ => {
                self.columns.tag(columns::VERBATIM);
                self.columns.body(&sealed.bytes);
            }
        }
    }

    fn add_parts(&mut self, entry: &Entry, actor: ActorId) {
        let origin = |part: &Part| PartOrigin {
            actor,
            seq: entry.seq,
            n: part.n,
        };
        let parts: Vec<_> = entry
            .parts
            .iter()
            .map(|part| (part, self.codec.shorten(&origin(part), &part.change)))
            .collect();
        let derived = |part: &Part| part.document == DocumentId::derive(&actor, entry.seq, part.n);
        if let [(part, Some(short))] = parts.as_slice()
            && part.n == 0
            && derived(part)
        {
            self.columns.tag(columns::SIMPLE + short.form);
            self.add_clock(entry);
            self.columns.body(&short.body);
            return;
        }
        self.columns.tag(columns::PARTS);
        self.add_clock(entry);
        self.columns.count(parts.len() as u64);
        for (part, short) in parts {
            self.add_part(part, derived(part), short.as_ref());
        }
    }

    fn add_part(&mut self, part: &Part, derived: bool, short: Option<&Short>) {
        let mut flags = if derived { columns::DERIVED } else { 0 };
        if let Some(short) = short {
            flags |= columns::SHORT | u64::from(short.form) << columns::FORM_SHIFT;
        }
        self.columns.count(flags);
        self.columns.count(u64::from(part.n));
        if !derived {
            self.columns.raw(part.document.as_bytes());
        }
        let body = short.map_or(&part.change, |short| &short.body);
        self.columns.body(body);
    }

    /// The clock as its milliseconds since the entry before, and its counter.
    fn add_clock(&mut self, entry: &Entry) {
        let (millis, counter) = (entry.hlc.0 >> 16, entry.hlc.0 & 0xffff);
        let distance = columns::zigzag(self.clock, millis);
        self.columns.clock(distance << 1 | u64::from(counter != 0));
        if counter != 0 {
            self.columns.clock(counter);
        }
        self.clock = millis;
    }
}

/// Whether an entry is nothing but a clock reading and parts.
fn is_plain(entry: &Entry) -> bool {
    let plain = Entry::after(
        entry.replica,
        &Watermark {
            seq: 0,
            hash: entry.prev_hash,
        },
        entry.hlc,
    );
    entry.schema == SCHEMA
        && entry.control.is_none()
        && entry.reissue.is_none()
        && entry.cells == plain.cells
}
