//! Quarantine: what is in it, and settling a case.
//!
//! Invariant: a case is settled in the same transaction as the answer is
//! recorded, so a repeated request is answered and settles nothing.

use evertill_domain::Timestamp;
use evertill_storage::TableError;
use evertill_storage::quarantine::{self, Case, CaseState, SettleError};
use evertill_storage::rusqlite::Connection;

use super::ViewError;
use crate::state::Hub;

/// What a person decides about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Judge it again and apply it if it passes now.
    Retry,
    /// Leave it out for good.
    Dismiss,
}

/// A case after a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The case as it is now.
    pub case: Case,
    /// Cases that were released with it, itself among them.
    pub released: Vec<i64>,
    /// Whether more that waited for it is left; retry those cases.
    pub more: bool,
}

/// Cases by number, at most `limit` after one.
///
/// # Errors
/// The database failed.
pub async fn page(
    hub: &Hub,
    state: Option<CaseState>,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Case>, ViewError> {
    let page = hub
        .store()
        .read(move |conn| quarantine::page(conn, state, after, limit))
        .await?;
    Ok(page)
}

/// Settles a case inside a write.
///
/// # Errors
/// There is no such case, it is settled, or the database failed.
pub fn settle(
    tx: &Connection,
    id: i64,
    settle: Settle,
    by: &str,
    now: Timestamp,
) -> Result<Settled, SettleError> {
    match settle {
        Settle::Dismiss => Ok(Settled {
            case: quarantine::dismiss(tx, id, by, now)?,
            released: Vec::new(),
            more: false,
        }),
        Settle::Retry => {
            let retried = quarantine::retry(tx, id, by, now)?;
            let case = quarantine::find(tx, id)?.ok_or_else(|| missing(id))?;
            Ok(Settled {
                case,
                released: retried.released,
                more: retried.more,
            })
        }
    }
}

fn missing(id: i64) -> SettleError {
    SettleError::Table(TableError::Damaged {
        what: format!("quarantine case {id}"),
        detail: "it is gone after it was settled".to_owned(),
    })
}
