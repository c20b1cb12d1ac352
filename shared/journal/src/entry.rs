//! Entries: one local transaction each, sealed into canonical bytes.
//!
//! The bytes are a CBOR array (see `wire` for the fields). They are written
//! once, by the author; readers keep them beside the decoded view, so fields of
//! a later schema survive storage and relay untouched.
//!
//! Invariant: `Sealed::hash` is the hash of `Sealed::bytes`, and `Sealed::entry`
//! is what these bytes say; the fields cannot be changed apart.

mod wire;

use std::collections::BTreeSet;

use evertill_domain::rights::{CellsError, PairCells, decode_cells, encode_cells};
use evertill_domain::{
    ActorId, Currency, DocumentId, Hlc, LocationId, NodeId, RegisterId, ReplicaId, Seq,
};

use crate::chain::{EntryHash, Watermark};
use crate::limits::{MAX_ENTRY_BYTES, MAX_PARTS};

/// The schema of entries without cells of rights.
pub const SCHEMA: u16 = 1;
/// The schema of entries with cells of rights. An entry is written in the lowest
/// schema that says it, and later ones are read as far as known.
pub const CELLS_SCHEMA: u16 = 2;

/// One local transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The journal it belongs to.
    pub replica: ReplicaId,
    /// Its number there; the first is 1.
    pub seq: Seq,
    /// Hash of the entry before it, or the genesis hash.
    pub prev_hash: EntryHash,
    /// When it was written, by the author's hybrid logical clock.
    pub hlc: Hlc,
    /// Schema of the bytes; [`SCHEMA`] or [`CELLS_SCHEMA`] for entries written here.
    pub schema: u16,
    /// Set on the few entries that are about the journal itself.
    pub control: Option<Control>,
    /// Where this transaction was first written, when it is written again after
    /// a restore: ids derive from there.
    pub reissue: Option<(ReplicaId, Seq)>,
    /// One per document, `n` ascending.
    pub parts: Vec<Part>,
    /// The cells of rights, as raw CBOR; see [`Entry::rights`]. Empty in schema 1;
    /// what a later schema wrote is kept as it came.
    pub cells: Vec<u8>,
}

/// What a transaction adds to one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Number, within the entry, of the part's first event. Further events of
    /// the part take the numbers that follow, and the next part starts after
    /// them, so every event of an entry has its own number.
    pub n: u32,
    /// The document.
    pub document: DocumentId,
    /// The change, as one raw chunk.
    pub change: Vec<u8>,
}

/// An entry about the journal itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A process started; every process life begins with one.
    Start(Start),
    /// The journal ends here, complete.
    Closing,
    /// A summary that allows pruning what came before; opaque in schema 1.
    Checkpoint(Vec<u8>),
    /// A control of a later schema: kept, and without effect here.
    Unknown(u32),
}

/// A process start: who writes from here on, and where the registers stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The actor of all changes until the next start.
    pub actor: ActorId,
    /// The machine.
    pub node: NodeId,
    /// The location it stands in.
    pub location: LocationId,
    /// The replica that this one replaces, if any.
    pub predecessor: Option<ReplicaId>,
    /// Every register that this replica issues receipts for.
    pub registers: Vec<RegisterState>,
}

/// Where a register stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterState {
    /// The register.
    pub register: RegisterId,
    /// The last receipt number it drew in this replica; 0 when none.
    pub last_number: u64,
    /// Its perpetual totals, one per currency it traded in.
    pub totals: Vec<RegisterTotal>,
}

/// A register's perpetual totals in one currency; they only ever grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterTotal {
    /// The currency.
    pub currency: Currency,
    /// Totals of all sales, in minor units.
    pub sales: i64,
    /// Totals of all returns and voids, in minor units, as a positive figure.
    pub returns: i64,
}

/// Bytes that are not an entry, or an entry that must not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes are not an entry's.
    #[error("the bytes are not a journal entry: {0}")]
    Malformed(String),
    /// The bytes say the same as an entry's, but are written in another way.
    #[error("the bytes of entry {seq} are not in canonical form")]
    NotCanonical {
        /// The entry.
        seq: Seq,
    },
    /// The entry exceeds [`MAX_ENTRY_BYTES`].
    #[error(
        "an entry of {bytes} bytes exceeds the limit of {MAX_ENTRY_BYTES}: split the transaction"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The entry exceeds [`MAX_PARTS`].
    #[error("an entry of {parts} parts exceeds the limit of {MAX_PARTS}: split the transaction")]
    TooManyParts {
        /// Their number.
        parts: usize,
    },
    /// A rule of entries is broken.
    #[error("entry {seq} breaks a rule: {rule}")]
    Broken {
        /// The entry.
        seq: Seq,
        /// The rule.
        rule: &'static str,
    },
}

