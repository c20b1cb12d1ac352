//! Looking after a hub's database: verify, rebuild, back up, restore.
//!
//! Invariant: nothing here changes a journal.

use std::path::{Path, PathBuf};

use evertill_storage::backup::{self, Manifest};
use evertill_storage::kernel::control::Failed;
use evertill_storage::rebuild::{self, Rebuilt};
use evertill_storage::{Role, verify};
use evertill_transport::{HUB_FILES, REVOKED_FILE};
use serde::{Deserialize, Serialize};

use crate::state::{self, Hub};

/// A journal that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedJournal {
    /// How many entries it has.
    pub entries: u64,
    /// Hash of the last one.
    pub head: String,
}

/// What a rebuild went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuiltTables {
    /// Entries applied.
    pub entries: u64,
    /// Feed items applied.
    pub items: u64,
    /// Entries and items left out, because they are in quarantine.
    pub left_out: u64,
}

/// Walks every journal and feed, hash by hash.
///
/// # Errors
/// The first bad row, with replica, number and reason, or the database failed.
pub fn verify(hub: &Hub) -> Result<Vec<VerifiedJournal>, Failed> {
    let verified = hub
        .store()
        .read_blocking(verify::verify)
        .map_err(Failed::new)?;
    Ok(verified
        .into_iter()
        .filter(|one| one.feed.is_none())
        .map(|journal| VerifiedJournal {
            entries: journal.entries,
            head: journal.head.to_string(),
        })
        .collect())
}

/// Drops the projections and makes them anew from what is stored.
///
/// # Errors
/// The database failed; everything is as it was.
pub fn rebuild(hub: &Hub) -> Result<RebuiltTables, Failed> {
    let Rebuilt {
        entries,
        items,
        left_out,
    } = hub
        .store()
        .write_blocking("rebuild", |tx| rebuild::rebuild(tx))
        .map_err(Failed::new)?;
    Ok(RebuiltTables {
        entries,
        items,
        left_out,
    })
}

/// Copies the hub to a folder while it works.
///
/// # Errors
/// The folder is taken, or something could not be copied.
pub fn back_up(hub: &Hub, target: &Path) -> Result<Manifest, Failed> {
    let now = state::now();
    backup::back_up(
        hub.store(),
        hub.reference(),
        Role::Hub,
        &HUB_FILES,
        target,
        now,
    )
    .map_err(Failed::new)
}

/// Puts a backup in place in a data folder that nobody uses. Returns where
/// what stood there was moved to.
///
/// # Errors
/// The folder is in use, or the backup is not sound.
pub fn restore(source: &Path, dir: &Path) -> Result<Option<PathBuf>, Failed> {
    backup::restore(source, dir, Role::Hub, &[REVOKED_FILE], state::now()).map_err(Failed::new)
}
