//! Tills at one node.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use evertill_data::Sample;
use evertill_demo::chain::{Chain, REGISTER};
use evertill_support::{Client, get, new_key};

use crate::figures::{Figures, microseconds, percentile};

const SALES: usize = 1_000;
const REQUESTS: usize = 1_000;
const TILLS: usize = 16;
const SELLING: Duration = Duration::from_secs(5);
/// The store that sells.
const STORE: usize = 0;

/// One till, then sixteen.
pub fn measure(chain: &Chain, sample: &Sample, figures: &mut Figures) -> Result<()> {
    let store = &chain.stores[STORE];
    let health = format!("{}/healthz", store.member.url());
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        get(&health)?;
        times.push(began.elapsed());
    }
    figures.set(
        "loopback_http_p50_us",
        microseconds(percentile(&mut times, 50)),
    );

    let client = store.client();
    let mut times = Vec::with_capacity(SALES);
    for sale in 0..SALES {
        times.push(sell(&client, sample, REGISTER, sale)?);
    }
    let median = microseconds(percentile(&mut times, 50));
    figures.set("sale_http_p50_us", median);
    figures.set("sale_http_p99_us", microseconds(percentile(&mut times, 99)));
    if let Some(fsync) = figures.get("disk_fsync_p50_us") {
        figures.set("sale_http_minus_fsync_us", median - fsync);
    }
    let tills = tills(chain, TILLS)?;
    let began = Instant::now();
    let sold: usize = thread::scope(|scope| {
        let selling = tills.iter().enumerate().map(|(till, (register, client))| {
            scope.spawn(move || -> Result<usize> {
                let mut sold = 0;
                while began.elapsed() < SELLING {
                    sell(client, sample, register, till * 29 + sold)?;
                    sold += 1;
                }
                Ok(sold)
            })
        });
        let selling: Vec<_> = selling.collect();
        let sold = selling.into_iter().map(|till| {
            till.join()
                .map_err(|_| anyhow::anyhow!("a till panicked"))?
        });
        sold.sum::<Result<usize>>()
    })?;
    #[expect(clippy::cast_precision_loss, reason = "figures have few digits")]
    figures.set(
        "sales_per_s_16_tills",
        sold as f64 / began.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Sells a real basket, and gives how long it took.
pub fn sell(client: &Client, sample: &Sample, register: &str, sale: usize) -> Result<Duration> {
    let basket = &sample.baskets[sale % sample.baskets.len()];
    let body = basket.sale(register, &sample.catalogue);
    let began = Instant::now();
    let reply = client.post("/sales", &new_key(), &body)?;
    let took = began.elapsed();
    ensure!(reply.status == 201, "a sale was refused: {}", reply.text);
    Ok(took)
}

/// More tills of the selling store, each with a token.
pub fn tills(chain: &Chain, count: usize) -> Result<Vec<(String, Client)>> {
    let store = &chain.stores[STORE];
    let till = |number: usize| -> Result<(String, Client)> {
        let register = format!("T{number}");
        let command = ["register-token", "--register", &register];
        let token = store.member.command(&command)?;
        let client = Client::new(&store.member.url(), &token);
        Ok((register, client))
    };
    (0..count).map(till).collect()
}
