//! Baskets that break a rule: 422, the rule's code and the field's pointer.

use serde_json::{Value, json};

use crate::shop::{Shop, one_milk};

/// What is set where, the code of the refusal, and the field it names if that
/// is another than the one that was set.
type Case = (&'static str, Value, &'static str, Option<&'static str>);

/// One milk with the value at `pointer` set.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = one_milk();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

/// Checks each case, and that none of them left a trace.
fn refuse(cases: Vec<Case>) {
    let shop = Shop::open();
    for (pointer, value, code, named) in cases {
        let what = format!("{pointer} = {value}");
        let reply = shop.post("/sales", &with(pointer, value));
        assert_eq!(reply.problem(422), code, "{what}: {}", reply.text);
        let field = reply.json()["errors"][0]["pointer"].clone();
        assert_eq!(field, named.unwrap_or(pointer), "{what}: {}", reply.text);
    }
    assert_eq!(shop.receipts(), [] as [Value; 0]);
    let first = shop.sell(&one_milk());
    assert!(
        first["receipt_number"].as_str().unwrap().ends_with("-1"),
        "{first}"
    );
}

#[test]
fn lines() {
    let sku = |sku: &str| json!([{"sku": sku, "quantity": 1}]);
    let barcode = |code: &str| json!([{"barcode": code, "quantity": 1}]);
    let many = json!(vec![json!({"sku": "MILK", "quantity": 1}); 501]);
    refuse(vec![
        ("/lines", json!([]), "no_lines", None),
        ("/lines", json!({}), "invalid_body", None),
        ("/lines", many, "too_many", None),
        (
            "/lines",
            json!([{"quantity": 1}]),
            "missing_field",
            Some("/lines/0/sku"),
        ),
        ("/lines", sku("NOPE"), "unknown_sku", Some("/lines/0/sku")),
        ("/lines", sku(""), "invalid_body", Some("/lines/0/sku")),
        (
            "/lines",
            barcode("000"),
            "unknown_barcode",
            Some("/lines/0/barcode"),
        ),
        (
            "/lines/0/barcode",
            json!("4006381333931"),
            "sku_and_barcode",
            None,
        ),
        ("/lines/0/colour", json!("red"), "invalid_body", None),
        (
            "/lines/0/lot",
            json!("L".repeat(201)),
            "text_too_long",
            None,
        ),
        ("/lines/0/serial", json!(" "), "empty_text", None),
    ]);
}

#[test]
fn quantities() {
    let ham = |quantity: Value| json!([{"sku": "HAM", "quantity": quantity}]);
    let at = "/lines/0/quantity";
    refuse(vec![
        (
            "/lines",
            json!([{"sku": "MILK"}]),
            "missing_field",
            Some(at),
        ),
        (at, json!(null), "missing_field", None),
        (at, json!(-1), "not_positive", None),
        (at, json!("0"), "not_positive", None),
        (at, json!("0.5"), "too_precise", None),
        (at, json!(1.5), "invalid_body", None),
        (at, json!(1e300), "invalid_body", None),
        (at, json!(u64::MAX), "too_large", None),
        (at, json!("9".repeat(400)), "too_large", None),
        (at, json!("one"), "malformed", None),
        (at, json!("1e3"), "malformed", None),
        ("/lines", ham(json!("0.0001")), "too_precise", Some(at)),
        ("/lines", ham(json!(1)), "wrong_type", Some(at)),
    ]);
}

#[test]
fn prices_and_discounts() {
    let discount = |amount: &str| json!([{"kind": "manual", "amount": amount, "reason": "x"}]);
    let loose = json!([{"sku": "LOOSE", "quantity": 1}]);
    let huge = json!([{"sku": "MILK", "quantity": "1000000000", "unit_price": "1000000000.00"}]);
    let unexplained = json!([{"kind": "manual", "amount": "0.10"}]);
    let two_words = json!([{"kind": "Two Words", "amount": "0.10", "reason": "x"}]);
    refuse(vec![
        ("/lines", loose, "no_price", Some("/lines/0/unit_price")),
        ("/lines", huge, "too_large", Some("/lines/0/quantity")),
        (
            "/lines/0/unit_price",
            json!("-1.00"),
            "negative_price",
            None,
        ),
        ("/lines/0/unit_price", json!("1.005"), "too_precise", None),
        ("/lines/0/amount", json!(1.5), "invalid_body", None),
        (
            "/lines/0/amount",
            json!("1000000000000.01"),
            "too_large",
            None,
        ),
        (
            "/lines/0/discounts",
            discount("2.00"),
            "discount_exceeds_line",
            Some("/lines/0/discounts/0/amount"),
        ),
        (
            "/discounts",
            discount("2.00"),
            "discount_exceeds_basket",
            Some("/discounts/0/amount"),
        ),
        (
            "/discounts",
            discount("-2.00"),
            "not_positive",
            Some("/discounts/0/amount"),
        ),
        (
            "/discounts",
            unexplained,
            "invalid_body",
            Some("/discounts/0/reason"),
        ),
        (
            "/discounts",
            two_words,
            "invalid_body",
            Some("/discounts/0/kind"),
        ),
    ]);
}

#[test]
fn payments_and_the_rest() {
    let tender = |kind: &str, amount: &str| json!([{"kind": kind, "amount": amount}]);
    let card = json!([{"kind": "card", "amount": "1.53", "reference": "4111 1111 1111 1111"}]);
    let first = Some("/tenders/0/amount");
    refuse(vec![
        ("/tenders", json!([]), "tenders_short", None),
        ("/tenders", tender("cash", "1.00"), "tenders_short", None),
        (
            "/tenders",
            tender("card", "5.00"),
            "no_change_for_card",
            None,
        ),
        ("/tenders", tender("cash", "-5.00"), "not_positive", first),
        (
            "/tenders",
            tender("cash", &"9".repeat(400)),
            "too_large",
            first,
        ),
        (
            "/tenders",
            tender("shells", "5.00"),
            "invalid_body",
            Some("/tenders/0/kind"),
        ),
        (
            "/tenders",
            card,
            "card_number",
            Some("/tenders/0/reference"),
        ),
        ("/tenders/0/currency", json!("EUR"), "invalid_body", None),
        ("/currency", json!("EUR"), "invalid_body", None),
        ("/cashier", json!("A\u{7}"), "not_plain_text", None),
        ("/sold_at", json!("yesterday"), "invalid_body", None),
        ("/register", json!(1), "invalid_body", None),
    ]);
}
