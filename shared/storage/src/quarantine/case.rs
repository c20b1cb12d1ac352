//! A row of quarantine, as a person sees it.

use std::fmt;
use std::str::FromStr;

use evertill_domain::{DocumentId, LocationId, ReplicaId, Seq, Timestamp};
use rusqlite::Row;

use crate::sql::{text, uint};

/// The columns that [`Case::read`] takes, in its order.
pub(super) const COLUMNS: &str = "id, kind, replica, location, seq, rule, reason, waits_for, \
                                  state, opened_at, resolved_at, resolved_by, arrival";

/// What is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseKind {
    /// An entry of another machine: stored and acknowledged, not applied.
    Entry,
    /// An item of the hub's feed: stored and acknowledged, not applied.
    FeedItem,
    /// A journal that does not continue; nothing more of it is taken.
    Replica,
    /// A feed that does not continue; nothing more of it is taken.
    Feed,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseState {
    /// Nobody has settled it.
    Open,
    /// It was applied, or the journal may go on.
    Released,
    /// A person decided that it stays out.
    Dismissed,
}

/// Something in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its number, rising in the order in which cases were opened.
    pub id: i64,
    /// What is in quarantine.
    pub kind: CaseKind,
    /// The journal that the entry stands in; for a feed, the hub's life.
    pub replica: ReplicaId,
    /// The location that it came from; for a feed, the location it is for.
    pub location: LocationId,
    /// The number of the entry or item.
    pub seq: Seq,
    /// The name of the rule that is broken, such as `gate.history`.
    pub rule: String,
    /// What is wrong, in words.
    pub reason: String,
    /// The document whose arrival lets it apply by itself.
    pub waits_for: Option<DocumentId>,
    /// What became of it.
    pub state: CaseState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was settled.
    pub resolved_at: Option<Timestamp>,
    /// Who settled it; `arrival` when what it waited for came.
    pub resolved_by: Option<String>,
    /// Arrival of what is stored; 0 when nothing is.
    pub(crate) arrival: i64,
}

impl CaseKind {
    /// `entry`, `feed_item`, `replica` or `feed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::FeedItem => "feed_item",
            Self::Replica => "replica",
            Self::Feed => "feed",
        }
    }
}

impl CaseState {
    /// `open`, `released` or `dismissed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Released => "released",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A word that names no kind or state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no word of the quarantine table")]
pub struct UnknownWord(String);

impl FromStr for CaseKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Entry, Self::FeedItem, Self::Replica, Self::Feed]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl FromStr for CaseState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Open, Self::Released, Self::Dismissed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl fmt::Display for CaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Case {
    /// Reads the columns of [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state: CaseState = text(row, 8)?;
        let resolved = state != CaseState::Open;
        let resolved_at = Timestamp::from_millis(row.get(10)?);
        let resolved_by: String = row.get(11)?;
        Ok(Self {
            id: row.get(0)?,
            kind: text(row, 1)?,
            replica: ReplicaId(uint(row, 2)?),
            location: text(row, 3)?,
            seq: uint(row, 4)?,
            rule: row.get(5)?,
            reason: row.get(6)?,
            waits_for: <[u8; 16]>::try_from(row.get_ref(7)?.as_blob()?)
                .ok()
                .map(DocumentId::from_bytes),
            state,
            opened_at: Timestamp::from_millis(row.get(9)?),
            resolved_at: resolved.then_some(resolved_at),
            resolved_by: resolved.then_some(resolved_by),
            arrival: row.get(12)?,
        })
    }
}
