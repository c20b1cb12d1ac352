//! Cash rounding: the smallest coin of each currency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::money::{Currency, Money, MoneyError, RoundingRule, round_cash};

/// How cash is rounded, by currency; a currency without an entry is not.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoundingPolicy {
    /// The rule of each currency.
    pub cash: BTreeMap<Currency, CashRounding>,
}

/// Rounding to the smallest coin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashRounding {
    /// The smallest coin in minor units, such as 5.
    pub increment: u32,
    /// Where the rest goes.
    #[serde(default)]
    pub rule: RoundingRule,
}

impl RoundingPolicy {
    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let zero = self.cash.iter().filter(|(_, cash)| cash.increment == 0);
        zero.map(|(currency, _)| {
            let pointer = format!("/cash/{currency}/increment");
            PolicyError::new(pointer, "the smallest coin is at least 1 minor unit")
        })
        .collect()
    }

    /// What is paid in cash for `due`.
    ///
    /// # Errors
    /// The amount is beyond the limit.
    pub fn cash_due(&self, due: Money) -> Result<Money, MoneyError> {
        self.cash.get(&due.currency()).map_or(Ok(due), |cash| {
            round_cash(due, i64::from(cash.increment), cash.rule)
        })
    }
}
