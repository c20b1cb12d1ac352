//! Routing: rights are never exceeded, plans replay, and reasons are complete.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::policy::{RoutingPolicy, SoftRule};
use evertill_domain::routing::{
    Candidate, Destination, HardRule, Plan, Position, Rule, Snapshot, Wanted, plan,
};
use evertill_domain::{Sku, Timestamp};
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000_000;

fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

/// A location with so many units of TEA, at a place on a line eastwards.
fn candidate(location: &str, units: i64, kilometres: i64) -> Candidate {
    let stock = BTreeMap::from([(sku("TEA"), units * 1_000)]);
    Candidate {
        location: location.parse().unwrap(),
        position: Some(Position {
            latitude: 47_000_000,
            longitude: 8_000_000 + kilometres * 13_000,
        }),
        zones: BTreeSet::new(),
        usable: stock.clone(),
        depth: stock,
        demand: BTreeMap::new(),
        free_capacity: 10,
        cost: 500,
        ready_at: Timestamp::from_millis(NOW),
        selling_open: true,
        suspended: false,
        data_age_s: 5,
        cooling_until: None,
    }
}

fn snapshot(pieces: i64, candidates: Vec<Candidate>) -> Snapshot {
    Snapshot {
        order: "order-1".to_owned(),
        now: Timestamp::from_millis(NOW),
        wanted: vec![Wanted {
            line: 1,
            sku: sku("TEA"),
            quantity: pieces * 1_000,
        }],
        destination: Destination::Ship {
            position: Some(Position {
                latitude: 47_000_000,
                longitude: 8_000_000,
            }),
            zone: None,
        },
        promise_by: None,
        allow_split: true,
        allow_partial: false,
        policy_version: 3,
        candidates,
    }
}

fn chosen(plan: &Plan) -> Vec<(String, i64)> {
    let parts = plan.assignments.iter();
    parts
        .map(|part| (part.location.to_string(), part.quantity / 1_000))
        .collect()
}

fn by_default(snapshot: &Snapshot) -> Plan {
    plan(snapshot, &RoutingPolicy::default())
}

#[test]
fn the_nearer_of_equals_is_chosen_and_one_store_beats_two() {
    let near = candidate("S001", 5, 3);
    let far = candidate("S002", 5, 300);
    let both = snapshot(2, vec![far.clone(), near.clone()]);
    assert_eq!(chosen(&by_default(&both)), [("S001".to_owned(), 2)]);
    let small = candidate("S003", 1, 1);
    let whole = snapshot(5, vec![small, far, near]);
    assert_eq!(chosen(&by_default(&whole)), [("S001".to_owned(), 5)]);
}

#[test]
fn an_order_is_split_over_as_few_as_cover_it_or_not_at_all() {
    let stores = vec![
        candidate("S001", 2, 1),
        candidate("S002", 4, 2),
        candidate("S003", 3, 3),
    ];
    let mut asked = snapshot(6, stores);
    let split = chosen(&by_default(&asked));
    assert_eq!(split, [("S001".to_owned(), 2), ("S002".to_owned(), 4)]);
    asked.allow_split = false;
    let none = by_default(&asked);
    assert_eq!(none.assignments, []);
    assert_eq!(none.unsourced, BTreeMap::from([(1, 6_000)]));
    asked.allow_partial = true;
    let part = by_default(&asked);
    assert_eq!(chosen(&part), [("S002".to_owned(), 4)]);
    assert_eq!(part.unsourced, BTreeMap::from([(1, 2_000)]));
}

#[test]
fn soft_rules_are_given_up_in_order_and_hard_ones_never() {
    let mut busy = candidate("S001", 5, 1);
    busy.free_capacity = 0;
    let mut closed = candidate("S002", 5, 1);
    closed.selling_open = false;
    let found = by_default(&snapshot(1, vec![busy.clone(), closed.clone()]));
    assert_eq!(chosen(&found), [("S001".to_owned(), 1)]);
    assert_eq!(
        found.relaxed,
        [SoftRule::Stockout, SoftRule::DataAge, SoftRule::Capacity]
    );
    let free = candidate("S003", 5, 900);
    let found = by_default(&snapshot(1, vec![busy, closed.clone(), free]));
    assert_eq!(chosen(&found), [("S003".to_owned(), 1)]);
    assert_eq!(found.relaxed, []);
    let found = by_default(&snapshot(1, vec![closed]));
    assert_eq!(found.assignments, []);
    let out = &found.considered[0];
    let verdict = out.verdicts.iter().find(|verdict| !verdict.holds).unwrap();
    assert_eq!(verdict.rule, Rule::Hard(HardRule::SellingOpen));
    assert_eq!(verdict.why, "its online selling is closed");
    assert_eq!(out.score, None);
}

