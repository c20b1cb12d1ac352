//! What the events of an order come to.
//!
//! All quantities are sums in thousandths of the product's unit. Of each line
//!
//! ```text
//! ordered  = promised + backordered + cancelled + fulfilled + unallocated
//! promised (of a promise) = live + settled + released + breached − ended beyond it
//! ```
//!
//! Invariant: both hold in every state, and no figure is below zero.

use std::collections::BTreeMap;

use super::conflict::OrderConflict;
use super::customer::CustomerState;
use super::event::{MAX_PARENTS, OrderBody, OrderEvent, OrderPlaced};
use super::line::{HoldId, HoldKind, OrderLine, PromiseId};
use super::machine::{FulfilmentState, OrderStatus, PaymentState, PickupState};
use super::obligation::OrderObligation;
use super::parcel::{HandOver, Parcel};
use super::waiting::Waiting;
use super::words::PaymentMethod;
use crate::event::Event;
use crate::ids::{EventKey, LocationId, Sku};
use crate::money::Money;
use crate::rights::PromiseParts;
use crate::time::Timestamp;

/// An order, as its events say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderState {
    /// What was ordered first.
    pub placed: OrderPlaced,
    /// Where it stands as a whole.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment_state: PaymentState,
    /// What its customer is told.
    pub customer_state: CustomerState,
    /// Its lines, in order.
    pub lines: Vec<LineState>,
    /// Every promise that was ever made for it.
    pub promises: BTreeMap<PromiseId, PromiseState>,
    /// What was packed or sent, in the order of the fold.
    pub parcels: Vec<Parcel>,
    /// What customers collected, in the order of the fold.
    pub hand_overs: Vec<HandOver>,
    /// Every hold that was ever put on it.
    pub holds: BTreeMap<HoldId, Hold>,
    /// When a hold was released last.
    pub resumed_at: Option<Timestamp>,
    /// Its money.
    pub money: MoneyState,
    /// Whether somebody asked for a cancellation that is still open.
    pub cancel_requested: bool,
    /// What is to be done.
    pub obligations: Vec<OrderObligation>,
    /// What needs a person, in the order of the fold.
    pub conflicts: Vec<OrderConflict>,
    /// The events that no other event follows: the parents of the next one.
    pub heads: Vec<EventKey>,
    /// How many events it has.
    pub version: u64,
    /// The latest time that one of its writers named.
    pub updated_at: Timestamp,
}

/// One line, all quantities in thousandths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineState {
    /// The line as it was ordered.
    pub line: OrderLine,
    /// How much is wanted, cancelled parts included.
    pub ordered: i64,
    /// How much of it is promised and still to come.
    pub promised: i64,
    /// How much of it waits for supply.
    pub backordered: i64,
    /// How much of it is not wanted any more.
    pub cancelled: i64,
    /// How much of it the customer has.
    pub fulfilled: i64,
    /// How much of it nobody has taken on.
    pub unallocated: i64,
    /// How much is promised beyond what is wanted.
    pub surplus: i64,
    /// When supply is expected for what is backordered.
    pub expected: Option<Timestamp>,
}

impl LineState {
    /// What the customer has yet to get.
    #[must_use]
    pub const fn open(&self) -> i64 {
        self.promised + self.backordered + self.unallocated
    }
}

/// One promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromiseState {
    /// The order's line.
    pub line: u32,
    /// From where.
    pub location: LocationId,
    /// Its parts, and how they ended.
    pub parts: PromiseParts,
    /// How much of it is not to be kept, by the hub.
    pub cancelled: i64,
    /// How much of the line's product is put aside for it.
    pub staged: i64,
    /// What is put aside in place of the line's product.
    pub substitutes: BTreeMap<Sku, i64>,
    /// How much went out in place of the line's product.
    pub substituted: i64,
    /// How much was brought back by a carrier.
    pub returned: i64,
    /// Where the work on it stands.
    pub work: Work,
    /// Whether its customer was ever able to come, or it was ever shipped.
    pub was_ready: bool,
    /// The step that it waits for, and since when.
    pub waiting: Option<Waiting>,
    /// The time to collect that its customer was given last, beyond the timer.
    pub extended_until: Option<Timestamp>,
    /// By when the customer was to have it, or has time to collect it.
    pub promise_by: Option<Timestamp>,
    /// When it was first given back, by its location's or the hub's clock:
    /// rejected, not answered in time, not found, released or breached.
    pub given_back_at: Option<Timestamp>,
    /// The routing decision that chose the location.
    pub decision: Option<String>,
    /// The promise that it replaces.
    pub replaces: Option<PromiseId>,
}

/// Where the work on a promise stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// The customer collects it.
    Pickup(PickupState),
    /// It is shipped.
    Shipment(FulfilmentState),
}

impl Work {
    /// The state's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pickup(state) => state.as_str(),
            Self::Shipment(state) => state.as_str(),
        }
    }
}

impl PromiseState {
    /// How much of it is live, and neither cancelled nor withdrawn: what the
    /// customer can still expect.
    #[must_use]
    pub fn kept(&self) -> i64 {
        let given_up = self.cancelled_live().max(self.parts.releasable());
        (self.parts.live() - given_up).max(0)
    }

