//! A receipt as node and hub show it.
//!
//! Returns and voids are the same shape with figures below zero; `kind` tells
//! them apart and `original` names what they go back to. Line names are the
//! product's present ones, because a receipt keeps the SKU.
//!
//! Invariant: total + rounding = Σ tenders − `change_due`.

use evertill_domain::receipt::{Receipt, ReceiptLine, Tender};
use evertill_domain::tax::TaxAmount;
use evertill_domain::{DocumentId, Sku};
use serde::Serialize;
use utoipa::ToSchema;

/// A receipt: a sale, a return or a void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptView {
    /// The id of its document.
    pub id: String,
    /// The printed number.
    #[schema(example = "S001-R1-7K3Q-42")]
    pub receipt_number: String,
    /// `sale`, `return` or `void`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// The number of the receipt that is returned or void; null for a sale.
    pub original: Option<String>,
    /// Where.
    pub location: String,
    /// At which till.
    pub register: String,
    /// The trading day it belongs to.
    #[schema(example = "2026-07-01")]
    pub business_date: String,
    /// When it happened, RFC 3339 in UTC.
    pub sold_at: String,
    /// The currency of every amount.
    #[schema(value_type = String, example = "USD")]
    pub currency: &'static str,
    /// The lines.
    pub lines: Vec<ReceiptLineView>,
    /// Sum of the line amounts, before discounts.
    #[schema(example = "12.50")]
    pub subtotal: String,
    /// Everything taken off.
    #[schema(example = "0.50")]
    pub discount_total: String,
    /// The taxes, summed over the lines.
    pub taxes: Vec<TaxView>,
    /// What is owed before cash rounding.
    #[schema(example = "12.00")]
    pub total: String,
    /// What cash rounding adds to it.
    #[schema(example = "0.00")]
    pub rounding: String,
    /// What was paid, and with what.
    pub tenders: Vec<TenderView>,
    /// Cash given back.
    #[schema(example = "8.00")]
    pub change_due: String,
    /// `not_required`, `signed` or `outage_pending`.
    #[schema(value_type = String)]
    pub fiscal: &'static str,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptLineView {
    /// Its number on the receipt, from 1.
    pub line: u32,
    /// What.
    pub sku: String,
    /// The product's name; its SKU if master data does not know it.
    pub name: String,
    /// How much, in `unit`.
    #[schema(example = "2")]
    pub quantity: String,
    /// What it is counted in.
    #[schema(value_type = String, example = "each")]
    pub unit: &'static str,
    /// Price of one unit; null if the quantity does not divide the amount.
    #[schema(example = "6.25")]
    pub unit_price: Option<String>,
    /// Amount before discounts.
    #[schema(example = "12.50")]
    pub amount: String,
    /// Everything taken off this line, its shares of basket discounts included.
    #[schema(example = "0.50")]
    pub discount: String,
    /// Amount after discounts.
    #[schema(example = "12.00")]
    pub net: String,
    /// The line's taxes.
    pub taxes: Vec<TaxView>,
}

/// What one tax came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaxView {
    /// Its name on the receipt.
    #[schema(example = "VAT")]
    pub code: String,
    /// The fraction of the price.
    #[schema(example = "0.19")]
    pub rate: String,
    /// The amount without tax that it was charged on.
    pub base: String,
    /// The tax.
    pub amount: String,
    /// Whether the prices contain it.
    pub included: bool,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenderView {
    /// `cash`, `card` or `coupon`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// What was handed over, before change; below zero when given back.
    pub amount: String,
    /// The terminal's or coupon's reference.
    pub reference: Option<String>,
}

impl ReceiptView {
    /// The view of a receipt; `name` gives a product's present name, if known.
    pub fn of<'n>(
        id: &DocumentId,
        receipt: &Receipt,
        name: impl Fn(&Sku) -> Option<&'n str>,
    ) -> Self {
        Self {
            id: id.to_string(),
            receipt_number: receipt.number.to_string(),
            kind: receipt.kind.as_str(),
            original: receipt.kind.original().map(ToString::to_string),
            location: receipt.number.location.to_string(),
            register: receipt.number.register.to_string(),
            business_date: receipt.business_date.to_string(),
            sold_at: receipt.sold_at.to_string(),
            currency: receipt.currency.code(),
            lines: receipt
                .lines
                .iter()
                .map(|line| line_view(line, name(&line.sku)))
                .collect(),
            subtotal: receipt.subtotal().to_decimal_string(),
            discount_total: receipt.discount_total().to_decimal_string(),
            taxes: receipt.taxes.iter().map(tax_view).collect(),
            total: receipt.total().to_decimal_string(),
            rounding: receipt.rounding.to_decimal_string(),
            tenders: receipt.tenders.iter().map(tender_view).collect(),
            change_due: receipt.change_due.to_decimal_string(),
            fiscal: receipt.fiscal.as_str(),
        }
    }
}

fn line_view(line: &ReceiptLine, name: Option<&str>) -> ReceiptLineView {
    ReceiptLineView {
        line: line.line,
        sku: line.sku.to_string(),
        name: name.unwrap_or(line.sku.as_str()).to_owned(),
        quantity: line.quantity.to_string(),
        unit: line.unit.as_str(),
        unit_price: line
            .unit_price
            .map(evertill_domain::Money::to_decimal_string),
        amount: line.amount.to_decimal_string(),
        discount: line.discount().to_decimal_string(),
        net: line.net().to_decimal_string(),
        taxes: line.taxes.iter().map(tax_view).collect(),
    }
}

fn tax_view(tax: &TaxAmount) -> TaxView {
    TaxView {
        code: tax.code.to_string(),
        rate: tax.rate.to_string(),
        base: tax.base.to_decimal_string(),
        amount: tax.amount.to_decimal_string(),
        included: tax.included,
    }
}

fn tender_view(tender: &Tender) -> TenderView {
    TenderView {
        kind: tender.kind.as_str(),
        amount: tender.amount.to_decimal_string(),
        reference: tender.reference.clone(),
    }
}
