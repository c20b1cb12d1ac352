//! How a part's change is shortened for travel, as a pair of pure functions.
//!
//! The journal does not know what a change is made of. The documents crate
//! does, and gives the two functions that leave out what a peer can recompute
//! from the part's origin. Both ends use the same pair.
//!
//! Invariant: [`pack`](crate::pack) uses a short form only after restoring it
//! gave the original bytes, so a codec can cost space but never an entry.

use evertill_domain::{ActorId, Seq};

/// What both ends know about a part before they see its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOrigin {
    /// The actor that wrote the entry.
    pub actor: ActorId,
    /// The entry's number.
    pub seq: Seq,
    /// The part's number in the entry.
    pub n: u32,
}

/// A change without what its origin tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// Which of the codec's forms the body has, at most [`Short::MAX_FORM`].
    pub form: u8,
    /// What is left.
    pub body: Vec<u8>,
}

impl Short {
    /// The highest form a codec may use.
    pub const MAX_FORM: u8 = 31;
}

/// A pair of pure functions, inverse to each other where they succeed.
#[derive(Debug, Clone, Copy)]
pub struct PartCodec {
    /// The short form of a change, or `None` when it has none.
    pub strip: fn(&PartOrigin, change: &[u8]) -> Option<Short>,
    /// The change of a short form, given as form and body. Total, its memory
    /// bounded by a small multiple of the body; `None` when it is no short form.
    pub restore: fn(&PartOrigin, form: u8, body: &[u8]) -> Option<Vec<u8>>,
}

impl PartCodec {
    /// Leaves every change as it is.
    pub const VERBATIM: Self = Self {
        strip: |_, _| None,
        restore: |_, _, _| None,
    };

    /// The short form of a change, if it restores to exactly these bytes.
    pub(crate) fn shorten(&self, origin: &PartOrigin, change: &[u8]) -> Option<Short> {
        (self.strip)(origin, change).filter(|short| {
            short.form <= Short::MAX_FORM
                && (self.restore)(origin, short.form, &short.body).as_deref() == Some(change)
        })
    }
}
