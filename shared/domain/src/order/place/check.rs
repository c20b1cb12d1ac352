//! What an order must be to be accepted, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use super::super::card::refuse_card_numbers;
use super::super::event::{LinePromised, OrderPlaced};
use super::super::words::FulfilmentKind;
use super::{PaymentStatus, PlaceLine, PlaceOrder, Sourcing};
use crate::ids::{LocationId, Sku};
use crate::money::{Currency, Money};
use crate::product::Product;
use crate::receipt::{MAX_LINES, MAX_TEXT};
use crate::rejection::{Rejection, Rejections};
use crate::tax::{MAX_RATES, TaxAmount};

pub(super) fn check_texts(command: &PlaceOrder) -> Vec<Rejection> {
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

pub(super) fn check_head(command: &PlaceOrder) -> Vec<Rejection> {
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

pub(super) fn check_line(
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

/// The lines and shipping add up, and no line is below zero.
pub(super) fn check_total(placed: &OrderPlaced) -> Result<(), Rejections> {
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

/// Every line is kept in full, and in a way that the customer allows.
pub(super) fn check_sourcing(placed: &OrderPlaced, sourcing: &Sourcing) -> Result<(), Rejections> {
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
