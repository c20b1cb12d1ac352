//! A basket of the source, and the sale that a till makes of it.
//!
//! What the source calls `sales_value` is what the shop got for a line after its
//! own price cut (`retail_disc`) and its match of a coupon (`coupon_match_disc`).
//! So the regular amount is the sum of the three, the two cuts are discounts,
//! and a manufacturer's coupon (`coupon_disc`) is a tender: the manufacturer
//! pays it. A coupon above what is due is taken for what is due, because a
//! coupon gives no change.
//!
//! Invariant: the amounts of a sale are the source's, to the cent.

use serde_json::{Value, json};

use crate::money::{Cents, decimal, thousandths};
use crate::product::Catalogue;

/// One row of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The product's id there.
    pub product: u64,
    /// Pieces, or thousandths of a gallon.
    pub quantity: u64,
    /// What the shop received.
    pub sales_value: Cents,
    /// Loyalty price cut.
    pub retail_disc: Cents,
    /// Manufacturer's coupon.
    pub coupon_disc: Cents,
    /// What the shop added to the coupon.
    pub coupon_match_disc: Cents,
}

/// Everything that one customer bought at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// When, as the source writes it: `2017-01-17T11:53:26`.
    pub time: String,
    /// The store's id there.
    pub store: u32,
    /// The basket's id there.
    pub basket: u64,
    /// The lines, in the source's order.
    pub lines: Vec<Line>,
}

impl Line {
    /// The amount before discounts.
    #[must_use]
    pub fn regular(&self) -> Cents {
        self.sales_value + self.retail_disc + self.coupon_match_disc
    }
}

impl Basket {
    /// What the customer owes.
    #[must_use]
    pub fn due(&self) -> Cents {
        self.lines.iter().map(|line| line.sales_value).sum()
    }

    /// What manufacturers pay of it.
    #[must_use]
    pub fn coupons(&self) -> Cents {
        let worth: Cents = self.lines.iter().map(|line| line.coupon_disc).sum();
        worth.min(self.due())
    }

    /// The day, as the source writes it.
    #[must_use]
    pub fn day(&self) -> &str {
        &self.time[..10]
    }

    /// The body of `POST /sales` at a till.
    #[must_use]
    pub fn sale(&self, register: &str, catalogue: &Catalogue) -> Value {
        let lines: Vec<Value> = self.lines.iter().map(|l| line(l, catalogue)).collect();
        json!({
            "register": register,
            "sold_at": format!("{}Z", self.time),
            "lines": lines,
            "tenders": self.tenders(),
        })
    }

    /// Coupons first; then every second basket pays by card, the others in cash
    /// with the next whole five dollars.
    fn tenders(&self) -> Vec<Value> {
        let tender = |kind: &str, amount: Cents| json!({"kind": kind, "amount": decimal(amount)});
        let mut tenders = Vec::new();
        if self.coupons() > 0 {
            tenders.push(tender("coupon", self.coupons()));
        }
        let rest = self.due() - self.coupons();
        if rest > 0 && self.basket.is_multiple_of(2) {
            tenders.push(tender("card", rest));
        } else if rest > 0 {
            tenders.push(tender("cash", (rest + 499) / 500 * 500));
        }
        tenders
    }
}

/// One line as the till sends it: the amount is told only where quantity and
/// price do not give it.
fn line(line: &Line, catalogue: &Catalogue) -> Value {
    let product = catalogue.product(line.product);
    let quantity = if product.is_fuel {
        thousandths(line.quantity)
    } else {
        line.quantity.to_string()
    };
    let mut body = json!({"sku": product.sku(), "quantity": quantity});
    let regular = line.regular();
    let pieces = Cents::try_from(line.quantity).expect("quantities are small");
    if product.is_fuel || pieces == 0 || regular % pieces != 0 {
        body["amount"] = decimal(regular).into();
    } else if regular / pieces != product.price {
        body["unit_price"] = decimal(regular / pieces).into();
        body["price_reason"] = "shelf price of the day".into();
    }
    let cuts = [
        ("loyalty", line.retail_disc, "loyalty price"),
        (
            "coupon_match",
            line.coupon_match_disc,
            "the shop matches a coupon",
        ),
    ];
    let discounts: Vec<Value> = cuts
        .into_iter()
        .filter(|(_, amount, _)| *amount > 0)
        .map(|(kind, amount, reason)| {
            json!({"kind": kind, "amount": decimal(amount), "reason": reason})
        })
        .collect();
    if !discounts.is_empty() {
        body["discounts"] = discounts.into();
    }
    body
}
