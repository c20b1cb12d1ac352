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
use clap::{Parser, ValueEnum};
use evertill_data::{Sample, Source, raw_folder};
use evertill_demo::chain::Chain;

use figures::Figures;

/// Ports of the run: 28070 and up.
const PORT_BASE: u16 = 28_000;
/// Seeds that the simulator is timed with.
const SEEDS: u64 = 40;

/// Measures what the project claims, beside the machine's disk and loopback.
#[derive(Debug, Parser)]
#[command(name = "evertill-bench")]
struct Options {
    /// Measures this part alone; may be given several times. The file of figures
    /// is written only when everything was measured.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Journals taken into one hub.
    Ingest,
    /// A hub and stores: sales, the line, catching up, memory.
    Stores,
    /// Plans of where an order comes from.
    Routing,
    /// Reservations, orders and availability at a large hub.
    Orders,
    /// The simulator.
    Simulator,
    /// The programs' sizes.
    Programs,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}\nRepeat it with: cargo xtask bench");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let target = target_folder()?;
    let dir = tempfile::tempdir_in(&target)?;
    let sample = baskets(dir.path())?;
    let mut figures = Figures::default();
    println!("Measuring in {} …", dir.path().display());
    machine::disk(dir.path(), &mut figures)?;
    for part in Part::value_variants() {
        if options.only.is_empty() || options.only.contains(part) {
            measure(*part, dir.path(), &sample, &mut figures)?;
        }
    }
    println!("\n{}", figures.table());
    if options.only.is_empty() {
        let path = target.join("bench.json");
        std::fs::write(&path, figures.json()?)?;
        println!("Written to {}.", path.display());
    }
    Ok(())
}

fn measure(part: Part, dir: &Path, sample: &Sample, figures: &mut Figures) -> Result<()> {
    match part {
        Part::Ingest => ingest::measure(&dir.join("ingest"), sample, figures),
        Part::Stores => {
            let mut chain = Chain::open(&dir.join("chain"), PORT_BASE, sample)?;
            selling::measure(&chain, sample, figures)?;
            line::live(&chain, sample, figures)?;
            ordering::till_to_availability(&chain, sample, figures)?;
            line::catch_up(&mut chain, sample, figures)?;
            machine::many_products(&mut chain, dir, sample, figures)?;
            chain.stop()
        }
        Part::Routing => routing::measure(figures),
        Part::Orders => ordering::measure(dir, &ordering::hub_program()?, PORT_BASE, figures),
        Part::Simulator => simulator(figures),
        Part::Programs => machine::binaries(dir, figures),
    }
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
