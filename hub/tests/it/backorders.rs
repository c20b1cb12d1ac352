//! Orders that wait for supply: who gets goods when some come, and what the
//! others are told. No node stands at these locations: the hub mints there.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Hub;
use crate::orders::{id, order, pickup, shop};

const SOON: &str = "2998-01-01T00:00:00.000Z";
const LATER: &str = "2999-01-01T00:00:00.000Z";

/// An order that may wait, of a channel.
fn waiting(channel: &str, name: &str, pieces: u32, to: &Value) -> Value {
    let mut body = order(name, "A", pieces, to);
    body["channel"] = json!(channel);
    body["fulfilment"]["allow_backorder"] = json!(true);
    body
}

fn to_customer() -> Value {
    json!({"kind": "ship", "address": {"city": "New York", "country": "US"}, "allow_split": true})
}

fn supply(hub: &Hub, name: &str, date: &str, pieces: u32) {
    let body = json!({"id": name, "location": "S001", "sku": "A", "date": date,
        "quantity": pieces, "source": "supplier"});
    let recorded = hub.post("/supply", &body);
    assert_eq!(recorded.status, 201, "{recorded:?}");
}

/// What of the order's line is promised, waits, and is expected when.
fn line(hub: &Hub, order: &str) -> [Value; 3] {
    let line = hub.get(&format!("/orders/{order}")).json()["lines"][0].clone();
    ["promised", "backordered", "expected"].map(|field| line[field].clone())
}

fn comes_to(hub: &Hub, order: &str, promised: &str, waits: &str, expected: Option<&str>) {
    let wanted = [json!(promised), json!(waits), json!(expected)];
    let deadline = Instant::now() + Duration::from_secs(20);
    while line(hub, order) != wanted {
        let is = line(hub, order);
        assert!(Instant::now() < deadline, "{wanted:?} instead of {is:?}");
        std::thread::yield_now();
    }
}

/// So many pieces of A stand at S001 from now on.
fn stand(hub: &Hub, pieces: u32) {
    let mut rows = "location,sku,quantity,unit_cost\n".to_owned();
    writeln!(rows, "S001,A,{pieces},1.00").unwrap();
    let imported = hub.post_csv("/imports/stock", &rows);
    assert_eq!(imported.status, 200, "{imported:?}");
}

/// Puts the channel `web` before all others.
fn web_goes_first(hub: &Hub) {
    let web = json!({"web": {"priority": 1, "share_per_mille": 1000}});
    put_channels(hub, &json!({"channels": web}));
}

/// Puts the policy about channels in force, by two persons.
fn put_channels(hub: &Hub, policy: &Value) {
    let second = hub.folder.ok(&["api-key", "--name", "second"]);
    let draft = hub.put("/policies/channels", policy).json()["draft"].clone();
    let bearer = format!("Bearer {}", second.trim());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "approve-channels"),
    ];
    let body = json!({"draft": draft}).to_string();
    let approved = hub.request(
        "POST",
        "/policies/channels/approve",
        &headers,
        body.as_bytes(),
    );
    assert_eq!(approved.status, 200, "{approved:?}");
}

#[test]
fn goods_that_come_go_to_those_who_wait_in_their_turn() {
    let hub = shop(&[("S001", "A", 1)]);
    web_goes_first(&hub);
    let first = id(&hub.post("/orders", &waiting("market", "M-1", 3, &to_customer())));
    let second = id(&hub.post("/orders", &waiting("market", "M-2", 2, &to_customer())));
    assert_eq!(line(&hub, &first), [json!("1"), json!("2"), Value::Null]);
    let web = id(&hub.post("/orders", &waiting("web", "W-1", 2, &to_customer())));
    assert_eq!(line(&hub, &web), [json!("0"), json!("2"), Value::Null]);
    // Three more stand: the web's two go first, the third to who came first.
    stand(&hub, 4);
    comes_to(&hub, &web, "2", "0", None);
    comes_to(&hub, &first, "2", "1", None);
    comes_to(&hub, &second, "0", "2", None);
    // Everybody is served, and one is left.
    stand(&hub, 8);
    comes_to(&hub, &first, "3", "0", None);
    comes_to(&hub, &second, "2", "0", None);
    let there = hub.get("/availability?sku=A").json();
    assert_eq!(there["items"][0]["atp"], "1");
    let decisions = hub.items(&format!("/orders/{first}/decisions"));
    let causes: Vec<_> = decisions.iter().map(|one| one["cause"].clone()).collect();
    assert_eq!(causes, ["placed", "supplied", "supplied"]);
}

