//! Routing: rights are never exceeded, plans replay, and reasons are complete.

use std::collections::BTreeMap;

use evertill_domain::opening::Opening;
use evertill_domain::policy::{RoutingPolicy, SoftRule};
use evertill_domain::routing::{
    Candidate, Destination, HardRule, Plan, Position, Rule, Snapshot, Wanted, plan,
};
use evertill_domain::{Sku, Timestamp};

pub const NOW: i64 = 1_800_000_000_000;

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

/// A location with so many units of TEA, at a place on a line eastwards.
pub fn candidate(location: &str, units: i64, kilometres: i64) -> Candidate {
    let stock = BTreeMap::from([(sku("TEA"), units * 1_000)]);
    Candidate {
        location: location.parse().unwrap(),
        position: Some(Position {
            latitude: 47_000_000,
            longitude: 8_000_000 + kilometres * 13_000,
        }),
        kind: None,
        area: None,
        usable: stock.clone(),
        depth: stock,
        demand: BTreeMap::new(),
        free_capacity: 10,
        ready_at: Timestamp::from_millis(NOW),
        opening: Some(Opening::Open),
        selling_open: true,
        suspended: false,
        data_age_s: 5,
        cooling_until: None,
    }
}

pub fn snapshot(pieces: i64, candidates: Vec<Candidate>) -> Snapshot {
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
            area: None,
        },
        promise_by: None,
        allow_split: true,
        allow_partial: false,
        policy_version: 3,
        candidates,
        asked: Vec::new(),
    }
}

pub fn chosen(plan: &Plan) -> Vec<(String, i64)> {
    let parts = plan.assignments.iter();
    parts
        .map(|part| (part.location.to_string(), part.quantity / 1_000))
        .collect()
}

pub fn by_default(snapshot: &Snapshot) -> Plan {
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
