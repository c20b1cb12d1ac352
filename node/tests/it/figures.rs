//! Figures of a node with many products: start, memory, one till's latency.
//!
//! Not part of the test run, because a busy machine tells nothing; see them with
//! `cargo test --release -p evertill-node --test it figures -- --ignored --nocapture`.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, Instant};

use evertill_domain::Unit;
use evertill_support::{Client, Running, new_key};
use serde_json::{Value, json};

use crate::shop::{BINARY, product, stocked};

const PRODUCTS: usize = 50_000;
const SALES: usize = 2_000;
/// Lines of a basket in the sample data, rounded up.
const LINES: usize = 10;

#[test]
#[ignore = "measures; run it alone on a quiet machine"]
fn figures_with_fifty_thousand_products() {
    let many = (0..PRODUCTS).map(|i| {
        let mut many = product(
            &format!("P{i:06}"),
            &format!("Product number {i}"),
            "1.99",
            Unit::Each,
            "food",
        );
        many.department = "GROCERY".to_owned();
        many.barcodes = vec![format!("{i:013}").parse().unwrap()];
        many
    });
    let folder = stocked().products(many).prepare().unwrap();
    let arguments = ["serve", "--data", folder.data(), "--http", "127.0.0.1:0"];
    drop(Running::start(BINARY, &arguments).unwrap());

    let begun = Instant::now();
    let running = Running::start(BINARY, &arguments).unwrap();
    let till = Client::new(running.url(), folder.token("R1"));
    let first = till.post("/sales", &new_key(), &basket(0)).unwrap();
    let started = begun.elapsed();
    let _ = first.expect(201);
    let fresh = rss_mib(running.pid());

    let mut sales: Vec<Duration> = (1..=SALES).map(|i| timed_sale(&till, i)).collect();
    for i in 0..500 {
        let query = format!("/products?query=number%20{}", i * 97);
        let _ = till.get(&query).unwrap().expect(200);
    }
    let per_second = sixteen_tills(&running, folder.token("R1"));
    let mut syncs = syncs(folder.beside("fsync"));
    sales.sort_unstable();
    syncs.sort_unstable();
    println!(
        "cold start until the first sale is answered: {} ms",
        started.as_millis()
    );
    println!(
        "memory after one sale: {fresh} MiB; after {SALES} sales and 500 searches: {} MiB",
        rss_mib(running.pid())
    );
    println!(
        "sale of {LINES} lines: p50 {} us, p99 {} us",
        percentile(&sales, 50),
        percentile(&sales, 99)
    );
    println!("16 tills at once: {per_second} sales/s");
    println!(
        "fsync of 8 KiB appended: p50 {} us, p99 {} us",
        percentile(&syncs, 50),
        percentile(&syncs, 99)
    );
}

fn basket(i: usize) -> Value {
    let line = |n: usize| {
        let sku = format!("P{:06}", (i * 7_919 + n * 613) % PRODUCTS);
        json!({"sku": sku, "quantity": 1})
    };
    json!({
        "register": "R1",
        "lines": (0..LINES).map(line).collect::<Vec<_>>(),
        "tenders": [{"kind": "cash", "amount": "50.00"}],
    })
}

fn timed_sale(till: &Client, i: usize) -> Duration {
    let (body, key) = (basket(i), new_key());
    let begun = Instant::now();
    let reply = till.post("/sales", &key, &body).unwrap();
    let took = begun.elapsed();
    assert_eq!(reply.status, 201, "{reply:?}");
    took
}

/// Sales per second of sixteen tills that each wait for their answers.
fn sixteen_tills(running: &Running, token: &str) -> u128 {
    const EACH: usize = 250;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for till in 0..16 {
            let client = Client::new(running.url(), token);
            scope.spawn(move || {
                for i in 0..EACH {
                    timed_sale(&client, till * EACH + i);
                }
            });
        }
    });
    16 * EACH as u128 * 1_000_000 / begun.elapsed().as_micros()
}

/// What the disk takes to make an appended piece durable.
fn syncs(path: std::path::PathBuf) -> Vec<Duration> {
    let mut file = File::create(path).unwrap();
    let piece = [7_u8; 8_192];
    let mut sync = |_| {
        let begun = Instant::now();
        file.write_all(&piece).unwrap();
        file.sync_data().unwrap();
        begun.elapsed()
    };
    (0..500).map(&mut sync).collect()
}

fn percentile(sorted: &[Duration], percent: usize) -> u128 {
    sorted[(sorted.len() - 1) * percent / 100].as_micros()
}

fn rss_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1_024
}
