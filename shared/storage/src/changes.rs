//! What changed, for those who want to be told: availability of products, orders,
//! exceptions, messages to customers.
//!
//! There is one row for each subject, with the number of its latest change. So a
//! reader that was away for a week reads each subject once, as it is now, and
//! nothing has to be thrown away.
//!
//! Invariant: a change is noted in the transaction that makes it, with a number
//! above all before it.

use evertill_domain::{DocumentId, LocationId, Sku};
use rusqlite::{Connection, params};

use crate::projection::backorders;
use crate::sql::{Doing, TableResult, text};

/// What sort of subject changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// What can be promised of a product; the subject is its SKU.
    Availability,
    /// An order; the subject is its id.
    Order,
    /// An exception; the subject is its number.
    Exception,
    /// Something that a customer is to be told; the subject is order and
    /// obligation, with a slash between them.
    Message,
}

/// The latest change of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub id: i64,
    /// What sort.
    pub kind: ChangeKind,
    /// Of what.
    pub subject: String,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Availability,
        Self::Order,
        Self::Exception,
        Self::Message,
    ];

    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Order => "order",
            Self::Exception => "exception",
            Self::Message => "message",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Notes that a subject has changed.
///
/// # Errors
/// The row could not be written.
pub fn note(conn: &Connection, kind: ChangeKind, subject: &str) -> TableResult<()> {
    // A new row's number is one above the highest, also where it takes the place
    // of the row that has the highest.
    conn.prepare_cached("INSERT OR REPLACE INTO change (kind, subject) VALUES (?1, ?2)")
        .and_then(|mut replace| replace.execute([kind.as_str(), subject]))
        .doing("note a change")
        .map(drop)
}

/// Notes that something else can be promised of some products; a week's sales
/// that come at once are thousands.
///
/// # Errors
/// The rows could not be written.
pub fn availability<'a>(
    conn: &Connection,
    skus: impl IntoIterator<Item = &'a Sku>,
) -> TableResult<()> {
    let skus: Vec<&str> = skus.into_iter().map(Sku::as_str).collect();
    if skus.is_empty() {
        return Ok(());
    }
    let list = json(&skus);
    backorders::note(conn, &list)?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO change (kind, subject)
         SELECT 'availability', value FROM json_each(?1)",
    )
    .and_then(|mut replace| replace.execute([list]))
    .doing("note what can be promised now")
    .map(drop)
}

fn json(texts: &[&str]) -> String {
    serde_json::to_string(texts).expect("invariant: a list of texts is JSON")
}

/// Notes that an order has changed.
///
/// # Errors
/// The row could not be written.
pub fn order(conn: &Connection, document: &DocumentId) -> TableResult<()> {
    note(conn, ChangeKind::Order, &document.to_string())
}

/// Notes every product of a location, or of all: what holds there has changed.
///
/// # Errors
/// The rows could not be written.
pub fn availability_at(conn: &Connection, location: Option<&LocationId>) -> TableResult<()> {
    let skus: Vec<Sku> = conn
        .prepare_cached("SELECT DISTINCT sku FROM stock WHERE ?1 IS NULL OR location = ?1")
        .and_then(|mut select| {
            let location = location.map(LocationId::as_str);
            select.query_map([location], |row| text(row, 0))?.collect()
        })
        .doing("list the products of a location")?;
    availability(conn, &skus)
}

/// Changes after a number, of some kinds, in their order.
///
/// # Errors
/// The table could not be read.
pub fn after(
    conn: &Connection,
    position: i64,
    kinds: &[ChangeKind],
    limit: usize,
) -> TableResult<Vec<Change>> {
    let wanted = |kind| kinds.contains(&kind);
    conn.prepare_cached(
        "SELECT id, kind, subject FROM change
         WHERE id > ?1
           AND (?2 AND kind = 'availability' OR ?3 AND kind = 'order'
                OR ?4 AND kind = 'exception' OR ?5 AND kind = 'message')
         ORDER BY id LIMIT ?6",
    )
    .and_then(|mut select| {
        let columns = params![
            position,
            wanted(ChangeKind::Availability),
            wanted(ChangeKind::Order),
            wanted(ChangeKind::Exception),
            wanted(ChangeKind::Message),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        let rows = select.query_map(columns, |row| {
            let kind: String = row.get(1)?;
            Ok(Change {
                id: row.get(0)?,
                kind: ChangeKind::named(&kind).ok_or(rusqlite::Error::InvalidQuery)?,
                subject: row.get(2)?,
            })
        })?;
        rows.collect()
    })
    .doing("read what changed")
}

/// The number of the latest change; 0 before the first.
///
/// # Errors
/// The table could not be read.
pub fn last(conn: &Connection) -> TableResult<i64> {
    conn.prepare_cached("SELECT ifnull(max(id), 0) FROM change")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .doing("read the latest change")
}
