//! Quantities: exact thousandths of a product's unit.
//!
//! An integer in thousandths adds without loss and travels small; the unit is
//! the product's and is never mixed. Over HTTP a quantity is a decimal string.
//!
//! Invariant: |thousandths| ≤ [`Quantity::MAX_THOUSANDTHS`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{IdError, text_conversions};
use crate::money::{DecimalError, parse_scaled, write_scaled};

/// Why a quantity was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a plain decimal number.
    #[error("\"{text}\" is not a quantity: write a plain number such as 2 or 0.75")]
    NotANumber {
        /// What was given.
        text: String,
    },
    /// More decimals than the unit has.
    #[error("quantity {text} is too precise: {unit} is counted with at most {decimals} decimals")]
    TooPrecise {
        /// What was given.
        text: String,
        /// The product's unit.
        unit: Unit,
        /// How many decimals it takes.
        decimals: u32,
    },
    /// Beyond the largest quantity.
    #[error("quantity {text} is too large: the limit is 1000000000")]
    TooLarge {
        /// What was given, or the sum that was computed.
        text: String,
    },
}

impl QuantityError {
    /// The stable code of this refusal: `malformed`, `too_precise` or `too_large`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "malformed",
            Self::TooPrecise { .. } => "too_precise",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

/// An amount of goods in thousandths of the product's unit; may be negative.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(i64);

impl Quantity {
    /// Largest magnitude: 10^12 thousandths, a billion units.
    pub const MAX_THOUSANDTHS: i64 = 1_000_000_000_000;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One unit.
    pub const ONE: Self = Self(1_000);

    /// A quantity of so many thousandths.
    ///
    /// # Errors
    /// [`QuantityError::TooLarge`] beyond ±[`Self::MAX_THOUSANDTHS`].
    pub fn from_thousandths(thousandths: i64) -> Result<Self, QuantityError> {
        if thousandths.unsigned_abs() <= Self::MAX_THOUSANDTHS.unsigned_abs() {
            Ok(Self(thousandths))
        } else {
            let mut text = String::new();
            write_scaled(&mut text, thousandths, 3, true);
            Err(QuantityError::TooLarge { text })
        }
    }

    /// Reads a decimal number with no more decimals than `unit` takes. Zeros
    /// beyond them are harmless and accepted.
    ///
    /// # Errors
    /// Not a number, too precise for the unit, or too large.
    pub fn parse_decimal(text: &str, unit: Unit) -> Result<Self, QuantityError> {
        let owned = || text.chars().take(80).collect::<String>();
        let decimals = unit.decimals();
        let scaled = parse_scaled(text, decimals).map_err(|error| match error {
            DecimalError::NotANumber => QuantityError::NotANumber { text: owned() },
            DecimalError::TooPrecise => QuantityError::TooPrecise {
                text: owned(),
                unit,
                decimals,
            },
            DecimalError::TooLarge => QuantityError::TooLarge { text: owned() },
        })?;
        let thousandths = scaled.checked_mul(10_i64.pow(3 - decimals));
        thousandths
            .and_then(|thousandths| Self::from_thousandths(thousandths).ok())
            .ok_or_else(|| QuantityError::TooLarge { text: owned() })
    }

    /// The quantity in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The same quantity with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(-self.0)
    }

