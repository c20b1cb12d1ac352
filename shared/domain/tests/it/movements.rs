//! Goods that move without a sale: what is recorded, and every wrong request.

use std::collections::BTreeMap;

use evertill_domain::movement::{MovementCommand, MovementContext, MovementLine, decide_movements};
use evertill_domain::policy::AllowedMovement;
use evertill_domain::rejection::Rejections;
use evertill_domain::{Bucket, Event, MovementReason, MovementRecord, Quantity, Timestamp, event};

use crate::baskets::{Shop, thousandths};
use crate::stock_events::stock;

fn line(sku: &str, from: Bucket, to: Bucket, quantity: i64) -> MovementLine {
    MovementLine {
        sku: sku.parse().unwrap(),
        from,
        to,
        quantity: thousandths(quantity),
        lot: None,
    }
}

fn command(reason: MovementReason, lines: Vec<MovementLine>) -> MovementCommand {
    MovementCommand {
        reason,
        lines,
        by: Some("anna".to_owned()),
        reference: None,
    }
}

fn decide(shop: &Shop, command: &MovementCommand) -> Result<MovementRecord, Rejections> {
    let context = MovementContext {
        location: &shop.location,
        now: Timestamp::from_millis(1_483_228_800_000),
        policies: &shop.policies,
        products: &shop.products,
    };
    decide_movements(command, &context)
}

#[track_caller]
fn expect(command: &MovementCommand, pointer: &str, code: &str) {
    let refused = decide(&Shop::new(), command).unwrap_err();
    let field = &refused.fields()[0];
    assert_eq!((&*field.pointer, field.code), (pointer, code), "{refused}");
    assert!(field.detail.len() > 20, "{refused}");
}

#[test]
fn a_delivery_and_its_breakage_are_recorded() {
    use Bucket::{Damaged, Receiving, Sellable, Supplier};
    let shop = Shop::new();
    let delivery = command(
        MovementReason::Receiving,
        vec![
            line("MILK", Supplier, Receiving, 12_000),
            line("HAM", Supplier, Sellable, 2_345),
        ],
    );
    let broken = command(
        MovementReason::Damage,
        vec![line("MILK", Receiving, Damaged, 1_000)],
    );
    let records = [&delivery, &broken].map(|command| decide(&shop, command).unwrap());
    assert_eq!(records[0].business_date.to_string(), "2017-01-01");
    let events = records.map(Event::Movements);
    for event in &events {
        assert_eq!(event::decode(&event::encode(event)).as_ref(), Ok(event));
    }
    let sums: BTreeMap<(String, Bucket), i64> = stock(&events)
        .into_iter()
        .map(|(key, sum)| ((key.sku.to_string(), key.bucket), sum))
        .collect();
    assert_eq!(sums[&("MILK".to_owned(), Receiving)], 11_000);
    assert_eq!(sums[&("MILK".to_owned(), Damaged)], 1_000);
    assert_eq!(sums[&("MILK".to_owned(), Supplier)], -12_000);
    assert_eq!(sums[&("HAM".to_owned(), Sellable)], 2_345);
}

#[test]
fn every_wrong_request_names_its_field() {
    use Bucket::{Damaged, Sellable};
    let good = line("MILK", Sellable, Damaged, 1_000);
    let damage = |lines| command(MovementReason::Damage, lines);
    expect(&damage(vec![]), "/lines", "no_lines");
    expect(&damage(vec![good.clone(); 501]), "/lines", "too_many_lines");
    let reason = command(MovementReason::Sale, vec![good.clone()]);
    expect(&reason, "/reason", "reason_of_receipts");
    let unknown = line("NONSENSE", Sellable, Damaged, 1_000);
    expect(
        &damage(vec![good.clone(), unknown]),
        "/lines/1/sku",
        "unknown_sku",
    );
    let half = line("MILK", Sellable, Damaged, 500);
    expect(&damage(vec![half]), "/lines/0/quantity", "too_precise");
    for quantity in [0, -1_000] {
        let nothing = line("MILK", Sellable, Damaged, quantity);
        expect(&damage(vec![nothing]), "/lines/0/quantity", "not_positive");
    }
    let back = line("MILK", Damaged, Sellable, 1_000);
    expect(&damage(vec![back]), "/lines/0", "movement_not_allowed");
    let still = line("MILK", Sellable, Sellable, 1_000);
    expect(&damage(vec![still]), "/lines/0", "movement_not_allowed");
    let long = Some("x".repeat(201));
    let mut by = damage(vec![good.clone()]);
    by.by.clone_from(&long);
    expect(&by, "/by", "too_long");
    let lot = MovementLine { lot: long, ..good };
    expect(&damage(vec![lot]), "/lines/0/lot", "too_long");
}

#[test]
fn the_policy_says_which_ways_are_open() {
    let mut shop = Shop::new();
    let odd = AllowedMovement {
        reason: MovementReason::Found,
        from: Bucket::Customer,
        to: Bucket::Staged,
    };
    let found = command(
        MovementReason::Found,
        vec![line("MILK", odd.from, odd.to, 1_000)],
    );
    let refused = decide(&shop, &found).unwrap_err().to_string();
    assert!(refused.contains("adjustment to sellable"), "{refused}");
    shop.policies.movements.allowed.insert(odd);
    let record = decide(&shop, &found).unwrap();
    assert_eq!(record.lines[0].quantity, Quantity::ONE);
}

#[test]
fn policies_that_cannot_be_used_are_named() {
    let shop = Shop::new();
    assert_eq!(shop.policies.tax.validate(), []);
    assert_eq!(shop.policies.rounding.validate(), []);
    for (policy, pointer) in [
        (
            r#"{"classes":{"zero":[{"code":"T","rate":"0.1"}]}}"#,
            "/classes/zero",
        ),
        (
            r#"{"classes":{"x":[{"code":"T","rate":"0.1"},{"code":"T","rate":"0.1"}]}}"#,
            "/classes/x",
        ),
        (
            r#"{"locations":{"S001":{"classes":{"zero":[{"code":"T","rate":"0.1"}]}}}}"#,
            "/locations/S001/classes/zero",
        ),
    ] {
        let policy: evertill_domain::policy::TaxPolicy = serde_json::from_str(policy).unwrap();
        assert_eq!(policy.validate()[0].pointer, pointer);
    }
    let rounding: evertill_domain::policy::RoundingPolicy =
        serde_json::from_str(r#"{"cash":{"USD":{"increment":0}}}"#).unwrap();
    assert_eq!(rounding.validate()[0].pointer, "/cash/USD/increment");
}
