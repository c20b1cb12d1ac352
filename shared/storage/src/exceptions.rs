//! Exceptions at rest: problems that a person owns, and what was done about
//! each.
//!
//! Opened inside the transaction that found the problem, under a key that names
//! it: finding it again opens nothing.
//!
//! Invariant: of each key at most one is not resolved; every change has a row
//! of its own with who made it.

mod timing;

use evertill_domain::exception::{ESCALATION, ExceptionKind};
use evertill_domain::{DocumentId, LocationId, Sku, Timestamp};
use rusqlite::{Connection, Row, params};

pub use timing::{Timing, timings};

use crate::changes::{self, ChangeKind};
use crate::sql::{Doing, TableResult, optional, text};

/// A problem that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What sort.
    pub kind: ExceptionKind,
    /// Its name: what it is about.
    pub key: String,
    /// Where.
    pub location: Option<LocationId>,
    /// Which product.
    pub sku: Option<Sku>,
    /// Which order.
    pub document: Option<DocumentId>,
    /// What is wrong, in words.
    pub detail: String,
}

/// A problem as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its number.
    pub id: i64,
    /// What was found.
    pub opening: Opening,
    /// The role that owns it.
    pub owner: String,
    /// `open`, `acknowledged` or `resolved`.
    pub state: String,
    /// The person who looks after it.
    pub assigned_to: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By when it is due.
    pub due_at: Timestamp,
    /// How often it was overdue and went to the next role.
    pub level: usize,
    /// When it was resolved, by whom, and how.
    pub resolved: Option<(Timestamp, String, String)>,
}

/// One thing that was done about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// When.
    pub at: Timestamp,
    /// By whom; `hub` for the system itself.
    pub by: String,
    /// What.
    pub action: String,
    /// In words.
    pub note: Option<String>,
}

/// Which are asked for; `None` is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one state.
    pub state: Option<String>,
    /// Of one kind.
    pub kind: Option<String>,
    /// At one location.
    pub location: Option<String>,
    /// Of one role.
    pub owner: Option<String>,
}

/// Who acts when nobody does.
pub const SYSTEM: &str = "hub";

const COLUMNS: &str = "id, kind, key, location, sku, document, detail, owner, state, assigned_to,
     opened_at, due_at, level, resolved_at, resolved_by, resolution";

/// Opens a problem unless it is open, or a person resolved it by word a moment
/// ago; true if it is new. It is due after the time of its kind.
///
/// # Errors
/// The row could not be written.
pub fn open(conn: &Connection, opening: &Opening, now: Timestamp) -> TableResult<bool> {
    open_within(conn, opening, opening.kind.meaning().due_minutes, now)
}

/// [`open`], with a time of its own until it is due.
///
/// # Errors
/// The row could not be written.
pub fn open_within(
    conn: &Connection,
    opening: &Opening,
    minutes: u32,
    now: Timestamp,
) -> TableResult<bool> {
    let id = conn
        .prepare_cached(
            "INSERT INTO exception (kind, key, location, sku, document, detail, owner, state,
                                    opened_at, due_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?8, ?9
             WHERE NOT EXISTS (SELECT 1 FROM exception WHERE key = ?2 AND again_at > ?8)
             ON CONFLICT (key) WHERE state <> 'resolved' DO NOTHING RETURNING id",
        )
        .and_then(|mut insert| {
            let columns = params![
                opening.kind.as_str(),
                opening.key,
                opening.location.as_ref().map(LocationId::as_str),
                opening.sku.as_ref().map(Sku::as_str),
                opening.document.as_ref().map(DocumentId::as_bytes),
                opening.detail,
                opening.kind.meaning().owner,
                now.as_millis(),
                later(now, minutes)
            ];
            optional(insert.query_row(columns, |row| row.get::<_, i64>(0)))
        })
        .doing("open an exception")?;
    if let Some(id) = id {
        note(conn, id, (SYSTEM, "opened", None), now)?;
    }
    Ok(id.is_some())
}

