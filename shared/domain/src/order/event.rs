//! The events of an order.
//!
//! Every event carries the events that its writer had seen last, who wrote it
//! and when. Events of one entry, and of one process, need not name each other:
//! what one actor wrote is in order by itself.

use super::line::{ChannelId, Fulfilment, HoldId, HoldKind, OrderLine, PromiseId};
use super::words::{EndCause, FulfilmentStep, PaymentMethod, PaymentStep, PickupStep, RulingKind};
use crate::ids::{EventKey, LocationId, ReceiptNumber, Sku};
use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::rights::End;
use crate::time::Timestamp;

/// Most parents that an event names; it is unordered beside those that it leaves
/// out, and the next event can name them.
pub(crate) const MAX_PARENTS: usize = 64;

/// One event of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderEvent {
    /// When its writer wrote it, by its own clock.
    pub at: Timestamp,
    /// Who, as the retailer writes it; `None` for the system itself.
    pub by: Option<String>,
    /// The events that nothing its writer had seen follows, in order.
    pub parents: Vec<EventKey>,
    /// What happened or was decided.
    pub body: OrderBody,
}

/// What happened to an order, or was decided about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderBody {
    /// The order; the first event of its document. By the hub.
    Placed(Box<OrderPlaced>),
    /// Units of a line are promised from a location. By the hub.
    Promised(LinePromised),
    /// A part of a line waits for supply. By the hub.
    Backordered(Backordered),
    /// A reason to wait. By the hub.
    HoldPlaced(HoldPlaced),
    /// The reason is gone. By the hub.
    HoldReleased(HoldReleased),
    /// Something happened to the money. By the hub, or at a counter.
    Payment(PaymentRecorded),
    /// The customer wants less, or none of it. By the hub.
    CancelRequested(CancelRequested),
    /// A part of a line is not wanted any more. By the hub.
    LineCancelled(LineCancelled),
    /// Another quantity is wanted of a line. By the hub.
    LineChanged(LineChanged),
    /// A part of a promise is not to be kept; the location that holds the goods
    /// has yet to say so too. By the hub.
    PromiseCancelled(PromiseCancelled),
    /// The location will not hand a part of a promise over any more. By the
    /// location's minter.
    Withdrawn(Withdrawn),
    /// A part of a promise ended: settled and short picks by the location,
    /// released by its maker, breached by either.
    PromiseEnded(PromiseEnded),
    /// A step of a pickup. By the location.
    Pickup(StepRecorded<PickupStep>),
    /// A step of a shipment. By the location; offers and their end by the hub.
    Fulfilment(StepRecorded<FulfilmentStep>),
    /// An obligation was carried out. By its owner: the hub.
    Effect(Effect),
    /// A conflict is settled for good. By the hub.
    Ruling(Ruling),
}

/// An order as its channel sent it, without what names a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderPlaced {
    /// Where it came from.
    pub channel: ChannelId,
    /// The channel's name for it; unique in the channel.
    pub external_id: String,
    /// When the customer ordered.
    pub placed_at: Timestamp,
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines, numbered from 1.
    pub lines: Vec<OrderLine>,
    /// What the customer pays in all: lines and shipping.
    pub total: Money,
    /// How it reaches the customer.
    pub fulfilment: Fulfilment,
    /// What shipping costs.
    pub shipping: Option<Money>,
    /// The customer, as an opaque reference only.
    pub customer_ref: Option<String>,
    /// An unpaid order keeps its goods until then.
    pub hold_until: Option<Timestamp>,
}

/// Units of one line are promised from one location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinePromised {
    /// The order's line.
    pub line: u32,
    /// From where.
    pub location: LocationId,
    /// How much, above zero.
    pub quantity: Quantity,
    /// By when the customer has it.
    pub promise_by: Option<Timestamp>,
    /// The routing decision that chose the location.
    pub decision: Option<String>,
    /// The promise that this one replaces.
    pub replaces: Option<PromiseId>,
}

