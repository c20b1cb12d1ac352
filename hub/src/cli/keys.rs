//! `evertill-hub api-key`, `enrol-token`, `revoke` and `seal`: a key or token
//! stands alone on standard output.

use clap::Args;
use evertill_domain::{LocationId, NodeId, ReplicaId};
use evertill_http::app::Failure;
use evertill_http::app::upkeep::print;

use super::ask::Folder;
use crate::services::commands::Command;
use crate::services::keys::Whose;

/// Settings of `evertill-hub api-key`.
#[derive(Clone, Debug, Args)]
pub struct ApiKey {
    /// Who the key is for; shown in logs and histories
    #[arg(long, env = "EVERTILL_NAME", value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Settings of `evertill-hub enrol-token`.
#[derive(Clone, Debug, Args)]
pub struct EnrolToken {
    /// Location where the new node stands, listed or not
    #[arg(long, env = "EVERTILL_LOCATION", value_name = "LOCATION")]
    pub location: LocationId,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Settings of `evertill-hub revoke`.
#[derive(Clone, Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flags carry the help")]
    pub whose: Revoked,

    /// Why, for those who read it later
    #[arg(
        long,
        env = "EVERTILL_REASON",
        default_value = "revoked",
        value_name = "TEXT"
    )]
    pub reason: String,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Settings of `evertill-hub seal`.
#[derive(Clone, Debug, Args)]
pub struct Seal {
    /// The replica, 16 hexadecimal digits, as GET /fleet lists it
    #[arg(long, value_name = "REPLICA")]
    pub replica: ReplicaId,

    /// Why it is lost; needed of the first of the two persons
    #[arg(long, env = "EVERTILL_REASON", value_name = "TEXT")]
    pub reason: Option<String>,

    /// The person's API key
    #[arg(long, env = "EVERTILL_KEY", hide_env_values = true, value_name = "KEY")]
    pub key: String,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Exactly one of these is given.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Revoked {
    /// One machine, 16 hexadecimal digits
    #[arg(long, value_name = "NODE")]
    pub node: Option<NodeId>,

    /// Every machine of a location
    #[arg(long, value_name = "LOCATION")]
    pub location: Option<LocationId>,

    /// Every API key of this name
    #[arg(long, value_name = "NAME")]
    pub api_key: Option<String>,
}

/// Makes a token and prints it.
pub(super) fn enrol_token(options: &EnrolToken) -> Result<(), Failure> {
    let location = options.location.clone();
    let command = Command::EnrolToken { location };
    let token: String = options.folder.ask(&command, &mut |_| {})?;
    print(token)
}

/// Revokes what was named and says how many there were.
pub(super) fn revoke(options: &Revoke) -> Result<(), Failure> {
    let Revoked {
        node,
        location,
        api_key,
    } = options.whose.clone();
    if let Some(name) = api_key {
        let revoked: usize = options.folder.ask_existing(&Command::RevokeKeys { name })?;
        return print(format_args!("API keys revoked: {revoked}"));
    }
    let whose = node
        .map(Whose::Node)
        .or(location.map(Whose::Location))
        .ok_or_else(|| Failure::wrong_use("name --node, --location or --api-key"))?;
    let command = Command::Revoke {
        whose,
        reason: options.reason.clone(),
    };
    let revoked: usize = options.folder.ask_existing(&command)?;
    print(format_args!("certificates revoked: {revoked}"))
}

/// Proposes a seal or carries one out, and says which.
pub(super) fn seal(options: &Seal) -> Result<(), Failure> {
    let command = Command::Seal {
        replica: options.replica,
        reason: options.reason.clone(),
        key: options.key.clone(),
    };
    let said: String = options.folder.ask_existing(&command)?;
    print(said)
}

/// Makes a key and prints it.
pub(super) fn api_key(options: &ApiKey) -> Result<(), Failure> {
    let name = options.name.clone();
    let key: String = options.folder.ask(&Command::ApiKey { name }, &mut |_| {})?;
    print(key)
}
