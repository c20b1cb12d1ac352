//! Listening, serving, and going down in order.
//!
//! hyper is driven directly because axum's own loop has no header timeout, no
//! connection limit and no bound on draining. Invariant: a connection that
//! sends nothing is closed after the header timeout, at most
//! [`Limits::connections`] are open at once, and draining ends within
//! [`Limits::drain`].

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::{Health, Metrics};

/// Named limits of the listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a connection may take to send a request's head, and how long
    /// it may stay idle between two requests.
    pub header_timeout: Duration,
    /// How long answers under way may take after the signal to go down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            header_timeout: Duration::from_secs(20),
            drain: Duration::from_secs(5),
        }
    }
}

/// How long bytes may stay unacknowledged by a peer that is gone or does not read.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_mins(1);
/// Largest head of a request, in bytes; also the read buffer's bound.
const HEAD_LIMIT: usize = 64 * 1024;
/// Rest after the kernel refused a connection, for want of descriptors as a rule.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// Period of the metrics upkeep.
const UPKEEP: Duration = Duration::from_secs(5);

/// The listener's address could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {addr} ({flag}): {}", remedy(source, *addr, flag))]
pub struct BindError {
    /// The address asked for.
    pub addr: SocketAddr,
    /// The flag that names it, such as `--http`.
    pub flag: &'static str,
    /// What the system said.
    pub source: Error,
}

/// Takes the address, named by `flag` on the command line.
///
/// # Errors
/// [`BindError`], one line that names the port and the remedy.
pub async fn bind(addr: SocketAddr, flag: &'static str) -> Result<TcpListener, BindError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| BindError { addr, flag, source })
}

/// Serves until `shutdown` resolves, then drains and returns.
///
/// [`Health`] turns to serving at the start and to draining at the end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    health: Health,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let mut upkeep = interval(UPKEEP);
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(shutdown);
    health.serving();
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            _ = upkeep.tick() => Metrics::upkeep(),
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            (slot, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    prepare(&stream);
                    let connection = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(limits.header_timeout)
                        .max_buf_size(HEAD_LIMIT)
                        .serve_connection(
                            TokioIo::new(stream),
                            TowerToHyperService::new(router.clone()),
                        );
                    let connection = graceful.watch(connection);
                    tasks.spawn(async move {
                        // A client that vanishes or sends no HTTP is its own
                        // affair; requests are logged where they are answered.
                        if let Err(error) = connection.await {
                            tracing::debug!(error = %error, "a connection ended early");
                        }
                        drop(slot);
                    });
                }
                Err(error) if per_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "could not accept a connection");
                    sleep(ACCEPT_REST).await;
                }
            },
        }
    }
    health.draining();
    drop(listener);
    drain(graceful, tasks, limits.drain).await;
}

/// Resolves on SIGTERM or SIGINT, both handled from this call on: call it
/// before the first word about serving leaves the process.
///
/// # Panics
/// Outside a runtime, or when the process may not install signal handlers,
/// which no supported system refuses.
pub fn shutdown_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).expect("invariant: SIGTERM can be handled");
    let mut int = signal(SignalKind::interrupt()).expect("invariant: SIGINT can be handled");
    async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}

async fn drain(graceful: GracefulShutdown, mut tasks: JoinSet<()>, limit: Duration) {
    let began = Instant::now();
    if timeout(limit, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            connections = tasks.len(),
            "connections were cut off after {} s of draining",
            limit.as_secs()
        );
    }
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    tracing::debug!(drain.ms = began.elapsed().as_millis(), "http is drained");
}

/// Small answers leave at once, and dead peers are noticed.
fn prepare(stream: &TcpStream) {
    // These only tune; a socket that refuses them still serves.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
}

/// Errors of the connection that was about to be accepted, not of the listener.
fn per_connection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

fn remedy(error: &Error, addr: SocketAddr, flag: &str) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {} is already in use; stop the program that holds it or choose another port \
             with {flag}",
            addr.port()
        ),
        ErrorKind::PermissionDenied => format!(
            "port {} needs more rights; choose one above 1023 with {flag}",
            addr.port()
        ),
        ErrorKind::AddrNotAvailable => format!(
            "this machine has no address {}; choose one of its own with {flag}",
            addr.ip()
        ),
        _ => error.to_string(),
    }
}
