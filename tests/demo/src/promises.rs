//! The tour's second act: the last units, sold online while two stores are cut
//! off, and what becomes of every promise.
//!
//! A walk-in buys a promised unit, a pickup is handed over while the hub cancels
//! it, the lines come back, and people and hub mend what broke. Then every
//! promise is accounted for against the goods.
//!
//! Invariant: it ends well only if no unit was promised twice: what was accepted
//! is what could be promised, each accepted order reached its customer once, and
//! the goods that are left are those that nobody got.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use comfy_table::{Table, presets};
use evertill_support::{Client, new_key};
use serde_json::{Value, json};

use crate::chain::{Chain, REGISTER, until};

/// What is sold: a product that no basket of the first act knows.
const SKU: &str = "LAMP-1";
/// How long hub and stores may take to agree.
const PATIENCE: Duration = Duration::from_mins(1);
/// Customers who want one of the last units at the same moment.
const CUSTOMERS: usize = 10;
/// Units on the shelves of the stores.
const SHELVES: [i64; 3] = [4, 4, 12];
/// The store where a walk-in buys a promised unit.
const SHORT: usize = 0;
/// How many they buy.
const WALKED: u32 = 1;
/// The store that hands a pickup over while the hub cancels it.
const COUNTER: usize = 1;
/// The store that mends what broke.
const OTHER: usize = 2;

/// An order and what its customer was told.
struct Ordered {
    name: String,
    id: String,
}

/// Plays the act.
///
/// # Errors
/// A unit was promised twice or lost, or somebody did not answer as they should.
pub fn play(chain: &Chain) -> Result<()> {
    println!("\nSecond act: the last lamps, sold online while two stores are cut off.");
    stock(chain)?;
    let granted = atp(chain)?;
    println!(
        "  {} lamps stand in three stores; the hub holds rights to promise {granted}.",
        SHELVES.iter().sum::<i64>()
    );
    let collected = collect_and_cancel(chain)?;
    set_selling(chain, OTHER, false)?;
    let can = atp(chain)?;
    let accepted = order_at_once(chain)?;
    println!(
        "  {CUSTOMERS} customers order one lamp each at the same moment: {} accepted, as many as \
         could be promised ({can}), the others are told so.",
        accepted.len()
    );
    ensure!(
        accepted.len().to_string() == can,
        "{} orders were accepted and {can} could be promised",
        accepted.len()
    );
    walk_in(chain, SHORT, WALKED)?;
    println!(
        "  A walk-in in {} buys one of the four lamps: all of them were promised.",
        chain.stores[SHORT].location
    );
    for line in lines(chain) {
        line.mend();
    }
    set_selling(chain, OTHER, true)?;
    println!("  The lines come back; clerks look for the promised lamps.");
    serve_all(chain, &accepted)?;
    account(chain, &accepted, &collected)
}

fn lines(chain: &Chain) -> impl Iterator<Item = &evertill_support::Line> {
    chain.stores.iter().filter_map(|store| store.line.as_ref())
}

/// Puts lamps on the shelves and waits until every store has granted rights.
fn stock(chain: &Chain) -> Result<()> {
    let header = "sku,barcode,name,department,category,price,cost,currency,tax_class,unit";
    let product = format!("{header}\n{SKU},,Reading lamp,HOME,LAMPS,20.00,9.00,USD,zero,each\n");
    let rows: Vec<String> = chain
        .stores
        .iter()
        .zip(SHELVES)
        .map(|(store, units)| format!("{},{SKU},{units},9.00\n", store.location))
        .collect();
    let rows = format!("location,sku,quantity,unit_cost\n{}", rows.concat());
    for (kind, text) in [("products", product), ("stock", rows)] {
        let key = new_key();
        let headers = [
            ("content-type", "text/csv"),
            ("idempotency-key", key.as_str()),
        ];
        let path = format!("/imports/{kind}");
        let reply = chain
            .console()
            .send("POST", &path, &headers, text.as_bytes())?;
        ensure!(reply.status < 300, "{kind} were refused: {}", reply.text);
    }
    // The hub gets 90 %, rounded half up.
    let share = |units: i64| (units * 9 + 5) / 10;
    let wanted: i64 = SHELVES.into_iter().map(share).sum();
    until(PATIENCE, "the stores have granted rights", || {
        Ok(atp(chain)? == wanted.to_string())
    })
}

fn atp(chain: &Chain) -> Result<String> {
    let path = format!("/availability?sku={SKU}&channel=web");
    let found = chain.console().get(&path)?.expect(200);
    let atp = found["items"][0]["atp"].as_str();
    Ok(atp.unwrap_or("0").to_owned())
}

