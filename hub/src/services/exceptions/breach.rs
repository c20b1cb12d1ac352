//! More is promised of a product than there is.
//!
//! Invariant: a pair whose promises are covered has no suspicion that is open.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{EndCause, OrderBody, OrderState, PromiseEnded};
use evertill_domain::rights::{End, PairCells, Position};
use evertill_domain::{LocationId, Quantity, Sku, Timestamp};
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::projection::{orders, promises, rights, stock};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, counts, duties};

use crate::services::orders::{At, OrderRefusal};

/// The name of a suspected breach.
#[must_use]
pub fn breach_key(location: &LocationId, sku: &Sku) -> String {
    format!("suspected_breach:{location}:{sku}")
}

/// More is promised of a pair than there is: somebody has to look on the shelf
/// within so many minutes.
///
/// # Errors
/// The row could not be written.
pub fn suspect(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    thousandths: i64,
    (minutes, now): (u32, Timestamp),
) -> TableResult<()> {
    let key = breach_key(location, sku);
    if thousandths <= 0 {
        return exceptions::gone(conn, &key, "what is promised is covered again", now).map(drop);
    }
    let units = Quantity::from_thousandths(thousandths).unwrap_or(Quantity::ZERO);
    let opening = Opening {
        kind: ExceptionKind::SuspectedBreach,
        key,
        location: Some(location.clone()),
        sku: Some(sku.clone()),
        document: None,
        detail: format!("{units} of {sku} are promised at {location} beyond what is recorded"),
    };
    exceptions::open_within(conn, &opening, minutes, now).map(drop)
}

/// Pairs with an open suspicion are looked at whenever an order of them changes.
///
/// # Errors
/// The rows could not be written.
pub fn look_again(conn: &Connection, order: &OrderState) -> TableResult<()> {
    for promise in order.promises.values() {
        let Some(line) = order.line(promise.line) else {
            continue;
        };
        let key = breach_key(&promise.location, &line.line.sku);
        if exceptions::open_of(conn, &key)?.is_some() {
            duties::note_pair(conn, &promise.location, &line.line.sku)?;
        }
    }
    Ok(())
}

/// Looks at the suspicions: those that nobody looked into in time count as
/// missing, and those that a person resolved by word and that are still there are
/// opened again. While a count is under way nothing counts as missing.
pub(super) fn look_into(at: At<'_>) -> Result<(), OrderRefusal> {
    let (conn, now) = (at.conn, at.now);
    let minutes = at.picture.selling.timers.shelf_check_minutes;
    let kind = ExceptionKind::SuspectedBreach;
    for found in exceptions::take_due_again(conn, kind, now)? {
        if let Some((location, sku)) = found.opening.location.zip(found.opening.sku) {
            let debt = debt(conn, &location, &sku)?;
            suspect(conn, &location, &sku, debt, (minutes, now))?;
        }
    }
    for found in exceptions::open_of_kind(conn, kind)? {
        let Some((location, sku)) = found.opening.location.zip(found.opening.sku) else {
            continue;
        };
        if debt(conn, &location, &sku)? == 0 {
            suspect(conn, &location, &sku, 0, (minutes, now))?;
        } else if found.due_at < now && !counts::is_asked(conn, &location, &sku)? {
            break_promises(at, &location, &sku)?;
            let how = Some("nobody looked in time");
            exceptions::resolve(conn, found.id, (exceptions::SYSTEM, "missing", how), now)?;
        }
    }
    Ok(())
}

/// Ends as many promises of a pair as are not covered by goods: those that are
/// cancelled already first, then the latest.
pub(super) fn break_promises(
    at: At<'_>,
    location: &LocationId,
    sku: &Sku,
) -> Result<(), OrderRefusal> {
    let conn = at.conn;
    let mut debt = debt(conn, location, sku)?;
    let mut live = promises::of_pair(conn, location, sku)?;
    live.sort_by_key(|promise| (promise.cancelled == 0, std::cmp::Reverse(promise.id)));
    for promise in live {
        let part = debt.min(promise.parts.live());
        let Ok(quantity) = Quantity::from_thousandths(part) else {
            continue;
        };
        if part <= 0 {
            break;
        }
        let Some(order) = orders::load(conn, &promise.document)? else {
            continue;
        };
        let ended = OrderBody::PromiseEnded(PromiseEnded {
            promise: promise.id,
            quantity,
            how: End::Breached,
            cause: EndCause::NotFound,
            location: location.clone(),
        });
        let of = At {
            document: promise.document,
            ..at
        };
        of.write(&order, [ended], &PairCells::new())?;
        debt -= part;
    }
    Ok(())
}

pub(super) fn debt(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<i64> {
    let cells = rights::cells(conn, location, sku)?;
    let figures = stock::of(conn, location, sku)?.unwrap_or_default();
    let position = Position {
        cells: &cells,
        live_promises: promises::live(conn, location, sku)?,
        units: figures.sellable_or_staged(),
    };
    Ok(position.debt())
}
