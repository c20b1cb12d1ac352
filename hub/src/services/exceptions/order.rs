//! What an order says of itself that a person has to know.
//!
//! Invariant: each conflict of an order has exactly one problem.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{
    FulfilmentState, OrderConflictKind, OrderState, PickupState, PromiseState, Work,
};
use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::TableResult;
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;

use super::AT_ONCE;

/// What an order says of itself that a person has to know: each conflict once,
/// and whether nobody can take a part of it on.
///
/// # Errors
/// The rows could not be written.
pub fn of_order(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    unmet: bool,
    now: Timestamp,
) -> TableResult<()> {
    let name = &order.placed.external_id;
    let prefix = format!("conflict:{document}:");
    let mut stand = Vec::new();
    for conflict in &order.conflicts {
        let kind = match conflict.kind {
            OrderConflictKind::DuplicateHandOver => ExceptionKind::DuplicateHandOver,
            OrderConflictKind::CancelledAfterHandOver => ExceptionKind::CancelledAfterHandOver,
            _ => ExceptionKind::OrderConflict,
        };
        let key = format!("{prefix}{}:{}", conflict.kind, conflict.about);
        stand.push(key.clone());
        let promise = conflict.promise.and_then(|id| order.promises.get(&id));
        let opening = Opening {
            kind,
            key,
            location: promise.map(|promise| promise.location.clone()),
            sku: None,
            document: Some(*document),
            detail: format!("order {name}: {}", conflict.kind.as_str().replace('_', " ")),
        };
        exceptions::open(conn, &opening, now)?;
    }
    for (id, promise) in order.promises.iter().filter(|(_, p)| was_short(p)) {
        let opening = Opening {
            kind: ExceptionKind::ShortPick,
            key: format!("short_pick:{id}"),
            location: Some(promise.location.clone()),
            sku: order.line(promise.line).map(|line| line.line.sku.clone()),
            document: Some(*document),
            detail: format!("order {name}: less was found than was promised"),
        };
        exceptions::open_once(conn, &opening, now)?;
    }
    let key = format!("no_candidate:{document}");
    if unmet {
        // A promise that was broken and is not made anew is worse than an order
        // that waits; either way it is one problem.
        let open = |line| order.line(line).is_some_and(|line| line.unallocated > 0);
        let mut promises = order.promises.values();
        let broken = promises.any(|promise| promise.parts.breached > 0 && open(promise.line));
        let opening = Opening {
            kind: if broken {
                ExceptionKind::Breach
            } else {
                ExceptionKind::NoCandidate
            },
            key,
            location: None,
            sku: None,
            document: Some(*document),
            detail: format!("no location can take a part of order {name} on"),
        };
        exceptions::open(conn, &opening, now)?;
    } else {
        exceptions::gone(conn, &key, "the order is taken on", now)?;
    }
    Ok(())
}

/// Whether a clerk found less than was promised: a part is broken, and the rest
/// was picked.
fn was_short(promise: &PromiseState) -> bool {
    let picked = match promise.work {
        Work::Pickup(state) => !matches!(
            state,
            PickupState::Requested
                | PickupState::Accepted
                | PickupState::Picking
                | PickupState::Rejected
        ),
        Work::Shipment(state) => !matches!(
            state,
            FulfilmentState::Scheduled
                | FulfilmentState::Offered
                | FulfilmentState::ClaimExpired
                | FulfilmentState::Accepted
                | FulfilmentState::OnHold
                | FulfilmentState::Picking
                | FulfilmentState::Rejected
        ),
    };
    picked && promise.parts.breached > 0
}

/// Promises that hang on a replica that was just sealed: nobody knows whether
/// they were handed over.
///
/// # Errors
/// The tables could not be read or written.
pub fn of_seal(conn: &Connection, seal: &ReplicaSeal, now: Timestamp) -> TableResult<()> {
    let location = &seal.location;
    let mut after = None;
    loop {
        let page = orders::open_at(conn, location, after.as_ref(), AT_ONCE)?;
        for document in &page {
            let Some(order) = orders::load(conn, document)? else {
                continue;
            };
            for (id, promise) in order.promises_of(location) {
                if promise.parts.live() == 0 {
                    continue;
                }
                let opening = Opening {
                    kind: ExceptionKind::SealedPromise,
                    key: format!("sealed:{id}"),
                    location: Some(location.clone()),
                    sku: None,
                    document: Some(*document),
                    detail: format!(
                        "order {} was {} at {location} when its machine was lost",
                        order.placed.external_id,
                        promise.work.as_str()
                    ),
                };
                exceptions::open(conn, &opening, now)?;
            }
        }
        if page.len() < AT_ONCE {
            return Ok(());
        }
        after = page.last().copied();
    }
}
