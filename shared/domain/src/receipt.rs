//! The receipt: a sale, a return or a void, frozen when it happened.
//!
//! Figures of returns and voids are negative: quantities, amounts, discounts,
//! taxes and tenders. A sum over receipts needs no cases, and a full return
//! adds up to nothing.
//!
//! Invariant: [`Receipt::check`]. Decisions only produce receipts that pass,
//! and nothing that fails is decoded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use check::Broken;

use crate::discount::{Discount, LineDiscount};
use crate::ids::{IdError, ReceiptNumber, Sku, text_conversions};
use crate::money::{Currency, Money};
use crate::quantity::{Quantity, Unit};
use crate::stock::{Bucket, Movement};
use crate::tax::{TaxAmount, TaxMethod};
use crate::time::{BusinessDate, Timestamp};

mod check;

/// Most lines on a receipt, or in any other document.
pub const MAX_LINES: usize = 500;
/// Most discounts on a line, and on a basket.
pub const MAX_DISCOUNTS: usize = 32;
/// Most tenders on a receipt.
pub const MAX_TENDERS: usize = 32;
/// Longest free text (reason, reference, cashier, lot …) in bytes.
pub const MAX_TEXT: usize = 200;

/// What a receipt records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiptKind {
    /// Goods sold.
    Sale,
    /// Goods brought back.
    Return {
        /// The receipt they were sold with.
        original: ReceiptNumber,
    },
    /// A sale taken back as a whole.
    Void {
        /// The receipt that is void.
        original: ReceiptNumber,
        /// Why, in words.
        reason: String,
    },
}

impl ReceiptKind {
    /// `sale`, `return` or `void`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Return { .. } => "return",
            Self::Void { .. } => "void",
        }
    }

    /// The receipt that is returned or void.
    #[must_use]
    pub const fn original(&self) -> Option<&ReceiptNumber> {
        match self {
            Self::Sale => None,
            Self::Return { original } | Self::Void { original, .. } => Some(original),
        }
    }
}

/// A receipt: what was sold or brought back, charged and paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Sale, return or void.
    pub kind: ReceiptKind,
    /// The printed number; it names location and register.
    pub number: ReceiptNumber,
    /// Who was at the till, as the retailer writes it.
    pub cashier: Option<String>,
    /// The customer, as a reference only.
    pub customer_ref: Option<String>,
    /// When it happened.
    pub sold_at: Timestamp,
    /// The trading day it belongs to.
    pub business_date: BusinessDate,
    /// The currency of every amount.
    pub currency: Currency,
    /// How its taxes were computed.
    pub tax_method: TaxMethod,
    /// The lines, numbered from 1.
    pub lines: Vec<ReceiptLine>,
    /// Basket discounts as given; the lines hold their shares.
    pub discounts: Vec<Discount>,
    /// The sum of the lines' taxes, sorted by code and rate.
    pub taxes: Vec<TaxAmount>,
    /// What was paid, and with what.
    pub tenders: Vec<Tender>,
    /// Cash rounding: what the cash part was raised by.
    pub rounding: Money,
    /// Cash given back.
    pub change_due: Money,
    /// What a fiscal device said.
    pub fiscal: Fiscal,
}

/// One line of a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptLine {
    /// Its number on the receipt, from 1.
    pub line: u32,
    /// What.
    pub sku: Sku,
    /// What it is counted in.
    pub unit: Unit,
    /// How much; 0 for a fee or correction, which moves no goods.
    pub quantity: Quantity,
    /// Price of one unit; `None` if the amount was told and the quantity does
    /// not divide it.
    pub unit_price: Option<Money>,
    /// Amount before discounts.
    pub amount: Money,
    /// Discounts, including the line's shares of basket discounts.
    pub discounts: Vec<LineDiscount>,
    /// Why the price is not the product's.
    pub price_reason: Option<String>,
    /// The line's taxes.
    pub taxes: Vec<TaxAmount>,
    /// On a return or void: the line of the original receipt.
    pub original_line: Option<u32>,
    /// The bucket that goods leave or return to; `None` is sellable.
    pub bucket: Option<Bucket>,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
    /// The serial number, where pieces are tracked.
    pub serial: Option<String>,
    /// On a return: why it came back.
    pub reason: Option<String>,
}

/// What a customer pays with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TenderKind {
    /// Coins and notes; the only tender that gives change.
    Cash,
    /// A card, approved by its terminal.
    Card,
    /// A manufacturer's coupon: a receivable.
    Coupon,
}

impl TenderKind {
    /// Every kind, in wire order: the position is the stable number.
    pub const ALL: [Self; 3] = [Self::Cash, Self::Card, Self::Coupon];

