//! Deliveries to webhooks: changes in their order, signed, tried again, given up
//! as dead letters.
//!
//! Each webhook takes one delivery after the other; a task of its own sends
//! them, so one that hangs holds up nobody else. What is sent is kept before it
//! is sent, with the position that it brings the webhook to.
//!
//! Invariant: at least once, in order, but for what was given up.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evertill_domain::Timestamp;
use evertill_storage::changes;
use evertill_storage::secret::{self, NoRandomness};
use evertill_storage::webhooks::{self, Delivery, DeliveryState, Webhook};
use evertill_storage::{ReadError, TableError, WriteError};
use serde_json::json;
use ureq::Agent;

use super::backoff::wait;
use super::render::render;
use crate::services::orders::PrepareError;
use crate::state::Hub;

/// Rest between two looks, so that a burst is one delivery.
const REST: Duration = Duration::from_millis(250);
/// Longest rest: what failed is tried again by the clock.
const TICK: Duration = Duration::from_secs(1);
/// Changes of one delivery.
const AT_ONCE: usize = 100;
/// How long a webhook may take to answer. Short of what a hub has to go down.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long deliveries are kept that were taken.
const KEEP_MS: i64 = 7 * 24 * 3_600_000;

/// A webhook that could not be looked after.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The webhooks that a task looks after now; clones share it.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<BTreeSet<i64>>>);

impl Busy {
    fn take(&self, webhook: i64) -> bool {
        self.lock().insert(webhook)
    }

