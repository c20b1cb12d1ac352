//! From a router of routes to a service: health, metrics, the OpenAPI
//! document, and a problem for everything else.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{Problem, observe};

/// Upper bounds of the request duration histogram, in seconds.
const DURATION_BUCKETS_S: [f64; 12] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not ready: databases are being opened.
    Starting,
    /// Taking requests.
    Serving,
    /// Finishing what is under way; new requests are turned away.
    Draining,
}

/// The phase of this process, shared by the routes, the listener and whoever
/// holds long answers open.
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Phase>>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Health {
    /// Says that requests are taken from now on, unless draining began.
    pub fn serving(&self) {
        self.0.send_if_modified(|phase| {
            let starting = *phase == Phase::Starting;
            if starting {
                *phase = Phase::Serving;
            }
            starting
        });
    }

    /// Says that the process is going down; there is no way back.
    pub fn draining(&self) {
        self.0.send_replace(Phase::Draining);
    }

    /// The present phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Resolves once draining has begun; an event stream ends on it.
    pub async fn drained(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self
            .0
            .subscribe()
            .wait_for(|phase| *phase == Phase::Draining)
            .await;
    }
}

/// The process-wide metrics recorder and its text form.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

static METRICS: OnceLock<Metrics> = OnceLock::new();

impl Metrics {
    /// Installs the recorder on the first call; later calls give the same one.
    ///
    /// # Panics
    /// Never: the bucket list is a constant.
    #[must_use]
    pub fn install() -> Self {
        METRICS
            .get_or_init(|| {
                let recorder = PrometheusBuilder::new()
                    .set_buckets_for_metric(
                        Matcher::Suffix("_seconds".to_owned()),
                        &DURATION_BUCKETS_S,
                    )
                    .expect("invariant: the bucket list is not empty")
                    .build_recorder();
                let handle = recorder.handle();
                // Someone else's recorder in the process keeps its place; this
                // one then stays empty, which /metrics shows plainly.
                if metrics::set_global_recorder(recorder).is_err() {
                    tracing::warn!("another metrics recorder is installed; /metrics stays empty");
                }
                Self(handle)
            })
            .clone()
    }

    /// The metrics in Prometheus text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds recorded samples into their histograms so that memory stays
    /// bounded when nobody scrapes. [`crate::serve`] calls it by itself.
    pub(crate) fn upkeep() {
        if let Some(metrics) = METRICS.get() {
            metrics.0.run_upkeep();
        }
    }
}

/// Puts health, metrics, the OpenAPI document, the request log and problem
/// answers around the routes of an application, whose paths are complete
/// (`/api/v1/...`).
///
/// # Panics
/// When the OpenAPI document cannot be written as JSON, which is a mistake in
/// the program and shows at the first start.
pub fn service(
    routes: Router,
    health: Health,
    metrics: Metrics,
    openapi: &utoipa::openapi::OpenApi,
) -> Router {
    let document = openapi
        .to_json()
        .expect("invariant: an OpenAPI document is plain JSON");
    let document: Arc<str> = document.into();
    routes
        .layer(axum::Extension(health.clone()))
        .route("/healthz", get(healthz).with_state(health.clone()))
        .route("/metrics", get(prometheus).with_state(metrics))
        .route(
            "/api/openapi.json",
            get(move || async move { json_text(&document) }),
        )
        .fallback(unknown_path)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(
            health,
            observe::observe,
        ))
}

/// 200 once serving, 503 before and while draining.
async fn healthz(State(health): State<Health>) -> Response {
    match health.phase() {
        Phase::Serving => axum::Json(serde_json::json!({"status": "serving"})).into_response(),
        Phase::Starting => {
            Problem::unavailable("starting", "the process is starting; ask again", 1)
                .into_response()
        }
        Phase::Draining => draining().into_response(),
    }
}

/// 503 of a process that is going down.
pub(crate) fn draining() -> Problem {
    Problem::unavailable(
        "draining",
        "the process is going down and takes nothing new; send the same request again",
        2,
    )
}

async fn prometheus(State(metrics): State<Metrics>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics.render(),
    )
        .into_response()
}

fn json_text(document: &str) -> Response {
    ([(CONTENT_TYPE, "application/json")], document.to_owned()).into_response()
}

async fn unknown_path(method: Method, uri: Uri) -> Problem {
    let path = crate::problem::excerpt(uri.path());
    Problem::not_found(format!(
        "there is no route {method} {path}; the routes are listed in /api/openapi.json"
    ))
}

/// The panic hook has already logged the panic, with its place; see
/// [`crate::app::start_logging`].
#[allow(
    clippy::needless_pass_by_value,
    reason = "the layer hands over the payload"
)]
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::internal().into_response()
}
