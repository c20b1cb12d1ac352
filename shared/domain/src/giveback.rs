//! The decision that takes goods back: some lines of a sale, or parts of them.
//!
//! What a customer gets back is what they paid: amount, discounts and taxes of
//! the line, pro rata. Each figure is rounded on the quantity returned so far,
//! and what earlier returns gave is taken off, so that the last unit brings the
//! remainder and a return of everything, in however many steps, adds up to
//! nothing. A line's amount is its net plus its discounts, so none of them is
//! ever taken off more than there is.
//!
//! Invariant: never more comes back of a line than was sold.

use std::collections::BTreeMap;

use crate::discount::{Discount, LineDiscount};
use crate::ids::ReceiptNumber;
use crate::money::{Money, MoneyError, RoundingRule, extend_price, share_so_far};
use crate::policy::RoundingPolicy;
use crate::quantity::Quantity;
use crate::receipt::{
    Fiscal, MAX_LINES, MAX_TENDERS, Receipt, ReceiptKind, ReceiptLine, Tender, TenderKind,
};
use crate::rejection::{Rejection, Rejections};
use crate::sale::{ReceiptDraft, SaleContext};
use crate::stock::Bucket;
use crate::tax::{TaxAmount, sum_taxes};
use crate::time::{Timestamp, business_date};

/// Goods that a customer brings back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReturnCommand {
    /// Who is at the till.
    pub cashier: Option<String>,
    /// When they came back; `None` is now.
    pub returned_at: Option<Timestamp>,
    /// What comes back.
    pub lines: Vec<ReturnLine>,
    /// What the customer gets, above zero.
    pub tenders: Vec<Tender>,
}

/// Goods of one line of the sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReturnLine {
    /// The line's number on the sale, from 1.
    pub line: u32,
    /// How much of it; 0 for a line without a quantity, which comes back whole.
    pub quantity: Quantity,
    /// Where the goods go.
    pub bucket: Bucket,
    /// Why they come back.
    pub reason: String,
}

/// Decides a return of goods of `original`; `earlier` are the returns and voids
/// that name it so far.
///
/// # Errors
/// Every field that breaks a rule: the receipt is no sale or void, a line is
/// unknown or comes back already, the tenders are not what is owed.
pub fn decide_return(
    command: &ReturnCommand,
    original: &Receipt,
    earlier: &[Receipt],
    context: &SaleContext<'_>,
) -> Result<ReceiptDraft, Rejections> {
    check_original(original, earlier)?;
    check_counts(command)?;
    let mut past = Past::of(original, earlier);
    let mut lines = Vec::with_capacity(command.lines.len());
    let mut refused = Vec::new();
    for (i, wanted) in command.lines.iter().enumerate() {
        match past.take(wanted) {
            Ok(line) => lines.push(line),
            Err(rejection) => refused.push(Rejection {
                pointer: format!("/lines/{i}{}", rejection.pointer),
                ..rejection
            }),
        }
    }
    Rejections::unless_empty(refused)?;
    for (line, number) in lines.iter_mut().zip(1_u32..) {
        line.line = number;
    }
    let too_large = |error: MoneyError| Rejection::new("/lines", error.code(), error.to_string());
    let returned_at = command.returned_at.unwrap_or(context.now);
    let location = context.location;
    let mut receipt = Receipt {
        kind: ReceiptKind::Return {
            original: original.number.clone(),
        },
        // A placeholder until `numbered`; it never leaves the draft.
        number: ReceiptNumber {
            location: location.id.clone(),
            register: context.register.clone(),
            code: "0000".to_owned(),
            seq: 0,
        },
        cashier: command.cashier.clone(),
        customer_ref: original.customer_ref.clone(),
        sold_at: returned_at,
        business_date: business_date(
            returned_at,
            &location.time_zone,
            location.day_starts_at_minutes,
        ),
        currency: original.currency,
        tax_method: original.tax_method,
        discounts: basket_discounts(original, &lines).map_err(too_large)?,
        taxes: sum_taxes(lines.iter().map(|line| line.taxes.as_slice())).map_err(too_large)?,
        lines,
        tenders: Vec::new(),
        rounding: Money::zero(original.currency),
        change_due: Money::zero(original.currency),
        fiscal: Fiscal::NotRequired,
    };
    pay_back(&mut receipt, command, &context.policies.rounding)?;
    receipt
        .check()
        .map_err(|broken| Rejection::new("", "unsound_receipt", broken.to_string()))?;
    Ok(ReceiptDraft::new(receipt))
}

fn check_original(original: &Receipt, earlier: &[Receipt]) -> Result<(), Rejections> {
    let refused = |code, detail| {
        Err(Rejection::new("/receipt", code, detail)
            .as_conflict()
            .into())
    };
    if original.kind != ReceiptKind::Sale {
        let what = original.kind.as_str();
        let detail = format!("{} is a {what}; name the sale itself", original.number);
        return refused("not_a_sale", detail);
    }
    let void = |receipt: &&Receipt| matches!(receipt.kind, ReceiptKind::Void { .. });
    if let Some(void) = earlier.iter().find(void) {
        let detail = format!("{} is void already, by {}", original.number, void.number);
        return refused("already_voided", detail);
    }
    Ok(())
}

