//! What the events of an order come to, in whatever order they came.

use evertill_domain::Quantity;
use evertill_domain::fold::{ConflictKind, State};
use evertill_domain::order::{
    Backordered, CancelRequested, CustomerState, Effect, EndCause, FulfilmentKind, HoldId,
    HoldPlaced, HoldReleased, LineCancelled, Notice, OrderBody, OrderConflictKind, OrderObligation,
    OrderState, OrderStatus, PaymentMethod, PaymentRecorded, PaymentState, PaymentStep,
    PickupState, PickupStep, PromiseCancelled, PromiseEnded, PromiseId, Ruling, RulingKind,
    Withdrawn, Work,
};
use evertill_domain::rights::End;

use super::build::{
    Written, key, line, money, part, placed, promise_id, promised, step, store, units,
};

pub const HUB: u64 = 1;
pub const S001: u64 = 2;

/// The promise that [`collected`] makes.
pub fn promise() -> PromiseId {
    promise_id(HUB, 1, 1)
}

/// Three pieces to be collected at S001, paid.
pub fn collected() -> Written {
    let mut written = Written::default();
    let order = placed(vec![line(1, "4011", 3)], FulfilmentKind::Pickup);
    written.entry(
        HUB,
        1,
        10,
        &[],
        vec![
            OrderBody::Placed(Box::new(order)),
            OrderBody::Promised(promised(1, "S001", 3)),
            payment(PaymentStep::Capture, 1_500),
        ],
    );
    written
}

pub fn payment(step: PaymentStep, minor: i64) -> OrderBody {
    OrderBody::Payment(PaymentRecorded {
        step,
        amount: money(minor),
        method: PaymentMethod::Card,
        reference: None,
        expires_at: None,
        receipt: None,
    })
}

pub fn pickup(what: PickupStep, quantity: i64) -> OrderBody {
    OrderBody::Pickup(step(what, "S001", vec![part(promise(), "4011", quantity)]))
}

pub fn ended(promise: PromiseId, quantity: i64, how: End, cause: EndCause) -> OrderBody {
    OrderBody::PromiseEnded(PromiseEnded {
        promise,
        quantity: units(quantity),
        how,
        cause,
        location: store("S001"),
    })
}

pub fn handed_over(quantity: i64) -> Vec<OrderBody> {
    vec![
        pickup(PickupStep::HandOver, quantity),
        ended(promise(), quantity, End::Settled, EndCause::HandedOver),
    ]
}

pub fn cancelled(quantity: i64) -> Vec<OrderBody> {
    vec![
        OrderBody::CancelRequested(CancelRequested {
            lines: vec![],
            reason: "customer".to_owned(),
        }),
        OrderBody::LineCancelled(LineCancelled {
            line: 1,
            quantity: units(quantity),
            reason: None,
        }),
        OrderBody::PromiseCancelled(PromiseCancelled {
            promise: promise(),
            quantity: units(quantity),
            cause: EndCause::Cancelled,
        }),
    ]
}

/// The steps until the customer can come.
pub fn made_ready(written: &mut Written) {
    let steps = [
        (PickupStep::Accept, 3),
        (PickupStep::StartPick, 3),
        (PickupStep::Pick, 3),
        (PickupStep::Ready, 3),
    ];
    let bodies = steps
        .into_iter()
        .map(|(what, quantity)| pickup(what, quantity));
    written.entry(S001, 1, 20, &[key(HUB, 1, 2)], bodies.collect());
}

pub fn kinds(state: &OrderState) -> Vec<OrderConflictKind> {
    state
        .conflicts
        .iter()
        .map(|conflict| conflict.kind)
        .collect()
}

pub fn refund(state: &OrderState) -> i64 {
    let due = state.obligations.iter().find_map(|due| match due {
        OrderObligation::Refund { amount } => Some(amount.minor()),
        _ => None,
    });
    due.unwrap_or(0)
}

pub fn recollect(state: &OrderState) -> i64 {
    let due = state.obligations.iter().find_map(|due| match due {
        OrderObligation::Recollect { amount } => Some(amount.minor()),
        _ => None,
    });
    due.unwrap_or(0)
}

#[track_caller]
pub fn conserves(state: &OrderState) {
    for line in &state.lines {
        let parts = [
            line.promised,
            line.backordered,
            line.cancelled,
            line.fulfilled,
            line.unallocated,
        ];
        assert!(parts.iter().all(|part| *part >= 0), "{line:?}");
        assert_eq!(parts.iter().sum::<i64>(), line.ordered, "{line:?}");
        assert!(line.surplus >= 0);
    }
    for promise in state.promises.values() {
        let parts = promise.parts;
        let sum = parts.live() + parts.settled + parts.released + parts.breached;
        assert!(sum >= parts.promised && parts.live() >= 0);
        if parts.live() > 0 {
            assert_eq!(sum, parts.promised, "{promise:?}");
        }
        assert!((0..=parts.live()).contains(&promise.kept()));
    }
}

