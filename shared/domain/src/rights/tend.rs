//! What the minter of a location does about a pair: destroy, create, hand on.
//!
//! It looks at levels only, so it may be asked at any time and any number of
//! times: where nothing is to be done it says so.
//!
//! Invariant: what it writes leaves O ≤ A − `safety_stock` or lower than before,
//! and hands on nothing that it does not hold.

use super::{CellWrite, Position, RightsError, Share, answer_request, grant_by_share};
use crate::ids::ReplicaId;

/// What holds for a pair, by policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Units withheld from remote promises, in thousandths.
    pub safety_stock: i64,
    /// How rights are shared between the tills and remote channels.
    pub share: Share,
    /// Whether nothing is minted before the product was counted, because its
    /// records end with a machine that was lost.
    pub awaits_count: bool,
}

/// What `minter` writes about a pair now; `None` when all is as it should be.
/// `hub` is who promises remotely, if the minter knows of one, and `asked` how
/// much more it asks for, in thousandths.
///
/// A debt is paid from its own unused rights first, then a safety stock that
/// rose; otherwise the level is filled up. A grant may hand on what this very
/// write mints: whoever can use it holds the entry that says both.
///
/// # Errors
/// A sealed replica writes nothing; counters stay within 64 bits.
pub fn tend(
    position: &Position<'_>,
    minter: ReplicaId,
    hub: Option<ReplicaId>,
    (terms, asked): (Terms, i64),
) -> Result<Option<CellWrite>, RightsError> {
    let mut cells = position.cells.clone();
    let before = cells.own(minter);
    let held = cells.rights(minter).max(0);
    let owed = position.debt().min(held);
    let burn = owed.max(position.burn_of_safety_stock(minter, terms.safety_stock));
    let mut write = if burn > 0 {
        cells.burn(minter, burn)?
    } else if terms.awaits_count {
        CellWrite {
            own: before,
            ..CellWrite::default()
        }
    } else {
        let room = position.mintable(terms.safety_stock, terms.share.quantum);
        cells.mint(minter, room)?
    };
    cells.apply(minter, &write);
    if let Some(hub) = hub.filter(|hub| !cells.is_sealed(*hub)) {
        let usable = cells.rights(minter);
        let share = grant_by_share(terms.share, usable, cells.rights(hub));
        let grant = share.max(answer_request(terms.share, usable, asked));
        if grant > 0 {
            write.join(cells.transfer(minter, hub, grant, usable)?);
        }
    }
    let changed = write.own != before || !write.sent.is_empty();
    Ok(changed.then_some(write))
}

#[cfg(test)]
mod tests {
    use super::super::Cells;
    use super::*;

    const NODE: ReplicaId = ReplicaId(1);
    const HUB: ReplicaId = ReplicaId(2);
    const TERMS: Terms = Terms {
        safety_stock: 2_000,
        share: Share {
            per_mille: 500,
            keep: 1_000,
            quantum: 1_000,
        },
        awaits_count: false,
    };

    fn tended(cells: &mut Cells, live_promises: i64, units: i64) -> bool {
        tended_for(cells, (live_promises, units), 0)
    }

    fn tended_for(cells: &mut Cells, (live_promises, units): (i64, i64), asked: i64) -> bool {
        let position = Position {
            cells,
            live_promises,
            units,
        };
        let write = tend(&position, NODE, Some(HUB), (TERMS, asked)).unwrap();
        let changed = write.is_some();
        if let Some(write) = write {
            cells.apply(NODE, &write);
        }
        changed
    }

    #[test]
    fn the_level_is_filled_and_shared_once() {
        let mut cells = Cells::default();
        assert!(tended(&mut cells, 0, 10_000));
        assert_eq!((cells.rights(NODE), cells.rights(HUB)), (4_000, 4_000));
        assert!(!tended(&mut cells, 0, 10_000), "nothing is left to do");
    }

    #[test]
    fn a_wish_is_met_beyond_the_share_but_for_a_handful() {
        let mut cells = Cells::default();
        assert!(tended_for(&mut cells, (0, 10_000), 6_000));
        assert_eq!((cells.rights(NODE), cells.rights(HUB)), (2_000, 6_000));
        assert!(tended_for(&mut cells, (0, 10_000), 6_000));
        assert_eq!((cells.rights(NODE), cells.rights(HUB)), (1_000, 7_000));
        assert!(!tended_for(&mut cells, (0, 10_000), 6_000));
    }

    #[test]
    fn nothing_is_minted_of_what_is_still_to_be_counted() {
        let cells = Cells::default();
        let position = Position {
            cells: &cells,
            live_promises: 0,
            units: 10_000,
        };
        let terms = Terms {
            awaits_count: true,
            ..TERMS
        };
        assert_eq!(tend(&position, NODE, Some(HUB), (terms, 0)), Ok(None));
    }

    #[test]
    fn a_debt_is_paid_before_anything_is_minted() {
        let mut cells = Cells::default();
        tended(&mut cells, 0, 10_000);
        assert!(tended(&mut cells, 0, 5_000));
        assert_eq!((cells.rights(NODE), cells.rights(HUB)), (0, 4_000));
        assert!(!tended(&mut cells, 0, 1_000), "it has nothing to pay with");
        assert!(tended(&mut cells, 0, 10_000));
        assert_eq!(cells.rights(NODE) + cells.rights(HUB), 8_000);
    }
}
