//! What a rule of a policy is about: which goods, at which locations.
//!
//! The most specific rule wins, and rules never add up. Goods count before
//! places: a rule for one SKU everywhere beats a rule for everything at one
//! store, because whoever wrote it thought of the product.
//!
//! Invariant: two different scopes that both match something are never equally
//! specific; equal scopes are refused by `validate`.

use serde::{Deserialize, Serialize};

use crate::ids::{LocationId, Sku};
use crate::product::{Location, LocationKind, Product};

/// Goods and places; what is left out matches everything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// One product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// All products of a category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// All products of a department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// One location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// All locations of a kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_kind: Option<LocationKind>,
}

impl Scope {
    /// Whether it is about this product at this location.
    #[must_use]
    pub fn matches(&self, product: &Product, location: &Location) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, is: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == is)
        }
        fits(self.sku.as_ref(), &product.sku)
            && fits(self.category.as_ref(), &product.category)
            && fits(self.department.as_ref(), &product.department)
            && fits(self.location.as_ref(), &location.id)
            && fits(self.location_kind.as_ref(), &location.kind)
    }

    /// How specific it is; the greatest wins. Every combination of fields has a
    /// rank of its own: SKU, then category, department, location, kind.
    #[must_use]
    pub fn specificity(&self) -> [bool; 5] {
        [
            self.sku.is_some(),
            self.category.is_some(),
            self.department.is_some(),
            self.location.is_some(),
            self.location_kind.is_some(),
        ]
    }
}

/// The most specific of the rules that match, and its place in the list.
pub(super) fn most_specific<'a, R>(
    rules: &'a [R],
    scope: impl Fn(&R) -> &Scope,
    product: &Product,
    location: &Location,
) -> Option<(usize, &'a R)> {
    rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| scope(rule).matches(product, location))
        .max_by_key(|(_, rule)| scope(rule).specificity())
}

/// The first place of a scope that stands in the list twice, and the second.
pub(super) fn repeated<'a>(scopes: impl Iterator<Item = &'a Scope>) -> Vec<(usize, usize)> {
    let mut seen: Vec<&Scope> = Vec::new();
    let mut repeated = Vec::new();
    for (i, scope) in scopes.enumerate() {
        if let Some(first) = seen.iter().position(|other| *other == scope) {
            repeated.push((first, i));
        }
        seen.push(scope);
    }
    repeated
}
