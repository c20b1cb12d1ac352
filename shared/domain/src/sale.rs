//! The decision that makes a sale: prices, discounts, taxes, payment.
//!
//! Invariant: what [`decide_sale`] returns passes [`Receipt::check`]. Stock is
//! never asked: goods in the customer's hand are sold.

mod lines;
mod payment;

use std::collections::BTreeMap;

use crate::discount::Discount;
use crate::ids::{ReceiptNumber, RegisterId, Sku};
use crate::money::Money;
use crate::policy::Policies;
use crate::product::{Location, Product};
use crate::quantity::Quantity;
use crate::receipt::{Fiscal, MAX_DISCOUNTS, MAX_LINES, MAX_TENDERS, Receipt, ReceiptKind, Tender};
use crate::rejection::{Rejection, Rejections};
use crate::tax::sum_taxes;
use crate::time::{Timestamp, business_date};

/// A basket as the till sends it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SaleCommand {
    /// Who is at the till.
    pub cashier: Option<String>,
    /// When it was sold; `None` is now.
    pub sold_at: Option<Timestamp>,
    /// The customer, as a reference only.
    pub customer_ref: Option<String>,
    /// The lines.
    pub lines: Vec<SaleLine>,
    /// Discounts on the basket.
    pub discounts: Vec<Discount>,
    /// The payments.
    pub tenders: Vec<Tender>,
}

/// One line of a basket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaleLine {
    /// What.
    pub sku: Sku,
    /// How much; 0 only with an `amount`.
    pub quantity: Quantity,
    /// Price of one unit; `None` takes the product's.
    pub unit_price: Option<Money>,
    /// The line's amount; overrides quantity × price.
    pub amount: Option<Money>,
    /// Why the price is not the product's.
    pub price_reason: Option<String>,
    /// Discounts on the line.
    pub discounts: Vec<Discount>,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
    /// The serial number, where pieces are tracked.
    pub serial: Option<String>,
}

/// What a sale is decided from, besides the basket.
#[derive(Clone, Copy, Debug)]
pub struct SaleContext<'a> {
    /// Where.
    pub location: &'a Location,
    /// At which till.
    pub register: &'a RegisterId,
    /// The time of the decision.
    pub now: Timestamp,
    /// The rules.
    pub policies: &'a Policies,
    /// The products of the lines.
    pub products: &'a BTreeMap<Sku, Product>,
}

/// A receipt that only lacks its number, which is drawn in the transaction
/// that stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptDraft(Receipt);

impl ReceiptDraft {
    /// A sound receipt, whatever number it carries.
    pub(crate) const fn new(receipt: Receipt) -> Self {
        Self(receipt)
    }

    /// The receipt under the number drawn for it.
    ///
    /// # Panics
    /// When a figure of the receipt contradicts another, which would be a
    /// mistake in the decision.
    #[must_use]
    pub fn numbered(self, number: ReceiptNumber) -> Receipt {
        let receipt = Receipt { number, ..self.0 };
        if let Err(broken) = receipt.check() {
            panic!("invariant: a decided receipt is sound, but {broken}");
        }
        receipt
    }
}

/// Decides a sale.
///
/// # Errors
/// Every field that breaks a rule, each with its remedy.
pub fn decide_sale(
    command: &SaleCommand,
    context: &SaleContext<'_>,
) -> Result<ReceiptDraft, Rejections> {
    check_counts(command)?;
    let mut lines = lines::price(command, context)?;
    lines::share_discounts(command, &mut lines)?;
    lines::charge_taxes(command, context, &mut lines)?;
    let currency = context.location.currency;
    let taxes = sum_taxes(lines.iter().map(|line| line.taxes.as_slice()))
        .map_err(|error| Rejection::new("/lines", error.code(), error.to_string()))?;
    let sold_at = command.sold_at.unwrap_or(context.now);
    let mut receipt = Receipt {
        kind: ReceiptKind::Sale,
        // A placeholder until `numbered`; it never leaves the draft.
        number: ReceiptNumber {
            location: context.location.id.clone(),
            register: context.register.clone(),
            code: "0000".to_owned(),
            seq: 0,
        },
        cashier: command.cashier.clone(),
        customer_ref: command.customer_ref.clone(),
        sold_at,
        business_date: business_date(
            sold_at,
            &context.location.time_zone,
            context.location.day_starts_at_minutes,
        ),
        currency,
        tax_method: context.policies.tax.method(&context.location.id),
        lines,
        discounts: command.discounts.clone(),
        taxes,
        tenders: command.tenders.clone(),
        rounding: Money::zero(currency),
        change_due: Money::zero(currency),
        fiscal: Fiscal::NotRequired,
    };
    payment::settle(&mut receipt, &context.policies.rounding)?;
    receipt
        .check()
        .map_err(|broken| Rejection::new("", "unsound_receipt", broken.to_string()))?;
    Ok(ReceiptDraft(receipt))
}

fn check_counts(command: &SaleCommand) -> Result<(), Rejections> {
    let mut refused = Vec::new();
    if command.lines.is_empty() {
        refused.push(Rejection::new(
            "/lines",
            "no_lines",
            "the sale has no lines; send at least one",
        ));
    }
    let limits = [
        ("/lines", command.lines.len(), MAX_LINES, "too_many_lines"),
        (
            "/discounts",
            command.discounts.len(),
            MAX_DISCOUNTS,
            "too_many_discounts",
        ),
        (
            "/tenders",
            command.tenders.len(),
            MAX_TENDERS,
            "too_many_tenders",
        ),
    ];
    for (pointer, count, limit, code) in limits {
        if count > limit {
            let detail = format!("{count} are more than the limit of {limit}; send fewer");
            refused.push(Rejection::new(pointer, code, detail));
        }
    }
    Rejections::unless_empty(refused)
}