fn order(name: &str, fulfilment: &Value) -> Value {
    json!({
        "channel": "web", "external_id": name, "currency": "USD",
        "lines": [{"external_line_id": "1", "sku": SKU, "quantity": 1, "unit_price": "20.00"}],
        "total": "20.00", "fulfilment": fulfilment,
        "payment": {"status": "captured", "method": "card", "reference": "ch_1",
                    "amount": "20.00"},
    })
}

/// A pickup is made ready; then the lines of two stores are cut, the counter
/// hands it over, and the hub cancels it.
fn collect_and_cancel(chain: &Chain) -> Result<Ordered> {
    let location = &chain.stores[COUNTER].location;
    let body = order("PICKUP", &json!({"kind": "pickup", "location": location}));
    let made = chain
        .console()
        .post("/orders", &new_key(), &body)?
        .expect(201);
    let id = text(&made["id"]);
    let clerk = chain.stores[COUNTER].client();
    until(PATIENCE, "the counter has the order", || {
        Ok(clerk.get(&format!("/pickups/{id}"))?.status == 200)
    })?;
    for event in ["accept", "start_pick", "pick", "ready"] {
        step(&clerk, &format!("/pickups/{id}/{event}"), &json!({}))?;
    }
    let codes = chain.console().get(&format!("/orders/{id}/pickup-codes"))?;
    let code = json!({"code": codes.expect(200)["items"][0]["code"]});
    for line in [SHORT, COUNTER].map(|store| &chain.stores[store].line) {
        line.as_ref().context("the tour has lines")?.cut();
    }
    step(&clerk, &format!("/pickups/{id}/hand_over"), &code)?;
    let cancel = json!({"reason": "the customer called the hotline"});
    let path = format!("/orders/{id}/cancel");
    let reply = chain.console().post(&path, &new_key(), &cancel)?;
    ensure!(
        reply.status == 202,
        "a promise at a store that is cut off was taken back at once: {}",
        reply.text
    );
    println!(
        "  Two lines are cut. {location} hands a pickup over, and the hub cancels the same order: \
         it has to wait for the store's word."
    );
    let name = "PICKUP".to_owned();
    Ok(Ordered { name, id })
}

fn set_selling(chain: &Chain, store: usize, open: bool) -> Result<()> {
    let path = format!("/locations/{}/selling", chain.stores[store].location);
    let body = json!({"open": open}).to_string();
    let json = [("content-type", "application/json")];
    let reply = chain.console().send("PUT", &path, &json, body.as_bytes())?;
    ensure!(
        reply.status == 200,
        "selling was not changed: {}",
        reply.text
    );
    Ok(())
}

/// Everybody orders at once; gives what was accepted.
fn order_at_once(chain: &Chain) -> Result<Vec<Ordered>> {
    let replies = thread::scope(|scope| {
        let buyers: Vec<_> = (1..=CUSTOMERS)
            .map(|customer| {
                let console = chain.console();
                scope.spawn(move || {
                    let name = format!("WEB-{customer}");
                    let body = order(&name, &json!({"kind": "ship"}));
                    Ok::<_, anyhow::Error>((name, console.post("/orders", &new_key(), &body)?))
                })
            })
            .collect();
        let replies = buyers.into_iter().map(|buyer| {
            let reply = buyer.join();
            reply.map_err(|_| anyhow::anyhow!("a customer panicked"))?
        });
        replies.collect::<Result<Vec<_>>>()
    })?;
    let mut accepted = Vec::new();
    for (name, reply) in replies {
        match reply.status {
            201 => accepted.push(Ordered {
                name,
                id: text(&reply.json()["id"]),
            }),
            409 if reply.json()["code"] == "insufficient_stock" => {}
            _ => anyhow::bail!("{name} was answered {}: {}", reply.status, reply.text),
        }
    }
    Ok(accepted)
}

fn walk_in(chain: &Chain, store: usize, pieces: u32) -> Result<()> {
    let body = json!({
        "register": REGISTER,
        "lines": [{"sku": SKU, "quantity": pieces}],
        "tenders": [{"kind": "cash", "amount": format!("{}.00", pieces * 20)}],
    });
    let client = chain.stores[store].client();
    let reply = client.post("/sales", &new_key(), &body)?;
    ensure!(reply.status == 201, "a till was stopped: {}", reply.text);
    Ok(())
}

