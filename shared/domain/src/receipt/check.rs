//! The invariants of a receipt, asserted when one is written and when one is
//! read.
//!
//! A foreign replica's receipt is believed only as far as its figures agree
//! with each other: what is checked here cannot confuse a sum later.

use std::fmt;

use super::{
    MAX_DISCOUNTS, MAX_LINES, MAX_TENDERS, MAX_TEXT, Receipt, ReceiptKind, ReceiptLine, TenderKind,
};
use crate::discount::LineDiscount;
use crate::money::Money;
use crate::tax::{MAX_RATES, sum_taxes};

/// An invariant that a receipt breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("receipt {number} is broken: {problem}{}", At(*line))]
pub struct Broken {
    /// The receipt's number.
    pub number: String,
    /// What is wrong.
    pub problem: &'static str,
    /// The line it is wrong on.
    pub line: Option<u32>,
}

struct At(Option<u32>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// A broken invariant, before it is told which receipt it belongs to.
type Problem = (&'static str, Option<u32>);

pub(super) fn check(receipt: &Receipt) -> Result<(), Broken> {
    let outcome = check_limits(receipt)
        .and_then(|()| check_lines(receipt))
        .and_then(|()| check_basket(receipt))
        .and_then(|()| check_payment(receipt));
    outcome.map_err(|(problem, line)| Broken {
        number: receipt.number.to_string(),
        problem,
        line,
    })
}

fn require(condition: bool, problem: &'static str, line: Option<u32>) -> Result<(), Problem> {
    if condition {
        Ok(())
    } else {
        Err((problem, line))
    }
}

fn check_limits(receipt: &Receipt) -> Result<(), Problem> {
    require(!receipt.lines.is_empty(), "it has no lines", None)?;
    require(
        receipt.lines.len() <= MAX_LINES,
        "it has more than 500 lines",
        None,
    )?;
    require(
        receipt.discounts.len() <= MAX_DISCOUNTS,
        "it has too many discounts",
        None,
    )?;
    require(
        receipt.tenders.len() <= MAX_TENDERS,
        "it has too many tenders",
        None,
    )?;
    let currency = receipt.currency;
    let foreign = receipt
        .discounts
        .iter()
        .map(|discount| discount.amount)
        .chain(receipt.tenders.iter().map(|tender| tender.amount))
        .chain([receipt.rounding, receipt.change_due])
        .any(|amount| amount.currency() != currency);
    require(!foreign, "its amounts are in more than one currency", None)?;
    let texts_fit = receipt
        .cashier
        .iter()
        .chain(&receipt.customer_ref)
        .all(|t| fits(t))
        && receipt
            .tenders
            .iter()
            .filter_map(|t| t.reference.as_deref())
            .all(fits)
        && receipt
            .discounts
            .iter()
            .all(|d| fits(&d.reason) && d.promotion.iter().all(|p| fits(p)))
        && match &receipt.kind {
            ReceiptKind::Void { reason, .. } => fits(reason),
            ReceiptKind::Sale | ReceiptKind::Return { .. } => true,
        };
    require(texts_fit, "a text is longer than 200 bytes", None)
}

fn fits(text: &str) -> bool {
    text.len() <= MAX_TEXT
}

fn check_lines(receipt: &Receipt) -> Result<(), Problem> {
    for (line, expected) in receipt.lines.iter().zip(1_u32..) {
        require(
            line.line == expected,
            "its lines are not numbered from 1",
            Some(line.line),
        )?;
        check_line(receipt, line)?;
    }
    let sums = sum_taxes(receipt.lines.iter().map(|line| line.taxes.as_slice()))
        .map_err(|_| ("its taxes are too large", None))?;
    require(
        sums == receipt.taxes,
        "its taxes are not the sum of its lines",
        None,
    )
}

fn check_line(receipt: &Receipt, line: &ReceiptLine) -> Result<(), Problem> {
    let at = Some(line.line);
    let currency = receipt.currency;
    let amounts = line.unit_price.into_iter().chain([line.amount]);
    let discounts = line.discounts.iter().map(|discount| discount.amount);
    let taxes = line.taxes.iter().flat_map(|tax| [tax.base, tax.amount]);
    let mut all = amounts.chain(discounts).chain(taxes);
    require(
        all.all(|amount| amount.currency() == currency),
        "mixed currencies",
        at,
    )?;
    require(
        line.discounts.len() <= 2 * MAX_DISCOUNTS,
        "too many discounts",
        at,
    )?;
    require(line.taxes.len() <= MAX_RATES, "too many taxes", at)?;
    let included = receipt.prices_include_tax();
    require(
        line.taxes.iter().all(|tax| tax.included == included),
        "mixed tax modes",
        at,
    )?;
    require(line.quantity.fits(line.unit), "a piece is not whole", at)?;
    require(
        !line.unit_price.is_some_and(Money::is_negative),
        "a price below zero",
        at,
    )?;
    let sale = matches!(receipt.kind, ReceiptKind::Sale);
    require(
        line.original_line.is_some() != sale,
        "an original line on the wrong kind",
        at,
    )?;
    let sign = if sale { 1 } else { -1 };
    require(
        line.quantity.thousandths() * sign >= 0,
        "a quantity of the wrong sign",
        at,
    )?;
    check_discounts(line, sign)?;
    let texts = [&line.price_reason, &line.lot, &line.serial, &line.reason];
    let texts_fit = texts.into_iter().flatten().all(|text| fits(text))
        && line
            .discounts
            .iter()
            .all(|d| fits(&d.reason) && d.promotion.iter().all(|p| fits(p)));
    require(texts_fit, "a text longer than 200 bytes", at)
}

/// Amount and discounts of goods have the sign of the receipt, and no more is
/// taken off than there was. Fees and corrections may have either sign, and
/// nothing is taken off them.
fn check_discounts(line: &ReceiptLine, sign: i64) -> Result<(), Problem> {
    let at = Some(line.line);
    let signed = |amount: Money| amount.minor() * sign;
    let mut discounts = line
        .discounts
        .iter()
        .map(|discount| signed(discount.amount));
    require(
        discounts.all(|amount| amount >= 0),
        "a discount of the wrong sign",
        at,
    )?;
    let discount: i64 = line
        .discounts
        .iter()
        .map(|discount| signed(discount.amount))
        .sum();
    let room = signed(line.amount);
    if line.quantity.is_zero() {
        return require(discount <= room.max(0), "discounts above the amount", at);
    }
    require(room >= 0, "an amount of the wrong sign", at)?;
    require(discount <= room, "discounts above the amount", at)
}

/// The shares of each basket discount sum to it, and belong to one.
fn check_basket(receipt: &Receipt) -> Result<(), Problem> {
    let mut left: Vec<i64> = receipt.discounts.iter().map(|d| d.amount.minor()).collect();
    for line in &receipt.lines {
        for LineDiscount { amount, basket, .. } in &line.discounts {
            let Some(position) = basket else { continue };
            let share_of = usize::try_from(*position)
                .ok()
                .and_then(|i| left.get_mut(i));
            let Some(discount) = share_of else {
                return Err(("a share of no basket discount", Some(line.line)));
            };
            *discount = discount.saturating_sub(amount.minor());
        }
    }
    require(
        left.iter().all(|left| *left == 0),
        "its basket discounts are not shared out",
        None,
    )
}

/// Total + rounding = tenders − change; only cash gives change or is rounded.
fn check_payment(receipt: &Receipt) -> Result<(), Problem> {
    let sum =
        |amounts: &mut dyn Iterator<Item = Money>| amounts.map(|a| i128::from(a.minor())).sum();
    let subtotal: i128 = sum(&mut receipt.lines.iter().map(|line| line.amount));
    let discounts: i128 = sum(&mut receipt
        .lines
        .iter()
        .flat_map(|line| line.discounts.iter().map(|d| d.amount)));
    let on_top: i128 = sum(&mut receipt
        .taxes
        .iter()
        .filter(|tax| !tax.included)
        .map(|tax| tax.amount));
    let taxes: i128 = sum(&mut receipt.taxes.iter().map(|tax| tax.amount));
    let tenders: i128 = sum(&mut receipt.tenders.iter().map(|tender| tender.amount));
    let total = subtotal - discounts + on_top;
    let limit = i128::from(Money::MAX_MINOR);
    let figures = [subtotal, discounts, taxes, tenders, total];
    require(
        figures.iter().all(|figure| figure.abs() <= limit),
        "its sums are too large",
        None,
    )?;
    let (rounding, change) = (receipt.rounding.minor(), receipt.change_due.minor());
    let balanced = total + i128::from(rounding) == tenders - i128::from(change);
    require(balanced, "its tenders do not pay its total", None)?;
    let sign = if matches!(receipt.kind, ReceiptKind::Sale) {
        1
    } else {
        -1
    };
    require(
        total * i128::from(sign) >= 0,
        "its total has the wrong sign",
        None,
    )?;
    let wrong = receipt
        .tenders
        .iter()
        .any(|tender| tender.amount.minor() * sign < 0);
    require(!wrong, "a tender has the wrong sign", None)?;
    let cash = receipt.tendered(TenderKind::Cash).minor() * sign;
    let change_in_cash = (0..=cash).contains(&(change * sign));
    require(
        change_in_cash,
        "it gives change on something else than cash",
        None,
    )?;
    let paid_in_cash = receipt
        .tenders
        .iter()
        .any(|tender| tender.kind == TenderKind::Cash);
    require(
        rounding == 0 || paid_in_cash,
        "it rounds without cash",
        None,
    )
}
