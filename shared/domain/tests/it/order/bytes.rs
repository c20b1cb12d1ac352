//! The bytes of the events of orders.

use evertill_domain::event::{self, Event};
use evertill_domain::order::{
    Backordered, CancelRequested, Effect, EndCause, FulfilmentKind, FulfilmentStep, HoldId,
    HoldPlaced, HoldReleased, LineCancelled, LineChanged, OrderBody, OrderEvent, PaymentMethod,
    PaymentRecorded, PaymentStep, PickupStep, PromiseCancelled, PromiseEnded, Ruling, RulingKind,
    Substitution, Withdrawn,
};
use evertill_domain::rights::End;
use evertill_domain::tax::TaxAmount;
use evertill_domain::{Bucket, Quantity, Unit, effects};

use super::build::{
    at, event_of, key, line, money, part, placed, promise_id, promised, step, store, units,
};

fn full_order() -> OrderBody {
    let mut second = line(2, "BANANAS", 2);
    second.quantity = Quantity::from_thousandths(1_250).unwrap();
    second.unit = Unit::Kilogram;
    second.discount = Some(money(25));
    second.substitution = Substitution::Allow;
    second.taxes = vec![TaxAmount {
        code: "VAT".parse().unwrap(),
        rate: "0.07".parse().unwrap(),
        base: money(600),
        amount: money(42),
        included: false,
    }];
    let mut order = placed(vec![line(1, "4011", 3), second], FulfilmentKind::Ship);
    order.shipping = Some(money(499));
    order.total = order.total.checked_add(money(499)).unwrap();
    order.fulfilment.location = Some(store("S001"));
    order.fulfilment.not_before = Some(at(1_001));
    order.hold_until = Some(at(900_000));
    OrderBody::Placed(Box::new(order))
}

/// One event of every kind, with every field that it can have.
#[expect(clippy::too_many_lines, reason = "it is one list")]
fn one_of_each() -> Vec<(&'static str, OrderEvent)> {
    let promise = promise_id(7, 3, 1);
    let words = |text: &str| Some(text.to_owned());
    let mut short = part(promise, "4011", 2);
    short.short = units(1);
    let mut swap = part(promise, "4012", 1);
    swap.substitute = true;
    swap.uncovered = units(1);
    swap.lot = words("L7");
    let mut pick = step(PickupStep::ShortPick, "S001", vec![short, swap]);
    pick.reason = words("shelf empty");
    let mut out = step(PickupStep::HandOver, "S001", vec![part(promise, "4011", 2)]);
    out.receipt = Some("S001-R1-AB12-77".parse().unwrap());
    (out.proxy, out.age_checked, out.until) = (true, true, Some(at(5)));
    let mut ship = step(FulfilmentStep::Ship, "S002", vec![part(promise, "4011", 2)]);
    (ship.parcel, ship.carrier) = (words("1Z-99"), words("ups"));
    let mut promised = promised(1, "S001", 3);
    promised.replaces = Some(promise_id(7, 2, 1));
    let bodies = vec![
        ("placed", full_order()),
        ("promised", OrderBody::Promised(promised)),
        (
            "backordered",
            OrderBody::Backordered(Backordered {
                line: 1,
                quantity: units(2),
                expected: Some(at(0)),
                supply: words("PO-7"),
            }),
        ),
        (
            "hold-placed",
            OrderBody::HoldPlaced(HoldPlaced {
                kind: "fraud".parse().unwrap(),
                reason: words("score 91"),
            }),
        ),
        (
            "hold-released",
            OrderBody::HoldReleased(HoldReleased {
                hold: HoldId(key(7, 3, 2)),
                reason: words("checked"),
            }),
        ),
        (
            "payment",
            OrderBody::Payment(PaymentRecorded {
                step: PaymentStep::Authorize,
                amount: money(2_750),
                method: PaymentMethod::Card,
                reference: words("ch_1"),
                expires_at: Some(at(1)),
                receipt: Some("S001-R1-AB12-77".parse().unwrap()),
            }),
        ),
        (
            "cancel-requested",
            OrderBody::CancelRequested(CancelRequested {
                lines: vec![1, 2],
                reason: "customer".to_owned(),
            }),
        ),
        (
            "line-cancelled",
            OrderBody::LineCancelled(LineCancelled {
                line: 1,
                quantity: units(1),
                reason: words("customer"),
            }),
        ),
        (
            "line-changed",
            OrderBody::LineChanged(LineChanged {
                line: 1,
                quantity: units(5),
                reason: words("customer"),
            }),
        ),
        (
            "promise-cancelled",
            OrderBody::PromiseCancelled(PromiseCancelled {
                promise,
                quantity: units(1),
                cause: EndCause::Cancelled,
            }),
        ),
        (
            "withdrawn",
            OrderBody::Withdrawn(Withdrawn {
                promise,
                quantity: units(1),
                location: store("S001"),
                cause: EndCause::NoShow,
            }),
        ),
        (
            "promise-ended",
            OrderBody::PromiseEnded(PromiseEnded {
                promise,
                quantity: units(1),
                how: End::Breached,
                cause: EndCause::ShortPick,
                location: store("S001"),
            }),
        ),
        ("pickup", OrderBody::Pickup(pick)),
        ("hand-over", OrderBody::Pickup(out)),
        ("fulfilment", OrderBody::Fulfilment(ship)),
        (
            "effect",
            OrderBody::Effect(Effect {
                obligation: "refund".to_owned(),
                amount: Some(money(500)),
                reference: words("re_1"),
            }),
        ),
        (
            "ruling",
            OrderBody::Ruling(Ruling {
                kind: RulingKind::Settled,
                about: Some(key(9, 1, 0)),
                reason: words("agreed with the customer"),
            }),
        ),
    ];
    let parents = vec![key(7, 1, 0), key(8, u64::MAX, 3)];
    let events = bodies.into_iter();
    events
        .map(|(name, body)| {
            let mut event = event_of(parents.clone(), body);
            event.by = words("anna");
            (name, event)
        })
        .collect()
}

