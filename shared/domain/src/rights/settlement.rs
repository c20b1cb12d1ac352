//! A pair's position: what it could mint, what it owes, and how a debt is
//! settled.
//!
//! Invariant: nothing here creates a right beyond `A − safety_stock − O`, and a
//! settlement destroys only rights that the hub holds unused.

use super::Cells;
use crate::ids::ReplicaId;

/// Where a (location, SKU) stands in one view, in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The counters.
    pub cells: &'a Cells,
    /// What is promised and has not ended.
    pub live_promises: i64,
    /// Units sellable or staged: A. Negative when more left than was recorded.
    pub units: i64,
}

impl Position<'_> {
    /// O: rights of unsealed replicas and live promises.
    #[must_use]
    pub fn outstanding(&self) -> i64 {
        self.cells.unsealed_rights() + self.live_promises
    }

    /// What is promised or promisable beyond the units: max(0, O − A).
    #[must_use]
    pub fn debt(&self) -> i64 {
        (self.outstanding() - self.units).max(0)
    }

    /// What the minter may mint: the level A − `safety_stock` − O, in whole
    /// quanta. It looks at levels only, so it never matters what raised A.
    #[must_use]
    pub fn mintable(&self, safety_stock: i64, quantum: i64) -> i64 {
        room(self.units, safety_stock, self.outstanding(), quantum)
    }

    /// What a higher safety stock takes from the unused rights of the minter:
    /// as much as O exceeds A − `safety_stock`, and never more than it holds.
    #[must_use]
    pub fn burn_of_safety_stock(&self, minter: ReplicaId, safety_stock: i64) -> i64 {
        let beyond = self.outstanding() - (self.units - safety_stock.max(0)).max(0);
        beyond.clamp(0, self.cells.rights(minter).max(0))
    }
}

/// What is left of the units beyond a safety stock and what is outstanding, in
/// whole quanta.
#[must_use]
pub(crate) fn room(units: i64, safety_stock: i64, outstanding: i64, quantum: i64) -> i64 {
    let room = units - safety_stock.max(0) - outstanding;
    whole(room.max(0), quantum)
}

/// Rounds up to whole quanta; a quantum below one thousandth counts as one.
#[must_use]
pub(crate) const fn whole_up(quantity: i64, quantum: i64) -> i64 {
    let quantum = if quantum < 1 { 1 } else { quantum };
    quantity.saturating_add((quantum - quantity.rem_euclid(quantum)) % quantum)
}

/// Rounds down to whole quanta; a quantum below one thousandth counts as one.
pub(super) const fn whole(quantity: i64, quantum: i64) -> i64 {
    let quantum = if quantum < 1 { 1 } else { quantum };
    quantity - quantity.rem_euclid(quantum)
}

/// What an outflow burns: `outflow` is the net fall of sellable + staged that
/// settles no live promise, `rights` what the replica that records it holds.
/// What exceeds the burn is uncovered, and can break a promise.
#[must_use]
pub const fn burn_of_outflow(outflow: i64, rights: i64) -> i64 {
    let rights = if rights > 0 { rights } else { 0 };
    if outflow < 0 {
        0
    } else if outflow < rights {
        outflow
    } else {
        rights
    }
}

/// How the hub settles a debt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settlement {
    /// Soft holds to end first: they have no promise yet.
    pub end_soft_holds: i64,
    /// Unused rights of the hub to burn.
    pub burn: i64,
    /// What the node's own unused rights will cover once it sees the debt.
    pub left_to_node: i64,
    /// What only promises can cover: each opens a suspected breach.
    pub suspected: i64,
}

/// Settles the debt of a pair, at the hub. Only after the hub has drained the
/// node's journal to the head that the node announced: in the middle of a
/// catch-up a sale may be in and the goods received before it not yet.
#[must_use]
pub fn settle(
    position: &Position<'_>,
    hub: ReplicaId,
    minter: ReplicaId,
    soft_holds: i64,
) -> Settlement {
    let debt = position.debt();
    let held = position.cells.rights(hub).max(0);
    let burn = debt.min(held);
    let others = if minter == hub || position.cells.is_sealed(minter) {
        0
    } else {
        position.cells.rights(minter).max(0)
    };
    let left_to_node = (debt - burn).min(others);
    Settlement {
        end_soft_holds: (soft_holds - (held - burn)).max(0),
        burn,
        left_to_node,
        suspected: debt - burn - left_to_node,
    }
}

#[cfg(test)]
mod tests {
    use super::whole_up;

    /// Regression: a store that had been silent for a moment was discounted by a
    /// thousandth of a piece, and 1.999 pieces were promised.
    #[test]
    fn pieces_are_discounted_and_promised_whole() {
        assert_eq!(
            [0, 1, 1_000, 1_001].map(|q| whole_up(q, 1_000)),
            [0, 1_000, 1_000, 2_000]
        );
        assert_eq!(whole_up(250, 100), 300);
    }
}
