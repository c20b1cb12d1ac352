//! Which orders are accepted, and which are refused and why.

use std::collections::BTreeMap;

use evertill_domain::order::{
    Accepted, Backordered, FulfilmentKind, HoldPlaced, OrderBody, OrderStatus, PaymentMethod,
    PaymentState, PaymentStatus, PlaceLine, PlaceOrder, PlacePayment, Sourcing, Substitution,
    accept, opening, place,
};
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_domain::{Event, Money, Product, Quantity, Sku, Unit};

use super::build::{Written, at, line, money, placed, promised, store, units};

pub fn products() -> BTreeMap<Sku, Product> {
    let mut all = BTreeMap::new();
    for sku in ["4011", "4012", "WINE"] {
        let sku: Sku = sku.parse().unwrap();
        all.insert(sku.clone(), Product::new(sku, "a product"));
    }
    let wine = all.get_mut(&"WINE".parse().unwrap()).unwrap();
    wine.minimum_age = Some(21);
    all
}

/// Two lines, 3 × 5.00 and 1 × 5.00, collected at S001 and paid.
pub fn command() -> PlaceOrder {
    let of = |name: &str, sku: &str, quantity| PlaceLine {
        external_line_id: name.to_owned(),
        sku: sku.parse().unwrap(),
        quantity: units(quantity),
        unit_price: money(500),
        discount: None,
        taxes: Vec::new(),
        substitution: Substitution::None,
    };
    let mut fulfilment = placed(vec![line(1, "4011", 1)], FulfilmentKind::Pickup).fulfilment;
    fulfilment.location = Some(store("S001"));
    PlaceOrder {
        channel: "web".parse().unwrap(),
        external_id: "W-1001".to_owned(),
        placed_at: None,
        currency: super::build::usd(),
        customer_ref: Some("C-77".to_owned()),
        lines: vec![of("L1", "4011", 3), of("L2", "4012", 1)],
        shipping: None,
        total: money(2_000),
        fulfilment,
        payment: PlacePayment {
            status: PaymentStatus::Captured,
            method: PaymentMethod::Card,
            reference: Some("ch_1".to_owned()),
            amount: money(2_000),
            expires_at: None,
        },
        hold_until: None,
        holds: Vec::new(),
    }
}

fn accepted(command: &PlaceOrder) -> Accepted {
    accept(command, &products(), at(0)).unwrap()
}

fn plan() -> Sourcing {
    Sourcing {
        promises: vec![promised(1, "S001", 3), promised(2, "S001", 1)],
        ..Sourcing::default()
    }
}

/// The order's document after its opening entry.
pub fn opened(bodies: Vec<OrderBody>) -> Written {
    let mut written = Written::default();
    for event in opening(at(0), None, bodies.clone()) {
        let Event::Order(event) = event else {
            panic!("{event:?}")
        };
        event.check().unwrap();
    }
    written.entry(1, 1, 10, &[], bodies);
    written
}

fn codes(refused: &Rejections) -> Vec<(&str, &str)> {
    let fields = refused.fields().iter();
    fields
        .map(|field| (field.pointer.as_str(), field.code))
        .collect()
}

#[test]
fn an_order_opens_with_its_payment_holds_and_promises() {
    let mut command = command();
    command.holds = vec![HoldPlaced {
        kind: "fraud".parse().unwrap(),
        reason: None,
    }];
    let state = opened(place(accepted(&command), plan()).unwrap()).state();
    assert_eq!(state.status, OrderStatus::OnHold);
    assert_eq!(state.payment_state, PaymentState::Captured);
    assert_eq!(state.promises.len(), 2);
    assert_eq!(state.conflicts, []);
    assert_eq!(state.placed.placed_at, at(0));
    assert_eq!(state.money.value, money(2_000));
}

