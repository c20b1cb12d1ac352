//! Shelves that do not hold what is recorded.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::movement::MovementRecord;
use evertill_domain::order::OrderStatus;
use evertill_domain::time::business_date;
use evertill_domain::{
    Bucket, DocumentId, Event, Movement, MovementReason, NodeId, Quantity, Timestamp,
};
use evertill_hub::services::exceptions::Asked;
use evertill_storage::counts;
use evertill_storage::enrolments::{Certificate, record_certificate};
use evertill_storage::journal::{self, Write};
use serde_json::json;

use super::{Desk, history, until};
use crate::client::new_key;
use crate::orders::{order, pickup, shop};

const SUSPECTED: ExceptionKind = ExceptionKind::SuspectedBreach;

fn counted(pieces: u32) -> Asked {
    Asked {
        counted: Some(serde_json::from_value(json!(pieces)).unwrap()),
        note: Some("behind the tea".to_owned()),
        ..Asked::default()
    }
}

impl Desk {
    /// One piece of A at S001, promised to a customer and gone by the records.
    async fn doubtful() -> (Self, DocumentId) {
        let desk = Self::new(&[("S001", 1)]).await;
        let document = desk.order(Some("S001")).await;
        desk.moved(Bucket::Sellable, Bucket::Damaged).await;
        desk.rounds().await;
        (desk, document)
    }

    /// One piece of A goes from one bucket of S001 to another.
    async fn moved(&self, from: Bucket, to: Bucket) {
        let (author, now) = (self.author.clone(), self.began);
        let there = self.picture.location(&"S001".parse().unwrap()).unwrap();
        let record = MovementRecord {
            location: "S001".parse().unwrap(),
            reason: MovementReason::Damage,
            at: now,
            business_date: business_date(now, &there.time_zone, 0),
            by: None,
            reference: None,
            lines: vec![Movement {
                sku: "A".parse().unwrap(),
                from,
                to,
                quantity: Quantity::ONE,
                lot: None,
                owner: None,
            }],
        };
        let moved = self.store.write("move", move |tx| {
            journal::append(tx, &author, now, &[Write::Open(Event::Movements(record))])
        });
        moved.await.unwrap();
    }

    /// A node of S001 may connect at any moment.
    async fn staffed(&self) {
        let certificate = Certificate {
            fingerprint: [7; 32],
            node: NodeId(7),
            location: "S001".parse().unwrap(),
            issued_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(i64::MAX),
            revoked: None,
        };
        let enrolled = self
            .store
            .write("enrol", move |tx| record_certificate(tx, &certificate));
        enrolled.await.unwrap();
    }

    async fn count_is_asked(&self) -> bool {
        self.read(|conn| counts::is_asked(conn, &"S001".parse().unwrap(), &"A".parse().unwrap()))
            .await
    }
}

/// Regression: a suspicion that was answered with "found" was resolved at once,
/// and nobody counted, so the debt stayed and nobody was told again.
#[tokio::test]
async fn what_was_found_is_counted_by_its_node_and_not_broken_meanwhile() {
    let (desk, document) = Desk::doubtful().await;
    desk.staffed().await;
    let told = desk.only(SUSPECTED).await;
    let id = told.found.id;
    let none = desk.act(id, 1, "found", Asked::default()).await;
    assert_eq!(none.unwrap_err().code(), ("missing", "/counted"));
    let same = desk.act(id, 1, "found", counted(0)).await;
    assert_eq!(same.unwrap_err().code(), ("as_recorded", "/counted"));
    assert!(!desk.count_is_asked().await);
    let found = desk.act(id, 1, "found", counted(1)).await.unwrap();
    assert_eq!(found.found.state, "acknowledged", "the count has to come");
    assert_eq!(history(&found), [("opened", "hub"), ("found", "ann")]);
    assert!(desk.count_is_asked().await, "it is on the store's feed");
    desk.look(1_000).await;
    let order = desk.state(document).await;
    assert_eq!(order.status, OrderStatus::Released, "nothing is broken");
    let missing = desk.act(id, 1_001, "missing", Asked::default()).await;
    assert_eq!(missing.unwrap().found.state, "resolved");
    let order = desk.state(document).await;
    assert_eq!(order.lines[0].unallocated, 1_000, "{order:?}");
}