fn later(now: Timestamp, minutes: u32) -> i64 {
    now.as_millis() + i64::from(minutes) * 60_000
}

/// Opens a problem unless a person ever resolved it: what happened does not happen
/// again because somebody settled it. One that went away by itself and is back is
/// the same problem, open again.
///
/// # Errors
/// The row could not be written.
pub fn open_once(conn: &Connection, opening: &Opening, now: Timestamp) -> TableResult<bool> {
    let before: Option<(i64, Option<String>)> = conn
        .prepare_cached(
            "SELECT id, resolved_by FROM exception WHERE key = ?1 ORDER BY id DESC LIMIT 1",
        )
        .and_then(|mut select| {
            optional(select.query_row([&opening.key], |row| Ok((row.get(0)?, row.get(1)?))))
        })
        .doing("look whether an exception was open")?;
    match before {
        None => open(conn, opening, now),
        Some((id, Some(by))) if by == SYSTEM => reopen(conn, id, opening.kind, now).map(|()| true),
        Some(_) => Ok(false),
    }
}

fn reopen(conn: &Connection, id: i64, kind: ExceptionKind, now: Timestamp) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE exception SET state = 'open', due_at = ?2, resolved_at = NULL,
                              resolved_by = NULL, resolution = NULL
         WHERE id = ?1",
    )
    .and_then(|mut update| update.execute([id, later(now, kind.meaning().due_minutes)]))
    .doing("open an exception again")?;
    note(conn, id, (SYSTEM, "reopened", None), now)
}

/// Resolves whatever is open under a key: the problem is gone. One that a person
/// had resolved by word before is over for good with it: if it comes again, it is
/// another.
///
/// # Errors
/// The row could not be written.
pub fn gone(conn: &Connection, key: &str, how: &str, now: Timestamp) -> TableResult<bool> {
    let open = conn
        .prepare_cached("SELECT id FROM exception WHERE key = ?1 AND state <> 'resolved'")
        .and_then(|mut select| optional(select.query_row([key], |row| row.get::<_, i64>(0))))
        .doing("look up an exception")?;
    conn.prepare_cached(
        "UPDATE exception SET again_at = NULL WHERE key = ?1 AND again_at IS NOT NULL",
    )
    .and_then(|mut update| update.execute([key]))
    .doing("forget a problem that is gone")?;
    match open {
        Some(id) => resolve(conn, id, (SYSTEM, "gone", Some(how)), now).map(|()| true),
        None => Ok(false),
    }
}

/// Resolves one.
///
/// # Errors
/// The row could not be written.
pub fn resolve(
    conn: &Connection,
    id: i64,
    (by, action, how): (&str, &str, Option<&str>),
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE exception SET state = 'resolved', resolved_at = ?2, resolved_by = ?3,
                              resolution = ?4
         WHERE id = ?1",
    )
    .and_then(|mut update| update.execute(params![id, now.as_millis(), by, how.unwrap_or(action)]))
    .doing("resolve an exception")?;
    note(conn, id, (by, action, how), now)
}

