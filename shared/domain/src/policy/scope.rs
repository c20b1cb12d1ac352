//! What a rule of a policy is about: which goods, at which locations.
//!
//! The most specific rule wins, and rules never add up. Goods count before
//! places: a rule for one SKU everywhere beats a rule for everything at one
//! store, because whoever wrote it thought of the product.
//!
//! Invariant: two different scopes that both match something are never equally
//! specific; equal scopes are refused by `validate`.

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::ids::{LocationId, Sku};
use crate::product::{Location, LocationKind, Product};

/// The attribute of a product that names its class: an ABC class, a velocity
/// class, whatever the retailer sorts by.
pub const CLASS_ATTRIBUTE: &str = "class";

/// What rules look at of a product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Goods<'a> {
    /// Which one.
    pub sku: &'a Sku,
    /// Its category; empty if it has none.
    pub category: &'a str,
    /// Its department; empty if it has none.
    pub department: &'a str,
    /// Its class, see [`CLASS_ATTRIBUTE`].
    pub class: Option<&'a str>,
}

/// What rules look at of a location.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// Which one.
    pub id: &'a LocationId,
    /// What it is.
    pub kind: LocationKind,
}

impl<'a> From<&'a Product> for Goods<'a> {
    fn from(product: &'a Product) -> Self {
        Self {
            sku: &product.sku,
            category: &product.category,
            department: &product.department,
            class: product.attributes.get(CLASS_ATTRIBUTE).map(String::as_str),
        }
    }
}

impl<'a> From<&'a Location> for Place<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            id: &location.id,
            kind: location.kind,
        }
    }
}

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
    /// All products of a class: those whose attribute `class` says so. A product
    /// has one class, so two rules for different classes never meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
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
    /// Whether it is about these goods at this place.
    #[must_use]
    pub fn matches<'a>(&self, goods: impl Into<Goods<'a>>, place: impl Into<Place<'a>>) -> bool {
        fn fits<T: PartialEq + ?Sized>(wanted: Option<&T>, is: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == is)
        }
        let (goods, place) = (goods.into(), place.into());
        fits(self.sku.as_ref(), goods.sku)
            && fits(self.category.as_deref(), goods.category)
            && self
                .class
                .as_deref()
                .is_none_or(|class| goods.class == Some(class))
            && fits(self.department.as_deref(), goods.department)
            && fits(self.location.as_ref(), place.id)
            && fits(self.location_kind.as_ref(), &place.kind)
    }

    /// How specific it is; the greatest wins. Every combination of fields has a
    /// rank of its own: SKU, then category, class, department, location, kind.
    #[must_use]
    pub fn specificity(&self) -> [bool; 6] {
        [
            self.sku.is_some(),
            self.category.is_some(),
            self.class.is_some(),
            self.department.is_some(),
            self.location.is_some(),
            self.location_kind.is_some(),
        ]
    }
}

impl Scope {
    /// What is wrong with it, under its place in the policy: a word that no
    /// product can have matches nothing for ever.
    pub(super) fn validate(&self, pointer: &str) -> Vec<PolicyError> {
        let words = [
            ("category", &self.category),
            ("class", &self.class),
            ("department", &self.department),
        ];
        let empty = words
            .into_iter()
            .filter(|(_, word)| word.as_ref().is_some_and(|word| word.trim().is_empty()));
        empty
            .map(|(field, _)| {
                let detail = format!("name a {field}, or leave it out to match every {field}");
                PolicyError::new(format!("{pointer}/{field}"), detail)
            })
            .collect()
    }
}

/// The most specific of the rules that match, and its place in the list.
pub(super) fn most_specific<'a, R>(
    rules: &'a [R],
    scope: impl Fn(&R) -> &Scope,
    goods: Goods<'_>,
    place: Place<'_>,
) -> Option<(usize, &'a R)> {
    rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| scope(rule).matches(goods, place))
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