fn bytes_of(event: &OrderEvent) -> Vec<u8> {
    event::encode(&Event::Order(Box::new(event.clone())))
}

#[test]
fn every_event_comes_back() {
    for (name, event) in one_of_each() {
        event.check().unwrap();
        let bytes = bytes_of(&event);
        assert_eq!(
            event::decode(&bytes),
            Ok(Event::Order(Box::new(event))),
            "{name}"
        );
        for cut in 0..bytes.len() {
            assert!(event::decode(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_field_of_a_later_release_is_passed_over() {
    let (_, event) = one_of_each().remove(8);
    let bytes = bytes_of(&event);
    // [24, [head, [1, 5, "customer"]]]: the body grows by one field.
    let body = bytes
        .windows(2)
        .rposition(|pair| pair == [0x83, 0x01])
        .unwrap();
    let mut grown = bytes;
    grown[body] = 0x84;
    grown.push(0x07);
    assert_eq!(event::decode(&grown), Ok(Event::Order(Box::new(event))));
}

#[test]
fn what_contradicts_itself_is_not_read() {
    let refused = |body: OrderBody| {
        let bytes = bytes_of(&event_of(vec![], body));
        event::decode(&bytes).unwrap_err().to_string()
    };
    let OrderBody::Placed(order) = full_order() else {
        unreachable!()
    };
    let mut other = order.clone();
    other.total = money(1);
    let error = refused(OrderBody::Placed(other));
    assert!(error.contains("add up"), "{error}");
    let mut other = order.clone();
    other.lines[1].line = 1;
    let error = refused(OrderBody::Placed(other));
    assert!(error.contains("numbered from 1 (line 2)"), "{error}");
    let mut other = order;
    other.lines.clear();
    let error = refused(OrderBody::Placed(other));
    assert!(error.contains("no lines"), "{error}");
    let mut nothing = promised(1, "S001", 1);
    nothing.quantity = Quantity::ZERO;
    let error = refused(OrderBody::Promised(nothing));
    assert!(error.contains("not above zero"), "{error}");
    let error = refused(OrderBody::Pickup(step(PickupStep::Pick, "S001", vec![])));
    assert!(error.contains("no lines"), "{error}");
    let mut long = promised(1, "S001", 1);
    long.decision = Some("x".repeat(201));
    let long = event_of(vec![], OrderBody::Promised(long));
    let error = long.check().unwrap_err().to_string();
    assert!(error.contains("200 bytes"), "{error}");
    let crowd = event_of(vec![key(1, 1, 1); 65], long.body);
    let error = crowd.check().unwrap_err().to_string();
    assert!(error.contains("64 parents"), "{error}");
}

#[test]
fn steps_move_goods_and_nothing_else_does() {
    let key = |bucket| (bucket, "4011".to_owned());
    for (name, event) in one_of_each() {
        let deltas: Vec<_> = effects(&Event::Order(Box::new(event)))
            .stock
            .into_iter()
            .map(|delta| ((delta.key.bucket, delta.key.sku.to_string()), delta.delta))
            .collect();
        let swap = |bucket| (bucket, "4012".to_owned());
        let expected = match name {
            "pickup" => vec![
                (key(Bucket::Sellable), -3_000),
                (key(Bucket::Staged), 2_000),
                (key(Bucket::Quarantined), 1_000),
                (swap(Bucket::Sellable), -1_000),
                (swap(Bucket::Staged), 1_000),
            ],
            // The receipt takes the goods from the floor to the customer.
            "hand-over" => vec![
                (key(Bucket::Sellable), 2_000),
                (key(Bucket::Staged), -2_000),
            ],
            "fulfilment" => vec![
                (key(Bucket::Staged), -2_000),
                (key(Bucket::Customer), 2_000),
            ],
            _ => vec![],
        };
        assert_eq!(deltas, expected, "{name}");
    }
}
