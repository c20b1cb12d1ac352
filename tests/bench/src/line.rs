//! From a store to the hub: live, and after a cut.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evertill_data::{Sample, WEEK};
use evertill_demo::chain::{Chain, REGISTER, until};
use evertill_support::{get, new_key};
use serde_json::Value;

use crate::figures::{Figures, percentile, ratio};
use crate::selling::{sell, tills};

const LIVE: usize = 300;
const TILLS: usize = 8;
/// How long it may take before the run gives up.
const CATCH_UP: Duration = Duration::from_mins(2);
const STORE: usize = 0;

/// From the till's request to the receipt at the hub, one sale at a time.
pub fn live(chain: &Chain, sample: &Sample, figures: &mut Figures) -> Result<()> {
    let (till, hub) = (chain.stores[STORE].client(), chain.console());
    quiet(chain)?;
    let mut times = Vec::with_capacity(LIVE);
    for sale in 0..LIVE {
        let basket = &sample.baskets[sale % sample.baskets.len()];
        let body = basket.sale(REGISTER, &sample.catalogue);
        let began = Instant::now();
        let reply = till.post("/sales", &new_key(), &body)?;
        ensure!(reply.status == 201, "a sale was refused: {}", reply.text);
        let id = reply.json()["id"]
            .as_str()
            .context("a sale has an id")?
            .to_owned();
        let path = format!("/sales/{id}");
        while hub.get(&path)?.status != 200 {
            ensure!(
                began.elapsed() < Duration::from_secs(10),
                "{id} never arrives"
            );
        }
        times.push(began.elapsed());
    }
    let mut set = |name, percent| {
        let time = percentile(&mut times, percent);
        figures.set(name, time.as_secs_f64() * 1e3);
    };
    set("live_p50_ms", 50);
    set("live_p99_ms", 99);
    figures.set("live_receipts", ratio(LIVE as u64, 1));
    Ok(())
}

/// Sells a week with the hub down, and times how it catches up.
pub fn catch_up(chain: &mut Chain, sample: &Sample, figures: &mut Figures) -> Result<()> {
    quiet(chain)?;
    let before = uplink_bytes(chain)?;
    chain.hub.kill();
    let tills = tills(chain, TILLS)?;
    thread::scope(|scope| -> Result<()> {
        let selling: Vec<_> = tills
            .iter()
            .enumerate()
            .map(|(till, (register, client))| {
                scope.spawn(move || -> Result<()> {
                    for sale in (till..WEEK).step_by(TILLS) {
                        sell(client, sample, register, sale)?;
                    }
                    Ok(())
                })
            })
            .collect();
        for till in selling {
            till.join()
                .map_err(|_| anyhow::anyhow!("a till panicked"))??;
        }
        Ok(())
    })?;
    chain.hub.start()?;
    figures.set("catchup_s", caught_up(chain)?.as_secs_f64());
    figures.set("catchup_receipts", ratio(WEEK as u64, 1));
    let bytes = uplink_bytes(chain)? - before;
    figures.set("catchup_bytes_per_receipt", ratio(bytes, WEEK as u64));
    Ok(())
}

/// How long the hub takes to confirm everything, from the last look at which it
/// was not connected. It is the node that is asked, and without a rest.
fn caught_up(chain: &Chain) -> Result<Duration> {
    let till = chain.stores[STORE].client();
    let began = Instant::now();
    let mut away = began;
    loop {
        let looked = Instant::now();
        let status = till.get("/status")?.expect(200);
        let hub = &status["hub"];
        if hub["connected"] != true {
            away = looked;
        } else if hub["unsent"] == 0 {
            return Ok(away.elapsed());
        }
        ensure!(
            began.elapsed() < CATCH_UP,
            "the hub did not catch up within {CATCH_UP:?}"
        );
    }
}

/// Bytes that the selling node has written to its streams.
fn uplink_bytes(chain: &Chain) -> Result<u64> {
    let url = format!("{}/metrics", chain.stores[STORE].member.url());
    let text = get(&url)?.body;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("uplink_bytes_total "));
    Ok(value
        .context("the node counts what it sends")?
        .trim()
        .parse()?)
}

fn quiet(chain: &Chain) -> Result<()> {
    let till = chain.stores[STORE].client();
    until(Duration::from_mins(2), "the hub has every sale", || {
        let status: Value = till.get("/status")?.expect(200);
        Ok(status["hub"]["connected"] == true && status["hub"]["unsent"] == 0)
    })
}
