//! The description of the interface against the interface.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::client::Hub;

/// Every route that the hub has, as its description must list it.
const ROUTES: [(&str, &str); 57] = [
    ("get", "/api/v1/availability"),
    ("put", "/api/v1/locations/{id}/selling"),
    ("get", "/api/v1/orders"),
    ("post", "/api/v1/orders"),
    ("get", "/api/v1/orders/{id}"),
    ("post", "/api/v1/orders/{id}/assign"),
    ("post", "/api/v1/orders/{id}/cancel"),
    ("post", "/api/v1/orders/{id}/change"),
    ("get", "/api/v1/orders/{id}/decisions"),
    ("get", "/api/v1/orders/{id}/pickup-codes"),
    ("post", "/api/v1/orders/{id}/holds"),
    ("post", "/api/v1/orders/{id}/holds/{hold}/release"),
    ("post", "/api/v1/orders/{id}/payments"),
    ("post", "/api/v1/orders/{id}/refunds"),
    ("get", "/api/v1/orders/{id}/shipments"),
    ("post", "/api/v1/orders/{id}/shipments"),
    ("get", "/api/v1/orders/{id}/contact"),
    ("delete", "/api/v1/orders/{id}/contact"),
    ("post", "/api/v1/reservations"),
    ("post", "/api/v1/reservations/{id}/release"),
    ("get", "/api/v1/supply"),
    ("post", "/api/v1/supply"),
    ("get", "/api/v1/days/{location}/{date}"),
    ("get", "/api/v1/events"),
    ("get", "/api/v1/orders/{id}/messages"),
    ("get", "/api/v1/webhooks"),
    ("post", "/api/v1/webhooks"),
    ("get", "/api/v1/webhooks/{id}"),
    ("delete", "/api/v1/webhooks/{id}"),
    ("get", "/api/v1/webhooks/{id}/deliveries"),
    ("post", "/api/v1/webhooks/{id}/deliveries/{delivery}/retry"),
    ("post", "/api/v1/webhooks/{id}/pause"),
    ("post", "/api/v1/webhooks/{id}/replay"),
    ("post", "/api/v1/webhooks/{id}/resume"),
    ("get", "/api/v1/exceptions"),
    ("get", "/api/v1/exceptions/{id}"),
    ("post", "/api/v1/exceptions/{id}/{action}"),
    ("get", "/api/v1/fleet"),
    ("post", "/api/v1/replicas/{id}/seal"),
    ("post", "/api/v1/imports/{kind}"),
    ("get", "/api/v1/policies"),
    ("get", "/api/v1/policies/{name}"),
    ("put", "/api/v1/policies/{name}"),
    ("post", "/api/v1/policies/{name}/approve"),
    ("get", "/api/v1/policies/{name}/drafts"),
    ("post", "/api/v1/policies/{name}/drafts/{draft}/withdraw"),
    ("post", "/api/v1/policies/{name}/rollback"),
    ("post", "/api/v1/policies/{name}/simulate"),
    ("get", "/api/v1/policies/{name}/history"),
    ("get", "/api/v1/products"),
    ("get", "/api/v1/products/{sku}"),
    ("get", "/api/v1/quarantine"),
    ("post", "/api/v1/quarantine/{id}/dismiss"),
    ("post", "/api/v1/quarantine/{id}/retry"),
    ("get", "/api/v1/sales"),
    ("get", "/api/v1/sales/{id}"),
    ("get", "/api/v1/stock"),
];

#[test]
fn the_description_lists_every_route_and_each_asks_for_a_key() {
    let document = serde_json::to_value(evertill_hub::routes::openapi()).unwrap();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods
                .keys()
                .map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    let wanted = ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(described, BTreeSet::from(wanted));
    let hub = Hub::start();
    for (method, path) in ROUTES {
        let path = path
            .trim_start_matches("/api/v1")
            .replace("{location}", "S001")
            .replace("{date}", "2026-07-01")
            .replace("{kind}", "products")
            .replace("{name}", "tax")
            .replace("{sku}", "A")
            .replace("{id}", "1")
            .replace("{hold}", "1")
            .replace("{action}", "resolve");
        let headers = [("authorization", ""), ("idempotency-key", "k")];
        let answer = hub.request(&method.to_uppercase(), &path, &headers, b"");
        assert_eq!(answer.problem(401), "token_missing", "{method} {path}");
        let answer = hub.request("PATCH", &path, &headers, b"");
        assert_eq!(answer.problem(405), "method_not_allowed", "{path}");
    }
}

#[test]
fn the_metrics_show_what_an_operator_watches() {
    let hub = Hub::start();
    let url = hub.url("/metrics").replace("/api/v1", "");
    let wanted = [
        "hub_nodes_connected 0",
        "hub_quarantine_open 0",
        "store_writes_total",
        "disk_free_bytes",
    ];
    // The first measurement is made right after the start.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let shown = evertill_support::get(&url).unwrap().body;
        match wanted.iter().find(|name| !shown.contains(**name)) {
            None => break,
            Some(name) => assert!(Instant::now() < deadline, "{name}: {shown}"),
        }
    }
}
