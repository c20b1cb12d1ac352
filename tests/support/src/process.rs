//! Our binaries as child processes.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Words of the log line that tells the address a service took.
const ANSWERS_ON: &str = "answers on ";

/// A service that has taken its address. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error (for a service: after its start).
    pub errors: String,
}

/// Runs a command to its end.
///
/// # Errors
/// The binary could not be started.
pub fn run(binary: &str, arguments: &[&str]) -> Result<Ended> {
    let output = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {binary}"))?;
    Ok(Ended {
        status: output.status.code(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Running {
    /// Starts a service and waits until it says where it answers.
    ///
    /// # Errors
    /// The process ended instead; the error carries its log.
    pub fn start(binary: &str, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(arguments)
            .env("EVERTILL_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {binary}"))?;
        let stderr = child.stderr.take().context("the log is piped")?;
        let mut log = BufReader::new(stderr);
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                bail!("{binary} ended before it answered; its log:\n{seen}");
            }
            if let Some((_, url)) = line.trim_end().split_once(ANSWERS_ON) {
                let url = url.to_owned();
                return Ok(Self { child, log, url });
            }
            seen.push_str(&line);
        }
    }

    /// Where it answers, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address without the scheme, such as `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// The signal could not be sent, or the end not be read.
    pub fn stop(mut self) -> Result<Ended> {
        let pid = i32::try_from(self.child.id()).context("a process id is positive")?;
        let pid = Pid::from_raw(pid).context("a process id is not zero")?;
        kill_process(pid, Signal::TERM).context("could not send SIGTERM")?;
        let mut errors = String::new();
        self.log.read_to_string(&mut errors)?;
        Ok(Ended {
            status: self.child.wait()?.code(),
            output: String::new(),
            errors,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
