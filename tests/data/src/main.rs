//! `extract`: makes the extract of the source tree again from the whole panel.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use evertill_data::{Source, extract, raw_folder, sample_folder};

/// Makes the sample data of the source tree again from the whole panel
#[derive(Debug, Parser)]
#[command(after_help = "Example: EVERTILL_DATA=panel cargo run --release -p evertill-data")]
struct Arguments {
    /// Folder with the whole panel; `EVERTILL_DATA` if it is not given
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,

    /// Folder to write to; the source tree's if it is not given
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("extract: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let from = arguments.from.or_else(raw_folder);
    let from = from.context("name the folder of the panel with --from or EVERTILL_DATA")?;
    let to = arguments.to.unwrap_or_else(sample_folder);
    println!("Reading {} …", from.display());
    let source = Source::read(&from)?;
    let classes = extract(&source, &to)?;
    println!("Wrote {}:\n\n{classes}", to.display());
    Ok(())
}
