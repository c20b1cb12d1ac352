//! What a customer has beyond the order.

use evertill_domain::order::{
    EndCause, OrderBody, OrderConflictKind, PromiseCancelled, PromiseEnded, PromiseId,
};
use evertill_domain::rights::End;

use super::build::{key, promise_id, promised, store, units};
use super::fold::{HUB, S001, collected, conserves, handed_over, kinds, made_ready, promise};

const S002: u64 = 3;

#[test]
fn a_second_hand_over_is_a_conflict_and_counts_no_more_than_was_ordered() {
    let mut written = collected();
    made_ready(&mut written);
    written.entry(S001, 2, 30, &[], handed_over(3));
    written.entry(9, 1, 31, &[key(S001, 1, 3)], handed_over(1));
    let state = written.state();
    assert_eq!(
        kinds(&state),
        [
            OrderConflictKind::ForbiddenStep,
            OrderConflictKind::DuplicateHandOver
        ]
    );
    assert_eq!(state.conflicts[1].quantity, 1_000);
    assert_eq!(state.lines[0].fulfilled, 3_000);
    conserves(&state);
}

/// What S002 hands over of a promise.
fn out(promise: PromiseId, quantity: i64) -> OrderBody {
    OrderBody::PromiseEnded(PromiseEnded {
        promise,
        quantity: units(quantity),
        how: End::Settled,
        cause: EndCause::Dispatched,
        location: store("S002"),
    })
}

/// Regression: a store that was cut off sent what the hub had given to another one
/// meanwhile; the customer had more than was ordered, and nobody was told.
#[test]
fn what_two_stores_handed_over_is_a_conflict_though_each_had_its_promise() {
    let mut written = collected();
    made_ready(&mut written);
    let moved = vec![
        OrderBody::PromiseCancelled(PromiseCancelled {
            promise: promise(),
            quantity: units(3),
            cause: EndCause::ClaimExpired,
        }),
        OrderBody::Promised(promised(1, "S002", 3)),
    ];
    written.entry(HUB, 2, 25, &[], moved);
    let second = promise_id(HUB, 2, 1);
    written.entry(S001, 2, 30, &[], handed_over(3));
    written.entry(S002, 1, 40, &[key(HUB, 2, 1)], vec![out(second, 2)]);
    let state = written.state();
    let conflict = state.conflicts.iter();
    let mut conflict = conflict.filter(|c| c.kind == OrderConflictKind::DuplicateHandOver);
    let found = conflict.next().expect("it is said");
    assert_eq!((found.line, found.quantity), (Some(1), 2_000));
    assert_eq!(found.about, second.0);
    assert_eq!(conflict.next(), None, "once");
    assert_eq!(state.lines[0].fulfilled, 3_000);
    conserves(&state);
}
