//! `evertill-bench`: what the project claims to reach, measured on this machine
//! with real baskets over real processes, beside the machine's own disk and
//! loopback in the same run.
//!
//! It prints a table and writes `target/bench.json`. A slow machine fails
//! nothing; only a wrong answer does.

mod figures;
mod ingest;
mod line;
mod machine;
mod ordering;
mod routing;
mod selling;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use evertill_data::{Sample, Source, raw_folder};
use evertill_demo::chain::Chain;

use figures::Figures;

/// Ports of the run: 28070 and up.
const PORT_BASE: u16 = 28_000;
/// Seeds that the simulator is timed with.
const SEEDS: u64 = 40;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}\nRepeat it with: cargo xtask bench");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let target = target_folder()?;
    let dir = tempfile::tempdir_in(&target)?;
    let sample = baskets(dir.path())?;
    let mut figures = Figures::default();
    println!("Measuring in {} …", dir.path().display());
    machine::disk(dir.path(), &mut figures)?;
    ingest::measure(&dir.path().join("ingest"), &sample, &mut figures)?;
    let mut chain = Chain::open(&dir.path().join("chain"), PORT_BASE, &sample)?;
    selling::measure(&chain, &sample, &mut figures)?;
    line::live(&chain, &sample, &mut figures)?;
    ordering::till_to_availability(&chain, &sample, &mut figures)?;
    line::catch_up(&mut chain, &sample, &mut figures)?;
    machine::many_products(&mut chain, dir.path(), &sample, &mut figures)?;
    chain.stop()?;
    routing::measure(&mut figures)?;
    ordering::measure(
        dir.path(),
        &ordering::hub_program()?,
        PORT_BASE,
        &mut figures,
    )?;
    simulator(&mut figures)?;
    machine::binaries(dir.path(), &mut figures)?;
    println!("\n{}", figures.table());
    let path = target.join("bench.json");
    std::fs::write(&path, figures.json()?)?;
    println!("Written to {}.", path.display());
    Ok(())
}

/// A week of all stores where the machine has the whole panel, else the extract.
fn baskets(dir: &Path) -> Result<Sample> {
    let Some(panel) = raw_folder() else {
        println!("Baskets: the shipped extract, again and again (EVERTILL_DATA names no panel).");
        return Sample::read();
    };
    println!("Baskets: a week of all stores, from {}.", panel.display());
    let folder = dir.join("week");
    std::fs::create_dir(&folder)?;
    Sample::week(&Source::read(&panel)?, &folder)
}

fn simulator(figures: &mut Figures) -> Result<()> {
    let began = Instant::now();
    let seeds = SEEDS.to_string();
    let output = Command::new(beside("sim")?)
        .args(["--seeds", &seeds])
        .output()
        .context("could not start the simulator")?;
    ensure!(
        output.status.success(),
        "the simulator found something wrong:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    figures.set("sim_seeds_per_minute", SEEDS as f64 / minutes);
    Ok(())
}

/// A program of the same build.
fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.is_file(),
        "{} is missing; run cargo xtask bench",
        path.display()
    );
    Ok(path)
}

/// The build folder: this program stands in `target/release`.
fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent);
    Ok(target
        .context("a program stands in a build folder")?
        .to_owned())
}
