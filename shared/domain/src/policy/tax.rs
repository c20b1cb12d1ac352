//! Which taxes a class is charged, and how they are computed, by location.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::ids::LocationId;
use crate::money::RoundingRule;
use crate::product::TaxClassName;
use crate::tax::{MAX_RATES, TaxMethod, TaxRate, TaxRounding};

/// The tax rules of the chain. The class `zero` always exists and charges
/// nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaxPolicy {
    /// Whether shelf prices contain the taxes.
    pub prices_include_tax: bool,
    /// Where tax is rounded.
    pub rounding: TaxRounding,
    /// How it is rounded.
    pub rule: RoundingRule,
    /// Whether a manufacturer's coupon reduces the base.
    pub coupon_reduces_base: bool,
    /// The taxes of each class.
    pub classes: BTreeMap<TaxClassName, Vec<TaxRate>>,
    /// Locations where classes are charged otherwise.
    pub locations: BTreeMap<LocationId, TaxOverride>,
}

/// What differs at one location.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaxOverride {
    /// Whether shelf prices contain the taxes there.
    pub prices_include_tax: Option<bool>,
    /// The classes that are charged otherwise there.
    pub classes: BTreeMap<TaxClassName, Vec<TaxRate>>,
}

impl TaxPolicy {
    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let chain = ("/classes".to_owned(), &self.classes);
        let elsewhere = self
            .locations
            .iter()
            .map(|(location, there)| (format!("/locations/{location}/classes"), &there.classes));
        let mut errors = Vec::new();
        for (path, classes) in std::iter::once(chain).chain(elsewhere) {
            for (class, rates) in classes {
                errors.extend(check_class(format!("{path}/{class}"), class, rates));
            }
        }
        errors
    }

    /// How taxes are computed at a location.
    #[must_use]
    pub fn method(&self, location: &LocationId) -> TaxMethod {
        let there = self.locations.get(location);
        TaxMethod {
            prices_include_tax: there
                .and_then(|there| there.prices_include_tax)
                .unwrap_or(self.prices_include_tax),
            rounding: self.rounding,
            rule: self.rule,
            coupon_reduces_base: self.coupon_reduces_base,
        }
    }

    /// The taxes of a class at a location; `None` for an unknown class.
    #[must_use]
    pub fn rates(&self, location: &LocationId, class: &TaxClassName) -> Option<&[TaxRate]> {
        let there = self.locations.get(location);
        there
            .and_then(|there| there.classes.get(class))
            .or_else(|| self.classes.get(class))
            .map(Vec::as_slice)
            .or_else(|| (*class == TaxClassName::zero()).then_some(&[]))
    }
}

/// `zero` stays free of tax, a class has few taxes, and none of them twice.
fn check_class(pointer: String, class: &TaxClassName, rates: &[TaxRate]) -> Option<PolicyError> {
    let codes: BTreeSet<_> = rates.iter().map(|tax| (&tax.code, tax.rate)).collect();
    let detail = if *class == TaxClassName::zero() && !rates.is_empty() {
        "the class zero charges nothing; give taxed goods another class".to_owned()
    } else if rates.len() > MAX_RATES {
        format!("a class has at most {MAX_RATES} taxes")
    } else if codes.len() < rates.len() {
        "a tax is listed twice; keep it once".to_owned()
    } else {
        return None;
    };
    Some(PolicyError::new(pointer, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_wins_and_zero_always_exists() {
        let policy: TaxPolicy = serde_json::from_str(
            r#"{"classes":{"food":[{"code":"T","rate":"0.02"}]},
                "locations":{"S002":{"prices_include_tax":true,
                                     "classes":{"food":[{"code":"T","rate":"0.03"}]}}}}"#,
        )
        .unwrap();
        let rate = |location: &str, class: &str| {
            policy
                .rates(&location.parse().unwrap(), &class.parse().unwrap())
                .map(|rates| {
                    rates
                        .iter()
                        .map(|tax| tax.rate.to_string())
                        .collect::<Vec<_>>()
                })
        };
        assert_eq!(rate("S001", "food").unwrap(), ["0.02"]);
        assert_eq!(rate("S002", "food").unwrap(), ["0.03"]);
        assert_eq!(rate("S001", "zero").unwrap(), [""; 0]);
        assert_eq!(rate("S001", "nonsense"), None);
        assert!(policy.method(&"S002".parse().unwrap()).prices_include_tax);
        assert!(!policy.method(&"S001".parse().unwrap()).prices_include_tax);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<TaxPolicy>(r#"{"clases":{}}"#).is_err());
    }
}
