//! What can be wrong with the requests of an operator or an integration.

use serde_json::json;

use super::{Row, read, row};

/// A row for each route of the hub.
pub fn rows() -> Vec<Row> {
    let mut rows = reading();
    rows.extend(writing());
    rows.extend(drafting());
    rows.extend(selling());
    rows.extend(telling());
    rows
}

fn reading() -> Vec<Row> {
    let missing = (404, "not_found", "");
    let parameter = |pointer| (400, "invalid_parameter", pointer);
    let cursor = (400, "cursor_invalid", "/cursor");
    vec![
        read(
            "GET /days/{location}/{date}",
            "/days/S001/nonsense",
            parameter("/date"),
        ),
        read(
            "GET /availability",
            "/availability?sku=%20",
            (400, "invalid_parameter", "/sku"),
        ),
        read("GET /orders", "/orders?limit=0", parameter("/limit")),
        read("GET /supply", "/supply?limit=0", parameter("/limit")),
        read(
            "GET /exceptions",
            "/exceptions?colour=red",
            parameter("/colour"),
        ),
        read("GET /exceptions/{id}", "/exceptions/999", missing),
        read("GET /orders/{id}", "/orders/nope", missing),
        row(
            "POST /orders/{id}/shipments",
            "/orders/nope/shipments",
            json!({"location": "S001"}),
            missing,
        ),
        read(
            "GET /orders/{id}/shipments",
            "/orders/nope/shipments",
            missing,
        ),
        read("GET /orders/{id}/contact", "/orders/nope/contact", missing),
        read(
            "DELETE /orders/{id}/contact",
            "/orders/nope/contact",
            missing,
        ),
        read(
            "GET /orders/{id}/pickup-codes",
            "/orders/nope/pickup-codes",
            missing,
        ),
        read(
            "GET /orders/{id}/decisions",
            "/orders/nope/decisions",
            missing,
        ),
        read("GET /fleet", "/fleet?limit=-1", parameter("/limit")),
        read("GET /policies", "/policies?limit=0", parameter("/limit")),
        read("GET /policies/{name}", "/policies/nope", missing),
        read(
            "GET /policies/{name}/history",
            "/policies/nope/history",
            missing,
        ),
        read(
            "GET /policies/{name}/drafts",
            "/policies/nope/drafts",
            missing,
        ),
        read("GET /products", "/products?limit=ten", parameter("/limit")),
        read("GET /products/{sku}", "/products/NOPE", missing),
        read("GET /quarantine", "/quarantine?cursor=nonsense", cursor),
        read("GET /sales", "/sales?location=%20", parameter("/location")),
        read("GET /sales/{id}", "/sales/S001-R1-AAAA-7", missing),
        read("GET /stock", "/stock?sku=%20x", parameter("/sku")),
    ]
}

fn telling() -> Vec<Row> {
    let missing = (404, "not_found", "");
    let on = |route, path: &str| row(route, format!("/webhooks/999{path}"), json!(""), missing);
    vec![
        read(
            "GET /events",
            "/events?types=weather",
            (400, "invalid_parameter", "/types"),
        ),
        read(
            "GET /orders/{id}/messages",
            "/orders/nope/messages",
            missing,
        ),
        read(
            "GET /webhooks",
            "/webhooks?limit=0",
            (400, "invalid_parameter", "/limit"),
        ),
        read("GET /webhooks/{id}", "/webhooks/999", missing),
        read("DELETE /webhooks/{id}", "/webhooks/nope", missing),
        read(
            "GET /webhooks/{id}/deliveries",
            "/webhooks/999/deliveries",
            missing,
        ),
        row(
            "POST /webhooks",
            "/webhooks",
            json!({"url": "file:///etc/passwd", "types": ["order"]}),
            (422, "invalid", "/url"),
        ),
        on("POST /webhooks/{id}/pause", "/pause"),
        on("POST /webhooks/{id}/resume", "/resume"),
        on(
            "POST /webhooks/{id}/deliveries/{delivery}/retry",
            "/deliveries/1/retry",
        ),
        row(
            "POST /webhooks/{id}/replay",
            "/webhooks/999/replay",
            json!({"after": 0}),
            missing,
        ),
        row(
            "POST /replicas/{id}/seal",
            "/replicas/nope/seal",
            json!({"reason": "stolen"}),
            missing,
        ),
    ]
}

