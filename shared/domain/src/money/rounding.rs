//! Rounding: one named function per purpose, all computed in 128-bit integers.
//!
//! Naming the purpose keeps the rule in one place: whoever extends a price
//! cannot pick a rounding of their own. [`extend_price`] is frozen for ever,
//! because events leave out an amount that it gives back.
//!
//! Invariant: [`allocate`] hands out exactly its total.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Money, MoneyError, Rate};
use crate::ids::{IdError, text_conversions};
use crate::quantity::{Quantity, QuantityError};

/// What happens to the part below one unit.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub enum RoundingRule {
    /// To the nearest; a half goes away from zero. What tills usually do.
    #[default]
    HalfUp,
    /// To the nearest; a half goes to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl RoundingRule {
    const ALL: [Self; 4] = [Self::HalfUp, Self::HalfEven, Self::Up, Self::Down];

    /// The rule's name: `half_up`, `half_even`, `up` or `down`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HalfUp => "half_up",
            Self::HalfEven => "half_even",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl FromStr for RoundingRule {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use half_up, half_even, up or down";
        let found = Self::ALL.into_iter().find(|rule| rule.as_str() == text);
        found.ok_or_else(|| IdError::new("rounding rule", text, rule))
    }
}

impl fmt::Display for RoundingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(RoundingRule, IdError);

/// The amount of a line: `quantity × unit_price`, halves away from zero.
///
/// # Errors
/// [`MoneyError::TooLarge`] beyond the limit of an amount.
pub fn extend_price(quantity: Quantity, unit_price: Money) -> Result<Money, MoneyError> {
    let product = i128::from(quantity.thousandths()) * i128::from(unit_price.minor());
    money(divide(product, 1_000, RoundingRule::HalfUp), unit_price)
}

/// The quantity that `amount` buys at `unit_price`, to the thousandth, halves
/// away from zero: what a price label says about weight. `None` if the price
/// is zero.
///
/// # Errors
/// [`QuantityError::TooLarge`] beyond the limit of a quantity.
pub fn quantity_for_price(
    amount: Money,
    unit_price: Money,
) -> Result<Option<Quantity>, QuantityError> {
    if unit_price.is_zero() {
        return Ok(None);
    }
    let price = i128::from(unit_price.minor());
    let scaled = i128::from(amount.minor()) * 1_000 * price.signum();
    let thousandths = divide(scaled, price.abs(), RoundingRule::HalfUp);
    let thousandths = i64::try_from(thousandths).unwrap_or(i64::MAX);
    Quantity::from_thousandths(thousandths).map(Some)
}

/// The tax on top of a price without tax: `base × rate`.
///
/// # Errors
/// Never for amounts within the limit, since a rate is at most 1.
pub fn tax_of_exclusive(base: Money, rate: Rate, rule: RoundingRule) -> Result<Money, MoneyError> {
    let product = i128::from(base.minor()) * i128::from(rate.millionths());
    money(divide(product, 1_000_000, rule), base)
}

/// The tax of one rate inside a price that includes tax:
/// `gross × rate ÷ (1 + all_rates)`, where `all_rates` is the sum of the rates
/// (in millionths) that the price includes.
///
/// # Errors
/// Never for amounts within the limit when `rate` is one of the rates.
pub fn tax_in_inclusive(
    gross: Money,
    rate: Rate,
    all_rates_millionths: u64,
    rule: RoundingRule,
) -> Result<Money, MoneyError> {
    let product = i128::from(gross.minor()) * i128::from(rate.millionths());
    money(
        divide(product, 1_000_000 + i128::from(all_rates_millionths), rule),
        gross,
    )
}

/// What `part` of `whole` comes to of an amount: a line's figure after some of
/// its goods came back. All of it if there is no whole to divide by.
///
/// # Errors
/// [`MoneyError::TooLarge`] beyond the limit, which no part of a whole reaches.
pub fn share_so_far(
    amount: Money,
    part: i64,
    whole: i64,
    rule: RoundingRule,
) -> Result<Money, MoneyError> {
    if part == whole || whole <= 0 {
        return Ok(amount);
    }
    let product = i128::from(amount.minor()) * i128::from(part);
    money(divide(product, i128::from(whole), rule), amount)
}

/// The nearest amount that can be paid in coins, in steps of `increment` minor
/// units (5 where the smallest coin is five cents). An increment of 0 or 1
/// changes nothing.
///
/// # Errors
/// [`MoneyError::TooLarge`] beyond the limit of an amount.
pub fn round_cash(due: Money, increment: i64, rule: RoundingRule) -> Result<Money, MoneyError> {
    if increment <= 1 {
        return Ok(due);
    }
    let steps = divide(i128::from(due.minor()), i128::from(increment), rule);
    money(steps * i128::from(increment), due)
}