#[test]
fn a_pickup_comes_from_its_store_and_a_rejection_cools_down() {
    let stores = vec![candidate("S001", 5, 1), candidate("S002", 5, 1)];
    let mut asked = snapshot(1, stores);
    asked.destination = Destination::Pickup("S002".parse().unwrap());
    assert_eq!(chosen(&by_default(&asked)), [("S002".to_owned(), 1)]);
    asked.candidates[1].cooling_until = Some(Timestamp::from_millis(NOW + 1));
    assert_eq!(by_default(&asked).assignments, []);
    asked.candidates[1].cooling_until = Some(Timestamp::from_millis(NOW));
    assert_eq!(by_default(&asked).assignments.len(), 1);
}

#[test]
fn a_store_keeps_what_its_own_customers_want_while_another_has_more() {
    let mut wanted_here = candidate("S001", 2, 1);
    wanted_here.demand.insert(sku("TEA"), 2_000);
    let other = candidate("S002", 2, 200);
    let found = by_default(&snapshot(1, vec![wanted_here, other]));
    assert_eq!(chosen(&found), [("S002".to_owned(), 1)]);
}

#[test]
fn equals_are_spread_over_the_orders() {
    let stores: Vec<Candidate> = (1..=4)
        .map(|n| candidate(&format!("S00{n}"), 9, 1))
        .collect();
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for order in 0..400 {
        let mut asked = snapshot(1, stores.clone());
        asked.order = format!("order-{order}");
        *count
            .entry(chosen(&by_default(&asked))[0].0.clone())
            .or_default() += 1;
    }
    assert_eq!(count.len(), 4);
    assert!(count.values().all(|orders| *orders > 60), "{count:?}");
}

#[test]
fn a_stored_snapshot_gives_the_identical_plan() {
    let asked = snapshot(6, vec![candidate("S001", 2, 1), candidate("S002", 4, 2)]);
    let found = by_default(&asked);
    let stored = serde_json::to_string(&(&asked, &found)).unwrap();
    let (again, kept): (Snapshot, Plan) = serde_json::from_str(&stored).unwrap();
    assert_eq!(by_default(&again), kept);
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.1));
    (0_u32..12, 0_i64..6, 0_i64..6, 0_i64..900, 0_u32..3, flags).prop_map(
        |(name, tea, milk, kilometres, free_capacity, (selling_open, suspended))| {
            let mut candidate = candidate(&format!("S{name:03}"), tea, kilometres);
            candidate.usable.insert(sku("MILK"), milk * 1_000);
            candidate.depth.insert(sku("MILK"), milk * 1_000);
            Candidate {
                free_capacity,
                selling_open,
                suspended,
                ..candidate
            }
        },
    )
}

proptest! {
    #[test]
    fn a_plan_stays_within_rights_and_limits(
        candidates in prop::collection::vec(any_candidate(), 0..12),
        tea in 1_i64..9, milk in 1_i64..9, allow_split: bool, allow_partial: bool,
        max_locations in 1_u8..4,
    ) {
        let mut asked = snapshot(tea, candidates);
        asked.wanted.push(Wanted { line: 2, sku: sku("MILK"), quantity: milk * 1_000 });
        asked.wanted.push(Wanted { line: 3, sku: sku("TEA"), quantity: 1_000 });
        asked.allow_split = allow_split;
        asked.allow_partial = allow_partial;
        asked.candidates.sort_by(|a, b| a.location.cmp(&b.location));
        asked.candidates.dedup_by(|a, b| a.location == b.location);
        let policy = RoutingPolicy { max_locations, ..RoutingPolicy::default() };
        let found = plan(&asked, &policy);

        let mut used: BTreeMap<(String, Sku), i64> = BTreeMap::new();
        let mut sourced: BTreeMap<u32, i64> = BTreeMap::new();
        for part in &found.assignments {
            let wanted = asked.wanted.iter().find(|wanted| wanted.line == part.line).unwrap();
            *used.entry((part.location.to_string(), wanted.sku.clone())).or_default() += part.quantity;
            *sourced.entry(part.line).or_default() += part.quantity;
        }
        for ((location, sku), quantity) in used {
            let from = asked.candidates.iter().find(|c| c.location.as_str() == location).unwrap();
            prop_assert!(quantity > 0 && quantity <= from.usable[&sku]);
            prop_assert!(from.selling_open && !from.suspended);
        }
        for wanted in &asked.wanted {
            let open = found.unsourced.get(&wanted.line).copied().unwrap_or_default();
            let have = sourced.get(&wanted.line).copied().unwrap_or_default();
            prop_assert_eq!(have + open, wanted.quantity);
        }
        let places: BTreeSet<_> = found.assignments.iter().map(|part| &part.location).collect();
        let most = if allow_split { usize::from(max_locations) } else { 1 };
        prop_assert!(places.len() <= most);
        prop_assert!(allow_partial || found.unsourced.is_empty() || found.assignments.is_empty());
        prop_assert_eq!(found.considered.len(), asked.candidates.len());
        prop_assert!(found.considered.iter().all(|c| c.verdicts.len() == 10));

        asked.candidates.reverse();
        prop_assert_eq!(plan(&asked, &policy), found);
    }
}
