//! The decision that accepts an order.
//!
//! It has two halves, because what can be promised is planned between them:
//! [`accept`] asks whether the order is one, and [`place`] whether the plan
//! keeps it. Nothing of an order that either refuses is written.
//!
//! Invariant: what [`place`] returns folds without a conflict, and its first
//! event passes its check.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use check::{check_head, check_line, check_sourcing, check_texts, check_total};

use super::event::{
    Backordered, HoldPlaced, LinePromised, OrderBody, OrderPlaced, PaymentRecorded,
};
use super::line::{ChannelId, Fulfilment, OrderLine};
use super::words::{PaymentMethod, PaymentStep, Substitution, words};
use crate::ids::Sku;
use crate::money::{Currency, Money};
use crate::product::Product;
use crate::quantity::{Quantity, Unit};
use crate::receipt::MAX_LINES;
use crate::rejection::{Rejection, Rejections};
use crate::tax::TaxAmount;
use crate::time::Timestamp;

words!(
    /// What a channel says of the payment when it sends an order.
    PaymentStatus, "payment status" {
        /// Nothing is paid yet.
        Unpaid = "unpaid",
        /// The amount is reserved.
        Authorized = "authorized",
        /// The amount was taken.
        Captured = "captured",
        /// The customer pays at the counter.
        PayAtPickup = "pay_at_pickup",
    }
);

/// An order as a channel sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlaceOrder {
    /// Where it comes from.
    pub channel: ChannelId,
    /// The channel's name for it.
    pub external_id: String,
    /// When the customer ordered; `None` is now.
    pub placed_at: Option<Timestamp>,
    /// The currency of every amount.
    pub currency: Currency,
    /// The customer, as an opaque reference only.
    pub customer_ref: Option<String>,
    /// The lines.
    pub lines: Vec<PlaceLine>,
    /// What shipping costs.
    pub shipping: Option<Money>,
    /// What the customer pays in all.
    pub total: Money,
    /// How it reaches the customer.
    pub fulfilment: Fulfilment,
    /// The payment.
    pub payment: PlacePayment,
    /// An unpaid order keeps its goods until then.
    pub hold_until: Option<Timestamp>,
    /// Reasons to wait.
    pub holds: Vec<HoldPlaced>,
}

impl PlaceOrder {
    /// How much of each product is wanted, in thousandths.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<Sku, i64> {
        let mut wanted = BTreeMap::new();
        for line in &self.lines {
            let sum: &mut i64 = wanted.entry(line.sku.clone()).or_default();
            *sum = sum.saturating_add(line.quantity.thousandths());
        }
        wanted
    }
}

/// One line as a channel sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlaceLine {
    /// The channel's name for it.
    pub external_line_id: String,
    /// What.
    pub sku: Sku,
    /// How much.
    pub quantity: Quantity,
    /// Price of one unit.
    pub unit_price: Money,
    /// What the whole line is reduced by.
    pub discount: Option<Money>,
    /// The taxes of the whole line.
    pub taxes: Vec<TaxAmount>,
    /// Whether something else may be given.
    pub substitution: Substitution,
}

/// The payment as a channel sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacePayment {
    /// What was done.
    pub status: PaymentStatus,
    /// How.
    pub method: PaymentMethod,
    /// The provider's reference.
    pub reference: Option<String>,
    /// The amount.
    pub amount: Money,
    /// When an authorization ends.
    pub expires_at: Option<Timestamp>,
}

/// An order that is one, and may be planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// What was ordered.
    pub placed: OrderPlaced,
    /// What was paid; `None` for an unpaid order.
    pub payment: Option<PaymentRecorded>,
    /// Reasons to wait.
    pub holds: Vec<HoldPlaced>,
}

/// What a plan promises of an order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sourcing {
    /// The promises.
    pub promises: Vec<LinePromised>,
    /// What waits for supply.
    pub backorders: Vec<Backordered>,
    /// Whether the goods are only kept for a time, without promises: an unpaid
    /// order.
    pub soft: bool,
}

/// Asks whether an order is one: known products, whole quantities, one
/// currency, lines named once, amounts that add up, no card number.
///
/// # Errors
/// Every field that breaks a rule, each with its remedy.
pub fn accept(
    command: &PlaceOrder,
    products: &BTreeMap<Sku, Product>,
    now: Timestamp,
) -> Result<Accepted, Rejections> {
    let mut refused = check_texts(command);
    refused.extend(check_head(command));
    let mut names = BTreeSet::new();
    let mut lines = Vec::with_capacity(command.lines.len().min(MAX_LINES));
    for (i, line) in command.lines.iter().take(MAX_LINES).enumerate() {
        let mut problems = check_line(line, command.currency, products);
        if !names.insert(line.external_line_id.as_str()) {
            let detail = "another line has the same external_line_id; name each line once";
            problems.push(Rejection::new(
                "/external_line_id",
                "duplicate_line",
                detail,
            ));
        }
        refused.extend(problems.into_iter().map(|problem| Rejection {
            pointer: format!("/lines/{i}{}", problem.pointer),
            ..problem
        }));
        let number = u32::try_from(i + 1).expect("invariant: at most 500 lines");
        lines.push(order_line(number, line, products));
    }
    Rejections::unless_empty(refused)?;
    let placed = OrderPlaced {
        channel: command.channel.clone(),
        external_id: command.external_id.clone(),
        placed_at: command.placed_at.unwrap_or(now),
        currency: command.currency,
        lines,
        total: command.total,
        fulfilment: command.fulfilment.clone(),
        shipping: command.shipping,
        customer_ref: command.customer_ref.clone(),
        hold_until: command.hold_until,
    };
    check_total(&placed)?;
    Ok(Accepted {
        placed,
        payment: payment(&command.payment),
        holds: command.holds.clone(),
    })
}

/// Decides an accepted order with what a plan promises of it: the events that
/// open its document, in one entry.
///
/// # Errors
/// `insufficient_stock` (a conflict) for each line that the plan does not keep,
/// and what the customer does not allow.
pub fn place(accepted: Accepted, sourcing: Sourcing) -> Result<Vec<OrderBody>, Rejections> {
    check_sourcing(&accepted.placed, &sourcing)?;
    let mut bodies = vec![OrderBody::Placed(Box::new(accepted.placed))];
    bodies.extend(accepted.payment.map(OrderBody::Payment));
    bodies.extend(accepted.holds.into_iter().map(OrderBody::HoldPlaced));
    bodies.extend(sourcing.promises.into_iter().map(OrderBody::Promised));
    bodies.extend(sourcing.backorders.into_iter().map(OrderBody::Backordered));
    Ok(bodies)
}

fn order_line(number: u32, line: &PlaceLine, products: &BTreeMap<Sku, Product>) -> OrderLine {
    OrderLine {
        line: number,
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit: products.get(&line.sku).map_or(Unit::Each, |p| p.unit),
        unit_price: line.unit_price,
        discount: line.discount.filter(|discount| !discount.is_zero()),
        taxes: line.taxes.clone(),
        substitution: line.substitution,
        external_line_id: line.external_line_id.clone(),
    }
}

fn payment(command: &PlacePayment) -> Option<PaymentRecorded> {
    let step = match command.status {
        PaymentStatus::Unpaid => return None,
        PaymentStatus::Authorized => PaymentStep::Authorize,
        PaymentStatus::Captured => PaymentStep::Capture,
        PaymentStatus::PayAtPickup => PaymentStep::PayAtPickup,
    };
    Some(PaymentRecorded {
        step,
        amount: command.amount,
        method: command.method,
        reference: command.reference.clone(),
        expires_at: command.expires_at,
        receipt: None,
    })
}