#[test]
fn every_field_that_breaks_a_rule_is_named() {
    type Change = fn(&mut PlaceOrder);
    let other = |minor| Money::new(minor, "EUR".parse().unwrap()).unwrap();
    let euros: Change = |command| {
        command.lines[0].unit_price = Money::new(500, "EUR".parse().unwrap()).unwrap();
    };
    let cases: [(Change, &str, &str); 17] = [
        (|c| c.lines.clear(), "/lines", "no_lines"),
        (|c| c.total = money(2_001), "/total", "total_mismatch"),
        (
            |c| c.lines[1].sku = "NOPE".parse().unwrap(),
            "/lines/1/sku",
            "unknown_sku",
        ),
        (
            |c| c.lines[1].quantity = Quantity::ZERO,
            "/lines/1/quantity",
            "not_positive",
        ),
        (
            |c| c.lines[1].quantity = Quantity::from_thousandths(1_500).unwrap(),
            "/lines/1/quantity",
            "too_precise",
        ),
        (
            |c| c.lines[1].external_line_id = "L1".to_owned(),
            "/lines/1/external_line_id",
            "duplicate_line",
        ),
        (euros, "/lines/0/unit_price", "wrong_currency"),
        (
            |c| c.lines[0].discount = Some(money(-1)),
            "/lines/0/discount",
            "negative",
        ),
        (
            |c| c.lines[0].discount = Some(money(1_501)),
            "/lines/0/discount",
            "discount_above_line",
        ),
        (
            |c| c.external_id = "4111 1111 1111 1111".to_owned(),
            "/external_id",
            "card_number",
        ),
        (
            |c| c.payment.reference = Some("pan 4111111111111111".to_owned()),
            "/payment/reference",
            "card_number",
        ),
        (
            |c| c.external_id = "x".repeat(201),
            "/external_id",
            "too_long",
        ),
        (|c| c.external_id = String::new(), "/external_id", "missing"),
        (
            |c| c.fulfilment.location = None,
            "/fulfilment/location",
            "missing",
        ),
        (
            |c| c.fulfilment.not_before = Some(at(9_000_000)),
            "/fulfilment/promise_by",
            "window_reversed",
        ),
        (
            |c| c.payment.amount = money(2_001),
            "/payment/amount",
            "above_total",
        ),
        (
            |c| {
                c.fulfilment.kind = FulfilmentKind::Ship;
                c.payment.status = PaymentStatus::PayAtPickup;
            },
            "/payment/status",
            "not_a_pickup",
        ),
    ];
    for (change, pointer, code) in cases {
        let mut command = command();
        change(&mut command);
        let refused = accept(&command, &products(), at(0)).unwrap_err();
        assert_eq!(codes(&refused), [(pointer, code)], "{code}");
        assert_eq!(refused.class(), RejectionClass::Unprocessable);
        assert!(
            !refused.to_string().contains("4111"),
            "a card number is not repeated"
        );
    }
    let mut command = command();
    command.total = other(2_000);
    let refused = accept(&command, &products(), at(0)).unwrap_err();
    assert!(codes(&refused).contains(&("/total", "wrong_currency")));
}

#[test]
fn taxes_beside_the_price_shipping_and_discounts_add_up() {
    let mut command = command();
    command.lines[0].discount = Some(money(100));
    command.lines[0].taxes = vec![evertill_domain::tax::TaxAmount {
        code: "VAT".parse().unwrap(),
        rate: "0.1".parse().unwrap(),
        base: money(1_400),
        amount: money(140),
        included: false,
    }];
    command.shipping = Some(money(499));
    command.total = money(1_500 - 100 + 140 + 500 + 499);
    let order = accepted(&command).placed;
    order.check().unwrap();
    let mut included = command;
    included.lines[0].taxes[0].included = true;
    included.total = money(1_500 - 100 + 500 + 499);
    accepted(&included).placed.check().unwrap();
}

#[test]
fn what_is_not_there_is_a_conflict_unless_it_may_wait() {
    let refused = |command: &PlaceOrder, plan| {
        let refused = place(accepted(command), plan).unwrap_err();
        assert_eq!(refused.class(), RejectionClass::Conflict);
        let codes = codes(&refused).into_iter().map(|(pointer, code)| {
            assert_eq!(code, "insufficient_stock");
            pointer.to_owned()
        });
        codes.collect::<Vec<_>>()
    };
    let mut some = plan();
    some.promises.remove(1);
    assert_eq!(refused(&command(), some.clone()), ["/lines/1"]);
    some.backorders.push(Backordered {
        line: 2,
        quantity: units(1),
        expected: Some(at(86_400_000)),
        supply: None,
    });
    assert_eq!(refused(&command(), some.clone()), ["/lines/1"]);
    let mut patient = command();
    patient.fulfilment.allow_backorder = true;
    let state = opened(place(accepted(&patient), some).unwrap()).state();
    assert_eq!(state.lines[1].backordered, 1_000);
    let mut split = plan();
    split.promises[1] = promised(2, "S002", 1);
    let mut whole = command();
    whole.fulfilment.allow_split = false;
    assert_eq!(refused(&whole, split.clone()), ["/lines"]);
    place(accepted(&command()), split).unwrap();
}

#[test]
fn an_unpaid_order_keeps_goods_for_a_time_without_a_promise() {
    let mut command = command();
    command.payment.status = PaymentStatus::Unpaid;
    command.hold_until = Some(at(900_000));
    let soft = Sourcing {
        soft: true,
        ..Sourcing::default()
    };
    let state = opened(place(accepted(&command), soft).unwrap()).state();
    assert_eq!(state.status, OrderStatus::Placed);
    assert_eq!(state.payment_state, PaymentState::Pending);
    assert_eq!(state.lines[0].unallocated, 3_000);
    assert_eq!(state.lines[0].line.unit, Unit::Each);
}