/// An entry with its canonical bytes and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The decoded view.
    pub entry: Entry,
    /// The canonical bytes: the only thing stored, sent and hashed.
    pub bytes: Vec<u8>,
    /// Hash of the bytes.
    pub hash: EntryHash,
}

impl Sealed {
    /// Encodes and hashes an entry written here.
    ///
    /// # Errors
    /// [`EntryError`] when the entry breaks a rule or a limit.
    pub fn seal(entry: Entry) -> Result<Self, EntryError> {
        if entry.schema > CELLS_SCHEMA {
            return Err(entry.broken("entries are written in a schema of this version"));
        }
        entry.check()?;
        let bytes = wire::encode(&entry);
        Self::close(entry, bytes)
    }

    /// Reads an entry. Total: any bytes give an entry or an error.
    ///
    /// An entry of a later schema may have more fields, and more in its fields;
    /// they stay in the bytes.
    ///
    /// # Errors
    /// [`EntryError`] when the bytes are no entry, exceed a limit, break a rule,
    /// or say it in other than canonical form.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: bytes.len() });
        }
        let entry = wire::decode(&bytes)?;
        entry.check()?;
        // Two spellings of one entry would be two hashes of one transaction.
        if entry.schema <= CELLS_SCHEMA && wire::encode(&entry) != bytes {
            return Err(EntryError::NotCanonical { seq: entry.seq });
        }
        Self::close(entry, bytes)
    }

    /// This entry as a watermark.
    #[must_use]
    pub fn watermark(&self) -> Watermark {
        Watermark {
            seq: self.entry.seq,
            hash: self.hash,
        }
    }

    fn close(entry: Entry, bytes: Vec<u8>) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: bytes.len() });
        }
        let hash = EntryHash::of(&bytes);
        Ok(Self { entry, bytes, hash })
    }
}

impl Entry {
    /// A plain entry that follows `after`: no control, no parts yet.
    #[must_use]
    pub fn after(replica: ReplicaId, after: &Watermark, hlc: Hlc) -> Self {
        Self {
            replica,
            seq: after.seq.saturating_add(1),
            prev_hash: after.hash,
            hlc,
            schema: SCHEMA,
            control: None,
            reissue: None,
            parts: Vec::new(),
            cells: wire::EMPTY_ARRAY.to_vec(),
        }
    }

    /// Says the counters of the entry's own replica, as they stand after it.
    pub fn set_rights(&mut self, cells: &PairCells) {
        self.cells = encode_cells(cells);
        self.schema = if cells.is_empty() {
            SCHEMA
        } else {
            CELLS_SCHEMA
        };
    }

    /// The counters that the entry says of its own replica.
    ///
    /// # Errors
    /// The bytes are no cells. The entry stands all the same: only its rights
    /// cannot be read.
    pub fn rights(&self) -> Result<PairCells, CellsError> {
        decode_cells(&self.cells)
    }

    /// The actor that a start entry names.
    #[must_use]
    pub fn started_actor(&self) -> Option<ActorId> {
        match &self.control {
            Some(Control::Start(start)) => Some(start.actor),
            _ => None,
        }
    }

    /// The rules that hold for the entries of every schema.
    fn check(&self) -> Result<(), EntryError> {
        if self.seq == 0 {
            return Err(self.broken("the first entry has number 1"));
        }
        if self.schema == 0 {
            return Err(self.broken("schemas are numbered from 1"));
        }
        let has_cells = self.cells != wire::EMPTY_ARRAY;
        if self.schema == SCHEMA && has_cells {
            return Err(self.broken("schema 1 has no cells"));
        }
        if self.schema == CELLS_SCHEMA && !has_cells {
            return Err(self.broken("an entry without cells is written in schema 1"));
        }
        if self.parts.len() > MAX_PARTS {
            return Err(EntryError::TooManyParts {
                parts: self.parts.len(),
            });
        }
        if !self.parts.is_sorted_by(|a, b| a.n < b.n) {
            return Err(self.broken("parts are numbered in ascending order"));
        }
        let documents: BTreeSet<_> = self.parts.iter().map(|part| part.document).collect();
        if documents.len() != self.parts.len() {
            return Err(self.broken("an entry has at most one part for a document"));
        }
        Ok(())
    }

    fn broken(&self, rule: &'static str) -> EntryError {
        EntryError::Broken {
            seq: self.seq,
            rule,
        }
    }
}
