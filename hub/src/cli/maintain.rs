//! Commands for those who look after a hub.

use evertill_http::app::Failure;

use super::ask::{Folder, print};
use crate::services::commands::Command;
use crate::services::doctor::Finding;

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
