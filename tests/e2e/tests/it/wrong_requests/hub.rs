//! What can be wrong with the requests of an operator or an integration.

use serde_json::json;

use super::{Row, read, row};

/// A row for each route of the hub.
pub fn rows() -> Vec<Row> {
    let mut rows = reading();
    rows.extend(writing());
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
        read("GET /fleet", "/fleet?limit=-1", parameter("/limit")),
        read("GET /policies", "/policies?limit=0", parameter("/limit")),
        read("GET /policies/{name}", "/policies/nope", missing),
        read(
            "GET /policies/{name}/history",
            "/policies/nope/history",
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
