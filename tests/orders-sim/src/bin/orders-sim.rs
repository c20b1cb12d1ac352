//! Runs seeds of the chain with orders on all cores; a failing one prints how to
//! repeat it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use evertill_orders_sim::{Bug, Config, Done, run};

/// Simulate a real hub and real nodes with orders under faults, one run per seed.
///
/// Example: orders-sim --seeds 100 --days 7 --stores 3
#[derive(Parser)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Days of trade in each run.
    #[arg(long, default_value_t = 7)]
    days: i64,
    /// Stores in each run.
    #[arg(long, default_value_t = 3)]
    stores: u64,
    /// Make a deliberate mistake, such as `BurnTwice`, to see it caught.
    #[arg(long, value_parser = named)]
    bug: Option<Bug>,
    /// Tell every step on standard error.
    #[arg(long)]
    loud: bool,
}

fn named(name: &str) -> Result<Bug, String> {
    let mut all = Bug::ALL.into_iter();
    let found = all.find(|bug| format!("{bug:?}") == name);
    found.ok_or_else(|| format!("use one of {:?}", Bug::ALL))
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let (next, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    let sum = Mutex::new(Done::default());
    let begun = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        // A run often waits for its databases' threads.
        let workers = (0..2 * cores).map(|_| {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= options.seeds {
                        return anyhow::Ok(());
                    }
                    let seed = options.first_seed + number;
                    let done = one(&options, seed, &failures)?;
                    let mut all = sum.lock().expect("invariant: no run panics");
                    *all = all.plus(done);
                }
            })
        });
        let workers: Vec<_> = workers.collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("invariant: no run panics"))
    })?;
    let (failed, seconds) = (failures.into_inner(), begun.elapsed().as_secs_f64());
    let sum = sum.into_inner().expect("invariant: no run panics");
    println!("{sum:?}");
    println!("{} seeds, {failed} failed, {seconds:.1} s", options.seeds);
    Ok(u8::from(failed > 0).into())
}

fn one(options: &Options, seed: u64, failures: &AtomicU64) -> anyhow::Result<Done> {
    let (days, stores) = (options.days, options.stores);
    let config = Config {
        seed,
        days,
        stores,
        bug: options.bug,
    };
    let outcome = run(config, options.loud)?;
    if let Some((oracle, what)) = outcome.violation {
        failures.fetch_add(1, Ordering::Relaxed);
        println!(
            "seed {seed} violates \"{oracle}\": {what}\n  repeat: cargo xtask sim \
             --orders --seeds 1 --first-seed {seed} --days {days} --stores {stores} --loud"
        );
    }
    Ok(outcome.done)
}
