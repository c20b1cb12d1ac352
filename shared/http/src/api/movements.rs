//! The body of `POST /movements`.
//!
//! Invariant: which (reason, from, to) are allowed is the policy's to say, not
//! the body's.

use evertill_domain::{Bucket, MovementReason, Sku};
use serde::Deserialize;
use utoipa::ToSchema;

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
