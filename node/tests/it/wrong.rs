//! Wrong input on every route: the documented status, a problem that names the
//! field, and no trace of it.

use serde_json::{Value, json};

use crate::shop::{Shop, one_milk};
use evertill_support::{Client, Reply, new_key};

/// One milk with something changed.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = one_milk();
    change(&mut body);
    body
}

/// The problem's code and the pointer of its first field.
fn refusal(reply: &Reply, status: u16) -> (String, String) {
    let code = reply.problem(status);
    let pointer = reply.json()["errors"][0]["pointer"].clone();
    (code, pointer.as_str().unwrap_or_default().to_owned())
}

/// Every POST of the interface, with a body that would be taken.
fn posts(shop: &Shop) -> Vec<(String, Value)> {
    let sold = shop.sell(&one_milk());
    let id = sold["id"].as_str().unwrap();
    let giveback = json!({
        "register": "R1", "receipt": sold["receipt_number"],
        "lines": [{"line": 1, "quantity": 1, "bucket": "sellable", "reason": "sour"}],
        "tenders": [{"kind": "cash", "amount": "1.53"}],
    });
    let moved = json!({
        "reason": "damage",
        "lines": [{"sku": "MILK", "from": "sellable", "to": "damaged", "quantity": 1}],
    });
    vec![
        ("/sales".to_owned(), one_milk()),
        ("/returns".to_owned(), giveback),
        ("/movements".to_owned(), moved),
        (
            format!("/sales/{id}/void"),
            json!({"reason": "wrong customer"}),
        ),
    ]
}

#[test]
fn what_is_no_proper_request_is_refused_on_every_post() {
    let shop = Shop::open();
    for (path, body) in posts(&shop) {
        let whole = body.to_string();
        let send = |headers: &[(&str, &str)], body: &[u8]| {
            let mut all = vec![
                ("content-type", "application/json"),
                ("idempotency-key", "k"),
            ];
            all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
            all.extend(headers);
            shop.till.send("POST", &path, &all, body).unwrap()
        };
        let long_key = "k".repeat(256);
        let broken = &whole.as_bytes()[..whole.len() - 1];
        let large = vec![b' '; 10 << 20];
        let cases: [(Reply, u16, &str); 14] = [
            (
                send(&[("authorization", "")], whole.as_bytes()),
                401,
                "token_missing",
            ),
            (
                send(&[("authorization", "Basic abc")], whole.as_bytes()),
                401,
                "token_malformed",
            ),
            (
                send(&[("authorization", "Bearer nonsense")], whole.as_bytes()),
                401,
                "token_invalid",
            ),
            (
                send(&[("idempotency-key", "")], whole.as_bytes()),
                400,
                "idempotency_key_missing",
            ),
            (
                send(&[("idempotency-key", "two words")], whole.as_bytes()),
                400,
                "idempotency_key_invalid",
            ),
            (
                send(&[("idempotency-key", &long_key)], whole.as_bytes()),
                400,
                "idempotency_key_invalid",
            ),
            (
                send(&[("content-type", "text/plain")], whole.as_bytes()),
                415,
                "unsupported_media_type",
            ),
            (
                send(&[("content-type", "")], whole.as_bytes()),
                415,
                "unsupported_media_type",
            ),
            (send(&[], b""), 400, "malformed_json"),
            (send(&[], b"nonsense"), 400, "malformed_json"),
            (send(&[], broken), 400, "malformed_json"),
            (send(&[], &large), 413, "body_too_large"),
            (send(&[], b"[]"), 422, "invalid_body"),
            (send(&[], b"{\"nonsense\":1}"), 422, "invalid_body"),
        ];
        for (reply, status, code) in cases {
            assert_eq!(reply.problem(status), code, "{path}: {}", reply.text);
        }
        let other = shop.till.send("DELETE", &path, &[], b"").unwrap();
        assert_eq!(other.problem(405), "method_not_allowed");
        assert!(other.header("allow").contains("POST"), "{other:?}");
    }
    assert_eq!(shop.receipts().len(), 1);
}

#[test]
fn another_registers_token_is_403() {
    let shop = Shop::open();
    let other = shop.register("R2");
    let refused = other.post("/sales", &new_key(), &one_milk()).unwrap();
    assert_eq!(
        refusal(&refused, 403),
        ("other_register".to_owned(), "/register".to_owned())
    );
    let unnamed = with(|body| body["register"] = json!(""));
    assert_eq!(shop.post("/sales", &unnamed).problem(403), "other_register");
}

#[test]
fn wrong_paths_and_parameters_are_named() {
    let shop = Shop::open();
    for (path, status, code) in [
        ("/sales/nonsense", 404, "not_found"),
        ("/sales/S001-R1-AAAA-7", 404, "not_found"),
        (
            "/sales/00000000-0000-8000-8000-000000000000",
            404,
            "not_found",
        ),
        ("/sales/%ff", 404, "not_found"),
        ("/sales?limit=0", 400, "invalid_parameter"),
        ("/sales?limit=1001", 400, "invalid_parameter"),
        ("/sales?limit=ten", 400, "invalid_parameter"),
        ("/sales?cursor=nonsense", 400, "cursor_invalid"),
        ("/products/NOPE", 404, "not_found"),
        ("/products?colour=red", 400, "invalid_parameter"),
        ("/products?cursor=%25", 400, "cursor_invalid"),
        ("/products/by-barcode/123", 404, "not_found"),
        ("/stock/NOPE", 404, "not_found"),
        ("/days/S001/nonsense", 400, "invalid_parameter"),
        ("/days/S001/2026-02-30", 400, "invalid_parameter"),
        ("/days/S002/2026-07-01", 404, "not_found"),
        ("/days/nowhere/2026-07-01", 404, "not_found"),
        ("/nonsense", 404, "not_found"),
    ] {
        let reply = shop.till.get(path).unwrap();
        assert_eq!(reply.problem(status), code, "{path}: {}", reply.text);
    }
    let void = shop.post("/sales/S001-R1-AAAA-7/void", &json!({"reason": "x"}));
    assert_eq!(void.problem(404), "not_found");
}

#[test]
fn a_node_that_is_not_enrolled_says_how_to_enrol() {
    let dir = tempfile::tempdir().unwrap();
    let token = {
        let store =
            evertill_storage::Store::open(dir.path(), &evertill_storage::StoreOptions::node())
                .unwrap();
        let token = store.write_blocking("issue a token", |tx| {
            let register = "R1".parse().unwrap();
            evertill_storage::registers::issue_token(
                tx,
                &register,
                evertill_domain::Timestamp::default(),
            )
        });
        store.close();
        token.unwrap()
    };
    let service = crate::serve::SERVICE.start(dir.path());
    let till = Client::new(service.url(), &token);
    let refused = till.post("/sales", &new_key(), &one_milk()).unwrap();
    assert_eq!(refused.problem(409), "not_enrolled");
    assert!(refused.text.contains("evertill-node enrol"), "{refused:?}");
    let status = till.get("/status").unwrap().expect(200);
    assert_eq!(status["location"], json!(null));
    assert_eq!(till.get("/sales").unwrap().problem(409), "not_enrolled");
}
