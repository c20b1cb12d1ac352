//! What a line names: a SKU, or a barcode that master data must resolve first.
//!
//! Invariant: a label that carries a price or weight has the last word on it;
//! a request that contradicts it is refused.

use evertill_domain::rejection::Rejection;
use evertill_domain::{Money, Quantity, Sku, Unit};

use super::text::QuantityText;

/// What a line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goods<'a> {
    /// The product itself.
    Sku(&'a Sku),
    /// A code that was scanned.
    Barcode(&'a str),
}

/// The product behind what a line names, and what its label says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The product.
    pub sku: Sku,
    /// What it is counted in.
    pub unit: Unit,
    /// The quantity on a price or weight label.
    pub quantity: Option<Quantity>,
    /// The amount on a price label, or computed for a weight label.
    pub amount: Option<Money>,
}

impl Resolved {
    /// A product found by its SKU or by a code that says nothing else.
    #[must_use]
    pub fn plain(sku: Sku, unit: Unit) -> Self {
        Self {
            sku,
            unit,
            quantity: None,
            amount: None,
        }
    }

    /// The quantity of a line: the label's, or the one that was sent.
    ///
    /// # Errors
    /// None was sent where none is on the label, what was sent is no quantity,
    /// or it is neither the label's nor one.
    pub(super) fn quantity(
        &self,
        pointer: &str,
        sent: Option<&QuantityText>,
    ) -> Result<Quantity, Rejection> {
        let Some(sent) = sent else {
            return self.quantity.ok_or_else(|| {
                let detail = "the field quantity is missing; add it";
                Rejection::new(pointer, "missing_field", detail)
            });
        };
        let Some(labelled) = self.quantity else {
            return sent.read(pointer, self.unit);
        };
        // One package was scanned; its unit does not matter for the figure 1.
        let one = sent.read(pointer, Unit::Each) == Ok(Quantity::ONE);
        if one || sent.read(pointer, self.unit)? == labelled {
            return Ok(labelled);
        }
        let detail = format!(
            "the label says {labelled} {}; send 1, the same quantity or none, one line per label",
            self.unit
        );
        Err(Rejection::new(pointer, "contradicts_label", detail))
    }
}
