//! Paying a sale: cash rounding, change, and what is short.

use crate::money::{Money, MoneyError};
use crate::policy::RoundingPolicy;
use crate::receipt::{Receipt, TenderKind};
use crate::rejection::{Rejection, Rejections};

/// Fills in rounding and change.
///
/// Only what is paid in cash is rounded, once; only cash gives change.
pub(super) fn settle(receipt: &mut Receipt, policy: &RoundingPolicy) -> Result<(), Rejections> {
    check_tenders(receipt)?;
    let refused = |error: MoneyError| Rejection::new("/tenders", error.code(), error.to_string());
    let (total, cash) = (receipt.total(), receipt.tendered(TenderKind::Cash));
    if total.is_negative() {
        let detail = "the total is below zero; give goods back with a return";
        return Err(Rejection::new("/lines", "negative_total", detail).into());
    }
    let others = receipt
        .tenders
        .iter()
        .filter(|tender| tender.kind != TenderKind::Cash);
    let others =
        Money::sum(receipt.currency, others.map(|tender| tender.amount)).map_err(refused)?;
    let due = total.checked_sub(others).map_err(refused)?;
    if due.is_negative() {
        let detail = format!(
            "card and coupons pay {others}, the total is {total}; \
             only cash gives change, so lower them to the total"
        );
        return Err(Rejection::new("/tenders", "no_change_for_card", detail).into());
    }
    let paid_in_cash = receipt
        .tenders
        .iter()
        .any(|tender| tender.kind == TenderKind::Cash);
    let rounded = if paid_in_cash {
        policy.cash_due(due).map_err(refused)?
    } else {
        due
    };
    let change = cash.checked_sub(rounded).map_err(refused)?;
    if change.is_negative() {
        let detail = format!(
            "the tenders are short by {}; the total is {total}",
            change.negated()
        );
        return Err(Rejection::new("/tenders", "tenders_short", detail).into());
    }
    receipt.rounding = rounded.checked_sub(due).map_err(refused)?;
    receipt.change_due = change;
    Ok(())
}

fn check_tenders(receipt: &Receipt) -> Result<(), Rejections> {
    let mut refused = Vec::new();
    for (i, tender) in receipt.tenders.iter().enumerate() {
        let pointer = format!("/tenders/{i}/amount");
        if tender.amount.currency() != receipt.currency {
            let detail = format!("the sale is in {}; convert the tender", receipt.currency);
            refused.push(Rejection::new(pointer, "mixed_currencies", detail));
        } else if tender.amount.is_negative() {
            let detail = "a tender is what is handed over; send it above zero";
            refused.push(Rejection::new(pointer, "not_positive", detail));
        }
    }
    Rejections::unless_empty(refused)
}
