//! The running hub: it takes its data folder and its addresses, answers, and
//! goes down in order.
//!
//! Invariant: `/healthz` says 200 only while requests are taken, and SIGTERM
//! ends the process with status 0 within ten seconds.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use evertill_http::app::Failure;
use evertill_http::{Health, Limits, Metrics, bind, service, shutdown_signal};
use evertill_storage::journal::Author;
use evertill_storage::kernel::control::ControlSocket;
use evertill_storage::{Store, StoreOptions};

use crate::downlink::Downlink;
use crate::routes;
use crate::services::commands;
use crate::state::Hub;
use crate::upkeep::Upkeep;

/// Settings of `evertill-hub serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Folder with the hub's data, created if it is missing
    #[arg(long, env = "EVERTILL_DATA_DIR", value_name = "DIR")]
    pub data: PathBuf,

    /// Upper bound of the database in MiB; beyond it writes are refused until there is room
    #[arg(long, env = "EVERTILL_MAX_DATABASE_MIB", value_name = "MIB")]
    pub max_database_mib: Option<u32>,

    /// Address to answer HTTP on; port 0 takes a free one and logs it
    #[arg(
        long,
        env = "EVERTILL_HTTP",
        default_value = "127.0.0.1:7070",
        value_name = "ADDR"
    )]
    pub http: SocketAddr,

    /// Address to answer stores on (QUIC, UDP); port 0 takes a free one and logs it
    #[arg(
        long,
        env = "EVERTILL_QUIC",
        default_value = "127.0.0.1:7071",
        value_name = "ADDR"
    )]
    pub quic: SocketAddr,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Status 1 when the folder or an address cannot be taken.
pub fn serve(options: &Serve) -> Result<(), Failure> {
    let store = Store::open(&options.data, &store_options(options))?;
    let hub = Hub::open(store.clone())?;
    hub.identity()?;
    let author = hub.author()?;
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(&hub, author, options));
    store.close();
    served
}

fn store_options(options: &Serve) -> StoreOptions {
    StoreOptions {
        max_bytes: options.max_database_mib.map(|mib| u64::from(mib) << 20),
        ..StoreOptions::hub()
    }
}

async fn run(hub: &Hub, author: Author, options: &Serve) -> Result<(), Failure> {
    let shutdown = shutdown_signal();
    let listener = bind(options.http, "--http").await?;
    let address = listener.local_addr()?;
    let health = Health::default();
    let downlink = Downlink::start(hub, author, options.quic)?;
    let control = control(hub, &health)?;
    let metrics = Metrics::install();
    let upkeep = Upkeep::start(hub);
    let router = service(
        routes::router(hub),
        health.clone(),
        metrics,
        &routes::openapi(),
    );
    tracing::info!("the hub answers on http://{address}");
    evertill_http::serve(listener, router, health, Limits::default(), shutdown).await;
    drop(upkeep);
    downlink.stop().await;
    // A panic there was logged where it happened; the hub is going down anyway.
    let _ = control.await;
    tracing::info!("the hub has finished its work and stops");
    Ok(())
}

/// Answers the commands of this machine until draining begins.
fn control(hub: &Hub, health: &Health) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let socket = ControlSocket::bind(hub.store())?;
    let (hub, health) = (hub.clone(), health.clone());
    Ok(tokio::spawn(async move {
        let carry_out = move |request, progress| commands::served(hub.clone(), request, progress);
        socket
            .run(carry_out, async move { health.drained().await })
            .await;
    }))
}
