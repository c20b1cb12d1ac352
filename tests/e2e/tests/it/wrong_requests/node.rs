//! What can be wrong with the requests of a till.

use serde_json::{Value, json};

use super::{NOTHING, Row, read, row};

/// A row for each route of the node; `sold` is a receipt that it holds.
pub fn rows(sold: &Value) -> Vec<Row> {
    let mut rows = lines();
    rows.extend(baskets());
    rows.extend(back(sold));
    rows.extend(movements());
    rows.extend(reading());
    rows
}

fn sale() -> Value {
    json!({
        "register": "R1",
        "lines": [{"sku": "MILK", "quantity": "1"}],
        "tenders": [{"kind": "cash", "amount": "2.00"}],
    })
}

/// One field of a line.
fn lines() -> Vec<Row> {
    let (long, precise) = ("9".repeat(40), "1.605");
    [
        ("sku", json!("NOPE"), "unknown_sku"),
        ("sku", json!("no sku"), "unknown_sku"),
        ("quantity", json!("-1"), "not_positive"),
        ("quantity", json!("0"), "not_positive"),
        ("quantity", json!("0.5"), "too_precise"),
        ("quantity", json!(long), "too_large"),
        ("quantity", json!(1.5), "invalid_body"),
        ("unit_price", json!(precise), "too_precise"),
        ("amount", json!(long), "too_large"),
        ("colour", json!("red"), "invalid_body"),
    ]
    .into_iter()
    .map(|(field, value, code)| {
        let mut body = sale();
        body["lines"][0][field] = value;
        let pointer = format!("/lines/0/{field}");
        row("POST /sales", "/sales", body, (422, code, &pointer))
    })
    .collect()
}

/// One field of a basket.
fn baskets() -> Vec<Row> {
    let tender = |kind: &str, amount: &str| json!([{"kind": kind, "amount": amount}]);
    let barcode = json!([{"barcode": "999", "quantity": "1"}]);
    [
        ("lines", json!([]), (422, "no_lines", "/lines")),
        (
            "lines",
            barcode,
            (422, "unknown_barcode", "/lines/0/barcode"),
        ),
        (
            "tenders",
            tender("cash", "0.50"),
            (422, "tenders_short", "/tenders"),
        ),
        (
            "tenders",
            tender("shells", "2.00"),
            (422, "invalid_body", "/tenders/0/kind"),
        ),
        (
            "register",
            json!("R2"),
            (403, "other_register", "/register"),
        ),
    ]
    .into_iter()
    .map(|(field, value, wanted)| {
        let mut body = sale();
        body[field] = value;
        row("POST /sales", "/sales", body, wanted)
    })
    .collect()
}

/// Returns and voids.
fn back(sold: &Value) -> Vec<Row> {
    let id = sold["id"].as_str().unwrap_or_default();
    let void = "POST /sales/{id}/void";
    let returns = |receipt: &Value, line: u32, quantity: &str, code, pointer: &str| {
        let line =
            json!({"line": line, "quantity": quantity, "bucket": "sellable", "reason": "sour"});
        let body = json!({
            "register": "R1", "receipt": receipt, "lines": [line],
            "tenders": [{"kind": "cash", "amount": "1.60"}],
        });
        row("POST /returns", "/returns", body, (422, code, pointer))
    };
    let (number, nobody) = (&sold["receipt_number"], json!("S001-R1-AAAA-7"));
    vec![
        returns(number, 7, "1", "unknown_line", "/lines/0/line"),
        returns(number, 1, "2", "exceeds_sold", "/lines/0/quantity"),
        returns(number, 1, "-1", "not_positive", "/lines/0/quantity"),
        returns(&nobody, 1, "1", "unknown_receipt", "/receipt"),
        row(
            void,
            "/sales/nonsense/void",
            json!({"reason": "x"}),
            (404, "not_found", ""),
        ),
        row(
            void,
            format!("/sales/{id}/void"),
            json!({"reason": ""}),
            (422, "empty_text", "/reason"),
        ),
    ]
}

fn movements() -> Vec<Row> {
    [
        ("sellable", "nowhere", "1", "invalid_body", "/lines/0/to"),
        (
            "sellable",
            "sellable",
            "1",
            "movement_not_allowed",
            "/lines/0",
        ),
        (
            "damaged",
            "supplier",
            "1",
            "movement_not_allowed",
            "/lines/0",
        ),
        (
            "sellable",
            "damaged",
            "0.5",
            "too_precise",
            "/lines/0/quantity",
        ),
    ]
    .into_iter()
    .map(|(from, to, quantity, code, pointer)| {
        let line = json!({"sku": "MILK", "from": from, "to": to, "quantity": quantity});
        let body = json!({"reason": "damage", "lines": [line]});
        row("POST /movements", "/movements", body, (422, code, pointer))
    })
    .collect()
}

fn reading() -> Vec<Row> {
    let (day, missing) = ("GET /days/{location}/{date}", (404, "not_found", ""));
    let parameter = |pointer| (400, "invalid_parameter", pointer);
    vec![
        read("GET /sales", "/sales?limit=0", parameter("/limit")),
        read(
            "GET /sales",
            "/sales?cursor=nonsense",
            (400, "cursor_invalid", "/cursor"),
        ),
        read("GET /sales/{id}", "/sales/nonsense", missing),
        read(
            "GET /products",
            "/products?colour=red",
            parameter("/colour"),
        ),
        read("GET /products/{sku}", "/products/NOPE", missing),
        read(
            "GET /products/by-barcode/{code}",
            "/products/by-barcode/999",
            missing,
        ),
        read("GET /pickups", "/pickups?limit=0", parameter("/limit")),
        read("GET /pickups/{id}", "/pickups/nonsense", missing),
        read(
            "GET /fulfilments",
            "/fulfilments?colour=red",
            parameter("/colour"),
        ),
        read("GET /fulfilments/{id}", "/fulfilments/nonsense", missing),
        read(
            "GET /fulfilments/{id}/label",
            "/fulfilments/nonsense/label",
            missing,
        ),
        row(
            "POST /pickups/{id}/{event}",
            "/pickups/nonsense/accept",
            json!({}),
            missing,
        ),
        row(
            "POST /pickups/{id}/{event}",
            "/pickups/nonsense/juggle",
            json!({}),
            missing,
        ),
        row(
            "POST /fulfilments/{id}/{event}",
            "/fulfilments/nonsense/pack",
            json!({}),
            missing,
        ),
        read("GET /stock/{sku}", "/stock/NOPE", missing),
        read(day, "/days/S001/2026-02-30", parameter("/date")),
        read(day, "/days/S002/2026-07-01", missing),
        read("GET /status", "/status", NOTHING),
    ]
}
