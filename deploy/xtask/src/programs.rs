//! The programs of the workspace that a person starts: demo, benchmark,
//! simulator.
//!
//! Invariant: a program is started with the services of the same build beside it.

use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cargo::cargo;
use crate::run;

/// `cargo xtask demo`: the program takes this process's place, so that signals
/// reach it.
pub fn demo(args: &[String]) -> Result<ExitCode> {
    start("evertill-demo", &["evertill-hub", "evertill-node"], args)
}

/// `cargo xtask bench`.
pub fn bench(args: &[String]) -> Result<ExitCode> {
    let beside = ["evertill-hub", "evertill-node", "sim"];
    start("evertill-bench", &beside, args)
}

/// `cargo xtask compare`.
pub fn compare(args: &[String]) -> Result<ExitCode> {
    start("evertill-compare", &[], args)
}

/// `cargo xtask sim`; with `--orders` the simulator of hub, nodes and orders.
pub fn sim(args: &[String]) -> Result<ExitCode> {
    let others: Vec<String> = args
        .iter()
        .filter(|arg| *arg != "--orders")
        .cloned()
        .collect();
    if others.len() < args.len() {
        return start("orders-sim", &[], &others);
    }
    start("sim", &[], args)
}

/// Builds a program and what it starts itself, then becomes it.
fn start(program: &str, beside: &[&str], args: &[String]) -> Result<ExitCode> {
    let mut build = cargo(&["build", "--release", "--bin", program]);
    for binary in beside {
        build.args(["--bin", binary]);
    }
    println!("Building (the first time takes some minutes) …");
    let began = Instant::now();
    let status = run::timed(&mut build)?;
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    println!("Built in {}.", run::since(began));
    let mut command = cargo(&["run", "--quiet", "--release", "--bin", program, "--"]);
    let failed = command.args(args).exec();
    bail!("could not start {program}: {failed}")
}
