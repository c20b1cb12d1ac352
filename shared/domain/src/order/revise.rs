//! The hub's decisions about an order that exists: cancel, change, hold,
//! promise again, take back, record a payment.
//!
//! Each asks the order's machine first, so a refusal names the state and what
//! is allowed. What is decided is decided about the order as it is seen here; a
//! fact that nobody had seen stands all the same, and the fold corrects what is
//! owed.

use super::card::refuse_card_numbers;
use super::event::{
    Backordered, CancelRequested, HoldPlaced, HoldReleased, LineCancelled, LineChanged,
    LinePromised, OrderBody, PaymentRecorded, PromiseCancelled, PromiseEnded,
};
use super::line::{HoldId, HoldKind, PromiseId};
use super::machine::{FulfilmentState, OrderStep, PickupState};
use super::state::{LineState, OrderState, PromiseState, Work};
use super::words::{EndCause, PaymentStep};
use crate::quantity::Quantity;
use crate::receipt::MAX_TEXT;
use crate::rejection::{Rejection, Rejections};
use crate::rights::End;

/// What a cancellation does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cancellation {
    /// The events, of one entry.
    pub bodies: Vec<OrderBody>,
    /// Whether a location has yet to say that it will not hand the goods over.
    pub waits: bool,
}

/// Cancels what is still to come of some lines; of all, when `lines` is empty.
///
/// # Errors
/// A line that the order does not have, a state that cannot be cancelled, and
/// nothing left to cancel.
pub fn cancel(order: &OrderState, lines: &[u32], reason: &str) -> Result<Cancellation, Rejections> {
    order
        .status
        .allowed(OrderStep::RequestCancel)
        .map_err(|forbidden| forbidden.rejection(""))?;
    let mut refused = check_text("/reason", Some(reason));
    let known = |line: u32| order.line(line).is_some();
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| !known(**line)) {
        let detail = format!("the order has no line {line}; name one of its lines");
        let pointer = format!("/lines/{i}");
        refused.push(Rejection::new(pointer, "unknown_line", detail).as_not_found());
    }
    Rejections::unless_empty(refused)?;
    let meant = |line: &&LineState| lines.is_empty() || lines.contains(&line.line.line);
    let open = order
        .lines
        .iter()
        .filter(meant)
        .filter(|line| line.open() > 0);
    let mut bodies = vec![OrderBody::CancelRequested(CancelRequested {
        lines: lines.to_vec(),
        reason: reason.to_owned(),
    })];
    let mut waits = false;
    for line in open {
        waits |= line.promised > 0;
        bodies.extend(take_off(
            order,
            line,
            line.open(),
            EndCause::Cancelled,
            Some(reason),
        ));
    }
    if bodies.len() == 1 {
        let detail = "nothing of it is still to come: it was handed over or cancelled before";
        return Err(Rejection::new("/lines", "nothing_to_cancel", detail)
            .as_conflict()
            .into());
    }
    Ok(Cancellation { bodies, waits })
}

/// Changes how much is wanted of a line: less is cancelled, more waits to be
/// promised. Prices and discounts follow pro rata.
///
/// # Errors
/// An unknown line, a state that cannot be changed, a quantity that does not
/// fit, or less than the customer has already.
pub fn change(
    order: &OrderState,
    line: u32,
    quantity: Quantity,
    reason: Option<&str>,
) -> Result<Vec<OrderBody>, Rejections> {
    order
        .status
        .allowed(OrderStep::Change)
        .map_err(|forbidden| forbidden.rejection(""))?;
    Rejections::unless_empty(check_text("/reason", reason))?;
    let state = order.line(line).ok_or_else(|| {
        let detail = format!("the order has no line {line}; name one of its lines");
        Rejection::new("/line", "unknown_line", detail).as_not_found()
    })?;
    if !quantity.is_positive() || !quantity.fits(state.line.unit) {
        let detail = "send a quantity above zero that fits the product's unit";
        return Err(Rejection::new("/quantity", "not_positive", detail).into());
    }
    let wanted = state.ordered - state.cancelled;
    let asked = quantity.thousandths();
    if asked == wanted {
        return Ok(Vec::new());
    }
    if asked > wanted {
        let ordered = Quantity::from_thousandths(state.ordered + asked - wanted)
            .map_err(|error| Rejection::new("/quantity", error.code(), error.to_string()))?;
        return Ok(vec![OrderBody::LineChanged(LineChanged {
            line,
            quantity: ordered,
            reason: reason.map(str::to_owned),
        })]);
    }
    if asked < state.fulfilled {
        let detail = "the customer has more than that already; take it back as a return";
        let conflict = Rejection::new("/quantity", "already_fulfilled", detail).as_conflict();
        return Err(conflict.into());
    }
    Ok(take_off(
        order,
        state,
        wanted - asked,
        EndCause::Changed,
        reason,
    ))
}

