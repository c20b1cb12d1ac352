//! `evertill-demo`: a hub and three stores on sample data, for a person to look
//! at, or with `--tour` for a machine to pull the plug on.
//!
//! Invariant: every process that it starts ends with it.

mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use evertill_data::Sample;
use evertill_demo::chain::Chain;
use evertill_demo::{promises, tour};

use signals::Signals;

/// A hub and three stores on sample data, until Ctrl-C
#[derive(Debug, Parser)]
#[command(name = "evertill-demo")]
struct Arguments {
    /// Play the pull-the-plug tour unattended, and end with 0 or 1
    #[arg(long)]
    tour: bool,

    /// Folder for the data, created if it is missing; a temporary one if it is not given
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// The hub takes N+70 (HTTP) and N+71 (QUIC), the stores N+101, N+102, N+103
    #[arg(long, value_name = "N", default_value_t = 7_000, value_parser = clap::value_parser!(u16).range(1..=65_000))]
    port_base: u16,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let signal = match Signals::watch() {
        Ok(signal) => signal,
        Err(error) => return failed(&arguments, &error),
    };
    match run(&arguments, &signal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&arguments, &error),
    }
}

fn failed(arguments: &Arguments, error: &anyhow::Error) -> ExitCode {
    eprintln!("demo: {error:#}");
    if arguments.tour {
        eprintln!("Repeat it with: cargo xtask demo --tour");
    }
    ExitCode::FAILURE
}

fn run(arguments: &Arguments, signals: &Signals) -> Result<()> {
    let sample = Sample::read()?;
    let temporary;
    let data = if let Some(data) = &arguments.data {
        std::fs::create_dir_all(data)
            .with_context(|| format!("could not make the folder {}", data.display()))?;
        std::path::absolute(data)?
    } else {
        temporary = tempfile::Builder::new()
            .prefix("evertill-demo-")
            .tempdir()?;
        temporary.path().to_owned()
    };
    println!("Starting a hub and three stores in {} …", data.display());
    let mut chain = if arguments.tour {
        Chain::open_with_lines(&data, arguments.port_base, &sample)?
    } else {
        Chain::open(&data, arguments.port_base, &sample)?
    };
    chain.write_demo_json()?;
    if arguments.tour {
        tour::play(&mut chain, &sample)?;
        promises::play(&chain)?;
    } else {
        chain.introduce();
        signals.wait()?;
        println!("\nStopping …");
    }
    chain.stop()
}
