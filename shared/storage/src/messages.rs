//! Messages to customers: which are to be sent, and which were.
//!
//! A message is named by its order and by the obligation that it fulfils, so it
//! is kept once however often the order is looked at.
//!
//! Invariant: nothing personal stands here.

use evertill_domain::{DocumentId, Timestamp};
use rusqlite::{Connection, params};

use crate::changes::{self, ChangeKind};
use crate::sql::{Doing, TableResult};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The order that it is about.
    pub document: DocumentId,
    /// What is told: the key of the order's obligation.
    pub obligation: String,
    /// When it became due.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

impl Message {
    /// Its name among all messages, the same however often it is sent.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.document, self.obligation)
    }
}

/// Keeps a message to be sent, unless it is kept already.
///
/// # Errors
/// The row could not be written.
pub fn keep(
    conn: &Connection,
    document: &DocumentId,
    obligation: &str,
    now: Timestamp,
) -> TableResult<()> {
    let new = conn
        .prepare_cached("INSERT OR IGNORE INTO customer_message VALUES (?1, ?2, ?3, NULL)")
        .and_then(|mut insert| {
            insert.execute(params![document.as_bytes(), obligation, now.as_millis()])
        })
        .doing("keep a message")?;
    if new == 0 {
        return Ok(());
    }
    changes::note(
        conn,
        ChangeKind::Message,
        &format!("{document}/{obligation}"),
    )
}

/// Messages that are to be sent, the oldest first.
///
/// # Errors
/// The table could not be read.
pub fn unsent(conn: &Connection, limit: usize) -> TableResult<Vec<Message>> {
    conn.prepare_cached(
        "SELECT document, obligation, created_at, sent_at FROM customer_message
         WHERE sent_at IS NULL ORDER BY created_at, document, obligation LIMIT ?1",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        select.query_map([limit], read)?.collect()
    })
    .doing("read which messages are to be sent")
}

/// The messages of an order.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Message>> {
    conn.prepare_cached(
        "SELECT document, obligation, created_at, sent_at FROM customer_message
         WHERE document = ?1 ORDER BY created_at, obligation",
    )
    .and_then(|mut select| select.query_map([document.as_bytes()], read)?.collect())
    .doing("read the messages of an order")
}

/// Notes that a message was sent.
///
/// # Errors
/// The row could not be written.
pub fn sent(conn: &Connection, message: &Message, now: Timestamp) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE customer_message SET sent_at = ?3
         WHERE document = ?1 AND obligation = ?2 AND sent_at IS NULL",
    )
    .and_then(|mut update| {
        update.execute(params![
            message.document.as_bytes(),
            message.obligation,
            now.as_millis()
        ])
    })
    .doing("note that a message was sent")
    .map(drop)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Message> {
    let sent_at: Option<i64> = row.get(3)?;
    Ok(Message {
        document: DocumentId::from_bytes(row.get(0)?),
        obligation: row.get(1)?,
        created_at: Timestamp::from_millis(row.get(2)?),
        sent_at: sent_at.map(Timestamp::from_millis),
    })
}
