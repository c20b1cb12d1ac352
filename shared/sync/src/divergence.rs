//! What two watermarks say about each other.
//!
//! Each side tells in its hello how far it holds the other's chain, with the
//! hash of that entry. The owner looks up its own entry there. Sequence numbers
//! alone would take a restored database for the one that was lost.

use evertill_journal::{EntryHash, Watermark};

/// How an owner's chain differs from what its peer holds of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DivergenceKind {
    /// The owner has no entry there: it lost its tail (a restore of an old copy).
    Regressed,
    /// The owner has another entry there: it wrote on after losing its tail.
    Forked,
    /// The peer's position belongs to an earlier life of the owner's database.
    Replaced,
}

impl DivergenceKind {
    /// The word used on the wire, in logs and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Forked => "forked",
            Self::Replaced => "replaced",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Regressed => 1,
            Self::Forked => 2,
            Self::Replaced => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Regressed),
            2 => Some(Self::Forked),
            3 => Some(Self::Replaced),
            _ => None,
        }
    }
}

/// Whose chain is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The node's journal: the node takes a new replica id and writes again
    /// what the peer does not hold. Until that exists the node stops syncing
    /// and keeps trading.
    Node,
    /// The hub's feed for this location.
    Hub,
}

/// A chain on which owner and peer do not agree. The session stops with it; the
/// shell shows it to a person and quarantines the replica.
///
/// It carries all that a reissue needs to begin: the peer's position and the
/// owner's own entry there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// Whose chain diverged.
    pub whose: Whose,
    /// How.
    pub kind: DivergenceKind,
    /// The position that the peer holds.
    pub peer_holds: Watermark,
    /// The owner's own hash at that position, if it has an entry there.
    pub own: Option<EntryHash>,
}

/// Compares the peer's position with the owner's own entry at that seq.
/// Position 0 is before the first entry and always agrees.
#[must_use]
pub fn compare(peer_holds: &Watermark, own: Option<EntryHash>) -> Option<DivergenceKind> {
    match own {
        _ if peer_holds.seq == 0 => None,
        None => Some(DivergenceKind::Regressed),
        Some(hash) if hash == peer_holds.hash => None,
        Some(_) => Some(DivergenceKind::Forked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_continues_absent_regressed_different_forked() {
        let at = |seq, byte| Watermark {
            seq,
            hash: EntryHash([byte; 32]),
        };
        let own = |byte| Some(EntryHash([byte; 32]));
        assert_eq!(compare(&at(7, 1), own(1)), None);
        assert_eq!(compare(&at(7, 1), None), Some(DivergenceKind::Regressed));
        assert_eq!(compare(&at(7, 1), own(2)), Some(DivergenceKind::Forked));
        assert_eq!(
            compare(&at(0, 1), None),
            None,
            "nothing held, nothing to disagree on"
        );
        assert_eq!(compare(&at(0, 1), own(2)), None);
    }
}
