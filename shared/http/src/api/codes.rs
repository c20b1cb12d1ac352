//! What a scanned code turned out to be.
//!
//! Invariant: quantity and amount are there exactly when a label carries them.

use serde::Serialize;
use utoipa::ToSchema;

use super::products::ProductView;

/// How a code named its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanMatch {
    /// The code is one of the product's own.
    Exact,
    /// A label that carries the price; the quantity is derived.
    PriceLabel,
    /// A label that carries the weight; the amount is weight × price.
    WeightLabel,
}

/// The product behind a code, and what its label says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScanView {
    /// The product.
    pub product: ProductView,
    /// How the code named it.
    #[serde(rename = "match")]
    pub matched: ScanMatch,
    /// The quantity on the label, in the product's unit; null without one.
    #[schema(example = "0.512")]
    pub quantity: Option<String>,
    /// The amount on the label; null without one.
    #[schema(example = "3.07")]
    pub amount: Option<String>,
}
