//! Versioned rule sets that the hub hands out: how tax is charged and how cash
//! is rounded.
//!
//! A policy is read strictly (an unknown key is an error that names it) and
//! decides nothing by itself. Invariant: every policy has a default that works.

mod rounding;
mod tax;

pub use rounding::{CashRounding, RoundingPolicy};
pub use tax::{TaxOverride, TaxPolicy};

/// All policies that a sale looks at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policies {
    /// How tax is charged.
    pub tax: TaxPolicy,
    /// How cash is rounded.
    pub rounding: RoundingPolicy,
}
