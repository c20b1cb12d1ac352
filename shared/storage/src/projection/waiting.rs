//! The steps that promises wait for, so that late ones are found by an index.
//!
//! A row says where the timer of a step starts, not when it ends: the timers are
//! a policy and change.
//!
//! Invariant: a promise has a row exactly if its order says that it waits.

use evertill_domain::order::{AwaitedStep, OrderState, PromiseId, Wait, wait};
use evertill_domain::policy::TimerPolicy;
use evertill_domain::{DocumentId, LocationId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sql::{Doing, TableResult, optional, text};

/// A step that is late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// The order.
    pub document: DocumentId,
    /// The promise.
    pub promise: PromiseId,
    /// Where.
    pub location: LocationId,
    /// What is waited for.
    pub wait: Wait,
}

const COLUMNS: &str = "document, promise, location, step, since, due";

/// Steps whose time is over and of which nobody was told, the longest waiting
/// first. Whoever opens an exception for each under [`late_key`] gets the others
/// the next time.
///
/// # Errors
/// The table could not be read.
pub fn late(
    conn: &Connection,
    timers: &TimerPolicy,
    now: Timestamp,
    limit: usize,
) -> TableResult<Vec<Late>> {
    let before = |step: AwaitedStep| {
        let minutes = i64::from(step.minutes(timers).unwrap_or(0));
        now.as_millis() - minutes * 60_000
    };
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM waiting_step AS w
         WHERE ((step = 'accept' AND since < ?1) OR (step = 'pick' AND since < ?2)
             OR (step = 'ready' AND since < ?3) OR (step = 'collect' AND since < ?4)
             OR due < ?5)
           AND NOT EXISTS (
             SELECT 1 FROM exception AS e
             WHERE e.key = 'late:' || w.promise || ':' || w.step
               AND (e.state <> 'resolved' OR e.again_at > ?5))
         ORDER BY ifnull(since, due) LIMIT ?6"
    ))
    .and_then(|mut select| {
        let columns = params![
            before(AwaitedStep::Accept),
            before(AwaitedStep::Pick),
            before(AwaitedStep::Ready),
            before(AwaitedStep::Collect),
            now.as_millis(),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        select.query_map(columns, read)?.collect()
    })
    .doing("list late steps")
}

/// The name of a late step among the exceptions.
#[must_use]
pub fn late_key(promise: &PromiseId, step: AwaitedStep) -> String {
    format!("late:{promise}:{step}")
}

/// What a promise waits for.
///
/// # Errors
/// The table could not be read.
pub fn of(
    conn: &Connection,
    document: &DocumentId,
    promise: &PromiseId,
) -> TableResult<Option<Wait>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM waiting_step WHERE document = ?1 AND promise = ?2"
    ))
    .and_then(|mut select| {
        let columns = params![document.as_bytes(), promise.to_string()];
        optional(select.query_row(columns, read))
    })
    .doing("read what a promise waits for")
    .map(|found| found.map(|found| found.wait))
}

/// Writes what the promises of an order wait for.
pub(super) fn refresh(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM waiting_step WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document.as_bytes()]))
        .doing("forget what promises waited for")?;
    for (id, promise) in &order.promises {
        let Some(found) = wait(order, promise) else {
            continue;
        };
        conn.prepare_cached("INSERT INTO waiting_step VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .and_then(|mut insert| {
                insert.execute(params![
                    document.as_bytes(),
                    id.to_string(),
                    promise.location.as_str(),
                    found.step.as_str(),
                    found.since.map(Timestamp::as_millis),
                    found.by.map(Timestamp::as_millis)
                ])
            })
            .doing("note what a promise waits for")?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Late> {
    let time = |at: Option<i64>| at.map(Timestamp::from_millis);
    Ok(Late {
        document: DocumentId::from_bytes(row.get(0)?),
        promise: text(row, 1)?,
        location: text(row, 2)?,
        wait: Wait {
            step: text(row, 3)?,
            since: time(row.get(4)?),
            by: time(row.get(5)?),
        },
    })
}
