//! Webhooks: who is told of changes by HTTP, and what was sent to each.
//!
//! Invariant: a webhook's position moves in the transaction that keeps the
//! delivery with the changes before it, so a crash loses none and sends none
//! under a new id.

use evertill_domain::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::changes::ChangeKind;
use crate::sql::{Doing, TableResult, optional};

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its number; given out when it is kept.
    pub id: i64,
    /// Where to.
    pub url: String,
    /// Of what.
    pub types: Vec<ChangeKind>,
    /// What it is for, in words.
    pub description: String,
    /// What its deliveries are signed with, `whsec_` and base64.
    pub secret: String,
    /// How often one delivery is tried.
    pub max_attempts: u32,
    /// Whether nothing is sent for now.
    pub paused: bool,
    /// The last change that went into a delivery.
    pub position: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent, perhaps again.
    Pending,
    /// It was taken.
    Delivered,
    /// It was tried as often as it may be.
    Dead,
}

/// What was, or is to be, sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; given out when it is kept.
    pub id: i64,
    /// To whom.
    pub webhook: i64,
    /// The last change in it.
    pub position: i64,
    /// What is sent, JSON.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// When it was taken or given up.
    pub done_at: Option<Timestamp>,
}

impl DeliveryState {
    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

const COLUMNS: &str = "id, url, types, description, secret, max_attempts, paused, position,
     created_by, created_at";
const DELIVERY: &str = "id, webhook, position, body, state, attempts, status, error, created_at,
     next_at, done_at";

/// Keeps a webhook; gives its number.
///
/// # Errors
/// The row could not be written.
pub fn create(conn: &Connection, webhook: &Webhook) -> TableResult<i64> {
    let types: Vec<&str> = webhook.types.iter().map(|kind| kind.as_str()).collect();
    conn.prepare_cached(
        "INSERT INTO webhook (url, types, description, secret, max_attempts, paused, position,
                              created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            webhook.url,
            types.join(","),
            webhook.description,
            webhook.secret,
            webhook.max_attempts,
            webhook.paused,
            webhook.position,
            webhook.created_by,
            webhook.created_at.as_millis()
        ])
    })
    .doing("keep a webhook")
}

/// Every webhook.
///
/// # Errors
/// The table could not be read.
pub fn list(conn: &Connection) -> TableResult<Vec<Webhook>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM webhook ORDER BY id"))
        .and_then(|mut select| select.query_map([], read)?.collect())
        .doing("list the webhooks")
}

/// One webhook.
///
/// # Errors
/// The table could not be read.
pub fn find(conn: &Connection, id: i64) -> TableResult<Option<Webhook>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM webhook WHERE id = ?1"))
        .and_then(|mut select| optional(select.query_row([id], read)))
        .doing("look up a webhook")
}

