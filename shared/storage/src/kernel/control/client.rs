//! A command's end of the control socket, and the choice between asking and
//! doing.
//!
//! Invariant: a command either works on a store that it has locked or has the
//! holder of the lock do the work; it never touches the database beside it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::{
    ANSWER_MAX, CLIENT_TIMEOUT, Failed, Line, REACH_MAX, Request, SILENCE_MAX, SOCKET_FILE, address,
};
use crate::kernel::error::OpenError;
use crate::kernel::options::StoreOptions;
use crate::kernel::store::Store;

/// Rest between two attempts to reach a folder that is changing hands.
const REST: std::time::Duration = std::time::Duration::from_millis(50);

/// Why a command got no answer from a data folder.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The folder cannot be opened and nobody else has it.
    #[error(transparent)]
    Open(OpenError),
    /// The command was carried out, and this is its refusal.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// Somebody holds the lock and does not answer.
    #[error(
        "{} is in use by {}, which does not answer on {SOCKET_FILE}: wait until it has started, \
         or stop it", dir.display(), holder_words(*holder)
    )]
    NoAnswer {
        /// The data folder.
        dir: PathBuf,
        /// Process id of the holder, when it could be read.
        holder: Option<u32>,
    },
    /// The connection ended before the answer, so whether the command was
    /// carried out is not known.
    #[error(
        "the service on {} stopped answering {command} ({detail}): look at its log to see \
         whether the command was carried out, then run it again", dir.display()
    )]
    CutOff {
        /// The data folder.
        dir: PathBuf,
        /// The command.
        command: String,
        /// What was seen.
        detail: String,
    },
}

impl CallError {
    /// The exit status that a command ends with.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Failed(failed) => failed.status,
            Self::Open(_) | Self::NoAnswer { .. } | Self::CutOff { .. } => 1,
        }
    }
}

/// Carries a command out: with `alone` on a store of its own when nobody holds
/// the folder, else by asking whoever does. A holder that is just starting or
/// ending is waited for, at most [`REACH_MAX`].
///
/// # Errors
/// See [`CallError`].
pub fn carry_out(
    dir: &Path,
    options: &StoreOptions,
    request: Request,
    on_progress: &mut dyn FnMut(Value),
    alone: impl FnOnce(&Store, Request, &mut dyn FnMut(Value)) -> Result<Value, Failed>,
) -> Result<Value, CallError> {
    let give_up = Instant::now() + REACH_MAX;
    loop {
        let holder = match Store::open(dir, options) {
            Ok(store) => {
                let done = alone(&store, request, on_progress);
                store.close();
                return Ok(done?);
            }
            Err(OpenError::Locked { holder, .. }) => holder,
            Err(error) => return Err(CallError::Open(error)),
        };
        match connect(dir) {
            Ok(stream) => return ask(dir, stream, &request, on_progress),
            Err(_) if Instant::now() < give_up => std::thread::sleep(REST),
            Err(_) => {
                return Err(CallError::NoAnswer {
                    dir: dir.to_owned(),
                    holder,
                });
            }
        }
    }
}

fn connect(dir: &Path) -> io::Result<UnixStream> {
    let (path, _folder) = address(dir, SOCKET_FILE)?;
    let stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(CLIENT_TIMEOUT))?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    Ok(stream)
}

fn ask(
    dir: &Path,
    stream: UnixStream,
    request: &Request,
    on_progress: &mut dyn FnMut(Value),
) -> Result<Value, CallError> {
    let cut_off = |detail: String| CallError::CutOff {
        dir: dir.to_owned(),
        command: request.command.clone(),
        detail,
    };
    let mut text = serde_json::to_vec(request).map_err(|error| cut_off(error.to_string()))?;
    text.push(b'\n');
    (&stream)
        .write_all(&text)
        .map_err(|error| cut_off(error.to_string()))?;
    let mut answer = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        answer
            .by_ref()
            .take(ANSWER_MAX as u64)
            .read_until(b'\n', &mut line)
            .map_err(|error| cut_off(silence(&error)))?;
        if line.last() != Some(&b'\n') {
            return Err(cut_off("the connection ended".to_owned()));
        }
        match serde_json::from_slice(&line).map_err(|error| cut_off(error.to_string()))? {
            Line::Progress(Value::Null) => {}
            Line::Progress(step) => on_progress(step),
            Line::Result(result) => return Ok(result),
            Line::Failed(failed) => return Err(failed.into()),
        }
    }
}

fn silence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no sign of life for {} s", SILENCE_MAX.as_secs())
        }
        _ => error.to_string(),
    }
}

fn holder_words(holder: Option<u32>) -> String {
    match holder {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
