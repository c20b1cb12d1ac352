//! The decision that takes a whole receipt back.
//!
//! Invariant: the original and its void add up to nothing, in every figure and
//! in every bucket.

use crate::discount::{Discount, LineDiscount};
use crate::money::Money;
use crate::receipt::{Receipt, ReceiptKind, ReceiptLine, Tender};
use crate::rejection::{Rejection, Rejections};
use crate::sale::ReceiptDraft;
use crate::tax::TaxAmount;
use crate::time::{BusinessDate, Timestamp};

/// Decides a void of `original`; `earlier` are the returns and voids that name
/// it so far.
///
/// The void belongs to the trading day on which it happens, not to the
/// original's.
///
/// # Errors
/// The original is not a sale, or goods of it came back already.
pub fn decide_void(
    original: &Receipt,
    earlier: &[Receipt],
    reason: &str,
    now: Timestamp,
    business_date: BusinessDate,
) -> Result<ReceiptDraft, Rejections> {
    if reason.trim().is_empty() {
        let detail = "a void needs a reason; send why the sale is taken back";
        return Err(Rejection::new("/reason", "no_reason", detail).into());
    }
    if original.kind != ReceiptKind::Sale {
        let detail = format!(
            "{} is a {}, and only a sale can be void; sell again instead",
            original.number,
            original.kind.as_str()
        );
        return Err(Rejection::new("", "not_a_sale", detail)
            .as_conflict()
            .into());
    }
    if let Some(first) = earlier.first() {
        let (code, what) = match first.kind {
            ReceiptKind::Void { .. } => ("already_voided", "void"),
            ReceiptKind::Return { .. } | ReceiptKind::Sale => {
                ("already_returned", "partly returned")
            }
        };
        let detail = format!(
            "{} is {what} already, by {}; return what is left line by line",
            original.number, first.number
        );
        return Err(Rejection::new("", code, detail).as_conflict().into());
    }
    let receipt = Receipt {
        kind: ReceiptKind::Void {
            original: original.number.clone(),
            reason: reason.to_owned(),
        },
        sold_at: now,
        business_date,
        lines: original.lines.iter().map(reversed_line).collect(),
        discounts: original.discounts.iter().map(reversed_discount).collect(),
        taxes: original.taxes.iter().map(reversed_tax).collect(),
        tenders: original.tenders.iter().map(reversed_tender).collect(),
        rounding: original.rounding.negated(),
        change_due: original.change_due.negated(),
        ..original.clone()
    };
    receipt
        .check()
        .map_err(|broken| Rejection::new("/reason", "unsound_receipt", broken.to_string()))?;
    Ok(ReceiptDraft::new(receipt))
}

fn reversed_line(line: &ReceiptLine) -> ReceiptLine {
    let discount = |discount: &LineDiscount| LineDiscount {
        amount: discount.amount.negated(),
        ..discount.clone()
    };
    ReceiptLine {
        quantity: line.quantity.negated(),
        amount: line.amount.negated(),
        discounts: line.discounts.iter().map(discount).collect(),
        taxes: line.taxes.iter().map(reversed_tax).collect(),
        original_line: Some(line.line),
        ..line.clone()
    }
}

fn reversed_discount(discount: &Discount) -> Discount {
    Discount {
        amount: discount.amount.negated(),
        ..discount.clone()
    }
}

fn reversed_tax(tax: &TaxAmount) -> TaxAmount {
    let negated = Money::negated;
    TaxAmount {
        base: negated(tax.base),
        amount: negated(tax.amount),
        ..tax.clone()
    }
}

fn reversed_tender(tender: &Tender) -> Tender {
    Tender {
        amount: tender.amount.negated(),
        ..tender.clone()
    }
}
