//! Handing rights from a node to the hub, and how much.
//!
//! Invariant: a grant never exceeds what the node may use, and leaves it the
//! handful that the policy keeps at the tills.

use super::settlement::whole;

/// How a location's rights are shared between its tills and remote channels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// The hub's part of all unused rights, in thousandths of them (0 to 1,000).
    pub per_mille: u16,
    /// Units that stay with the node whatever the share says, in thousandths.
    pub keep: i64,
    /// Rights are handed on in multiples of this, in thousandths.
    pub quantum: i64,
}

/// What the node hands on by policy: up to the hub's share of all unused
/// rights, rounded half up to the quantum: rounded down, the only piece that a
/// store has would never be the web's, at any share below the whole. `usable` is
/// what the node may use, `at_hub` what it last knew the hub to hold unused.
#[must_use]
pub fn grant_by_share(share: Share, usable: i64, at_hub: i64) -> i64 {
    let usable = usable.max(0);
    let unused = usable.saturating_add(at_hub.max(0));
    let quantum = i128::from(share.quantum.max(1));
    let part = i128::from(unused) * i128::from(share.per_mille.min(1_000));
    let part = (part + quantum * 500) / (quantum * 1_000) * quantum;
    let part = i64::try_from(part).unwrap_or(i64::MAX);
    let wanted = (part - at_hub.max(0)).max(0);
    whole(wanted.min(free(share, usable)), share.quantum)
}

/// What the node hands on when the hub asks for `asked` more.
#[must_use]
pub fn answer_request(share: Share, usable: i64, asked: i64) -> i64 {
    whole(asked.max(0).min(free(share, usable)), share.quantum)
}

fn free(share: Share, usable: i64) -> i64 {
    (usable - share.keep.max(0)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Share = Share {
        per_mille: 500,
        keep: 2_000,
        quantum: 1_000,
    };

    #[test]
    fn the_hub_gets_its_share_and_the_tills_keep_a_handful() {
        assert_eq!(grant_by_share(HALF, 10_000, 0), 5_000);
        assert_eq!(grant_by_share(HALF, 5_000, 5_000), 0);
        assert_eq!(grant_by_share(HALF, 3_000, 0), 1_000);
        assert_eq!(grant_by_share(HALF, 2_000, 0), 0);
        assert_eq!(grant_by_share(HALF, -1_000, 0), 0);
    }

    /// Regression: rounded down, a single piece was never granted at 90 %.
    #[test]
    fn a_part_of_a_piece_is_rounded_half_up_and_never_beyond_what_is_free() {
        let share = |per_mille, keep| Share {
            per_mille,
            keep,
            quantum: 1_000,
        };
        let granted = |pieces: i64, share| grant_by_share(share, pieces * 1_000, 0) / 1_000;
        let all = [0, 1, 2, 3, 4, 5, 6, 15];
        assert_eq!(
            all.map(|pieces| granted(pieces, share(900, 0))),
            [0, 1, 2, 3, 4, 5, 5, 14]
        );
        assert_eq!(
            all.map(|pieces| granted(pieces, share(900, 1_000))),
            [0, 0, 1, 2, 3, 4, 5, 14]
        );
        assert_eq!(
            [499, 500].map(|share_of| granted(1, share(share_of, 0))),
            [0, 1]
        );
        // Of goods by weight a part is a part.
        let by_weight = Share {
            quantum: 1,
            ..share(333, 0)
        };
        assert_eq!(grant_by_share(by_weight, 1_000, 0), 333);
        assert_eq!(
            grant_by_share(share(1_000, 0), i64::MAX, 0),
            i64::MAX / 1_000 * 1_000
        );
    }

    #[test]
    fn a_request_takes_what_is_free_in_whole_quanta() {
        assert_eq!(answer_request(HALF, 10_000, 9_000), 8_000);
        assert_eq!(answer_request(HALF, 4_700, 9_000), 2_000);
        assert_eq!(answer_request(HALF, 4_700, -1), 0);
    }
}
