//! The service's end of the control socket.
//!
//! Invariant: a client that sends nothing, too much or nonsense, or that goes
//! away, costs one bounded connection and nothing else.

use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    ANSWER_MAX, CLIENT_TIMEOUT, CONNECTIONS_MAX, DRAIN_MAX, Failed, Line, REQUEST_MAX, Request,
    SIGN_OF_LIFE, SOCKET_FILE, address,
};
use crate::kernel::error::OpenError;
use crate::kernel::store::Store;

/// Progress steps that may wait for a slow client; further ones are
/// left out.
const PROGRESS_WAITING: usize = 16;

/// The bound socket of a data folder; removed when dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Where a command reports how far it is.
#[derive(Clone, Debug)]
pub struct Progress(mpsc::Sender<Value>);

impl Progress {
    /// Shows a step to the client; a step that it has no time for is left out.
    pub fn report(&self, step: Value) {
        // Progress is a courtesy: the result comes whether steps arrive or not.
        let _ = self.0.try_send(step);
    }
}

impl ControlSocket {
    /// Binds `DIR/control.sock` for the holder of the folder's lock, which an
    /// open store is; a socket that a killed process left is replaced. Call it
    /// inside a runtime.
    ///
    /// # Errors
    /// The socket cannot be made in the folder.
    pub fn bind(store: &Store) -> Result<Self, OpenError> {
        let path = store.dir().join(SOCKET_FILE);
        let listener = bind_private(store.dir()).map_err(|source| OpenError::Access {
            operation: "make the control socket",
            path: path.clone(),
            source,
        })?;
        Ok(Self { listener, path })
    }

    /// Answers commands until `shutdown` resolves; then takes no more, and
    /// returns when those under way are answered, after [`DRAIN_MAX`] at the
    /// latest.
    pub async fn run<F, A>(self, carry_out: F, shutdown: impl Future<Output = ()>)
    where
        F: Fn(Request, Progress) -> A + Clone + Send + 'static,
        A: Future<Output = Result<Value, Failed>> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut tasks = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                let slot = slots.clone().acquire_owned().await;
                (slot, self.listener.accept().await)
            };
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                (slot, accepted) = accepted => match accepted {
                    Ok((stream, _)) => {
                        let carry_out = carry_out.clone();
                        tasks.spawn(async move {
                            if let Err(error) = answer(stream, carry_out).await {
                                tracing::debug!(%error, "a control connection ended early");
                            }
                            drop(slot);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a control connection");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(self);
        let done = async { while tasks.join_next().await.is_some() {} };
        if timeout(DRAIN_MAX, done).await.is_err() {
            tracing::warn!("commands on the control socket were cut off");
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // It may have been removed by hand; the next start replaces it anyway.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Binds under another name and renames once the mode is right, so that the
/// socket never shows with a wider one.
fn bind_private(dir: &Path) -> io::Result<UnixListener> {
    let draft = format!("{SOCKET_FILE}.new");
    match std::fs::remove_file(dir.join(&draft)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (bound, _folder) = address(dir, &draft)?;
    let listener = UnixListener::bind(bound)?;
    std::fs::set_permissions(dir.join(&draft), std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(dir.join(&draft), dir.join(SOCKET_FILE))?;
    Ok(listener)
}

async fn answer<F, A>(stream: UnixStream, carry_out: F) -> io::Result<()>
where
    F: Fn(Request, Progress) -> A,
    A: Future<Output = Result<Value, Failed>> + Send + 'static,
{
    let peer = stream.peer_cred()?.uid();
    let (reader, mut writer) = stream.into_split();
    let own = rustix::process::geteuid().as_raw();
    if peer != own && peer != 0 {
        let refused = Failed::new("this folder belongs to another user: run the command as them");
        return send(&mut writer, &Line::Failed(refused)).await;
    }
    let mut text = Vec::new();
    let mut bounded = BufReader::new(reader).take(REQUEST_MAX as u64);
    timeout(CLIENT_TIMEOUT, bounded.read_until(b'\n', &mut text)).await??;
    if text.last() != Some(&b'\n') {
        let refused = Failed::new(format!(
            "the request is cut off, or longer than {REQUEST_MAX} bytes"
        ));
        return send(&mut writer, &Line::Failed(refused)).await;
    }
    let request = match serde_json::from_slice::<Request>(&text) {
        Ok(request) => request,
        Err(error) => {
            let refused = Failed::new(format!("the request cannot be read: {error}"));
            return send(&mut writer, &Line::Failed(refused)).await;
        }
    };
    let (steps, reported) = mpsc::channel(PROGRESS_WAITING);
    let name = request.command.clone();
    let work = tokio::spawn(carry_out(request, Progress(steps)));
    follow(&mut writer, work, reported, &name).await
}

/// Sends progress and signs of life until the work is done, then its answer.
async fn follow(
    writer: &mut OwnedWriteHalf,
    mut work: tokio::task::JoinHandle<Result<Value, Failed>>,
    mut reported: mpsc::Receiver<Value>,
    name: &str,
) -> io::Result<()> {
    let mut alive = interval(SIGN_OF_LIFE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut work => {
                while let Ok(step) = reported.try_recv() {
                    send(writer, &Line::Progress(step)).await?;
                }
                let line = match done {
                    Ok(Ok(result)) => Line::Result(result),
                    Ok(Err(failed)) => Line::Failed(failed),
                    Err(_) => Line::Failed(Failed::new(format!(
                        "{name} failed in an unforeseen way; please report it with the \
                         service's log"
                    ))),
                };
                return send(writer, &line).await;
            }
            Some(step) = reported.recv() => send(writer, &Line::Progress(step)).await?,
            _ = alive.tick() => send(writer, &Line::Progress(Value::Null)).await?,
        }
    }
}

async fn send(writer: &mut OwnedWriteHalf, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    if text.len() >= ANSWER_MAX {
        let failed = Failed::new(format!(
            "the answer has {} bytes, more than the {ANSWER_MAX} that the control socket \
             carries: stop the service and run the command again",
            text.len()
        ));
        text = serde_json::to_vec(&Line::Failed(failed))?;
    }
    text.push(b'\n');
    timeout(CLIENT_TIMEOUT, writer.write_all(&text)).await?
}
