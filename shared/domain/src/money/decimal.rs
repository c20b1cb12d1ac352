//! Plain decimal text to scaled integers and back, and the tax rate.
//!
//! One strict reader for amounts, quantities and rates: an optional minus,
//! digits, and optionally a point with digits. Exponents, signs of plus, blanks
//! and thousands separators are refused, so no two systems read one text as
//! two numbers.
//!
//! Invariant: what [`write_scaled`] writes, [`parse_scaled`] reads back.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{IdError, text_conversions};

/// Why a decimal text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalError {
    /// Not a plain decimal number.
    NotANumber,
    /// A digit other than 0 beyond the allowed decimals.
    TooPrecise,
    /// Does not fit 64 bits when scaled.
    TooLarge,
}

/// Reads `text` as an integer of 10^-`decimals`.
pub(crate) fn parse_scaled(text: &str, decimals: u32) -> Result<i64, DecimalError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(DecimalError::NotANumber),
        Some((whole, fraction)) => (whole, fraction),
        None => (unsigned, ""),
    };
    let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return Err(DecimalError::NotANumber);
    }
    let kept = fraction.len().min(decimals as usize);
    let (kept, beyond) = fraction.split_at(kept);
    if beyond.bytes().any(|b| b != b'0') {
        return Err(DecimalError::TooPrecise);
    }
    let padding = std::iter::repeat_n(b'0', decimals as usize - kept.len());
    let mut value: i64 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i64::from(digit - b'0')))
            .ok_or(DecimalError::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

/// Writes an integer of 10^-`decimals` as decimal text, with all decimals or
/// without trailing zeros.
pub(crate) fn write_scaled(out: &mut String, value: i64, decimals: u32, trim: bool) {
    let magnitude = value.unsigned_abs();
    let scale = 10_u64.pow(decimals);
    if value < 0 {
        out.push('-');
    }
    out.push_str(&(magnitude / scale).to_string());
    if decimals == 0 || (trim && magnitude.is_multiple_of(scale)) {
        return;
    }
    let fraction = format!("{:0width$}", magnitude % scale, width = decimals as usize);
    out.push('.');
    out.push_str(if trim {
        fraction.trim_end_matches('0')
    } else {
        &fraction
    });
}

/// A tax rate as a fraction of the price: `0.0825` is 8.25 %.
///
/// Between 0 and 1 with at most six decimals; two texts of one rate are equal.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    millionths: u32,
}

impl Rate {
    /// No tax.
    pub const ZERO: Self = Self { millionths: 0 };

    /// The rate of so many millionths, if it is not above 1.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths <= 1_000_000 {
            Some(Self { millionths })
        } else {
            None
        }
    }

    /// The rate in millionths: 82,500 for 8.25 %.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    /// The rate as a decimal number.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(i64::from(self.millionths), 6).normalize()
    }
}

impl FromStr for Rate {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use a fraction from 0 to 1 with at most 6 decimals, such as 0.0825 for 8.25 %";
        parse_scaled(text, 6)
            .ok()
            .and_then(|millionths| u32::try_from(millionths).ok())
            .and_then(Self::from_millionths)
            .ok_or_else(|| IdError::new("tax rate", text, rule))
    }
}

impl fmt::Display for Rate {
    /// Without trailing zeros: `0.0825`, `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_scaled(&mut text, i64::from(self.millionths), 6, true);
        f.pad(&text)
    }
}

text_conversions!(Rate, IdError);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_fractions() {
        assert_eq!("0.0825".parse::<Rate>().unwrap().millionths(), 82_500);
        assert_eq!("0.190000".parse::<Rate>().unwrap().to_string(), "0.19");
        assert_eq!(
            "0.19".parse::<Rate>().unwrap().to_decimal().to_string(),
            "0.19"
        );
        for text in ["8.25", "-0.1", "0.0000001", "1.000001", "8%", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value: i64, decimals in 0_u32..7, trim: bool) {
            prop_assume!(value != i64::MIN);
            let mut text = String::new();
            write_scaled(&mut text, value, decimals, trim);
            prop_assert_eq!(parse_scaled(&text, decimals), Ok(value));
        }
    }
}
