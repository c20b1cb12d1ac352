//! Rights: views merge in any order, nobody debits what it does not hold, and
//! minting and settling keep the sums apart.

use std::collections::BTreeMap;

use evertill_domain::ReplicaId;
use evertill_domain::rights::{
    CellWrite, Cells, End, Position, PromiseParts, RightsError, burn_of_outflow, settle,
};
use proptest::prelude::*;

const HUB: ReplicaId = ReplicaId(1);
const NODE: ReplicaId = ReplicaId(2);
const REPLICAS: [ReplicaId; 3] = [HUB, NODE, ReplicaId(3)];

/// Something a replica tries with rights of its own.
#[derive(Clone, Copy, Debug)]
enum Try {
    Mint,
    Promise,
    Release,
    Burn,
    HandOn(usize),
}

fn tries() -> impl Strategy<Value = Vec<(usize, Try, i64)>> {
    let what = prop_oneof![
        Just(Try::Mint),
        Just(Try::Promise),
        Just(Try::Release),
        Just(Try::Burn),
        (0_usize..3).prop_map(Try::HandOn),
    ];
    prop::collection::vec((0_usize..3, what, 0_i64..5_000), 0..40)
}

/// Carries the tries out on one view; gives what each entry wrote.
fn written(tries: &[(usize, Try, i64)]) -> (Cells, Vec<(ReplicaId, CellWrite)>) {
    let mut cells = Cells::default();
    let mut writes = Vec::new();
    for (who, what, quantity) in tries {
        let who = REPLICAS[*who];
        let held = cells.rights(who);
        let write = match what {
            Try::Mint => cells.mint(who, *quantity),
            Try::Promise => cells.promise(who, *quantity, held),
            // Only what was promised can come back.
            Try::Release => {
                let own = cells.own(who);
                cells.release(who, (*quantity).min(own.used - own.release))
            }
            Try::Burn => cells.burn(who, *quantity),
            Try::HandOn(to) if REPLICAS[*to] == who => continue,
            Try::HandOn(to) => cells.transfer(who, REPLICAS[*to], *quantity, held),
        };
        if let Ok(write) = write {
            cells.apply(who, &write);
            writes.push((who, write));
        }
    }
    (cells, writes)
}