    /// `cash`, `card` or `coupon`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Card => "card",
            Self::Coupon => "coupon",
        }
    }

    /// The stable number on the wire and in tables.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a stable number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for TenderKind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| IdError::new("tender kind", text, "use cash, card or coupon"))
    }
}

impl fmt::Display for TenderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(TenderKind, IdError);

/// One payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tender {
    /// With what.
    pub kind: TenderKind,
    /// How much was handed over; negative when given back.
    pub amount: Money,
    /// The terminal's or coupon's reference; never a card number.
    pub reference: Option<String>,
}

/// What a fiscal device said about the receipt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Fiscal {
    /// No device is demanded here.
    #[default]
    NotRequired,
    /// The device signed it.
    Signed {
        /// What it printed.
        signature: String,
    },
    /// The device was out of order; to be signed later.
    OutagePending,
}

impl Fiscal {
    /// `not_required`, `signed` or `outage_pending`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::Signed { .. } => "signed",
            Self::OutagePending => "outage_pending",
        }
    }
}

impl ReceiptLine {
    /// Everything taken off this line.
    #[must_use]
    pub fn discount(&self) -> Money {
        let amounts = self.discounts.iter().map(|discount| discount.amount);
        saturating_sum(self.amount.currency(), amounts)
    }

    /// Amount after discounts.
    #[must_use]
    pub fn net(&self) -> Money {
        saturating_sum(
            self.amount.currency(),
            [self.amount, self.discount().negated()],
        )
    }
}

impl Receipt {
    /// Whether prices already contain the taxes.
    #[must_use]
    pub const fn prices_include_tax(&self) -> bool {
        self.tax_method.prices_include_tax
    }

    /// Sum of the line amounts, before discounts.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        saturating_sum(self.currency, self.lines.iter().map(|line| line.amount))
    }

    /// Everything taken off.
    #[must_use]
    pub fn discount_total(&self) -> Money {
        saturating_sum(self.currency, self.lines.iter().map(ReceiptLine::discount))
    }

    /// Sum of all taxes, included or not.
    #[must_use]
    pub fn tax_total(&self) -> Money {
        saturating_sum(self.currency, self.taxes.iter().map(|tax| tax.amount))
    }

    /// What the customer owes before cash rounding: subtotal less discounts
    /// plus the taxes that the prices do not contain.
    #[must_use]
    pub fn total(&self) -> Money {
        let on_top = self
            .taxes
            .iter()
            .filter(|tax| !tax.included)
            .map(|tax| tax.amount);
        let net = [self.subtotal(), self.discount_total().negated()];
        saturating_sum(self.currency, net.into_iter().chain(on_top))
    }

    /// What was paid with one kind of tender, before change.
    #[must_use]
    pub fn tendered(&self, kind: TenderKind) -> Money {
        let amounts = self
            .tenders
            .iter()
            .filter(|t| t.kind == kind)
            .map(|t| t.amount);
        saturating_sum(self.currency, amounts)
    }

    /// The goods that moved, one movement per line that has a quantity: out of
    /// the line's bucket to the customer, or back.
    #[must_use]
    pub fn movements(&self) -> Vec<Movement> {
        self.lines
            .iter()
            .filter_map(ReceiptLine::movement)
            .collect()
    }

    /// Asserts every invariant of a receipt.
    ///
    /// # Errors
    /// The first one that is broken, and where.
    pub fn check(&self) -> Result<(), Broken> {
        check::check(self)
    }
}

impl ReceiptLine {
    /// The goods that this line moved; `None` for a fee or correction.
    #[must_use]
    pub fn movement(&self) -> Option<Movement> {
        if self.quantity.is_zero() {
            return None;
        }
        let bucket = self.bucket.unwrap_or(Bucket::Sellable);
        let (from, to) = if self.quantity.is_positive() {
            (bucket, Bucket::Customer)
        } else {
            (Bucket::Customer, bucket)
        };
        Some(Movement {
            sku: self.sku.clone(),
            from,
            to,
            quantity: self.quantity.abs(),
            lot: self.lot.clone(),
            owner: None,
        })
    }
}

/// A sum that stops at the limit instead of failing. Receipts that pass
/// [`Receipt::check`] never reach it.
fn saturating_sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Money {
    let minor = amounts
        .into_iter()
        .fold(0_i64, |sum, amount| sum.saturating_add(amount.minor()));
    let minor = minor.clamp(-Money::MAX_MINOR, Money::MAX_MINOR);
    Money::new(minor, currency).expect("invariant: the sum was clamped to the limit")
}
