//! Cancelling, changing, holding, sourcing again and paying.

use evertill_domain::order::{
    Backordered, EndCause, HoldId, OrderBody, OrderState, OrderStatus, PaymentMethod,
    PaymentRecorded, PaymentState, PaymentStatus, PaymentStep, PromiseState, Sourcing, accept,
    cancel, change, hold, place, recall, record_payment, release, release_hold, source, withdraw,
};
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_domain::rights::End;

use super::build::{Written, at, key, money, promise_id, promised, store, units};
use super::place::{command, opened, products};

/// The order of [`command`], promised: line 1 at S001 and S002, line 2 at S001.
fn order() -> Written {
    let accepted = accept(&command(), &products(), at(0)).unwrap();
    let promises = vec![
        promised(1, "S001", 2),
        promised(1, "S002", 1),
        promised(2, "S001", 1),
    ];
    opened(
        place(
            accepted,
            Sourcing {
                promises,
                ..Sourcing::default()
            },
        )
        .unwrap(),
    )
}

fn then(written: &Written, seq: u64, bodies: Vec<OrderBody>) -> (Written, OrderState) {
    let mut next = written.clone();
    next.entry(1, seq, 10 * seq, &[], bodies);
    let state = next.state();
    (next, state)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Rejections>, class: RejectionClass, code: &str) {
    let refused = result.unwrap_err();
    assert_eq!(refused.class(), class, "{refused}");
    assert_eq!(refused.fields()[0].code, code);
}

#[test]
fn a_cancelled_line_is_taken_off_every_location() {
    let written = order();
    let state = written.state();
    let cancelled = cancel(&state, &[1], "customer").unwrap();
    assert!(cancelled.waits);
    let (next, state) = then(&written, 2, cancelled.bodies);
    assert_eq!(state.status, OrderStatus::CancelRequested);
    assert_eq!(state.lines[0].cancelled, 3_000);
    assert_eq!(state.lines[1].promised, 1_000);
    let (next, _) = then(&next, 3, withdraw(&state, &store("S001")));
    let (next, state) = then(&next, 4, withdraw(&next.state(), &store("S002")));
    assert_eq!(state.status, OrderStatus::PartiallyCancelled);
    let ends = release(&state);
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|end| end.how == End::Released));
    let (_, state) = then(
        &next,
        5,
        ends.into_iter().map(OrderBody::PromiseEnded).collect(),
    );
    assert_eq!(release(&state), []);
    assert_eq!(state.conflicts, []);
    refused(
        cancel(&state, &[1], "again"),
        RejectionClass::Conflict,
        "nothing_to_cancel",
    );
    refused(
        cancel(&state, &[7], "x"),
        RejectionClass::NotFound,
        "unknown_line",
    );
    let card = cancel(&state, &[2], "4111111111111111");
    refused(card, RejectionClass::Unprocessable, "card_number");
}

#[test]
fn what_is_over_cannot_be_cancelled_and_the_refusal_names_the_state() {
    let written = order();
    let all = cancel(&written.state(), &[], "customer").unwrap();
    let (next, state) = then(&written, 2, all.bodies);
    let mut bodies = withdraw(&state, &store("S001"));
    bodies.extend(withdraw(&state, &store("S002")));
    let (_, state) = then(&next, 3, bodies);
    assert_eq!(state.status, OrderStatus::Cancelled);
    let error = cancel(&state, &[], "again").unwrap_err();
    assert_eq!(error.class(), RejectionClass::Conflict);
    assert_eq!(error.fields()[0].code, "forbidden_step");
    let words = error.to_string();
    assert!(
        words.contains("is cancelled and cannot request_cancel now; allowed: close"),
        "{words}"
    );
    refused(
        change(&state, 1, units(9), None),
        RejectionClass::Conflict,
        "forbidden_step",
    );
    let kind = "manual".parse().unwrap();
    refused(
        hold(&state, kind, None),
        RejectionClass::Conflict,
        "forbidden_step",
    );
}

#[test]
fn a_line_grows_and_shrinks() {
    let written = order();
    let more = change(&written.state(), 2, units(4), None).unwrap();
    let (next, state) = then(&written, 2, more);
    assert_eq!(
        (state.lines[1].ordered, state.lines[1].unallocated),
        (4_000, 3_000)
    );
    assert_eq!(state.money.value, money(3_500));
    let (_, state) = then(&next, 3, change(&state, 2, units(2), None).unwrap());
    assert_eq!(
        (state.lines[1].cancelled, state.lines[1].unallocated),
        (2_000, 1_000)
    );
    assert_eq!(
        state.lines[1].promised, 1_000,
        "what is promised is taken last"
    );
    // Less than is promised: the latest promise goes first.
    let (_, state) = then(
        &written,
        2,
        change(&written.state(), 1, units(1), None).unwrap(),
    );
    assert_eq!(state.lines[0].promised, 1_000);
    let kept: Vec<i64> = state.promises.values().map(PromiseState::kept).collect();
    assert_eq!(kept, [1_000, 0, 1_000]);
    assert_eq!(state.conflicts, []);
    assert_eq!(change(&written.state(), 1, units(3), None).unwrap(), []);
    refused(
        change(&state, 9, units(1), None),
        RejectionClass::NotFound,
        "unknown_line",
    );
    let half = evertill_domain::Quantity::from_thousandths(500).unwrap();
    refused(
        change(&state, 1, half, None),
        RejectionClass::Unprocessable,
        "not_positive",
    );
}