/// Regression: lines of a channel that may not sell the goods used up all turns of
/// a look, so those behind them never had one, and the hub looked for ever.
#[test]
fn lines_that_can_have_nothing_take_nobodys_turn() {
    let hub = shop(&[("S001", "A", 0)]);
    let first = json!({"market": {"priority": 1, "share_per_mille": 1000}});
    let none = json!([{"channel": "market", "scope": {"sku": "A"}}]);
    put_channels(&hub, &json!({"channels": first, "exclusions": none}));
    for number in 0..51 {
        let name = format!("M-{number}");
        let made = hub.post("/orders", &waiting("market", &name, 1, &to_customer()));
        assert_eq!(made.status, 201, "{made:?}");
    }
    let web = id(&hub.post("/orders", &waiting("web", "W-1", 1, &to_customer())));
    stand(&hub, 1);
    comes_to(&hub, &web, "1", "0", None);
}

#[test]
fn each_piece_to_come_is_set_aside_for_one_line_and_dates_follow_supply() {
    let hub = shop(&[("S001", "A", 0), ("S002", "A", 0)]);
    supply(&hub, "PO-1", SOON, 3);
    supply(&hub, "PO-2", LATER, 3);
    let first = id(&hub.post("/orders", &waiting("market", "M-1", 2, &pickup("S001"))));
    let second = id(&hub.post("/orders", &waiting("market", "M-2", 2, &to_customer())));
    comes_to(&hub, &first, "0", "2", Some(SOON));
    comes_to(&hub, &second, "0", "2", Some(LATER));
    // A pickup elsewhere has nothing to expect.
    let elsewhere = id(&hub.post("/orders", &waiting("market", "M-3", 1, &pickup("S002"))));
    comes_to(&hub, &elsewhere, "0", "1", None);
    let by_then = hub.get(&format!("/availability?sku=A&at={LATER}")).json();
    assert_eq!(by_then["items"][0]["atp"], "2", "less what is set aside");
    assert_eq!(by_then["items"][0]["incoming"][0]["quantity"], "2");
    let refused = hub.post("/orders", &order("M-4", "A", 3, &to_customer()));
    assert_eq!(refused.problem(409), "insufficient_stock");
    assert_eq!(refused.json()["lines"][0]["next_date"], LATER);
    // A channel that goes first takes what comes first; others hear of it.
    web_goes_first(&hub);
    let web = id(&hub.post("/orders", &waiting("web", "W-1", 2, &to_customer())));
    comes_to(&hub, &web, "0", "2", Some(SOON));
    comes_to(&hub, &first, "0", "2", Some(LATER));
    comes_to(&hub, &second, "0", "2", Some(LATER));
    // The second supply is taken back: the dates that hung on it go with it.
    supply(&hub, "PO-2", LATER, 0);
    comes_to(&hub, &first, "0", "2", None);
    comes_to(&hub, &web, "0", "2", Some(SOON));
    let listed = hub.items("/supply?sku=A");
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["free"]),
        (&json!("PO-1"), &json!("0"))
    );
    assert_eq!(hub.items("/supply?location=S002"), Vec::<Value>::new());
    let cancelled = hub.post(
        &format!("/orders/{web}/cancel"),
        &json!({"reason": "found it elsewhere"}),
    );
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    comes_to(&hub, &first, "0", "2", Some(SOON));
}

/// Regression: what a person assigned of a line that waited was added to what
/// waits, and the assignment was refused as if the order had changed.
#[test]
fn a_person_assigns_a_part_of_what_waits_or_hears_that_it_is_not_there() {
    let hub = shop(&[("S001", "A", 0), ("S002", "A", 0)]);
    let made = id(&hub.post("/orders", &waiting("market", "M-1", 3, &pickup("S001"))));
    let path = format!("/orders/{made}/assign");
    let body = json!({"line": 1, "location": "S001", "quantity": 1});
    assert_eq!(hub.post(&path, &body).problem(409), "insufficient_stock");
    assert_eq!(line(&hub, &made), [json!("0"), json!("3"), Value::Null]);
}

#[test]
fn supply_that_makes_no_sense_is_refused_and_its_list_has_pages() {
    let hub = shop(&[("S001", "A", 0)]);
    for (name, date) in [("PO-2", LATER), ("PO-1", SOON), ("PO-3", LATER)] {
        supply(&hub, name, date, 1);
    }
    supply(&hub, "PO-0", "2020-01-01T00:00:00Z", 1);
    let names = |path: &str| -> Vec<Value> {
        let items = hub.items(path).into_iter();
        items.map(|item| item["id"].clone()).collect()
    };
    assert_eq!(names("/supply"), ["PO-0", "PO-1", "PO-2", "PO-3"]);
    assert_eq!(hub.items("/supply")[0]["overdue"], true);
    let page = hub.get("/supply?limit=3").json();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(names(&format!("/supply?cursor={cursor}")), ["PO-3"]);
    let body = json!({"id": "PO-9", "location": "S001", "sku": "A", "date": SOON,
        "quantity": "-1", "source": "supplier"});
    assert_eq!(hub.post("/supply", &body).problem(422), "negative");
    assert_eq!(hub.get("/supply?cursor=x").problem(400), "cursor_invalid");
}
