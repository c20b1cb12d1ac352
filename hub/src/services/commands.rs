//! The commands that work whether the hub runs or not.
//!
//! A command is one value: it is carried out on the spot when nobody holds the
//! data folder, or sent over the control socket to whoever does, and there
//! carried out by the same function.
//!
//! Invariant: running or stopped, a command does and answers the same.

use std::path::PathBuf;

use evertill_domain::{LocationId, ReplicaId};
use evertill_http::app::upkeep::{self, answer};
use evertill_storage::Store;
use evertill_storage::kernel::control::{Failed, Progress, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::Whose;
use super::{doctor, import, keys, maintain, seals};
use crate::imports::ImportKind;
use crate::state::Hub;

/// What the holder of the hub's data folder can be asked to do. Its JSON form
/// is the control socket's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", content = "args", rename_all = "kebab-case")]
pub enum Command {
    /// Import a file; answers with a summary.
    Import(ImportFile),
    /// Make a key to the interface; answers with its text.
    ApiKey {
        /// Who it is for.
        name: String,
    },
    /// Revoke the keys of a name; answers with how many there were.
    RevokeKeys {
        /// Whose.
        name: String,
    },
    /// Make a token that lets a node join; answers with its text.
    EnrolToken {
        /// Where the node stands.
        location: LocationId,
    },
    /// Turn nodes away; answers with how many certificates there were.
    Revoke {
        /// Whose.
        whose: Whose,
        /// Why, for those who read it later.
        reason: String,
    },
    /// Propose that a replica is lost, or agree; answers with one line.
    Seal {
        /// Which one.
        replica: ReplicaId,
        /// Why; needed of who proposes it.
        reason: Option<String>,
        /// The API key of the person.
        key: String,
    },
    /// Walk every journal; answers with one item for each.
    Verify,
    /// Make the projections anew; answers with what was gone through.
    Rebuild,
    /// Copy the hub; answers with the backup's manifest.
    Backup {
        /// The folder to create, an absolute path.
        target: PathBuf,
    },
    /// Look for what is wrong; answers with findings.
    Doctor,
}

/// Which file to import, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFile {
    /// What it holds.
    pub kind: ImportKind,
    /// Its absolute path.
    pub file: PathBuf,
    /// Whether to change nothing.
    pub dry_run: bool,
}

impl Command {
    /// The command as the control socket carries it.
    ///
    /// # Panics
    /// Never: a command is plain JSON.
    #[must_use]
    pub fn request(&self) -> Request {
        serde_json::to_value(self)
            .and_then(serde_json::from_value)
            .expect("invariant: a command has the form of a request")
    }
}

/// Carries a command out on a store that this process has just opened.
///
/// # Errors
/// The command's refusal, in one line.
pub fn alone(
    store: &Store,
    request: Request,
    progress: &mut dyn FnMut(Value),
) -> Result<Value, Failed> {
    let hub = Hub::open(store.clone()).map_err(Failed::new)?;
    execute(&hub, request, progress)
}

/// Carries a command out in a running hub, on a blocking thread.
///
/// # Errors
/// The command's refusal, in one line.
pub async fn served(hub: Hub, request: Request, progress: Progress) -> Result<Value, Failed> {
    let work = move || execute(&hub, request, &mut |step| progress.report(step));
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panicked| Err(Failed::new(panicked)))
}

fn execute(hub: &Hub, request: Request, progress: &mut dyn FnMut(Value)) -> Result<Value, Failed> {
    let command: Command = upkeep::command(request)?;
    match command {
        Command::Import(file) => answer(import::file(hub, &file, progress)),
        Command::ApiKey { name } => answer(keys::create(hub, &name)),
        Command::RevokeKeys { name } => answer(keys::revoke(hub, &name)),
        Command::EnrolToken { location } => answer(keys::enrol_token(hub, &location)),
        Command::Revoke { whose, reason } => {
            answer(keys::revoke_certificates(hub, &whose, &reason))
        }
        Command::Seal {
            replica,
            reason,
            key,
        } => answer(seals::by_command(hub, replica, reason, &key)),
        Command::Verify => answer(upkeep::verify(hub.store())),
        Command::Rebuild => answer(upkeep::rebuild(hub.store())),
        Command::Backup { target } => answer(maintain::back_up(hub, &target)),
        Command::Doctor => answer::<_, Failed>(Ok(doctor::examine(hub))),
    }
}
