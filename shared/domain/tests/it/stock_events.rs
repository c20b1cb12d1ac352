//! Events of stock documents: movements, counts asked for, counts posted.

use std::collections::BTreeMap;

use evertill_domain::count::{CountLine, CountResult};
use evertill_domain::event::{self, Event};
use evertill_domain::{
    Bucket, BusinessDate, CountPosted, CountRequest, Movement, MovementReason, MovementRecord,
    Quantity, ReplicaId, Sku, StockKey, Timestamp, Unit, effects,
};
use proptest::prelude::*;

#[track_caller]
fn trip(event: &Event) -> Vec<u8> {
    let bytes = event::encode(event);
    let read = event::decode(&bytes);
    assert_eq!(read.as_ref(), Ok(event), "{}", hex::encode(&bytes));
    bytes
}

/// The fold of some events: every figure that is not zero.
pub fn stock<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<StockKey, i64> {
    let mut sums = BTreeMap::new();
    for delta in events.into_iter().flat_map(|event| effects(event).stock) {
        *sums.entry(delta.key).or_default() += delta.delta;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn on_hand(stock: &BTreeMap<StockKey, i64>, sku: &Sku) -> i64 {
    let physical = stock
        .iter()
        .filter(|(key, _)| key.sku == *sku && key.bucket.is_physical());
    physical.map(|(_, sum)| sum).sum()
}

pub fn movement(sku: &str, from: Bucket, to: Bucket, thousandths: i64) -> Movement {
    Movement {
        sku: sku.parse().unwrap(),
        from,
        to,
        quantity: Quantity::from_thousandths(thousandths).unwrap(),
        lot: None,
        owner: None,
    }
}

pub fn record(reason: MovementReason, lines: Vec<Movement>) -> MovementRecord {
    MovementRecord {
        location: "S001".parse().unwrap(),
        reason,
        at: Timestamp::from_millis(1_483_228_800_000),
        business_date: BusinessDate::from_days(17_166).unwrap(),
        by: None,
        reference: None,
        lines,
    }
}

pub fn request() -> CountRequest {
    CountRequest {
        location: "S001".parse().unwrap(),
        requested_at: Timestamp::from_millis(1_483_228_800_123),
        by: Some("anna".to_owned()),
        reference: Some("2017".to_owned()),
        lines: vec![CountLine {
            sku: "4011".parse().unwrap(),
            unit: Unit::Kilogram,
            counted: Quantity::from_thousandths(12_345).unwrap(),
            lot: None,
        }],
        seen: vec![(ReplicaId(7), 41), (ReplicaId(u64::MAX), 1)],
    }
}

pub fn posted(expected: i64) -> CountPosted {
    CountPosted {
        location: "S001".parse().unwrap(),
        posted_at: Timestamp::from_millis(1_483_228_900_000),
        lines: vec![CountResult {
            sku: "4011".parse().unwrap(),
            counted: Quantity::from_thousandths(12_345).unwrap(),
            expected,
            lot: None,
        }],
    }
}

fn bucket() -> impl Strategy<Value = Bucket> {
    prop::sample::select(Bucket::ALL.to_vec())
}

fn lot() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[A-Z0-9]{0,4}")
}

prop_compose! {
    pub fn any_movement()(
        sku in "[A-C]|401[0-3]",
        from in bucket(),
        to in bucket(),
        thousandths in 1_i64..5_000,
        lot in lot(),
        owner in lot(),
    ) -> Movement {
        // A movement needs two buckets.
        let to = if to == from { Bucket::from_code((from.code() + 1) % 12).unwrap() } else { to };
        Movement { lot, owner, ..movement(&sku, from, to, thousandths) }
    }
}

proptest! {
    #[test]
    fn on_hand_is_the_sum_of_the_movements(
        records in prop::collection::vec(prop::collection::vec(any_movement(), 1..6), 1..8),
    ) {
        let all: Vec<Movement> = records.iter().flatten().cloned().collect();
        let events: Vec<Event> = records
            .into_iter()
            .map(|lines| Event::Movements(record(MovementReason::Adjustment, lines)))
            .collect();
        for event in &events { trip(event); }
        let stock = stock(&events);
        for sku in all.iter().map(|movement| &movement.sku) {
            let of_sku = all.iter().filter(|movement| movement.sku == *sku);
            let expected: i64 = of_sku
                .map(|movement| {
                    let into = i64::from(movement.to.is_physical());
                    let out = i64::from(movement.from.is_physical());
                    (into - out) * movement.quantity.thousandths()
                })
                .sum();
            prop_assert_eq!(on_hand(&stock, sku), expected);
            let total: i64 = stock.iter().filter(|(key, _)| key.sku == *sku).map(|(_, s)| s).sum();
            prop_assert_eq!(total, 0);
        }
    }

    #[test]
    fn a_posted_count_brings_the_figure_to_what_was_counted(
        counted in 0_i64..50_000,
        opened in -50_000_i64..50_000,
        sold_meanwhile in 1_i64..9_000,
    ) {
        // What the counter had seen, a sale meanwhile, and the posting.
        let mut events = vec![Event::Movements(record(MovementReason::Receiving, vec![
            movement("4011", Bucket::Supplier, Bucket::Sellable, 50_000),
        ]))];
        let rest = 50_000 - opened;
        if rest > 0 {
            let out = movement("4011", Bucket::Sellable, Bucket::Shrinkage, rest);
            events.push(Event::Movements(record(MovementReason::WriteOff, vec![out])));
        }
        let sku: Sku = "4011".parse().unwrap();
        prop_assert_eq!(on_hand(&stock(&events), &sku), opened);
        let sale = movement("4011", Bucket::Sellable, Bucket::Damaged, sold_meanwhile);
        let mut count = posted(opened);
        count.lines[0].counted = Quantity::from_thousandths(counted).unwrap();
        events.push(Event::Movements(record(MovementReason::Damage, vec![sale])));
        events.push(Event::CountPosted(count));
        let sums = stock(&events);
        let key = StockKey {
            location: "S001".parse().unwrap(),
            sku: sku.clone(),
            bucket: Bucket::Sellable,
            owner: None,
            lot: None,
        };
        prop_assert_eq!(sums.get(&key).copied().unwrap_or(0), counted - sold_meanwhile);
        trip(events.last().unwrap());
    }
}

#[test]
fn counts_come_back_and_a_request_moves_nothing() {
    let request = Event::CountRequested(request());
    trip(&request);
    assert!(stock([&request]).is_empty());
    for expected in [12_345, 0, -5, 999_999_999_000] {
        trip(&Event::CountPosted(posted(expected)));
    }
    assert!(stock([&Event::CountPosted(posted(12_345))]).is_empty());
}

#[test]
fn unsound_records_are_refused_in_words() {
    let good = movement("A", Bucket::Sellable, Bucket::Damaged, 1_000);
    let damage = |lines| record(MovementReason::Damage, lines);
    let same = Movement {
        to: Bucket::Sellable,
        ..good.clone()
    };
    let nothing = Movement {
        quantity: Quantity::ZERO,
        ..good.clone()
    };
    let long = Movement {
        lot: Some("x".repeat(201)),
        ..good.clone()
    };
    for (record, why) in [
        (damage(vec![]), "no lines"),
        (damage(vec![good.clone(); 501]), "more than 500"),
        (damage(vec![good.clone(), same]), "to itself (line 2)"),
        (damage(vec![nothing]), "above zero"),
        (damage(vec![long]), "200 bytes"),
        (record(MovementReason::Sale, vec![good]), "receipts"),
    ] {
        let error = record.check().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        // It cannot be read either, should somebody write it.
        if !record.lines.is_empty() {
            let bytes = event::encode(&Event::Movements(record));
            assert!(event::decode(&bytes).is_err(), "{why}");
        }
    }
    let mut twice = request();
    twice.lines.push(twice.lines[0].clone());
    let mut unordered = request();
    unordered.seen.reverse();
    let mut half = request();
    half.lines[0].unit = Unit::Each;
    for (request, why) in [
        (twice, "twice"),
        (unordered, "in order"),
        (half, "not whole"),
    ] {
        let error = request.check().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(event::decode(&event::encode(&Event::CountRequested(request))).is_err());
    }
    for expected in [i64::MIN, i64::MAX, -999_999_999_999] {
        let count = posted(expected);
        assert!(count.check().unwrap_err().to_string().contains("too large"));
        assert!(count.movements().is_empty());
        assert!(event::decode(&event::encode(&Event::CountPosted(count))).is_err());
    }
}
