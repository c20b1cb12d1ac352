//! Offers that nobody answers or that are refused, with the clock in hand.

use evertill_domain::DocumentId;
use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{FulfilmentState, HoldPlaced, Work};
use evertill_hub::services::{exceptions, orders};

use evertill_storage::reference::PolicyName;

use crate::desk::Desk;

/// A Thursday.
const NOON: &str = "2026-11-26T12:00:00Z";
const TWO: [&str; 2] = [
    "S001,One,store,,,,US,,UTC,USD,,,,,",
    "S002,Two,store,,,,US,,UTC,USD,,,,,",
];

async fn causes(desk: &Desk, document: DocumentId) -> Vec<String> {
    let made = desk.decisions(document).await.into_iter();
    made.map(|made| made.cause).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_answers_goes_to_another_location() {
    let mut desk = Desk::open(NOON, &TWO, &[("S001", 1), ("S002", 1)]);
    let document = desk.placed().await;
    let first = desk.held_by(document).await.unwrap();
    desk.set(30);
    assert_eq!(desk.expire().await, 0, "there is time to the minute");
    desk.set(31);
    assert_eq!(desk.expire().await, 1);
    assert_eq!(desk.expire().await, 0, "an offer ends once");
    // Nobody stands there who could say so, so the hub takes it back itself and
    // asks the other one.
    desk.rounds().await;
    let shown = desk.show(document).await;
    let second = shown.promises.values().find(|promise| promise.kept() > 0);
    let second = second.unwrap();
    assert_ne!(second.location, first);
    assert_eq!(second.work, Work::Shipment(FulfilmentState::Offered));
    assert_eq!(causes(&desk, document).await, ["placed", "re-sourced"]);
    assert_eq!(desk.replay().await, 2);
}

/// Regression: the rest began anew with everything that happened to the order,
/// such as a hold or a message to its customer.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refused_is_asked_again_after_its_rest_and_not_before() {
    let mut desk = Desk::open(NOON, &TWO, &[("S001", 1), ("S002", 1)]);
    let document = desk.placed().await;
    desk.set(1);
    let first = desk.reject(document).await;
    desk.set(3);
    let second = desk.reject(document).await;
    assert_ne!(first, second);
    assert_eq!(desk.held_by(document).await, None);
    let open = desk.exceptions("open").await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].opening.kind, ExceptionKind::NoCandidate);
    // Why nobody takes it on is kept, once.
    for minutes in [60, 120, 240] {
        desk.set(minutes);
        hold_and_release(&desk, document).await;
        desk.rounds().await;
        assert_eq!(
            desk.held_by(document).await,
            None,
            "after {minutes} minutes"
        );
    }
    assert_eq!(
        causes(&desk, document).await,
        ["placed", "re-sourced", "unsourced"]
    );
    desk.set(241);
    desk.rounds().await;
    assert_eq!(desk.held_by(document).await, Some(first));
    assert_eq!(desk.exceptions("open").await, []);
    assert_eq!(desk.replay().await, 4);
}

async fn hold_and_release(desk: &Desk, document: DocumentId) {
    let placed = HoldPlaced {
        kind: "manual".parse().unwrap(),
        reason: None,
    };
    let held = desk.write(document, |at| orders::hold(at, placed)).await;
    let mut holds = held.order.active_holds();
    let id = *holds.next().unwrap().0;
    desk.write(document, move |at| orders::release_hold(at, id, None))
        .await;
}

