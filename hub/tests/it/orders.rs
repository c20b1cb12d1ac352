//! Orders over HTTP, at locations where no node stands: the hub mints there.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use evertill_domain::policy::RoutingPolicy;
use evertill_domain::routing::{Plan, Snapshot, plan};
use serde_json::{Value, json};

use crate::client::{Answer, Folder, Hub};

pub const PRODUCTS: &str = "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n\
    A,,Milk,DAIRY,,2.00,,USD,zero,each\n\
    B,,Tea,GROCERY,,3.00,,USD,zero,each\n";
pub const LOCATIONS: &str = "location,name,kind,legal_entity,tax_id,address,country,region,timezone,\
    currency,latitude,longitude,opening_hours,pick_capacity,brand\n\
    S001,One,store,,,,US,,UTC,USD,41.8,-87.6,,,\n\
    S002,Two,store,,,,US,,UTC,USD,40.7,-74.0,,,\n";

/// A hub with stock of A and B at two stores.
pub fn shop(stock: &[(&str, &str, u32)]) -> Hub {
    let folder = Folder::new();
    let mut rows = "location,sku,quantity,unit_cost\n".to_owned();
    for (location, sku, quantity) in stock {
        writeln!(rows, "{location},{sku},{quantity},1.00").unwrap();
    }
    for (kind, text) in [
        ("products", PRODUCTS),
        ("locations", LOCATIONS),
        ("stock", &rows),
    ] {
        let file = folder.file(&format!("{kind}.csv"), text);
        assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
    }
    Hub::on(folder)
}

/// An order of some pieces at 2.00, paid by card.
pub fn order(name: &str, sku: &str, pieces: u32, fulfilment: &Value) -> Value {
    json!({
        "channel": "web", "external_id": name, "currency": "USD",
        "customer": {"ref": "c-1", "name": "Ann Example", "email": "ann@example.com"},
        "lines": [{"external_line_id": "1", "sku": sku, "quantity": pieces, "unit_price": "2.00"}],
        "total": format!("{}.00", pieces * 2), "fulfilment": fulfilment,
        "payment": {"status": "captured", "method": "card", "reference": "ch_1",
                    "amount": format!("{}.00", pieces * 2)},
    })
}

pub fn pickup(location: &str) -> Value {
    json!({"kind": "pickup", "location": location})
}

