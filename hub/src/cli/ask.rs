//! From a command line to a result: the hub's data folder is opened, or its
//! holder is asked.
//!
//! Invariant: a command that only looks never creates a folder or a database.

use std::path::PathBuf;

use clap::Args;
use evertill_http::app::{Failure, upkeep};
use evertill_storage::StoreOptions;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::services::commands::{self, Command};

/// The folder that a command works on.
#[derive(Clone, Debug, Args)]
pub struct Folder {
    /// Folder with the hub's data
    #[arg(long, env = "EVERTILL_DATA_DIR", value_name = "DIR")]
    pub data: PathBuf,
}

impl Folder {
    /// Carries a command out that may begin a new hub's folder.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        command: &Command,
        on_progress: &mut dyn FnMut(Value),
    ) -> Result<T, Failure> {
        self.carry_out(command, &StoreOptions::hub(), on_progress)
    }

    /// Carries a command out on a hub that must be there.
    pub(super) fn ask_existing<T: DeserializeOwned>(
        &self,
        command: &Command,
    ) -> Result<T, Failure> {
        self.carry_out(command, &StoreOptions::hub().existing(), &mut |_| {})
    }

    fn carry_out<T: DeserializeOwned>(
        &self,
        command: &Command,
        options: &StoreOptions,
        on_progress: &mut dyn FnMut(Value),
    ) -> Result<T, Failure> {
        let request = command.request();
        upkeep::carry_out(&self.data, options, request, on_progress, commands::alone)
    }
}
