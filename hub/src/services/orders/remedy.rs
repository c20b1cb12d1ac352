//! What a person has done about an order that went wrong, beyond what its channel
//! asks for.
//!
//! Invariant: a remedy that is refused leaves no trace.

use std::collections::BTreeMap;

use evertill_domain::order::{
    self, EndCause, OrderBody, OrderStatus, PartCommand, PickupStep, PromiseId, Ruling, RulingKind,
    StepCommand, StepContext, pickup, recall,
};
use evertill_domain::rejection::Rejection;
use evertill_domain::rights::PairCells;
use evertill_domain::{EventKey, LocationId, Quantity, Timestamp};
use evertill_storage::duties;

use super::revise::At;
use super::wishes::{Asking, Sourced};
use super::{OrderRefusal, assign, known};

/// Tries again to promise what nobody has taken on; true if all of it is promised.
///
/// # Errors
/// The tables could not be used.
pub fn retry(at: At<'_>) -> Result<bool, OrderRefusal> {
    at.attend()?;
    source_now(at, "tried again")
}

/// Promises what can be had now; the rest, and an order that has to wait for
/// something else, is looked after later.
fn source_now(at: At<'_>, cause: &str) -> Result<bool, OrderRefusal> {
    duties::note_order(at.conn, &at.document)?;
    let order = known(at.conn, &at.document)?;
    let held = matches!(order.status, OrderStatus::OnHold);
    if held || order.awaits_payment() {
        return Ok(false);
    }
    let sourced = at.source_what_can(cause, &Asking::default())?;
    Ok(matches!(sourced, Sourced::Whole))
}

/// Has a location take on everything that nobody has.
///
/// # Errors
/// A location that is not known, or that cannot take all of it on.
pub fn source_from(at: At<'_>, location: &LocationId) -> Result<(), OrderRefusal> {
    if at.picture.location(location).is_none() {
        let detail = format!("no location {location} is known; name one that is listed");
        let unknown = Rejection::new("/to_location", "unknown_location", detail);
        return Err(OrderRefusal::Rejected(unknown.into()));
    }
    let order = known(at.conn, &at.document)?;
    for line in order.lines.iter().filter(|line| line.unallocated > 0) {
        let quantity = Quantity::from_thousandths(line.unallocated).ok();
        assign(at, line.line.line, location, quantity)?;
    }
    Ok(())
}

/// Calls a promise back and has another location take it on: the one that is
/// named, or whichever can. Without any it waits to be tried again.
///
/// # Errors
/// Nothing of the promise is still to come, or the location that is named cannot
/// take it on.
pub fn re_source(
    at: At<'_>,
    promise: PromiseId,
    to: Option<&LocationId>,
) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    if let Some(location) = to
        && order
            .promises
            .get(&promise)
            .is_some_and(|promise| promise.location == *location)
    {
        let detail = format!("the promise is at {location} already; name another location");
        let same = Rejection::new("/to_location", "same_location", detail);
        return Err(OrderRefusal::Rejected(same.into()));
    }
    let bodies = recall(&order, promise, EndCause::Resourced)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.attend()?;
    match to {
        Some(location) => source_from(at, location),
        None => source_now(at, "re-sourced").map(drop),
    }
}

/// Takes off the order what is still kept of a promise.
///
/// # Errors
/// Nothing of it is still to come.
pub fn cancel_promise(at: At<'_>, promise: PromiseId, reason: &str) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let bodies = order::cancel_promise(&order, promise, reason)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.attend()
}

/// Takes off the order what nobody has taken on.
///
/// # Errors
/// Every part has somebody.
pub fn cancel_unallocated(at: At<'_>, reason: &str) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let bodies = order::cancel_unallocated(&order, reason)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.attend()
}

/// Gives a customer more time to collect a promise.
///
/// # Errors
/// The promise waits for no customer, or the time is not later than now.
pub fn extend(at: At<'_>, promise: PromiseId, until: Timestamp) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let Some(state) = order.promises.get(&promise) else {
        return Ok(());
    };
    let context = StepContext {
        location: &state.location,
        now: at.now,
        products: &BTreeMap::new(),
        extend_minutes: at.picture.selling.timers.extend_minutes,
    };
    let mut command = StepCommand::of(PickupStep::Extend);
    command.until = Some(until);
    command.parts = vec![PartCommand::whole(promise)];
    let bodies = pickup(&order, &command, &context)?;
    at.write(&order, bodies, &PairCells::new())?;
    Ok(())
}

/// Rules that a conflict stands as the order has it; `waive` gives up what is to
/// be collected again.
///
/// # Errors
/// The tables could not be used.
pub fn settle(at: At<'_>, about: EventKey, waive: bool) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let ruling = |kind| {
        OrderBody::Ruling(Ruling {
            kind,
            about: Some(about),
            reason: None,
        })
    };
    let waived = waive.then(|| ruling(RulingKind::WaiveRecollection));
    let bodies = waived.into_iter().chain([ruling(RulingKind::Settled)]);
    at.write(&order, bodies, &PairCells::new())?;
    Ok(())
}
