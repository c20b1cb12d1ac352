//! Quarantine: what another machine sent and this one could not take, kept with
//! its reason until a person, or what it waits for, settles it.
//!
//! An entry or feed item in quarantine is stored and acknowledged; nothing of
//! it is in any projection. A journal or feed in quarantine is not taken any
//! further, and nobody else is concerned.
//!
//! Invariant: what is stored and neither applied nor about the journal alone has
//! a row here; a row is settled once.

mod case;
mod retry;

use evertill_domain::{LocationId, ReplicaId, Seq, Timestamp};
use rusqlite::{Connection, params};

pub use case::{Case, CaseKind, CaseState};
pub use retry::{RETRY_LIMIT, Retried, retry};
pub(crate) use retry::{anything_waits, release_waiting};

use crate::sql::{Doing, TableError, TableResult, int, optional, uint};
use case::COLUMNS;

/// Why a case could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no such case.
    #[error("there is no quarantine case {id}; list the cases to see which are open")]
    Unknown {
        /// The number that was asked for.
        id: i64,
    },
    /// It was settled before.
    #[error("quarantine case {id} is already {state}; it is settled once and for all")]
    Settled {
        /// The case.
        id: i64,
        /// How it was settled.
        state: CaseState,
    },
    /// The tables could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Cases by number, all of them or those in one state, after `after`.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    state: Option<CaseState>,
    after: Option<i64>,
    limit: usize,
) -> TableResult<Vec<Case>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.unwrap_or(0);
    match state {
        None => conn
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine WHERE id > ?1 ORDER BY id LIMIT ?2"
            ))
            .and_then(|mut select| select.query_map([after, limit], Case::read)?.collect()),
        Some(state) => conn
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM quarantine WHERE id > ?1 AND state = ?3
                 ORDER BY id LIMIT ?2"
            ))
            .and_then(|mut select| {
                select
                    .query_map(params![after, limit, state.as_str()], Case::read)?
                    .collect()
            }),
    }
    .doing("list the quarantine")
}

/// One case.
///
/// # Errors
/// The table could not be read.
pub fn find(conn: &Connection, id: i64) -> TableResult<Option<Case>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM quarantine WHERE id = ?1"))
        .and_then(|mut select| optional(select.query_row([id], Case::read)))
        .doing("look up a quarantine case")
}

/// How many cases are open.
///
/// # Errors
/// The table could not be read.
pub fn open_cases(conn: &Connection) -> TableResult<u64> {
    conn.prepare_cached("SELECT count(*) FROM quarantine WHERE state = 'open'")
        .and_then(|mut select| select.query_row([], |row| uint(row, 0)))
        .doing("count the open quarantine cases")
}

/// Settles a case without applying anything: the entry stays stored and out of
/// every projection for good, a stopped journal or feed stays stopped.
///
/// # Errors
/// [`SettleError`] when there is no such case, it is settled, or the row could
/// not be written.
pub fn dismiss(conn: &Connection, id: i64, by: &str, now: Timestamp) -> Result<Case, SettleError> {
    let case = open_case(conn, id)?;
    settle(conn, &case, CaseState::Dismissed, by, now)?;
    find(conn, id)?.ok_or(SettleError::Unknown { id })
}

/// An open case, or why there is none to settle.
fn open_case(conn: &Connection, id: i64) -> Result<Case, SettleError> {
    let case = find(conn, id)?.ok_or(SettleError::Unknown { id })?;
    match case.state {
        CaseState::Open => Ok(case),
        state => Err(SettleError::Settled { id, state }),
    }
}

/// Closes a case. Resolutions are numbered, and note what had arrived by then,
/// so that a rebuild applies a released entry at the same place.
pub(crate) fn settle(
    conn: &Connection,
    case: &Case,
    state: CaseState,
    by: &str,
    now: Timestamp,
) -> TableResult<()> {
    let after = crate::arrival::last(conn)?;
    conn.prepare_cached(
        "UPDATE quarantine SET state = ?2, resolved_at = ?3, resolved_by = ?4,
                released_after = ?5,
                resolution = 1 + (SELECT ifnull(max(resolution), 0) FROM quarantine)
         WHERE id = ?1 AND state = 'open'",
    )
    .and_then(|mut update| {
        update.execute(params![case.id, state.as_str(), now.as_millis(), by, after])
    })
    .doing("settle a quarantine case")
    .map(drop)
}

/// What is put into quarantine.
pub(crate) struct NewCase<'a> {
    pub(crate) kind: CaseKind,
    pub(crate) replica: ReplicaId,
    /// The location that it came from; for a feed item, the feed's.
    pub(crate) location: &'a LocationId,
    pub(crate) seq: Seq,
    /// Arrival of the stored entry or item; 0 when nothing is stored.
    pub(crate) arrival: i64,
    pub(crate) rule: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) waits_for: Option<evertill_domain::DocumentId>,
    /// What was refused, where no table keeps it.
    pub(crate) bytes: &'a [u8],
    pub(crate) now: Timestamp,
}

/// Most open cases of journals and feeds that one location may have: a machine
/// that invents journals is seen long before, and fills no disk. A journal that
/// is stopped has its case in any case: only there can it be let go on.
pub const REFUSALS_LIMIT: u32 = 100;

/// Opens a case. A journal or feed that keeps failing at the same place for
/// the same rule has one open case, not one for each attempt.
pub(crate) fn open(conn: &Connection, case: &NewCase<'_>) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO quarantine (kind, replica, location, seq, arrival, rule, reason, waits_for,
                                 bytes, state, opened_at, resolved_at, resolved_by,
                                 released_after, resolution)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open', ?10, 0, '', 0, 0
         WHERE ?5 > 0 OR (
             NOT EXISTS (
                 SELECT 1 FROM quarantine WHERE state = 'open' AND kind = ?1 AND waits_for = x''
                    AND replica = ?2 AND location = ?3 AND seq = ?4 AND rule = ?6)
             AND (?6 = 'chain' OR (SELECT count(*) FROM quarantine WHERE state = 'open' AND kind = ?1
                    AND waits_for = x'' AND location = ?3) < ?11))",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            case.kind.as_str(),
            int(case.replica.0),
            case.location.as_str(),
            int(case.seq),
            case.arrival,
            case.rule,
            case.reason,
            case.waits_for
                .as_ref()
                .map_or(&[][..], |document| document.as_bytes()),
            case.bytes,
            case.now.as_millis(),
            REFUSALS_LIMIT
        ])
    })
    .doing("put something into quarantine")
    .map(drop)
}

/// The locations that sent an entry which is in quarantine and nobody has
/// settled.
///
/// # Errors
/// The table could not be read.
pub fn locations_with_open_entries(
    conn: &Connection,
) -> TableResult<std::collections::BTreeSet<LocationId>> {
    conn.prepare_cached(
        "SELECT DISTINCT location FROM quarantine WHERE state = 'open' AND kind = 'entry'",
    )
    .and_then(|mut select| {
        select
            .query_map([], |row| crate::sql::text(row, 0))?
            .collect::<rusqlite::Result<_>>()
    })
    .doing("look where entries are in quarantine")
}
