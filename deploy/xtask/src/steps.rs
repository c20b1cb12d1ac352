//! The steps of `cargo xtask test`: what CI runs, in an order that fails fast.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;

use crate::cargo::{cargo, spelled};
use crate::run;

/// One step: a name to select it by, what it proves, and its command.
pub struct Step {
    name: &'static str,
    says: &'static str,
    command: fn() -> Result<Command>,
}

/// Every step, in order.
pub fn all() -> Vec<Step> {
    let step = |name, says, command| Step {
        name,
        says,
        command,
    };
    vec![
        step("fmt", "formatting is rustfmt's", || {
            words("fmt --all --check")
        }),
        step("clippy", "no lint warns, in any target", || {
            words("clippy --release --workspace --all-targets -- -D warnings")
        }),
        step(
            "build",
            "binaries and tests compile once, for all steps below",
            || words("build --release --workspace --all-targets"),
        ),
        step(
            "test",
            "unit, property, golden and integration tests of every crate, and the tidy test",
            || {
                let mut command =
                    words("test --release --workspace --lib --bins --test it --no-fail-fast")?;
                // Property tests draw the same cases in every run of this step;
                // by hand they draw new ones.
                command.env("PROPTEST_RNG_SEED", "1");
                Ok(command)
            },
        ),
        step(
            "sim",
            "fifty simulated weeks of three stores under faults lose and double nothing",
            || words("run --release --bin sim -- --seeds 50"),
        ),
        step(
            "tour",
            "real baskets in three stores, hub and node killed: three accounts are equal",
            || words("run --release --bin evertill-demo -- --tour --port-base 27000"),
        ),
        step(
            "torture",
            "hub and node killed fifty times under load lose and double nothing",
            || words("run --release --bin torture -- --kills 50"),
        ),
        step(
            "doc",
            "the documentation builds and its links lead somewhere",
            || {
                let mut command = words("doc --release --workspace --no-deps")?;
                command.env("RUSTDOCFLAGS", "-D warnings");
                Ok(command)
            },
        ),
        step(
            "examples",
            "the code in the documentation compiles and runs",
            || words("test --release --workspace --doc"),
        ),
    ]
}

/// A cargo command as a person types it.
#[expect(clippy::unnecessary_wraps, reason = "every step's command may fail")]
fn words(line: &str) -> Result<Command> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(cargo(&words))
}

/// `cargo xtask test [--list] [STEP ...]`.
pub fn test(args: &[String]) -> Result<ExitCode> {
    let steps = all();
    if args.iter().any(|arg| arg == "--list") {
        for step in &steps {
            println!("{:8} {}", step.name, step.says);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = args
        .iter()
        .find(|arg| !steps.iter().any(|s| s.name == **arg))
    {
        eprintln!("xtask: there is no step {unknown:?}; cargo xtask test --list shows them");
        return Ok(ExitCode::from(2));
    }
    let chosen: Vec<_> = steps
        .iter()
        .filter(|step| args.is_empty() || args.iter().any(|arg| arg == step.name))
        .collect();
    run_all(&chosen)
}

fn run_all(steps: &[&Step]) -> Result<ExitCode> {
    say_about_data();
    let start = Instant::now();
    let mut took = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let at = at + 1;
        println!(
            "\n[{at}/{}] {}: {} (elapsed {})",
            steps.len(),
            step.name,
            step.says,
            run::since(start)
        );
        let began = Instant::now();
        let mut command = (step.command)()?;
        let status = run::timed(&mut command)?;
        if !status.success() {
            eprintln!(
                "\nFAILED [{at}/{}] {} after {} ({status}). Repeat it alone with:\n  {}",
                steps.len(),
                step.name,
                run::since(began),
                spelled(&command)
            );
            return Ok(ExitCode::FAILURE);
        }
        took.push((step.name, run::since(began)));
    }
    println!();
    for (name, time) in took {
        println!("  ok  {name:8} {time:>12}");
    }
    println!("All {} steps passed in {}.", steps.len(), run::since(start));
    Ok(ExitCode::SUCCESS)
}

fn say_about_data() {
    match std::env::var("EVERTILL_DATA") {
        Ok(folder) => println!("Raw sample data: {folder}"),
        Err(_) => println!(
            "Raw sample data: EVERTILL_DATA is not set, so tests use the extract in tests/data and say which of them were left out"
        ),
    }
}
