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

#[test]
fn a_basket_that_breaks_a_rule_is_422_and_names_the_field() {
    let shop = Shop::open();
    let huge = "9".repeat(400);
    let lines = |count: usize| json!(vec![json!({"sku": "MILK", "quantity": 1}); count]);
    let tender = |kind: &str, amount: &str| json!([{"kind": kind, "amount": amount}]);
    let line = |line: Value| with(|b| b["lines"][0] = line);
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        (
            "no product",
            line(json!({"quantity": 1})),
            "missing_field",
            "/lines/0/sku",
        ),
        (
            "unknown SKU",
            line(json!({"sku": "NOPE", "quantity": 1})),
            "unknown_sku",
            "/lines/0/sku",
        ),
        (
            "no SKU at all",
            line(json!({"sku": "", "quantity": 1})),
            "invalid_body",
            "/lines/0/sku",
        ),
        (
            "unknown barcode",
            line(json!({"barcode": "000", "quantity": 1})),
            "unknown_barcode",
            "/lines/0/barcode",
        ),
        (
            "sku and barcode",
            line(json!({"sku": "MILK", "barcode": "4006381333931", "quantity": 1})),
            "sku_and_barcode",
            "/lines/0/barcode",
        ),
        (
            "no quantity",
            line(json!({"sku": "MILK"})),
            "missing_field",
            "/lines/0/quantity",
        ),
        (
            "null quantity",
            line(json!({"sku": "MILK", "quantity": null})),
            "missing_field",
            "/lines/0/quantity",
        ),
        (
            "negative",
            line(json!({"sku": "MILK", "quantity": -1})),
            "not_positive",
            "/lines/0/quantity",
        ),
        (
            "zero",
            line(json!({"sku": "MILK", "quantity": "0"})),
            "not_positive",
            "/lines/0/quantity",
        ),
        (
            "half a piece",
            line(json!({"sku": "MILK", "quantity": "0.5"})),
            "too_precise",
            "/lines/0/quantity",
        ),
        (
            "a fraction as a number",
            line(json!({"sku": "MILK", "quantity": 1.5})),
            "invalid_body",
            "/lines/0/quantity",
        ),
        (
            "too precise",
            line(json!({"sku": "HAM", "quantity": "0.0001"})),
            "too_precise",
            "/lines/0/quantity",
        ),
        (
            "integer for kg",
            line(json!({"sku": "HAM", "quantity": 1})),
            "wrong_type",
            "/lines/0/quantity",
        ),
        (
            "huge",
            line(json!({"sku": "MILK", "quantity": u64::MAX})),
            "too_large",
            "/lines/0/quantity",
        ),
        (
            "huge text",
            line(json!({"sku": "MILK", "quantity": huge})),
            "too_large",
            "/lines/0/quantity",
        ),
        (
            "no number",
            line(json!({"sku": "MILK", "quantity": "one"})),
            "malformed",
            "/lines/0/quantity",
        ),
        (
            "huge product",
            line(
                json!({"sku": "MILK", "quantity": "1000000000", "unit_price": "1000000000000.00"}),
            ),
            "too_large",
            "/lines/0/quantity",
        ),
        (
            "no price",
            line(json!({"sku": "LOOSE", "quantity": 1})),
            "no_price",
            "/lines/0/unit_price",
        ),
        (
            "price below zero",
            line(json!({"sku": "MILK", "quantity": 1, "unit_price": "-1.00"})),
            "negative_price",
            "/lines/0/unit_price",
        ),
        (
            "price too precise",
            line(json!({"sku": "MILK", "quantity": 1, "unit_price": "1.005"})),
            "too_precise",
            "/lines/0/unit_price",
        ),
        (
            "amount as a number",
            line(json!({"sku": "MILK", "quantity": 1, "amount": 1.5})),
            "invalid_body",
            "/lines/0/amount",
        ),
        (
            "huge amount",
            line(json!({"sku": "MILK", "quantity": 1, "amount": "1000000000000.01"})),
            "too_large",
            "/lines/0/amount",
        ),
        (
            "long text",
            line(json!({"sku": "MILK", "quantity": 1, "lot": "L".repeat(201)})),
            "text_too_long",
            "/lines/0/lot",
        ),
        (
            "blank text",
            line(json!({"sku": "MILK", "quantity": 1, "serial": " "})),
            "empty_text",
            "/lines/0/serial",
        ),
        (
            "control characters",
            with(|b| b["cashier"] = json!("A\u{7}")),
            "not_plain_text",
            "/cashier",
        ),
        (
            "unknown field",
            line(json!({"sku": "MILK", "quantity": 1, "colour": "red"})),
            "invalid_body",
            "/lines/0/colour",
        ),
        (
            "a currency",
            with(|b| b["currency"] = json!("EUR")),
            "invalid_body",
            "/currency",
        ),
        (
            "no lines",
            with(|b| b["lines"] = json!([])),
            "no_lines",
            "/lines",
        ),
        (
            "too many lines",
            with(|b| b["lines"] = lines(501)),
            "too_many",
            "/lines",
        ),
        (
            "lines of another type",
            with(|b| b["lines"] = json!({})),
            "invalid_body",
            "/lines",
        ),
        (
            "no time",
            with(|b| b["sold_at"] = json!("yesterday")),
            "invalid_body",
            "/sold_at",
        ),
        (
            "short",
            with(|b| b["tenders"] = tender("cash", "1.00")),
            "tenders_short",
            "/tenders",
        ),
        (
            "no tenders",
            with(|b| b["tenders"] = json!([])),
            "tenders_short",
            "/tenders",
        ),
        (
            "change for card",
            with(|b| b["tenders"] = tender("card", "5.00")),
            "no_change_for_card",
            "/tenders",
        ),
        (
            "negative tender",
            with(|b| b["tenders"] = tender("cash", "-5.00")),
            "not_positive",
            "/tenders/0/amount",
        ),
        (
            "unknown tender",
            with(|b| b["tenders"] = tender("shells", "5.00")),
            "invalid_body",
            "/tenders/0/kind",
        ),
        (
            "huge tender",
            with(|b| b["tenders"] = tender("cash", &huge)),
            "too_large",
            "/tenders/0/amount",
        ),
        (
            "tender in a currency",
            with(|b| b["tenders"] = json!([{"kind": "cash", "amount": "5.00", "currency": "EUR"}])),
            "invalid_body",
            "/tenders/0/currency",
        ),
        (
            "a card number",
            with(|b| {
                b["tenders"] =
                    json!([{"kind": "card", "amount": "1.53", "reference": "4111 1111 1111 1111"}])
            }),
            "card_number",
            "/tenders/0/reference",
        ),
        (
            "discount above line",
            line(
                json!({"sku": "MILK", "quantity": 1, "discounts": [{"kind": "manual", "amount": "2.00", "reason": "x"}]}),
            ),
            "discount_exceeds_line",
            "/lines/0/discounts/0/amount",
        ),
        (
            "discount above basket",
            with(|b| b["discounts"] = json!([{"kind": "manual", "amount": "2.00", "reason": "x"}])),
            "discount_exceeds_basket",
            "/discounts/0/amount",
        ),
        (
            "negative discount",
            with(|b| {
                b["discounts"] = json!([{"kind": "manual", "amount": "-2.00", "reason": "x"}])
            }),
            "not_positive",
            "/discounts/0/amount",
        ),
        (
            "discount without reason",
            with(|b| b["discounts"] = json!([{"kind": "manual", "amount": "0.10"}])),
            "invalid_body",
            "/discounts/0/reason",
        ),
        (
            "a discount kind",
            with(|b| {
                b["discounts"] = json!([{"kind": "Two Words", "amount": "0.10", "reason": "x"}])
            }),
            "invalid_body",
            "/discounts/0/kind",
        ),
    ];
    for (what, body, code, pointer) in cases {
        let reply = shop.post("/sales", &body);
        let expected = (code.to_owned(), pointer.to_owned());
        assert_eq!(refusal(&reply, 422), expected, "{what}: {}", reply.text);
    }
    assert_eq!(shop.receipts(), [] as [Value; 0]);
    let first = shop.sell(&one_milk());
    assert!(
        first["receipt_number"].as_str().unwrap().ends_with("-1"),
        "{first}"
    );
}

