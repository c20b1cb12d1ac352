//! Unpacking: a frame back into the entries it was made of.

use std::borrow::Cow;

use evertill_domain::{ActorId, DocumentId, Hlc};

use super::columns::{self, Reader};
use super::{Frame, FrameError, wire};
use crate::chain::{Chain, Watermark};
use crate::codec::{PartCodec, PartOrigin, Short};
use crate::entry::{Entry, Part, Sealed};
use crate::limits::{MAX_PARTS, MAX_UNPACKED};

/// Rebuilds the entries of a frame that continues a journal after `after`.
///
/// `codec` must be the sender's. Total: any frame gives entries or an error.
///
/// # Errors
/// [`FrameError`] when the frame exceeds a limit, does not inflate, does not
/// continue the journal, or rebuilds to another head than its sender named.
pub fn unpack(
    frame: &Frame,
    after: &Watermark,
    codec: PartCodec,
) -> Result<Vec<Sealed>, FrameError> {
    wire::check(frame)?;
    let chain = Chain::from(frame.replica, *after);
    chain.check_seq(frame.first_seq)?;
    let raw = inflate(frame)?;
    let columns = Reader::new(&raw).ok_or_else(cut_off)?;
    let mut unpacker = Unpacker {
        columns,
        codec,
        chain,
        actor: frame.actor,
        clock: 0,
    };
    let mut entries = Vec::with_capacity(frame.count as usize);
    let mut bytes = 0;
    for _ in 0..frame.count {
        let sealed = unpacker.next()?;
        bytes += sealed.bytes.len();
        if bytes > MAX_UNPACKED {
            return Err(malformed("the entries exceed the limit once unpacked"));
        }
        entries.push(sealed);
    }
    if !unpacker.columns.is_empty() {
        return Err(malformed("the payload goes on after the last entry"));
    }
    let found = unpacker.chain.head.hash;
    if found != frame.head {
        return Err(FrameError::Head {
            expected: frame.head,
            found,
        });
    }
    Ok(entries)
}

fn inflate(frame: &Frame) -> Result<Cow<'_, [u8]>, FrameError> {
    let raw_len = frame.raw_len;
    let raw: Cow<'_, [u8]> = if frame.level == 0 {
        frame.payload.as_slice().into()
    } else {
        // The buffer has the claimed length, checked against the limit; a bomb
        // that inflates further meets its end there.
        zstd::bulk::decompress(&frame.payload, raw_len as usize)
            .map_err(|_| FrameError::Inflate { raw_len })?
            .into()
    };
    if raw.len() == raw_len as usize {
        Ok(raw)
    } else {
        Err(FrameError::Inflate { raw_len })
    }
}

struct Unpacker<'a> {
    columns: Reader<'a>,
    codec: PartCodec,
    chain: Chain,
    actor: Option<ActorId>,
    clock: u64,
}

impl Unpacker<'_> {
    fn next(&mut self) -> Result<Sealed, FrameError> {
        let sealed = match self.columns.tag().ok_or_else(cut_off)? {
            columns::VERBATIM => {
                let bytes = self.columns.body().ok_or_else(cut_off)?;
                Sealed::decode(bytes.to_vec())?
            }
            tag => Sealed::seal(self.rebuild(tag)?)?,
        };
        self.chain.next(&sealed)?;
        self.actor = sealed.entry.started_actor().or(self.actor);
        Ok(sealed)
    }

    fn rebuild(&mut self, tag: u8) -> Result<Entry, FrameError> {
        let Some(actor) = self.actor else {
            return Err(malformed("an entry refers to an actor before any start"));
        };
        let hlc = self.clock().ok_or_else(cut_off)?;
        let mut entry = Entry::after(self.chain.replica, &self.chain.head, hlc);
        let origin = |n| PartOrigin {
            actor,
            seq: entry.seq,
            n,
        };
        if let Some(form) = tag.checked_sub(columns::SIMPLE) {
            let body = self.columns.body().ok_or_else(cut_off)?;
            entry.parts = vec![self.restore(&origin(0), None, form, body)?];
            return Ok(entry);
        }
        let count = self.columns.count().ok_or_else(cut_off)?;
        if count > MAX_PARTS as u64 {
            return Err(malformed("an entry has too many parts"));
        }
        entry.parts = (0..count)
            .map(|_| self.part(origin))
            .collect::<Result<_, _>>()?;
        Ok(entry)
    }

    fn part(&mut self, origin: impl Fn(u32) -> PartOrigin) -> Result<Part, FrameError> {
        let flags = self.columns.count().ok_or_else(cut_off)?;
        let n = self.columns.count().ok_or_else(cut_off)?;
        let n = u32::try_from(n).map_err(|_| malformed("a part's number is too large"))?;
        let origin = origin(n);
        let document = if flags & columns::DERIVED == 0 {
            Some(DocumentId::from_bytes(
                self.columns.raw().ok_or_else(cut_off)?,
            ))
        } else {
            None
        };
        let body = self.columns.body().ok_or_else(cut_off)?;
        if flags & columns::SHORT != 0 {
            let form = u8::try_from(flags >> columns::FORM_SHIFT).unwrap_or(u8::MAX);
            return self.restore(&origin, document, form, body);
        }
        Ok(Part {
            n,
            document: document.unwrap_or_else(|| derive(&origin)),
            change: body.to_vec(),
        })
    }

    fn restore(
        &self,
        origin: &PartOrigin,
        document: Option<DocumentId>,
        form: u8,
        body: &[u8],
    ) -> Result<Part, FrameError> {
        let change = (form <= Short::MAX_FORM)
            .then(|| (self.codec.restore)(origin, form, body))
            .flatten()
            .ok_or_else(|| malformed("a change cannot be restored from its short form"))?;
        Ok(Part {
            n: origin.n,
            document: document.unwrap_or_else(|| derive(origin)),
            change,
        })
    }

    fn clock(&mut self) -> Option<Hlc> {
        let value = self.columns.clock()?;
        let counter = if value & 1 == 0 {
            0
        } else {
            self.columns.clock()?
        };
        self.clock = columns::unzigzag(self.clock, value >> 1);
        Some(Hlc(self.clock << 16 | counter & 0xffff))
    }
}

fn derive(origin: &PartOrigin) -> DocumentId {
    DocumentId::derive(&origin.actor, origin.seq, origin.n)
}

fn malformed(what: &str) -> FrameError {
    FrameError::Malformed(what.to_owned())
}

fn cut_off() -> FrameError {
    malformed("the payload ends before its entries do")
}
