//! Locations that gave an order back: who is left in peace for a while, and when
//! a person decides.
//!
//! Invariant: a location's rest is counted from when it gave the order back, so
//! nothing else that happens to the order prolongs it.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::order::{FulfilmentState, OrderState, PickupState, PromiseState, Work};
use evertill_domain::{LocationId, Timestamp};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions;
use evertill_storage::{TableResult, exceptions};

use super::revise::At;
use crate::services::exceptions::unmet_key;

/// Whether a location gave back what it was promised from.
fn was_given_back(promise: &PromiseState) -> bool {
    let said_so = matches!(
        promise.work,
        Work::Pickup(PickupState::Rejected | PickupState::ShortPicked)
            | Work::Shipment(
                FulfilmentState::Rejected
                    | FulfilmentState::ClaimExpired
                    | FulfilmentState::ShortPicked
            )
    );
    // What a store gave back without a word, as after a claim that ran out, ends
    // as cancelled. A pickup's customer chose the place.
    let shipped = matches!(promise.work, Work::Shipment(_));
    let returned = shipped && promise.kept() == 0 && promise.parts.released > 0;
    said_so || promise.parts.breached > 0 || returned
}

/// Locations that gave an order back, and until when they are not asked.
pub(super) fn cooling(
    at: At<'_>,
    order: &OrderState,
) -> TableResult<BTreeMap<LocationId, Timestamp>> {
    let rest_ms = i64::from(at.picture.selling.routing.cool_down_minutes) * 60_000;
    let mut cooling = BTreeMap::new();
    for promise in order.promises.values().filter(|p| was_given_back(p)) {
        // A store's clock may be wrong: it gave the order back after it was
        // offered and before now.
        let offered = made_at(at.conn, promise)?.unwrap_or(Timestamp::MIN);
        let since = promise.given_back_at.unwrap_or(at.now);
        let since = since.max(offered).min(at.now);
        let until = Timestamp::from_millis(since.as_millis() + rest_ms);
        let held = cooling.entry(promise.location.clone()).or_insert(until);
        *held = (*held).max(until);
    }
    Ok(cooling)
}

/// How often what is open of an order was offered and given back, since a person
/// last had it tried again.
pub(super) fn times_given_back(at: At<'_>, order: &OrderState) -> TableResult<usize> {
    let open = order.lines.iter().filter(|line| line.unallocated > 0);
    let mut most = 0;
    let mut again: Option<Option<Timestamp>> = None;
    for line in open {
        let mut offers = BTreeSet::new();
        let of_line = |p: &&PromiseState| p.line == line.line.line && was_given_back(p);
        for promise in order.promises.values().filter(of_line) {
            let again = match again {
                Some(known) => known,
                None => *again.insert(exceptions::last_action(
                    at.conn,
                    &unmet_key(&at.document),
                    "retry",
                )?),
            };
            let made = made_at(at.conn, promise)?;
            if again.is_none_or(|again| made.is_some_and(|made| made > again)) {
                offers.insert(&promise.decision);
            }
        }
        most = most.max(offers.len());
    }
    Ok(most)
}

/// When the decision that chose a promise's location was made.
fn made_at(conn: &Connection, promise: &PromiseState) -> TableResult<Option<Timestamp>> {
    match promise.decision.as_ref().and_then(|id| id.parse().ok()) {
        Some(decision) => decisions::made_at(conn, decision),
        None => Ok(None),
    }
}