    fn done(&self, webhook: i64) {
        self.lock().remove(&webhook);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after every webhook, for as long as the task lives.
pub async fn keep(hub: Hub) {
    let busy = Busy::default();
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("evertill-hub/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut commits = hub.store().commits();
    loop {
        match hub.store().read(webhooks::list).await {
            Ok(found) => {
                for webhook in found.into_iter().filter(|webhook| !webhook.paused) {
                    if busy.take(webhook.id) {
                        let turn = look_after(hub.clone(), agent.clone(), webhook, busy.clone());
                        tokio::spawn(turn);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "webhooks could not be listed"),
        }
        tokio::time::sleep(REST).await;
        if let Ok(Err(_)) = tokio::time::timeout(TICK, commits.changed()).await {
            return;
        }
    }
}

async fn look_after(hub: Hub, agent: Agent, webhook: Webhook, busy: Busy) {
    let id = webhook.id;
    if let Err(error) = turn(&hub, &agent, webhook).await {
        tracing::warn!(%error, webhook = id, "a webhook could not be looked after");
    }
    busy.done(id);
}

/// Sends what is due to a webhook, until nothing is or it fails.
async fn turn(hub: &Hub, agent: &Agent, webhook: Webhook) -> Result<(), TurnError> {
    loop {
        let id = webhook.id;
        let pending = hub
            .store()
            .read(move |conn| webhooks::pending(conn, id))
            .await?;
        let delivery = match pending {
            Some(delivery) if delivery.next_at > hub.now() => return Ok(()),
            Some(delivery) => delivery,
            None => match gather(hub, &webhook).await? {
                Some(delivery) => delivery,
                None => return Ok(()),
            },
        };
        let (sender, secret) = (agent.clone(), webhook.secret.clone());
        let (url, sent) = (webhook.url.clone(), delivery.clone());
        let at = hub.now();
        let answer = tokio::task::spawn_blocking(move || post(&sender, &url, &secret, &sent, at));
        let answer = answer
            .await
            .unwrap_or_else(|panicked| Err(panicked.to_string()));
        let random = u64::from_be_bytes(secret::draw_bytes()?);
        let after = outcome(delivery, &answer, (webhook.max_attempts, random), hub.now());
        let failed = after.state != DeliveryState::Delivered;
        let before = Timestamp::from_millis(hub.now().as_millis() - KEEP_MS);
        let noted = hub.store().write("note how a delivery went", move |tx| {
            webhooks::update(tx, &after)?;
            webhooks::forget(tx, before).map(drop)
        });
        noted.await?;
        if failed {
            return Ok(());
        }
    }
}

/// Makes a delivery of what changed since the last one; `None` if nothing did.
async fn gather(hub: &Hub, webhook: &Webhook) -> Result<Option<Delivery>, TurnError> {
    let id = webhook.id;
    let changed = hub
        .store()
        .read(move |conn| {
            let Some(webhook) = webhooks::find(conn, id)?.filter(|found| !found.paused) else {
                return Ok(Vec::new());
            };
            changes::after(conn, webhook.position, &webhook.types, AT_ONCE)
        })
        .await?;
    let Some(position) = changed.last().map(|change| change.id) else {
        return Ok(None);
    };
    let told = render(hub, &changed).await?;
    let at = hub.now();
    let body = json!({"type": "changes", "timestamp": at.to_string(), "data": told}).to_string();
    let empty = told.is_empty();
    let delivery = hub
        .store()
        .write("keep a delivery", move |tx| {
            if empty {
                webhooks::set_position(tx, id, position)?;
                return Ok(None);
            }
            let delivery = webhooks::deliver(tx, id, position, &body, at)?;
            webhooks::delivery(tx, id, delivery)
        })
        .await?;
    Ok(delivery)
}

/// The status of the answer, or why there was none. Blocks.
fn post(
    agent: &Agent,
    url: &str,
    secret: &str,
    delivery: &Delivery,
    at: Timestamp,
) -> Result<u16, String> {
    let id = format!("dlv_{}", delivery.id);
    let seconds = at.as_millis() / 1_000;
    let signature = standardwebhooks::Webhook::new(secret)
        .and_then(|key| key.sign(&id, seconds, delivery.body.as_bytes()))
        .map_err(|error| error.to_string())?;
    let request = agent
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signature);
    let answer = request
        .send(&delivery.body)
        .map_err(|error| error.to_string())?;
    Ok(answer.status().as_u16())
}

/// Where a delivery stands after an attempt.
fn outcome(
    mut delivery: Delivery,
    answer: &Result<u16, String>,
    (max_attempts, random): (u32, u64),
    at: Timestamp,
) -> Delivery {
    delivery.attempts += 1;
    (delivery.status, delivery.error) = match answer {
        Ok(status) => (Some(*status), None),
        Err(error) => (None, Some(error.clone())),
    };
    if matches!(delivery.status, Some(200..=299)) {
        delivery.state = DeliveryState::Delivered;
        delivery.done_at = Some(at);
    } else if delivery.attempts >= max_attempts {
        delivery.state = DeliveryState::Dead;
        delivery.done_at = Some(at);
    } else {
        let wait = wait(delivery.attempts, random).as_millis();
        let wait = i64::try_from(wait).unwrap_or(i64::MAX);
        delivery.next_at = Timestamp::from_millis(at.as_millis().saturating_add(wait));
    }
    delivery
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: 1,
            webhook: 1,
            position: 9,
            body: "{}".to_owned(),
            state: DeliveryState::Pending,
            attempts: 0,
            status: None,
            error: None,
            created_at: Timestamp::from_millis(0),
            next_at: Timestamp::from_millis(0),
            done_at: None,
        }
    }

    #[test]
    fn a_delivery_is_tried_until_it_is_taken_or_given_up() {
        let at = Timestamp::from_millis(10_000);
        let taken = outcome(delivery(), &Ok(204), (2, 0), at);
        assert_eq!(taken.state, DeliveryState::Delivered);
        let failed = outcome(delivery(), &Ok(500), (2, 0), at);
        assert_eq!(
            (failed.state, failed.status),
            (DeliveryState::Pending, Some(500))
        );
        assert_eq!(failed.next_at, Timestamp::from_millis(11_000));
        let dead = outcome(failed, &Err("refused".to_owned()), (2, 0), at);
        assert_eq!((dead.state, dead.attempts), (DeliveryState::Dead, 2));
        assert_eq!(dead.error.as_deref(), Some("refused"));
    }
}
