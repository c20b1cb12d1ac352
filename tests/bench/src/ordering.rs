//! Orders and availability at a hub with 50,000 products at 50 locations.
//!
//! Reservations are timed inside the process, many at once, as the writer takes
//! them in groups; the rest over HTTP, one at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evertill_data::Sample;
use evertill_demo::chain::{Chain, REGISTER};
use evertill_domain::order::{
    Fulfilment, FulfilmentKind, PaymentMethod, PaymentStatus, PlaceLine, PlaceOrder, PlacePayment,
    Substitution,
};
use evertill_domain::{Currency, Money, Quantity, Sku};
use evertill_hub::services::ground::Picture;
use evertill_hub::services::orders::{self, Asking, OrderRefusal};
use evertill_hub::state::Hub;
use evertill_storage::selling::contacts::Contact;
use evertill_storage::{Store, StoreOptions, TableError};
use evertill_support::{Client, Member, new_key};
use serde_json::{Value, json};

use crate::figures::{Figures, percentile};
use crate::machine::products;

const PRODUCTS: u64 = 50_000;
const LOCATIONS: u32 = 50;
/// Customers who order at the same time.
const CUSTOMERS: usize = 256;
const ORDERING: Duration = Duration::from_secs(4);
/// Products that orders spread over.
const MANY: u64 = 1_000;
const REQUESTS: usize = 500;
const SALES: usize = 200;

/// Everything about a large hub.
pub fn measure(dir: &Path, hub: &Path, ports: u16, figures: &mut Figures) -> Result<()> {
    let data = dir.join("large-hub");
    let http = format!("127.0.0.1:{}", ports + 72);
    let quic = format!("127.0.0.1:{}", ports + 73);
    let further = ["--quic", quic.as_str()];
    let mut member = Member::new(hub, &data, &http, &further)?;
    let file = dir.join("large.csv");
    std::fs::write(&file, products(PRODUCTS))?;
    member.command(&["import", "products", file.to_str().context("plain text")?])?;
    let key = member.command(&["api-key", "--name", "bench"])?;
    reserve(&data, figures)?;
    member.start()?;
    let client = Client::new(&member.url(), &key);
    over_http(&client, figures)?;
    member.stop()
}

/// Fills the shelves and reserves, many at once.
fn reserve(data: &Path, figures: &mut Figures) -> Result<()> {
    let store = Store::open(data, &StoreOptions::hub())?;
    for location in 0..LOCATIONS {
        store.write_blocking("fill shelves", move |tx| {
            tx.execute(
                "WITH RECURSIVE row (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row
                   WHERE n < ?2 - 1)
                 INSERT INTO stock
                 SELECT printf('L%03d', ?1), printf('M%06d', n), '', '', 1000000000,
                        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1000000000 FROM row",
                (location, PRODUCTS.cast_signed()),
            )
            .map(drop)
            .map_err(TableError::from)
        })?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let hub = Hub::open(store.clone())?;
    runtime.block_on(async {
        let (hot, mut times) = rate(&hub, 1).await?;
        figures.set("reserve_per_s_hot_sku", hot);
        let p99 = percentile(&mut times, 99).as_secs_f64() * 1e3;
        figures.set("reserve_p99_ms", p99);
        let (many, _) = rate(&hub, MANY).await?;
        figures.set("reserve_per_s_many_skus", many);
        Ok::<_, anyhow::Error>(())
    })?;
    drop(runtime);
    store.close();
    Ok(())
}

