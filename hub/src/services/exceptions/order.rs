//! What an order says of itself that a person has to know.
//!
//! Invariant: each conflict of an order has exactly one problem.

use evertill_domain::exception::{ExceptionKind, Part};
use evertill_domain::order::{
    FulfilmentState, OrderConflictKind, OrderObligation, OrderState, PickupState, PromiseState,
    Work,
};
use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, refunds};

use super::AT_ONCE;
use super::situation::{order_of, part_of};

/// How long a refund may be owed before a person is told, in milliseconds.
const REFUND_AFTER_MS: i64 = 24 * 60 * 60_000;

/// Why a part of an order has no location.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmet {
    /// Nobody can take it on now.
    NoCandidate,
    /// It was offered and given back so often that a person decides.
    GivenBack {
        /// How often.
        times: usize,
    },
}

/// The name of the problem that a part of an order has no location.
#[must_use]
pub fn unmet_key(document: &DocumentId) -> String {
    format!("no_candidate:{document}")
}

/// What an order says of itself that a person has to know: each conflict once,
/// and whether nobody can take a part of it on. Since when a refund is owed is
/// noted with it.
///
/// # Errors
/// The rows could not be written.
pub fn of_order(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    unmet: Option<Unmet>,
    now: Timestamp,
) -> TableResult<()> {
    conflicts(conn, document, order, now)?;
    let name = &order.placed.external_id;
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
    let owed = order.obligations.iter();
    let owed = owed.filter(|owed| matches!(owed, OrderObligation::Refund { .. }));
    let owed = owed.count() > 0;
    refunds::note(conn, document, owed, now)?;
    if !owed {
        let how = "nothing is owed any more";
        exceptions::gone(conn, &refunds::key(document), how, now)?;
    }
    let key = unmet_key(document);
    if let Some(unmet) = unmet {
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
            detail: match unmet {
                Unmet::NoCandidate => format!("no location can take a part of order {name} on"),
                Unmet::GivenBack { times } => format!(
                    "a part of order {name} was given back {times} times; nobody else is asked"
                ),
            },
        };
        exceptions::open(conn, &opening, now)?;
    } else {
        exceptions::gone(conn, &key, "the order is taken on", now)?;
    }
    Ok(())
}

/// Each conflict has one problem, for as long as it stands.
fn conflicts(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
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
        exceptions::open_once(conn, &opening, now)?;
    }
    for found in exceptions::open_of_order(conn, document)? {
        let key = &found.opening.key;
        if key.starts_with(&prefix) && !stand.contains(key) {
            let how = "its events do not contradict each other any more";
            exceptions::gone(conn, key, how, now)?;
        }
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

/// Promises of sealed replicas: those that have ended are settled, and those that
/// a person resolved by word and that are still there are opened again.
pub(super) fn look_at_sealed(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let kind = ExceptionKind::SealedPromise;
    for found in exceptions::take_due_again(conn, kind, now)? {
        if is_live(conn, &found.opening)? {
            exceptions::open(conn, &found.opening, now)?;
        }
    }
    for found in exceptions::open_of_kind(conn, kind)? {
        if !is_live(conn, &found.opening)? {
            let how = "the promise has ended";
            exceptions::gone(conn, &found.opening.key, how, now)?;
        }
    }
    Ok(())
}

fn is_live(conn: &Connection, opening: &Opening) -> TableResult<bool> {
    let order = order_of(conn, opening)?;
    let promise = match part_of(opening) {
        Part::Promise(id) => order.as_ref().and_then(|order| order.promises.get(&id)),
        Part::Whole | Part::Event(_) => None,
    };
    Ok(promise.is_some_and(|promise| promise.parts.live() > 0))
}

/// Refunds that were owed for a day and are not carried out.
pub(super) fn refunds_due(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let before = Timestamp::from_millis(now.as_millis() - REFUND_AFTER_MS);
    for (document, since) in refunds::overdue(conn, (before, now), AT_ONCE)? {
        let Some(order) = orders::load(conn, &document)? else {
            continue;
        };
        let owed = order.obligations.iter().find_map(|owed| match owed {
            OrderObligation::Refund { amount } => Some(amount.to_decimal_string()),
            _ => None,
        });
        let Some(owed) = owed else { continue };
        let (name, currency) = (&order.placed.external_id, order.placed.currency);
        let opening = Opening {
            kind: ExceptionKind::RefundDue,
            key: refunds::key(&document),
            location: None,
            sku: None,
            document: Some(document),
            detail: format!("order {name}: {owed} {currency} is owed back since {since}"),
        };
        exceptions::open(conn, &opening, now)?;
    }
    Ok(())
}
