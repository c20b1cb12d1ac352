//! The decision that accepts an order.
//!
//! It has two halves, because what can be promised is planned between them:
//! [`accept`] asks whether the order is one, and [`place`] whether the plan
//! keeps it. Nothing of an order that either refuses is written.
//!
//! Invariant: what [`place`] returns folds without a conflict, and its first
//! event passes its check.

use std::collections::{BTreeMap, BTreeSet};

use super::card::refuse_card_numbers;
use super::event::{
    Backordered, HoldPlaced, LinePromised, OrderBody, OrderPlaced, PaymentRecorded,
};
use super::line::{ChannelId, Fulfilment, OrderLine};
use super::words::{FulfilmentKind, PaymentMethod, PaymentStep, Substitution, words};
use crate::ids::{LocationId, Sku};
use crate::money::{Currency, Money};
use crate::product::Product;
use crate::quantity::{Quantity, Unit};
use crate::receipt::{MAX_LINES, MAX_TEXT};
use crate::rejection::{Rejection, Rejections};
use crate::tax::{MAX_RATES, TaxAmount};
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

fn check_texts(command: &PlaceOrder) -> Vec<Rejection> {
    let mut texts = vec![("/external_id".to_owned(), command.external_id.as_str())];
    let optional = [
        ("/customer/ref", command.customer_ref.as_deref()),
        ("/payment/reference", command.payment.reference.as_deref()),
    ];
    let optional = optional.into_iter();
    texts.extend(optional.filter_map(|(pointer, text)| Some((pointer.to_owned(), text?))));
    for (i, line) in command.lines.iter().enumerate() {
        let pointer = format!("/lines/{i}/external_line_id");
        texts.push((pointer, line.external_line_id.as_str()));
    }
    for (i, hold) in command.holds.iter().enumerate() {
        let reason = hold.reason.as_deref();
        texts.extend(reason.map(|text| (format!("/holds/{i}/reason"), text)));
    }
    let long = texts.iter().filter(|(_, text)| text.len() > MAX_TEXT);
    let mut refused: Vec<Rejection> = long
        .map(|(pointer, _)| {
            let detail = format!("it is longer than {MAX_TEXT} bytes; shorten it");
            Rejection::new(pointer.clone(), "too_long", detail)
        })
        .collect();
    refused.extend(refuse_card_numbers(texts));
    refused
}

fn check_head(command: &PlaceOrder) -> Vec<Rejection> {
    let mut refused = Vec::new();
    let mut refuse = |wrong: bool, pointer: &str, code, detail: &str| {
        if wrong {
            refused.push(Rejection::new(pointer, code, detail));
        }
    };
    let count = command.lines.len();
    refuse(count == 0, "/lines", "no_lines", "send at least one line");
    let detail = "an order has at most 500 lines; send fewer";
    refuse(count > MAX_LINES, "/lines", "too_many_lines", detail);
    let empty = command.external_id.is_empty();
    refuse(empty, "/external_id", "missing", "name the order");
    let to_collect = command.fulfilment.kind == FulfilmentKind::Pickup;
    let detail = "name the location where the customer collects";
    let nowhere = to_collect && command.fulfilment.location.is_none();
    refuse(nowhere, "/fulfilment/location", "missing", detail);
    let window = (command.fulfilment.not_before, command.fulfilment.promise_by);
    let turned = matches!(window, (Some(from), Some(by)) if by < from);
    let detail = "promise_by is before not_before; turn them round";
    refuse(turned, "/fulfilment/promise_by", "window_reversed", detail);
    let payment = &command.payment;
    let at_counter = payment.status == PaymentStatus::PayAtPickup;
    let detail = "only a pickup can be paid at pickup; choose another status";
    refuse(
        at_counter && !to_collect,
        "/payment/status",
        "not_a_pickup",
        detail,
    );
    let amounts = [
        ("/total", Some(command.total)),
        ("/shipping", command.shipping),
        ("/payment/amount", Some(payment.amount)),
    ];
    for (pointer, amount) in amounts {
        let amount = amount.unwrap_or(Money::zero(command.currency));
        let other = amount.currency() != command.currency;
        refuse(other, pointer, "wrong_currency", "use the order's currency");
        refuse(
            amount.is_negative(),
            pointer,
            "negative",
            "send zero or more",
        );
    }
    let beyond = payment.amount.minor() > command.total.minor();
    let detail = "more is paid than the order costs; correct one of them";
    refuse(beyond, "/payment/amount", "above_total", detail);
    refused
}

