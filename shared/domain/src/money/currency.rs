//! Currencies that a till can take: those of ISO 4217 that have a minor unit.
//!
//! Precious metals, testing and "no currency" codes have none, so nothing could
//! be paid in them.
//!
//! Invariant: every [`Currency`] has a known number of decimals, at most 4.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::text_conversions;

/// A currency code that no till can take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("currency \"{code}\" is unknown: use an ISO 4217 code in capitals, such as USD or EUR")]
pub struct UnknownCurrency {
    /// What was given, cut after 80 characters.
    pub code: String,
}

/// A currency with a minor unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The three capital letters of ISO 4217.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The number of ISO 4217, which stands for the currency on the wire.
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// The currency of an ISO 4217 number.
    #[must_use]
    pub fn from_numeric(number: u16) -> Option<Self> {
        iso_currency::Currency::from_numeric(number).and_then(Self::usable)
    }

    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn decimals(self) -> u32 {
        let decimals = self
            .0
            .exponent()
            .expect("invariant: a usable currency has a minor unit");
        u32::from(decimals)
    }

    fn usable(currency: iso_currency::Currency) -> Option<Self> {
        currency
            .exponent()
            .is_some_and(|decimals| decimals <= 4)
            .then_some(Self(currency))
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code)
            .and_then(Self::usable)
            .ok_or_else(|| UnknownCurrency {
                code: code.chars().take(80).collect(),
            })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

text_conversions!(Currency, UnknownCurrency);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_name_the_same_currency() {
        for (code, numeric, decimals) in [("USD", 840, 2), ("JPY", 392, 0), ("KWD", 414, 3)] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.code(), code);
            assert_eq!(currency.numeric(), numeric);
            assert_eq!(currency.decimals(), decimals);
            assert_eq!(Currency::from_numeric(numeric), Some(currency));
        }
    }

    #[test]
    fn what_no_till_takes_is_unknown() {
        for code in ["", "usd", "XXX", "XAU", "XTS", "DOLLAR"] {
            let error = code.parse::<Currency>().unwrap_err();
            assert!(
                error.to_string().contains(&format!("\"{code}\"")),
                "{error}"
            );
        }
        assert_eq!(Currency::from_numeric(999), None);
        assert_eq!(Currency::from_numeric(0), None);
    }
}
