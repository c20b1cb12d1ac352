//! Drafts of policies tried on orders that were taken in and refused.

use std::sync::atomic::{AtomicU32, Ordering};

use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions;
use serde_json::{Value, json};

use crate::client::{Hub, new_key};
use crate::orders::{id, order, pickup, shop};

/// Proposes a policy and approves it with a second key.
pub fn put_in_force(hub: &Hub, name: &str, policy: &Value) {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let put = hub.put(&format!("/policies/{name}"), policy);
    assert_eq!(put.status, 202, "{put:?}");
    let second = format!("second-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let key = hub.folder.ok(&["api-key", "--name", &second]);
    let (bearer, once) = (format!("Bearer {}", key.trim()), new_key());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", once.as_str()),
    ];
    let body = json!({"draft": put.json()["draft"]}).to_string();
    let path = format!("/policies/{name}/approve");
    let approved = hub.request("POST", &path, &headers, body.as_bytes());
    assert_eq!(approved.json()["state"], "in_force", "{approved:?}");
}

fn tried(hub: &Hub, name: &str, policy: &Value) -> Value {
    let path = format!("/policies/{name}/simulate");
    let answer = hub.post(&path, &json!({ "policy": policy }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn rules(difference: &Value) -> Vec<String> {
    let why = difference["why"].as_array().unwrap().iter();
    why.map(|why| why["rule"].as_str().unwrap().to_owned())
        .collect()
}

fn to_new_york() -> Value {
    json!({"kind": "ship", "address": {"city": "New York", "country": "US",
        "latitude": "40.712345", "longitude": "-74.012345"}})
}

/// Some orders of which one was refused: four of A at S001 are there, three were
/// sold.
fn traded() -> Hub {
    let hub = shop(&[("S001", "A", 4), ("S002", "A", 6), ("S001", "B", 2)]);
    for (name, sku, pieces, to) in [
        ("W-1", "A", 3, pickup("S001")),
        ("W-2", "A", 2, to_new_york()),
        ("W-3", "B", 1, pickup("S001")),
    ] {
        let made = hub.post("/orders", &order(name, sku, pieces, &to));
        assert_eq!(made.status, 201, "{made:?}");
    }
    let refused = hub.post("/orders", &order("W-4", "A", 2, &pickup("S001")));
    assert_eq!(refused.problem(409), "insufficient_stock");
    hub
}

#[test]
fn a_draft_that_is_in_force_changes_nothing() {
    let hub = traded();
    let channels = json!({"channels": {"web": {"priority": 1, "share_per_mille": 900}}});
    put_in_force(&hub, "channels", &channels);
    put_in_force(&hub, "timers", &json!({"pick_minutes": 90}));
    let stock = json!({"default": "1", "rules": [
        {"scope": {"department": "DAIRY", "location": "S002"}, "units": "2"}]});
    put_in_force(&hub, "safety_stock", &stock);
    // What is decided under the new policies, beside what was under the old.
    let more = hub.post("/orders", &order("W-5", "A", 1, &to_new_york()));
    assert_eq!(more.status, 201, "{more:?}");
    let decisions = hub.items(&format!("/orders/{}/decisions", id(&more)));
    let since = &decisions[0]["at"];
    for name in ["safety_stock", "channels", "online", "routing", "timers"] {
        let policy = hub.get(&format!("/policies/{name}")).json()["policy"].clone();
        let path = format!("/policies/{name}/simulate");
        let found = hub.post(&path, &json!({"policy": policy, "since": since}));
        assert_eq!(found.status, 200, "{found:?}");
        let found = found.json();
        assert_eq!(found["decisions"], 1, "{name}: {found}");
        assert_eq!(
            (&found["changed"], &found["differences"]),
            (&json!(0), &json!([]))
        );
        assert_eq!(found["units"], found["units_would_be"]);
        let every = tried(&hub, name, &policy);
        assert_eq!(every["decisions"], 4, "{name}: {every}");
        assert_eq!(every["refused"]["orders"], 1, "{name}: {every}");
        assert_eq!(
            every["not_tried"],
            json!({"recorded_before": 0, "other_release": 0})
        );
    }
    // An online share decides nothing where the hub mints by itself.
    let online = tried(&hub, "online", &json!({"default": {"share_per_mille": 10}}));
    assert_eq!(online["changed"], 0, "{online}");
}

#[test]
fn a_safety_stock_loses_orders_or_wins_those_that_were_refused() {
    let hub = shop(&[("S001", "A", 5)]);
    put_in_force(&hub, "safety_stock", &json!({"default": "2"}));
    let ask = |name: &str, pieces| hub.post("/orders", &order(name, "A", pieces, &pickup("S001")));
    assert_eq!(ask("W-1", 4).problem(409), "insufficient_stock");
    assert_eq!(ask("W-1", 4).problem(409), "insufficient_stock");
    assert_eq!(ask("W-2", 2).status, 201);
    let path = "/policies/safety_stock";
    let lower = tried(&hub, "safety_stock", &json!({"default": "1"}));
    assert_eq!(
        (&lower["won"], &lower["lost"], &lower["changed"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let refused = &lower["refused"];
    assert_eq!(
        (&refused["orders"], &refused["would_be_accepted"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&refused["estimated"], &refused["units_would_be"]),
        (&json!(0), &json!("4"))
    );
    let difference = &lower["differences"][0];
    assert_eq!(
        (&difference["channel"], &difference["external_id"]),
        (&json!("web"), &json!("W-1"))
    );
    assert_eq!(
        (&difference["order"], &difference["outcome"]),
        (&Value::Null, &json!("none"))
    );
    assert_eq!(difference["outcome_would_be"], "whole");
    assert_eq!(
        difference["would_be"],
        json!([{"line": 1, "location": "S001", "quantity": "4"}])
    );
    assert_eq!(
        difference["why"],
        json!([{"location": "S001", "sku": "A", "rule": "/default", "exact": true,
                "detail": "the default safety stock withholds 1 of A at S001 (2 before)"}])
    );
    let rule = json!({"rules": [{"scope": {"sku": "A", "location": "S001"}, "units": "4"}]});
    let higher = tried(&hub, "safety_stock", &rule);
    assert_eq!(
        (&higher["lost"], &higher["fewer_places"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(rules(&higher["differences"][0]), ["/rules/0"]);
    assert_eq!(
        hub.get(path).json()["policy"]["default"],
        "2",
        "nothing was changed"
    );
    // Taken in under its name later, it is no refusal any more.
    put_in_force(&hub, "safety_stock", &json!({"default": "0"}));
    assert_eq!(ask("W-1", 3).status, 201);
    let again = tried(&hub, "safety_stock", &json!({"default": "0"}));
    assert_eq!(again["refused"]["orders"], 0);
}

#[test]
fn channels_that_share_reserve_and_exclude_are_told_by_rule() {
    let hub = traded();
    let excluded = json!({"exclusions": [{"channel": "web", "scope": {"department": "DAIRY"}}]});
    let found = tried(&hub, "channels", &excluded);
    assert_eq!((&found["lost"], &found["changed"]), (&json!(2), &json!(2)));
    let differences = found["differences"].as_array().unwrap();
    assert!(
        differences
            .iter()
            .all(|one| rules(one) == ["/exclusions/0"]),
        "{found}"
    );
    assert!(differences.iter().all(|one| one["order"].is_string()));
    assert_eq!(
        (&found["units"], &found["units_would_be"]),
        (&json!("6"), &json!("1"))
    );
    let share = json!({"channels": {"web": {"priority": 1, "share_per_mille": 500}}});
    let found = tried(&hub, "channels", &share);
    assert_eq!(
        found["lost"], 1,
        "half of four are too few for three: {found}"
    );
    assert_eq!(
        rules(&found["differences"][0]),
        ["/channels/web/share_per_mille"]
    );
    assert_eq!(found["estimated"], 0);
}

#[test]
fn timers_move_promises_and_are_held_against_what_steps_took() {
    let hub = shop(&[("S001", "A", 5)]);
    let mut body = order("W-1", "A", 1, &pickup("S001"));
    let by = evertill_domain::Timestamp::from_millis(
        i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap() + 7_200_000,
    );
    body["fulfilment"]["promise_by"] = json!(by.to_string());
    assert_eq!(hub.post("/orders", &body).status, 201);
    let found = tried(&hub, "timers", &json!({"pick_minutes": 300}));
    assert_eq!(
        (&found["decisions"], &found["lost"]),
        (&json!(1), &json!(1))
    );
    let why = &found["differences"][0]["why"][0];
    assert!(
        why["detail"]
            .as_str()
            .unwrap()
            .contains("it would be ready at"),
        "{found}"
    );
    assert_eq!(why["exact"], true);
    let timers = &found["timers"];
    assert_eq!(timers["not_measured"], json!(["extend_minutes"]));
    let accept = &timers["measured"][0];
    assert_eq!(
        accept,
        &json!({"timer": "accept_minutes", "minutes": 30, "minutes_would_be": 30, "steps": 1,
                "late": 0, "would_be_late": 0})
    );
    let pick = &timers["measured"][1];
    assert_eq!(
        (&pick["minutes_would_be"], &pick["steps"]),
        (&json!(300), &json!(0))
    );
}

#[test]
fn decisions_of_earlier_releases_are_counted_and_not_guessed() {
    let hub = traded();
    let folder = hub.stop();
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    let kept = decisions::page(&conn, None, None, 10).unwrap();
    assert_eq!(kept.len(), 3);
    for told in kept {
        let sql = "UPDATE decision SET snapshot = ?2, policy = ?3, plan = ?4, packed = NULL
                   WHERE id = ?1";
        let row = (told.id, told.snapshot, told.policy, told.plan);
        assert_eq!(conn.execute(sql, row).unwrap(), 1);
    }
    drop(conn);
    let hub = Hub::on(folder);
    let found = tried(&hub, "safety_stock", &json!({"default": "9"}));
    assert_eq!(
        (&found["decisions"], &found["changed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(found["not_tried"]["recorded_before"], 3, "{found}");
    let routing = tried(&hub, "routing", &json!({}));
    assert_eq!(
        (&routing["decisions"], &routing["changed"]),
        (&json!(3), &json!(0))
    );
}

#[test]
fn what_is_kept_of_a_refused_order_names_nobody() {
    let hub = shop(&[("S001", "A", 1)]);
    let refused = hub.post("/orders", &order("W-1", "A", 3, &to_new_york()));
    assert_eq!(refused.problem(409), "insufficient_stock");
    let found = tried(&hub, "routing", &json!({}));
    assert_eq!(found["refused"]["orders"], 1);
    let folder = hub.stop();
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    let (kept, snapshot): (u32, String) = conn
        .query_row(
            "SELECT count(*), max(snapshot) FROM refused_order",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(kept, 1);
    let snapshot: Value = serde_json::from_str(&snapshot).unwrap();
    let place = &snapshot["destination"]["ship"]["position"];
    assert_eq!(
        place,
        &json!({"latitude": 40_700_000, "longitude": -74_000_000})
    );
    let text = snapshot.to_string();
    for personal in ["Ann", "ann@", "c-1", "New York"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    for table in ["order_intake", "order_contact", "customer_order"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: u32 = conn.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn a_draft_that_cannot_be_tried_says_why() {
    let hub = Hub::start();
    let post = |name: &str, body: Value| hub.post(&format!("/policies/{name}/simulate"), &body);
    assert_eq!(
        post("tax", json!({"policy": {}})).problem(422),
        "not_simulated"
    );
    post("weather", json!({"policy": {}})).problem(404);
    let wrong = post("safety_stock", json!({"policy": {"default": "2000000"}}));
    assert_eq!(wrong.problem(422), "policy_invalid");
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/policy/default");
    let unknown = post("online", json!({"policy": {"dfault": {}}}));
    assert_eq!(unknown.problem(422), "invalid_body");
    assert_eq!(unknown.json()["errors"][0]["pointer"], "/policy/dfault");
    let none = post("routing", json!({"policy": {}, "limit": 0}));
    assert_eq!(none.json()["errors"][0]["pointer"], "/limit");
    let nothing = tried(&hub, "timers", &json!({}));
    assert_eq!(
        (&nothing["decisions"], &nothing["changed"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn names_that_nothing_has_are_told_to_whoever_proposes_a_policy() {
    let hub = shop(&[("S001", "A", 1)]);
    let rules = json!({"rules": [
        {"scope": {"sku": "A", "location": "S001"}, "units": "1"},
        {"scope": {"sku": "AA"}, "units": "1"},
        {"scope": {"department": "dairy"}, "units": "1"}]});
    let put = hub.put("/policies/safety_stock", &rules);
    assert_eq!(put.status, 202, "{put:?}");
    assert_eq!(
        put.json()["warnings"],
        json!([
            {"pointer": "/rules/1/scope/sku",
             "detail": "no product AA is known; check its spelling, or import it"},
            {"pointer": "/rules/2/scope/department",
             "detail": "no product has the department dairy; write DAIRY, if that is meant"},
        ])
    );
    let listed = hub.items("/policies/safety_stock/drafts");
    assert!(listed[0].get("warnings").is_none());
    assert_eq!(
        hub.post("/orders", &order("W-1", "A", 1, &pickup("S001")))
            .status,
        201
    );
    let channels = json!({"channels": {"web": {"priority": 1, "share_per_mille": 1000}}});
    assert_eq!(
        hub.put("/policies/channels", &channels).json()["warnings"],
        json!([])
    );
}
