//! A store with a chain's whole assortment and a week of sales that the hub has
//! not heard of.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evertill_e2e::{Chain, PRODUCTS};
use serde_json::Value;

/// Products of the largest real assortment at hand.
const PRODUCT_COUNT: usize = 92_331;
/// Receipts of a real week of a whole chain.
const BACKLOG: usize = 3_435;
/// Tills that ring up the backlog.
const TILLS: usize = 8;
/// Sales while the backlog goes up.
const MEANWHILE: usize = 50;

#[test]
fn a_store_with_a_backlog_starts_sells_at_once_and_catches_up_while_selling() -> Result<()> {
    let mut chain = Chain::start(&["S001"])?;
    let file = chain.file("assortment.csv", &assortment())?;
    chain.hub_ok(&["import", "products", &file])?;
    chain.until("the store knows the whole assortment", |chain| {
        let last = format!("/products/P{:05}", PRODUCT_COUNT - 1);
        Ok(chain.store("S001")?.get(&last)?.status == 200)
    })?;
    chain.stop_hub()?;
    let mut answered = ring_up(&chain)?;
    chain.kill_store("S001")?;
    chain.start_hub()?;

    let began = Instant::now();
    chain.start_store("S001")?;
    answered.insert(sell(&chain, 0)?);
    let first_sale = began.elapsed();
    let unsent = unsent(&chain)?;
    ensure!(unsent > 0, "the first sale waited for the hub");
    let mut slowest = Duration::ZERO;
    let mut caught_up = None;
    for number in 1.. {
        let asked = Instant::now();
        answered.insert(sell(&chain, number)?);
        slowest = slowest.max(asked.elapsed());
        if caught_up.is_none() && self::unsent(&chain)? < MEANWHILE as u64 {
            caught_up = Some(began.elapsed());
        }
        if caught_up.is_some() && number >= MEANWHILE {
            break;
        }
        ensure!(
            began.elapsed() < Duration::from_mins(1),
            "it never catches up"
        );
    }
    chain.until_sent("S001")?;

    let at_hub = receipts(&chain)?;
    assert_eq!(at_hub.len(), at_hub.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(at_hub.into_iter().collect::<BTreeSet<_>>(), answered);
    for sku in ["P00000", "P00027", "P00054"] {
        let there = chain.sellable_there("S001", sku)?;
        assert_eq!(there, chain.sellable_at_hub("S001", sku)?, "{sku}");
    }
    println!(
        "{PRODUCT_COUNT} products, {BACKLOG} receipts unsent: first sale {first_sale:?} after the \
         start with {unsent} unsent, caught up after {:?}, slowest sale meanwhile {slowest:?}",
        caught_up.context("it caught up")?,
    );
    Ok(())
}

/// Products `P00000` to `P92330`, at 1.00 each.
fn assortment() -> String {
    let mut rows = PRODUCTS.lines().next().unwrap_or_default().to_owned() + "\n";
    for number in 0..PRODUCT_COUNT {
        writeln!(
            rows,
            "P{number:05},,Article {number},D,C,1.00,0.50,USD,zero,each"
        )
        .expect("invariant: a string takes everything");
    }
    rows
}

/// Sells the backlog at several tills at once; gives the receipt numbers.
fn ring_up(chain: &Chain) -> Result<BTreeSet<String>> {
    thread::scope(|scope| {
        let tills: Vec<_> = (0..TILLS)
            .map(|till| {
                scope.spawn(move || -> Result<Vec<String>> {
                    let numbers = (till..BACKLOG).step_by(TILLS);
                    numbers.map(|number| sell(chain, number)).collect()
                })
            })
            .collect();
        let mut all = BTreeSet::new();
        for till in tills {
            all.extend(till.join().expect("a till does not panic")?);
        }
        Ok(all)
    })
}

fn sell(chain: &Chain, number: usize) -> Result<String> {
    let sku = format!("P{:05}", number * 27 % PRODUCT_COUNT);
    number_of(&chain.sell("S001", &sku, 1)?)
}

fn unsent(chain: &Chain) -> Result<u64> {
    let status = chain.store("S001")?.get("/status")?.json();
    status["hub"]["unsent"]
        .as_u64()
        .context("a number of entries")
}

/// The numbers of all receipts at the hub, in its order.
fn receipts(chain: &Chain) -> Result<Vec<String>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = chain
            .hub()?
            .get(&format!("/sales?limit=1000{cursor}"))?
            .json();
        for receipt in page["items"].as_array().context("a list of receipts")? {
            all.push(number_of(receipt)?);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

fn number_of(receipt: &Value) -> Result<String> {
    let number = receipt["receipt_number"].as_str();
    Ok(number.context("a receipt number")?.to_owned())
}