/// Puts a hold on an order.
///
/// # Errors
/// A state that cannot be held, or a reason that cannot be kept.
pub fn hold(
    order: &OrderState,
    kind: HoldKind,
    reason: Option<String>,
) -> Result<Vec<OrderBody>, Rejections> {
    order
        .status
        .allowed(OrderStep::Hold)
        .map_err(|forbidden| forbidden.rejection(""))?;
    Rejections::unless_empty(check_text("/reason", reason.as_deref()))?;
    Ok(vec![OrderBody::HoldPlaced(HoldPlaced { kind, reason })])
}

/// Releases one hold; the others stay.
///
/// # Errors
/// A hold that the order does not have, or that was released before.
pub fn release_hold(
    order: &OrderState,
    hold: HoldId,
    reason: Option<String>,
) -> Result<Vec<OrderBody>, Rejections> {
    Rejections::unless_empty(check_text("/reason", reason.as_deref()))?;
    let known = order.holds.get(&hold).ok_or_else(|| {
        let detail = format!("the order has no hold {hold}; name one of its holds");
        Rejection::new("/hold", "unknown_hold", detail).as_not_found()
    })?;
    if known.released {
        let detail = format!("hold {hold} was released before");
        return Err(Rejection::new("/hold", "already_released", detail)
            .as_conflict()
            .into());
    }
    Ok(vec![OrderBody::HoldReleased(HoldReleased { hold, reason })])
}

/// Promises what nobody has taken on, or what waits for supply.
///
/// # Errors
/// More than that is promised of a line, or the line is unknown: the order went
/// on since the plan was made.
pub fn source(
    order: &OrderState,
    promises: Vec<LinePromised>,
    backorders: Vec<Backordered>,
) -> Result<Vec<OrderBody>, Rejections> {
    for line in &order.lines {
        let number = line.line.line;
        let taken = promises.iter().filter(|promise| promise.line == number);
        let taken: i64 = taken.map(|promise| promise.quantity.thousandths()).sum();
        let waits = backorders.iter().filter(|wait| wait.line == number);
        let waits: i64 = waits.map(|wait| wait.quantity.thousandths()).sum();
        if taken + waits > line.unallocated + line.backordered {
            let detail = format!("line {number} needs less than that by now; plan again");
            let conflict = Rejection::new("/lines", "order_changed", detail).as_conflict();
            return Err(conflict.into());
        }
    }
    let numbers = promises.iter().map(|promise| promise.line);
    let mut numbers = numbers.chain(backorders.iter().map(|wait| wait.line));
    if let Some(unknown) = numbers.find(|number| order.line(*number).is_none()) {
        let detail = format!("the order has no line {unknown}; name one of its lines");
        return Err(Rejection::new("/lines", "unknown_line", detail)
            .as_not_found()
            .into());
    }
    let mut bodies: Vec<OrderBody> = promises.into_iter().map(OrderBody::Promised).collect();
    bodies.extend(backorders.into_iter().map(OrderBody::Backordered));
    Ok(bodies)
}

/// Calls back what is still kept of a promise, so that another location can
/// take it on.
///
/// # Errors
/// A promise that the order does not have, or of which nothing is kept.
pub fn recall(
    order: &OrderState,
    promise: PromiseId,
    cause: EndCause,
) -> Result<Vec<OrderBody>, Rejections> {
    let state = order.promises.get(&promise).ok_or_else(|| {
        let detail = format!("the order has no promise {promise}");
        Rejection::new("/promise", "unknown_promise", detail).as_not_found()
    })?;
    let Some(quantity) = quantity(state.kept()) else {
        let detail = format!("nothing of promise {promise} is still to come");
        return Err(Rejection::new("/promise", "promise_ended", detail)
            .as_conflict()
            .into());
    };
    Ok(vec![OrderBody::PromiseCancelled(PromiseCancelled {
        promise,
        quantity,
        cause,
    })])
}

/// Ends what may be taken back of every promise: its location said that it will
/// not hand it over. The cells of the same entry raise `release` by as much.
#[must_use]
pub fn release(order: &OrderState) -> Vec<PromiseEnded> {
    let promises = order.promises.iter();
    promises
        .filter_map(|(id, promise)| {
            Some(PromiseEnded {
                promise: *id,
                quantity: quantity(promise.parts.releasable())?,
                how: End::Released,
                cause: EndCause::Cancelled,
                location: promise.location.clone(),
            })
        })
        .collect()
}

