//! What decides where goods come from: a day's capacity, opening hours, zones
//! and costs; and that every decision can be made again.

use evertill_domain::order::{Destination, FulfilmentKind, PlaceOrder};
use evertill_domain::{Currency, DocumentId, Location, LocationId};
use evertill_hub::services::orders::{self, OrderRefusal};
use evertill_hub::services::{doctor, simulate};

use crate::desk::{Desk, to_region};

/// A Thursday.
const NOON: &str = "2026-11-26T12:00:00Z";

async fn came_from(desk: &Desk, order: PlaceOrder) -> Option<String> {
    match desk.place(order).await {
        Ok(document) => desk.held_by(document).await.map(|at| at.to_string()),
        Err(OrderRefusal::Insufficient(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn collected(mut order: PlaceOrder, location: &str) -> PlaceOrder {
    order.fulfilment.kind = FulfilmentKind::Pickup;
    order.fulfilment.location = Some(location.parse::<LocationId>().unwrap());
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_takes_as_many_lines_a_day_as_its_hours_allow() {
    // Two lines an hour, and two hours a day: four lines.
    let rows = [
        "S001,One,store,,,,US,,UTC,USD,,,Mo-Su 11:00-13:00,2,",
        "S002,Two,store,,,,US,,UTC,USD,,,,,",
    ];
    let mut desk = Desk::open(NOON, &rows, &[("S001", 50), ("S002", 0)]);
    // The store that has none of it cannot be asked, so capacity is given up, as
    // the policy allows; a strict one refuses.
    desk.policy(r#"{"relax": []}"#);
    // Half an hour of work is left until the store closes, so what is ordered at
    // noon is due tomorrow.
    let three = desk.order(3);
    let first = desk.place(three).await.unwrap();
    let shown = desk.show(first).await;
    let by = shown.promises.values().next().unwrap().promise_by.unwrap();
    assert_eq!(by.to_string(), "2026-11-27T11:45:00.000Z");
    let order = desk.order(1);
    assert_eq!(came_from(&desk, order).await.as_deref(), Some("S001"));
    let order = desk.order(1);
    assert_eq!(came_from(&desk, order).await, None, "the day is full");
    // What is due on another day is counted there.
    let mut later = desk.order(1);
    later.fulfilment.not_before = Some("2026-11-28T11:00:00Z".parse().unwrap());
    assert_eq!(came_from(&desk, later).await.as_deref(), Some("S001"));
    // A cancelled order makes room.
    desk.write(first, |at| orders::cancel(at, &[1], "too many"))
        .await;
    let order = desk.order(1);
    assert_eq!(came_from(&desk, order).await.as_deref(), Some("S001"));
    let order = desk.order(1);
    assert_eq!(came_from(&desk, order).await, None, "it is full again");
    // The next day everything is free again but for what is due then.
    desk.set(24 * 60);
    let three = desk.order(3);
    assert_eq!(came_from(&desk, three).await.as_deref(), Some("S001"));
    desk.replay().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_from_the_zone_and_the_cheapest_in_it() {
    let rows = [
        "S001,One,store,,,,US,NY,UTC,USD,,,,,",
        "W001,Two,warehouse,,,,US,NY,UTC,USD,,,,,",
        "S003,Three,store,,,,US,CA,UTC,USD,,,,,",
    ];
    let stock = [("S001", 9), ("W001", 9), ("S003", 9)];
    let mut desk = Desk::open(NOON, &rows, &stock);
    desk.policy(
        r#"{"weights": {"distance": 1, "depth": 0, "capacity": 0, "cost": 1, "service": 0,
            "stockout": 0},
            "zones": {"east": {"regions": ["NY"]},
                      "west": {"regions": ["CA"], "delivers_to": {"east": 4000}}},
            "costs": {"default": {"parcel": 500, "per_100_km": 30},
                      "kinds": {"warehouse": {"parcel": 450}}}}"#,
    );
    for (region, zone, from) in [
        ("NY", None, Some("W001")),
        ("CA", None, Some("S003")),
        ("TX", Some("west"), Some("S003")),
        ("CA", Some("east"), Some("W001")),
        ("NY", Some("moon"), None),
    ] {
        let mut order = desk.order(1);
        let to = Destination {
            zone: zone.map(str::to_owned),
            ..to_region(region)
        };
        order.fulfilment.destination = Some(to);
        let found = came_from(&desk, order).await;
        assert_eq!(found.as_deref(), from, "{region} {zone:?}");
    }
    desk.replay().await;
}

/// Regression: an order that no rule allowed was refused for a lack of goods, of
/// which there were enough, and without a word about why.
#[tokio::test(flavor = "multi_thread")]
async fn a_promised_time_that_nobody_can_keep_is_refused_with_the_reason() {
    let rows = [
        "S001,One,store,,,,US,,UTC,USD,,,Mo-Fr 08:00-11:00,,",
        "S002,Two,store,,,,US,,UTC,USD,,,,,",
    ];
    let mut desk = Desk::open(NOON, &rows, &[("S001", 9)]);
    let mut order = desk.order(1);
    order.fulfilment.promise_by = Some("2026-11-26T20:00:00Z".parse().unwrap());
    let refused = desk.place(order).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "the order cannot be promised in full: S001: it would be ready at \
         2026-11-27T09:45:00.000Z, after 2026-11-26T20:00:00.000Z"
    );
}

/// Hours that were stored before they were read count as always open, and the
/// decision and the doctor say so.
#[tokio::test(flavor = "multi_thread")]
async fn hours_that_cannot_be_read_are_always_open_and_named() {
    let rows = ["S001,One,store,,,,US,,UTC,USD,,,,,"];
    let mut desk = Desk::open("2026-11-26T23:00:00Z", &rows, &[("S001", 9)]);
    let mut location = Location::with_defaults(
        "S001".parse().unwrap(),
        Currency::USD,
        "UTC".parse().unwrap(),
    );
    location.opening_hours = "8-20 daily".to_owned();
    let put = desk
        .hub
        .reference()
        .batch_blocking(None, |batch| batch.put_location(&location).map(drop));
    put.unwrap();
    let document = desk.placed().await;
    let decision = desk.decisions(document).await.remove(0);
    let said = r#"its opening hours \"8-20 daily\" cannot be read, so it counts as always open"#;
    assert!(decision.plan.contains(said), "{}", decision.plan);
    let hub = desk.hub.clone();
    let findings = tokio::task::spawn_blocking(move || doctor::examine(&hub));
    let findings = findings.await.unwrap();
    let found = findings.iter().find(|f| f.subject == "opening hours");
    let found = found.unwrap();
    assert!(
        !found.fine && found.detail.contains("S001"),
        "{}",
        found.detail
    );
}

/// Orders of every kind, through rejections, claims that run out, cancellations
/// and a day's work: what was decided can always be told again.
#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_a_lively_hub_replays_to_the_identical_plan() {
    let rows = [
        "S001,One,store,,,,US,NY,America/New_York,USD,40.7,-74.0,Mo-Sa 08:00-20:00,3,",
        "S002,Two,store,,,,US,CA,America/Los_Angeles,USD,34.0,-118.2,Mo-Su 09:00-21:00,,",
        "S003,Three,store,,,,US,,UTC,USD,,,,2,",
        "W001,Four,warehouse,,,,US,NY,UTC,USD,40.9,-74.2,24/7,10,",
    ];
    let stock = [("S001", 20), ("S002", 9), ("S003", 4), ("W001", 6)];
    let mut desk = Desk::open(NOON, &rows, &stock);
    desk.policy(
        r#"{"max_distance_km": 2000, "cool_down_minutes": 60, "max_split_cost": 900,
            "zones": {"east": {"regions": ["NY"], "delivers_to": {"west": 4000}},
                      "west": {"regions": ["CA"], "delivers_to": {"east": 4000}}},
            "costs": {"default": {"per_line": 20, "parcel": 500, "zones": {"west": 250}}}}"#,
    );
    let mut taken: Vec<DocumentId> = Vec::new();
    for number in 0..24_usize {
        desk.set(i64::try_from(number).unwrap() * 37);
        let mut order = desk.order(1 + number % 3);
        order.fulfilment.allow_split = number % 2 == 0;
        order.fulfilment.allow_backorder = number % 5 == 0;
        order.fulfilment.destination = match number % 4 {
            0 => Some(to_region("NY")),
            1 => Some(to_region("CA")),
            2 => Some(Destination {
                latitude: Some(40_000_000),
                longitude: Some(-75_000_000),
                ..to_region("NY")
            }),
            _ => None,
        };
        if number % 6 == 5 {
            order = collected(order, "S001");
            order.fulfilment.destination = None;
        }
        if number % 7 == 3 {
            order.fulfilment.promise_by = Some(desk.at(i64::try_from(number).unwrap() * 37 + 600));
        }
        let is_pickup = order.fulfilment.kind == FulfilmentKind::Pickup;
        match desk.place(order).await {
            Ok(document) => {
                taken.push(document);
                let held = desk.held_by(document).await.is_some();
                if number % 3 == 1 && held && !is_pickup {
                    desk.reject(document).await;
                }
            }
            Err(OrderRefusal::Insufficient(_)) => {}
            Err(error) => panic!("{error}"),
        }
        if number % 8 == 7 {
            let document = taken[number / 8];
            desk.write(document, |at| orders::cancel(at, &[], "changed my mind"))
                .await;
        }
        desk.expire().await;
        desk.rounds().await;
    }
    let made = desk.replay().await;
    assert!(
        made > taken.len() && taken.len() > 12,
        "{made} of {}",
        taken.len()
    );
    // A trial with the policy that is in force changes nothing either.
    let stored = desk.decisions(taken[0]).await.remove(0).policy;
    let policy = serde_json::from_str(&stored).unwrap();
    let draft = simulate::Draft::Routing(policy);
    let trial = simulate::run(&desk.hub, draft, None, 10).await.unwrap();
    assert_eq!((trial.orders.decisions, trial.orders.changed), (made, 0));
}
