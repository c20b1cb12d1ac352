//! `evertill-node enrol` and `register-token`: a token stands alone on standard
//! output.

use clap::Args;
use evertill_domain::RegisterId;
use evertill_http::app::{Failure, upkeep};
use evertill_transport::EnrolmentToken;

use super::Folder;
use crate::services::commands::{Command, Enrolled};

/// Settings of `evertill-node enrol`.
#[derive(Clone, Debug, Args)]
pub struct Enrol {
    /// Where the hub answers stores (QUIC, UDP)
    #[arg(long, env = "EVERTILL_HUB", value_name = "HOST:PORT")]
    pub hub: String,

    /// What evertill-hub enrol-token printed
    #[arg(
        long,
        env = "EVERTILL_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub token: EnrolmentToken,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Settings of `evertill-node register-token`.
#[derive(Clone, Debug, Args)]
pub struct RegisterToken {
    /// The till; it is made if it is new
    #[arg(long, env = "EVERTILL_REGISTER", value_name = "REGISTER")]
    pub register: RegisterId,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,
}

/// Joins a hub and says as whom.
pub(super) fn enrol(options: &Enrol) -> Result<(), Failure> {
    let command = Command::Enrol {
        hub: options.hub.clone(),
        token: options.token.to_string(),
    };
    let enrolled: Enrolled = options.folder.ask(&command)?;
    upkeep::print(format_args!(
        "enrolled as node {} of {}",
        enrolled.node, enrolled.location
    ))
}

/// Makes a token and prints it.
pub(super) fn register_token(options: &RegisterToken) -> Result<(), Failure> {
    let command = Command::RegisterToken {
        register: options.register.clone(),
    };
    let token: String = options.folder.ask(&command)?;
    upkeep::print(token)
}
