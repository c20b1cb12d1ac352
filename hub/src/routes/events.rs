//! `GET /events`: changes as they happen, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use evertill_http::{FieldError, Health, Problem, Query};
use evertill_storage::changes::{self, ChangeKind};
use evertill_storage::{CommitReceiver, TableError};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::IntoParams;

use super::auth::Principal;
use crate::outgoing::render::{Told, render};
use crate::services::orders::PrepareError;
use crate::state::Hub;

/// Streams open at once: each reads for itself.
const STREAMS: usize = 64;
/// Changes that are looked up at once.
const AT_ONCE: usize = 200;
/// Rest between two looks, so that a burst is one event of each subject.
const REST: Duration = Duration::from_millis(250);
/// Rest after the database gave no answer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What may be told on a stream: what a customer is told names persons, and
/// goes to webhooks only.
const TOLD: [ChangeKind; 3] = [
    ChangeKind::Availability,
    ChangeKind::Order,
    ChangeKind::Exception,
];

/// The streams that may be open.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS)))
    }
}

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `availability`, `order`, `exception`, with commas between them; all
    /// without it
    #[param(example = "availability,order")]
    types: Option<String>,
    /// The id of the last event that was read; 0 for every subject as it is now.
    /// What happens from now on without it. `Last-Event-ID` says the same
    after: Option<i64>,
}

/// Changes as they happen: each event says how its subject is now. A subject
/// that changed several times meanwhile comes once.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(Filter, ("Last-Event-ID" = Option<i64>, Header, description = "As `after`; browsers send it when they come back")),
    responses(
        (status = 200, description = "Events without end; `id` is what to go on from", content_type = "text/event-stream"),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
        (status = 503, description = "Too many streams are open", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn stream(
    _: Principal,
    State(hub): State<Hub>,
    Extension(streams): Extension<Streams>,
    Extension(health): Extension<Health>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let kinds = kinds(filter.types.as_deref())?;
    let last = last_event(&headers)?;
    let seat = streams.0.try_acquire_owned().map_err(|_| {
        Problem::unavailable(
            "too_many_streams",
            "too many streams are open; come back",
            5,
        )
    })?;
    let commits = hub.store().commits();
    let position = match last.or(filter.after) {
        Some(position) => position,
        None => hub.store().read(changes::last).await?,
    };
    let reader = Reader {
        hub,
        health,
        kinds,
        position,
        commits,
        ready: Vec::new(),
        _seat: seat,
    };
    let events = stream::unfold(reader, |mut reader| async {
        let told = reader.next().await?;
        Some((Ok(event(&told)), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// A stream's place.
struct Reader {
    hub: Hub,
    health: Health,
    kinds: Vec<ChangeKind>,
    position: i64,
    commits: CommitReceiver,
    /// What was looked up and not told yet, the next one last.
    ready: Vec<Told>,
    _seat: OwnedSemaphorePermit,
}

impl Reader {
    /// The next event; `None` when the hub goes down.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.ready.pop() {
                return Some(told);
            }
            match self.look().await {
                Ok(true) => {}
                Ok(false) => {
                    tokio::select! {
                        () = self.health.drained() => return None,
                        changed = self.commits.changed() => changed.ok()?,
                    }
                    tokio::time::sleep(REST).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "a stream of events waits");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Looks what changed; false if nothing did.
    async fn look(&mut self) -> Result<bool, PrepareError> {
        let (position, kinds) = (self.position, self.kinds.clone());
        let changed = self
            .hub
            .store()
            .read(move |conn| {
                let changed = changes::after(conn, position, &kinds, AT_ONCE)?;
                Ok::<_, TableError>(changed)
            })
            .await?;
        let Some(last) = changed.last().map(|change| change.id) else {
            return Ok(false);
        };
        self.ready = render(&self.hub, &changed).await?;
        self.ready.reverse();
        self.position = last;
        Ok(true)
    }
}

fn event(told: &Told) -> Event {
    Event::default()
        .id(told.id.to_string())
        .event(told.kind)
        .data(told.data.to_string())
}

fn kinds(types: Option<&str>) -> Result<Vec<ChangeKind>, Problem> {
    let Some(types) = types else {
        return Ok(TOLD.to_vec());
    };
    let named = types.split(',').map(str::trim).map(|name| {
        let kind = ChangeKind::named(name).filter(|kind| TOLD.contains(kind));
        kind.ok_or_else(|| {
            wrong(
                "/types",
                format!("{name} is no type of event; name availability, order or exception"),
            )
        })
    });
    named.collect()
}

fn last_event(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(last) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = last.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        wrong(
            "Last-Event-ID",
            "send the id of an event of this stream, a whole number".to_owned(),
        )
    })
}

fn wrong(pointer: &str, detail: String) -> Problem {
    Problem::malformed("invalid_parameter", "a parameter cannot be read")
        .field(FieldError::new(pointer, "invalid", detail))
}
