//! Policies over HTTP, and who may ask.

use serde_json::json;

use crate::client::{Hub, new_key};

#[test]
fn a_policy_has_a_default_and_each_put_is_a_revision() {
    let hub = Hub::start();
    let first = hub.get("/policies/tax");
    assert_eq!((first.status, first.etag.as_deref()), (200, Some("\"0\"")));
    let mut policy = first.json()["policy"].clone();
    policy["classes"] = json!({"food": [{"code": "T", "rate": "0.02"}]});
    let put = hub.put("/policies/tax", &policy);
    assert_eq!((put.status, put.etag.as_deref()), (200, Some("\"1\"")));
    assert_eq!(put.json()["policy"], policy);
    assert_eq!(hub.get("/policies/tax").json(), put.json());
    let again = hub.put("/policies/tax", &policy);
    assert_eq!(again.json()["revision"], 1, "the same body is no revision");
    policy["prices_include_tax"] = json!(true);
    assert_eq!(hub.put("/policies/tax", &policy).json()["revision"], 2);
    let history = hub.items("/policies/tax/history");
    let revisions: Vec<_> = history.iter().map(|one| &one["revision"]).collect();
    assert_eq!(revisions, [2, 1]);
    assert!(history.iter().all(|one| one["author"] == "test"));
    let names: Vec<_> = hub
        .items("/policies")
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    for name in ["tax", "rounding", "movements"] {
        assert!(names.contains(&json!(name)));
    }
    let mut movements = hub.get("/policies/movements").json()["policy"].clone();
    let rule = json!({"reason": "found", "from": "customer", "to": "sellable"});
    movements["allowed"].as_array_mut().unwrap().push(rule);
    assert_eq!(hub.put("/policies/movements", &movements).status, 200);
}

#[test]
fn a_policy_is_put_only_over_the_revision_that_was_read() {
    let hub = Hub::start();
    let put = |tag: &str, increment: u32| {
        let body = json!({"cash": {"USD": {"increment": increment}}}).to_string();
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        hub.request("PUT", "/policies/rounding", &headers, body.as_bytes())
    };
    assert_eq!(put("\"0\"", 5).status, 200);
    assert_eq!(put("\"0\"", 10).problem(409), "policy_moved");
    assert_eq!(put("\"1\"", 10).status, 200);
    for tag in ["*", "2", "\"x\""] {
        assert_eq!(put(tag, 5).problem(400), "if_match_invalid");
    }
}

