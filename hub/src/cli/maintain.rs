//! Commands for those who look after a hub.

use std::path::PathBuf;

use clap::Args;
use evertill_http::app::Failure;
use evertill_http::app::upkeep::{
    Finding, RebuiltTables, VerifiedJournal, absolute, failure, print, print_findings,
    print_rebuilt, print_verified,
};
use evertill_storage::backup::Manifest;

use super::ask::Folder;
use crate::services::commands::Command;
use crate::services::maintain;

/// Settings of `evertill-hub backup`.
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// Folder to write the backup to; it must not exist yet
    #[arg(value_name = "FOLDER")]
    pub target: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Settings of `evertill-hub restore`.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// Folder that backup wrote
    #[arg(value_name = "FOLDER")]
    pub source: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Prints one line for each journal that is whole.
pub(super) fn verify(folder: &Folder) -> Result<(), Failure> {
    let journals: Vec<VerifiedJournal> = folder.ask_existing(&Command::Verify)?;
    print_verified(&journals)
}

/// Makes the projections anew and says from how much.
pub(super) fn rebuild(folder: &Folder) -> Result<(), Failure> {
    let rebuilt: RebuiltTables = folder.ask_existing(&Command::Rebuild)?;
    print_rebuilt(&rebuilt)
}

/// Writes a backup and says where.
pub(super) fn backup(options: &Backup) -> Result<(), Failure> {
    let target = absolute(&options.target)?;
    let command = Command::Backup {
        target: target.clone(),
    };
    let _: Manifest = options.folder.ask_existing(&command)?;
    print(target.display())
}

/// Puts a backup in place and says where the former data is.
pub(super) fn restore(options: &Restore) -> Result<(), Failure> {
    let aside = maintain::restore(&options.source, &options.folder.data)
        .map_err(|refused| failure(refused.status, &refused))?;
    match aside {
        Some(aside) => print(format_args!("the former data is in {}", aside.display())),
        None => Ok(()),
    }
}

/// Prints what was looked at, one line each.
pub(super) fn doctor(folder: &Folder) -> Result<(), Failure> {
    let findings: Vec<Finding> = folder.ask_existing(&Command::Doctor)?;
    print_findings(&findings)
}