/// Splits `total` by `weights` with the largest-remainder method: every share
/// is rounded towards zero, and what is left goes, one unit each, to the
/// largest remainders, ties to the first.
///
/// Shares have the sign of the total and sum to it exactly. Weights below zero
/// count as zero; if none is above zero all count alike. No weights, no shares.
#[must_use]
pub fn allocate(total: i64, weights: &[i64]) -> Vec<i64> {
    let mut weights: Vec<i128> = weights.iter().map(|w| i128::from(*w).max(0)).collect();
    if weights.iter().all(|w| *w == 0) {
        weights.fill(1);
    }
    let sum: i128 = weights.iter().sum();
    let magnitude = i128::from(total).abs();
    let mut shares: Vec<i128> = weights.iter().map(|w| magnitude * w / sum).collect();
    let mut left = magnitude - shares.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|i| std::cmp::Reverse(magnitude * weights[*i] % sum));
    for i in by_remainder {
        if left == 0 {
            break;
        }
        shares[i] += 1;
        left -= 1;
    }
    let sign = i128::from(total.signum());
    let narrow = |share: i128| {
        i64::try_from(share * sign).expect("invariant: a share is not above the total")
    };
    shares.into_iter().map(narrow).collect()
}

fn money(minor: i128, like: Money) -> Result<Money, MoneyError> {
    let minor = i64::try_from(minor).unwrap_or(i64::MAX);
    Money::new(minor, like.currency())
}

/// `numerator ÷ denominator` rounded by `rule`; the denominator is positive.
fn divide(numerator: i128, denominator: i128, rule: RoundingRule) -> i128 {
    let towards_zero = numerator / denominator;
    let rest = (numerator % denominator).abs();
    let away = match rule {
        RoundingRule::HalfUp => rest * 2 >= denominator,
        RoundingRule::HalfEven => {
            rest * 2 > denominator || (rest * 2 == denominator && towards_zero % 2 != 0)
        }
        RoundingRule::Up => rest > 0,
        RoundingRule::Down => false,
    };
    if away {
        towards_zero + numerator.signum()
    } else {
        towards_zero
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Currency;
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    fn quantity(thousandths: i64) -> Quantity {
        Quantity::from_thousandths(thousandths).unwrap()
    }

    #[test]
    fn each_rule_treats_halves_as_it_says() {
        use RoundingRule::{Down, HalfEven, HalfUp, Up};
        for (numerator, half_up, half_even, up, down) in [
            (5, 1, 0, 1, 0),
            (15, 2, 2, 2, 1),
            (25, 3, 2, 3, 2),
            (-5, -1, 0, -1, 0),
            (-15, -2, -2, -2, -1),
            (4, 0, 0, 1, 0),
            (6, 1, 1, 1, 0),
            (-4, 0, 0, -1, 0),
            (10, 1, 1, 1, 1),
        ] {
            assert_eq!(divide(numerator, 10, HalfUp), half_up, "{numerator}");
            assert_eq!(divide(numerator, 10, HalfEven), half_even, "{numerator}");
            assert_eq!(divide(numerator, 10, Up), up, "{numerator}");
            assert_eq!(divide(numerator, 10, Down), down, "{numerator}");
        }
    }

    #[test]
    fn prices_are_extended_with_halves_away_from_zero() {
        assert_eq!(extend_price(quantity(750), usd(199)).unwrap(), usd(149));
        assert_eq!(extend_price(quantity(500), usd(199)).unwrap(), usd(100));
        assert_eq!(extend_price(quantity(-500), usd(199)).unwrap(), usd(-100));
        assert!(extend_price(quantity(1_000_000_000_000), usd(Money::MAX_MINOR)).is_err());
    }

    #[test]
    fn a_price_label_gives_the_weight_back() {
        assert_eq!(
            quantity_for_price(usd(149), usd(199)).unwrap(),
            Some(quantity(749))
        );
        assert_eq!(quantity_for_price(usd(149), usd(0)).unwrap(), None);
        assert!(quantity_for_price(usd(Money::MAX_MINOR), usd(1)).is_err());
    }

    #[test]
    fn taxes_on_top_and_inside() {
        let rate: Rate = "0.19".parse().unwrap();
        let rule = RoundingRule::HalfUp;
        assert_eq!(tax_of_exclusive(usd(1_000), rate, rule).unwrap(), usd(190));
        assert_eq!(
            tax_in_inclusive(usd(1_190), rate, 190_000, rule).unwrap(),
            usd(190)
        );
        assert_eq!(
            tax_of_exclusive(usd(-1_000), rate, rule).unwrap(),
            usd(-190)
        );
    }

    #[test]
    fn cash_is_rounded_to_coins() {
        let rule = RoundingRule::HalfUp;
        for (due, rounded) in [
            (1_002, 1_000),
            (1_003, 1_005),
            (-1_003, -1_005),
            (1_005, 1_005),
        ] {
            assert_eq!(round_cash(usd(due), 5, rule).unwrap(), usd(rounded));
        }
        assert_eq!(round_cash(usd(1_003), 1, rule).unwrap(), usd(1_003));
    }

    #[test]
    fn shares_follow_the_largest_remainder() {
        assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(allocate(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(allocate(5, &[0, 0]), [3, 2]);
        assert_eq!(allocate(5, &[-1, 2]), [0, 5]);
        assert_eq!(allocate(10, &[3, 7, 0]), [3, 7, 0]);
        assert!(allocate(5, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_total(
            total: i64,
            weights in proptest::collection::vec(any::<i64>(), 1..20),
        ) {
            let shares = allocate(total, &weights);
            let sum: i128 = shares.iter().map(|s| i128::from(*s)).sum();
            prop_assert_eq!(sum, i128::from(total));
        }
    }
}
