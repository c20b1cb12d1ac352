//! What is unusual in a set of baskets, counted.

use std::fmt;

use crate::basket::Basket;
use crate::product::Catalogue;

/// Counts of lines by what is unusual about them; one line may be in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// Baskets.
    pub baskets: usize,
    /// Lines.
    pub lines: usize,
    /// Quantity 0: a correction or a coupon's own line. Sold with its amount;
    /// moves no goods.
    pub quantity_zero: usize,
    /// Sold in thousandths of a gallon.
    pub fuel: usize,
    /// An amount that the quantity does not divide: the amount counts.
    pub undivided: usize,
    /// With a manufacturer's coupon: a tender.
    pub coupon: usize,
    /// With a coupon above the line's value; the basket's due caps it.
    pub coupon_above_value: usize,
    /// With a loyalty price cut: a discount.
    pub loyalty: usize,
    /// Of a product that the source does not list: a placeholder.
    pub unlisted: usize,
    /// Sum of `sales_value` in cents.
    pub sales_value: i64,
}

impl Classes {
    /// Counts.
    ///
    /// # Panics
    /// When the catalogue was made of other baskets.
    #[must_use]
    pub fn of(baskets: &[Basket], catalogue: &Catalogue) -> Self {
        let mut classes = Self {
            baskets: baskets.len(),
            ..Self::default()
        };
        for line in baskets.iter().flat_map(|basket| &basket.lines) {
            let product = catalogue.product(line.product);
            let pieces = i64::try_from(line.quantity).expect("quantities are small");
            let undivided = pieces > 0 && !product.is_fuel && line.regular() % pieces != 0;
            classes.lines += 1;
            classes.quantity_zero += usize::from(line.quantity == 0);
            classes.fuel += usize::from(product.is_fuel);
            classes.undivided += usize::from(undivided);
            classes.coupon += usize::from(line.coupon_disc > 0);
            classes.coupon_above_value += usize::from(line.coupon_disc > line.sales_value);
            classes.loyalty += usize::from(line.retail_disc > 0);
            classes.unlisted += usize::from(product.department == "UNLISTED");
            classes.sales_value += line.sales_value;
        }
        classes
    }
}

impl fmt::Display for Classes {
    /// As a Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = crate::money::decimal(self.sales_value);
        let rows = [
            ("baskets", self.baskets.to_string(), "one sale each"),
            ("lines", self.lines.to_string(), "none left out"),
            ("sales value", value, "USD, to the cent"),
            (
                "quantity 0",
                self.quantity_zero.to_string(),
                "sold with their amount, move no goods",
            ),
            ("fuel", self.fuel.to_string(), "thousandths of a gallon"),
            (
                "amount not divisible by quantity",
                self.undivided.to_string(),
                "the amount is told and counts",
            ),
            (
                "manufacturer's coupon",
                self.coupon.to_string(),
                "a tender of kind coupon",
            ),
            (
                "… above the line's value",
                self.coupon_above_value.to_string(),
                "taken for at most what the basket owes",
            ),
            (
                "loyalty price",
                self.loyalty.to_string(),
                "a discount of kind loyalty",
            ),
            (
                "product not listed",
                self.unlisted.to_string(),
                "a placeholder product",
            ),
        ];
        writeln!(f, "| lines | count | how they are sold |")?;
        writeln!(f, "|---|---:|---|")?;
        for (what, count, how) in rows {
            writeln!(f, "| {what} | {count} | {how} |")?;
        }
        Ok(())
    }
}