#[tokio::test]
async fn a_shelf_that_nobody_looks_at_breaks_its_promise_once() {
    let (desk, document) = Desk::doubtful().await;
    desk.look(119).await;
    let told = desk.only(SUSPECTED).await;
    for _ in 0..2 {
        desk.look(121).await;
    }
    let over = desk.shown(told.found.id).await;
    assert_eq!(history(&over)[1..].last(), Some(&("missing", "hub")));
    desk.rounds().await;
    let order = desk.state(document).await;
    assert_eq!(
        order.promises.values().next().unwrap().parts.breached,
        1_000
    );
    desk.only(ExceptionKind::Breach).await;
    assert!(desk.open(SUSPECTED).await.is_empty());
}

/// Regression: what a person had resolved by word was silent for ever, though the
/// unit was still missing.
#[tokio::test]
async fn a_suspicion_that_was_talked_away_comes_back() {
    let (desk, _) = Desk::doubtful().await;
    let told = desk.only(SUSPECTED).await;
    let said = Asked {
        note: Some("it will be somewhere".to_owned()),
        ..Asked::default()
    };
    desk.act(told.found.id, 1, "resolve", said).await.unwrap();
    desk.look(120).await;
    assert!(desk.open(SUSPECTED).await.is_empty());
    desk.look(121).await;
    let again = desk.only(SUSPECTED).await;
    assert_ne!(again.found.id, told.found.id);
}

#[tokio::test]
async fn a_product_below_nothing_is_counted() {
    let desk = Desk::new(&[("S001", 1)]).await;
    for _ in 0..2 {
        desk.moved(Bucket::Sellable, Bucket::Damaged).await;
    }
    desk.look(1).await;
    let kind = ExceptionKind::NegativeStock;
    let told = desk.only(kind).await;
    assert_eq!(told.actions[3..], ["count"]);
    let done = desk.act(told.found.id, 2, "count", counted(4)).await;
    assert_eq!(done.unwrap().found.state, "acknowledged");
    // Where no node stands the hub posts the difference itself.
    desk.look(3).await;
    let over = desk.shown(told.found.id).await;
    assert_eq!(
        history(&over),
        [("opened", "hub"), ("count", "ann"), ("gone", "hub")]
    );
}

/// What was found covers the promise again.
///
/// Regression: a count that the hub posted where no node stands lowered the
/// stock below what was promised there, and nobody was told.
#[test]
fn a_suspicion_ends_when_the_count_is_in() {
    let hub = shop(&[("S001", "A", 1)]);
    let placed = hub.post("/orders", &order("W-1", "A", 1, &pickup("S001")));
    assert_eq!(placed.status, 201, "{placed:?}");
    let text = "location,sku,quantity,unit_cost\nS001,A,0,1.00\n";
    let file = hub.folder.file("count.csv", text);
    assert_eq!(hub.folder.import("stock", &file).status, Some(0));
    let path = "/exceptions?kind=suspected_breach";
    until(&hub, path, |items| items.len() == 1);
    let path = format!("/exceptions/{}", hub.items(path)[0]["id"]);
    let offered = hub.get(&path).json()["actions"].clone();
    let all = json!(["acknowledge", "assign", "resolve", "found", "missing"]);
    assert_eq!(offered, all);
    let key = new_key();
    let body = json!({"counted": 1, "note": "behind the tea"});
    let first = hub.post_as(&key, &format!("{path}/found"), &body);
    assert_eq!(first.status, 200, "{first:?}");
    let again = hub.post_as(&key, &format!("{path}/found"), &body);
    assert_eq!(again.text, first.text, "the same request again");
    until(&hub, "/exceptions?state=resolved", |items| items.len() == 1);
    let shown = hub.get(&path).json();
    assert_eq!(shown["history"][1]["by"], "test");
    assert_eq!(shown["history"][2]["action"], "gone");
    assert_eq!(hub.items("/stock?sku=A")[0]["on_hand"], "1");
    let late = hub.post(&format!("{path}/missing"), &json!({}));
    assert_eq!(late.problem(409), "resolved");
}
