//! An order as the hub shows it.
//!
//! Invariant: of each line, ordered = promised + backordered + cancelled +
//! fulfilled + unallocated.

use evertill_domain::order::{LineState, OrderObligation, OrderState, PromiseState};
use evertill_domain::{Currency, DocumentId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::parcels::{HandOverView, hand_over_view};
use crate::api::{minor_text, thousandths_text};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderView {
    /// The id of its document.
    pub id: String,
    /// Where it came from.
    pub channel: String,
    /// The channel's name for it.
    pub external_id: String,
    /// When the customer ordered.
    pub placed_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// Where it stands as a whole.
    pub state: &'static str,
    /// Where its payment stands.
    pub payment_state: &'static str,
    /// Where the work on it stands: the least advanced part that is still open.
    pub fulfilment_state: &'static str,
    /// What its customer is told.
    pub customer_state: &'static str,
    /// The currency of every amount.
    pub currency: &'static str,
    /// What it costs in all.
    pub total: String,
    /// The customer, as the channel's reference.
    pub customer_ref: Option<String>,
    /// The lines.
    pub lines: Vec<OrderLineView>,
    /// What was collected at counters, each time.
    pub hand_overs: Vec<HandOverView>,
    /// The reasons to wait that stand.
    pub holds: Vec<HoldView>,
    /// What is owed: refunds, re-sourcing, messages.
    pub obligations: Vec<ObligationView>,
    /// What needs a person.
    pub conflicts: Vec<String>,
    /// How many events it has.
    pub version: u64,
}

/// One line, quantities in the product's unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderLineView {
    /// Its number.
    pub line: u32,
    /// The channel's name for it.
    pub external_line_id: String,
    /// The product.
    pub sku: String,
    /// How much was ordered.
    pub quantity: String,
    /// Price of one unit.
    pub unit_price: String,
    /// How much is promised and to come.
    pub promised: String,
    /// How much waits for supply.
    pub backordered: String,
    /// How much is not wanted any more.
    pub cancelled: String,
    /// How much the customer has.
    pub fulfilled: String,
    /// How much nobody has taken on.
    pub unallocated: String,
    /// When supply is expected.
    pub expected: Option<String>,
    /// Where it comes from.
    pub promises: Vec<PromiseView>,
}

/// A promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PromiseView {
    /// Its name.
    pub id: String,
    /// From where.
    pub location: String,
    /// How much was promised.
    pub quantity: String,
    /// How much of it is still to come.
    pub kept: String,
    /// Where the work on it stands.
    pub state: &'static str,
    /// By when.
    pub by: Option<String>,
}

/// A reason to wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HoldView {
    /// Its name.
    pub id: String,
    /// What sort.
    pub kind: String,
    /// Why.
    pub reason: Option<String>,
}

/// Something that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ObligationView {
    /// Its name in the order.
    pub key: String,
    /// How much money, where it is about money.
    pub amount: Option<String>,
}

/// A line that cannot be promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShortLineView {
    /// The product.
    pub sku: String,
    /// How much could be promised now.
    pub available_now: String,
    /// When more is expected.
    pub next_date: Option<String>,
}

/// An order as it is shown.
#[must_use]
pub fn order_view(id: &DocumentId, order: &OrderState) -> OrderView {
    let currency = order.placed.currency;
    let holds = order.active_holds().map(|(id, hold)| HoldView {
        id: id.to_string(),
        kind: hold.kind.to_string(),
        reason: hold.reason.clone(),
    });
    let conflicts = order.conflicts.iter();
    OrderView {
        id: id.to_string(),
        channel: order.placed.channel.to_string(),
        external_id: order.placed.external_id.clone(),
        placed_at: order.placed.placed_at.to_string(),
        updated_at: order.updated_at.to_string(),
        state: order.status.as_str(),
        payment_state: order.payment_state.as_str(),
        fulfilment_state: fulfilment_state(order),
        customer_state: order.customer_state.as_str(),
        currency: currency.code(),
        total: order.placed.total.to_decimal_string(),
        customer_ref: order.placed.customer_ref.clone(),
        lines: order
            .lines
            .iter()
            .map(|line| line_view(line, order))
            .collect(),
        hand_overs: order.hand_overs.iter().map(hand_over_view).collect(),
        holds: holds.collect(),
        obligations: order
            .obligations
            .iter()
            .map(|owed| obligation(owed, currency))
            .collect(),
        conflicts: conflicts.map(|c| c.kind.as_str().to_owned()).collect(),
        version: order.version,
    }
}

fn line_view(line: &LineState, order: &OrderState) -> OrderLineView {
    let number = line.line.line;
    let promises = order.promises.iter();
    let promises = promises.filter(|(_, promise)| promise.line == number);
    OrderLineView {
        line: number,
        external_line_id: line.line.external_line_id.clone(),
        sku: line.line.sku.to_string(),
        quantity: thousandths_text(line.ordered),
        unit_price: line.line.unit_price.to_decimal_string(),
        promised: thousandths_text(line.promised),
        backordered: thousandths_text(line.backordered),
        cancelled: thousandths_text(line.cancelled),
        fulfilled: thousandths_text(line.fulfilled),
        unallocated: thousandths_text(line.unallocated),
        expected: line.expected.map(|at| at.to_string()),
        promises: promises
            .map(|(id, promise)| PromiseView {
                id: id.to_string(),
                location: promise.location.to_string(),
                quantity: thousandths_text(promise.parts.promised),
                kept: thousandths_text(promise.kept()),
                state: promise.work.as_str(),
                by: promise.promise_by.map(|at| at.to_string()),
            })
            .collect(),
    }
}

/// The state of the part that is still open, or of the last one; `unsourced`
/// before anything was promised.
fn fulfilment_state(order: &OrderState) -> &'static str {
    let open = order.promises.values().find(|promise| promise.kept() > 0);
    let last = || order.promises.values().next_back();
    open.or_else(last)
        .map_or("unsourced", |promise: &PromiseState| promise.work.as_str())
}

fn obligation(owed: &OrderObligation, currency: Currency) -> ObligationView {
    let amount = match owed {
        OrderObligation::Refund { amount }
        | OrderObligation::Recollect { amount }
        | OrderObligation::Capture { amount } => Some(amount.minor()),
        _ => None,
    };
    ObligationView {
        key: owed.key(),
        amount: amount.map(|minor| minor_text(minor, currency)),
    }
}
