//! Goods that move without a sale.

use serde_json::{Value, json};

use crate::shop::Shop;
use evertill_support::new_key;

fn delivery() -> Value {
    json!({
        "reason": "receiving", "by": "Ada", "reference": "DN-7",
        "lines": [
            {"sku": "MILK", "from": "supplier", "to": "sellable", "quantity": 24},
            {"sku": "HAM", "from": "supplier", "to": "sellable", "quantity": "5.250", "lot": "L1"},
        ],
    })
}

#[test]
fn a_delivery_raises_stock_once() {
    let shop = Shop::open();
    let key = new_key();
    let first = shop.till.post("/movements", &key, &delivery()).unwrap();
    let record = first.expect(201);
    assert_eq!(
        (&record["location"], &record["by"]),
        (&json!("S001"), &json!("Ada"))
    );
    let line = json!({
        "sku": "HAM", "from": "supplier", "to": "sellable", "quantity": "5.25", "unit": "kg", "lot": "L1",
    });
    assert_eq!(record["lines"][1], line);
    let again = shop.till.post("/movements", &key, &delivery()).unwrap();
    assert_eq!((again.status, &again.text), (201, &first.text));
    let stock = shop.get("/stock/MILK");
    assert_eq!(
        (&stock["on_hand"], &stock["available"]),
        (&json!("24"), &json!("24"))
    );
    assert_eq!(stock["buckets"]["supplier"], "-24");
    assert_eq!(shop.get("/stock/HAM")["on_hand"], "5.25");

    let broken = json!({
        "reason": "damage",
        "lines": [{"sku": "MILK", "from": "sellable", "to": "damaged", "quantity": 2}],
    });
    let _ = shop.post("/movements", &broken).expect(201);
    let stock = shop.get("/stock/MILK");
    assert_eq!(
        (&stock["on_hand"], &stock["available"]),
        (&json!("24"), &json!("22"))
    );
    assert_eq!(shop.receipts(), [] as [Value; 0]);
}

#[test]
fn what_policy_does_not_allow_is_refused_with_its_field() {
    let shop = Shop::open();
    for (pointer, value, code, named) in [
        ("/reason", json!("sale"), "reason_of_receipts", "/reason"),
        ("/reason", json!("theft"), "invalid_body", "/reason"),
        ("/lines", json!([]), "no_lines", "/lines"),
        ("/lines/0/sku", json!("NOPE"), "unknown_sku", "/lines/0/sku"),
        (
            "/lines/0/quantity",
            json!("0"),
            "not_positive",
            "/lines/0/quantity",
        ),
        (
            "/lines/0/quantity",
            json!(-3),
            "not_positive",
            "/lines/0/quantity",
        ),
        (
            "/lines/0/quantity",
            json!("0.5"),
            "too_precise",
            "/lines/0/quantity",
        ),
        (
            "/lines/0/to",
            json!("customer"),
            "movement_not_allowed",
            "/lines/0",
        ),
        (
            "/lines/0/from",
            json!("shelf"),
            "invalid_body",
            "/lines/0/from",
        ),
        ("/lines/1/lot", json!(""), "empty_text", "/lines/1/lot"),
        ("/by", json!("x".repeat(201)), "text_too_long", "/by"),
    ] {
        let mut body = delivery();
        let what = format!("{pointer} = {value}");
        *body.pointer_mut(pointer).unwrap() = value;
        let reply = shop.post("/movements", &body);
        assert_eq!(reply.problem(422), code, "{what}: {}", reply.text);
        assert_eq!(
            reply.json()["errors"][0]["pointer"],
            named,
            "{what}: {}",
            reply.text
        );
    }
    assert_eq!(shop.get("/stock/MILK")["on_hand"], "0");
}