/// Regression: after the last attempt the order counted as looked after, and the
/// problem that nobody has it was closed, or never opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_given_back_too_often_goes_to_a_person_once() {
    let mut desk = Desk::open(NOON, &TWO[..1], &[("S001", 1)]);
    desk.policy(r#"{"max_attempts": 2, "cool_down_minutes": 10}"#);
    let document = desk.placed().await;
    desk.reject(document).await;
    desk.set(10);
    desk.rounds().await;
    assert!(desk.held_by(document).await.is_some(), "a second attempt");
    desk.reject(document).await;
    for minutes in [11, 60, 600] {
        desk.set(minutes);
        hold_and_release(&desk, document).await;
        desk.rounds().await;
        assert_eq!(
            desk.held_by(document).await,
            None,
            "after {minutes} minutes"
        );
        let open = desk.exceptions("open").await;
        assert_eq!(open.len(), 1, "{open:?}");
        let opening = &open[0].opening;
        assert_eq!(opening.kind, ExceptionKind::NoCandidate);
        let said = "a part of order W-1 was given back 2 times; nobody else is asked";
        assert_eq!(
            (opening.document, opening.detail.as_str()),
            (Some(document), said)
        );
    }
    // A person has it tried again: as often as before.
    let id = desk.exceptions("open").await[0].id;
    desk.write(document, move |at| {
        exceptions::act(at, id, "retry", &exceptions::Asked::default())
    })
    .await;
    for minutes in [700, 800] {
        desk.set(minutes);
        desk.rounds().await;
        assert!(desk.held_by(document).await.is_some(), "after {minutes}");
        assert_eq!(desk.exceptions("open").await, []);
        desk.reject(document).await;
    }
    desk.set(900);
    desk.rounds().await;
    assert_eq!(desk.held_by(document).await, None);
    assert_eq!(desk.exceptions("open").await.len(), 1);
    desk.replay().await;
}

/// Regression: each line of an order counted as an attempt of its own, so an
/// order of many lines went to a person after its second offer.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_given_back_together_are_one_attempt() {
    let mut desk = Desk::open(NOON, &TWO[..1], &[("S001", 4)]);
    desk.policy(r#"{"max_attempts": 3, "cool_down_minutes": 10}"#);
    let order = desk.order(4);
    let document = desk.place(order).await.unwrap();
    for attempt in 1..=3 {
        desk.set(attempt * 10);
        desk.rounds().await;
        let held = desk.held_by(document).await;
        assert!(held.is_some(), "attempt {attempt}");
        desk.reject(document).await;
    }
    desk.set(60);
    desk.rounds().await;
    assert_eq!(desk.held_by(document).await, None);
}

/// Regression: an offer ran out in the night, when nobody was there to answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_offer_to_a_closed_store_waits_until_it_opens() {
    let rows = ["S001,One,store,,,,DE,,Europe/Berlin,USD,,,Mo-Fr 08:00-20:00,,"];
    let mut desk = Desk::open("2026-11-26T22:00:00Z", &rows, &[("S001", 2)]);
    let document = desk.placed().await;
    let shown = desk.show(document).await;
    let promise = shown.promises.values().next().unwrap();
    let ready = "2026-11-27T08:45:00Z".parse().unwrap();
    assert_eq!(promise.promise_by, Some(ready), "next morning");
    let plan = desk.decisions(document).await.remove(0).plan;
    assert!(
        plan.contains("it is closed and opens at 2026-11-27T07:00:00.000Z"),
        "{plan}"
    );
    // It opens nine hours later.
    for (minutes, ended) in [(31, 0), (9 * 60, 0), (9 * 60 + 30, 0), (9 * 60 + 31, 1)] {
        desk.set(minutes);
        assert_eq!(desk.expire().await, ended, "after {minutes} minutes");
    }
    desk.replay().await;
}

/// Regression: what was given back was sourced again in the order of ids.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_better_right_is_sourced_again_first() {
    let mut desk = Desk::open(NOON, &TWO, &[("S001", 5)]);
    desk.put(
        PolicyName::Channels,
        r#"{"channels": {"market": {"priority": 1, "share_per_mille": 1000},
                         "web": {"priority": 2, "share_per_mille": 1000}}}"#,
    );
    let mut given_back = Vec::new();
    for number in 0..5 {
        let mut order = desk.order(1);
        if number == 4 {
            order.channel = "market".parse().unwrap();
        }
        given_back.push(desk.place(order).await.unwrap());
    }
    desk.set(1);
    for document in &given_back {
        desk.reject(*document).await;
        assert_eq!(desk.held_by(*document).await, None);
    }
    // The store has rested, and other customers have left it two pieces.
    desk.set(242);
    for _ in 0..3 {
        desk.placed().await;
    }
    desk.rounds().await;
    let mut has_it = Vec::new();
    for document in &given_back {
        has_it.push(desk.held_by(*document).await.is_some());
    }
    assert_eq!(
        has_it,
        [true, false, false, false, true],
        "the better channel's, and of the others the first"
    );
}
