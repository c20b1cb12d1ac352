//! Wrong requests, one table over every route of node and hub: the documented
//! status, a problem that names the field and says what to do, and no trace.
//!
//! The routes are taken from the interface descriptions, so a new route without
//! a row fails here.

mod hub;
mod node;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use evertill_e2e::Chain;
use evertill_support::{Client, Reply, get, new_key};
use serde_json::Value;

/// Larger than any body that is taken.
const HUGE: usize = 33 << 20;

/// A route of which only what is wrong with any request can be wrong.
const NOTHING: (u16, &str, &str) = (200, "", "");

/// Something that is wrong with a request of its own, beside what is wrong with
/// requests in general.
struct Row {
    /// The route, as the description lists it.
    route: &'static str,
    /// What is asked for instead of a proper path.
    path: String,
    body: Value,
    status: u16,
    code: &'static str,
    /// The field that is named; empty when none is at fault.
    pointer: String,
}

fn row(
    route: &'static str,
    path: impl Into<String>,
    body: Value,
    (status, code, pointer): (u16, &'static str, &str),
) -> Row {
    Row {
        route,
        path: path.into(),
        body,
        status,
        code,
        pointer: pointer.to_owned(),
    }
}

/// A row of a route that takes no body.
fn read(route: &'static str, path: &str, wanted: (u16, &'static str, &str)) -> Row {
    row(route, path, Value::Null, wanted)
}

/// How a body of this route travels.
fn content_type(route: &str) -> &'static str {
    if route.contains("/imports/") {
        "text/csv"
    } else {
        "application/json"
    }
}