/// One document with some fields of another.
fn merged(mut document: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn ship() -> Value {
    json!({"kind": "ship", "address": {"city": "New York", "country": "US",
        "latitude": "40.7", "longitude": "-74.0"}})
}

fn atp(hub: &Hub, sku: &str) -> String {
    let found = hub
        .get(&format!("/availability?sku={sku}&channel=web"))
        .json();
    let item = &found["items"][0];
    for location in item["locations"].as_array().unwrap() {
        let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
        let subtract = location["subtract"].as_array().unwrap();
        let subtracted: f64 = subtract.iter().map(|part| number(&part["quantity"])).sum();
        let left = number(&location["on_hand"]) - subtracted;
        assert!((left - number(&location["atp"])).abs() < 1e-9, "{location}");
    }
    item["atp"].as_str().unwrap().to_owned()
}

pub fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_promised_once_and_its_name_stands_for_it() {
    let hub = shop(&[("S001", "A", 5), ("S002", "A", 2)]);
    assert_eq!(atp(&hub, "A"), "7");
    let body = order("W-1", "A", 3, &pickup("S001"));
    let first = hub.post_as("k1", "/orders", &body);
    assert_eq!(first.status, 201, "{first:?}");
    let made = first.json();
    assert_eq!(
        (&made["state"], &made["payment_state"]),
        (&json!("released"), &json!("captured"))
    );
    assert_eq!(made["lines"][0]["promised"], "3");
    assert_eq!(made["lines"][0]["promises"][0]["location"], "S001");
    assert_eq!(atp(&hub, "A"), "4");
    // The same key, and the same name under another key.
    assert_eq!(hub.post_as("k1", "/orders", &body).json(), made);
    let again = hub.post("/orders", &body);
    // Its customer may have been told meanwhile.
    let told = json!({"version": again.json()["version"]});
    assert_eq!(again.status, 200);
    assert_eq!(
        merged(again.json(), &told),
        merged(made.clone(), &told),
        "the same order"
    );
    let other = order("W-1", "A", 2, &pickup("S001"));
    assert_eq!(
        hub.post("/orders", &other).problem(409),
        "external_id_taken"
    );
    // More than is there.
    let refused = hub.post("/orders", &order("W-2", "A", 3, &pickup("S001")));
    assert_eq!(refused.problem(409), "insufficient_stock");
    let lines = json!([{"sku": "A", "available_now": "2", "next_date": null}]);
    assert_eq!(refused.json()["lines"], lines);
    assert_eq!(
        hub.items("/orders").len(),
        1,
        "a refused order leaves no trace"
    );
    assert_eq!(hub.items("/orders?external_id=W-1&state=released").len(), 1);
    assert_eq!(hub.items("/orders?state=cancelled").len(), 0);
    let stock = hub.items("/stock?sku=A&location=S001");
    assert_eq!(stock[0]["promised"], "3");
    // What names the customer is not in the journal.
    let folder = hub.stop();
    let bytes = std::fs::read(folder.data().join("evertill.db")).unwrap();
    assert!(folder.ok(&["verify"]).starts_with("ok "));
    let entries = String::from_utf8_lossy(&bytes).matches("W-1").count();
    assert!(entries > 0);
}

#[test]
fn a_cancelled_order_gives_its_units_back_and_owes_its_money_once() {
    let hub = shop(&[("S001", "A", 3)]);
    let made = hub.post("/orders", &order("W-1", "A", 3, &pickup("S001")));
    let path = format!("/orders/{}", id(&made));
    let cancel = json!({"reason": "the customer changed their mind"});
    let cancelled = hub.post(&format!("{path}/cancel"), &cancel);
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let shown = cancelled.json();
    assert_eq!(
        (&shown["state"], &shown["customer_state"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    let refund = shown["obligations"].as_array().unwrap();
    let refund = refund.iter().find(|owed| owed["key"] == "refund").unwrap();
    assert_eq!(refund["amount"], "6.00");
    assert_eq!(atp(&hub, "A"), "3");
    let again = hub.post(&format!("{path}/cancel"), &cancel);
    assert_eq!(again.status, 409, "{again:?}");
    let refunds = format!("{path}/refunds");
    assert_eq!(
        hub.post(&refunds, &json!({"amount": "6.01"})).problem(409),
        "above_owed"
    );
    let paid = hub.post(&refunds, &json!({"amount": "6.00", "reference": "re_1"}));
    assert_eq!(
        (paid.status, &paid.json()["payment_state"]),
        (201, &json!("refunded"))
    );
    assert_eq!(
        hub.post(&refunds, &json!({"amount": "1.00"})).problem(409),
        "nothing_owed"
    );
    assert_eq!(hub.get(&path).json()["payment_state"], "refunded");
}

#[test]
fn a_change_upwards_is_promised_or_refused_whole() {
    let hub = shop(&[("S001", "A", 4)]);
    let made = hub.post("/orders", &order("W-1", "A", 2, &pickup("S001")));
    let path = format!("/orders/{}/change", id(&made));
    let more = |quantity: u32| hub.post(&path, &json!({"line": 1, "quantity": quantity}));
    assert_eq!(more(5).problem(409), "insufficient_stock");
    assert_eq!(atp(&hub, "A"), "2", "a refused change leaves no trace");
    assert_eq!(more(4).json()["lines"][0]["promised"], "4");
    assert_eq!(atp(&hub, "A"), "0");
    assert_eq!(more(1).json()["lines"][0]["promised"], "1");
    assert_eq!(atp(&hub, "A"), "3");
    let unknown = hub.post(&path, &json!({"line": 9, "quantity": 1}));
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[test]
fn a_shipment_goes_out_near_its_customer_and_says_why() {
    let hub = shop(&[("S001", "A", 5), ("S002", "A", 5)]);
    let made = hub.post("/orders", &order("W-1", "A", 2, &ship()));
    assert_eq!(made.status, 201, "{made:?}");
    let order = made.json();
    assert_eq!(order["lines"][0]["promises"][0]["location"], "S002");
    let decisions = hub.items(&format!("/orders/{}/decisions", id(&made)));
    assert_eq!(decisions.len(), 1);
    let decision = &decisions[0];
    let snapshot: Snapshot = serde_json::from_value(decision["snapshot"].clone()).unwrap();
    let policy: RoutingPolicy = serde_json::from_value(decision["policy"].clone()).unwrap();
    let decided: Plan = serde_json::from_value(decision["plan"].clone()).unwrap();
    assert_eq!(
        plan(&snapshot, &policy),
        decided,
        "the plan can be made again"
    );
    assert_eq!(decided.considered.len(), 2, "every candidate is kept");
    // Tried with the policy that decided nothing changes; with one that never
    // sends anything far, the near store alone would have been asked.
    let path = "/policies/routing/simulate";
    let same = hub.post(path, &json!({"policy": {}})).json();
    assert_eq!(
        (&same["decisions"], &same["changed"]),
        (&json!(1), &json!(0))
    );
    let weights = json!({"distance": 0, "depth": 0, "capacity": 0, "cost": 0, "service": 0,
        "stockout": 1});
    let draft = json!({"policy": {"weights": weights, "max_distance_km": 1, "relax": []}});
    let other = hub.post(path, &draft).json();
    assert_eq!(other["decisions"], 1);
    assert!(other["changed"] == 0 || other["differences"][0]["was"][0]["location"] == "S002");
    // A location that is closed is not asked.
    let closed = hub.put(
        "/locations/S002/selling",
        &json!({"open": false, "reason": "flood"}),
    );
    assert_eq!(closed.status, 200, "{closed:?}");
    let next = hub.post("/orders", &order_of("W-2", &ship())).json();
    assert_eq!(next["lines"][0]["promises"][0]["location"], "S001");
    let reopened = hub.put("/locations/S002/selling", &json!({"open": true}));
    assert_eq!(reopened.status, 200);
}

fn order_of(name: &str, fulfilment: &Value) -> Value {
    order(name, "A", 1, fulfilment)
}

#[test]
fn an_order_is_split_only_where_the_customer_allows_it() {
    let hub = shop(&[("S001", "A", 3), ("S002", "A", 3)]);
    let mut to = ship();
    let whole = hub.post("/orders", &order("W-1", "A", 5, &to));
    assert_eq!(whole.problem(409), "insufficient_stock");
    assert_eq!(whole.json()["lines"][0]["available_now"], "3");
    to["allow_split"] = json!(true);
    let split = hub.post("/orders", &order("W-2", "A", 5, &to));
    assert_eq!(split.status, 201, "{split:?}");
    assert_eq!(
        split.json()["lines"][0]["promises"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let supply = json!({"id": "PO-1", "location": "S001", "sku": "A",
        "date": "2999-01-01T00:00:00Z", "quantity": 9, "source": "supplier"});
    assert_eq!(hub.post("/supply", &supply).status, 201);
    to["allow_backorder"] = json!(true);
    let waits = hub.post("/orders", &order("W-3", "A", 4, &to)).json();
    let line = &waits["lines"][0];
    assert_eq!(
        (&line["promised"], &line["backordered"]),
        (&json!("1"), &json!("3"))
    );
    assert_eq!(line["expected"], "2999-01-01T00:00:00.000Z");
    let availability = hub
        .get("/availability?sku=A&at=2999-02-01T00:00:00Z")
        .json();
    assert_eq!(
        availability["items"][0]["atp"], "6",
        "three of the nine are waited for"
    );
    assert_eq!(availability["items"][0]["incoming"][0]["quantity"], "6");
}

#[test]
fn an_unpaid_order_keeps_its_goods_until_it_is_paid_or_runs_out() {
    let hub = shop(&[("S001", "A", 4)]);
    let mut body = order("W-1", "A", 2, &pickup("S001"));
    body["payment"] = json!({"status": "unpaid", "method": "card", "amount": "0.00"});
    let made = hub.post("/orders", &body);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["lines"][0]["promised"], "0");
    assert_eq!(atp(&hub, "A"), "2");
    let payment =
        json!({"step": "capture", "amount": "4.00", "method": "card", "reference": "ch_2"});
    let paid = hub.post(&format!("/orders/{}/payments", id(&made)), &payment);
    assert_eq!(paid.json()["lines"][0]["promised"], "2", "{paid:?}");
    assert_eq!(atp(&hub, "A"), "2");
    body["external_id"] = json!("W-2");
    body["hold_until"] = json!("2020-01-01T00:00:00Z");
    let late = hub.post("/orders", &body);
    let path = format!("/orders/{}", id(&late));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while hub.get(&path).json()["state"] != "cancelled" {
        assert!(std::time::Instant::now() < deadline, "the cart runs out");
        std::thread::yield_now();
    }
    assert_eq!(atp(&hub, "A"), "2");
    let cart = json!({"channel": "web", "sku": "A", "quantity": 2});
    let kept = hub.post("/reservations", &cart);
    assert_eq!(kept.status, 201, "{kept:?}");
    assert_eq!(
        hub.post("/reservations", &cart).problem(409),
        "insufficient_stock"
    );
    let release = format!("/reservations/{}/release", kept.json()["id"]);
    let headers = [("idempotency-key", "release-1")];
    assert_eq!(hub.request("POST", &release, &headers, b"").status, 200);
    assert_eq!(atp(&hub, "A"), "2");
}

#[test]
fn holds_are_released_one_by_one() {
    let hub = shop(&[("S001", "A", 4)]);
    let mut body = order("W-1", "A", 1, &pickup("S001"));
    body["holds"] = json!([{"kind": "fraud"}, {"kind": "address", "reason": "no street"}]);
    let made = hub.post("/orders", &body);
    let shown = made.json();
    assert_eq!(
        (&shown["state"], shown["holds"].as_array().unwrap().len()),
        (&json!("on_hold"), 2)
    );
    for (at, state) in [(0, "on_hold"), (1, "released")] {
        let hold = shown["holds"][at]["id"].as_str().unwrap();
        let path = format!("/orders/{}/holds/{hold}/release", id(&made));
        assert_eq!(hub.post(&path, &json!({})).json()["state"], state);
        assert_eq!(hub.post(&path, &json!({})).problem(409), "already_released");
    }
}

#[test]
fn what_looks_like_a_card_number_is_refused_wherever_it_stands() {
    let hub = shop(&[("S001", "A", 4)]);
    for pointer in ["/customer/name", "/payment/reference", "/external_id"] {
        let mut body = order("W-1", "A", 1, &pickup("S001"));
        *body.pointer_mut(pointer).unwrap() = json!("4111 1111 1111 1111");
        let refused = hub.post("/orders", &body);
        assert_eq!(refused.status, 422, "{pointer}: {refused:?}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
        assert!(!refused.text.contains("4111"), "it is not repeated");
    }
}

#[test]
fn of_hundreds_at_once_exactly_as_many_get_a_unit_as_there_are() {
    const UNITS: u32 = 37;
    const BUYERS: usize = 300;
    let hub = shop(&[("S001", "A", UNITS)]);
    let (made, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                loop {
                    let buyer = next.fetch_add(1, Ordering::Relaxed);
                    if buyer >= BUYERS {
                        return;
                    }
                    let body = order(&format!("W-{buyer}"), "A", 1, &pickup("S001"));
                    let answer = hub.post("/orders", &body);
                    if answer.status == 201 {
                        made.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert_eq!(answer.problem(409), "insufficient_stock");
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(made.into_inner(), UNITS as usize);
    assert_eq!(refused.into_inner(), BUYERS - UNITS as usize);
    assert_eq!(hub.items("/orders").len(), UNITS as usize);
    assert_eq!(atp(&hub, "A"), "0");
    assert_eq!(hub.items("/stock?sku=A")[0]["promised"], UNITS.to_string());
}

#[test]
fn a_hub_that_is_killed_in_a_burst_has_every_answered_order_once_and_none_by_half() {
    const UNITS: u32 = 500;
    let hub = shop(&[("S001", "A", UNITS)]);
    let answered = std::sync::Mutex::new(Vec::new());
    let url = hub.url("/orders");
    let key = hub.key.clone();
    let folder = std::thread::scope(|scope| {
        for worker in 0..8 {
            let (answered, url, key) = (&answered, &url, &key);
            scope.spawn(move || {
                for number in 0.. {
                    let name = format!("W-{worker}-{number}");
                    let body = order(&name, "A", 1, &pickup("S001"));
                    let sent = ureq::post(url)
                        .header("authorization", format!("Bearer {key}"))
                        .header("idempotency-key", &name)
                        .header("content-type", "application/json")
                        .send(body.to_string());
                    match sent {
                        Ok(reply) if reply.status() == 201 => {
                            answered.lock().unwrap().push(name);
                        }
                        _ => return,
                    }
                }
            });
        }
        while answered.lock().unwrap().len() < 40 {
            std::thread::yield_now();
        }
        hub.kill()
    });
    let answered = answered.into_inner().unwrap();
    assert!(folder.ok(&["verify"]).starts_with("ok "));
    let hub = Hub::on(folder);
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = hub.get(&format!("/orders?limit=1000{cursor}")).json();
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for name in &answered {
        let same = found.iter().filter(|order| order["external_id"] == **name);
        assert_eq!(same.count(), 1, "{name}");
    }
    for order in &found {
        assert_eq!(order["lines"][0]["promised"], "1", "none is half-made");
    }
    let left = UNITS as usize - found.len();
    assert_eq!(atp(&hub, "A"), left.to_string());
}
