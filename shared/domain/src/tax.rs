//! Sales tax: what a line is charged, in every mode a country may ask for.
//!
//! Prices include tax or not; tax is rounded per line or per rate group; a
//! manufacturer's coupon reduces the base or not. Whatever the mode, each line
//! ends up with its own share, so that a return can reverse it exactly, and
//! the receipt's taxes are nothing but the sum over its lines.
//!
//! Invariant: [`line_taxes`] is frozen. Events leave out taxes that it gives
//! back, so changing a result would change history. A new rule gets a new
//! method beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{is_printable, text_id};
use crate::money::{
    Money, MoneyError, Rate, RoundingRule, allocate, tax_in_inclusive, tax_of_exclusive,
};

text_id!(
    /// The short name of a tax on the receipt, such as `VAT` or `TX`.
    TaxCode,
    "tax code",
    "use 1 to 16 printable ASCII characters without a blank at either end",
    |text| is_printable(text, 16)
);

/// One tax that a class is charged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// Its name on the receipt.
    pub code: TaxCode,
    /// The fraction of the price.
    pub rate: Rate,
}

/// What one tax came to, on a line or on a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxAmount {
    /// The tax.
    pub code: TaxCode,
    /// Its rate.
    pub rate: Rate,
    /// The amount without tax that it was charged on.
    pub base: Money,
    /// The tax.
    pub amount: Money,
    /// Whether the prices already contain it.
    pub included: bool,
}

/// Where tax is rounded.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TaxRounding {
    /// Each line on its own.
    #[default]
    Line,
    /// Once for all lines of one rate, then shared among them by largest
    /// remainder.
    RateGroup,
}

/// How the taxes of a receipt were computed; frozen in the receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TaxMethod {
    /// Whether the prices contain the taxes.
    pub prices_include_tax: bool,
    /// Where tax is rounded.
    pub rounding: TaxRounding,
    /// How it is rounded.
    pub rule: RoundingRule,
    /// Whether a manufacturer's coupon reduces the base.
    pub coupon_reduces_base: bool,
}

/// What tax is charged on: a line's amount after discounts, and its taxes.
#[derive(Clone, Copy, Debug)]
pub struct TaxableLine<'a> {
    /// Amount after discounts.
    pub net: Money,
    /// The taxes of its class, at most [`MAX_RATES`].
    pub rates: &'a [TaxRate],
}

/// Most taxes that one class may charge.
pub const MAX_RATES: usize = 8;

/// The taxes of each line, in the order of `lines`.
///
/// `coupons` is what the customer pays with manufacturers' coupons; it lowers
/// the base, shared over the lines by their net amounts, only if the method
/// says so. With included prices the base is what remains after taking all
/// taxes of the line out.
///
/// # Errors
/// Mixed currencies, or amounts beyond the limit.
pub fn line_taxes(
    method: TaxMethod,
    lines: &[TaxableLine<'_>],
    coupons: Money,
) -> Result<Vec<Vec<TaxAmount>>, MoneyError> {
    if lines.iter().all(|line| line.rates.is_empty()) {
        return Ok(vec![Vec::new(); lines.len()]);
    }
    let taxable = taxable_amounts(method, lines, coupons)?;
    match (method.rounding, method.prices_include_tax) {
        (TaxRounding::Line, false) => exclusive_per_line(method.rule, lines, &taxable),
        (TaxRounding::Line, true) => inclusive_per_line(method.rule, lines, &taxable),
        (TaxRounding::RateGroup, false) => exclusive_per_group(method.rule, lines, &taxable),
        (TaxRounding::RateGroup, true) => inclusive_per_group(method.rule, lines, &taxable),
    }
}

/// The taxes of a receipt: the sum over its lines, sorted by code and rate.
///
/// # Errors
/// Mixed currencies, or amounts beyond the limit.
pub fn sum_taxes<'a>(
    lines: impl IntoIterator<Item = &'a [TaxAmount]>,
) -> Result<Vec<TaxAmount>, MoneyError> {
    let mut sums: BTreeMap<(&TaxCode, Rate, bool), TaxAmount> = BTreeMap::new();
    for tax in lines.into_iter().flatten() {
        match sums.entry((&tax.code, tax.rate, tax.included)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(tax.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let sum = entry.get_mut();
                sum.base = sum.base.checked_add(tax.base)?;
                sum.amount = sum.amount.checked_add(tax.amount)?;
            }
        }
    }
    Ok(sums.into_values().collect())
}