/// The wire form of a row's body: text as it is, anything else as JSON.
fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// `METHOD /path` of everything that the service at `url` describes.
fn routes(url: &str) -> Result<BTreeSet<String>> {
    let description: Value = serde_json::from_str(&get(&format!("{url}/api/openapi.json"))?.body)?;
    let paths = description["paths"]
        .as_object()
        .context("it describes paths")?;
    let all = paths.iter().flat_map(|(path, operations)| {
        let path = path.trim_start_matches("/api/v1");
        let methods = operations
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys());
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    Ok(all.collect())
}

/// What is wrong in the same way with any request of the route.
fn general_faults(client: &Client, row: &Row, wrong: &mut Vec<String>) -> Result<()> {
    let (method, _) = row.route.split_once(' ').context("a method and a path")?;
    let kind = content_type(row.route);
    let key = new_key();
    let mut check =
        |what: &str, headers: &[(&str, &str)], body: &[u8], status: u16, codes: &[&str]| {
            let mut all = vec![("content-type", kind), ("idempotency-key", key.as_str())];
            all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
            all.extend(headers);
            let reply = client.send(method, &row.path, &all, body)?;
            note(
                wrong,
                &format!("{} ({what})", row.route),
                &reply,
                (status, codes),
            );
            Ok::<_, anyhow::Error>(())
        };
    let body = bytes(&row.body);
    check(
        "no token",
        &[("authorization", "")],
        &body,
        401,
        &["token_missing"],
    )?;
    check(
        "no bearer",
        &[("authorization", "Basic abc")],
        &body,
        401,
        &["token_malformed"],
    )?;
    check(
        "strange token",
        &[("authorization", "Bearer abc")],
        &body,
        401,
        &["token_invalid"],
    )?;
    if method == "GET" {
        return Ok(());
    }
    if method == "POST" {
        check(
            "no key",
            &[("idempotency-key", "")],
            &body,
            400,
            &["idempotency_key_missing"],
        )?;
        let long = "k".repeat(256);
        check(
            "long key",
            &[("idempotency-key", &long)],
            &body,
            400,
            &["idempotency_key_invalid"],
        )?;
    }
    // A path that names nothing is refused before its body is looked at.
    if row.status == 404 && row.route.contains('{') {
        return Ok(());
    }
    let unread: &[&str] = &["unsupported_media_type"];
    check(
        "strange type",
        &[("content-type", "image/png")],
        &body,
        415,
        unread,
    )?;
    check("no type", &[("content-type", "")], &body, 415, unread)?;
    check(
        "huge body",
        &[],
        &vec![b' '; HUGE],
        413,
        &["body_too_large"],
    )?;
    if kind == "application/json" {
        check(
            "broken JSON",
            &[],
            b"{\"register\":",
            400,
            &["malformed_json"],
        )?;
        check("a list", &[], b"[]", 422, &["invalid_body"])?;
        check(
            "twice a field",
            &[],
            b"{\"reason\":\"a\",\"reason\":\"b\"}",
            422,
            &["invalid_body"],
        )?;
    }
    Ok(())
}

/// Collects what is not as it should be, so that one run shows all of it.
fn note(wrong: &mut Vec<String>, what: &str, reply: &Reply, (status, codes): (u16, &[&str])) {
    let document: Value = serde_json::from_str(&reply.text).unwrap_or_default();
    let code = document["code"].as_str().unwrap_or_default();
    let detail = document["detail"].as_str().unwrap_or_default();
    let sound = reply.status == status
        && codes.contains(&code)
        && reply.header("content-type") == "application/problem+json"
        && !detail.is_empty()
        && !detail.contains('\n');
    if !sound {
        wrong.push(format!(
            "{what}: wanted {status} {codes:?}, got {} {}",
            reply.status, reply.text
        ));
    }
}

fn specific_fault(client: &Client, row: &Row, wrong: &mut Vec<String>) -> Result<()> {
    let (method, _) = row.route.split_once(' ').context("a method and a path")?;
    let key = new_key();
    let headers = [
        ("content-type", content_type(row.route)),
        ("idempotency-key", &key),
    ];
    let reply = client.send(method, &row.path, &headers, &bytes(&row.body))?;
    let what = format!("{} {} {}", row.route, row.path, row.body);
    note(wrong, &what, &reply, (row.status, &[row.code]));
    let document: Value = serde_json::from_str(&reply.text).unwrap_or_default();
    let named = document["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|error| {
            let detail = error["detail"].as_str().unwrap_or_default();
            error["pointer"] == row.pointer.as_str() && !detail.is_empty()
        });
    if !row.pointer.is_empty() && !named {
        wrong.push(format!(
            "{what}: {} is not named in {}",
            row.pointer, reply.text
        ));
    }
    Ok(())
}

/// Everything that a wrong request could have changed.
fn traces(chain: &Chain) -> Result<Vec<String>> {
    let (store, hub) = (chain.store("S001")?, chain.hub()?);
    Ok(vec![
        store.get("/sales")?.text,
        store.get("/stock/MILK")?.text,
        hub.get("/policies")?.text,
        hub.get("/products")?.text,
        chain.store_ok("S001", &["verify"])?,
        chain.hub_ok(&["verify"])?,
    ])
}

#[test]
fn every_route_refuses_what_is_wrong_and_keeps_nothing_of_it() -> Result<()> {
    let chain = Chain::start(&["S001"])?;
    let sold = chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    let before = traces(&chain)?;
    let mut wrong = Vec::new();
    for (client, url, rows) in [
        (
            chain.store("S001")?,
            chain.store_url("S001")?,
            node::rows(&sold),
        ),
        (chain.hub()?, chain.hub_url()?, hub::rows()),
    ] {
        let covered: BTreeSet<String> = rows.iter().map(|row| row.route.to_owned()).collect();
        assert_eq!(
            covered,
            routes(&url)?,
            "each route has rows, and each row a route"
        );
        let mut seen = BTreeSet::new();
        for row in &rows {
            if !row.code.is_empty() {
                specific_fault(&client, row, &mut wrong)?;
            }
            if seen.insert(row.route) {
                general_faults(&client, row, &mut wrong)?;
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong answers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(traces(&chain)?, before, "a refused request left a trace");
    Ok(())
}