    /// The quantity without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The sum.
    ///
    /// # Errors
    /// [`QuantityError::TooLarge`] beyond the limit.
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        Self::from_thousandths(self.0 + other.0)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`QuantityError::TooLarge`] beyond the limit.
    pub fn checked_sub(self, other: Self) -> Result<Self, QuantityError> {
        Self::from_thousandths(self.0 - other.0)
    }

    /// Whether `unit` can be counted this finely: whole pieces for `each`.
    #[must_use]
    pub const fn fits(self, unit: Unit) -> bool {
        self.0 % 10_i64.pow(3 - unit.decimals()) == 0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(thousandths: i64) -> Result<Self, QuantityError> {
        Self::from_thousandths(thousandths)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> i64 {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    /// Without trailing zeros: `2`, `0.75`, `-1.005`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_scaled(&mut text, self.0, 3, true);
        f.pad(&text)
    }
}

/// What a product is counted in.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "the names are the units")]
pub enum Unit {
    #[default]
    Each,
    Kilogram,
    Gram,
    Pound,
    Ounce,
    Litre,
    Millilitre,
    Gallon,
    Metre,
    Foot,
}

impl Unit {
    /// Every unit, in wire order: the position is the stable number of the unit.
    pub const ALL: [Self; 10] = [
        Self::Each,
        Self::Kilogram,
        Self::Gram,
        Self::Pound,
        Self::Ounce,
        Self::Litre,
        Self::Millilitre,
        Self::Gallon,
        Self::Metre,
        Self::Foot,
    ];

    /// Rights to promise a product are handed on in multiples of this, in
    /// thousandths: whole pieces, and tenths of what is weighed or measured.
    #[must_use]
    pub const fn rights_quantum(self) -> i64 {
        match self {
            Self::Each => 1_000,
            _ => 100,
        }
    }

    /// The unit's short name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Kilogram => "kg",
            Self::Gram => "g",
            Self::Pound => "lb",
            Self::Ounce => "oz",
            Self::Litre => "l",
            Self::Millilitre => "ml",
            Self::Gallon => "gal",
            Self::Metre => "m",
            Self::Foot => "ft",
        }
    }

    /// How many decimals a quantity of this unit may have: none for pieces,
    /// three for anything measured.
    #[must_use]
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Each => 0,
            Self::Kilogram
            | Self::Gram
            | Self::Pound
            | Self::Ounce
            | Self::Litre
            | Self::Millilitre
            | Self::Gallon
            | Self::Metre
            | Self::Foot => 3,
        }
    }

    /// The unit's stable number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The unit of a stable number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for Unit {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use one of each, kg, g, lb, oz, l, ml, gal, m, ft";
        let found = Self::ALL.into_iter().find(|unit| unit.as_str() == text);
        found.ok_or_else(|| IdError::new("unit", text, rule))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(Unit, IdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_and_shown_without_trailing_zeros() {
        for (text, unit, thousandths, shown) in [
            ("2", Unit::Each, 2_000, "2"),
            ("2.000", Unit::Each, 2_000, "2"),
            ("0.750", Unit::Kilogram, 750, "0.75"),
            ("-1.005", Unit::Pound, -1_005, "-1.005"),
            (
                "1000000000",
                Unit::Litre,
                Quantity::MAX_THOUSANDTHS,
                "1000000000",
            ),
            ("0", Unit::Each, 0, "0"),
        ] {
            let quantity = Quantity::parse_decimal(text, unit).unwrap();
            assert_eq!(quantity.thousandths(), thousandths, "{text}");
            assert_eq!(quantity.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_quantity_says_why() {
        for (text, unit, code) in [
            ("1.5", Unit::Each, "too_precise"),
            ("0.0001", Unit::Kilogram, "too_precise"),
            ("1000000000.001", Unit::Kilogram, "too_large"),
            ("99999999999999999999", Unit::Each, "too_large"),
            ("", Unit::Each, "malformed"),
            ("1e3", Unit::Each, "malformed"),
            (".5", Unit::Kilogram, "malformed"),
            ("5.", Unit::Kilogram, "malformed"),
            ("+1", Unit::Each, "malformed"),
            ("NaN", Unit::Each, "malformed"),
            ("1,5", Unit::Kilogram, "malformed"),
        ] {
            let error = Quantity::parse_decimal(text, unit).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
        }
    }

    #[test]
    fn sums_stay_within_the_limit() {
        let most = Quantity::from_thousandths(Quantity::MAX_THOUSANDTHS).unwrap();
        assert!(most.checked_add(Quantity::ONE).is_err());
        assert!(most.negated().checked_sub(Quantity::ONE).is_err());
        assert_eq!(most.checked_sub(most).unwrap(), Quantity::ZERO);
        assert!(Quantity::from_thousandths(i64::MIN).is_err());
    }

    #[test]
    fn pieces_are_whole() {
        assert!(Quantity::ONE.fits(Unit::Each));
        assert!(!Quantity::from_thousandths(1_500).unwrap().fits(Unit::Each));
        assert!(Quantity::from_thousandths(1).unwrap().fits(Unit::Gram));
    }

    #[test]
    fn units_have_stable_names_and_numbers() {
        for (code, unit) in Unit::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(unit.code()), code);
            assert_eq!(Unit::from_code(unit.code()), Some(unit));
            assert_eq!(unit.to_string().parse::<Unit>().unwrap(), unit);
        }
        assert_eq!(Unit::from_code(10), None);
        assert!("KG".parse::<Unit>().is_err());
    }
}
