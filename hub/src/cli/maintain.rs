//! Commands for those who look after a hub.

use std::path::{Path, PathBuf};

use clap::Args;
use evertill_http::app::Failure;
use evertill_storage::backup::Manifest;

use super::ask::{Folder, failed, print};
use crate::services::commands::Command;
use crate::services::doctor::Finding;
use crate::services::maintain::{self, RebuiltTables, VerifiedJournal};

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
    for journal in journals {
        print(format_args!("ok {} {}", journal.entries, journal.head))?;
    }
    Ok(())
}

/// Makes the projections anew and says from how much.
pub(super) fn rebuild(folder: &Folder) -> Result<(), Failure> {
    let rebuilt: RebuiltTables = folder.ask_existing(&Command::Rebuild)?;
    print(format_args!(
        "rebuilt from {} entries and {} feed items, {} left in quarantine",
        rebuilt.entries, rebuilt.items, rebuilt.left_out
    ))
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
        .map_err(|refused| failed(refused.status, &refused))?;
    match aside {
        Some(aside) => print(format_args!("the former data is in {}", aside.display())),
        None => Ok(()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::wrong_use(format!("{} is no path: {error}", path.display())))
}

/// Prints what was looked at, one line each.
pub(super) fn doctor(folder: &Folder) -> Result<(), Failure> {
    let findings: Vec<Finding> = folder.ask_existing(&Command::Doctor)?;
    for finding in &findings {
        let mark = if finding.fine { "ok" } else { "bad" };
        print(format_args!(
            "{mark} {}: {}",
            finding.subject, finding.detail
        ))?;
    }
    match findings.iter().filter(|finding| !finding.fine).count() {
        0 => Ok(()),
        bad => Err(Failure::failed(format!(
            "{bad} of {} things need attention",
            findings.len()
        ))),
    }
}