/// The clerks of all stores ship what they find, until every order has reached
/// its customer.
fn serve_all(chain: &Chain, accepted: &[Ordered]) -> Result<()> {
    until(PATIENCE, "every order reached its customer", || {
        for store in &chain.stores {
            let clerk = store.client();
            let open = clerk.get("/fulfilments?state=offered")?.expect(200);
            for order in open["items"].as_array().into_iter().flatten() {
                serve(&clerk, order)?;
            }
        }
        let console = chain.console();
        for order in accepted {
            let shown = console.get(&format!("/orders/{}", order.id))?.expect(200);
            if shown["state"] != "fulfilled" {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// One clerk with one order: what is not on the shelf is said to be missing.
fn serve(clerk: &Client, order: &Value) -> Result<()> {
    let id = text(&order["id"]);
    let at = |event: &str| format!("/fulfilments/{id}/{event}");
    for event in ["accept", "start_pick"] {
        step(clerk, &at(event), &json!({}))?;
    }
    let stock = clerk.get(&format!("/stock/{SKU}"))?.expect(200);
    let sellable = text(&stock["buckets"]["sellable"]);
    if sellable.starts_with('-') || sellable == "0" {
        let promise = &order["lines"][0]["promise"];
        let nothing = json!({"parts": [{"promise": promise, "quantity": "0"}],
                             "reason": "not on the shelf"});
        return step(clerk, &at("short_pick"), &nothing);
    }
    let parcel = json!({"parcel": format!("P-{id}"), "carrier": "Post"});
    for (event, body) in [("pick", json!({})), ("pack", json!({})), ("ship", parcel)] {
        step(clerk, &at(event), &body)?;
    }
    Ok(())
}

fn step(clerk: &Client, path: &str, body: &Value) -> Result<()> {
    let reply = clerk.post(path, &new_key(), body)?;
    ensure!(reply.status == 200, "{path} was refused: {}", reply.text);
    Ok(())
}

/// Every promise, what became of it and why; and the goods against it.
fn account(chain: &Chain, accepted: &[Ordered], collected: &Ordered) -> Result<()> {
    let console = chain.console();
    until(PATIENCE, "the counter's word has arrived", || {
        let shown = console
            .get(&format!("/orders/{}", collected.id))?
            .expect(200);
        Ok(shown["state"] == "fulfilled")
    })?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "order",
        "promised from",
        "units",
        "what became of it",
        "why",
    ]);
    let mut got: BTreeMap<String, i64> = BTreeMap::new();
    for ordered in accepted.iter().chain([collected]) {
        let shown = console.get(&format!("/orders/{}", ordered.id))?.expect(200);
        let line = &shown["lines"][0];
        ensure!(
            line["fulfilled"] == "1",
            "{} got {}",
            ordered.name,
            line["fulfilled"]
        );
        let promises = line["promises"].as_array().context("promises")?;
        for promise in promises {
            let (location, state) = (text(&promise["location"]), text(&promise["state"]));
            let (what, why) = meaning(&state, &shown["conflicts"]);
            if matches!(state.as_str(), "shipped" | "handed_over") {
                *got.entry(location.clone()).or_default() += 1;
            }
            table.add_row([
                ordered.name.clone(),
                location,
                text(&promise["quantity"]),
                what.to_owned(),
                why.to_owned(),
            ]);
        }
    }
    println!("{table}");
    let owed = console
        .get(&format!("/orders/{}", collected.id))?
        .expect(200);
    let refunds = owed["obligations"].as_array().into_iter().flatten();
    ensure!(
        refunds.clone().all(|owed| owed["key"] != "refund"),
        "a refund is owed for goods that the customer has"
    );
    for (number, (store, shelf)) in chain.stores.iter().zip(SHELVES).enumerate() {
        let walked = if number == SHORT {
            i64::from(WALKED)
        } else {
            0
        };
        let left = shelf - walked - got.get(&store.location).copied().unwrap_or_default();
        let shelf_left = left.to_string();
        let path = format!("/stock?sku={SKU}&location={}", store.location);
        until(PATIENCE, "hub and store have the same goods", || {
            let stock = console.get(&path)?.expect(200);
            let item = &stock["items"][0];
            Ok(item["on_hand"] == shelf_left.as_str() && item["promised"] == "0")
        })?;
    }
    let sold: i64 = got.values().sum();
    println!(
        "{} promises to {} customers, {sold} lamps handed over or shipped: no unit was promised \
         twice, and the one that a walk-in took was found elsewhere.",
        table.row_iter().count(),
        accepted.len() + 1
    );
    Ok(())
}

/// What a promise's end means to people.
fn meaning(state: &str, conflicts: &Value) -> (&'static str, &'static str) {
    let cancelled = conflicts.as_array().is_some_and(|all| !all.is_empty());
    match state {
        "handed_over" if cancelled => (
            "handed over",
            "the customer had it before the cancellation arrived: it stands, nothing is refunded",
        ),
        "handed_over" => ("handed over", "the customer showed the code"),
        "shipped" => ("shipped", "it was where it was promised"),
        "short_picked" => (
            "broken, promised anew elsewhere",
            "a walk-in had bought the unit; no till is stopped",
        ),
        _ => ("open", ""),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
