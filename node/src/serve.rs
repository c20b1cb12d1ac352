//! The running node: it takes its data folder and its address, answers, and goes
//! down in order.
//!
//! Invariant: `/healthz` says 200 only while requests are taken, and SIGTERM
//! ends the process with status 0 within ten seconds.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use evertill_http::app::Failure;
use evertill_http::{Health, Limits, Metrics, bind, service, shutdown_signal};
use evertill_storage::kernel::control::ControlSocket;
use evertill_storage::{Store, StoreOptions};
use evertill_transport::NodeIdentity;

use crate::routes;
use crate::services::{commands, journal, marker};
use crate::state::Node;
use crate::upkeep::Upkeep;
use crate::uplink;

/// Threads that may wait on the reference data at once; more tills wait for one.
const BLOCKING_THREADS: usize = 32;

/// Settings of `evertill-node serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Folder with the node's data, created if it is missing
    #[arg(long, env = "EVERTILL_DATA_DIR", value_name = "DIR")]
    pub data: PathBuf,

    /// Upper bound of the database in MiB; beyond it writes are refused until there is room
    #[arg(long, env = "EVERTILL_MAX_DATABASE_MIB", value_name = "MIB")]
    pub max_database_mib: Option<u32>,

    /// Address to answer HTTP on; port 0 takes a free one and logs it
    #[arg(
        long,
        env = "EVERTILL_HTTP",
        default_value = "127.0.0.1:7101",
        value_name = "ADDR"
    )]
    pub http: SocketAddr,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Status 1 when the folder, its journal or the address cannot be taken.
pub fn serve(options: &Serve) -> Result<(), Failure> {
    let store = Store::open(&options.data, &store_options(options))?;
    let node = Node::open(store.clone())?;
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?
        .block_on(run(&node, options));
    store.close();
    served
}

fn store_options(options: &Serve) -> StoreOptions {
    StoreOptions {
        max_bytes: options.max_database_mib.map(|mib| u64::from(mib) << 20),
        ..StoreOptions::node()
    }
}

async fn run(node: &Node, options: &Serve) -> Result<(), Failure> {
    let shutdown = shutdown_signal();
    let listener = bind(options.http, "--http").await?;
    let address = listener.local_addr()?;
    // Only a process that can answer begins a life of the journal.
    begin(node).await?;
    let health = Health::default();
    let control = control(node, &health)?;
    let upkeep = Upkeep::start(node);
    let router = service(
        routes::router(node),
        health.clone(),
        Metrics::install(),
        &routes::openapi(),
    );
    tracing::info!("the node answers on http://{address}");
    evertill_http::serve(listener, router, health, Limits::default(), shutdown).await;
    drop(upkeep);
    // A panic there was logged where it happened; the node is going down anyway.
    let _ = control.await;
    if let Some(uplink) = node.take_uplink() {
        uplink.stop().await;
    }
    marker::put(node).await;
    tracing::info!("the node has finished its work and stops");
    Ok(())
}

/// Begins this process's life of the journal and looks for the hub, if the
/// folder is enrolled.
async fn begin(node: &Node) -> Result<(), Failure> {
    let beginning = node.clone();
    let begun = tokio::task::spawn_blocking(move || journal::resume(&beginning));
    if begun.await??.is_none() {
        tracing::warn!("this node is not enrolled and sells nothing yet; run evertill-node enrol");
    }
    if let Some(identity) = NodeIdentity::load(node.dir())? {
        node.set_uplink(uplink::spawn(node, &identity)?);
    }
    Ok(())
}

/// Answers the commands of this machine until draining begins.
fn control(node: &Node, health: &Health) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let socket = ControlSocket::bind(node.store())?;
    let (node, health) = (node.clone(), health.clone());
    Ok(tokio::spawn(async move {
        let carry_out = move |request, progress| commands::served(node.clone(), request, progress);
        socket
            .run(carry_out, async move { health.drained().await })
            .await;
    }))
}
