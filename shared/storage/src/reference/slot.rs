//! The two sets of tables, of which one is live.
//!
//! Invariant: only the slot named in `reference_position` is read; the other is
//! empty or holds a snapshot in the making.

use rusqlite::Connection;

/// One of the two sets of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Tables ending in `_0`.
    Zero,
    /// Tables ending in `_1`.
    One,
}

impl Slot {
    /// The slot with this number; any other number than 0 means 1, which the
    /// table's CHECK guarantees.
    pub(super) fn from_number(number: i64) -> Self {
        if number == 0 { Self::Zero } else { Self::One }
    }

    /// The number kept in `reference_position`.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
        }
    }

    /// The slot that this one is swapped with.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Zero => Self::One,
            Self::One => Self::Zero,
        }
    }

    /// Fills the slot's number into a statement: `{s}` marks its places.
    pub(super) fn sql(self, statement: &str) -> String {
        statement.replace(
            "{s}",
            match self {
                Self::Zero => "0",
                Self::One => "1",
            },
        )
    }

    /// Empties the slot. `DELETE` without a condition only frees pages, so this
    /// takes milliseconds for a hundred thousand products.
    pub(super) fn clear(self, conn: &Connection) -> rusqlite::Result<()> {
        conn.execute_batch(&self.sql(
            "DELETE FROM reference_row_{s};
             DELETE FROM reference_code_{s};
             INSERT INTO reference_search_{s} (reference_search_{s}) VALUES ('delete-all');",
        ))
    }
}
