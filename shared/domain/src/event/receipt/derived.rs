//! What the rest of a receipt gives back: shares of basket discounts and taxes.
//!
//! Writer and reader call the same functions on the same figures, so what the
//! writer finds equal and leaves out, the reader restores. They work on figures
//! as a sale has them; a return's are turned before and after.
//!
//! Invariant: frozen with the functions they call. A change would alter
//! receipts that were written long ago.

use crate::discount::{Discount, LineDiscount, share_basket};
use crate::money::Money;
use crate::receipt::{Receipt, ReceiptKind, ReceiptLine, TenderKind};
use crate::tax::{TaxAmount, TaxMethod, TaxRate, TaxableLine, line_taxes};

/// Which way a receipt's figures point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// As sold.
    Plus,
    /// Brought back: every figure has the other sign.
    Minus,
}

impl Sign {
    pub(super) const fn of(kind: &ReceiptKind) -> Self {
        match kind {
            ReceiptKind::Sale => Self::Plus,
            ReceiptKind::Return { .. } | ReceiptKind::Void { .. } => Self::Minus,
        }
    }

    /// The amount as a sale has it, or back.
    pub(super) const fn turn(self, amount: Money) -> Money {
        match self {
            Self::Plus => amount,
            Self::Minus => amount.negated(),
        }
    }

    /// The amount in minor units, as a sale has it.
    pub(super) const fn minor(self, amount: Money) -> i64 {
        self.turn(amount).minor()
    }
}

/// Each line's shares of the basket discounts, from the discounts that were
/// given on the lines themselves.
pub(super) fn shares(
    sign: Sign,
    basket: &[Discount],
    lines: &[ReceiptLine],
) -> Vec<Vec<LineDiscount>> {
    let mut shares = vec![Vec::new(); lines.len()];
    if basket.is_empty() {
        return shares;
    }
    let own = |line: &ReceiptLine| {
        let given = line.discounts.iter().filter(|d| d.basket.is_none());
        given.fold(sign.minor(line.amount), |net, discount| {
            net.saturating_sub(sign.minor(discount.amount))
        })
    };
    let nets: Vec<i64> = lines.iter().map(own).collect();
    let totals: Vec<i64> = basket.iter().map(|d| sign.minor(d.amount)).collect();
    for ((discount, row), position) in basket.iter().zip(share_basket(&totals, &nets)).zip(0..) {
        for (line, share) in shares.iter_mut().zip(row).filter(|(_, share)| *share != 0) {
            let share = Money::new(share, discount.amount.currency())
                .expect("invariant: a share is not above the discount");
            line.push(LineDiscount::share(discount, sign.turn(share), position));
        }
    }
    shares
}

/// Each line's taxes at these rates, or `None` where they come to amounts
/// beyond the limit. The receipt's discounts are in its lines by now.
pub(super) fn taxes(
    sign: Sign,
    method: TaxMethod,
    receipt: &Receipt,
    rates: &[&[TaxRate]],
) -> Option<Vec<Vec<TaxAmount>>> {
    let taxable: Vec<TaxableLine<'_>> = receipt
        .lines
        .iter()
        .zip(rates)
        .map(|(line, rates)| TaxableLine {
            net: sign.turn(line.net()),
            rates,
        })
        .collect();
    let coupons = sign.turn(receipt.tendered(TenderKind::Coupon));
    let mut lines = line_taxes(method, &taxable, coupons).ok()?;
    for tax in lines.iter_mut().flatten() {
        tax.base = sign.turn(tax.base);
        tax.amount = sign.turn(tax.amount);
    }
    Some(lines)
}
