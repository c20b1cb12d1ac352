//! The decisions at a location: the steps of pickups and shipments.
//!
//! A step is a fact of its location, decided from what its node has been fed. A
//! step that moves goods out ends promises in the same entry; one that gives
//! goods up says so as [`Withdrawn`], and its hub takes the promise back.
//! Promises of one step that come to different ends (one whole, one in part)
//! are recorded as two events.
//!
//! Who may do a step, and whether the pickup code was right, is asked before. How
//! much of an outflow without a promise (a substitute) found no right to burn is
//! filled in by whoever holds the cells, see [`StepPart`](super::StepPart).
//!
//! Invariant: no more leaves than is staged and still promised here.

mod part;
mod pickup;
mod shipment;

use std::collections::BTreeMap;

pub use part::PartCommand;
pub use pickup::pickup;
pub use shipment::shipment;

use super::event::{OrderBody, Withdrawn};
use super::line::PromiseId;
use super::revise::{check_text, quantity};
use super::state::{OrderState, PromiseState, Work};
use super::words::{EndCause, FulfilmentStep, PaymentMethod, PickupStep};
use crate::ids::{LocationId, ReceiptNumber, Sku};
use crate::money::Money;
use crate::product::Product;
use crate::rejection::{Rejection, Rejections};
use crate::time::Timestamp;

/// A step as somebody at the location asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepCommand<S> {
    /// What.
    pub step: S,
    /// Of which promises, and how much; empty for all that the step fits.
    pub parts: Vec<PartCommand>,
    /// Why, in words; a rejection needs it.
    pub reason: Option<String>,
    /// The new time; an extension needs it.
    pub until: Option<Timestamp>,
    /// What was paid at the counter with this hand-over.
    pub paid: Option<Paid>,
    /// Whether someone else than the customer collects it.
    pub proxy: bool,
    /// Whether the customer's age was checked.
    pub age_checked: bool,
    /// The carrier's name for the parcel.
    pub parcel: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
}

impl<S> StepCommand<S> {
    /// A step of everything that it fits, with nothing to say about it.
    #[must_use]
    pub const fn of(step: S) -> Self {
        Self {
            step,
            parts: Vec::new(),
            reason: None,
            until: None,
            paid: None,
            proxy: false,
            age_checked: false,
            parcel: None,
            carrier: None,
        }
    }
}

/// The receipt that was paid at the counter. Its goods leave with it: the
/// hand-over puts them on the floor, and the receipt of the same entry sells
/// them from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paid {
    /// Its number.
    pub receipt: ReceiptNumber,
    /// What was paid of the order.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
}

/// What a step is decided from, besides the command.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// Where.
    pub location: &'a LocationId,
    /// The time of the decision.
    pub now: Timestamp,
    /// The products of the lines and of what is taken in their place.
    pub products: &'a BTreeMap<Sku, Product>,
    /// By how many minutes a customer may have the time to collect extended.
    pub extend_minutes: u32,
}

/// What the location's minter records when it learns that promises were
/// cancelled: that it will not hand them over, and that the work on them ends
/// when nothing of them is left. Goods that were put aside have yet to go back.
#[must_use]
pub fn withdraw(order: &OrderState, location: &LocationId) -> Vec<OrderBody> {
    let mut bodies = Vec::new();
    let mut over: Vec<(PromiseId, &PromiseState)> = Vec::new();
    for (id, promise) in order.promises_of(location) {
        let Some(quantity) = quantity(promise.to_withdraw()) else {
            continue;
        };
        bodies.push(OrderBody::Withdrawn(Withdrawn {
            promise: *id,
            quantity,
            location: location.clone(),
            cause: EndCause::Cancelled,
        }));
        let allowed = match promise.work {
            Work::Pickup(state) => state.allowed(PickupStep::Cancel).is_ok(),
            Work::Shipment(state) => state.allowed(FulfilmentStep::Cancel).is_ok(),
        };
        if promise.kept() == 0 && allowed {
            over.push((*id, promise));
        }
    }
    let (pickups, shipments): (Vec<_>, Vec<_>) = over
        .into_iter()
        .partition(|(_, promise)| matches!(promise.work, Work::Pickup(_)));
    bodies
        .extend(part::ended(order, location, PickupStep::Cancel, &pickups).map(OrderBody::Pickup));
    let cancel = FulfilmentStep::Cancel;
    bodies.extend(part::ended(order, location, cancel, &shipments).map(OrderBody::Fulfilment));
    bodies
}

/// What every step checks, whatever it is.
fn check_command<S>(command: &StepCommand<S>, now: Timestamp, extends: bool) -> Vec<Rejection> {
    let mut refused = check_text("/reason", command.reason.as_deref());
    refused.extend(check_text("/parcel", command.parcel.as_deref()));
    refused.extend(check_text("/carrier", command.carrier.as_deref()));
    if extends && command.until.is_none_or(|until| until <= now) {
        let detail = "send until, a time after now";
        refused.push(Rejection::new("/until", "not_later", detail));
    }
    refused
}

/// No goods leave before they are paid for, or the money is reserved.
fn check_paid(order: &OrderState) -> Result<(), Rejection> {
    let to_pay = order.to_pay();
    if to_pay == 0 {
        return Ok(());
    }
    let amount = Money::new(to_pay, order.placed.currency);
    let amount = amount.map_or_else(|_| to_pay.to_string(), Money::to_decimal_string);
    let (pointer, detail) = if order.money.at_pickup {
        let detail = format!("{amount} is to be paid at the counter; send the tenders");
        ("/tenders", detail)
    } else {
        let detail = format!("{amount} of the order is not paid; record its payment at the hub");
        ("", detail)
    };
    Err(Rejection::new(pointer, "unpaid", detail).as_conflict())
}

fn reason_given<S>(command: &StepCommand<S>) -> Result<(), Rejections> {
    if command
        .reason
        .as_ref()
        .is_some_and(|reason| !reason.is_empty())
    {
        return Ok(());
    }
    let detail = "say why, so that the hub can choose another location";
    Err(Rejection::new("/reason", "missing", detail).into())
}
