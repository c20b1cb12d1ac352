//! Money: integer minor units with a currency, and one named rounding per
//! purpose.
//!
//! Binary fractions cannot hold a cent, so amounts are integers of the
//! currency's minor unit; a computation that divides says which rounding it
//! takes. The rules live in `rounding`, the currencies in `currency`.
//!
//! Invariant: |minor| ≤ [`Money::MAX_MINOR`], so sums of a day cannot overflow.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::{Currency, UnknownCurrency};
pub use decimal::Rate;
pub(crate) use decimal::{DecimalError, parse_scaled, write_scaled};
pub use rounding::{
    RoundingRule, allocate, extend_price, quantity_for_price, round_cash, share_so_far,
    tax_in_inclusive, tax_of_exclusive,
};

mod currency;
mod decimal;
mod rounding;

/// Why an amount was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("\"{text}\" is not an amount: write a plain number such as 12.50")]
    NotANumber {
        /// What was given.
        text: String,
    },
    /// More decimals than the currency has.
    #[error("amount {text} is too precise: {currency} has {decimals} decimals")]
    TooPrecise {
        /// What was given.
        text: String,
        /// The currency it was read in.
        currency: Currency,
        /// How many decimals it has.
        decimals: u32,
    },
    /// Beyond the largest amount.
    #[error("amount {text} is too large: the limit is 10^14 minor units")]
    TooLarge {
        /// What was given or computed.
        text: String,
    },
    /// Amounts of two currencies in one computation.
    #[error("amounts in {left} and {right} cannot be added: use one currency")]
    MixedCurrencies {
        /// Currency of the first amount.
        left: Currency,
        /// Currency of the second amount.
        right: Currency,
    },
}

impl MoneyError {
    /// The stable code: `malformed`, `too_precise`, `too_large` or
    /// `mixed_currencies`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "malformed",
            Self::TooPrecise { .. } => "too_precise",
            Self::TooLarge { .. } => "too_large",
            Self::MixedCurrencies { .. } => "mixed_currencies",
        }
    }
}

/// An amount in minor units (cents) of a currency; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "MoneyParts", into = "MoneyParts")]
pub struct Money {
    currency: Currency,
    minor: i64,
}

/// The serde form of [`Money`]: `{"amount": "12.50", "currency": "USD"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyParts {
    amount: String,
    currency: Currency,
}

impl TryFrom<MoneyParts> for Money {
    type Error = MoneyError;

    fn try_from(parts: MoneyParts) -> Result<Self, MoneyError> {
        Self::parse_decimal(&parts.amount, parts.currency)
    }
}

impl From<Money> for MoneyParts {
    fn from(money: Money) -> Self {
        Self {
            amount: money.to_decimal_string(),
            currency: money.currency,
        }
    }
}

impl Money {
    /// Largest magnitude in minor units.
    pub const MAX_MINOR: i64 = 100_000_000_000_000;

    /// So many minor units of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] beyond ±[`Self::MAX_MINOR`].
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() <= Self::MAX_MINOR.unsigned_abs() {
            Ok(Self { currency, minor })
        } else {
            let mut text = String::new();
            write_scaled(&mut text, minor, currency.decimals(), false);
            Err(MoneyError::TooLarge { text })
        }
    }

    /// Nothing of `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { currency, minor: 0 }
    }

    /// Reads a decimal number with no more decimals than the currency has.
    /// Zeros beyond them are harmless and accepted.
    ///
    /// # Errors
    /// Not a number, too precise for the currency, or too large.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let owned = || text.chars().take(80).collect::<String>();
        let decimals = currency.decimals();
        let minor = parse_scaled(text, decimals).map_err(|error| match error {
            DecimalError::NotANumber => MoneyError::NotANumber { text: owned() },
            DecimalError::TooPrecise => MoneyError::TooPrecise {
                text: owned(),
                currency,
                decimals,
            },
            DecimalError::TooLarge => MoneyError::TooLarge { text: owned() },
        })?;
        Self::new(minor, currency).map_err(|_| MoneyError::TooLarge { text: owned() })
    }

    /// The amount with all decimals of its currency: `12.50`, `-0.05`, `300`.
    #[must_use]
    pub fn to_decimal_string(self) -> String {
        let mut text = String::new();
        write_scaled(&mut text, self.minor, self.currency.decimals(), false);
        text
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is below nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// Mixed currencies, or beyond the limit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor + other.minor, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// Mixed currencies, or beyond the limit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self {
            currency: self.currency,
            minor: -self.minor,
        }
    }

    /// The sum of amounts that share `currency`; nothing if there are none.
    ///
    /// # Errors
    /// Mixed currencies, or beyond the limit at any step.
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(Self::zero(currency), Self::checked_add)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::MixedCurrencies {
                left: self.currency,
                right: other.currency,
            })
        }
    }
}

impl fmt::Display for Money {
    /// Amount and currency, for people: `12.50 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal_string(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse_decimal(text, Currency::USD).unwrap()
    }

    #[test]
    fn amounts_are_read_and_written_with_the_currencys_decimals() {
        let yen: Currency = "JPY".parse().unwrap();
        let dinar: Currency = "KWD".parse().unwrap();
        for (text, currency, minor, shown) in [
            ("12.5", Currency::USD, 1_250, "12.50"),
            ("-0.05", Currency::USD, -5, "-0.05"),
            ("0", Currency::USD, 0, "0.00"),
            ("1.500", Currency::USD, 150, "1.50"),
            ("300", yen, 300, "300"),
            ("1.005", dinar, 1_005, "1.005"),
            (
                "1000000000000.00",
                Currency::USD,
                Money::MAX_MINOR,
                "1000000000000.00",
            ),
        ] {
            let money = Money::parse_decimal(text, currency).unwrap();
            assert_eq!(money.minor(), minor, "{text}");
            assert_eq!(money.to_decimal_string(), shown);
        }
    }

    #[test]
    fn what_is_no_amount_says_why() {
        for (text, code) in [
            ("1.005", "too_precise"),
            ("1000000000000.01", "too_large"),
            ("123456789012345678901234567890", "too_large"),
            ("", "malformed"),
            ("$5", "malformed"),
            ("1,000", "malformed"),
            ("--1", "malformed"),
            ("1.2.3", "malformed"),
        ] {
            assert_eq!(
                Money::parse_decimal(text, Currency::USD)
                    .unwrap_err()
                    .code(),
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn sums_refuse_mixed_currencies_and_overflow() {
        let euro = Money::zero("EUR".parse().unwrap());
        assert_eq!(
            usd("1").checked_add(euro).unwrap_err().code(),
            "mixed_currencies"
        );
        let most = Money::new(Money::MAX_MINOR, Currency::USD).unwrap();
        assert_eq!(
            most.checked_add(usd("0.01")).unwrap_err().code(),
            "too_large"
        );
        assert_eq!(most.checked_sub(most).unwrap(), usd("0"));
        assert!(Money::new(i64::MIN, Currency::USD).is_err());
        assert_eq!(
            Money::sum(Currency::USD, [usd("1"), usd("-0.25")]).unwrap(),
            usd("0.75")
        );
    }

    #[test]
    fn serde_keeps_amounts_as_strings() {
        let json = serde_json::to_string(&usd("12.5")).unwrap();
        assert_eq!(json, r#"{"amount":"12.50","currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), usd("12.5"));
    }
}