proptest! {
    #[test]
    fn rights_are_never_negative_and_sum_to_what_was_minted(tries in tries()) {
        let (cells, _) = written(&tries);
        let mut expected = 0;
        for replica in REPLICAS {
            prop_assert!(cells.rights(replica) >= 0);
            let own = cells.own(replica);
            expected += own.mint + own.release - own.used - own.burn;
        }
        prop_assert_eq!(cells.unsealed_rights(), expected);
    }

    #[test]
    fn views_merge_in_any_order_and_any_number_of_times(
        tries in tries(), seed in any::<u64>(), half in 0_usize..40,
    ) {
        let (cells, mut writes) = written(&tries);
        let half = half.min(writes.len());
        // Some order, some twice.
        let mut state = seed | 1;
        for i in (1..writes.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            writes.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
        }
        let (mut one, mut other) = (Cells::default(), Cells::default());
        for (i, (who, write)) in writes.iter().enumerate() {
            if i < half { one.apply(*who, write) } else { other.apply(*who, write) }
            if i % 3 == 0 { one.apply(*who, write) }
        }
        let mut merged = one.clone();
        merged.merge(&other);
        other.merge(&one);
        prop_assert_eq!(&merged, &other);
        merged.merge(&one);
        prop_assert_eq!(&merged, &cells);
    }

    #[test]
    fn minting_keeps_rights_and_promises_within_the_units(
        tries in tries(), live in 0_i64..20_000, units in -5_000_i64..60_000,
        safety_stock in 0_i64..9_000, quantum in 1_i64..2_000,
    ) {
        let (cells, _) = written(&tries);
        let position = Position { cells: &cells, live_promises: live, units };
        let mintable = position.mintable(safety_stock, quantum);
        prop_assert!(mintable >= 0 && mintable % quantum == 0);
        if mintable > 0 {
            prop_assert!(position.outstanding() + mintable <= units - safety_stock);
            prop_assert_eq!(position.debt(), 0);
        }
        let burn = position.burn_of_safety_stock(NODE, safety_stock);
        prop_assert!((0..=cells.rights(NODE)).contains(&burn));
    }

    #[test]
    fn a_settlement_accounts_for_the_whole_debt(
        tries in tries(), live in 0_i64..20_000, units in -5_000_i64..30_000,
        holds in 0_i64..9_000,
    ) {
        let (cells, _) = written(&tries);
        let position = Position { cells: &cells, live_promises: live, units };
        let found = settle(&position, HUB, NODE, holds);
        prop_assert_eq!(found.burn + found.left_to_node + found.suspected, position.debt());
        prop_assert!(found.burn <= cells.rights(HUB));
        prop_assert!(found.left_to_node <= cells.rights(NODE));
        // What carts hold is no more than what the hub has left.
        prop_assert!(holds - found.end_soft_holds <= cells.rights(HUB) - found.burn);
    }

    #[test]
    fn the_ends_of_a_promise_commute(
        promised in 0_i64..9_000,
        ends in prop::collection::vec((0_u8..4, 0_i64..4_000), 0..8),
    ) {
        let of = |ends: &mut dyn Iterator<Item = &(u8, i64)>| {
            let mut parts = PromiseParts::of(promised);
            for (how, quantity) in ends {
                match how {
                    0 => drop(parts.end(End::Settled, *quantity)),
                    1 => drop(parts.end(End::Released, *quantity)),
                    2 => drop(parts.end(End::Breached, *quantity)),
                    _ => parts.withdraw(*quantity),
                }
            }
            parts
        };
        let parts = of(&mut ends.iter());
        prop_assert_eq!(parts, of(&mut ends.iter().rev()));
        prop_assert!(parts.live() >= 0 && parts.live() <= promised);
        prop_assert_eq!(parts.deliverable() + parts.releasable(), parts.live());
    }

    #[test]
    fn an_outflow_burns_what_there_is_and_no_more(outflow: i32, rights: i32) {
        let (outflow, rights) = (i64::from(outflow), i64::from(rights));
        let burn = burn_of_outflow(outflow, rights);
        prop_assert_eq!(burn, outflow.max(0).min(rights.max(0)));
    }
}

#[test]
fn what_is_not_held_is_not_debited() {
    let mut cells = Cells::default();
    cells.apply(NODE, &cells.mint(NODE, 3_000).unwrap());
    let asked = cells.promise(NODE, 4_000, 9_000);
    let held = RightsError::NotHeld {
        asked: 4_000,
        held: 3_000,
    };
    assert_eq!(asked, Err(held));
    assert_eq!(
        cells.transfer(HUB, NODE, 1, 1).unwrap_err().to_string(),
        "1 thousandths were asked for, and the replica holds rights to 0"
    );
    assert_eq!(cells.mint(NODE, -1), Err(RightsError::OutOfRange));
    // A mint that no second medium holds yet is not used.
    assert_eq!(cells.usable(NODE, 1_000), 1_000);
}

#[test]
fn a_seal_stands_for_everyone_at_the_same_values() {
    let mut cells = Cells::default();
    cells.apply(NODE, &cells.mint(NODE, 9_000).unwrap());
    cells.apply(NODE, &cells.transfer(NODE, HUB, 4_000, 9_000).unwrap());
    let seal = cells.seal_of(NODE);
    cells.seal(NODE, seal);
    assert_eq!(cells.unsealed_rights(), 4_000);
    // What the lost replica had written beyond it comes late and changes nothing.
    let late = CellWrite {
        own: cells.own(NODE),
        sent: BTreeMap::from([(HUB, 9_000)]),
    };
    cells.apply(NODE, &late);
    assert_eq!(cells.rights(HUB), 4_000);
    assert_eq!(cells.mint(NODE, 1_000), Err(RightsError::SealedReplica));
    assert_eq!(
        cells.transfer(HUB, NODE, 1_000, 4_000),
        Err(RightsError::SealedReplica)
    );
}
