//! Messages to customers.
//!
//! What a customer is to be told follows from the order; a round keeps it
//! (`customer_message`), this task sends it: as a line of `messages.jsonl` in the
//! data folder, for whatever program writes the mails, and to webhooks of type
//! `message`. Names, addresses and codes are looked up when it is sent, and stand
//! in no journal; deliveries to webhooks hold them until they are forgotten.
//!
//! Invariant: a message is on stable storage in the file before it counts as
//! sent; after a crash in between it is there twice, under the same id.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use evertill_domain::order::{Effect, OrderBody, OrderObligation, OrderState};
use evertill_domain::rights::PairCells;
use evertill_domain::{DocumentId, LocationId};
use evertill_http::api::order_view;
use evertill_storage::messages::{self, Message};
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::{self, Contact};
use evertill_storage::{ReadError, TableError, TableResult, WriteError, pickup};
use serde_json::{Value, json};

use crate::services::orders::{At, OrderRefusal, PrepareError, picture};
use crate::state::Hub;

/// The file's name in the data folder.
pub const FILE: &str = "messages.jsonl";
/// Messages of one round.
const AT_ONCE: usize = 100;
/// Rest between rounds, so that a burst is one.
const REST: Duration = Duration::from_millis(250);
/// Rest after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Messages that could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// What they say could not be read.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The database could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// That they were sent could not be noted.
    #[error(transparent)]
    Write(#[from] WriteError<OrderRefusal>),
    /// The file could not be written.
    #[error("{FILE} could not be written: {0}")]
    File(#[from] std::io::Error),
}

/// Sends what is to be sent, for as long as the task lives.
pub async fn keep(hub: Hub) {
    let mut commits = hub.store().commits();
    loop {
        match round(&hub).await {
            Ok(sent) if sent == AT_ONCE => tokio::time::sleep(REST).await,
            Ok(_) => {
                tokio::time::sleep(REST).await;
                if commits.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "messages to customers wait; it is tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Sends some messages; gives how many.
///
/// # Errors
/// See [`SendError`]; what is in the file and not noted is sent again.
pub async fn round(hub: &Hub) -> Result<usize, SendError> {
    let (due, told) = hub
        .store()
        .read(|conn| {
            let due = messages::unsent(conn, AT_ONCE)?;
            let told = due.iter().map(|message| told(conn, message));
            let told = told.collect::<TableResult<Vec<_>>>()?;
            Ok::<_, TableError>((due, told))
        })
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let mut lines = String::new();
    for message in told.into_iter().flatten() {
        lines.push_str(&message.to_string());
        lines.push('\n');
    }
    let dir = hub.dir().to_owned();
    let appended = tokio::task::spawn_blocking(move || append(&dir, &lines));
    appended
        .await
        .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)))?;
    note_sent(hub, due).await
}

/// Notes that messages were sent, and the effects of their orders; gives how
/// many.
async fn note_sent(hub: &Hub, due: Vec<Message>) -> Result<usize, SendError> {
    let author = hub.author().map_err(PrepareError::from)?;
    let picture = picture(hub, Vec::new()).await?;
    let (state, sent) = (hub.clone(), due.len());
    hub.store()
        .write("note messages that were sent", move |tx| {
            let now = state.now();
            for message in &due {
                messages::sent(tx, message, now)?;
                let at = At {
                    conn: tx,
                    hub: &state,
                    author: &author,
                    picture: &picture,
                    document: message.document,
                    by: None,
                    now,
                };
                record_effect(at, &message.obligation)?;
            }
            Ok::<_, OrderRefusal>(())
        })
        .await?;
    Ok(sent)
}

/// Records in an order that its customer was told, if that is still owed.
fn record_effect(at: At<'_>, obligation: &str) -> TableResult<()> {
    let Some(order) = orders::load(at.conn, &at.document)? else {
        return Ok(());
    };
    let mut owed = order.obligations.iter().map(OrderObligation::key);
    if !owed.any(|key| key == obligation) {
        return Ok(());
    }
    let effect = OrderBody::Effect(Effect {
        obligation: obligation.to_owned(),
        amount: None,
        reference: None,
    });
    at.write(&order, [effect], &PairCells::new())
}

/// Appends lines and waits until they are on stable storage.
fn append(dir: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join(FILE))?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// A message as webhooks are told it; `None` if its order is gone.
///
/// # Errors
/// The database could not be read.
pub async fn shown(hub: &Hub, subject: &str) -> Result<Option<Value>, PrepareError> {
    let Some((document, obligation)) = subject.split_once('/') else {
        return Ok(None);
    };
    let Ok(document) = document.parse::<DocumentId>() else {
        return Ok(None);
    };
    let obligation = obligation.to_owned();
    let shown = hub
        .store()
        .read(move |conn| {
            let kept = messages::of(conn, &document)?;
            let mut kept = kept.iter();
            let message = kept.find(|message| message.obligation == obligation);
            message.map_or(Ok(None), |message| told(conn, message))
        })
        .await?;
    Ok(shown)
}

/// The messages of an order, sent or not.
///
/// # Errors
/// The database could not be read.
pub async fn kept(hub: &Hub, document: DocumentId) -> Result<Vec<Message>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| messages::of(conn, &document))
        .await
}

