//! Taking a sale back as a whole, and what days and stock show of it.

use serde_json::{Value, json};

use crate::shop::{Shop, one_milk};
use evertill_support::new_key;

fn sold_on_the_first() -> Value {
    let mut body = one_milk();
    body["sold_at"] = json!("2026-07-01T12:00:00Z");
    body["lines"][0]["quantity"] = json!(1);
    body["lines"][0]["discounts"] =
        json!([{"kind": "loyalty", "amount": "0.50", "reason": "card"}]);
    body
}

fn void_path(receipt: &Value) -> String {
    format!("/sales/{}/void", receipt["id"].as_str().unwrap())
}

#[test]
fn a_void_takes_everything_back_once() {
    let shop = Shop::open();
    let sale = shop.sell(&sold_on_the_first());
    assert_eq!(shop.get("/stock/MILK")["on_hand"], "-1");
    let key = new_key();
    let reason = json!({"reason": "wrong customer"});
    // Another till of the store takes it back, under a number of its own.
    let other = shop.register("R2");
    let first = other.post(&void_path(&sale), &key, &reason).unwrap();
    let void = first.expect(201);
    assert_eq!(void["kind"], "void");
    assert_eq!(void["original"], sale["receipt_number"]);
    assert_eq!(void["register"], "R2");
    assert_eq!(void["total"], "-1.02");
    assert_eq!(void["lines"][0]["quantity"], "-1");
    assert_eq!(void["tenders"][0]["amount"], "-2.00");
    assert_eq!(void["change_due"], "-0.98");
    let again = other.post(&void_path(&sale), &key, &reason).unwrap();
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(shop.get("/stock/MILK")["on_hand"], "0");

    let refused = shop.post(&void_path(&sale), &reason);
    assert_eq!(refused.problem(409), "already_voided");
    let refused = shop.post(&void_path(&void), &reason);
    assert_eq!(refused.problem(409), "not_a_sale");
    let refused = shop.post(&void_path(&sale), &json!({"reason": " "}));
    assert_eq!(refused.problem(422), "empty_text");
    assert_eq!(shop.receipts(), [sale, void]);
}

#[test]
fn of_concurrent_voids_one_is_taken() {
    let shop = Shop::open();
    for _ in 0..5 {
        let sale = shop.sell(&one_milk());
        let void = || {
            let till = shop.register("R1");
            let body = json!({"reason": "twice"});
            till.post(&void_path(&sale), &new_key(), &body)
                .unwrap()
                .status
        };
        let mut statuses = std::thread::scope(|scope| {
            let tills: Vec<_> = (0..4).map(|_| scope.spawn(void)).collect();
            tills
                .into_iter()
                .map(|till| till.join().unwrap())
                .collect::<Vec<_>>()
        });
        statuses.sort_unstable();
        assert_eq!(statuses[0], 201);
        assert!(
            statuses[1..].iter().all(|status| *status == 409),
            "{statuses:?}"
        );
    }
    assert_eq!(shop.receipts().len(), 10);
    assert_eq!(shop.get("/stock/MILK")["on_hand"], "0");
}

#[test]
fn a_day_sums_its_receipts_in_json_and_csv() {
    let shop = Shop::open();
    let empty = shop.get("/days/S001/2026-07-01");
    assert_eq!(
        (&empty["gross"], &empty["receipts"]),
        (&json!("0.00"), &json!(0))
    );
    shop.sell(&sold_on_the_first());
    shop.sell(&json!({
        "register": "R1", "sold_at": "2026-07-01T13:00:00Z",
        "lines": [{"sku": "SOAP", "quantity": 1}],
        "tenders": [{"kind": "card", "amount": "3.30", "reference": "T-1"}],
    }));
    let day = shop.get("/days/S001/2026-07-01");
    assert_eq!(
        day,
        json!({
            "location": "S001", "business_date": "2026-07-01", "currency": "USD",
            "gross": "4.50", "discounts": "0.50",
            "taxes": [
                {"code": "TX", "rate": "0.02", "base": "1.00", "amount": "0.02", "included": false},
                {"code": "TX", "rate": "0.1", "base": "3.00", "amount": "0.30", "included": false},
            ],
            "tenders": [
                {"kind": "cash", "amount": "1.02"},
                {"kind": "card", "amount": "3.30"},
            ],
            "rounding": "0.00", "returns": "0.00", "receipts": 2,
        })
    );
    let csv = shop
        .till
        .send(
            "GET",
            "/days/S001/2026-07-01",
            &[("accept", "text/csv")],
            b"",
        )
        .unwrap();
    assert_eq!(
        (csv.status, csv.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert!(
        csv.text
            .contains("\r\nS001,2026-07-01,USD,gross,,,,,4.50\r\n"),
        "{}",
        csv.text
    );
    assert!(
        csv.text.contains(",tax,TX,0.1,false,3.00,0.30\r\n"),
        "{}",
        csv.text
    );
    assert_eq!(shop.get("/days/S001/2026-07-02")["receipts"], 0);
}

#[test]
fn products_are_found_by_sku_code_and_words() {
    let shop = Shop::open();
    let milk = shop.get("/products/MILK");
    assert_eq!(
        (&milk["name"], &milk["price"]),
        (&json!("Milk, whole"), &json!("1.50"))
    );
    assert!(milk.get("cost").is_none());
    let scanned = shop.get("/products/by-barcode/4006381333931");
    assert_eq!(scanned["product"], milk);
    assert_eq!(
        (&scanned["match"], &scanned["quantity"]),
        (&json!("exact"), &json!(null))
    );
    assert_eq!(shop.get("/products?query=who%20mi")["items"], json!([milk]));
    let first = shop.get("/products?limit=2");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = shop.get(&format!("/products?cursor={cursor}"));
    assert_eq!(rest["next_cursor"], json!(null));
    let skus: Vec<&str> = [&first, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|product| product["sku"].as_str().unwrap())
        .collect();
    assert_eq!(skus, ["BOOK", "HAM", "LOOSE", "MILK", "SOAP"]);
    let stock = shop.get("/stock/HAM");
    assert_eq!(
        (&stock["unit"], &stock["on_hand"]),
        (&json!("kg"), &json!("0"))
    );
}

#[test]
fn the_status_counts_what_no_hub_has() {
    let shop = Shop::open();
    let before = shop.get("/status")["hub"]["unsent"].as_u64().unwrap();
    shop.sell(&one_milk());
    let status = shop.get("/status");
    assert_eq!(status["location"], "S001");
    assert_eq!(status["hub"]["connected"], json!(false));
    assert_eq!(status["hub"]["unsent"], json!(before + 1));
    assert!(status["hub"]["oldest_unsent"].is_string(), "{status}");
}
