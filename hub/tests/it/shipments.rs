//! Shipments of locations without a node, recorded at the hub, and who they are
//! for.

use serde_json::{Value, json};

use crate::client::{Folder, Hub};
use crate::orders::{PRODUCTS, id, order, pickup};

const PLACES: &str = "location,name,kind,legal_entity,tax_id,address,country,region,timezone,\
    currency,latitude,longitude,opening_hours,pick_capacity,brand\n\
    W001,Depot,warehouse,,,,US,,UTC,USD,41.8,-87.6,,,\n\
    S001,One,store,,,,US,,UTC,USD,40.7,-74.0,,,\n";

/// A hub whose warehouse, without a node, holds ten of A.
fn depot() -> Hub {
    let folder = Folder::new();
    let stock = "location,sku,quantity,unit_cost\nW001,A,10,1.00\n";
    for (kind, text) in [
        ("products", PRODUCTS),
        ("locations", PLACES),
        ("stock", stock),
    ] {
        let file = folder.file(&format!("{kind}.csv"), text);
        assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
    }
    Hub::on(folder)
}

fn to_ann() -> Value {
    json!({"kind": "ship", "address": {"name": "Ann Example", "street": ["1 Elm Street"],
        "city": "New York", "country": "US"}})
}

fn place(hub: &Hub, name: &str, pieces: u32) -> String {
    let placed = hub.post("/orders", &order(name, "A", pieces, &to_ann()));
    assert_eq!(placed.status, 201, "{placed:?}");
    id(&placed)
}

fn stock(hub: &Hub) -> [Value; 3] {
    let stock = &hub.items("/stock?location=W001&sku=A")[0];
    let availability = hub.get("/availability?sku=A").json();
    [
        stock["on_hand"].clone(),
        stock["promised"].clone(),
        availability["items"][0]["atp"].clone(),
    ]
}

#[test]
fn a_dispatch_of_a_warehouse_without_a_node_settles_its_promise() {
    let hub = depot();
    let placed = place(&hub, "W-1", 3);
    assert_eq!(stock(&hub), ["10", "3", "7"]);
    let path = format!("/orders/{placed}/shipments");
    assert_eq!(hub.items(&path), Vec::<Value>::new());
    let sent = json!({"location": "W001", "parcel": "P-1", "carrier": "Post"});
    let key = "dispatch-1";
    let done = hub.post_as(key, &path, &sent);
    assert_eq!(done.status, 201, "{done:?}");
    assert_eq!(
        (&done.json()["state"], &done.json()["customer_state"]),
        (&json!("fulfilled"), &json!("on_its_way"))
    );
    assert_eq!(hub.post_as(key, &path, &sent).json(), done.json(), "once");
    assert_eq!(stock(&hub), ["7", "0", "7"], "what left was promised");
    let parcel = &hub.items(&path)[0];
    assert_eq!(
        (&parcel["state"], &parcel["number"], &parcel["carrier"]),
        (&json!("shipped"), &json!("P-1"), &json!("Post"))
    );
    assert_eq!(parcel["lines"][0]["quantity"], "3");
    assert!(parcel["shipped_at"].is_string());
    let step = |event: &str| {
        let body = json!({"location": "W001", "event": event});
        let done = hub.post(&path, &body);
        assert_eq!(done.status, 201, "{event}: {done:?}");
        hub.items(&path)[0].clone()
    };
    assert_eq!(step("fail_delivery")["state"], "delivery_failed");
    assert_eq!(step("deliver")["state"], "delivered");
    let back = step("return_to_sender");
    assert_eq!(
        (&back["state"], &back["lines"][0]["returned"]),
        (&json!("returned_to_sender"), &json!("3"))
    );
    let buckets = &hub.items("/stock?location=W001&sku=A")[0]["buckets"];
    assert_eq!(buckets["quality_control"], "3");
    assert!(hub.stop().ok(&["verify"]).starts_with("ok "));
}

#[test]
fn a_supplier_s_order_takes_every_step_and_several_parcels() {
    let hub = depot();
    let placed = place(&hub, "W-1", 3);
    let path = format!("/orders/{placed}/shipments");
    let post = |body: Value| hub.post(&path, &body);
    for event in ["accept", "start_pick", "pick", "pack"] {
        let done = post(json!({"location": "W001", "event": event}));
        assert_eq!(done.status, 201, "{event}: {done:?}");
    }
    assert_eq!(hub.items(&path)[0]["state"], "packed");
    let view = hub.get(&format!("/orders/{placed}")).json();
    let promise = view["lines"][0]["promises"][0]["id"].clone();
    let part = json!({"location": "W001", "event": "ship_part", "parcel": "P-1",
        "parts": [{"promise": promise, "quantity": 2}]});
    assert_eq!(post(part).status, 201);
    assert_eq!(
        post(json!({"location": "W001", "parcel": "P-2"})).status,
        201
    );
    let parcels = hub.items(&path);
    let shown: Vec<_> = parcels
        .iter()
        .map(|parcel| (&parcel["number"], &parcel["lines"][0]["quantity"]))
        .collect();
    assert_eq!(
        shown,
        [(&json!("P-1"), &json!("2")), (&json!("P-2"), &json!("1"))]
    );
    let again = post(json!({"location": "W001"}));
    assert_eq!(again.problem(409), "forbidden_step");
    let nowhere = post(json!({"location": "S001"}));
    assert_eq!(nowhere.problem(404), "not_here");
    let hubs = post(json!({"location": "W001", "event": "expire_claim"}));
    assert_eq!(hubs.json()["errors"][0]["pointer"], "/event");
    assert_eq!(stock(&hub), ["7", "0", "7"]);
}

