//! How a session ends, and what is worth a line in the log while it lasts.

use crate::{Channel, Divergence, Refusal, RefusalCode};
use evertill_journal::Watermark;

/// Why a session closed. Always the session's last effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The peer refused to go on.
    RefusedByPeer(Refusal),
    /// This side refused to go on; the refusal was sent to the peer.
    Refused(Refusal),
    /// The chains do not agree; a person decides.
    Diverged(Divergence),
    /// No hello within [`HELLO_TIMEOUT_MS`](crate::limits::HELLO_TIMEOUT_MS).
    NoHello,
    /// Nothing was heard for [`DEAD_AFTER_MS`](crate::limits::DEAD_AFTER_MS).
    Silent,
    /// The peer broke the protocol; what it did.
    Protocol(String),
    /// This side's database could not take or give something; what.
    Storage(String),
    /// A newer connection of the same node took over.
    Superseded,
    /// The peer said goodbye.
    PeerStopped,
    /// The shell asked for it.
    Stopped,
}

/// How soon a node may dial again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// With [`reconnect_delay`](crate::reconnect_delay), counting attempts from
    /// the last connection that worked.
    Backoff,
    /// At the longest delay: the answer changes only when a person acts at the hub.
    Slow,
    /// Not until a person acts here.
    Never,
}

impl CloseReason {
    /// How soon a node that was closed for this reason may dial again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::RefusedByPeer(refusal) => match refusal.code {
                RefusalCode::Busy
                | RefusalCode::Draining
                | RefusalCode::AlreadyConnected
                | RefusalCode::Storage => Retry::Backoff,
                RefusalCode::ProtocolUnsupported
                | RefusalCode::IdentityMismatch
                | RefusalCode::Revoked
                | RefusalCode::UnknownLocation
                | RefusalCode::ReplicaQuarantined
                | RefusalCode::ChainBroken
                | RefusalCode::HubDiverged
                | RefusalCode::Malformed
                | RefusalCode::Other(_) => Retry::Slow,
            },
            Self::NoHello
            | Self::Silent
            | Self::Storage(_)
            | Self::Superseded
            | Self::PeerStopped => Retry::Backoff,
            Self::Refused(_) | Self::Protocol(_) => Retry::Slow,
            Self::Diverged(_) | Self::Stopped => Retry::Never,
        }
    }
}

/// Something unexpected that does not end the session. The shell logs it once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// A message of a kind that a newer version knows; ignored.
    UnknownMessage {
        /// Where it arrived.
        channel: Channel,
        /// Its number.
        kind: u32,
    },
    /// The hub holds less of the journal than it once acknowledged. The node
    /// sends those entries again.
    HubLostEntries {
        /// What the hub had acknowledged.
        acknowledged: Watermark,
        /// What it holds now.
        holds: Watermark,
    },
}
