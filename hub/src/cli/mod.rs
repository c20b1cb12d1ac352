//! The command line of the hub.
//!
//! Flags, variables and the configuration file are read by `evertill_http::app`;
//! each command is one variant here and one function in a module below.
//!
//! Invariant: standard output carries what a command was asked for and nothing
//! else; words about it go to standard error.

mod ask;
mod import;
mod keys;
mod maintain;

use clap::{Parser, Subcommand};
use evertill_http::app::{self, Common, Failure};

use crate::serve::{Serve, serve};

/// The regional hub: merges every store's journal
#[derive(Debug, Parser)]
#[command(
    name = "evertill-hub",
    version,
    after_help = "Example: evertill-hub serve --data data/hub --http 127.0.0.1:7070 --quic 127.0.0.1:7071"
)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the hub's binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer stores and requests until SIGTERM or Ctrl-C
    #[command(
        after_help = "Example: evertill-hub serve --data data/hub --http 127.0.0.1:7070 --quic 127.0.0.1:7071"
    )]
    Serve(Serve),

    /// Import products, stock or locations from a CSV file; rows that cannot be taken go to FILE.rejects.csv
    #[command(after_help = "Example: evertill-hub import products products.csv --data data/hub")]
    Import(import::Import),

    /// Print a new key to the hub's interface
    #[command(after_help = "Example: evertill-hub api-key --name console --data data/hub")]
    ApiKey(keys::ApiKey),

    /// Print a token that lets one node of a location join within 15 minutes
    #[command(after_help = "Example: evertill-hub enrol-token --location S001 --data data/hub")]
    EnrolToken(keys::EnrolToken),

    /// Turn away a node, every node of a location, or an API key, at once and for good
    #[command(
        after_help = "Example: evertill-hub revoke --node 00112233445566ff --reason stolen --data data/hub"
    )]
    Revoke(keys::Revoke),

    /// Say that a lost machine's replica is gone for good; two persons have to, each with an API key
    #[command(
        after_help = "Example: evertill-hub seal --replica 00112233445566ff --reason stolen --key $KEY --data data/hub"
    )]
    Seal(keys::Seal),

    /// Walk every journal and print `ok ENTRIES HEAD` for each; name the first bad row
    #[command(after_help = "Example: evertill-hub verify --data data/hub")]
    Verify(ask::Folder),

    /// Make stock, day totals and lists anew from the journals
    #[command(after_help = "Example: evertill-hub rebuild --data data/hub")]
    Rebuild(ask::Folder),

    /// Copy the hub to a new folder, while it runs or not, and print the folder
    #[command(after_help = "Example: evertill-hub backup backups/monday --data data/hub")]
    Backup(maintain::Backup),

    /// Put a backup in place while the hub is stopped; what stood there is moved aside
    #[command(after_help = "Example: evertill-hub restore backups/monday --data data/hub")]
    Restore(maintain::Restore),

    /// Look for what is wrong with the hub, and say what to do
    #[command(after_help = "Example: evertill-hub doctor --data data/hub")]
    Doctor(ask::Folder),
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
        Command::Import(options) => import::run(&options),
        Command::ApiKey(options) => keys::api_key(&options),
        Command::EnrolToken(options) => keys::enrol_token(&options),
        Command::Revoke(options) => keys::revoke(&options),
        Command::Seal(options) => keys::seal(&options),
        Command::Verify(folder) => maintain::verify(&folder),
        Command::Rebuild(folder) => maintain::rebuild(&folder),
        Command::Backup(options) => maintain::backup(&options),
        Command::Restore(options) => maintain::restore(&options),
        Command::Doctor(folder) => maintain::doctor(&folder),
    }
}
