//! `evertill-hub`: the command line of the hub.
//!
//! Flags, variables and the configuration file are read by `evertill_http::app`;
//! each command is one function. Invariant: exit status 0 is success, 2 wrong
//! use, 1 everything else, with one line on standard error.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use evertill_http::app::{self, Common, Failure};
use evertill_hub::serve::{Serve, serve};

/// The regional hub: merges every store's journal
#[derive(Debug, Parser)]
#[command(
    name = "evertill-hub",
    version,
    after_help = "Example: evertill-hub serve --data data/hub --http 127.0.0.1:7070"
)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests until SIGTERM or Ctrl-C
    #[command(after_help = "Example: evertill-hub serve --data data/hub --http 127.0.0.1:7070")]
    Serve(Serve),
}

fn main() -> ExitCode {
    app::run(|arguments: Arguments| -> Result<(), Failure> {
        match arguments.command {
            Command::Serve(options) => {
                app::start_logging(&arguments.common, "info")?;
                serve(&options)
            }
        }
    })
}
