//! Orders that nobody can take on, that contradict themselves, or whose store is
//! lost.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{
    Effect, EndCause, LineCancelled, OrderBody, OrderObligation, OrderStatus, PickupStep, recall,
};
use evertill_domain::{DocumentId, Money, Quantity};
use evertill_hub::services::exceptions::Asked;
use evertill_storage::exceptions::Opening;
use evertill_storage::selling;

use super::{Desk, history, promise_at};

const STUCK: ExceptionKind = ExceptionKind::NoCandidate;

/// An order whose only store let the offer run out.
async fn stuck() -> (Desk, DocumentId) {
    let desk = Desk::new(&[("S001", 1)]).await;
    let document = desk.order(None).await;
    let ended = desk.at(document, 31, |at| {
        let all = (at.hub, at.author);
        evertill_hub::services::orders::expire_claims(at.conn, all, at.picture, at.now)
    });
    assert_eq!(ended.await.unwrap(), 1);
    desk.rounds().await;
    (desk, document)
}

fn to(location: &str) -> Asked {
    Asked {
        to_location: Some(location.parse().unwrap()),
        ..Asked::default()
    }
}

#[tokio::test]
async fn what_nobody_can_take_on_is_given_to_a_store_by_hand() {
    let (desk, document) = stuck().await;
    desk.rounds().await;
    let told = desk.only(STUCK).await;
    let id = told.found.id;
    assert_eq!(
        told.actions,
        [
            "acknowledge",
            "assign",
            "resolve",
            "retry",
            "source_from",
            "cancel"
        ]
    );
    // The store that did not answer is left in peace, so trying again does not help.
    let tried = desk.act(id, 31, "retry", Asked::default()).await.unwrap();
    assert_eq!(tried.found.state, "acknowledged");
    let nowhere = desk.act(id, 31, "source_from", Asked::default()).await;
    assert_eq!(nowhere.unwrap_err().code(), ("missing", "/to_location"));
    let unknown = desk.act(id, 31, "source_from", to("S999")).await;
    assert_eq!(
        unknown.unwrap_err().code(),
        ("unknown_location", "/to_location")
    );
    let taken = desk.act(id, 31, "source_from", to("S001")).await.unwrap();
    assert_eq!(taken.found.state, "resolved");
    assert_eq!(
        history(&taken),
        [("opened", "hub"), ("retry", "ann"), ("source_from", "ann")]
    );
    let order = desk.state(document).await;
    assert!(promise_at(&order, "S001").is_some(), "{order:?}");
    desk.rounds().await;
    assert!(desk.open(STUCK).await.is_empty());
}

#[tokio::test]
async fn what_nobody_can_take_on_is_cancelled_and_its_money_owed_back() {
    let (desk, document) = stuck().await;
    let told = desk.only(STUCK).await;
    let done = desk
        .act(told.found.id, 31, "cancel", Asked::default())
        .await;
    let done = done.unwrap();
    assert_eq!(history(&done)[1], ("cancel", "ann"));
    assert_eq!(done.owed[0].0, "refund");
    let order = desk.state(document).await;
    assert_eq!(order.status, OrderStatus::Cancelled);
    desk.rounds().await;
    assert!(desk.open(STUCK).await.is_empty());
}

#[tokio::test]
async fn the_word_of_a_person_about_an_open_order_stands_for_its_time() {
    let (desk, _) = stuck().await;
    let told = desk.only(STUCK).await;
    let said = Asked {
        note: Some("supply comes this afternoon".to_owned()),
        ..Asked::default()
    };
    desk.act(told.found.id, 0, "resolve", said).await.unwrap();
    desk.rounds().await;
    assert!(
        desk.open(STUCK).await.is_empty(),
        "the word stands for an hour"
    );
}

/// An order that was handed over, then cancelled and refunded.
async fn contradicted() -> (Desk, DocumentId) {
    let desk = Desk::new(&[("S001", 1)]).await;
    let document = desk.order(Some("S001")).await;
    for step in [
        PickupStep::Accept,
        PickupStep::StartPick,
        PickupStep::Pick,
        PickupStep::Ready,
        PickupStep::HandOver,
    ] {
        desk.step(document, 1, step).await;
    }
    let price = Money::new(200, evertill_domain::Currency::USD).unwrap();
    let bodies = vec![
        OrderBody::LineCancelled(LineCancelled {
            line: 1,
            quantity: Quantity::ONE,
            reason: None,
        }),
        OrderBody::Effect(Effect {
            obligation: "refund".to_owned(),
            amount: Some(price),
            reference: None,
        }),
    ];
    desk.write(document, 2, bodies).await;
    desk.rounds().await;
    (desk, document)
}