#[test]
fn an_order_is_collected() {
    let mut written = collected();
    let state = written.state();
    assert_eq!(state.status, OrderStatus::Released);
    assert_eq!(state.payment_state, PaymentState::Captured);
    assert_eq!(state.customer_state, CustomerState::Preparing);
    assert_eq!(state.lines[0].promised, 3_000);
    assert_eq!(state.heads, [key(HUB, 1, 2)]);
    made_ready(&mut written);
    let state = written.state();
    assert_eq!(state.customer_state, CustomerState::ReadyForPickup);
    assert_eq!(state.promises[&promise()].staged, 3_000);
    assert!(state.obligations.contains(&OrderObligation::Notify {
        what: Notice::Ready,
        subject: "S001".to_owned(),
    }));
    written.entry(S001, 2, 30, &[], handed_over(3));
    let state = written.state();
    assert_eq!(state.status, OrderStatus::Fulfilled);
    assert_eq!(state.customer_state, CustomerState::Done);
    assert_eq!(state.lines[0].fulfilled, 3_000);
    assert_eq!(
        state.promises[&promise()].work,
        Work::Pickup(PickupState::HandedOver)
    );
    assert_eq!(state.promises[&promise()].staged, 0);
    assert_eq!((refund(&state), kinds(&state)), (0, vec![]));
    conserves(&state);
}

#[test]
fn a_cancellation_refunds_at_once_and_waits_for_the_location() {
    let mut written = collected();
    written.entry(HUB, 2, 20, &[], cancelled(3));
    let state = written.state();
    assert_eq!(state.status, OrderStatus::CancelRequested);
    assert_eq!(refund(&state), 1_500);
    let withdraw = OrderObligation::Withdraw {
        promise: promise(),
        location: store("S001"),
        quantity: 3_000,
    };
    assert!(state.obligations.contains(&withdraw));
    assert_eq!(
        state.promises[&promise()].parts.live(),
        3_000,
        "cancelling ends nothing"
    );
    written.entry(
        S001,
        1,
        30,
        &[key(HUB, 2, 2)],
        vec![OrderBody::Withdrawn(Withdrawn {
            promise: promise(),
            quantity: units(3),
            location: store("S001"),
            cause: EndCause::Cancelled,
        })],
    );
    let state = written.state();
    assert_eq!(state.status, OrderStatus::Cancelled);
    assert!(!state.obligations.contains(&withdraw));
    assert!(
        state
            .obligations
            .iter()
            .any(|due| due.key() == format!("release:{}", promise()))
    );
    written.entry(
        HUB,
        3,
        40,
        &[key(S001, 1, 0)],
        vec![
            ended(promise(), 3, End::Released, EndCause::Cancelled),
            OrderBody::Effect(Effect {
                obligation: "refund".to_owned(),
                amount: Some(money(1_500)),
                reference: None,
            }),
        ],
    );
    let state = written.state();
    assert_eq!(refund(&state), 0);
    assert_eq!(state.payment_state, PaymentState::Refunded);
    assert_eq!(state.promises[&promise()].parts.live(), 0);
    conserves(&state);
}

#[test]
fn a_hand_over_beside_a_cancellation_stands_and_stops_the_refund() {
    let mut written = collected();
    made_ready(&mut written);
    // Neither had seen the other.
    written.entry(HUB, 2, 31, &[], cancelled(3));
    written.entry(S001, 2, 30, &[], handed_over(3));
    let state = written.state();
    assert_eq!(state.lines[0].fulfilled, 3_000);
    assert_eq!(state.lines[0].cancelled, 0);
    assert_eq!(kinds(&state), [OrderConflictKind::CancelledAfterHandOver]);
    assert_eq!(state.conflicts[0].about, key(HUB, 2, 1));
    assert_eq!((refund(&state), recollect(&state)), (0, 0));
    // A ruling closes the case for good.
    let ruling = OrderBody::Ruling(Ruling {
        kind: RulingKind::Settled,
        about: Some(key(HUB, 2, 1)),
        reason: None,
    });
    written.entry(HUB, 3, 40, &[key(S001, 2, 1)], vec![ruling]);
    assert_eq!(kinds(&written.state()), []);
}

#[test]
fn a_hand_over_of_a_broken_promise_stands_and_is_said() {
    let mut written = collected();
    made_ready(&mut written);
    written.entry(
        HUB,
        2,
        25,
        &[],
        vec![ended(promise(), 3, End::Breached, EndCause::NotFound)],
    );
    assert_eq!(written.state().lines[0].unallocated, 3_000);
    written.entry(S001, 2, 30, &[], handed_over(3));
    let state = written.state();
    assert_eq!(kinds(&state), [OrderConflictKind::HandOverAfterEnd]);
    assert_eq!(state.lines[0].fulfilled, 3_000);
    conserves(&state);
}

#[test]
fn two_locations_assigned_is_one_conflict_and_the_surplus_is_called_back() {
    let mut written = collected();
    let again = OrderBody::Promised(promised(1, "S002", 3));
    written.entry(9, 1, 11, &[key(HUB, 1, 2)], vec![again]);
    let state = written.state();
    assert_eq!(kinds(&state), [OrderConflictKind::OverPromised]);
    assert!(state.obligations.contains(&OrderObligation::Recall {
        line: 1,
        quantity: 3_000
    }));
    assert_eq!(
        (state.lines[0].promised, state.lines[0].surplus),
        (3_000, 3_000)
    );
    conserves(&state);
}