/// Removes a webhook with its deliveries; false if there is none.
///
/// # Errors
/// The rows could not be removed.
pub fn remove(conn: &Connection, id: i64) -> TableResult<bool> {
    conn.prepare_cached("DELETE FROM webhook_delivery WHERE webhook = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .doing("remove the deliveries of a webhook")?;
    conn.prepare_cached("DELETE FROM webhook WHERE id = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .doing("remove a webhook")
        .map(|rows| rows == 1)
}

/// Stops sending, or goes on.
///
/// # Errors
/// The row could not be written.
pub fn set_paused(conn: &Connection, id: i64, paused: bool) -> TableResult<()> {
    conn.prepare_cached("UPDATE webhook SET paused = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![id, paused]))
        .doing("pause a webhook")
        .map(drop)
}

/// Moves the position of a webhook: what changed after it is sent, perhaps
/// again.
///
/// # Errors
/// The row could not be written.
pub fn set_position(conn: &Connection, id: i64, position: i64) -> TableResult<()> {
    conn.prepare_cached("UPDATE webhook SET position = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute([id, position]))
        .doing("move the position of a webhook")
        .map(drop)
}

/// Keeps a delivery and moves the webhook's position behind it.
///
/// # Errors
/// The rows could not be written.
pub fn deliver(
    conn: &Connection,
    webhook: i64,
    position: i64,
    body: &str,
    now: Timestamp,
) -> TableResult<i64> {
    set_position(conn, webhook, position)?;
    conn.prepare_cached(
        "INSERT INTO webhook_delivery (webhook, position, body, state, attempts, created_at,
                                       next_at)
         VALUES (?1, ?2, ?3, 'pending', 0, ?4, ?4)",
    )
    .and_then(|mut insert| insert.insert(params![webhook, position, body, now.as_millis()]))
    .doing("keep a delivery")
}

/// The delivery that a webhook has to take next, due or not.
///
/// # Errors
/// The table could not be read.
pub fn pending(conn: &Connection, webhook: i64) -> TableResult<Option<Delivery>> {
    conn.prepare_cached(&format!(
        "SELECT {DELIVERY} FROM webhook_delivery WHERE webhook = ?1 AND state = 'pending'
         ORDER BY id LIMIT 1"
    ))
    .and_then(|mut select| optional(select.query_row([webhook], read_delivery)))
    .doing("look for a delivery")
}

/// One delivery.
///
/// # Errors
/// The table could not be read.
pub fn delivery(conn: &Connection, webhook: i64, id: i64) -> TableResult<Option<Delivery>> {
    conn.prepare_cached(&format!(
        "SELECT {DELIVERY} FROM webhook_delivery WHERE webhook = ?1 AND id = ?2"
    ))
    .and_then(|mut select| optional(select.query_row([webhook, id], read_delivery)))
    .doing("look up a delivery")
}

/// Deliveries of a webhook after one, in one state or in any.
///
/// # Errors
/// The table could not be read.
pub fn deliveries(
    conn: &Connection,
    webhook: i64,
    state: Option<DeliveryState>,
    after: Option<i64>,
    limit: usize,
) -> TableResult<Vec<Delivery>> {
    conn.prepare_cached(&format!(
        "SELECT {DELIVERY} FROM webhook_delivery
         WHERE webhook = ?1 AND (?2 IS NULL OR state = ?2) AND id > ?3 ORDER BY id LIMIT ?4"
    ))
    .and_then(|mut select| {
        let columns = params![
            webhook,
            state.map(DeliveryState::as_str),
            after.unwrap_or_default(),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        select.query_map(columns, read_delivery)?.collect()
    })
    .doing("list the deliveries of a webhook")
}

/// Writes where a delivery stands.
///
/// # Errors
/// The row could not be written.
pub fn update(conn: &Connection, delivery: &Delivery) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE webhook_delivery
         SET state = ?2, attempts = ?3, status = ?4, error = ?5, next_at = ?6, done_at = ?7
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        update.execute(params![
            delivery.id,
            delivery.state.as_str(),
            delivery.attempts,
            delivery.status,
            delivery.error,
            delivery.next_at.as_millis(),
            delivery.done_at.map(Timestamp::as_millis)
        ])
    })
    .doing("note how a delivery went")
    .map(drop)
}

/// Deliveries of any webhook whose body has a text in it.
///
/// # Errors
/// The table could not be read.
pub fn bodies_with(conn: &Connection, text: &str) -> TableResult<Vec<(i64, String)>> {
    conn.prepare_cached("SELECT id, body FROM webhook_delivery WHERE instr(body, ?1) > 0")
        .and_then(|mut select| {
            let rows = select.query_map([text], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .doing("look what was delivered about a subject")
}

/// Writes another body for a delivery; it is signed when it is sent.
///
/// # Errors
/// The row could not be written.
pub fn set_body(conn: &Connection, id: i64, body: &str) -> TableResult<()> {
    conn.prepare_cached("UPDATE webhook_delivery SET body = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![id, body]))
        .doing("write a delivery anew")
        .map(drop)
}

/// Forgets deliveries that were taken before a time; dead ones stay.
///
/// # Errors
/// The rows could not be removed.
pub fn forget(conn: &Connection, before: Timestamp) -> TableResult<usize> {
    conn.prepare_cached("DELETE FROM webhook_delivery WHERE state = 'delivered' AND done_at < ?1")
        .and_then(|mut delete| delete.execute([before.as_millis()]))
        .doing("forget old deliveries")
}

fn read(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let types: String = row.get(2)?;
    Ok(Webhook {
        id: row.get(0)?,
        url: row.get(1)?,
        types: types.split(',').filter_map(ChangeKind::named).collect(),
        description: row.get(3)?,
        secret: row.get(4)?,
        max_attempts: row.get(5)?,
        paused: row.get(6)?,
        position: row.get(7)?,
        created_by: row.get(8)?,
        created_at: Timestamp::from_millis(row.get(9)?),
    })
}

fn read_delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let state: String = row.get(4)?;
    let done_at: Option<i64> = row.get(10)?;
    Ok(Delivery {
        id: row.get(0)?,
        webhook: row.get(1)?,
        position: row.get(2)?,
        body: row.get(3)?,
        state: DeliveryState::named(&state).ok_or(rusqlite::Error::InvalidQuery)?,
        attempts: row.get(5)?,
        status: row.get(6)?,
        error: row.get(7)?,
        created_at: Timestamp::from_millis(row.get(8)?),
        next_at: Timestamp::from_millis(row.get(9)?),
        done_at: done_at.map(Timestamp::from_millis),
    })
}