#[tokio::test]
async fn a_conflict_opens_one_problem_that_says_what_is_owed_and_can_be_waived() {
    let (desk, document) = contradicted().await;
    let kind = ExceptionKind::CancelledAfterHandOver;
    let told = desk.only(kind).await;
    assert_eq!(
        told.actions,
        ["acknowledge", "assign", "resolve", "settle", "waive"]
    );
    assert_eq!(told.owed[0].0, "recollect");
    assert_eq!(told.owed[0].1.minor(), 200);
    let done = desk.act(told.found.id, 3, "waive", Asked::default()).await;
    let done = done.unwrap();
    assert_eq!(history(&done), [("opened", "hub"), ("waive", "ann")]);
    assert!(done.owed.is_empty(), "nothing is collected again");
    let order = desk.state(document).await;
    let again = |owed: &OrderObligation| matches!(owed, OrderObligation::Recollect { .. });
    assert!(!order.obligations.iter().any(again));
    desk.rounds().await;
    desk.look(10_000).await;
    assert!(desk.open(kind).await.is_empty());
}

/// Regression: a conflict that a person had resolved by word was opened again
/// whenever something else happened to its order.
#[tokio::test]
async fn a_conflict_that_a_person_resolved_stays_resolved() {
    let (desk, document) = contradicted().await;
    let kind = ExceptionKind::CancelledAfterHandOver;
    let told = desk.only(kind).await;
    let said = Asked {
        note: Some("the customer pays at the counter".to_owned()),
        ..Asked::default()
    };
    desk.act(told.found.id, 3, "resolve", said).await.unwrap();
    let order = desk.state(document).await;
    let hold = evertill_domain::order::HoldPlaced {
        kind: "fraud_check".parse().unwrap(),
        reason: None,
    };
    assert!(!order.conflicts.is_empty(), "{order:?}");
    desk.write(document, 4, vec![OrderBody::HoldPlaced(hold)])
        .await;
    desk.rounds().await;
    assert!(desk.open(kind).await.is_empty());
}

/// A promise whose store was lost with its machine.
async fn sealed(desk: &Desk, document: DocumentId) -> i64 {
    let order = desk.state(document).await;
    let (id, promise) = order.promises.iter().next_back().unwrap();
    let opening = Opening {
        kind: ExceptionKind::SealedPromise,
        key: format!("sealed:{id}"),
        location: Some(promise.location.clone()),
        sku: None,
        document: Some(document),
        detail: "its machine was lost".to_owned(),
    };
    desk.found(0, opening).await
}

#[tokio::test]
async fn a_promise_of_a_lost_store_is_kept_or_goes_elsewhere() {
    let kind = ExceptionKind::SealedPromise;
    let desk = Desk::new(&[("S001", 1), ("S002", 1)]).await;
    let collected = desk.order(Some("S001")).await;
    let id = sealed(&desk, collected).await;
    let refused = desk.act(id, 1, "re_source", Asked::default()).await;
    let refused = refused.unwrap_err();
    assert!(refused.of_state().ends_with("cancel, keep"), "{refused:?}");
    let kept = desk.act(id, 1, "keep", Asked::default()).await.unwrap();
    assert_eq!(history(&kept), [("opened", "hub"), ("keep", "ann")]);
    desk.look(10_000).await;
    assert!(desk.open(kind).await.is_empty(), "it is kept for good");
    let order = desk.state(collected).await;
    assert!(promise_at(&order, "S001").is_some());
}

#[tokio::test]
async fn a_promise_of_a_lost_store_comes_back_until_it_has_ended() {
    let kind = ExceptionKind::SealedPromise;
    let desk = Desk::new(&[("S001", 1)]).await;
    let document = desk.order(Some("S001")).await;
    let id = sealed(&desk, document).await;
    let said = Asked {
        note: Some("I will call them".to_owned()),
        ..Asked::default()
    };
    desk.act(id, 1, "resolve", said).await.unwrap();
    desk.look(60).await;
    assert!(desk.open(kind).await.is_empty());
    desk.look(61).await;
    let again = desk.only(kind).await;
    let order = desk.state(document).await;
    let (promise, _) = order.promises.iter().next().unwrap();
    let back = recall(&order, *promise, EndCause::Sealed).unwrap();
    desk.write(document, 62, back).await;
    desk.rounds().await;
    desk.look(63).await;
    let over = desk.shown(again.found.id).await;
    assert_eq!(history(&over)[1], ("gone", "hub"), "the promise has ended");
}

#[tokio::test]
async fn selling_of_a_silent_store_is_closed() {
    let desk = Desk::new(&[("S001", 1)]).await;
    let opening = Opening {
        kind: ExceptionKind::SilentLocation,
        key: "silent:S001".to_owned(),
        location: Some("S001".parse().unwrap()),
        sku: None,
        document: None,
        detail: "it was not heard".to_owned(),
    };
    let id = desk.found(0, opening).await;
    let closed = desk.act(id, 1, "close_selling", Asked::default()).await;
    let closed = closed.unwrap();
    assert_eq!(closed.found.state, "acknowledged", "it is still silent");
    assert_eq!(closed.actions, ["acknowledge", "assign", "resolve"]);
    let places = desk.read(selling::closed).await;
    assert_eq!((places.len(), places[0].by.as_str()), (1, "ann"));
    let again = desk.act(id, 1, "close_selling", Asked::default()).await;
    again.unwrap_err().of_state();
}
