//! The hash chain of a journal: which entry follows which.
//!
//! Each entry names the hash of the one before it, so a replica's whole history
//! is fixed by the number and hash of its last entry, its watermark. Two
//! replicas that agree on a watermark agree on everything before it.
//!
//! Invariant: a [`Chain`] only ever advances by one whole, unaltered entry.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use evertill_domain::{ReplicaId, Seq};

use crate::entry::Sealed;

/// BLAKE3 hash of an entry's canonical bytes, or of nothing: the genesis.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryHash(pub [u8; 32]);

impl EntryHash {
    /// What the first entry of a replica names as its predecessor. It depends
    /// on the replica, so an entry cannot be moved to another journal.
    #[must_use]
    pub fn genesis(replica: ReplicaId) -> Self {
        Self(blake3::derive_key(
            "evertill journal genesis v1",
            &replica.0.to_be_bytes(),
        ))
    }

    /// The hash of an entry's canonical bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::derive_key("evertill journal entry v1", bytes))
    }
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for EntryHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash)?;
        Ok(Self(hash))
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryHash({self})")
    }
}

/// The last entry of a journal, as seen by someone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Watermark {
    /// Number of the last entry; 0 when there is none.
    pub seq: Seq,
    /// Its hash; the genesis hash when there is none.
    pub hash: EntryHash,
}

impl Watermark {
    /// The watermark of an empty journal.
    #[must_use]
    pub fn nothing(replica: ReplicaId) -> Self {
        Self {
            seq: 0,
            hash: EntryHash::genesis(replica),
        }
    }
}

/// Why an entry does not continue a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BreakReason {
    /// The entry belongs to another replica.
    #[error("the entry belongs to replica {found}")]
    Foreign {
        /// The replica that the entry names.
        found: ReplicaId,
    },
    /// Entries between the head and this one are absent.
    #[error("entry {expected} is missing, {found} came instead")]
    Missing {
        /// The number that had to come.
        expected: Seq,
        /// The number that came.
        found: Seq,
    },
    /// The number was already used.
    #[error("entry {found} comes again where {expected} was due")]
    Repeated {
        /// The number that had to come.
        expected: Seq,
        /// The number that came.
        found: Seq,
    },
    /// The number is right but the entry follows a different predecessor: this
    /// entry or the one before it was altered or replaced.
    #[error("the entry follows {found}, but the one before it hashes to {expected}")]
    Altered {
        /// The hash of the head.
        expected: EntryHash,
        /// The predecessor that the entry names.
        found: EntryHash,
    },
}

/// A journal whose entries do not follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal of replica {replica} breaks at entry {seq}: {reason}")]
pub struct ChainBreak {
    /// The journal.
    pub replica: ReplicaId,
    /// The first entry that does not fit.
    pub seq: Seq,
    /// What is wrong with it.
    pub reason: BreakReason,
}

/// A journal read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The journal.
    pub replica: ReplicaId,
    /// Its last entry so far.
    pub head: Watermark,
}

impl Chain {
    /// The chain of an empty journal.
    #[must_use]
    pub fn new(replica: ReplicaId) -> Self {
        Self::from(replica, Watermark::nothing(replica))
    }

    /// A chain that continues after `head`.
    #[must_use]
    pub fn from(replica: ReplicaId, head: Watermark) -> Self {
        Self { replica, head }
    }

    /// Advances over the next entry.
    ///
    /// # Errors
    /// [`ChainBreak`] when the entry is not the one that follows the head; the
    /// chain then stays where it was.
    pub fn next(&mut self, sealed: &Sealed) -> Result<(), ChainBreak> {
        self.check(sealed).map_err(|reason| ChainBreak {
            replica: self.replica,
            seq: sealed.entry.seq,
            reason,
        })?;
        self.head = sealed.watermark();
        Ok(())
    }

    /// Whether an entry of this number is the next one.
    pub(crate) fn check_seq(&self, found: Seq) -> Result<(), ChainBreak> {
        self.next_seq(found).map_err(|reason| ChainBreak {
            replica: self.replica,
            seq: found,
            reason,
        })
    }

    fn check(&self, sealed: &Sealed) -> Result<(), BreakReason> {
        let entry = &sealed.entry;
        if entry.replica != self.replica {
            return Err(BreakReason::Foreign {
                found: entry.replica,
            });
        }
        self.next_seq(entry.seq)?;
        if entry.prev_hash != self.head.hash {
            return Err(BreakReason::Altered {
                expected: self.head.hash,
                found: entry.prev_hash,
            });
        }
        Ok(())
    }

    fn next_seq(&self, found: Seq) -> Result<(), BreakReason> {
        let expected = self.head.seq.saturating_add(1);
        match found.cmp(&expected) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(BreakReason::Missing { expected, found }),
            Ordering::Less => Err(BreakReason::Repeated { expected, found }),
        }
    }
}
