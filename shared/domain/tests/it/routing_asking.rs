//! Which rights are worth a word to a store before an order is split.

use std::collections::BTreeMap;

use evertill_domain::policy::RoutingPolicy;
use evertill_domain::routing::{
    Candidate, RightsAsked, Snapshot, Spare, Spares, Wanted, plan, worth_asking,
};

use crate::routing::{by_default, candidate, sku, snapshot};

/// What each store holds of tea and milk at the hub, and could hand on.
fn asked(held: [(i64, i64); 2], spare: [(i64, i64); 2], allow_split: bool) -> Vec<RightsAsked> {
    let (snapshot, spares) = two_stores(held, spare, allow_split);
    let policy = RoutingPolicy::default();
    worth_asking(&snapshot, &plan(&snapshot, &policy), &policy, &spares)
}

fn two_stores(
    held: [(i64, i64); 2],
    spare: [(i64, i64); 2],
    allow_split: bool,
) -> (Snapshot, Spares) {
    let names = ["S001", "S002"];
    let stores = names.iter().zip(held).zip(spare);
    let candidates = names.iter().zip(held).map(|(name, (tea, milk))| {
        let mut candidate = candidate(name, tea, 3);
        candidate.usable.insert(sku("MILK"), milk * 1_000);
        // Both have plenty of both on the shelf.
        candidate.depth = BTreeMap::from([(sku("TEA"), 50_000), (sku("MILK"), 50_000)]);
        candidate
    });
    let candidates: Vec<Candidate> = candidates.collect();
    let mut asked = snapshot(1, candidates);
    asked.wanted.push(Wanted {
        line: 2,
        sku: sku("MILK"),
        quantity: 1_000,
    });
    asked.allow_split = allow_split;
    let spares = stores.map(|((name, held), spare)| {
        let of = |held: i64, spare: i64| Spare {
            rights: spare * 1_000,
            usable: (held + spare) * 1_000,
        };
        let of = [
            (sku("TEA"), of(held.0, spare.0)),
            (sku("MILK"), of(held.1, spare.1)),
        ];
        (name.parse().unwrap(), BTreeMap::from(of))
    });
    (asked, spares.collect())
}

fn one(location: &str, name: &str, pieces: i64) -> RightsAsked {
    RightsAsked {
        location: location.parse().unwrap(),
        sku: sku(name),
        quantity: pieces * 1_000,
    }
}

#[test]
fn the_store_that_could_keep_it_all_is_asked_for_what_is_missing() {
    let split = [(1, 0), (0, 1)];
    assert_eq!(
        asked(split, [(0, 5), (0, 0)], true),
        [one("S001", "MILK", 1)]
    );
    assert_eq!(
        asked(split, [(0, 0), (5, 0)], true),
        [one("S002", "TEA", 1)]
    );
    // Also where it may not be split, and could not be taken in at all.
    assert_eq!(
        asked(split, [(0, 0), (5, 0)], false),
        [one("S002", "TEA", 1)]
    );
}

#[test]
fn nobody_is_asked_where_it_changes_nothing() {
    // One location keeps it.
    assert_eq!(asked([(1, 1), (0, 0)], [(5, 5), (5, 5)], true), []);
    // Nobody can spare what is missing.
    assert_eq!(asked([(1, 0), (0, 1)], [(5, 0), (0, 5)], true), []);
    assert_eq!(asked([(0, 0), (0, 0)], [(5, 0), (0, 0)], false), []);
}

#[test]
fn what_stays_open_is_asked_for_even_if_it_makes_more_parcels() {
    let (mut snapshot, spares) = two_stores([(1, 0), (0, 0)], [(0, 0), (0, 2)], true);
    snapshot.allow_partial = true;
    let found = by_default(&snapshot);
    assert_eq!((found.parcels(), found.is_kept_by_one()), (1, false));
    let policy = RoutingPolicy::default();
    let asked = worth_asking(&snapshot, &found, &policy, &spares);
    assert_eq!(asked, [one("S002", "MILK", 1)]);
}

/// A channel that gets half of the hub's rights gets half of what comes.
#[test]
fn where_a_channel_gets_only_a_part_everything_is_asked_for() {
    let (snapshot, mut spares) = two_stores([(1, 0), (0, 1)], [(0, 4), (0, 0)], true);
    let milk = spares
        .get_mut(&"S001".parse().unwrap())
        .and_then(|of| of.get_mut(&sku("MILK")));
    milk.unwrap().usable = 2_000;
    let policy = RoutingPolicy::default();
    let found = plan(&snapshot, &policy);
    let asked = worth_asking(&snapshot, &found, &policy, &spares);
    assert_eq!(asked, [one("S001", "MILK", 4)]);
}
