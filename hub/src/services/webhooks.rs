//! Who is told of changes by HTTP.
//!
//! Invariant: a webhook's secret is drawn here, shown once, and never listed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evertill_domain::Timestamp;
use evertill_domain::receipt::MAX_TEXT;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_storage::changes::{self, ChangeKind};
use evertill_storage::rusqlite::Connection;
use evertill_storage::secret::{self, NoRandomness};
use evertill_storage::webhooks::{self, Delivery, DeliveryState, Webhook};
use evertill_storage::{ReadError, TableError};

use crate::state::Hub;

/// Webhooks that a hub may have.
const MOST: usize = 32;
/// Longest URL.
const MAX_URL: usize = 2_000;
/// Attempts of a delivery, unless it is said otherwise: about nine hours.
const ATTEMPTS: u32 = 16;
/// Most attempts that can be asked for.
const MOST_ATTEMPTS: u32 = 100;
const SECRET_BYTES: usize = 24;

/// A webhook as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// Of what, by name.
    pub types: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How often one delivery is tried.
    pub max_attempts: Option<u32>,
    /// From which change on; from now on without it.
    pub after: Option<i64>,
}

/// Why something was refused.
#[derive(Debug, thiserror::Error)]
pub enum WebhookRefusal {
    /// There is no such webhook.
    #[error("there is no webhook {0}; GET /webhooks lists them")]
    Unknown(i64),
    /// There is no such delivery.
    #[error("webhook {webhook} has no delivery {delivery}; list its deliveries")]
    UnknownDelivery {
        /// The webhook.
        webhook: i64,
        /// The delivery.
        delivery: i64,
    },
    /// The delivery is not a dead letter.
    #[error("delivery {delivery} is {state}; only dead ones are sent again")]
    NotDead {
        /// The delivery.
        delivery: i64,
        /// Where it stands.
        state: &'static str,
    },
    /// There are as many as there may be.
    #[error("there are {MOST} webhooks already; remove one first")]
    TooMany,
    /// A field does not fit.
    #[error(transparent)]
    Rejected(#[from] Rejections),
    /// The system gives no random numbers.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The tables could not be used.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Keeps a webhook, in the caller's transaction.
///
/// # Errors
/// See [`WebhookRefusal`]; nothing is kept then.
pub fn create(
    conn: &Connection,
    new: &NewWebhook,
    by: &str,
    now: Timestamp,
) -> Result<Webhook, WebhookRefusal> {
    let types = check(new)?;
    if webhooks::list(conn)?.len() >= MOST {
        return Err(WebhookRefusal::TooMany);
    }
    let secret = STANDARD.encode(secret::draw_bytes::<SECRET_BYTES>()?);
    let mut webhook = Webhook {
        id: 0,
        url: new.url.clone(),
        types,
        description: new.description.clone().unwrap_or_default(),
        secret: format!("whsec_{secret}"),
        max_attempts: new.max_attempts.unwrap_or(ATTEMPTS),
        paused: false,
        position: match new.after {
            Some(after) => after,
            None => changes::last(conn)?,
        },
        created_by: by.to_owned(),
        created_at: now,
    };
    webhook.id = webhooks::create(conn, &webhook)?;
    Ok(webhook)
}

fn check(new: &NewWebhook) -> Result<Vec<ChangeKind>, Rejections> {
    let mut refused = Vec::new();
    let mut refuse = |pointer: &str, code, detail: String| {
        refused.push(Rejection::new(pointer, code, detail));
    };
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| new.url.strip_prefix(scheme));
    let host = host.filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let plain = new.url.bytes().all(|byte| byte.is_ascii_graphic());
    if host.is_none() || !plain || new.url.len() > MAX_URL {
        let detail = "send a URL that begins with http:// or https:// and names a host";
        refuse("/url", "invalid", detail.to_owned());
    }
    let mut types = Vec::new();
    for (index, name) in new.types.iter().enumerate() {
        match ChangeKind::named(name) {
            Some(kind) if types.contains(&kind) => {}
            Some(kind) => types.push(kind),
            None => refuse(
                &format!("/types/{index}"),
                "unknown_type",
                format!("{name} is none; name availability, order, exception or message"),
            ),
        }
    }
    if new.types.is_empty() {
        let detail = "name what it is told: availability, order, exception or message";
        refuse("/types", "required", detail.to_owned());
    }
    if new
        .description
        .as_ref()
        .is_some_and(|text| text.len() > MAX_TEXT)
    {
        refuse(
            "/description",
            "too_long",
            format!("it is longer than {MAX_TEXT} bytes; shorten it"),
        );
    }
    if new
        .max_attempts
        .is_some_and(|most| !(1..=MOST_ATTEMPTS).contains(&most))
    {
        refuse(
            "/max_attempts",
            "out_of_range",
            format!("send 1 to {MOST_ATTEMPTS}"),
        );
    }
    if new.after.is_some_and(|after| after < 0) {
        refuse(
            "/after",
            "out_of_range",
            "send the id of a change, or 0".to_owned(),
        );
    }
    Rejections::unless_empty(refused).map(|()| types)
}

/// A webhook that must be there.
///
/// # Errors
/// There is none of that number.
pub fn known(conn: &Connection, id: i64) -> Result<Webhook, WebhookRefusal> {
    webhooks::find(conn, id)?.ok_or(WebhookRefusal::Unknown(id))
}

/// Every webhook.
///
/// # Errors
/// The database could not be read.
pub async fn list(hub: &Hub) -> Result<Vec<Webhook>, ReadError<TableError>> {
    hub.store().read(webhooks::list).await
}

/// One webhook.
///
/// # Errors
/// There is none of that number, or the database could not be read.
pub async fn show(hub: &Hub, id: i64) -> Result<Webhook, ReadError<WebhookRefusal>> {
    hub.store().read(move |conn| known(conn, id)).await
}

/// Deliveries of a webhook after one.
///
/// # Errors
/// There is no such webhook, or the database could not be read.
pub async fn deliveries(
    hub: &Hub,
    id: i64,
    state: Option<DeliveryState>,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Delivery>, ReadError<WebhookRefusal>> {
    hub.store()
        .read(move |conn| {
            known(conn, id)?;
            Ok(webhooks::deliveries(conn, id, state, after, limit)?)
        })
        .await
}

/// Stops sending to a webhook, or goes on.
///
/// # Errors
/// There is none of that number.
pub fn pause(conn: &Connection, id: i64, paused: bool) -> Result<Webhook, WebhookRefusal> {
    known(conn, id)?;
    webhooks::set_paused(conn, id, paused)?;
    known(conn, id)
}

/// Sends again what changed after a number.
///
/// # Errors
/// There is no such webhook, or the number is none of a change.
pub fn replay(conn: &Connection, id: i64, after: i64) -> Result<Webhook, WebhookRefusal> {
    known(conn, id)?;
    let last = changes::last(conn)?;
    if !(0..=last).contains(&after) {
        let detail = format!("send the id of a change, 0 to {last}");
        let refused = Rejection::new("/after", "out_of_range", detail);
        return Err(WebhookRefusal::Rejected(refused.into()));
    }
    webhooks::set_position(conn, id, after)?;
    known(conn, id)
}

/// Sends a dead letter again.
///
/// # Errors
/// There is none, or it is not dead.
pub fn retry(
    conn: &Connection,
    id: i64,
    delivery: i64,
    now: Timestamp,
) -> Result<Delivery, WebhookRefusal> {
    known(conn, id)?;
    let found = webhooks::delivery(conn, id, delivery)?;
    let found = found.ok_or(WebhookRefusal::UnknownDelivery {
        webhook: id,
        delivery,
    })?;
    if found.state != DeliveryState::Dead {
        let state = found.state.as_str();
        return Err(WebhookRefusal::NotDead { delivery, state });
    }
    let again = Delivery {
        state: DeliveryState::Pending,
        attempts: 0,
        next_at: now,
        done_at: None,
        ..found
    };
    webhooks::update(conn, &again)?;
    Ok(again)
}