#[test]
fn what_a_supplier_gives_back_can_be_promised_again() {
    let hub = depot();
    let placed = place(&hub, "W-1", 3);
    let body = json!({"location": "W001", "event": "reject", "reason": "no truck"});
    let done = hub.post(&format!("/orders/{placed}/shipments"), &body);
    assert_eq!(done.status, 201, "{done:?}");
    let promises = &done.json()["lines"][0]["promises"];
    assert_eq!(promises[0]["kept"], "0");
    assert_eq!(stock(&hub), ["10", "0", "10"]);
}

/// Regression: a pickup at a warehouse without a node was promised, and nobody
/// could ever hand it over.
#[test]
fn nobody_collects_where_nobody_can_hand_over() {
    let hub = depot();
    let refused = hub.post("/orders", &order("W-1", "A", 1, &pickup("W001")));
    assert_eq!(refused.problem(409), "no_pickup_there");
    assert_eq!(
        refused.json()["errors"][0]["pointer"],
        "/fulfilment/location"
    );
    assert_eq!(stock(&hub), ["10", "0", "10"]);
}

#[test]
fn who_ordered_is_shown_and_erased() {
    let hub = depot();
    let placed = place(&hub, "W-1", 1);
    let path = format!("/orders/{placed}/contact");
    let shown = hub.get(&path).json();
    assert_eq!(
        (&shown["name"], &shown["email"], &shown["address"]["city"]),
        (
            &json!("Ann Example"),
            &json!("ann@example.com"),
            &json!("New York")
        )
    );
    let erase = |query: &str| hub.request("DELETE", &format!("{path}{query}"), &[], b"");
    assert_eq!(erase("").problem(409), "still_open");
    assert_eq!(hub.get(&path).status, 200);
    let sent = json!({"location": "W001"});
    assert_eq!(
        hub.post(&format!("/orders/{placed}/shipments"), &sent)
            .status,
        201
    );
    assert_eq!(erase("").status, 204);
    assert!(hub.get(&path).text.contains("erased"));
    hub.get(&path).problem(404);
    assert_eq!(erase("").status, 204, "once more is no harm");
    let open = place(&hub, "W-2", 1);
    let forced = format!("/orders/{open}/contact?force=true");
    assert_eq!(hub.request("DELETE", &forced, &[], b"").status, 204);
    assert_eq!(
        hub.get(&format!("/orders/{open}")).json()["state"],
        "released"
    );
    let folder = hub.stop();
    let database = std::fs::read(folder.data().join("evertill.db")).unwrap();
    let named = database
        .windows(15)
        .any(|window| window == b"ann@example.com");
    assert!(!named, "the database still names her");
}

#[test]
fn a_card_s_number_is_taken_for_no_name_and_no_telephone() {
    let hub = depot();
    let with = |field: &str, text: &str| {
        let mut body = order("W-1", "A", 1, &to_ann());
        body["customer"][field] = json!(text);
        hub.post("/orders", &body)
    };
    for field in ["name", "email", "phone"] {
        let refused = with(field, "4111 1111 1111 1111");
        assert_eq!(refused.status, 422, "{field}: {refused:?}");
        let error = &refused.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(format!("/customer/{field}")), &json!("card_number"))
        );
        assert!(!refused.text.contains("4111"));
    }
    let mut body = order("W-1", "A", 1, &to_ann());
    body["fulfilment"]["address"]["street"] = json!(["5555555555554444"]);
    let refused = hub.post("/orders", &body);
    assert_eq!(refused.problem(422), "card_number", "{refused:?}");
    body["fulfilment"]["address"]["street"] = json!(vec!["Elm Street"; 7]);
    assert_eq!(
        hub.post("/orders", &body).json()["errors"][0]["code"],
        "too_many"
    );
    // These digits pass the check of a card's number, and are a telephone's.
    let taken = with("phone", "+49 1511 2345678");
    assert_eq!(taken.status, 201, "{taken:?}");
}