#[test]
fn what_is_no_policy_is_refused_and_changes_nothing() {
    let hub = Hub::start();
    let send = |kind: &str, body: &[u8]| {
        hub.request("PUT", "/policies/tax", &[("content-type", kind)], body)
    };
    send("text/plain", b"{}").problem(415);
    send("application/json", b"{").problem(400);
    send("application/json", b"").problem(400);
    send("application/json", b"[]").problem(422);
    send("application/json", br#"{"clases":{}}"#).problem(422);
    let rate = br#"{"classes":{"food":[{"code":"T","rate":"lots"}]}}"#;
    send("application/json", rate).problem(422);
    let taxed = br#"{"classes":{"zero":[{"code":"T","rate":"0.02"}]}}"#;
    assert_eq!(
        send("application/json", taxed).problem(422),
        "policy_invalid"
    );
    send("application/json", &vec![b' '; 10 << 20]).problem(413);
    hub.put("/policies/weather", &json!({})).problem(404);
    hub.get("/policies/weather").problem(404);
    hub.get("/policies/weather/history").problem(404);
    hub.request("DELETE", "/policies/tax", &[], b"")
        .problem(405);
    assert_eq!(hub.get("/policies/tax").json()["revision"], 0);
}

#[test]
fn every_route_asks_for_a_live_key() {
    let hub = Hub::start();
    let key = new_key();
    for (method, path) in [
        ("GET", "/policies"),
        ("GET", "/policies/tax"),
        ("PUT", "/policies/tax"),
        ("GET", "/policies/tax/history"),
        ("POST", "/imports/products"),
        ("POST", "/policies/timers/simulate"),
        ("GET", "/stock"),
        ("GET", "/sales"),
        ("GET", "/sales/0b1e7d1f-3c7a-8d2e-9f00-112233445566"),
        ("GET", "/days/S001/2026-07-01"),
        ("GET", "/fleet"),
        ("GET", "/quarantine"),
        ("POST", "/quarantine/1/retry"),
        ("POST", "/quarantine/1/dismiss"),
        ("GET", "/products"),
        ("GET", "/products/A"),
    ] {
        for token in ["", "Bearer", "Bearer nonsense", "Basic YTpi"] {
            let headers = [("authorization", token), ("idempotency-key", key.as_str())];
            let answer = hub.request(method, path, &headers, b"");
            let code = answer.problem(401);
            assert!(
                code.starts_with("token_"),
                "{method} {path} {token}: {code}"
            );
        }
    }
}

#[test]
fn what_is_sold_to_whom_needs_two_key_holders() {
    let hub = Hub::start();
    let second = hub.folder.ok(&["api-key", "--name", "second"]);
    let bearer = format!("Bearer {}", second.trim());
    let as_second = |path: &str, body: &serde_json::Value| {
        let key = new_key();
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
        ];
        hub.request("POST", path, &headers, body.to_string().as_bytes())
    };
    let units = || hub.get("/policies/safety_stock").json()["policy"]["default"].clone();
    assert_eq!(units(), "0");
    let put = hub.put(
        "/policies/safety_stock?reason=festival",
        &json!({"default": "2"}),
    );
    assert_eq!(put.status, 202, "{put:?}");
    let draft = put.json()["draft"].clone();
    assert_eq!(put.json()["base_revision"], 0);
    let again = hub.put(
        "/policies/safety_stock?reason=festival",
        &json!({"default": "2"}),
    );
    assert_eq!(again.json()["draft"], draft, "it waits once");
    assert_eq!(units(), "0", "a draft holds nowhere");
    let approve = json!({"draft": draft});
    let path = "/policies/safety_stock/approve";
    assert_eq!(hub.post(path, &approve).problem(409), "same_key");
    let approved = as_second(path, &approve);
    assert_eq!(approved.status, 200, "{approved:?}");
    assert_eq!(approved.json()["state"], "in_force");
    assert_eq!(units(), "2");
    assert_eq!(as_second(path, &approve).problem(409), "already_in_force");
    let stale = [("content-type", "application/json"), ("if-match", "\"0\"")];
    let stale = hub.request(
        "PUT",
        "/policies/safety_stock",
        &stale,
        b"{\"default\": \"4\"}",
    );
    assert_eq!(stale.problem(409), "policy_moved");
    let history = hub.items("/policies/safety_stock/history");
    assert_eq!(history[0]["author"], "test, approved by second");
    // One that is to hold later waits; one of the past comes back as a draft.
    let later = "/policies/safety_stock?effective_from=2999-01-01T00:00:00Z";
    let later = hub.put(later, &json!({"default": "9"})).json();
    assert_eq!(
        as_second(path, &json!({"draft": later["draft"]})).status,
        200
    );
    assert_eq!(units(), "2");
    let put = hub
        .put("/policies/safety_stock", &json!({"default": "3"}))
        .json();
    assert_eq!(as_second(path, &json!({"draft": put["draft"]})).status, 200);
    assert_eq!(units(), "3");
    let back = hub.post("/policies/safety_stock/rollback", &json!({"revision": 1}));
    assert_eq!(back.status, 202, "{back:?}");
    let back = json!({"draft": back.json()["draft"]});
    assert_eq!(as_second(path, &back).status, 200);
    assert_eq!(units(), "2");
    let states: Vec<_> = hub
        .items("/policies/safety_stock/drafts")
        .iter()
        .map(|draft| draft["state"].clone())
        .collect();
    assert_eq!(states, ["in_force", "in_force", "approved", "in_force"]);
    // What is not in force yet can be stopped, once.
    let stop = format!("/policies/safety_stock/drafts/{}/withdraw", later["draft"]);
    assert_eq!(hub.post(&stop, &json!({})).json()["state"], "withdrawn");
    assert_eq!(hub.post(&stop, &json!({})).problem(409), "withdrawn");
    let approve = json!({"draft": later["draft"]});
    assert_eq!(as_second(path, &approve).problem(409), "withdrawn");
    let begun = format!("/policies/safety_stock/drafts/{draft}/withdraw");
    assert_eq!(
        hub.post(&begun, &json!({})).problem(409),
        "already_in_force"
    );
    let wrong = hub.put("/policies/timers", &json!({"pick_minutes": 0}));
    assert_eq!(wrong.problem(422), "policy_invalid");
}
