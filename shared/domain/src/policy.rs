//! Versioned rule sets that the hub hands out: how tax is charged, how cash is
//! rounded, which goods may move without a sale, and how labels are read; and,
//! for promises, what is withheld where, what each channel may sell, how long a
//! silent location is trusted, how orders are routed and how long steps take.
//!
//! A policy is read strictly (an unknown key is an error that names it) and
//! decides nothing by itself. What serde cannot see, `validate` finds.
//!
//! Invariant: every policy has a default that works.

mod barcode;
mod channels;
mod costs;
mod mentions;
mod movement;
mod online;
mod rounding;
mod routing;
mod safety_stock;
mod scope;
mod tax;
mod timers;
mod units;
mod zones;

pub use barcode::{BarcodePolicy, LabelRule, LabelledValue};
pub use channels::{Channel, ChannelPolicy, Exclusion, Kept, Reserve};
pub use costs::{CostPolicy, CostRule};
pub use mentions::{Known, Mentions};
pub use movement::{AllowedMovement, MovementPolicy};
pub use online::{OnlinePolicy, OnlineRule};
pub use rounding::{CashRounding, RoundingPolicy};
pub use routing::{RoutingPolicy, RoutingWeights, SoftRule};
pub use safety_stock::{SafetyStockPolicy, SafetyStockRule};
pub use scope::{CLASS_ATTRIBUTE, Goods, Place, Scope};
pub use tax::{TaxOverride, TaxPolicy};
pub use timers::TimerPolicy;
pub use units::{Units, UnitsError};
pub(crate) use zones::Undelivered;
pub use zones::{Zone, Zones};

use serde::{Deserialize, Serialize};

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

/// All policies that a promise looks at, of one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selling {
    /// What is withheld where.
    pub safety_stock: SafetyStockPolicy,
    /// Who may sell what.
    pub channels: ChannelPolicy,
    /// How rights are shared, and how long silence is trusted.
    pub online: OnlinePolicy,
    /// How goods are chosen.
    pub routing: RoutingPolicy,
    /// How often `routing` was put; 0 for the default.
    pub routing_revision: u64,
    /// How long steps may take.
    pub timers: TimerPolicy,
    /// How often each of the others was put.
    pub revisions: Revisions,
}

/// How often each policy about promises was put, beside routing; 0 for the
/// default. A decision keeps them, so that it can be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Revisions {
    /// Of `safety_stock`.
    pub safety_stock: u64,
    /// Of `channels`.
    pub channels: u64,
    /// Of `online`.
    pub online: u64,
    /// Of `timers`.
    pub timers: u64,
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