/// Resolves one by the word of a person. If the problem is still there after the
/// time of its kind, it is opened again.
///
/// # Errors
/// The row could not be written.
pub fn resolve_by_word(
    conn: &Connection,
    found: &Exception,
    (by, action, how): (&str, &str, &str),
    now: Timestamp,
) -> TableResult<()> {
    resolve(conn, found.id, (by, action, Some(how)), now)?;
    let minutes = found.opening.kind.meaning().due_minutes;
    conn.prepare_cached("UPDATE exception SET again_at = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute([found.id, later(now, minutes)]))
        .doing("note when to look at a problem again")
        .map(drop)
}

/// Problems of a kind that persons resolved by word, and that are to be looked at
/// again by `now`; each is given once.
///
/// # Errors
/// The rows could not be written.
pub fn take_due_again(
    conn: &Connection,
    kind: ExceptionKind,
    now: Timestamp,
) -> TableResult<Vec<Exception>> {
    let sql = format!(
        "UPDATE exception SET again_at = NULL WHERE kind = ?1 AND again_at <= ?2
         RETURNING {COLUMNS}"
    );
    conn.prepare_cached(&sql)
        .and_then(|mut update| {
            update
                .query_map(params![kind.as_str(), now.as_millis()], read)?
                .collect()
        })
        .doing("look for problems that may be there again")
}

/// Notes that somebody has seen one, or does something about it: `action` says
/// what.
///
/// # Errors
/// The row could not be written.
pub fn acknowledge(
    conn: &Connection,
    id: i64,
    (by, action, words): (&str, &str, Option<&str>),
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached("UPDATE exception SET state = 'acknowledged' WHERE id = ?1")
        .and_then(|mut update| update.execute([id]))
        .doing("acknowledge an exception")?;
    note(conn, id, (by, action, words), now)
}

/// Gives one to a person.
///
/// # Errors
/// The row could not be written.
pub fn assign(
    conn: &Connection,
    id: i64,
    (by, to): (&str, &str),
    words: Option<&str>,
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached("UPDATE exception SET assigned_to = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![id, to]))
        .doing("assign an exception")?;
    note(conn, id, (by, "assign", words), now)
}

/// Gives what is overdue for `minutes` to the next role; how many there were. The
/// next role has as long as the first had, then the last one gets it.
///
/// # Errors
/// The rows could not be written.
pub fn escalate(conn: &Connection, minutes: u32, now: Timestamp) -> TableResult<usize> {
    let before = now.as_millis() - i64::from(minutes) * 60_000;
    let mut escalated = 0;
    // The highest level first, so that nothing rises twice at once.
    for (level, role) in ESCALATION.iter().enumerate().rev() {
        let overdue: Vec<i64> = conn
            .prepare_cached(
                "UPDATE exception SET owner = ?4, level = level + 1, escalated_at = ?2
                 WHERE state <> 'resolved' AND due_at < ?1 AND level = ?3
                   AND ifnull(escalated_at, due_at) < ?1 RETURNING id",
            )
            .and_then(|mut update| {
                let level = i64::try_from(level).unwrap_or(i64::MAX);
                let columns = params![before, now.as_millis(), level, role];
                update.query_map(columns, |row| row.get(0))?.collect()
            })
            .doing("escalate exceptions")?;
        for id in &overdue {
            note(conn, *id, (SYSTEM, "escalated", Some(role)), now)?;
        }
        escalated += overdue.len();
    }
    Ok(escalated)
}

/// One of them.
///
/// # Errors
/// The table could not be read.
pub fn find(conn: &Connection, id: i64) -> TableResult<Option<Exception>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM exception WHERE id = ?1"))
        .and_then(|mut select| optional(select.query_row([id], read)))
        .doing("read an exception")
}

/// What is open under a key.
///
/// # Errors
/// The table could not be read.
pub fn open_of(conn: &Connection, key: &str) -> TableResult<Option<Exception>> {
    let sql = format!("SELECT {COLUMNS} FROM exception WHERE key = ?1 AND state <> 'resolved'");
    conn.prepare_cached(&sql)
        .and_then(|mut select| optional(select.query_row([key], read)))
        .doing("read an exception")
}

/// When somebody last took an action on what is, or was, open under a key.
///
/// # Errors
/// The tables could not be read.
pub fn last_action(conn: &Connection, key: &str, action: &str) -> TableResult<Option<Timestamp>> {
    conn.prepare_cached(
        "SELECT max(a.at) FROM exception AS e JOIN exception_action AS a ON a.exception = e.id
         WHERE e.key = ?1 AND a.action = ?2",
    )
    .and_then(|mut select| select.query_row([key, action], |row| row.get::<_, Option<i64>>(0)))
    .doing("look up what was done about an exception")
    .map(|at| at.map(Timestamp::from_millis))
}

/// What is open of a kind, by number.
///
/// # Errors
/// The table could not be read.
pub fn open_of_kind(conn: &Connection, kind: ExceptionKind) -> TableResult<Vec<Exception>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM exception WHERE kind = ?1 AND state <> 'resolved' ORDER BY id"
    );
    conn.prepare_cached(&sql)
        .and_then(|mut select| select.query_map([kind.as_str()], read)?.collect())
        .doing("list exceptions")
}

