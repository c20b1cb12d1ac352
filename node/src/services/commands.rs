//! The commands that work whether the node runs or not.
//!
//! A command is one value: it is carried out on the spot when nobody holds the
//! data folder, or sent over the control socket to whoever does, and there
//! carried out by the same function.
//!
//! Invariant: running or stopped, a command does and answers the same.

use std::path::PathBuf;

use evertill_domain::RegisterId;
use evertill_http::app::upkeep::{self, answer};
use evertill_storage::kernel::control::{Failed, Progress, Request};
use evertill_storage::{Store, registers};
use evertill_transport::{EnrolmentToken, NodeIdentity, enrol};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{journal, maintain};
use crate::state::Node;
use crate::uplink;

/// What the holder of the node's data folder can be asked to do. Its JSON form
/// is the control socket's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", content = "args", rename_all = "kebab-case")]
pub enum Command {
    /// Join a hub; answers with [`Enrolled`].
    Enrol {
        /// HOST:PORT.
        hub: String,
        /// The token's text.
        token: String,
    },
    /// Make a till's bearer token; answers with its text.
    RegisterToken {
        /// Which till.
        register: RegisterId,
    },
    /// Walk every journal; answers with one item for each.
    Verify,
    /// Make the projections anew; answers with what was gone through.
    Rebuild,
    /// Copy the node; answers with the backup's manifest.
    Backup {
        /// The folder to create, an absolute path.
        target: PathBuf,
    },
    /// Look for what is wrong; answers with findings.
    Doctor,
}

/// As whom a node has joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The machine.
    pub node: String,
    /// Where it stands.
    pub location: String,
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
    _progress: &mut dyn FnMut(Value),
) -> Result<Value, Failed> {
    let node = Node::open(store.clone()).map_err(Failed::new)?;
    match upkeep::command(request)? {
        Command::Enrol { hub, token } => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(Failed::new)?;
            answer(
                runtime
                    .block_on(join(&node, &hub, &token))
                    .map(|own| view(&own)),
            )
        }
        command => execute(&node, command),
    }
}

/// Carries a command out in a running node. One that joins a hub there begins
/// to trade and to look for the hub at once.
///
/// # Errors
/// The command's refusal, in one line.
pub async fn served(node: Node, request: Request, _progress: Progress) -> Result<Value, Failed> {
    match upkeep::command(request)? {
        Command::Enrol { hub, token } => {
            let identity = join(&node, &hub, &token).await?;
            let beginning = node.clone();
            tokio::task::spawn_blocking(move || journal::resume(&beginning))
                .await
                .map_err(Failed::new)?
                .map_err(Failed::new)?;
            let line = uplink::spawn(&node, &identity).map_err(Failed::new)?;
            node.set_uplink(line);
            answer(Ok::<_, Failed>(view(&identity)))
        }
        command => tokio::task::spawn_blocking(move || execute(&node, command))
            .await
            .unwrap_or_else(|panicked| Err(Failed::new(panicked))),
    }
}

fn execute(node: &Node, command: Command) -> Result<Value, Failed> {
    match command {
        Command::Enrol { .. } => Err(Failed::new("an enrolment needs the network; ask again")),
        Command::RegisterToken { register } => answer(register_token(node, register)),
        Command::Verify => answer(upkeep::verify(node.store())),
        Command::Rebuild => answer(upkeep::rebuild(node.store())),
        Command::Backup { target } => answer(maintain::back_up(node, &target)),
        Command::Doctor => answer(maintain::examine(node)),
    }
}

async fn join(node: &Node, hub: &str, token: &str) -> Result<NodeIdentity, Failed> {
    let token: EnrolmentToken = token.parse().map_err(Failed::wrong_use)?;
    enrol(node.dir(), hub, &token).await.map_err(Failed::new)
}

fn view(identity: &NodeIdentity) -> Enrolled {
    Enrolled {
        node: identity.node.to_string(),
        location: identity.location.to_string(),
    }
}

fn register_token(node: &Node, register: RegisterId) -> Result<String, Failed> {
    let now = node.now();
    node.store()
        .write_blocking("register-token", move |tx| {
            registers::issue_token(tx, &register, now)
        })
        .map_err(Failed::new)
}
