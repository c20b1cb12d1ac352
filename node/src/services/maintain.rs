//! Looking after a node's databases.
//!
//! Invariant: nothing here changes a journal.

use std::path::{Path, PathBuf};

use evertill_http::app::upkeep::{self, Finding};
use evertill_storage::backup::{self, Manifest};
use evertill_storage::kernel::control::Failed;
use evertill_storage::{Role, Surroundings, registers};
use evertill_transport::{NODE_FILES, NodeIdentity};

use crate::state::Node;

/// Copies the node to a folder while it works. Blocks.
///
/// # Errors
/// The folder is taken, or something could not be copied.
pub fn back_up(node: &Node, target: &Path) -> Result<Manifest, Failed> {
    backup::back_up(
        node.store(),
        node.reference(),
        Role::Node,
        &NODE_FILES,
        target,
        node.now(),
    )
    .map_err(Failed::new)
}

/// Puts a backup in place in a data folder that nobody uses. Returns where
/// what stood there was moved to.
///
/// # Errors
/// The folder is in use, or the backup is not sound.
pub fn restore(source: &Path, dir: &Path) -> Result<Option<PathBuf>, Failed> {
    backup::restore(source, dir, Role::Node, &[], Surroundings::Machine.now()).map_err(Failed::new)
}

/// Looks at everything that can be wrong with a node. Blocks.
///
/// # Errors
/// Never; a failure is a finding. The form fits the other commands.
pub fn examine(node: &Node) -> Result<Vec<Finding>, Failed> {
    let mut findings = upkeep::examine(node.store(), node.reference(), node.now());
    findings.push(enrolment(node));
    findings.push(tills(node));
    Ok(findings)
}

fn enrolment(node: &Node) -> Finding {
    match NodeIdentity::load(node.dir()) {
        Ok(Some(own)) => {
            let detail = format!("node {} of {}, hub {}", own.node, own.location, own.hub);
            Finding::new("enrolment", true, detail)
        }
        Ok(None) => {
            let detail = "none: join a hub with evertill-node enrol";
            Finding::new("enrolment", false, detail)
        }
        Err(error) => Finding::new("enrolment", false, error.to_string()),
    }
}

fn tills(node: &Node) -> Finding {
    match node.store().read_blocking(registers::list) {
        Ok(tills) if tills.is_empty() => {
            Finding::new("tills", true, "none yet: make one with register-token")
        }
        Ok(tills) => Finding::new("tills", true, format!("{} known", tills.len())),
        Err(error) => Finding::new("tills", false, error.to_string()),
    }
}