fn check_counts(command: &ReturnCommand) -> Result<(), Rejections> {
    if command.lines.is_empty() {
        let detail = "the return has no lines; send at least one";
        return Err(Rejection::new("/lines", "no_lines", detail).into());
    }
    let limits = [
        ("/lines", command.lines.len(), MAX_LINES),
        ("/tenders", command.tenders.len(), MAX_TENDERS),
    ];
    for (pointer, count, limit) in limits {
        if count > limit {
            let detail = format!("{count} are more than the limit of {limit}; send fewer");
            return Err(Rejection::new(pointer, "too_many", detail).into());
        }
    }
    Ok(())
}

/// What came back of each line so far, this return's own lines included.
struct Past<'a> {
    original: &'a Receipt,
    lines: BTreeMap<u32, Vec<ReceiptLine>>,
}

impl<'a> Past<'a> {
    fn of(original: &'a Receipt, earlier: &[Receipt]) -> Self {
        let mut lines: BTreeMap<u32, Vec<ReceiptLine>> = BTreeMap::new();
        for line in earlier.iter().flat_map(|receipt| &receipt.lines) {
            if let Some(number) = line.original_line {
                lines.entry(number).or_default().push(line.clone());
            }
        }
        Self { original, lines }
    }

    /// The receipt line for goods that come back now, which are then past.
    fn take(&mut self, wanted: &ReturnLine) -> Result<ReceiptLine, Rejection> {
        let sold = self
            .original
            .lines
            .iter()
            .find(|line| line.line == wanted.line);
        let sold = sold.ok_or_else(|| {
            let detail = format!("the receipt has no line {}", wanted.line);
            Rejection::new("/line", "unknown_line", detail)
        })?;
        check_line(wanted, sold)?;
        let past = self.lines.entry(wanted.line).or_default();
        let before: i64 = past.iter().map(|line| -line.quantity.thousandths()).sum();
        let left = sold.quantity.thousandths() - before;
        let gone = sold.quantity.is_zero() && !past.is_empty();
        if gone || wanted.quantity.thousandths() > left {
            return Err(too_much(wanted, sold, left));
        }
        let back = Part {
            of: sold.quantity.thousandths(),
            so_far: before + wanted.quantity.thousandths(),
        };
        let line = back
            .line(wanted, sold, past)
            .map_err(|error| Rejection::new("/quantity", error.code(), error.to_string()))?;
        past.push(line.clone());
        Ok(line)
    }
}

fn check_line(wanted: &ReturnLine, sold: &ReceiptLine) -> Result<(), Rejection> {
    let takes = match wanted.bucket {
        Bucket::Sellable | Bucket::QualityControl | Bucket::Damaged | Bucket::Quarantined => true,
        Bucket::Staged
        | Bucket::Receiving
        | Bucket::InTransit
        | Bucket::Supplier
        | Bucket::Customer
        | Bucket::Shrinkage
        | Bucket::Adjustment
        | Bucket::Opening => false,
    };
    if !takes {
        let detail = format!(
            "goods do not come back into {}; use sellable, damaged, quality_control or quarantined",
            wanted.bucket
        );
        return Err(Rejection::new("/bucket", "bucket_not_allowed", detail));
    }
    if wanted.reason.trim().is_empty() {
        let detail = "a return needs a reason; send why the goods come back";
        return Err(Rejection::new("/reason", "no_reason", detail));
    }
    let quantity = wanted.quantity;
    if !quantity.fits(sold.unit) {
        let detail = format!("{quantity} is no whole number of pieces; send a whole number");
        return Err(Rejection::new("/quantity", "too_precise", detail));
    }
    if quantity.is_positive() || (quantity.is_zero() && sold.quantity.is_zero()) {
        return Ok(());
    }
    let detail = "the quantity that comes back must be above zero";
    Err(Rejection::new("/quantity", "not_positive", detail))
}

fn too_much(wanted: &ReturnLine, sold: &ReceiptLine, left: i64) -> Rejection {
    let left = Quantity::from_thousandths(left.max(0)).unwrap_or(Quantity::ZERO);
    let detail = format!(
        "{} of line {} were sold and {left} of them can still come back, not {}",
        sold.quantity, wanted.line, wanted.quantity
    );
    let refused = Rejection::new("/quantity", "exceeds_sold", detail);
    if wanted.quantity > sold.quantity {
        refused
    } else {
        refused.as_conflict()
    }
}

/// How much of a line has come back once this return is done, in thousandths.
struct Part {
    of: i64,
    so_far: i64,
}