fn writing() -> Vec<Row> {
    let (imports, policies) = ("POST /imports/{kind}", "PUT /policies/{name}");
    let (missing, header) = ((404, "not_found", ""), json!("sku\nA\n"));
    let rate = json!({"classes": {"food": [{"code": "TX", "rate": "-1"}]}});
    vec![
        row(
            "POST /quarantine/{id}/retry",
            "/quarantine/999/retry",
            json!(""),
            missing,
        ),
        row(
            "POST /quarantine/{id}/dismiss",
            "/quarantine/999/dismiss",
            json!(""),
            missing,
        ),
        row(imports, "/imports/customers", header.clone(), missing),
        row(
            imports,
            "/imports/products?dry=1",
            header.clone(),
            (400, "invalid_parameter", "/dry"),
        ),
        row(
            imports,
            "/imports/products",
            header,
            (422, "header_invalid", ""),
        ),
        row(policies, "/policies/nope", json!({}), missing),
        row(
            policies,
            "/policies/tax",
            rate,
            (422, "invalid_body", "/classes/food/0/rate"),
        ),
        row(
            policies,
            "/policies/tax",
            json!({"klasses": {}}),
            (422, "invalid_body", "/klasses"),
        ),
    ]
}

fn drafting() -> Vec<Row> {
    let missing = (404, "not_found", "");
    vec![
        row(
            "POST /policies/{name}/approve",
            "/policies/routing/approve",
            json!({"draft": 999}),
            missing,
        ),
        row(
            "POST /policies/{name}/drafts/{draft}/withdraw",
            "/policies/routing/drafts/999/withdraw",
            json!(""),
            missing,
        ),
        row(
            "POST /policies/{name}/rollback",
            "/policies/routing/rollback",
            json!({"revision": 999}),
            missing,
        ),
        row(
            "POST /policies/{name}/simulate",
            "/policies/tax/simulate",
            json!({"policy": {}}),
            (422, "not_simulated", ""),
        ),
        row(
            "POST /policies/{name}/simulate",
            "/policies/routing/simulate",
            json!({"policy": {"max_locations": 0}}),
            (422, "policy_invalid", "/policy/max_locations"),
        ),
        row(
            "POST /policies/{name}/simulate",
            "/policies/safety_stock/simulate",
            json!({"policy": {"rules": [{"scope": {"sku": ""}, "units": "1"}]}}),
            (422, "invalid_body", "/policy/rules/0/scope/sku"),
        ),
    ]
}

fn selling() -> Vec<Row> {
    let missing = (404, "not_found", "");
    let unknown = (422, "unknown_sku", "/sku");
    let because = json!({"reason": "x"});
    let supply = json!({
        "id": "PO-1", "location": "S001", "sku": "NOPE", "date": "2026-07-01T00:00:00Z",
        "quantity": "1", "source": "supplier",
    });
    let of_order =
        |route, path: &str, body| row(route, format!("/orders/nope{path}"), body, missing);
    let refund = json!({"amount": "1.00"});
    let payment = json!({"step": "capture", "amount": "1.00", "method": "card"});
    vec![
        row(
            "POST /orders",
            "/orders",
            json!({"channel": "Not A Channel"}),
            (422, "invalid_body", "/channel"),
        ),
        of_order("POST /orders/{id}/cancel", "/cancel", because.clone()),
        of_order(
            "POST /orders/{id}/change",
            "/change",
            json!({"line": 1, "quantity": "1"}),
        ),
        of_order(
            "POST /orders/{id}/holds",
            "/holds",
            json!({"kind": "fraud"}),
        ),
        of_order(
            "POST /orders/{id}/holds/{hold}/release",
            "/holds/nope/release",
            because,
        ),
        of_order("POST /orders/{id}/payments", "/payments", payment),
        of_order("POST /orders/{id}/refunds", "/refunds", refund),
        of_order(
            "POST /orders/{id}/assign",
            "/assign",
            json!({"line": 1, "location": "S001"}),
        ),
        row(
            "POST /exceptions/{id}/{action}",
            "/exceptions/999/resolve",
            json!({"note": "x"}),
            missing,
        ),
        row("POST /supply", "/supply", supply, unknown),
        row(
            "POST /reservations",
            "/reservations",
            json!({"channel": "web", "sku": "NOPE", "quantity": "1"}),
            unknown,
        ),
        row(
            "POST /reservations/{id}/release",
            "/reservations/999/release",
            json!(""),
            missing,
        ),
        row(
            "PUT /locations/{id}/selling",
            "/locations/NOPE/selling",
            json!({"open": true}),
            missing,
        ),
    ]
}
