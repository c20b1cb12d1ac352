//! Versioned rule sets that the hub hands out: how tax is charged, how cash is
//! rounded, which goods may move without a sale, and how labels are read.
//!
//! A policy is read strictly (an unknown key is an error that names it) and
//! decides nothing by itself. What serde cannot see, `validate` finds.
//!
//! Invariant: every policy has a default that works.

mod barcode;
mod movement;
mod rounding;
mod routing;
mod tax;

pub use barcode::{BarcodePolicy, LabelRule, LabelledValue};
pub use movement::{AllowedMovement, MovementPolicy};
pub use rounding::{CashRounding, RoundingPolicy};
pub use routing::{RoutingPolicy, RoutingWeights, SoftRule};
pub use tax::{TaxOverride, TaxPolicy};

/// All policies that a sale looks at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policies {
    /// How tax is charged.
    pub tax: TaxPolicy,
    /// How cash is rounded.
    pub rounding: RoundingPolicy,
    /// Which goods may move without a sale.
    pub movements: MovementPolicy,
    /// How price and weight labels are read.
    pub barcode: BarcodePolicy,
}

/// Something in a policy that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct PolicyError {
    /// JSON pointer into the policy.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl PolicyError {
    /// An error from its two parts.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}