/// Records what happened to the money.
///
/// # Errors
/// A step that the payment's state does not allow, another currency, more than
/// the order costs, more back than was taken, or a reference that looks like a
/// card number.
pub fn record_payment(
    order: &OrderState,
    payment: PaymentRecorded,
) -> Result<Vec<OrderBody>, Rejections> {
    let reference = payment.reference.as_deref();
    let mut refused = check_text("/reference", reference);
    let money = &order.money;
    let amount = payment.amount;
    let mut refuse = |code, detail: String| {
        refused.push(Rejection::new("/amount", code, detail));
    };
    if amount.currency() != order.placed.currency {
        let detail = format!("use the order's currency {}", order.placed.currency);
        refuse("wrong_currency", detail);
    } else if amount.is_negative() {
        refuse("negative", "send zero or more".to_owned());
    }
    let held = money.captured.minor() - money.refunded.minor();
    let back = matches!(payment.step, PaymentStep::Refund | PaymentStep::RefundPart);
    if back && amount.minor() > held {
        let detail = "more goes back than was taken; lower the amount".to_owned();
        refuse("above_captured", detail);
    }
    Rejections::unless_empty(refused)?;
    let total = order.placed.total.minor().max(money.value.minor());
    let step = match payment.step {
        PaymentStep::Capture | PaymentStep::CapturePart | PaymentStep::Recollect => {
            let captured = money.captured.minor() + amount.minor();
            if captured - money.refunded.minor() > total {
                let detail = "more is taken than the order costs; lower the amount";
                return Err(Rejection::new("/amount", "above_total", detail).into());
            }
            if payment.step == PaymentStep::Recollect {
                PaymentStep::Recollect
            } else if captured >= order.placed.total.minor() {
                PaymentStep::Capture
            } else {
                PaymentStep::CapturePart
            }
        }
        PaymentStep::Refund | PaymentStep::RefundPart if amount.minor() == held => {
            PaymentStep::Refund
        }
        PaymentStep::Refund => PaymentStep::RefundPart,
        step => step,
    };
    order
        .payment_state
        .allowed(step)
        .map_err(|forbidden| forbidden.rejection("/step"))?;
    Ok(vec![OrderBody::Payment(PaymentRecorded {
        step,
        ..payment
    })])
}

/// Takes off what a customer did not collect and what a carrier brought back:
/// the goods are for sale again, and nobody sends them a second time without
/// being asked. What was paid for it is owed back.
#[must_use]
pub fn give_up_uncollected(order: &OrderState) -> Vec<OrderBody> {
    let came_back = |promise: &PromiseState| match promise.work {
        // What was put back because the location or the hub gave it up never
        // waited for a customer.
        Work::Pickup(PickupState::PutBack) if promise.was_ready && promise.cancelled == 0 => {
            promise.parts.released
        }
        Work::Shipment(FulfilmentState::ReturnedToSender) => promise.returned,
        Work::Pickup(_) | Work::Shipment(_) => 0,
    };
    let given_up = order.lines.iter().filter_map(|line| {
        let number = line.line.line;
        let promises = order.promises.values();
        let promises = promises.filter(|promise| promise.line == number);
        let back: i64 = promises.map(came_back).sum();
        let due = line.unallocated.min((back - line.cancelled).max(0));
        Some(OrderBody::LineCancelled(LineCancelled {
            line: number,
            quantity: quantity(due)?,
            reason: Some("the customer did not take it".to_owned()),
        }))
    });
    given_up.collect()
}

fn take_off(
    order: &OrderState,
    line: &LineState,
    thousandths: i64,
    cause: EndCause,
    reason: Option<&str>,
) -> Vec<OrderBody> {
    let number = line.line.line;
    let less = quantity(thousandths).map(|quantity| {
        OrderBody::LineCancelled(LineCancelled {
            line: number,
            quantity,
            reason: reason.map(str::to_owned),
        })
    });
    let mut bodies: Vec<OrderBody> = less.into_iter().collect();
    let mut rest = thousandths - line.unallocated - line.backordered;
    let promises = order.promises.iter().rev();
    for (id, promise) in promises.filter(|(_, promise)| promise.line == number) {
        let part = rest.min(promise.kept());
        bodies.extend(quantity(part).map(|quantity| {
            OrderBody::PromiseCancelled(PromiseCancelled {
                promise: *id,
                quantity,
                cause,
            })
        }));
        rest -= part.max(0);
    }
    bodies
}

/// A quantity above zero.
pub(super) fn quantity(thousandths: i64) -> Option<Quantity> {
    let quantity = Quantity::from_thousandths(thousandths).ok()?;
    quantity.is_positive().then_some(quantity)
}

/// A text that may be kept.
pub(super) fn check_text(pointer: &str, text: Option<&str>) -> Vec<Rejection> {
    let text = text.unwrap_or_default();
    let mut refused = refuse_card_numbers([(pointer.to_owned(), text)]);
    if text.len() > MAX_TEXT {
        let detail = format!("it is longer than {MAX_TEXT} bytes; shorten it");
        refused.push(Rejection::new(pointer, "too_long", detail));
    }
    refused
}
