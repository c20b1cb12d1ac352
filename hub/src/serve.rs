//! The running hub: it takes its data folder and its address, answers, and goes
//! down in order.
//!
//! Invariant: `/healthz` says 200 only while requests are taken, and SIGTERM
//! ends the process with status 0 within ten seconds.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use clap::Args;
use evertill_http::app::Failure;
use evertill_http::{Health, Limits, Metrics, bind, service, shutdown_signal};
use evertill_storage::{Store, StoreOptions};
use utoipa::OpenApi;

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
}

/// The interface description of the hub.
#[derive(OpenApi)]
#[openapi(info(title = "Evertill hub"))]
struct Api;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Status 1 when the folder or the address cannot be taken.
pub fn serve(options: &Serve) -> Result<(), Failure> {
    let store = Store::open(&options.data, &store_options(options))?;
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(options));
    store.close();
    served
}

fn store_options(options: &Serve) -> StoreOptions {
    StoreOptions {
        max_bytes: options.max_database_mib.map(|mib| u64::from(mib) << 20),
        ..StoreOptions::hub()
    }
}

async fn run(options: &Serve) -> Result<(), Failure> {
    let shutdown = shutdown_signal();
    let listener = bind(options.http, "--http").await?;
    let address = listener.local_addr()?;
    let health = Health::default();
    let router = service(
        Router::new(),
        health.clone(),
        Metrics::install(),
        &Api::openapi(),
    );
    tracing::info!("the hub answers on http://{address}");
    evertill_http::serve(listener, router, health, Limits::default(), shutdown).await;
    tracing::info!("the hub has finished its work and stops");
    Ok(())
}