/// What is open about an order, by number.
///
/// # Errors
/// The table could not be read.
pub fn open_of_order(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Exception>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM exception
         WHERE document = ?1 AND state <> 'resolved' ORDER BY id"
    );
    conn.prepare_cached(&sql)
        .and_then(|mut select| select.query_map([document.as_bytes()], read)?.collect())
        .doing("list the exceptions of an order")
}

/// By number, after one.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    filter: &Filter,
    after: Option<i64>,
    limit: usize,
) -> TableResult<Vec<Exception>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM exception
         WHERE id > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR kind = ?3)
           AND (?4 IS NULL OR location = ?4) AND (?5 IS NULL OR owner = ?5)
         ORDER BY id LIMIT ?6"
    );
    conn.prepare_cached(&sql)
        .and_then(|mut select| {
            let columns = params![
                after.unwrap_or(0),
                filter.state,
                filter.kind,
                filter.location,
                filter.owner,
                i64::try_from(limit).unwrap_or(i64::MAX)
            ];
            select.query_map(columns, read)?.collect()
        })
        .doing("list exceptions")
}

/// What was done about one, in order.
///
/// # Errors
/// The table could not be read.
pub fn actions(conn: &Connection, id: i64) -> TableResult<Vec<Action>> {
    conn.prepare_cached(
        "SELECT at, by, action, note FROM exception_action WHERE exception = ?1 ORDER BY n",
    )
    .and_then(|mut select| {
        let rows = select.query_map([id], |row| {
            Ok(Action {
                at: Timestamp::from_millis(row.get(0)?),
                by: row.get(1)?,
                action: row.get(2)?,
                note: row.get(3)?,
            })
        })?;
        rows.collect()
    })
    .doing("read what was done about an exception")
}

fn note(
    conn: &Connection,
    id: i64,
    (by, action, words): (&str, &str, Option<&str>),
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO exception_action
         SELECT ?1, ifnull(max(n), 0) + 1, ?2, ?3, ?4, ?5
         FROM exception_action WHERE exception = ?1",
    )
    .and_then(|mut insert| insert.execute(params![id, now.as_millis(), by, action, words]))
    .doing("note what was done about an exception")?;
    changes::note(conn, ChangeKind::Exception, &id.to_string())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Exception> {
    let kind: String = row.get(1)?;
    let location: Option<String> = row.get(3)?;
    let sku: Option<String> = row.get(4)?;
    let resolved_at: Option<i64> = row.get(13)?;
    let by: Option<String> = row.get(14)?;
    let how: Option<String> = row.get(15)?;
    Ok(Exception {
        id: row.get(0)?,
        opening: Opening {
            kind: ExceptionKind::named(&kind).ok_or(rusqlite::Error::InvalidQuery)?,
            key: row.get(2)?,
            location: location.map(|_| text(row, 3)).transpose()?,
            sku: sku.map(|_| text(row, 4)).transpose()?,
            document: row.get::<_, Option<_>>(5)?.map(DocumentId::from_bytes),
            detail: row.get(6)?,
        },
        owner: row.get(7)?,
        state: row.get(8)?,
        assigned_to: row.get(9)?,
        opened_at: Timestamp::from_millis(row.get(10)?),
        due_at: Timestamp::from_millis(row.get(11)?),
        level: row.get::<_, u32>(12)? as usize,
        resolved: resolved_at.map(|at| {
            let at = Timestamp::from_millis(at);
            (at, by.unwrap_or_default(), how.unwrap_or_default())
        }),
    })
}
