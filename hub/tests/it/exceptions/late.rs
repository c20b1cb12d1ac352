//! Steps that are late, and refunds.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{FulfilmentState, OrderObligation, OrderStatus, PickupStep, Work};
use evertill_hub::services::exceptions::Asked;

use super::{Desk, history, promise_at};

const LATE: ExceptionKind = ExceptionKind::LateStep;

#[tokio::test]
async fn a_late_shipment_is_told_once_and_goes_to_another_store() {
    let desk = Desk::new(&[("S001", 1), ("S002", 1)]).await;
    let document = desk.order(None).await;
    desk.look(30).await;
    assert!(
        desk.open(LATE).await.is_empty(),
        "there is time to the minute"
    );
    for _ in 0..3 {
        desk.look(31).await;
    }
    let late = desk.only(LATE).await;
    assert_eq!(late.found.owner, "store");
    assert!(late.found.opening.detail.contains("offered"), "{late:?}");
    assert!(late.found.opening.key.ends_with(":accept"), "{late:?}");
    assert_eq!(
        late.actions,
        ["acknowledge", "assign", "resolve", "re_source", "cancel"]
    );
    let order = desk.state(document).await;
    let first = order.promises.values().next().unwrap().location.clone();
    let other = if first.as_str() == "S001" {
        "S002"
    } else {
        "S001"
    };
    // What its state does not allow is refused, with what it allows.
    let extend = desk.act(late.found.id, 31, "extend", Asked::default());
    let refused = extend.await.unwrap_err();
    let words = refused.of_state();
    assert!(words.ends_with("allowed: acknowledge, assign, resolve, re_source, cancel"));
    let same = Asked {
        to_location: Some(first.clone()),
        ..Asked::default()
    };
    let refused = desk.act(late.found.id, 31, "re_source", same).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), ("same_location", "/to_location"));
    let moved = desk.act(late.found.id, 31, "re_source", Asked::default());
    let moved = moved.await.unwrap();
    assert_eq!(
        history(&moved),
        [("opened", "hub"), ("re_source", "ann")],
        "it is written down"
    );
    let order = desk.state(document).await;
    assert!(promise_at(&order, other).is_some(), "{order:?}");
    assert!(promise_at(&order, first.as_str()).is_none());
    // The next store has its own time, and answers late as well.
    desk.look(32).await;
    assert!(desk.open(LATE).await.is_empty());
    desk.look(31 + 31).await;
    let again = desk.only(LATE).await;
    assert_eq!(again.found.opening.location.unwrap().as_str(), other);
}

#[tokio::test]
async fn each_step_of_a_pickup_is_told_when_it_is_late_and_settled_when_it_is_done() {
    let desk = Desk::new(&[("S001", 1)]).await;
    let document = desk.order(Some("S001")).await;
    let steps = [
        (31, "accept", &[PickupStep::Accept][..]),
        (100, "pick", &[PickupStep::StartPick, PickupStep::Pick]),
        (120, "ready", &[PickupStep::Ready]),
    ];
    for (minute, step, done) in steps {
        desk.look(minute).await;
        let late = desk.only(LATE).await;
        let key = &late.found.opening.key;
        assert!(key.ends_with(&format!(":{step}")), "{key}");
        for step in done {
            desk.step(document, minute, *step).await;
        }
        desk.look(minute).await;
        assert!(desk.open(LATE).await.is_empty(), "{step} was done");
        let settled = desk.shown(late.found.id).await;
        assert_eq!(history(&settled), [("opened", "hub"), ("gone", "hub")]);
    }
    // Three days later the goods are still there.
    let late = 120 + 3 * 24 * 60 + 1;
    desk.look(late).await;
    let told = desk.only(LATE).await;
    assert!(told.found.opening.detail.contains("no_show"), "{told:?}");
    let refused = desk.act(told.found.id, late, "re_source", Asked::default());
    assert!(
        refused
            .await
            .unwrap_err()
            .of_state()
            .contains("extend, cancel")
    );
    let more = desk.act(told.found.id, late, "extend", Asked::default());
    let more = more.await.unwrap();
    assert_eq!(more.found.state, "resolved");
    assert_eq!(history(&more)[1], ("extend", "ann"));
    let order = desk.state(document).await;
    let promise = order.promises.values().next().unwrap();
    let until = desk.minute(late + 2 * 24 * 60);
    assert_eq!(promise.extended_until, Some(until), "the policy's two days");
    desk.look(late + 1).await;
    assert!(desk.open(LATE).await.is_empty());
    desk.look(late + 2 * 24 * 60 + 1).await;
    let again = desk.only(LATE).await;
    assert_ne!(again.found.id, told.found.id);
}

#[tokio::test]
async fn a_late_pickup_can_be_cancelled_and_its_refund_is_asked_for() {
    let desk = Desk::new(&[("S001", 1)]).await;
    let document = desk.order(Some("S001")).await;
    desk.look(31).await;
    let late = desk.only(LATE).await;
    let said = Asked {
        note: Some("the store is closed".to_owned()),
        ..Asked::default()
    };
    let done = desk.act(late.found.id, 31, "cancel", said).await.unwrap();
    assert_eq!(done.found.state, "resolved");
    assert_eq!(done.owed.len(), 1, "the customer gets the money back");
    assert_eq!(done.owed[0].0, "refund");
    let order = desk.state(document).await;
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert!(promise_at(&order, "S001").is_none());
    desk.rounds().await;
    desk.look(23 * 60).await;
    let due = ExceptionKind::RefundDue;
    assert!(desk.open(due).await.is_empty(), "there is a day for it");
    for minute in [25 * 60, 25 * 60 + 1] {
        desk.look(minute).await;
    }
    let owed = desk.only(due).await;
    assert_eq!(owed.found.owner, "customer_service");
    assert!(owed.found.opening.detail.contains("2.00"), "{owed:?}");
    let paid = Asked {
        reference: Some("re_1".to_owned()),
        ..Asked::default()
    };
    let paid = desk.act(owed.found.id, 26 * 60, "refunded", paid).await;
    let paid = paid.unwrap();
    assert_eq!(history(&paid)[1], ("refunded", "ann"));
    assert_eq!(
        (paid.found.state.as_str(), paid.owed.len()),
        ("resolved", 0)
    );
    let order = desk.state(document).await;
    let refund = |owed: &OrderObligation| matches!(owed, OrderObligation::Refund { .. });
    assert!(!order.obligations.iter().any(refund));
    desk.rounds().await;
    desk.look(60 * 60).await;
    assert!(desk.open(due).await.is_empty());
}

#[tokio::test]
async fn a_late_answer_settles_itself_when_the_offer_ends() {
    let desk = Desk::new(&[("S001", 1), ("S002", 1)]).await;
    let document = desk.order(None).await;
    desk.look(31).await;
    let late = desk.only(LATE).await;
    let ended = desk.at(document, 31, |at| {
        let all = (at.hub, at.author);
        evertill_hub::services::orders::expire_claims(at.conn, all, at.picture, at.now)
    });
    assert_eq!(ended.await.unwrap(), 1);
    desk.look(31).await;
    let settled = desk.shown(late.found.id).await;
    assert_eq!(settled.found.state, "resolved");
    assert_eq!(settled.actions, [""; 0], "nothing is left to do");
    let order = desk.state(document).await;
    let work = order.promises.values().next().unwrap().work;
    assert_ne!(work, Work::Shipment(FulfilmentState::Offered));
}
