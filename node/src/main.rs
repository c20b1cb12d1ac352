//! `evertill-node`: the command line of the node.
//!
//! Flags, variables and the configuration file are read by `evertill_http::app`;
//! each command is one function. Invariant: exit status 0 is success, 2 wrong
//! use, 1 everything else, with one line on standard error.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use evertill_http::app::{self, Common, Failure};
use evertill_node::serve::{Serve, serve};

/// A store's machine: tills, pickup counter and stock room, with or without the hub
#[derive(Debug, Parser)]
#[command(
    name = "evertill-node",
    version,
    after_help = "Example: evertill-node serve --data data/node --http 127.0.0.1:7101"
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
    #[command(after_help = "Example: evertill-node serve --data data/node --http 127.0.0.1:7101")]
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
