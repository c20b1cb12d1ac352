//! `DIR/control.sock`: how a command reaches the process that holds a data
//! folder.
//!
//! A running service holds `DIR/lock`, so a second process cannot open the
//! database. It listens on a Unix socket instead, and the command sends one
//! line of JSON, `{"command": …, "args": …}`. The answer is any number of
//! `{"progress": …}` lines and then one `{"result": …}` or
//! `{"failed": {"status": …, "message": …}}`.
//!
//! [`carry_out`] is what a command calls: it opens the store itself when nobody
//! else has it, and otherwise asks whoever does, so that every command works
//! the same whether the service runs or not.
//!
//! Invariant: only the holder of the folder's lock binds or removes the socket,
//! only the same user (or root) is answered, and no line, wait or number of
//! connections is unbounded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod client;
mod server;

pub use client::{CallError, carry_out};
pub use server::{ControlSocket, Progress};

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "control.sock";
/// Longest request line, in bytes.
pub const REQUEST_MAX: usize = 64 << 10;
/// Longest answer line, in bytes.
pub const ANSWER_MAX: usize = 8 << 20;
/// Commands that a service carries out at once; one more waits to be taken.
pub const CONNECTIONS_MAX: usize = 16;
/// How long a client may take to send its request, and to take each line.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a service shows that it still works on a command.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// Silence after which a command gives the service up.
pub const SILENCE_MAX: Duration = Duration::from_secs(20);
/// How long a command tries to reach a folder whose holder is starting or
/// ending and so has no socket.
pub const REACH_MAX: Duration = Duration::from_secs(5);
/// How long commands under way may take once the service is asked to end.
pub const DRAIN_MAX: Duration = Duration::from_secs(3);

/// A path longer than this does not fit into a socket address (108 bytes with
/// its end on Linux) and is reached through the folder's handle.
const PATH_MAX: usize = 100;

/// What a command asks of the holder of a data folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The command's name, as on the command line.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
}

impl Request {
    /// A request from its two parts.
    #[must_use]
    pub fn new(command: &str, args: Value) -> Self {
        Self {
            command: command.to_owned(),
            args,
        }
    }
}

/// A command that was refused or did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failed {
    /// The exit status that the command ends with: 1, or 2 for wrong use.
    pub status: u8,
    /// One line that says what is wrong and how to mend it.
    pub message: String,
}

impl Failed {
    /// The command could not do its work: exit status 1.
    pub fn new(message: impl std::fmt::Display) -> Self {
        Self {
            status: 1,
            message: message.to_string(),
        }
    }

    /// The command was used wrongly: exit status 2.
    pub fn wrong_use(message: impl std::fmt::Display) -> Self {
        Self {
            status: 2,
            message: message.to_string(),
        }
    }
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Still at work; null is a bare sign of life.
    Progress(Value),
    /// Done.
    Result(Value),
    /// Not done.
    Failed(Failed),
}

/// The path by which the socket `name` of a folder is bound or reached, and
/// the handle that must stay open meanwhile.
fn address(dir: &Path, name: &str) -> std::io::Result<(PathBuf, Option<std::fs::File>)> {
    use std::os::fd::AsRawFd as _;

    let path = dir.join(name);
    if path.as_os_str().len() <= PATH_MAX {
        return Ok((path, None));
    }
    let folder = std::fs::File::open(dir)?;
    let short = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
    Ok((short.into(), Some(folder)))
}
