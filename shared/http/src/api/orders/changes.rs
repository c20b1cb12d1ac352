//! The bodies of what is asked of an order that exists.

use evertill_domain::order::{HoldKind, PaymentMethod, PaymentStep};
use evertill_domain::{LocationId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{AmountText, QuantityText};

/// A reason to wait.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// What sort, such as `fraud`, `payment`, `address` or `manual`.
    #[schema(value_type = String, example = "fraud")]
    pub kind: HoldKind,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Why, in words.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// Why.
    pub reason: Option<String>,
}

/// What is not wanted any more.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBody {
    /// The numbers of the lines; the whole order if left out.
    #[serde(default)]
    pub lines: Vec<u32>,
    /// Why, in words.
    #[schema(example = "the customer changed their mind")]
    pub reason: String,
}

/// Another quantity of a line.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// The number of the line.
    pub line: u32,
    /// How much is wanted now.
    pub quantity: QuantityText,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Something that happened to the money.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// What, such as `authorize`, `capture`, `decline` or `void`.
    #[schema(value_type = String, example = "capture")]
    pub step: PaymentStep,
    /// The amount; zero where the step has none.
    pub amount: AmountText,
    /// Such as `card` or `wallet`.
    #[schema(value_type = String, example = "card")]
    pub method: PaymentMethod,
    /// The provider's reference; never a card number.
    pub reference: Option<String>,
    /// When an authorization ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Money that went back to the customer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// How much; at most what is owed.
    pub amount: AmountText,
    /// The provider's reference.
    pub reference: Option<String>,
}

/// A location that a person chose.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignBody {
    /// The number of the line.
    pub line: u32,
    /// Where it is to come from.
    #[schema(value_type = String, example = "S001")]
    pub location: LocationId,
    /// How much; all that nobody has taken on if left out.
    pub quantity: Option<QuantityText>,
}
