//! What an order owes and is owed, and that nothing is paid twice.

use evertill_domain::order::{
    Effect, EndCause, FulfilmentKind, FulfilmentStep, OrderBody, OrderConflictKind,
    OrderObligation, PaymentState, PaymentStep, Ruling, RulingKind, record_payment,
};
use evertill_domain::rights::End;

use super::build::{Written, line, money, part, placed, promised, step};

use super::fold::{
    HUB, S001, cancelled, collected, ended, handed_over, kinds, made_ready, payment, promise,
    recollect, refund,
};

#[test]
fn money_that_went_back_before_the_hand_over_was_known_is_collected_again_once() {
    let mut written = collected();
    made_ready(&mut written);
    let mut bodies = cancelled(3);
    bodies.push(OrderBody::Effect(Effect {
        obligation: "refund".to_owned(),
        amount: Some(money(1_500)),
        reference: None,
    }));
    written.entry(HUB, 2, 31, &[], bodies);
    assert_eq!(refund(&written.state()), 0);
    written.entry(S001, 2, 30, &[], handed_over(2));
    let state = written.state();
    assert_eq!(state.lines[0].fulfilled, 2_000);
    assert_eq!(state.lines[0].cancelled, 1_000);
    assert_eq!((refund(&state), recollect(&state)), (0, 1_000));
    let kinds_now = kinds(&state);
    assert!(
        kinds_now.contains(&OrderConflictKind::OverRefunded),
        "{kinds_now:?}"
    );
    let mut waived = written.clone();
    waived.entry(
        HUB,
        3,
        50,
        &[],
        vec![OrderBody::Ruling(Ruling {
            kind: RulingKind::WaiveRecollection,
            about: None,
            reason: None,
        })],
    );
    assert_eq!(recollect(&waived.state()), 0);
    let OrderBody::Payment(beyond) = payment(PaymentStep::Recollect, 1_501) else {
        unreachable!()
    };
    let beyond = record_payment(&written.state(), beyond).unwrap_err();
    assert_eq!(beyond.fields()[0].code, "above_total");
    // Regression: what was collected again in part could not be collected again
    // to the end: the payment was captured then.
    for (seq, minor, left) in [(3, 400, 600), (4, 600, 0)] {
        let OrderBody::Payment(paid) = payment(PaymentStep::Recollect, minor) else {
            unreachable!()
        };
        let bodies = record_payment(&written.state(), paid).unwrap();
        written.entry(HUB, seq, 47 + seq, &[], bodies);
        let state = written.state();
        assert_eq!((refund(&state), recollect(&state)), (0, left));
    }
    let state = written.state();
    assert_eq!(state.payment_state, PaymentState::Captured);
}

#[test]
fn a_reservation_of_money_is_taken_when_goods_go_out_and_else_given_up() {
    let open = |bodies: Vec<OrderBody>| {
        let mut written = Written::default();
        let mut order = placed(vec![line(1, "4011", 3)], FulfilmentKind::Ship);
        order.shipping = Some(money(400));
        order.total = money(1_900);
        let mut all = vec![
            OrderBody::Placed(Box::new(order)),
            OrderBody::Promised(promised(1, "S001", 3)),
            payment(PaymentStep::Authorize, 1_900),
        ];
        all.extend(bodies);
        written.entry(HUB, 1, 10, &[], all);
        written.state()
    };
    let shipped = |quantity| {
        let what = step(
            FulfilmentStep::Ship,
            "S001",
            vec![part(promise(), "4011", quantity)],
        );
        vec![
            OrderBody::Fulfilment(what),
            ended(promise(), quantity, End::Settled, EndCause::Dispatched),
        ]
    };
    let state = open(vec![]);
    assert_eq!(state.payment_state, PaymentState::Authorized);
    assert!(!state.obligations.iter().any(|due| due.key() == "capture"));
    let state = open(shipped(2));
    assert!(state.obligations.contains(&OrderObligation::Capture {
        amount: money(1_400)
    }));
    let mut bodies = shipped(2);
    bodies.push(payment(PaymentStep::Capture, 1_400));
    let state = open(bodies);
    assert_eq!(state.payment_state, PaymentState::PartiallyCaptured);
    assert!(!state.obligations.iter().any(|due| due.key() == "capture"));
    let state = open(cancelled(3));
    assert!(
        state
            .obligations
            .contains(&OrderObligation::VoidAuthorization)
    );
}
