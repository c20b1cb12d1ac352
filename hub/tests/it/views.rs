//! What the hub shows of what stores have sent: sales, days, stock, fleet and
//! quarantine.

use serde_json::{Value, json};

use crate::client::{Folder, Hub, new_key};
use crate::store::Till;

const PRODUCTS: &str = "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n\
                        A,,Milk,DAIRY,MILK,2.00,0.90,USD,zero,each\n\
                        B,,Tea,GROCERY,TEA,2.00,1.00,USD,zero,each\n";

/// Two stores with five sales and a void, as they were sent.
struct Sent {
    hub: Hub,
    /// Ids in the order of arrival.
    ids: Vec<String>,
    void: String,
}

fn sent() -> Sent {
    let folder = Folder::new();
    let products = folder.file("products.csv", PRODUCTS);
    assert_eq!(folder.import("products", &products).status, Some(0));
    let (mut one, mut two) = (Till::new("S001", 1), Till::new("S002", 2));
    let mut ids = Vec::new();
    let (first, id) = one.sell(&[("A", 2), ("B", 1)]);
    ids.push(id);
    ids.push(one.sell(&[("A", 1)]).1);
    let (_, void) = one.void(&first);
    ids.push(void.clone());
    one.deliver(&folder.data()).unwrap();
    for pieces in 1..=3 {
        ids.push(two.sell(&[("B", pieces)]).1);
    }
    two.deliver(&folder.data()).unwrap();
    // The second store has said that it holds one entry more.
    two.announce(&folder.data(), 5);
    Sent {
        hub: Hub::on(folder),
        ids,
        void,
    }
}

fn ids(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[test]
fn sales_are_listed_in_arrival_order_page_by_page() {
    let Sent { hub, ids: all, .. } = sent();
    assert_eq!(ids(&hub.items("/sales")), all);
    let mut found = Vec::new();
    let mut path = "/sales?limit=4".to_owned();
    loop {
        let page = hub.get(&path).json();
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/sales?limit=4&cursor={cursor}");
    }
    assert_eq!(ids(&found), all);
    assert_eq!(ids(&hub.items("/sales?location=S002")), all[3..]);
    assert_eq!(hub.items("/sales?location=S009").len(), 0);
    for wrong in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "location=s",
        "x=1",
    ] {
        hub.get(&format!("/sales?{wrong}")).problem(400);
    }
}

#[test]
fn a_sale_shows_what_goes_back_to_it_and_the_present_names() {
    let Sent { hub, ids, void } = sent();
    let sale = hub.get(&format!("/sales/{}", ids[0])).json();
    assert_eq!(
        (&sale["kind"], &sale["total"]),
        (&json!("sale"), &json!("6.00"))
    );
    assert_eq!(sale["lines"][0]["name"], "Milk");
    let back = hub.get(&format!("/sales/{void}")).json();
    assert_eq!(
        (&back["kind"], &back["total"]),
        (&json!("void"), &json!("-6.00"))
    );
    assert_eq!(back["original"], sale["receipt_number"]);
    assert_eq!(sale["returned_by"], json!([back["receipt_number"]]));
    assert_eq!(back["returned_by"], json!([]));
    hub.get("/sales/0b1e7d1f-3c7a-8d2e-9f00-112233445566")
        .problem(404);
    hub.get("/sales/nonsense").problem(404);
}

#[test]
fn a_day_adds_up_as_json_and_as_csv() {
    let Sent { hub, .. } = sent();
    let day = hub.get("/days/S001/2026-07-01").json();
    assert_eq!(day["gross"], "8.00");
    assert_eq!(day["returns"], "6.00");
    assert_eq!(day["receipts"], 3);
    assert_eq!(day["tenders"], json!([{"kind": "cash", "amount": "2.00"}]));
    let csv = hub.request(
        "GET",
        "/days/S001/2026-07-01",
        &[("accept", "text/csv")],
        b"",
    );
    assert!(
        csv.text.contains("S001,2026-07-01,USD,gross,,,,,8.00\r\n"),
        "{csv:?}"
    );
    let empty = hub.get("/days/S001/2026-07-02").json();
    assert_eq!(
        (&empty["gross"], &empty["receipts"]),
        (&json!("0.00"), &json!(0))
    );
    hub.get("/days/S001/2026-02-30").problem(400);
    hub.get("/days/S001/today").problem(400);
    hub.get("/days/s/2026-07-01").problem(404);
}