/// Orders of one unit from [`CUSTOMERS`] at once, over so many products.
async fn rate(hub: &Hub, skus: u64) -> Result<(f64, Vec<Duration>)> {
    let named: Vec<Sku> = (0..skus)
        .map(|number| format!("M{number:06}").parse())
        .collect::<Result<_, _>>()?;
    let picture = Arc::new(orders::picture(hub, named.clone()).await?);
    let named = Arc::new(named);
    let (next, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut customers = tokio::task::JoinSet::new();
    for _ in 0..CUSTOMERS {
        let (hub, picture, named) = (hub.clone(), picture.clone(), named.clone());
        let next = next.clone();
        customers.spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < ORDERING {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let sku = &named[usize::try_from(number % skus)?];
                let command = command(&format!("{skus}-{number}"), sku)?;
                let at = Instant::now();
                order(&hub, &picture, command).await?;
                times.push(at.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(customer) = customers.join_next().await {
        times.extend(customer??);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    Ok((rate, times))
}

async fn order(hub: &Hub, picture: &Arc<Picture>, command: PlaceOrder) -> Result<()> {
    let (state, picture) = (hub.clone(), picture.clone());
    let author = hub.author()?;
    let digest = digest(&command.external_id);
    hub.store()
        .write("reserve", move |tx| {
            let at = (&state, &author);
            let command = (&command, &Contact::default());
            let body = (&digest, &Asking::default());
            orders::place(tx, at, &picture, command, body, state.now())?;
            Ok::<_, OrderRefusal>(())
        })
        .await?;
    Ok(())
}

/// A digest that differs for each name; that it is no hash matters to nobody.
fn digest(name: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    digest
}

fn command(name: &str, sku: &Sku) -> Result<PlaceOrder> {
    let price = Money::new(500, Currency::USD)?;
    Ok(PlaceOrder {
        channel: "web".parse()?,
        external_id: name.to_owned(),
        placed_at: None,
        currency: Currency::USD,
        customer_ref: None,
        lines: vec![PlaceLine {
            external_line_id: "1".to_owned(),
            sku: sku.clone(),
            quantity: Quantity::ONE,
            unit_price: price,
            discount: None,
            taxes: Vec::new(),
            substitution: Substitution::None,
        }],
        shipping: None,
        total: price,
        fulfilment: Fulfilment {
            kind: FulfilmentKind::Pickup,
            location: Some("L000".parse()?),
            not_before: None,
            promise_by: None,
            allow_split: false,
            allow_backorder: false,
            destination: None,
        },
        payment: PlacePayment {
            status: PaymentStatus::Captured,
            method: PaymentMethod::Card,
            reference: None,
            amount: price,
            expires_at: None,
        },
        hold_until: None,
        holds: Vec::new(),
    })
}

/// Orders that any of the locations may ship, and questions about products.
fn over_http(client: &Client, figures: &mut Figures) -> Result<()> {
    let mut times = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        let body = shipped(number);
        let began = Instant::now();
        let reply = client.post("/orders", &new_key(), &body)?;
        times.push(began.elapsed());
        ensure!(reply.status == 201, "an order was refused: {}", reply.text);
    }
    let mut set = |name, percent| {
        let time = percentile(&mut times, percent);
        figures.set(name, time.as_secs_f64() * 1e3);
    };
    set("order_http_p50_ms", 50);
    set("order_http_p99_ms", 99);
    let mut times = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        let path = format!("/availability?sku=M{:06}&channel=web", number * 97);
        let began = Instant::now();
        let found = client.get(&path)?;
        times.push(began.elapsed());
        let places = found.json()["items"][0]["locations"]
            .as_array()
            .map(Vec::len);
        ensure!(places == Some(LOCATIONS as usize), "{}", found.text);
    }
    let p99 = percentile(&mut times, 99).as_secs_f64() * 1e3;
    figures.set("availability_http_p99_ms", p99);
    Ok(())
}

fn shipped(number: usize) -> Value {
    json!({
        "channel": "web", "external_id": format!("H-{number}"), "currency": "USD",
        "lines": [{"external_line_id": "1", "sku": format!("M{:06}", number * 89),
                   "quantity": 1, "unit_price": "5.00"}],
        "total": "5.00", "fulfilment": {"kind": "ship"},
        "payment": {"status": "captured", "method": "card", "amount": "5.00"},
    })
}

/// From a till's request until the hub's availability shows it, one sale at a
/// time.
pub fn till_to_availability(chain: &Chain, sample: &Sample, figures: &mut Figures) -> Result<()> {
    let store = &chain.stores[0];
    let (till, hub) = (store.client(), chain.console());
    let mut times = Vec::with_capacity(SALES);
    // A product that the store has stock of: one that somebody bought.
    let basket = sample.baskets.first().context("there are baskets")?;
    let sku = basket.sale(REGISTER, &sample.catalogue)["lines"][0]["sku"].clone();
    let sku = sku.as_str().context("a line has a product")?.to_owned();
    let path = format!("/availability?sku={sku}&location={}", store.location);
    let on_hand = || -> Result<String> {
        let found = hub.get(&path)?.json();
        let place = &found["items"][0]["locations"][0];
        Ok(place["on_hand"].as_str().unwrap_or_default().to_owned())
    };
    for _ in 0..SALES {
        let before = on_hand()?;
        let body = json!({
            "register": REGISTER,
            "lines": [{"sku": sku, "quantity": "1", "unit_price": "1.00",
                       "price_reason": "bench"}],
            "tenders": [{"kind": "cash", "amount": "5.00"}],
        });
        let began = Instant::now();
        let reply = till.post("/sales", &new_key(), &body)?;
        ensure!(reply.status == 201, "a sale was refused: {}", reply.text);
        while on_hand()? == before {
            ensure!(began.elapsed() < Duration::from_secs(10), "it never shows");
        }
        times.push(began.elapsed());
    }
    let p99 = percentile(&mut times, 99).as_secs_f64() * 1e3;
    figures.set("till_to_availability_p99_ms", p99);
    Ok(())
}

/// The hub's program, which stands beside this one.
pub fn hub_program() -> Result<PathBuf> {
    crate::beside("evertill-hub")
}