/// What a message says.
fn told(conn: &Connection, message: &Message) -> TableResult<Option<Value>> {
    let document = &message.document;
    let Some(order) = orders::load(conn, document)? else {
        return Ok(None);
    };
    let contact = contacts::of(conn, document)?.unwrap_or_default();
    let (notice, subject) = parts(&message.obligation);
    let mut told = json!({
        "id": message.id(),
        "notice": notice,
        "about": subject,
        "due_since": message.created_at.to_string(),
        "to": addressee(&contact),
        "order": order_view(document, &order),
    });
    if notice == "ready"
        && let Some(code) = code(conn, document, &order, subject)?
    {
        told["pickup_code"] = json!(code);
    }
    Ok(Some(told))
}

/// The body of a delivery without the customer of one order; `None` if it says
/// nothing of them.
#[must_use]
pub fn without_customer(body: &str, document: &DocumentId) -> Option<String> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    let id = document.to_string();
    let mut found = false;
    for told in body["data"].as_array_mut()? {
        let message = &mut told["data"];
        if message["order"]["id"] == id.as_str() && message["to"].is_object() {
            message["to"] = addressee(&Contact::default());
            found = true;
        }
    }
    found.then(|| body.to_string())
}

fn addressee(contact: &Contact) -> Value {
    json!({
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "locale": contact.locale,
    })
}

/// Notice and subject of an obligation's key, `notify:NOTICE` or
/// `notify:NOTICE:SUBJECT`.
#[must_use]
pub fn parts(obligation: &str) -> (&str, &str) {
    let rest = obligation.strip_prefix("notify:").unwrap_or(obligation);
    rest.split_once(':').unwrap_or((rest, ""))
}

/// What the customer says at the counter of a location.
fn code(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    location: &str,
) -> TableResult<Option<String>> {
    let Ok(location) = location.parse::<LocationId>() else {
        return Ok(None);
    };
    let there = order.promises_of(&location).next().is_some();
    let master = pickup::master(conn)?.filter(|_| there);
    Ok(master.map(|master| master.of(&location).code(document)))
}

#[cfg(test)]
mod tests {
    use evertill_domain::DocumentId;
    use serde_json::{Value, json};

    use super::{parts, without_customer};

    #[test]
    fn only_the_customer_of_the_order_goes_from_a_delivery() {
        let erased = DocumentId::from_bytes([1; 16]);
        let other = DocumentId::from_bytes([2; 16]).to_string();
        let told = |id: &str| {
            json!({"id": 7, "type": "message", "data": {
                "order": {"id": id}, "to": {"name": "Ann", "email": "ann@example.com"}}})
        };
        let order = json!({"id": 8, "type": "order", "data": {"id": erased.to_string()}});
        let body = json!({"type": "changes",
            "data": [told(&erased.to_string()), told(&other), order]});
        let left = without_customer(&body.to_string(), &erased).unwrap();
        let left: Value = serde_json::from_str(&left).unwrap();
        assert_eq!(left["data"][0]["data"]["to"]["name"], Value::Null);
        assert_eq!(left["data"][0]["data"]["to"]["email"], Value::Null);
        assert_eq!(left["data"][1], told(&other));
        let plain = json!({"type": "changes", "data": [order]}).to_string();
        assert_eq!(without_customer(&plain, &erased), None);
    }

    #[test]
    fn a_key_tells_notice_and_subject() {
        assert_eq!(parts("notify:confirmed"), ("confirmed", ""));
        assert_eq!(parts("notify:ready:S001"), ("ready", "S001"));
        assert_eq!(parts("notify:refunded:160"), ("refunded", "160"));
    }
}
