//! Parts of an order that a person gives up, because nobody can keep them.
//!
//! What was paid for them is owed back by the fold.
//!
//! Invariant: no more is taken off than nobody has, or than is still kept of the
//! promise.

use super::event::{LineCancelled, OrderBody};
use super::line::PromiseId;
use super::revise::{check_text, quantity, recall};
use super::state::OrderState;
use super::words::EndCause;
use crate::rejection::{Rejection, Rejections};

/// Takes off the order what is still kept of one promise.
///
/// # Errors
/// A promise that the order does not have, or of which nothing is kept; a reason
/// that cannot be kept.
pub fn cancel_promise(
    order: &OrderState,
    promise: PromiseId,
    reason: &str,
) -> Result<Vec<OrderBody>, Rejections> {
    Rejections::unless_empty(check_text("/note", Some(reason)))?;
    let mut bodies = recall(order, promise, EndCause::Cancelled)?;
    let state = order.promises.get(&promise);
    let kept = state.and_then(|state| Some((state.line, quantity(state.kept())?)));
    bodies.extend(kept.map(|(line, quantity)| {
        OrderBody::LineCancelled(LineCancelled {
            line,
            quantity,
            reason: Some(reason.to_owned()),
        })
    }));
    Ok(bodies)
}

/// Takes off the order what nobody has taken on, of every line.
///
/// # Errors
/// Every part has somebody; a reason that cannot be kept.
pub fn cancel_unallocated(order: &OrderState, reason: &str) -> Result<Vec<OrderBody>, Rejections> {
    Rejections::unless_empty(check_text("/note", Some(reason)))?;
    let open = order.lines.iter().filter_map(|line| {
        Some(OrderBody::LineCancelled(LineCancelled {
            line: line.line.line,
            quantity: quantity(line.unallocated)?,
            reason: Some(reason.to_owned()),
        }))
    });
    let bodies: Vec<OrderBody> = open.collect();
    if bodies.is_empty() {
        let detail = "every part of the order has somebody who takes it on";
        return Err(Rejection::new("", "nothing_open", detail)
            .as_conflict()
            .into());
    }
    Ok(bodies)
}
