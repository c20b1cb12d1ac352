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
mod run;
mod steps;

use std::process::ExitCode;

use anyhow::Result;

const HELP: &str = "\
cargo xtask COMMAND

  test [STEP ...]   everything CI runs, in order; with names, only those steps
                    (cargo xtask test --list shows them)
  sim [OPTION ...]  stores and hub in virtual time under faults, one run per seed:
                    --seeds N --first-seed K --days D --stores S
  help              this text

Example: cargo xtask test fmt clippy
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
    if command != "sim" && rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        "test" => steps::test(rest),
        "sim" => {
            let mut simulate = cargo::cargo(&["run", "--release", "--bin", "sim", "--"]);
            let status = run::timed(simulate.args(rest))?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.unwrap_or(1).into())
        }
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
