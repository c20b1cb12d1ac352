//! Goods that come back, with what days and stock show of them.

use serde_json::{Value, json};

use crate::shop::Shop;
use evertill_support::new_key;

/// Three pieces of soap, 3.00 each and 10 % tax on top.
fn sell_soap(shop: &Shop) -> Value {
    shop.sell(&json!({
        "register": "R1", "sold_at": "2026-07-01T12:00:00Z",
        "lines": [{"sku": "SOAP", "quantity": 3}, {"sku": "HAM", "quantity": "0.512"}],
        "tenders": [{"kind": "card", "amount": "16.16", "reference": "T-1"}],
    }))
}

fn back(sale: &Value, line: u32, quantity: &str, tenders: &Value) -> Value {
    json!({
        "register": "R1", "receipt": sale["receipt_number"],
        "lines": [{"line": line, "quantity": quantity, "bucket": "damaged", "reason": "leaks"}],
        "tenders": tenders,
    })
}

#[test]
fn goods_come_back_for_what_was_paid_and_not_twice() {
    let shop = Shop::open();
    let sale = sell_soap(&shop);
    let two = back(&sale, 1, "2", &json!([{"kind": "cash", "amount": "6.60"}]));
    let key = new_key();
    let first = shop.till.post("/returns", &key, &two).unwrap();
    let returned = first.expect(201);
    assert_eq!(
        (&returned["kind"], &returned["original"]),
        (&json!("return"), &sale["receipt_number"])
    );
    assert_eq!(
        (&returned["total"], &returned["tenders"][0]["amount"]),
        (&json!("-6.60"), &json!("-6.60"))
    );
    assert_eq!(returned["lines"][0]["unit_price"], "3.00");
    let again = shop.till.post("/returns", &key, &two).unwrap();
    assert_eq!((again.status, &again.text), (201, &first.text));
    let id = returned["id"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/sales/{id}")), returned);
    let stock = shop.get("/stock/SOAP");
    assert_eq!(
        (&stock["on_hand"], &stock["buckets"]["damaged"]),
        (&json!("-1"), &json!("2"))
    );

    let refused = shop.post("/returns", &two);
    assert_eq!(refused.problem(409), "exceeds_sold");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/lines/0/quantity");
    let void = format!("/sales/{}/void", sale["id"].as_str().unwrap());
    let refused = shop.post(&void, &json!({"reason": "x"}));
    assert_eq!(refused.problem(409), "already_returned");

    let today = returned["business_date"].as_str().unwrap();
    let day = shop.get(&format!("/days/S001/{today}"));
    assert_eq!(
        (&day["gross"], &day["returns"], &day["receipts"]),
        (&json!("0.00"), &json!("6.60"), &json!(1))
    );
    assert_eq!(day["tenders"], json!([{"kind": "cash", "amount": "-6.60"}]));
    assert_eq!(shop.receipts(), [sale, returned]);
}

#[test]
fn of_concurrent_returns_of_one_line_only_what_was_sold_comes_back() {
    let shop = Shop::open();
    for _ in 0..5 {
        let sale = sell_soap(&shop);
        let one = back(&sale, 1, "1", &json!([{"kind": "cash", "amount": "3.30"}]));
        let send = || {
            let till = shop.register("R1");
            till.post("/returns", &new_key(), &one).unwrap().status
        };
        let mut statuses = std::thread::scope(|scope| {
            let tills: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
            tills
                .into_iter()
                .map(|till| till.join().unwrap())
                .collect::<Vec<_>>()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 201, 409, 409, 409]);
    }
    let stock = shop.get("/stock/SOAP");
    assert_eq!(
        (&stock["on_hand"], &stock["buckets"]["damaged"]),
        (&json!("0"), &json!("15"))
    );
}

#[test]
fn a_return_that_breaks_a_rule_names_the_field() {
    let shop = Shop::open();
    let sale = sell_soap(&shop);
    let cash = |amount: &str| json!([{"kind": "cash", "amount": amount}]);
    let good = back(&sale, 1, "1", &cash("3.30"));
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, value, status, code) in [
        ("/receipt", json!("S001-R1-AAAA-9"), 422, "unknown_receipt"),
        ("/receipt", json!("nonsense"), 422, "invalid_body"),
        ("/lines", json!([]), 422, "no_lines"),
        ("/lines/0/line", json!(3), 422, "unknown_line"),
        ("/lines/0/line", json!(-1), 422, "invalid_body"),
        ("/lines/0/quantity", json!("4"), 422, "exceeds_sold"),
        ("/lines/0/quantity", json!("0.5"), 422, "too_precise"),
        ("/lines/0/quantity", json!("-1"), 422, "not_positive"),
        (
            "/lines/0/bucket",
            json!("supplier"),
            422,
            "bucket_not_allowed",
        ),
        ("/lines/0/bucket", json!("bin"), 422, "invalid_body"),
        ("/lines/0/reason", json!(""), 422, "empty_text"),
        ("/tenders", cash("3.29"), 422, "tenders_differ"),
        ("/tenders", cash("-3.30"), 422, "not_positive"),
        ("/register", json!("R2"), 403, "other_register"),
    ] {
        let what = format!("{pointer} = {value}");
        let reply = shop.post("/returns", &with(pointer, value));
        assert_eq!(reply.problem(status), code, "{what}: {}", reply.text);
        let named = reply.json()["errors"][0]["pointer"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(named.starts_with(pointer), "{what}: {}", reply.text);
    }
    assert_eq!(shop.receipts().len(), 1);
    let _ = shop.post("/returns", &good).expect(201);
}
