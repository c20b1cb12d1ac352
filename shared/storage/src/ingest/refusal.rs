//! Why a frame is not taken.

use evertill_domain::{ReplicaId, Seq};

use crate::sql::TableError;

/// What a refused frame broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalRule {
    /// It does not unpack, or entries before it are absent. A sender that
    /// starts over from what is held here can do better.
    Frame,
    /// Its entries contradict what is held: two histories of one journal. The
    /// journal is stopped until a person settles the case.
    Chain,
    /// The journal belongs to another machine.
    Owner,
    /// The journal was stopped before.
    Stopped,
}

impl RefusalRule {
    /// `frame`, `chain`, `owner` or `stopped`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Chain => "chain",
            Self::Owner => "owner",
            Self::Stopped => "stopped",
        }
    }
}

/// A frame or page of which nothing was taken. Its case is in quarantine: the
/// transaction that this came out of has to be committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replica {replica} is not taken beyond what is held, at number {seq}: {reason}")]
pub struct Refusal {
    /// The journal; for a feed, the life of the hub.
    pub replica: ReplicaId,
    /// The first number that was not taken.
    pub seq: Seq,
    /// What it broke.
    pub rule: RefusalRule,
    /// How, in words.
    pub reason: String,
}

/// Why a frame was not ingested. The frames beside it are not concerned.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// It is not what it has to be; the sender is to blame.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What is held here of this journal is damaged.
    #[error(transparent)]
    Table(#[from] TableError),
}
