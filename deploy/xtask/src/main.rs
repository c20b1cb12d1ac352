//! `cargo xtask`: the few commands that build and check the whole of Evertill.
//!
//! What CI runs and what a developer runs is the same list of steps
//! ([`steps::all`]), so "it passes here" and "it passes there" mean one thing.
//! The crate depends on nothing but `anyhow`: it is compiled before anything
//! else says a word; work with real substance lives in test crates that this
//! one builds and starts.
//!
//! Invariant: a step that fails stops the run, and the last line names the step
//! and the command that repeats it alone.

mod cargo;
mod programs;
mod run;
mod steps;

use std::process::ExitCode;

use anyhow::Result;

const HELP: &str = "\
cargo xtask COMMAND

  test [STEP ...]   everything CI runs, in order; with names, only those steps
                    (cargo xtask test --list shows them)
  demo [OPTION ...] builds everything and runs a hub and three stores on sample
                    data until Ctrl-C: --data DIR --port-base N; with --tour it
                    pulls the plug on them, unattended, and ends with 0 or 1
  compare [OPTION]  what rights cost a merchant and what they save, on real
                    baskets: five ways to sell online; --quick for three seeds,
                    --write puts words, tables and chart into README.md
  bench [OPTION ...]
                    measures what the project claims: a table, target/bench.json;
                    --only PART measures one part of it
  sim [OPTION ...]  stores and hub in virtual time under faults, one run per seed:
                    --seeds N --first-seed K --days D --stores S; with --orders the
                    real hub and nodes with orders, rights and exceptions
  help              this text

Examples: cargo xtask demo --tour
          cargo xtask test fmt clippy
";

fn main() -> ExitCode {
    match dispatch(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", args),
    };
    let own_help = ["demo", "bench", "compare", "sim"].contains(&command);
    if !own_help && rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        "test" => steps::test(rest),
        "demo" => programs::demo(rest),
        "bench" => programs::bench(rest),
        "compare" => programs::compare(rest),
        "sim" => programs::sim(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => {
            eprintln!("xtask: there is no command {other:?}; these exist:\n\n{HELP}");
            Ok(ExitCode::from(2))
        }
    }
}
