//! `torture`: a hub and a store under load, killed with SIGKILL again and again.
//!
//! Tills sell without pause; now the node and now the hub is killed in the
//! middle of it and started again. In the end no acknowledged sale is lost, none
//! is there twice, a request that was sent again made one sale, every journal
//! verifies, and a rebuild gives the same tables.
//!
//! Exit status 0 when all of that holds; otherwise 1, with the seed that says
//! which sales and which kills were made.

mod chain;
mod compare;
mod random;
mod tills;

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use evertill_storage::StoreOptions;

use chain::{Chain, Who, until};
use random::Random;
use tills::{Book, OPENING, PRODUCTS, SOLD, Till, price, sku};

/// Kill a hub and a store under load, and count what is left
#[derive(Debug, Parser)]
#[command(after_help = "Example: torture --kills 50 --seed 7")]
struct Arguments {
    /// How often a process is killed, node and hub in turn
    #[arg(long, default_value_t = 50)]
    kills: u64,
    /// Tills that sell at once
    #[arg(long, default_value_t = 6)]
    tills: usize,
    /// Which sales are made and when processes are killed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder with the two services; that of this program by default
    #[arg(long)]
    binaries: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("torture failed with seed {}: {error:#}", arguments.seed);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let own = std::env::current_exe()?;
    let beside = own.parent().context("a program stands in a folder")?;
    let binaries = arguments.binaries.as_deref().unwrap_or(beside);
    let began = Instant::now();
    let mut chain = open(binaries)?;
    println!("A hub and a store are up after {:.1?}.", began.elapsed());
    let book = Book::default();
    let killed = sell_and_kill(arguments, &mut chain, &book)?;
    let sold = book.sold();
    println!(
        "{} sales acknowledged on {} tills; {} requests repeated, {} abandoned half-way.",
        sold.len(),
        arguments.tills,
        book.repeated.load(Ordering::Relaxed),
        book.abandoned.load(Ordering::Relaxed)
    );
    let delivered = (killed[1]).min(PRODUCTS - SOLD);
    compare::compare(&chain, &sold, SOLD + delivered)?;
    let [hub, node] = chain.stop()?;
    let at_hub = compare::check_folder(&hub, &StoreOptions::hub())?;
    let at_node = compare::check_folder(&node, &StoreOptions::node())?;
    println!(
        "ok: {} kills of the node, {} of the hub; none lost, none twice; {at_node} entries at the \
         node and {at_hub} at the hub verified and rebuilt alike ({:.0?}).",
        killed[0],
        killed[1],
        began.elapsed()
    );
    Ok(())
}

fn open(binaries: &Path) -> Result<Chain> {
    let mut products =
        "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n".to_owned();
    for product in 1..=PRODUCTS {
        let (sku, cents) = (sku(product), price(product));
        writeln!(
            products,
            "{sku},,Product {product},Test,Test,{}.{:02},,USD,zero,each",
            cents / 100,
            cents % 100
        )?;
    }
    let chain = Chain::open(binaries, &products)?;
    chain.wait_for_product(&sku(PRODUCTS))?;
    chain.import("stock", &opening(1..=SOLD))?;
    Ok(chain)
}

/// Lets the tills sell while processes die; gives how often node and hub did.
fn sell_and_kill(arguments: &Arguments, chain: &mut Chain, book: &Book) -> Result<[u64; 2]> {
    let tills: Vec<_> = (0..arguments.tills)
        .map(|number| Till::new(chain, number, book, arguments.seed))
        .collect();
    std::thread::scope(|scope| {
        let working: Vec<_> = tills
            .into_iter()
            .map(|till| scope.spawn(|| till.work()))
            .collect();
        let killed = kill_in_turn(arguments, chain, book);
        book.close();
        for till in working {
            till.join()
                .map_err(|_| anyhow::anyhow!("a till panicked"))??;
        }
        killed
    })
}

fn kill_in_turn(arguments: &Arguments, chain: &mut Chain, book: &Book) -> Result<[u64; 2]> {
    let mut random = Random::new(arguments.seed);
    let mut killed = [0, 0];
    for kill in 0..arguments.kills {
        let (who, counter) = if kill % 2 == 0 {
            (Who::Node, 0)
        } else {
            (Who::Hub, 1)
        };
        // At a random moment: after some more sales, and somewhere within one.
        more_sales(book, 1 + random.below(40))?;
        std::thread::sleep(Duration::from_micros(random.below(8_000)));
        chain.kill(who);
        if who == Who::Hub {
            // The store trades on without a hub, for a while.
            more_sales(book, random.below(60))?;
        }
        chain.start(who)?;
        killed[counter] += 1;
        if who == Who::Hub {
            deliver(chain, kill / 2)?;
        }
    }
    more_sales(book, 50)?;
    Ok(killed)
}

/// Posts opening stock of one product more at the hub, which goes down to the
/// store by feed while both are killed.
fn deliver(chain: &Chain, turn: u64) -> Result<()> {
    let product = SOLD + 1 + turn % (PRODUCTS - SOLD);
    chain.import("stock", &opening(product..=product))
}

/// Opening stock as the hub imports it.
fn opening(products: RangeInclusive<u64>) -> String {
    let rows = products.map(|product| format!("S001,{},{OPENING},\n", sku(product)));
    std::iter::once("location,sku,quantity,unit_cost\n".to_owned())
        .chain(rows)
        .collect()
}

/// Waits until so many more sales are acknowledged.
fn more_sales(book: &Book, more: u64) -> Result<()> {
    let enough = book.count() + more;
    until(Duration::from_mins(1), "more sales", || {
        ensure!(!book.is_closed(), "a till gave up");
        Ok(book.count() >= enough)
    })
}
