//! `evertill-hub api-key`: one key on standard output and nothing else.

use clap::Args;
use evertill_http::app::Failure;

use super::ask::{Folder, print};
use crate::services::commands::Command;

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

/// Makes a key and prints it.
pub(super) fn api_key(options: &ApiKey) -> Result<(), Failure> {
    let name = options.name.clone();
    let key: String = options.folder.ask(&Command::ApiKey { name }, &mut |_| {})?;
    print(key)
}
