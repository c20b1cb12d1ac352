//! Claims that run out: a store that was offered a shipment and does not answer.
//!
//! The hub ends the offer and calls the promise back; when the store has said
//! that it will not ship (or its withdrawal arrives), the order is sourced again
//! and that store is left in peace for a while. A pickup is never moved: its
//! customer chose the place.
//!
//! A supplier or warehouse without a node is told some other way, and answers at
//! the hub; that it is late is seen by the promised time.
//!
//! Invariant: an offer that was answered is not ended, and a store has the whole
//! time to answer while it is open.

use std::collections::BTreeMap;

use evertill_domain::opening::Timetable;
use evertill_domain::order::{
    EndCause, FulfilmentState, FulfilmentStep, OrderState, PartCommand, PromiseId, StepCommand,
    StepContext, Work, recall, shipment,
};
use evertill_domain::rights::PairCells;
use evertill_domain::{LocationId, Timestamp};
use evertill_storage::TableResult;
use evertill_storage::journal::Author;
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions;

use super::revise::At;
use super::{OrderRefusal, ships_without_a_node};
use crate::services::ground::Picture;
use crate::state::Hub;

/// Orders that are looked at in one round.
const AT_ONCE: usize = 200;

/// Ends the offers that nobody answered in time; gives how many there were.
///
/// # Errors
/// The tables could not be read or written.
pub fn expire_claims(
    conn: &Connection,
    (hub, author): (&Hub, &Author),
    picture: &Picture,
    now: Timestamp,
) -> Result<usize, OrderRefusal> {
    let minutes = i64::from(picture.selling.routing.claim_timeout_minutes);
    let before = Timestamp::from_millis(now.as_millis() - minutes * 60_000);
    let mut ended = 0;
    // Nobody can answer at a place that is closed, so its time stands still.
    let is_open = |location: &LocationId| {
        let known = picture.location(location);
        known.is_none_or(|known| Timetable::of(known).next_open(now) == Some(now))
    };
    for document in orders::unanswered(conn, before, is_open, AT_ONCE)? {
        let at = At {
            conn,
            hub,
            author,
            picture,
            document,
            by: None,
            now,
        };
        let Some(order) = orders::load(conn, &document)? else {
            continue;
        };
        for promise in unanswered(at, &order)? {
            end(at, promise)?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Shipments of an order that were offered too long ago.
fn unanswered(at: At<'_>, order: &OrderState) -> TableResult<Vec<PromiseId>> {
    let minutes = at.picture.selling.routing.claim_timeout_minutes;
    let mut found = Vec::new();
    for (id, promise) in &order.promises {
        if ships_without_a_node(at.conn, at.picture, &promise.location)? {
            continue;
        }
        let offered = matches!(promise.work, Work::Shipment(FulfilmentState::Offered));
        let decision = promise.decision.as_ref().and_then(|id| id.parse().ok());
        let (true, true, Some(decision)) = (offered, promise.kept() > 0, decision) else {
            continue;
        };
        let Some(made) = decisions::made_at(at.conn, decision)? else {
            continue;
        };
        let ends = match at.picture.location(&promise.location) {
            Some(known) => Timetable::of(known).after_work(made, minutes),
            None => Some(Timestamp::from_millis(
                made.as_millis() + i64::from(minutes) * 60_000,
            )),
        };
        if ends.is_none_or(|ends| at.now > ends) {
            found.push(*id);
        }
    }
    Ok(found)
}

fn end(at: At<'_>, promise: PromiseId) -> Result<(), OrderRefusal> {
    let order = super::known(at.conn, &at.document)?;
    let Some(state) = order.promises.get(&promise) else {
        return Ok(());
    };
    let context = StepContext {
        location: &state.location,
        now: at.now,
        products: &BTreeMap::new(),
        extend_minutes: at.picture.selling.timers.extend_minutes,
    };
    let mut command = StepCommand::of(FulfilmentStep::ExpireClaim);
    command.parts = vec![PartCommand::whole(promise)];
    let mut bodies = shipment(&order, &command, &context)?;
    bodies.extend(recall(&order, promise, EndCause::ClaimExpired)?);
    at.write(&order, bodies, &PairCells::new())?;
    at.attend()
}