#[test]
fn each_hold_is_released_alone() {
    let written = order();
    let kind = |name: &str| name.parse().unwrap();
    let mut bodies = hold(&written.state(), kind("fraud"), None).unwrap();
    bodies.extend(
        hold(
            &written.state(),
            kind("address"),
            Some("no street".to_owned()),
        )
        .unwrap(),
    );
    let (next, state) = then(&written, 2, bodies);
    let fraud = HoldId(key(1, 2, 0));
    let (next, state_after) = then(&next, 3, release_hold(&state, fraud, None).unwrap());
    assert_eq!(state_after.status, OrderStatus::OnHold);
    let again = release_hold(&state_after, fraud, None);
    refused(again, RejectionClass::Conflict, "already_released");
    let unknown = release_hold(&state_after, HoldId(key(9, 9, 9)), None);
    refused(unknown, RejectionClass::NotFound, "unknown_hold");
    let address = release_hold(&state_after, HoldId(key(1, 2, 1)), None).unwrap();
    assert_eq!(then(&next, 4, address).1.status, OrderStatus::Released);
}

#[test]
fn a_recalled_promise_goes_to_another_location() {
    let written = order();
    let promise = promise_id(1, 1, 3);
    let state = written.state();
    assert_eq!(state.promises[&promise].location, store("S002"));
    let (next, state) = then(
        &written,
        2,
        recall(&state, promise, EndCause::ClaimExpired).unwrap(),
    );
    assert_eq!(state.lines[0].unallocated, 1_000);
    let mut instead = promised(1, "S001", 1);
    instead.replaces = Some(promise);
    let waits = Backordered {
        line: 1,
        quantity: units(1),
        expected: None,
        supply: None,
    };
    let both = source(&state, vec![instead.clone()], vec![waits]);
    refused(both, RejectionClass::Conflict, "order_changed");
    let unknown = source(&state, vec![promised(9, "S001", 1)], vec![]);
    refused(unknown, RejectionClass::NotFound, "unknown_line");
    let (_, state) = then(&next, 3, source(&state, vec![instead], vec![]).unwrap());
    assert_eq!(
        (state.lines[0].promised, state.lines[0].unallocated),
        (3_000, 0)
    );
    let again = recall(&state, promise, EndCause::Resourced);
    refused(again, RejectionClass::Conflict, "promise_ended");
    let unknown = recall(&state, promise_id(9, 9, 9), EndCause::Resourced);
    refused(unknown, RejectionClass::NotFound, "unknown_promise");
}

#[test]
fn money_moves_as_the_machine_allows() {
    let mut unpaid = command();
    unpaid.payment.status = PaymentStatus::Unpaid;
    let accepted = accept(&unpaid, &products(), at(0)).unwrap();
    let soft = Sourcing {
        soft: true,
        ..Sourcing::default()
    };
    let written = opened(place(accepted, soft).unwrap());
    let pay = |step, minor| PaymentRecorded {
        step,
        amount: money(minor),
        method: PaymentMethod::Card,
        reference: None,
        expires_at: None,
        receipt: None,
    };
    let state = written.state();
    let early = record_payment(&state, pay(PaymentStep::Refund, 0));
    refused(early, RejectionClass::Conflict, "forbidden_step");
    let beyond = record_payment(&state, pay(PaymentStep::Capture, 2_001));
    refused(beyond, RejectionClass::Unprocessable, "above_total");
    let mut card = pay(PaymentStep::Capture, 2_000);
    card.reference = Some("4111-1111-1111-1111".to_owned());
    refused(
        record_payment(&state, card),
        RejectionClass::Unprocessable,
        "card_number",
    );
    let part = record_payment(&state, pay(PaymentStep::Capture, 500)).unwrap();
    let (next, state) = then(&written, 2, part);
    assert_eq!(state.payment_state, PaymentState::PartiallyCaptured);
    let rest = record_payment(&state, pay(PaymentStep::Capture, 1_500)).unwrap();
    let (next, state) = then(&next, 3, rest);
    assert_eq!(state.payment_state, PaymentState::Captured);
    let (next, state) = then(
        &next,
        4,
        record_payment(&state, pay(PaymentStep::Refund, 400)).unwrap(),
    );
    assert_eq!(state.payment_state, PaymentState::PartiallyRefunded);
    let beyond = record_payment(&state, pay(PaymentStep::Refund, 1_601));
    refused(beyond, RejectionClass::Unprocessable, "above_captured");
    let (_, state) = then(
        &next,
        5,
        record_payment(&state, pay(PaymentStep::Refund, 1_600)).unwrap(),
    );
    assert_eq!(state.payment_state, PaymentState::Refunded);
    let error = record_payment(&state, pay(PaymentStep::Void, 0))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is refunded and cannot void now; allowed: recollect"),
        "{error}"
    );
}