/// Every POST of the interface, with a body that would be taken.
fn posts(shop: &Shop) -> Vec<(String, Value)> {
    let sold = shop.sell(&one_milk());
    let id = sold["id"].as_str().unwrap();
    vec![
        ("/sales".to_owned(), one_milk()),
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
        let sent = body.to_string();
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
        let broken = &sent.as_bytes()[..sent.len() - 1];
        let large = vec![b' '; 10 << 20];
        let cases: [(Reply, u16, &str); 14] = [
            (
                send(&[("authorization", "")], sent.as_bytes()),
                401,
                "token_missing",
            ),
            (
                send(&[("authorization", "Basic abc")], sent.as_bytes()),
                401,
                "token_malformed",
            ),
            (
                send(&[("authorization", "Bearer nonsense")], sent.as_bytes()),
                401,
                "token_invalid",
            ),
            (
                send(&[("idempotency-key", "")], sent.as_bytes()),
                400,
                "idempotency_key_missing",
            ),
            (
                send(&[("idempotency-key", "two words")], sent.as_bytes()),
                400,
                "idempotency_key_invalid",
            ),
            (
                send(&[("idempotency-key", &long_key)], sent.as_bytes()),
                400,
                "idempotency_key_invalid",
            ),
            (
                send(&[("content-type", "text/plain")], sent.as_bytes()),
                415,
                "unsupported_media_type",
            ),
            (
                send(&[("content-type", "")], sent.as_bytes()),
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
