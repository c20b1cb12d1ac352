//! Selling: what a receipt says, and that a sale counts once.

use serde_json::json;

use crate::shop::{Shop, one_milk};
use evertill_support::new_key;

#[test]
fn a_sale_answers_with_its_receipt_and_is_found_again() {
    let shop = Shop::open();
    let body = json!({
        "register": "R1",
        "cashier": "Ada",
        "sold_at": "2026-07-01T23:30:00+02:00",
        "customer_ref": "C-1",
        "lines": [
            {"sku": "MILK", "quantity": 2},
            {"barcode": "4006381333931", "quantity": "1", "unit_price": "1.00", "price_reason": "bruised"},
            {"sku": "HAM", "quantity": "0.512",
             "discounts": [{"kind": "loyalty", "amount": "0.14", "reason": "card"}]},
            {"sku": "SOAP", "quantity": "3", "amount": "8.00"},
            {"sku": "LOOSE", "quantity": 0, "amount": "-1.00"},
        ],
        "discounts": [{"kind": "promotion", "amount": "1.00", "reason": "coupon booklet", "promotion": "P1"}],
        "tenders": [
            {"kind": "card", "amount": "10.00", "reference": "A1B2"},
            {"kind": "cash", "amount": "20.00"},
        ],
    });
    let receipt = shop.sell(&body);
    // 3.00 + 1.00 + 6.14 + 8.00 - 1.00, less 0.14 and 1.00; taxes on top.
    assert_eq!(receipt["subtotal"], "17.14");
    assert_eq!(receipt["discount_total"], "1.14");
    assert_eq!(receipt["kind"], "sale");
    assert_eq!(receipt["location"], "S001");
    assert_eq!(receipt["register"], "R1");
    assert_eq!(receipt["currency"], "USD");
    assert_eq!(receipt["sold_at"], "2026-07-01T21:30:00.000Z");
    assert_eq!(receipt["business_date"], "2026-07-01");
    assert_eq!(receipt["fiscal"], "not_required");
    let line = &receipt["lines"][2];
    assert_eq!(
        (
            &line["line"],
            &line["name"],
            &line["quantity"],
            &line["unit"]
        ),
        (
            &json!(3),
            &json!("Ham, sliced"),
            &json!("0.512"),
            &json!("kg")
        )
    );
    assert_eq!(
        (&line["unit_price"], &line["amount"]),
        (&json!("12.00"), &json!("6.14"))
    );
    // The told amount is not a multiple of three pieces.
    assert_eq!(receipt["lines"][3]["unit_price"], json!(null));
    let cents = |value: &serde_json::Value| -> i64 {
        value.as_str().unwrap().replace('.', "").parse().unwrap()
    };
    let tenders: i64 = receipt["tenders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| cents(&t["amount"]))
        .sum();
    assert_eq!(
        cents(&receipt["total"]) + cents(&receipt["rounding"]),
        tenders - cents(&receipt["change_due"])
    );
    let taxes: i64 = receipt["taxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| cents(&t["amount"]))
        .sum();
    assert_eq!(cents(&receipt["total"]), 1_600 + taxes);

    let id = receipt["id"].as_str().unwrap();
    let number = receipt["receipt_number"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/sales/{id}")), receipt);
    assert_eq!(shop.get(&format!("/sales/{number}")), receipt);
    assert_eq!(shop.receipts(), [receipt]);
}

#[test]
fn a_retry_gets_the_same_bytes_also_after_restart_and_kill() {
    let mut shop = Shop::open();
    let key = new_key();
    let first = shop.till.post("/sales", &key, &one_milk()).unwrap();
    assert_eq!(first.status, 201);
    for round in 0..3 {
        let again = shop.till.post("/sales", &key, &one_milk()).unwrap();
        assert_eq!((again.status, &again.text), (201, &first.text));
        shop = if round == 0 {
            shop.after_restart()
        } else {
            shop.after_kill()
        };
    }
    assert_eq!(shop.receipts().len(), 1);
    // The scope of a key is the till, and a key stands for one body.
    let other = shop.register("R2");
    let mut body = one_milk();
    body["register"] = json!("R2");
    assert_eq!(other.post("/sales", &key, &body).unwrap().status, 201);
    body["register"] = json!("R1");
    body["cashier"] = json!("Bob");
    let reused = shop.till.post("/sales", &key, &body).unwrap();
    assert_eq!(reused.problem(422), "idempotency_key_reused");
    assert_eq!(shop.receipts().len(), 2);
}

#[test]
fn two_clients_with_one_key_make_one_sale_and_both_get_its_answer() {
    let shop = Shop::open();
    for _ in 0..20 {
        let key = new_key();
        let send = || {
            let till = shop.register("R1");
            till.post("/sales", &key, &one_milk()).unwrap()
        };
        let (one, two) = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(send), scope.spawn(send));
            (one.join().unwrap(), two.join().unwrap())
        });
        assert_eq!((one.status, two.status), (201, 201));
        assert_eq!(one.text, two.text);
    }
    assert_eq!(shop.receipts().len(), 20);
}

#[test]
fn a_refused_sale_leaves_no_trace_and_its_key_can_be_used() {
    let shop = Shop::open();
    let key = new_key();
    let mut short = one_milk();
    short["tenders"][0]["amount"] = json!("0.10");
    let refused = shop.till.post("/sales", &key, &short).unwrap();
    assert_eq!(refused.problem(422), "tenders_short");
    let sold = shop
        .till
        .post("/sales", &key, &one_milk())
        .unwrap()
        .expect(201);
    assert!(
        sold["receipt_number"].as_str().unwrap().ends_with("-1"),
        "{sold}"
    );
    assert_eq!(shop.receipts().len(), 1);
}

#[test]
fn nothing_to_pay_is_a_sale_too() {
    let shop = Shop::open();
    let receipt = shop.sell(&json!({
        "register": "R1",
        "lines": [{"sku": "BOOK", "quantity": 1, "unit_price": "0.00", "price_reason": "gift"}],
        "tenders": [],
    }));
    assert_eq!(
        (&receipt["total"], &receipt["change_due"]),
        (&json!("0.00"), &json!("0.00"))
    );
}

#[test]
fn a_till_sells_past_what_is_available_and_lists_go_page_by_page() {
    let shop = Shop::open();
    for _ in 0..5 {
        shop.sell(&one_milk());
    }
    let stock = shop.get("/stock/MILK");
    assert_eq!(stock["on_hand"], "-5");
    assert_eq!(stock["available"], "0");
    assert_eq!(stock["buckets"]["customer"], "5");
    let first = shop.get("/sales?limit=2");
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = shop.get(&format!("/sales?limit=3&cursor={cursor}"));
    assert_eq!(second["next_cursor"], json!(null));
    let mut listed = first["items"].as_array().unwrap().clone();
    listed.extend(second["items"].as_array().unwrap().iter().cloned());
    assert_eq!(listed, shop.receipts());
    let numbers: Vec<&str> = listed
        .iter()
        .map(|r| r["receipt_number"].as_str().unwrap())
        .collect();
    for (i, number) in numbers.iter().enumerate() {
        assert!(number.ends_with(&format!("-{}", i + 1)), "{numbers:?}");
    }
}
