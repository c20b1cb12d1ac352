//! Day totals: what a location took on a trading day, per currency.
//!
//! - gross: line amounts of sales, before discounts;
//! - discounts: what was taken off sales;
//! - returns: totals of returns and voids, as a positive figure;
//! - taxes, tenders and rounding: sales less returns and voids; tenders are net
//!   of the change given back;
//! - receipts: how many of any kind.
//!
//! Figures are minor units of the currency. They are kept apart from [`Money`],
//! whose limit is that of one receipt.
//!
//! Invariant: totals depend on the set of receipts and not on their order;
//! amounts of two currencies never meet in one figure.
//!
//! [`Money`]: crate::Money

use std::collections::BTreeMap;

use crate::ids::LocationId;
use crate::money::{Currency, Rate};
use crate::receipt::{Receipt, ReceiptKind, TenderKind};
use crate::tax::TaxCode;
use crate::time::BusinessDate;

/// What one row of day totals is kept under.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DayKey {
    /// Where.
    pub location: LocationId,
    /// The trading day there.
    pub business_date: BusinessDate,
    /// The currency of every figure.
    pub currency: Currency,
}

/// Which tax a figure belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DayTaxKey {
    /// The tax.
    pub code: TaxCode,
    /// Its rate.
    pub rate: Rate,
    /// Whether the prices contained it.
    pub included: bool,
}

/// What one tax came to, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DayTax {
    /// The amounts without tax that it was charged on.
    pub base: i64,
    /// The tax.
    pub amount: i64,
}

/// The figures of a day, in minor units; see the module for what each counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DayFigures {
    /// Line amounts of sales, before discounts.
    pub gross: i64,
    /// Discounts of sales.
    pub discounts: i64,
    /// Totals of returns and voids, as a positive figure.
    pub returns: i64,
    /// Cash rounding.
    pub rounding: i64,
    /// Receipts of every kind.
    pub receipts: i64,
    /// Taxes by code, rate and mode.
    pub taxes: BTreeMap<DayTaxKey, DayTax>,
    /// Payments by kind, net of change.
    pub tenders: BTreeMap<TenderKind, i64>,
}

/// What one event adds to a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayDelta {
    /// The day.
    pub key: DayKey,
    /// What is added to each figure.
    pub figures: DayFigures,
}

/// The totals of a day in one currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayTotals {
    /// The day.
    pub key: DayKey,
    /// Its figures.
    pub figures: DayFigures,
}

/// A day's figure beyond 64 bits: only a broken or hostile journal gets there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the day totals of {} on {} in {} exceed 64 bits: check the journals of that location",
    key.location, key.business_date, key.currency
)]
pub struct DayOverflow {
    /// The day.
    pub key: DayKey,
}

impl DayTotals {
    /// A day without receipts.
    #[must_use]
    pub fn new(key: DayKey) -> Self {
        let figures = DayFigures::default();
        Self { key, figures }
    }

    /// Adds what one event brought to this day.
    ///
    /// # Errors
    /// [`DayOverflow`]; the totals are then unchanged.
    ///
    /// # Panics
    /// When the delta belongs to another day or currency, which would mix what
    /// must not meet.
    pub fn add(&mut self, delta: &DayDelta) -> Result<(), DayOverflow> {
        assert_eq!(
            self.key, delta.key,
            "invariant: a delta is added to its own day"
        );
        let sum = self.figures.sum(&delta.figures);
        self.figures = sum.ok_or_else(|| DayOverflow {
            key: self.key.clone(),
        })?;
        Ok(())
    }
}

impl DayFigures {
    /// The sum of every figure; `None` beyond 64 bits. Taxes and tenders that
    /// come to nothing stay listed, because somebody charged or paid them.
    #[must_use]
    pub fn sum(&self, other: &Self) -> Option<Self> {
        let mut taxes = self.taxes.clone();
        for (key, tax) in &other.taxes {
            let sum = taxes.entry(key.clone()).or_default();
            sum.base = sum.base.checked_add(tax.base)?;
            sum.amount = sum.amount.checked_add(tax.amount)?;
        }
        let mut tenders = self.tenders.clone();
        for (kind, amount) in &other.tenders {
            let sum = tenders.entry(*kind).or_default();
            *sum = sum.checked_add(*amount)?;
        }
        Some(Self {
            gross: self.gross.checked_add(other.gross)?,
            discounts: self.discounts.checked_add(other.discounts)?,
            returns: self.returns.checked_add(other.returns)?,
            rounding: self.rounding.checked_add(other.rounding)?,
            receipts: self.receipts.checked_add(other.receipts)?,
            taxes,
            tenders,
        })
    }
}

/// What a receipt adds to its day.
pub(crate) fn of_receipt(receipt: &Receipt) -> DayDelta {
    let sale = matches!(receipt.kind, ReceiptKind::Sale);
    let of_sales = |minor: i64| if sale { minor } else { 0 };
    let taxes = receipt.taxes.iter().map(|tax| {
        let key = DayTaxKey {
            code: tax.code.clone(),
            rate: tax.rate,
            included: tax.included,
        };
        let (base, amount) = (tax.base.minor(), tax.amount.minor());
        (key, DayTax { base, amount })
    });
    let mut tenders = BTreeMap::new();
    for tender in &receipt.tenders {
        *tenders.entry(tender.kind).or_default() += tender.amount.minor();
    }
    if let Some(cash) = tenders.get_mut(&TenderKind::Cash) {
        *cash -= receipt.change_due.minor();
    }
    DayDelta {
        key: DayKey {
            location: receipt.number.location.clone(),
            business_date: receipt.business_date,
            currency: receipt.currency,
        },
        figures: DayFigures {
            gross: of_sales(receipt.subtotal().minor()),
            discounts: of_sales(receipt.discount_total().minor()),
            returns: if sale { 0 } else { -receipt.total().minor() },
            rounding: receipt.rounding.minor(),
            receipts: 1,
            taxes: taxes.collect(),
            tenders,
        },
    }
}
