//! The command line of the node.
//!
//! Invariant: standard output carries what a command was asked for and nothing
//! else; words about it go to standard error.

mod enrol;
mod maintain;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use evertill_http::app::{self, Common, Failure, upkeep};
use evertill_storage::StoreOptions;
use serde::de::DeserializeOwned;

use crate::serve::{Serve, serve};
use crate::services::commands;

/// A store's machine: tills, pickup counter and stock room, with or without the hub
#[derive(Debug, Parser)]
#[command(
    name = "evertill-node",
    version,
    after_help = "Example: evertill-node serve --data data/node --http 127.0.0.1:7101"
)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the node's binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests until SIGTERM or Ctrl-C
    #[command(after_help = "Example: evertill-node serve --data data/node --http 127.0.0.1:7101")]
    Serve(Serve),

    /// Join a hub with a token from evertill-hub enrol-token; afterwards the node needs no hub to trade
    #[command(
        after_help = "Example: evertill-node enrol --data data/node --hub hub.example:7071 --token evt1.…"
    )]
    Enrol(enrol::Enrol),

    /// Print a new bearer token for a till
    #[command(after_help = "Example: evertill-node register-token --register R1 --data data/node")]
    RegisterToken(enrol::RegisterToken),

    /// Walk every journal and print `ok ENTRIES HEAD` for each; name the first bad row
    #[command(after_help = "Example: evertill-node verify --data data/node")]
    Verify(Folder),

    /// Make stock, day totals and lists anew from the journals
    #[command(after_help = "Example: evertill-node rebuild --data data/node")]
    Rebuild(Folder),

    /// Copy the node to a new folder, while it runs or not, and print the folder
    #[command(after_help = "Example: evertill-node backup backups/monday --data data/node")]
    Backup(maintain::Backup),

    /// Put a backup in place while the node is stopped; what stood there is moved aside
    #[command(after_help = "Example: evertill-node restore backups/monday --data data/node")]
    Restore(maintain::Restore),

    /// Look for what is wrong with the node, and say what to do
    #[command(after_help = "Example: evertill-node doctor --data data/node")]
    Doctor(Folder),
}

/// The folder that a command works on.
#[derive(Clone, Debug, Args)]
pub struct Folder {
    /// Folder with the node's data
    #[arg(long, env = "EVERTILL_DATA_DIR", value_name = "DIR")]
    pub data: PathBuf,
}

impl Folder {
    /// Carries a command out that may begin a new node's folder.
    fn ask<T: DeserializeOwned>(&self, command: &commands::Command) -> Result<T, Failure> {
        self.carry_out(command, &StoreOptions::node())
    }

    /// Carries a command out on a node that must be there.
    fn ask_existing<T: DeserializeOwned>(&self, command: &commands::Command) -> Result<T, Failure> {
        self.carry_out(command, &StoreOptions::node().existing())
    }

    fn carry_out<T: DeserializeOwned>(
        &self,
        command: &commands::Command,
        options: &StoreOptions,
    ) -> Result<T, Failure> {
        let request = command.request();
        upkeep::carry_out(&self.data, options, request, &mut |_| {}, commands::alone)
    }
}

/// Carries out what the command line asks for.
///
/// # Errors
/// The failure, with its exit status.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let level = match arguments.command {
        Command::Serve(_) => "info",
        _ => "warn",
    };
    app::start_logging(&arguments.common, level)?;
    match arguments.command {
        Command::Serve(options) => serve(&options),
        Command::Enrol(options) => enrol::enrol(&options),
        Command::RegisterToken(options) => enrol::register_token(&options),
        Command::Verify(folder) => maintain::verify(&folder),
        Command::Rebuild(folder) => maintain::rebuild(&folder),
        Command::Backup(options) => maintain::backup(&options),
        Command::Restore(options) => maintain::restore(&options),
        Command::Doctor(folder) => maintain::doctor(&folder),
    }
}
