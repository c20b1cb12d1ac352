//! Units in a policy: a decimal string with up to three decimals, such as "2"
//! or "0.75", in whatever unit the product has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::money::{DecimalError, parse_scaled, write_scaled};
use crate::quantity::Quantity;

/// An amount of goods of any product, in thousandths; never below zero.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Units(i64);

/// A text that is no [`Units`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"{0}\" is no number of units: write one from 0 to 1000000000 such as \"2\" or \"0.75\"")]
pub struct UnitsError(String);

impl Units {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole units.
    #[must_use]
    pub const fn whole(units: u32) -> Self {
        Self(units as i64 * 1_000)
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

/// Most units that a rule withholds or keeps of one product at one location: a
/// larger number is a slip of the finger, and sums of rules stay far from what
/// fits.
const MOST: Units = Units::whole(1_000_000);

/// The error of units beyond what a rule may name, at their place.
pub(super) fn beyond(units: Units, pointer: impl FnOnce() -> String) -> Option<PolicyError> {
    let detail = || format!("{units} is more than a rule may name; write at most {MOST}");
    (units > MOST).then(|| PolicyError::new(pointer(), detail()))
}

impl FromStr for Units {
    type Err = UnitsError;

    fn from_str(text: &str) -> Result<Self, UnitsError> {
        let read: Result<i64, DecimalError> = parse_scaled(text, 3);
        let fits = read
            .ok()
            .filter(|t| (0..=Quantity::MAX_THOUSANDTHS).contains(t));
        let refused = || UnitsError(text.chars().take(40).collect());
        fits.map(Self).ok_or_else(refused)
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_scaled(&mut text, self.0, 3, true);
        f.pad(&text)
    }
}

impl TryFrom<String> for Units {
    type Error = UnitsError;

    fn try_from(text: String) -> Result<Self, UnitsError> {
        text.parse()
    }
}

impl From<Units> for String {
    fn from(units: Units) -> Self {
        units.to_string()
    }
}
