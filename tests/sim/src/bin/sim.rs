//! Runs seeds on all cores; a failing one prints how to replay it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use evertill_sim::{Answered, Config, run};

/// Simulate a hub and its stores under faults, one run per seed.
///
/// Example: sim --seeds 100 --days 7 --stores 3
#[derive(Parser)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 50)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Days of trade in each run.
    #[arg(long, default_value_t = 7)]
    days: i64,
    /// Stores in each run.
    #[arg(long, default_value_t = 3)]
    stores: usize,
    /// Sales of a store in a day.
    #[arg(long, default_value_t = 40)]
    sales: u64,
    /// Print every event.
    #[arg(long)]
    loud: bool,
}

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let next = AtomicU64::new(0);
    let failures = AtomicU64::new(0);
    let answered = Mutex::new(Answered::default());
    let begun = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= options.seeds {
                        return;
                    }
                    let seed = options.first_seed + n;
                    let more = one(&options, seed, &failures);
                    let mut sum = answered.lock().expect("invariant: no run panics");
                    *sum = sum.plus(more);
                    drop(sum);
                    if (n + 1).is_multiple_of(50) {
                        eprintln!("{} of {} seeds", n + 1, options.seeds);
                    }
                }
            });
        }
    });
    let failed = failures.into_inner();
    let seconds = begun.elapsed().as_secs_f64();
    let sum = answered.into_inner().expect("invariant: no run panics");
    println!(
        "answered: {} sales, {} returns, {} voids, {} movements, {} events of a later kind, \
         {} counts; refused: {}",
        sum.sales, sum.returns, sum.voids, sum.movements, sum.later, sum.counts, sum.refused
    );
    println!(
        "{} seeds, {failed} failed, {seconds:.1} s: {:.0} seeds per minute",
        options.seeds,
        60.0 * u32::try_from(options.seeds).map_or(f64::NAN, f64::from) / seconds,
    );
    u8::from(failed > 0).into()
}

/// Runs one seed and reports a failure; gives what was answered.
fn one(options: &Options, seed: u64, failures: &AtomicU64) -> Answered {
    let (days, stores, sales) = (options.days, options.stores, options.sales);
    let config = Config {
        seed,
        days,
        stores,
        sales,
        bug: None,
    };
    let outcome = run(config, options.loud);
    if let Some((oracle, what)) = outcome.violation {
        failures.fetch_add(1, Ordering::Relaxed);
        println!(
            "seed {seed} violates \"{oracle}\": {what}\n  replay: cargo run --release -p evertill-sim \
             --bin sim -- --seeds 1 --first-seed {seed} --days {days} --stores {stores} \
             --sales {sales} --loud"
        );
    }
    outcome.answered
}
