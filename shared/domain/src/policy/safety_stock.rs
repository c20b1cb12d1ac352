//! Safety stock: units withheld from remote promises and sold at tills.

use serde::{Deserialize, Serialize};

use super::scope::{self, Goods, Place, Scope};
use super::{PolicyError, Units};

/// How much is withheld where.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SafetyStockPolicy {
    /// What holds where no rule matches.
    pub default: Units,
    /// The rules; of those that match, the most specific holds alone.
    pub rules: Vec<SafetyStockRule>,
}

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetyStockRule {
    /// What it is about.
    #[serde(default)]
    pub scope: Scope,
    /// How many units are withheld.
    pub units: Units,
}

impl SafetyStockPolicy {
    /// What is withheld of goods at a place, and the rule that says so; none for
    /// the default.
    #[must_use]
    pub fn of<'a>(
        &self,
        goods: impl Into<Goods<'a>>,
        place: impl Into<Place<'a>>,
    ) -> (Units, Option<usize>) {
        let (goods, place) = (goods.into(), place.into());
        let found = scope::most_specific(&self.rules, |rule| &rule.scope, goods, place);
        found.map_or((self.default, None), |(i, rule)| (rule.units, Some(i)))
    }

    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let default = super::units::beyond(self.default, || "/default".to_owned());
        let rules = self.rules.iter().enumerate();
        let rules = rules.filter_map(|(i, rule)| {
            super::units::beyond(rule.units, || format!("/rules/{i}/units"))
        });
        let scopes = self.rules.iter().enumerate();
        let empty = scopes.flat_map(|(i, rule)| rule.scope.validate(&format!("/rules/{i}/scope")));
        let repeated = scope::repeated(self.rules.iter().map(|rule| &rule.scope));
        let repeated = repeated.into_iter().map(|(first, again)| {
            let detail =
                format!("rule {first} is about the same goods and places; keep one of the two");
            PolicyError::new(format!("/rules/{again}/scope"), detail)
        });
        let errors = default.into_iter().chain(rules).chain(empty);
        errors.chain(repeated).collect()
    }
}
