//! The running node: it takes its address, answers, and goes down in order.
//!
//! Invariant: `/healthz` says 200 only while requests are taken, and SIGTERM
//! ends the process with status 0 within ten seconds.

use std::net::SocketAddr;

use axum::Router;
use clap::Args;
use evertill_http::app::Failure;
use evertill_http::{Health, Limits, Metrics, bind, service, shutdown_signal};
use utoipa::OpenApi;

/// Settings of `evertill-node serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Address to answer HTTP on; port 0 takes a free one and logs it
    #[arg(
        long,
        env = "EVERTILL_HTTP",
        default_value = "127.0.0.1:7101",
        value_name = "ADDR"
    )]
    pub http: SocketAddr,
}

/// The interface description of the node.
#[derive(OpenApi)]
#[openapi(info(title = "Evertill node"))]
struct Api;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Status 1 when the address cannot be taken or the runtime cannot start.
pub fn serve(options: &Serve) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(options))
}

async fn run(options: &Serve) -> Result<(), Failure> {
    let listener = bind(options.http, "--http").await?;
    let address = listener.local_addr()?;
    let health = Health::default();
    let router = service(
        Router::new(),
        health.clone(),
        Metrics::install(),
        &Api::openapi(),
    );
    tracing::info!("the node answers on http://{address}");
    evertill_http::serve(
        listener,
        router,
        health,
        Limits::default(),
        shutdown_signal(),
    )
    .await;
    tracing::info!("the node has finished its work and stops");
    Ok(())
}