#[test]
fn holds_are_released_alone_and_supply_is_waited_for() {
    let hold = |kind: &str| {
        OrderBody::HoldPlaced(HoldPlaced {
            kind: kind.parse().unwrap(),
            reason: None,
        })
    };
    let release = |n| {
        OrderBody::HoldReleased(HoldReleased {
            hold: HoldId(key(HUB, 1, n)),
            reason: None,
        })
    };
    let mut written = Written::default();
    let order = placed(vec![line(1, "4011", 3)], FulfilmentKind::Ship);
    let waits = OrderBody::Backordered(Backordered {
        line: 1,
        quantity: units(3),
        expected: None,
        supply: None,
    });
    written.entry(
        HUB,
        1,
        10,
        &[],
        vec![
            OrderBody::Placed(Box::new(order)),
            hold("fraud"),
            hold("address"),
            waits,
        ],
    );
    assert_eq!(written.state().status, OrderStatus::OnHold);
    assert_eq!(written.state().customer_state, CustomerState::Received);
    written.entry(HUB, 2, 20, &[], vec![release(1)]);
    assert_eq!(written.state().status, OrderStatus::OnHold);
    assert_eq!(written.state().active_holds().count(), 1);
    written.entry(HUB, 3, 30, &[], vec![release(2)]);
    let state = written.state();
    assert_eq!(state.status, OrderStatus::AwaitingStock);
    assert_eq!(state.lines[0].backordered, 3_000);
    assert!(state.obligations.contains(&OrderObligation::Notify {
        what: Notice::Delayed,
        subject: "1".to_owned(),
    }));
    written.entry(
        HUB,
        4,
        40,
        &[],
        vec![OrderBody::Promised(promised(1, "S001", 2))],
    );
    let state = written.state();
    assert_eq!(
        (state.lines[0].promised, state.lines[0].backordered),
        (2_000, 1_000)
    );
    written.entry(HUB, 5, 50, &[], vec![release(9)]);
    assert_eq!(kinds(&written.state()), [OrderConflictKind::UnknownHold]);
}

#[test]
fn what_does_not_belong_to_an_order_is_named() {
    let mut written = collected();
    written.entry(
        9,
        1,
        5,
        &[],
        vec![
            OrderBody::LineCancelled(LineCancelled {
                line: 7,
                quantity: units(1),
                reason: None,
            }),
            ended(promise_id(9, 9, 9), 1, End::Settled, EndCause::HandedOver),
        ],
    );
    assert_eq!(
        kinds(&written.state()),
        [
            OrderConflictKind::UnknownLine,
            OrderConflictKind::UnknownPromise
        ]
    );
    // A second opening, and events without one.
    let again = placed(vec![line(1, "4011", 1)], FulfilmentKind::Pickup);
    written.entry(
        9,
        2,
        99,
        &[key(HUB, 1, 2)],
        vec![OrderBody::Placed(Box::new(again))],
    );
    let folded = written.fold();
    assert_eq!(folded.conflicts.len(), 1);
    assert_eq!(folded.conflicts[0].kind, ConflictKind::SecondOpening);
    let mut lonely = Written::default();
    lonely.entry(9, 1, 1, &[], vec![payment(PaymentStep::Capture, 1)]);
    let folded = lonely.fold();
    assert_eq!(folded.state, State::Empty);
    assert_eq!(folded.conflicts[0].kind, ConflictKind::Misplaced);
}

#[test]
fn another_product_in_its_place_fulfils_the_line_and_settles_nothing() {
    let mut written = collected();
    let mut swap = part(promise(), "4012", 3);
    swap.substitute = true;
    let mut short = part(promise(), "4011", 0);
    short.short = units(3);
    written.entry(
        S001,
        1,
        20,
        &[key(HUB, 1, 2)],
        vec![
            pickup(PickupStep::Accept, 3),
            pickup(PickupStep::StartPick, 3),
            OrderBody::Pickup(step(
                PickupStep::ShortPick,
                "S001",
                vec![short, swap.clone()],
            )),
            ended(promise(), 3, End::Breached, EndCause::Substituted),
        ],
    );
    let state = written.state();
    assert_eq!(
        (state.lines[0].promised, state.lines[0].unallocated),
        (3_000, 0)
    );
    written.entry(
        S001,
        2,
        30,
        &[],
        vec![
            pickup(PickupStep::Ready, 0),
            OrderBody::Pickup(step(PickupStep::HandOver, "S001", vec![swap])),
        ],
    );
    let state = written.state();
    assert_eq!(state.lines[0].fulfilled, 3_000);
    assert_eq!(state.promises[&promise()].parts.settled, 0);
    assert_eq!(kinds(&state), []);
    assert_eq!(
        Quantity::ZERO.thousandths(),
        state.promises[&promise()].substitutes_staged()
    );
    conserves(&state);
}