    /// How much of it the location has yet to say that it will not hand over.
    #[must_use]
    pub fn to_withdraw(&self) -> i64 {
        (self.cancelled_live() - self.parts.releasable()).max(0)
    }

    /// Whether its location has anything to do with it: goods to hand over, or to
    /// put back, or to say that they will not be handed over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.kept() > 0
            || self.to_withdraw() > 0
            || self.staged > 0
            || self.substitutes_staged() > 0
    }

    /// How much is put aside, of the line's product and in place of it.
    #[must_use]
    pub fn put_aside(&self) -> i64 {
        self.staged + self.substitutes_staged()
    }

    /// How much is put aside in place of the line's product.
    #[must_use]
    pub fn substitutes_staged(&self) -> i64 {
        self.substitutes.values().sum()
    }

    fn cancelled_live(&self) -> i64 {
        (self.cancelled - self.parts.released).clamp(0, self.parts.live())
    }
}

/// A reason to wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// What sort of reason.
    pub kind: HoldKind,
    /// The reason in words.
    pub reason: Option<String>,
    /// Whether it is gone.
    pub released: bool,
}

/// The money of an order; amounts in its currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoneyState {
    /// What the provider has reserved.
    pub authorized: Money,
    /// What was taken, collected again included.
    pub captured: Money,
    /// What went back to the customer.
    pub refunded: Money,
    /// What the lines that are still wanted, or were handed over, come to.
    pub value: Money,
    /// How the customer pays.
    pub method: Option<PaymentMethod>,
    /// Whether the customer pays at the counter.
    pub at_pickup: bool,
    /// When the reservation ends.
    pub expires_at: Option<Timestamp>,
}

impl OrderState {
    /// The line of a number.
    #[must_use]
    pub fn line(&self, number: u32) -> Option<&LineState> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.lines.get(index)
    }

    /// The holds that are not released.
    pub fn active_holds(&self) -> impl Iterator<Item = (&HoldId, &Hold)> {
        self.holds.iter().filter(|(_, hold)| !hold.released)
    }

    /// What is still to be paid before goods go out, in minor units: what the
    /// order is worth less what was taken, or is reserved.
    #[must_use]
    pub fn to_pay(&self) -> i64 {
        let money = &self.money;
        let held = money.captured.minor() - money.refunded.minor();
        let reserved = match self.payment_state {
            PaymentState::Authorized | PaymentState::PartiallyCaptured => money.authorized.minor(),
            // The terminal answers for it.
            PaymentState::OfflineAccepted => money.value.minor(),
            PaymentState::Pending
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded
            | PaymentState::Voided
            | PaymentState::Declined
            | PaymentState::Expired
            | PaymentState::DeclinedLater
            | PaymentState::ChargedBack => 0,
        };
        (money.value.minor() - held - reserved).max(0)
    }

    /// Whether nothing is promised of it before money is in sight: none is taken
    /// or reserved, and its customer does not pay at the counter.
    #[must_use]
    pub fn awaits_payment(&self) -> bool {
        match self.payment_state {
            PaymentState::Pending
            | PaymentState::Voided
            | PaymentState::Declined
            | PaymentState::Expired
            | PaymentState::DeclinedLater
            | PaymentState::ChargedBack => !self.money.at_pickup,
            PaymentState::Authorized
            | PaymentState::PartiallyCaptured
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded
            | PaymentState::OfflineAccepted => false,
        }
    }

    /// The promises of a location.
    pub fn promises_of<'a>(
        &'a self,
        location: &'a LocationId,
    ) -> impl Iterator<Item = (&'a PromiseId, &'a PromiseState)> {
        let promises = self.promises.iter();
        promises.filter(move |(_, promise)| promise.location == *location)
    }

    /// Events that go on with the order as it is here: `by` wrote them at `at`,
    /// in one entry.
    #[must_use]
    pub fn events(
        &self,
        at: Timestamp,
        by: Option<&str>,
        bodies: impl IntoIterator<Item = OrderBody>,
    ) -> Vec<Event> {
        events(at, by, &self.heads, bodies)
    }
}

/// The events that open an order, in one entry.
#[must_use]
pub fn opening(
    at: Timestamp,
    by: Option<&str>,
    bodies: impl IntoIterator<Item = OrderBody>,
) -> Vec<Event> {
    events(at, by, &[], bodies)
}

/// Only the first event of an entry names its parents: the others follow it.
fn events(
    at: Timestamp,
    by: Option<&str>,
    heads: &[EventKey],
    bodies: impl IntoIterator<Item = OrderBody>,
) -> Vec<Event> {
    let bodies = bodies.into_iter().enumerate();
    let event = |(i, body)| OrderEvent {
        at,
        by: by.map(str::to_owned),
        parents: if i == 0 {
            heads.iter().take(MAX_PARENTS).copied().collect()
        } else {
            Vec::new()
        },
        body,
    };
    bodies
        .map(|body| Event::Order(Box::new(event(body))))
        .collect()
}