/// So much of a line waits for supply from now on; zero ends the wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backordered {
    /// The order's line.
    pub line: u32,
    /// How much of it waits, all in all.
    pub quantity: Quantity,
    /// When supply is expected.
    pub expected: Option<Timestamp>,
    /// The supply it waits for.
    pub supply: Option<String>,
}

/// A reason to wait; several may stand at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldPlaced {
    /// What sort of reason.
    pub kind: HoldKind,
    /// The reason in words.
    pub reason: Option<String>,
}

/// The reason is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldReleased {
    /// Which hold.
    pub hold: HoldId,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Something happened to the money. Refunds that the fold asks for are recorded
/// as an [`Effect`]; [`PaymentStep::Refund`] here is one that the channel made
/// by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentRecorded {
    /// What.
    pub step: PaymentStep,
    /// The amount; zero where the step has none.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// The provider's reference; never a card number.
    pub reference: Option<String>,
    /// When an authorization ends.
    pub expires_at: Option<Timestamp>,
    /// The receipt that was paid at the counter.
    pub receipt: Option<ReceiptNumber>,
}

/// The customer wants less, or none of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelRequested {
    /// The lines; empty for the whole order.
    pub lines: Vec<u32>,
    /// Why, in words.
    pub reason: String,
}

/// A part of a line is not wanted any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineCancelled {
    /// The order's line.
    pub line: u32,
    /// How much.
    pub quantity: Quantity,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Another quantity is wanted of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineChanged {
    /// The order's line.
    pub line: u32,
    /// How much is wanted now, cancelled parts included; it is more than
    /// before. To want less is a [`LineCancelled`].
    pub quantity: Quantity,
    /// Why, in words.
    pub reason: Option<String>,
}

/// A part of a promise is not to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromiseCancelled {
    /// Which.
    pub promise: PromiseId,
    /// How much of it.
    pub quantity: Quantity,
    /// Why.
    pub cause: EndCause,
}

/// The location will not hand a part of a promise over any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// Which.
    pub promise: PromiseId,
    /// How much of it.
    pub quantity: Quantity,
    /// Where it was to come from: the writer.
    pub location: LocationId,
    /// Why.
    pub cause: EndCause,
}

/// A part of a promise ended, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromiseEnded {
    /// Which.
    pub promise: PromiseId,
    /// How much of it.
    pub quantity: Quantity,
    /// How.
    pub how: End,
    /// Why.
    pub cause: EndCause,
    /// Where it was to come from.
    pub location: LocationId,
}

/// A step of a pickup or shipment at a location, with the goods it moved.
/// Promises end by a [`PromiseEnded`] of their own in the same entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecorded<S> {
    /// What happened.
    pub step: S,
    /// Where.
    pub location: LocationId,
    /// Of which promises, and how much.
    pub parts: Vec<StepPart>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The new time, where the step sets one.
    pub until: Option<Timestamp>,
    /// The receipt that was paid at the hand-over.
    pub receipt: Option<ReceiptNumber>,
    /// Whether someone else than the customer collected it.
    pub proxy: bool,
    /// Whether the customer's age was checked.
    pub age_checked: bool,
    /// The carrier's name for the parcel.
    pub parcel: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
}

/// What a step did to one promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepPart {
    /// Which promise.
    pub promise: PromiseId,
    /// What moved: the line's product, or what was taken in its place.
    pub sku: Sku,
    /// How much the step is about, or moved.
    pub quantity: Quantity,
    /// Of a short pick: how much was not found.
    pub short: Quantity,
    /// How much of an outflow found neither a live promise nor a right to burn.
    pub uncovered: Quantity,
    /// Whether it is another product in place of the line's.
    pub substitute: bool,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// An obligation of the fold was carried out, in whole or in part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    /// The obligation's key, see
    /// [`OrderObligation::key`](super::OrderObligation::key).
    pub obligation: String,
    /// How much money, where it is about money.
    pub amount: Option<Money>,
    /// Proof of it: a payment reference, a message's name.
    pub reference: Option<String>,
}

/// The hub settles something for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// What is ruled.
    pub kind: RulingKind,
    /// The event that the conflict is about.
    pub about: Option<EventKey>,
    /// Why, in words.
    pub reason: Option<String>,
}