impl Part {
    /// What this return brings of a figure that was `sold`, when `before` came
    /// back already: below zero for a figure above it.
    fn figure(
        &self,
        sold: Money,
        before: impl Iterator<Item = Money>,
        rule: RoundingRule,
    ) -> Result<Money, MoneyError> {
        let so_far = share_so_far(sold, self.so_far, self.of, rule)?;
        let before = Money::sum(sold.currency(), before)?;
        so_far.negated().checked_sub(before)
    }

    fn line(
        &self,
        wanted: &ReturnLine,
        sold: &ReceiptLine,
        past: &[ReceiptLine],
    ) -> Result<ReceiptLine, MoneyError> {
        let mut discounts = Vec::with_capacity(sold.discounts.len());
        for (i, discount) in sold.discounts.iter().enumerate() {
            let before = past.iter().filter_map(|line| line.discounts.get(i));
            let before = before.map(|discount| discount.amount);
            // Rounded down, so that discounts never add up to more than the
            // customer was spared.
            let amount = self.figure(discount.amount, before, RoundingRule::Down)?;
            discounts.push(LineDiscount {
                amount,
                ..discount.clone()
            });
        }
        let mut taxes = Vec::with_capacity(sold.taxes.len());
        for (i, tax) in sold.taxes.iter().enumerate() {
            let before = || past.iter().filter_map(move |line| line.taxes.get(i));
            let rule = RoundingRule::HalfUp;
            taxes.push(TaxAmount {
                base: self.figure(tax.base, before().map(|tax| tax.base), rule)?,
                amount: self.figure(tax.amount, before().map(|tax| tax.amount), rule)?,
                ..tax.clone()
            });
        }
        let before = past.iter().map(ReceiptLine::net);
        let net = self.figure(sold.net(), before, RoundingRule::HalfUp)?;
        let amount = discounts
            .iter()
            .try_fold(net, |amount, discount| amount.checked_add(discount.amount))?;
        let quantity = wanted.quantity.negated();
        let agrees = |price: &Money| extend_price(quantity, *price).is_ok_and(|of| of == amount);
        Ok(ReceiptLine {
            quantity,
            unit_price: sold.unit_price.filter(agrees),
            amount,
            discounts,
            taxes,
            original_line: Some(sold.line),
            bucket: Some(wanted.bucket),
            reason: Some(wanted.reason.clone()),
            ..sold.clone()
        })
    }
}

/// The sale's basket discounts, as far as they come back with these lines.
fn basket_discounts(
    original: &Receipt,
    lines: &[ReceiptLine],
) -> Result<Vec<Discount>, MoneyError> {
    let shares = || lines.iter().flat_map(|line| &line.discounts);
    let back = original.discounts.iter().zip(0_u32..);
    back.map(|(discount, position)| {
        let own = shares().filter(|share| share.basket == Some(position));
        let amounts = own.map(|share| share.amount);
        Ok(Discount {
            amount: Money::sum(original.currency, amounts)?,
            ..discount.clone()
        })
    })
    .collect()
}

/// Pays the customer what is owed, exactly: the part in cash is rounded as a
/// sale's is.
fn pay_back(
    receipt: &mut Receipt,
    command: &ReturnCommand,
    policy: &RoundingPolicy,
) -> Result<(), Rejections> {
    let mut refused = Vec::new();
    for (i, tender) in command.tenders.iter().enumerate() {
        let pointer = format!("/tenders/{i}/amount");
        if tender.amount.currency() != receipt.currency {
            let detail = format!("the sale was in {}; pay back in it", receipt.currency);
            refused.push(Rejection::new(pointer, "mixed_currencies", detail));
        } else if tender.amount.is_negative() {
            let detail = "a tender is what the customer gets; send it above zero";
            refused.push(Rejection::new(pointer, "not_positive", detail));
        }
    }
    Rejections::unless_empty(refused)?;
    let too_large = |error: MoneyError| Rejection::new("/tenders", error.code(), error.to_string());
    let owed = receipt.total().negated();
    let (cash, others): (Vec<&Tender>, Vec<&Tender>) = command
        .tenders
        .iter()
        .partition(|tender| tender.kind == TenderKind::Cash);
    let sum = |tenders: &[&Tender]| {
        Money::sum(receipt.currency, tenders.iter().map(|tender| tender.amount))
    };
    let in_cash = sum(&cash).map_err(too_large)?;
    let rest = owed.checked_sub(sum(&others).map_err(too_large)?);
    let rest = rest.map_err(too_large)?;
    let due = if cash.is_empty() {
        rest
    } else {
        policy.cash_due(rest).map_err(too_large)?
    };
    if due.is_negative() || in_cash != due {
        let detail = format!(
            "the customer gets back {owed}, of which {due} are left to pay in cash, not {in_cash}"
        );
        return Err(Rejection::new("/tenders", "tenders_differ", detail).into());
    }
    receipt.rounding = rest.checked_sub(due).map_err(too_large)?;
    receipt.tenders = command
        .tenders
        .iter()
        .map(|tender| Tender {
            amount: tender.amount.negated(),
            ..tender.clone()
        })
        .collect();
    Ok(())
}
