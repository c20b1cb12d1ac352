//! `POST /movements`: the body, the command it becomes, and the record it made.
//!
//! Invariant: which (reason, from, to) are allowed is the policy's to say, not
//! the body's.

use std::collections::BTreeMap;

use evertill_domain::movement::{MovementCommand, MovementLine, MovementRecord};
use evertill_domain::receipt::MAX_LINES;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::{Bucket, DocumentId, MovementReason, Product, Sku, Unit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::Refusals;
use super::sales::check_count;
use super::text::QuantityText;

/// Goods that move between buckets of this location.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementBody {
    /// Why, such as `receiving`, `damage` or `adjustment`.
    #[schema(value_type = String, example = "receiving")]
    pub reason: MovementReason,
    /// What moves, 1 to 500 lines.
    pub lines: Vec<MovementLineBody>,
    /// Who says so.
    pub by: Option<String>,
    /// The paper it rests on, such as a delivery note.
    pub reference: Option<String>,
}

/// Units of one product.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementLineBody {
    /// The product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// The bucket they leave.
    #[schema(value_type = String, example = "supplier")]
    pub from: Bucket,
    /// The bucket they enter.
    #[schema(value_type = String, example = "sellable")]
    pub to: Bucket,
    /// How many, above zero, in the product's unit.
    pub quantity: QuantityText,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// Goods that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MovementView {
    /// The id of its document.
    pub id: String,
    /// Where.
    pub location: String,
    /// Why.
    #[schema(value_type = String, example = "receiving")]
    pub reason: &'static str,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The trading day it belongs to.
    #[schema(example = "2026-07-01")]
    pub business_date: String,
    /// Who said so.
    pub by: Option<String>,
    /// The paper it rests on.
    pub reference: Option<String>,
    /// What moved.
    pub lines: Vec<MovementLineView>,
}

/// Units of one product that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MovementLineView {
    /// The product.
    pub sku: String,
    /// The bucket they left.
    #[schema(value_type = String)]
    pub from: &'static str,
    /// The bucket they entered.
    #[schema(value_type = String)]
    pub to: &'static str,
    /// How many, in `unit`.
    #[schema(example = "24")]
    pub quantity: String,
    /// What the product is counted in.
    #[schema(value_type = String, example = "each")]
    pub unit: &'static str,
    /// The lot.
    pub lot: Option<String>,
}

impl MovementBody {
    /// The command, in the units of the products that it names.
    ///
    /// # Errors
    /// Every field that does not convert.
    pub fn command(
        &self,
        products: &BTreeMap<Sku, Product>,
    ) -> Result<MovementCommand, Rejections> {
        let mut refusals = Refusals::default();
        check_count(&mut refusals, "/lines", self.lines.len(), MAX_LINES);
        let lines = self.lines.iter().take(MAX_LINES).enumerate();
        let lines = lines
            .filter_map(|(i, line)| line.read(&mut refusals, &format!("/lines/{i}"), products))
            .collect();
        let command = MovementCommand {
            reason: self.reason,
            lines,
            by: refusals.text("/by", self.by.as_ref()),
            reference: refusals.text("/reference", self.reference.as_ref()),
        };
        refusals.finish(Some(command))
    }
}

impl MovementLineBody {
    fn read(
        &self,
        refusals: &mut Refusals,
        at: &str,
        products: &BTreeMap<Sku, Product>,
    ) -> Option<MovementLine> {
        let lot = refusals.text(&format!("{at}/lot"), self.lot.as_ref());
        let product = products.get(&self.sku).ok_or_else(|| {
            let detail = format!(
                "no product {} is known here; check it or import it",
                self.sku
            );
            Rejection::new(format!("{at}/sku"), "unknown_sku", detail)
        });
        let product = refusals.keep(product)?;
        let quantity = self.quantity.read(&format!("{at}/quantity"), product.unit);
        Some(MovementLine {
            sku: self.sku.clone(),
            from: self.from,
            to: self.to,
            quantity: refusals.keep(quantity)?,
            lot,
        })
    }
}

impl MovementView {
    /// The view of a record; `unit` says what a product is counted in.
    pub fn of(id: &DocumentId, record: &MovementRecord, unit: impl Fn(&Sku) -> Unit) -> Self {
        let lines = record.lines.iter().map(|line| MovementLineView {
            sku: line.sku.to_string(),
            from: line.from.as_str(),
            to: line.to.as_str(),
            quantity: line.quantity.to_string(),
            unit: unit(&line.sku).as_str(),
            lot: line.lot.clone(),
        });
        Self {
            id: id.to_string(),
            location: record.location.to_string(),
            reason: record.reason.as_str(),
            at: record.at.to_string(),
            business_date: record.business_date.to_string(),
            by: record.by.clone(),
            reference: record.reference.clone(),
            lines: lines.collect(),
        }
    }
}
