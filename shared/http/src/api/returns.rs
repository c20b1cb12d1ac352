//! The bodies of `POST /returns` and `POST /sales/{id}/void`.
//!
//! Tenders of a return are what is handed to the customer, sent above zero; the
//! receipt shows them below zero, like every figure of a return.
//!
//! Invariant: the original receipt decides prices and taxes; a body only says
//! which lines, how much, and where the goods go.

use evertill_domain::rejection::Rejections;
use evertill_domain::{Bucket, ReceiptNumber};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use super::sales::TenderBody;
use super::text::QuantityText;

/// Goods that a customer brings back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// The till; it must be the one that the token was issued to.
    #[schema(example = "R1")]
    pub register: String,
    /// The number on the receipt they were sold with.
    #[schema(value_type = String, example = "S001-R1-7K3Q-42")]
    pub receipt: ReceiptNumber,
    /// What comes back.
    pub lines: Vec<ReturnLineBody>,
    /// What the customer gets, above zero.
    pub tenders: Vec<TenderBody>,
}

/// One line that comes back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnLineBody {
    /// The line's number on the original receipt, from 1.
    pub line: u32,
    /// How much of it, above zero.
    pub quantity: QuantityText,
    /// Where the goods go: `sellable`, `damaged`, `quality_control` or `quarantined`.
    #[schema(value_type = String, example = "sellable")]
    pub bucket: Bucket,
    /// Why they come back, in words.
    pub reason: String,
}

/// Why a sale is taken back as a whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidBody {
    /// Why, in words.
    #[schema(example = "wrong customer")]
    pub reason: String,
}

impl VoidBody {
    /// The reason, as it goes on the receipt.
    ///
    /// # Errors
    /// The reason is empty or too long.
    pub fn reason(&self) -> Result<String, Rejections> {
        let mut refusals = Refusals::default();
        let reason = refusals.text("/reason", Some(&self.reason));
        refusals.finish(reason)
    }
}
