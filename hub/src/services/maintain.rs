//! Backups of a hub, and their return.
//!
//! Invariant: a backup holds everything that the hub is known by.

use std::path::{Path, PathBuf};

use evertill_storage::backup::{self, Manifest};
use evertill_storage::kernel::control::Failed;
use evertill_storage::{Role, Surroundings};
use evertill_transport::{HUB_FILES, REVOKED_FILE};

use crate::state::Hub;

/// Copies the hub to a folder while it works.
///
/// # Errors
/// The folder is taken, or something could not be copied.
pub fn back_up(hub: &Hub, target: &Path) -> Result<Manifest, Failed> {
    let now = hub.now();
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
    backup::restore(
        source,
        dir,
        Role::Hub,
        &[REVOKED_FILE],
        Surroundings::Machine.now(),
    )
    .map_err(Failed::new)
}