fn check_line(
    line: &PlaceLine,
    currency: Currency,
    products: &BTreeMap<Sku, Product>,
) -> Vec<Rejection> {
    let mut refused = Vec::new();
    let mut refuse = |wrong: bool, pointer: &str, code, detail: String| {
        if wrong {
            refused.push(Rejection::new(pointer, code, detail));
        }
    };
    match products.get(&line.sku) {
        None => {
            let detail = format!("no product {} is known; import it first", line.sku);
            refuse(true, "/sku", "unknown_sku", detail);
        }
        Some(product) => {
            let detail = format!("{} is no whole number of pieces", line.quantity);
            let fits = line.quantity.fits(product.unit);
            refuse(!fits, "/quantity", "too_precise", detail);
        }
    }
    let positive = line.quantity.is_positive();
    let detail = "the quantity must be above zero".to_owned();
    refuse(!positive, "/quantity", "not_positive", detail);
    let amounts = [
        ("/unit_price", Some(line.unit_price)),
        ("/discount", line.discount),
    ];
    for (pointer, amount) in amounts {
        let amount = amount.unwrap_or(Money::zero(currency));
        let detail = format!("use the order's currency {currency}");
        refuse(
            amount.currency() != currency,
            pointer,
            "wrong_currency",
            detail,
        );
        let detail = "send zero or more".to_owned();
        refuse(amount.is_negative(), pointer, "negative", detail);
    }
    let foreign =
        |tax: &TaxAmount| tax.amount.currency() != currency || tax.base.currency() != currency;
    let detail = format!("use the order's currency {currency}");
    refuse(
        line.taxes.iter().any(foreign),
        "/taxes",
        "wrong_currency",
        detail,
    );
    let detail = format!("a line has at most {MAX_RATES} taxes");
    refuse(
        line.taxes.len() > MAX_RATES,
        "/taxes",
        "too_many_taxes",
        detail,
    );
    refused
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

/// The lines and shipping add up, and no line is below zero.
fn check_total(placed: &OrderPlaced) -> Result<(), Rejections> {
    let mut sum = placed.shipping.unwrap_or(Money::zero(placed.currency));
    for (i, line) in placed.lines.iter().enumerate() {
        let too_large = |error: crate::money::MoneyError| {
            Rejection::new(format!("/lines/{i}"), error.code(), error.to_string())
        };
        let total = line.total().map_err(too_large)?;
        if total.is_negative() {
            let detail = "the discount is more than the line costs; lower it";
            let pointer = format!("/lines/{i}/discount");
            return Err(Rejection::new(pointer, "discount_above_line", detail).into());
        }
        sum = sum.checked_add(total).map_err(too_large)?;
    }
    if sum == placed.total {
        return Ok(());
    }
    let detail = format!(
        "the lines and shipping come to {}, not {}; correct the lines or the total",
        sum.to_decimal_string(),
        placed.total.to_decimal_string()
    );
    Err(Rejection::new("/total", "total_mismatch", detail).into())
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

/// Every line is kept in full, and in a way that the customer allows.
fn check_sourcing(placed: &OrderPlaced, sourcing: &Sourcing) -> Result<(), Rejections> {
    let conflict =
        |pointer: String, code, detail: String| Rejection::new(pointer, code, detail).as_conflict();
    let mut refused = Vec::new();
    for (i, line) in placed.lines.iter().enumerate() {
        let of_line = |promise: &&LinePromised| promise.line == line.line;
        let promised = sourcing.promises.iter().filter(of_line);
        let promised: i64 = promised.map(|promise| promise.quantity.thousandths()).sum();
        let waits = sourcing
            .backorders
            .iter()
            .filter(|wait| wait.line == line.line);
        let waits: i64 = waits.map(|wait| wait.quantity.thousandths()).sum();
        let wanted = line.quantity.thousandths();
        let pointer = format!("/lines/{i}");
        assert!(
            promised + waits <= wanted,
            "invariant: a plan promises no more than was ordered"
        );
        if waits > 0 && !placed.fulfilment.allow_backorder && !sourcing.soft {
            let detail = format!("{} is not there in full, and may not wait", line.sku);
            refused.push(conflict(pointer, "insufficient_stock", detail));
        } else if promised + waits < wanted && !sourcing.soft {
            let detail = format!("{} is not there in full", line.sku);
            refused.push(conflict(pointer, "insufficient_stock", detail));
        }
    }
    let from: BTreeSet<&LocationId> = sourcing.promises.iter().map(|p| &p.location).collect();
    if from.len() > 1 && !placed.fulfilment.allow_split {
        let detail = "no single location has all of it, and it may not be split".to_owned();
        refused.push(conflict("/lines".to_owned(), "insufficient_stock", detail));
    }
    Rejections::unless_empty(refused)
}
