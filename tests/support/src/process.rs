//! Our binaries as child processes.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Words of the log line that tells the address a service took.
const ANSWERS_ON: &str = "answers on ";

/// Lines of a service's log that are kept.
const LOG_LINES: usize = 500;

/// Services of this process that may still run.
static ALIVE: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A service that has taken its address. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: Option<JoinHandle<String>>,
    url: String,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error (for a service: its last lines).
    pub errors: String,
}

/// Kills every service that this process started and that still runs: for a
/// program that is told to end at any moment.
pub fn kill_all() {
    for pid in std::mem::take(&mut *alive()) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // One that ended by itself needs no signal.
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
}

fn alive() -> MutexGuard<'static, BTreeSet<u32>> {
    // The set is whole whatever its last holder did.
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
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
        alive().insert(child.id());
        let stderr = child.stderr.take().context("the log is piped")?;
        let mut log = BufReader::new(stderr);
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                alive().remove(&child.id());
                child.wait()?;
                bail!("{binary} ended before it answered; its log:\n{seen}");
            }
            if let Some((_, url)) = line.trim_end().split_once(ANSWERS_ON) {
                let url = url.to_owned();
                // Regression: a log that nobody read filled its pipe, and the
                // service stood still.
                let log = Some(thread::spawn(|| last_lines(log)));
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
        let status = self.child.wait()?.code();
        alive().remove(&self.child.id());
        let log = self.log.take().context("the log is read once")?;
        Ok(Ended {
            status,
            output: String::new(),
            errors: log.join().unwrap_or_default(),
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Reads a log to its end and keeps its last lines.
fn last_lines(mut log: BufReader<ChildStderr>) -> String {
    let mut kept = VecDeque::new();
    let mut line = String::new();
    // A line that is no text ends the reading; the process is ours and writes none.
    while log.read_line(&mut line).is_ok_and(|read| read > 0) {
        if kept.len() == LOG_LINES {
            kept.pop_front();
        }
        kept.push_back(std::mem::take(&mut line));
    }
    kept.into_iter().collect()
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        alive().remove(&self.child.id());
    }
}