/// What each line's tax is charged on: its net amount less its share of the
/// coupons. A share is never above the line it falls on.
fn taxable_amounts(
    method: TaxMethod,
    lines: &[TaxableLine<'_>],
    coupons: Money,
) -> Result<Vec<Money>, MoneyError> {
    let nets: Vec<i64> = lines.iter().map(|line| line.net.minor()).collect();
    if !method.coupon_reduces_base || coupons.is_zero() {
        return Ok(lines.iter().map(|line| line.net).collect());
    }
    let reducible: i64 = nets.iter().map(|net| (*net).max(0)).sum();
    let shares = allocate(coupons.minor().min(reducible), &nets);
    lines
        .iter()
        .zip(shares)
        .map(|(line, share)| line.net.checked_sub(Money::new(share, coupons.currency())?))
        .collect()
}

fn exclusive_per_line(
    rule: RoundingRule,
    lines: &[TaxableLine<'_>],
    taxable: &[Money],
) -> Result<Vec<Vec<TaxAmount>>, MoneyError> {
    let charge = |base: Money, tax: &TaxRate| {
        tax_of_exclusive(base, tax.rate, rule).map(|amount| on_top(tax, base, amount))
    };
    lines
        .iter()
        .zip(taxable)
        .map(|(line, base)| line.rates.iter().map(|tax| charge(*base, tax)).collect())
        .collect()
}

fn inclusive_per_line(
    rule: RoundingRule,
    lines: &[TaxableLine<'_>],
    taxable: &[Money],
) -> Result<Vec<Vec<TaxAmount>>, MoneyError> {
    lines
        .iter()
        .zip(taxable)
        .map(|(line, gross)| inside(line.rates, *gross, &taxes_inside(line.rates, *gross, rule)?))
        .collect()
}

/// One rounding per (code, rate) over all lines that are charged it.
fn exclusive_per_group(
    rule: RoundingRule,
    lines: &[TaxableLine<'_>],
    taxable: &[Money],
) -> Result<Vec<Vec<TaxAmount>>, MoneyError> {
    let mut groups: BTreeMap<&TaxRate, Vec<usize>> = BTreeMap::new();
    for (i, line) in lines.iter().enumerate() {
        for tax in line.rates {
            groups.entry(tax).or_default().push(i);
        }
    }
    let mut shares: Vec<BTreeMap<&TaxRate, i64>> = vec![BTreeMap::new(); lines.len()];
    for (tax, members) in groups {
        let currency = taxable[members[0]].currency();
        let base = Money::sum(currency, members.iter().map(|i| taxable[*i]))?;
        let amount = tax_of_exclusive(base, tax.rate, rule)?;
        for (i, share) in members.iter().zip(share_among(amount, &members, taxable)) {
            shares[*i].insert(tax, share);
        }
    }
    let mut result = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let mut taxes = Vec::with_capacity(line.rates.len());
        for tax in line.rates {
            let amount = Money::new(shares[i][tax], taxable[i].currency())?;
            taxes.push(on_top(tax, taxable[i], amount));
        }
        result.push(taxes);
    }
    Ok(result)
}

/// One rounding per set of rates, because what is inside a price depends on
/// all rates that share it.
fn inclusive_per_group(
    rule: RoundingRule,
    lines: &[TaxableLine<'_>],
    taxable: &[Money],
) -> Result<Vec<Vec<TaxAmount>>, MoneyError> {
    let mut groups: BTreeMap<&[TaxRate], Vec<usize>> = BTreeMap::new();
    for (i, line) in lines.iter().enumerate() {
        groups.entry(line.rates).or_default().push(i);
    }
    let mut result = vec![Vec::new(); lines.len()];
    for (rates, members) in groups {
        let currency = taxable[members[0]].currency();
        let gross = Money::sum(currency, members.iter().map(|i| taxable[*i]))?;
        let mut shares = vec![Vec::with_capacity(rates.len()); members.len()];
        for amount in taxes_inside(rates, gross, rule)? {
            for (line, share) in shares
                .iter_mut()
                .zip(share_among(amount, &members, taxable))
            {
                line.push(Money::new(share, currency)?);
            }
        }
        for (i, amounts) in members.into_iter().zip(shares) {
            result[i] = inside(rates, taxable[i], &amounts)?;
        }
    }
    Ok(result)
}

fn share_among(amount: Money, members: &[usize], taxable: &[Money]) -> Vec<i64> {
    let weights: Vec<i64> = members.iter().map(|i| taxable[*i].minor()).collect();
    allocate(amount.minor(), &weights)
}

fn taxes_inside(
    rates: &[TaxRate],
    gross: Money,
    rule: RoundingRule,
) -> Result<Vec<Money>, MoneyError> {
    let all: u64 = rates
        .iter()
        .map(|tax| u64::from(tax.rate.millionths()))
        .sum();
    rates
        .iter()
        .map(|tax| tax_in_inclusive(gross, tax.rate, all, rule))
        .collect()
}

fn on_top(tax: &TaxRate, base: Money, amount: Money) -> TaxAmount {
    TaxAmount {
        code: tax.code.clone(),
        rate: tax.rate,
        base,
        amount,
        included: false,
    }
}

fn inside(
    rates: &[TaxRate],
    gross: Money,
    amounts: &[Money],
) -> Result<Vec<TaxAmount>, MoneyError> {
    let base = amounts
        .iter()
        .try_fold(gross, |base, amount| base.checked_sub(*amount))?;
    let taxes = rates.iter().zip(amounts).map(|(tax, amount)| TaxAmount {
        code: tax.code.clone(),
        rate: tax.rate,
        base,
        amount: *amount,
        included: true,
    });
    Ok(taxes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    fn rate(code: &str, rate: &str) -> TaxRate {
        TaxRate {
            code: code.parse().unwrap(),
            rate: rate.parse().unwrap(),
        }
    }

    fn method(prices_include_tax: bool, rounding: TaxRounding) -> TaxMethod {
        TaxMethod {
            prices_include_tax,
            rounding,
            ..TaxMethod::default()
        }
    }

    /// Base and amount of each line's first tax, in minor units.
    fn first(taxes: &[Vec<TaxAmount>]) -> Vec<(i64, i64)> {
        taxes
            .iter()
            .map(|line| (line[0].base.minor(), line[0].amount.minor()))
            .collect()
    }

    #[test]
    fn rounding_per_line_and_per_group_differ_by_the_cents_they_should() {
        // 10 % of 0.05 is half a cent: per line it rounds up three times.
        let rates = [rate("T", "0.1")];
        let lines = [TaxableLine {
            net: usd(5),
            rates: &rates,
        }; 3];
        let per_line = line_taxes(method(false, TaxRounding::Line), &lines, usd(0)).unwrap();
        assert_eq!(first(&per_line), [(5, 1), (5, 1), (5, 1)]);
        let group = line_taxes(method(false, TaxRounding::RateGroup), &lines, usd(0)).unwrap();
        assert_eq!(first(&group), [(5, 1), (5, 1), (5, 0)]);
    }

    #[test]
    fn taxes_inside_a_price_leave_the_price_alone() {
        let rates = [rate("STATE", "0.06"), rate("CITY", "0.04")];
        let lines = [TaxableLine {
            net: usd(1_100),
            rates: &rates,
        }];
        for rounding in [TaxRounding::Line, TaxRounding::RateGroup] {
            let taxes = line_taxes(method(true, rounding), &lines, usd(0)).unwrap();
            let amounts: Vec<i64> = taxes[0].iter().map(|tax| tax.amount.minor()).collect();
            assert_eq!(amounts, [60, 40]);
            assert!(
                taxes[0]
                    .iter()
                    .all(|tax| tax.base == usd(1_000) && tax.included)
            );
        }
    }

    #[test]
    fn a_coupon_reduces_the_base_only_if_the_method_says_so() {
        let rates = [rate("T", "0.1")];
        let charged = TaxableLine {
            net: usd(1_000),
            rates: &rates,
        };
        let free = TaxableLine {
            net: usd(1_000),
            rates: &[],
        };
        let keep = method(false, TaxRounding::Line);
        let taxes = line_taxes(keep, &[charged, free], usd(500)).unwrap();
        assert_eq!(taxes[0][0].amount, usd(100));
        let reduce = TaxMethod {
            coupon_reduces_base: true,
            ..keep
        };
        let taxes = line_taxes(reduce, &[charged, free], usd(500)).unwrap();
        assert_eq!((taxes[0][0].base, taxes[0][0].amount), (usd(750), usd(75)));
        assert!(taxes[1].is_empty());
        let all = line_taxes(reduce, &[charged, free], usd(9_999)).unwrap();
        assert_eq!(all[0][0].base, usd(0));
    }

    #[test]
    fn lines_of_other_classes_share_a_rate_but_not_an_inclusive_group() {
        let one = [rate("A", "0.05")];
        let two = [rate("A", "0.05"), rate("B", "0.05")];
        let lines = [
            TaxableLine {
                net: usd(10),
                rates: &one,
            },
            TaxableLine {
                net: usd(10),
                rates: &two,
            },
        ];
        let taxes = line_taxes(method(false, TaxRounding::RateGroup), &lines, usd(0)).unwrap();
        // A: 5 % of 0.20 is one cent, once; B: half a cent rounds up.
        assert_eq!(taxes[0][0].amount, usd(1));
        assert_eq!(taxes[1][0].amount, usd(0));
        assert_eq!(taxes[1][1].amount, usd(1));
        let sums = sum_taxes(taxes.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(sums.len(), 2);
        assert_eq!((sums[0].base, sums[0].amount), (usd(20), usd(1)));
    }
}