#[test]
fn stock_is_complete_up_to_what_its_store_announced() {
    let Sent { hub, .. } = sent();
    let stock = |path: &str| -> Vec<(String, String, String, bool)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        hub.items(path)
            .iter()
            .map(|item| {
                (
                    text(&item["location"]),
                    text(&item["sku"]),
                    text(&item["on_hand"]),
                    item["complete"].as_bool().unwrap(),
                )
            })
            .collect()
    };
    let row = |location: &str, sku: &str, on_hand: &str, complete: bool| {
        (
            location.to_owned(),
            sku.to_owned(),
            on_hand.to_owned(),
            complete,
        )
    };
    let all = [
        row("S001", "A", "-1", true),
        row("S001", "B", "0", true),
        row("S002", "B", "-6", false),
    ];
    assert_eq!(stock("/stock"), all);
    assert_eq!(stock("/stock?sku=B"), all[1..]);
    let first = hub.get("/stock?limit=2").json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(stock(&format!("/stock?limit=2&cursor={cursor}")), all[2..]);
}

#[test]
fn the_fleet_says_how_far_each_journal_is_held() {
    let Sent { hub, .. } = sent();
    let fleet = hub.items("/fleet");
    assert_eq!(fleet.len(), 2);
    assert_eq!(fleet[0]["location"], "S001");
    assert_eq!(fleet[0]["node"], "0000000000000001");
    assert_eq!(fleet[0]["head"]["applied"], 4);
    assert_eq!(fleet[0]["complete"], true);
    assert_eq!(fleet[1]["head"], json!({"applied": 4, "announced": 5}));
    assert_eq!(fleet[1]["complete"], false);
    assert_eq!(fleet[1]["connected"], false);
    assert_eq!(fleet[1]["last_contact"], "2026-07-01T09:30:00.000Z");
}

#[test]
fn a_journal_that_contradicts_itself_is_shown_and_settled_once() {
    let folder = Folder::new();
    let (mut till, mut copy) = (Till::new("S001", 1), Till::new("S001", 1));
    till.sell(&[("A", 1)]);
    copy.sell(&[("A", 2)]);
    copy.sell(&[("A", 3)]);
    till.deliver(&folder.data()).unwrap();
    copy.deliver(&folder.data()).unwrap_err();
    let hub = Hub::on(folder);
    let cases = hub.items("/quarantine?state=open");
    assert_eq!(cases.len(), 1, "{cases:?}");
    let case = &cases[0];
    assert_eq!(
        (&case["kind"], &case["location"]),
        (&json!("replica"), &json!("S001"))
    );
    let node = &hub.items("/fleet")[0];
    assert_eq!(
        (&node["stopped"], &node["complete"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(node["quarantined"], 1);
    let path = format!("/quarantine/{}", case["id"]);
    let settle = |what: &str, key: &str| {
        let headers = [("idempotency-key", key)];
        hub.request("POST", &format!("{path}/{what}"), &headers, b"")
    };
    assert_eq!(settle("retry", "").problem(400), "idempotency_key_missing");
    let key = new_key();
    let first = settle("retry", &key);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["case"]["state"], "released");
    assert_eq!(first.json()["case"]["resolved_by"], "test");
    assert_eq!(
        settle("retry", &key).text,
        first.text,
        "the same request again"
    );
    assert_eq!(settle("dismiss", &new_key()).problem(409), "case_settled");
    assert_eq!(hub.items("/fleet")[0]["stopped"], false);
    assert_eq!(hub.items("/quarantine?state=open").len(), 0);
    assert_eq!(hub.items("/quarantine").len(), 1);
    let headers = [("idempotency-key", "k")];
    hub.request("POST", "/quarantine/99/retry", &headers, b"")
        .problem(404);
    hub.request("POST", "/quarantine/x/retry", &headers, b"")
        .problem(404);
    let body = br#"{"because":1}"#;
    hub.request("POST", &format!("{path}/retry"), &headers, body)
        .problem(422);
    hub.get("/quarantine?state=lost").problem(400);
}

#[test]
fn products_are_listed_searched_and_found() {
    let Sent { hub, .. } = sent();
    let names = |path: &str| -> Vec<Value> {
        let items = hub.items(path);
        items.iter().map(|item| item["name"].clone()).collect()
    };
    assert_eq!(names("/products"), ["Milk", "Tea"]);
    assert_eq!(names("/products?query=mil"), ["Milk"]);
    let first = hub.get("/products?limit=1").json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = hub
        .get(&format!("/products?limit=1&cursor={cursor}"))
        .json();
    assert_eq!(second["items"][0]["sku"], "B");
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(hub.get("/products/A").json()["price"], "2.00");
    hub.get("/products/Z").problem(404);
}
