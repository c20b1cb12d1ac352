//! From a store to the hub: live, and after a cut.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evertill_data::Sample;
use evertill_demo::chain::{Chain, REGISTER, until};
use evertill_support::{get, new_key};
use serde_json::Value;

use crate::figures::{Figures, percentile, ratio};
use crate::selling::{sell, tills};

const LIVE: usize = 300;
/// A week of all stores of the panel, sold in one.
const BACKLOG: usize = 3_435;
const TILLS: usize = 8;
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
    let location = chain.stores[STORE].location.clone();
    let held = applied(chain, &location)?;
    chain.hub.kill();
    let tills = tills(chain, TILLS)?;
    thread::scope(|scope| -> Result<()> {
        let selling: Vec<_> = tills
            .iter()
            .enumerate()
            .map(|(till, (register, client))| {
                scope.spawn(move || -> Result<()> {
                    for sale in (till..BACKLOG).step_by(TILLS) {
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
    let limit = Duration::from_mins(2);
    let mut first = None;
    until_spinning(limit, || {
        let now = applied(chain, &location)?;
        if now > held && first.is_none() {
            first = Some(Instant::now());
        }
        Ok(now >= held + BACKLOG as u64)
    })?;
    let took = first.context("the first frame was seen")?.elapsed();
    quiet(chain)?;
    figures.set("catchup_receipts", ratio(BACKLOG as u64, 1));
    figures.set("catchup_s", took.as_secs_f64());
    let bytes = uplink_bytes(chain)? - before;
    figures.set("catchup_bytes_per_receipt", ratio(bytes, BACKLOG as u64));
    Ok(())
}

/// How many entries of a location the hub holds.
fn applied(chain: &Chain, location: &str) -> Result<u64> {
    let fleet = chain.console().get("/fleet")?.expect(200);
    let nodes = fleet["items"].as_array().context("the fleet is a list")?;
    let node = nodes.iter().find(|node| node["location"] == location);
    let applied = node.and_then(|node| node["head"]["applied"].as_u64());
    applied.context("the fleet lists what is applied")
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

/// Like [`until`], without a rest between two looks.
fn until_spinning(limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !holds()? {
        ensure!(
            began.elapsed() < limit,
            "the hub did not catch up within {limit:?}"
        );
    }
    Ok(())
}
