//! Discounts: on a line, or on the basket and shared among its lines.
//!
//! A basket discount is allocated to the lines by largest remainder over what
//! is left of them, and the shares are stored with the lines: tax needs them,
//! and a return gives back what the customer really paid.
//!
//! Invariant: the shares of a basket discount sum to it; [`share_basket`] is
//! frozen, because events leave out shares that it gives back.

use crate::ids::text_id;
use crate::money::{Money, allocate};

text_id!(
    /// What sort of discount: the retailer's word, such as `loyalty`,
    /// `promotion`, `employee` or `manual`.
    DiscountKind,
    "discount kind",
    "use 1 to 32 small letters, digits, underscores or hyphens, such as loyalty",
    |text| is_kind(text)
);

fn is_kind(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

/// A discount as the till gave it, on a line or on the basket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discount {
    /// What sort of discount.
    pub kind: DiscountKind,
    /// How much is taken off; positive on a sale.
    pub amount: Money,
    /// Why, in words.
    pub reason: String,
    /// The promotion that granted it.
    pub promotion: Option<String>,
}

/// A discount on a receipt line, or the line's share of a basket discount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineDiscount {
    /// What sort of discount.
    pub kind: DiscountKind,
    /// How much is taken off; positive on a sale, negative on a return.
    pub amount: Money,
    /// Why, in words.
    pub reason: String,
    /// The promotion that granted it.
    pub promotion: Option<String>,
    /// The position among the receipt's basket discounts of the one that this
    /// is a share of; `None` if it was given on the line.
    pub basket: Option<u32>,
}

impl LineDiscount {
    /// The discount as given on a line.
    #[must_use]
    pub fn on_line(discount: &Discount) -> Self {
        Self::with(discount, discount.amount, None)
    }

    /// A share of `amount` of the basket discount at position `basket`.
    #[must_use]
    pub fn share(discount: &Discount, amount: Money, basket: u32) -> Self {
        Self::with(discount, amount, Some(basket))
    }

    fn with(discount: &Discount, amount: Money, basket: Option<u32>) -> Self {
        Self {
            kind: discount.kind.clone(),
            amount,
            reason: discount.reason.clone(),
            promotion: discount.promotion.clone(),
            basket,
        }
    }
}

/// What each line bears of each basket discount: one row per discount, one
/// column per line, in minor units. `nets` are the line amounts after the
/// lines' own discounts; each discount is shared over what the ones before it
/// left.
#[must_use]
pub fn share_basket(discounts: &[i64], nets: &[i64]) -> Vec<Vec<i64>> {
    let mut left = nets.to_vec();
    let mut rows = Vec::with_capacity(discounts.len());
    for discount in discounts {
        let shares = allocate(*discount, &left);
        for (net, share) in left.iter_mut().zip(&shares) {
            *net = net.saturating_sub(*share);
        }
        rows.push(shares);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basket_discounts_follow_what_the_lines_have_left() {
        assert_eq!(share_basket(&[100], &[300, 100]), [[75, 25]]);
        assert_eq!(
            share_basket(&[100, 300], &[300, 100]),
            [[75, 25], [225, 75]]
        );
        assert_eq!(share_basket(&[1], &[-50, 50]), [[0, 1]]);
        assert!(share_basket(&[], &[1]).is_empty());
    }

    #[test]
    fn kinds_are_small_words() {
        assert!("loyalty_card-2".parse::<DiscountKind>().is_ok());
        for kind in ["", "Loyalty", "two words"] {
            assert!(kind.parse::<DiscountKind>().is_err());
        }
    }
}
