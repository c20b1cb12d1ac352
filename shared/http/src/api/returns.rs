//! The bodies of `POST /returns` and `POST /sales/{id}/void`.
//!
//! Tenders of a return are what is handed to the customer, sent above zero; the
//! receipt shows them below zero, like every figure of a return.
//!
//! Invariant: the original receipt decides prices and taxes; a body only says
//! which lines, how much, and where the goods go.

use evertill_domain::giveback::{ReturnCommand, ReturnLine};
use evertill_domain::receipt::{MAX_LINES, MAX_TENDERS, Receipt};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::{Bucket, ReceiptNumber};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusals::Refusals;
use super::sales::{TenderBody, check_count, tenders};
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

impl ReturnBody {
    /// The command, in the currency and units of the receipt that it names.
    ///
    /// # Errors
    /// Every field that does not convert.
    pub fn command(&self, original: &Receipt) -> Result<ReturnCommand, Rejections> {
        let mut refusals = Refusals::default();
        check_count(&mut refusals, "/lines", self.lines.len(), MAX_LINES);
        check_count(&mut refusals, "/tenders", self.tenders.len(), MAX_TENDERS);
        let mut lines = Vec::with_capacity(self.lines.len());
        for (i, body) in self.lines.iter().take(MAX_LINES).enumerate() {
            let at = format!("/lines/{i}");
            let sold = original.lines.iter().find(|line| line.line == body.line);
            let Some(sold) = sold else {
                let detail = format!("the receipt has no line {}", body.line);
                refusals.add(Rejection::new(format!("{at}/line"), "unknown_line", detail));
                continue;
            };
            let quantity = body.quantity.read(&format!("{at}/quantity"), sold.unit);
            let quantity = refusals.keep(quantity);
            let reason = refusals.text(&format!("{at}/reason"), Some(&body.reason));
            lines.extend(quantity.zip(reason).map(|(quantity, reason)| ReturnLine {
                line: body.line,
                quantity,
                bucket: body.bucket,
                reason,
            }));
        }
        let command = ReturnCommand {
            cashier: None,
            returned_at: None,
            lines,
            tenders: tenders(&mut refusals, original.currency, &self.tenders),
        };
        refusals.finish(Some(command))
    }
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
