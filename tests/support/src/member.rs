//! One process of a chain: where it lives, and whether it runs.
//!
//! Invariant: a process that is started again finds the folder and the address
//! that it had before; only processes that were started here are ended.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{Ended, Running, run};

/// A hub or node with its folder and addresses.
#[derive(Debug)]
pub struct Member {
    binary: String,
    data: String,
    http: String,
    further: Vec<String>,
    running: Option<Running>,
}

impl Member {
    /// A process of this binary in this folder, answering on this address when
    /// it is started. `further` are more flags of `serve`.
    ///
    /// # Errors
    /// A path is no plain text.
    pub fn new(binary: &Path, data: &Path, http: &str, further: &[&str]) -> Result<Self> {
        let text = |path: &Path| -> Result<String> {
            let text = path.to_str().context("paths are plain text")?;
            Ok(text.to_owned())
        };
        Ok(Self {
            binary: text(binary)?,
            data: text(data)?,
            http: http.to_owned(),
            further: further.iter().map(|flag| (*flag).to_owned()).collect(),
            running: None,
        })
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// It ended instead; the error carries its log.
    pub fn start(&mut self) -> Result<()> {
        let mut arguments = vec!["serve", "--data", &self.data, "--http", &self.http];
        arguments.extend(self.further.iter().map(String::as_str));
        self.running = Some(Running::start(&self.binary, &arguments)?);
        Ok(())
    }

    /// Ends it with SIGKILL, whatever it is doing.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Ends it in order, if it runs.
    ///
    /// # Errors
    /// It did not end with status 0.
    pub fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        let Ended { status, errors, .. } = running.stop()?;
        ensure!(
            status == Some(0),
            "{} ended with {status:?}: {errors}",
            self.binary
        );
        Ok(())
    }

    /// Runs a command on its folder and gives what it printed.
    ///
    /// # Errors
    /// It failed; the error carries what it said.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let mut all = arguments.to_vec();
        all.extend(["--data", &self.data]);
        let ended = run(&self.binary, &all)?;
        if ended.status != Some(0) {
            let Ended { status, errors, .. } = ended;
            bail!(
                "{} {arguments:?} ended with {status:?}: {errors}",
                self.binary
            );
        }
        Ok(ended.output.trim().to_owned())
    }

    /// Where it answers, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        PathBuf::from(&self.data)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }
}
