//! What policies about promises name: goods, places and channels.
//!
//! A name that nothing has is no mistake of form: the goods may come tomorrow. But
//! a rule for a misspelt product matches nothing, and nobody notices. So whoever
//! puts a policy is told of the names that nothing has.
//!
//! Invariant: a name that something has is never warned about.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChannelPolicy, Goods, OnlinePolicy, PolicyError, SafetyStockPolicy, Scope};
use crate::ids::{LocationId, Sku};
use crate::order::ChannelId;
use crate::product::{LocationKind, Product};

/// Most warnings about one policy.
const MOST: usize = 100;

/// What a policy names, each with its place as a JSON pointer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mentions {
    /// Scopes of rules.
    pub scopes: Vec<(String, Scope)>,
    /// Channels.
    pub channels: Vec<(String, ChannelId)>,
    /// Locations that have a rule of their own.
    pub locations: Vec<(String, LocationId)>,
    /// Kinds of locations that have a rule of their own.
    pub kinds: Vec<(String, LocationKind)>,
}

/// What there is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// The products that the policy names.
    pub products: BTreeMap<Sku, Product>,
    /// Categories of all products.
    pub categories: BTreeSet<String>,
    /// Classes of all products.
    pub classes: BTreeSet<String>,
    /// Departments of all products.
    pub departments: BTreeSet<String>,
    /// The locations.
    pub locations: BTreeMap<LocationId, LocationKind>,
    /// Channels from which an order came.
    pub channels: BTreeSet<ChannelId>,
}

impl SafetyStockPolicy {
    /// What it names.
    #[must_use]
    pub fn mentions(&self) -> Mentions {
        let rules = self.rules.iter().enumerate();
        let scopes = rules.map(|(i, rule)| (format!("/rules/{i}/scope"), rule.scope.clone()));
        Mentions {
            scopes: scopes.collect(),
            ..Mentions::default()
        }
    }
}

impl ChannelPolicy {
    /// What it names.
    #[must_use]
    pub fn mentions(&self) -> Mentions {
        let mut mentions = Mentions::default();
        for id in self.channels.keys() {
            let pointer = format!("/channels/{id}");
            mentions.channels.push((pointer, id.clone()));
        }
        let reserves = self.reserves.iter().enumerate();
        let reserves = reserves.map(|(i, r)| (format!("/reserves/{i}"), &r.channel, &r.scope));
        let exclusions = self.exclusions.iter().enumerate();
        let exclusions =
            exclusions.map(|(i, e)| (format!("/exclusions/{i}"), &e.channel, &e.scope));
        for (pointer, channel, scope) in reserves.chain(exclusions) {
            let scope = (format!("{pointer}/scope"), scope.clone());
            mentions.scopes.push(scope);
            // One that is listed is warned about once, where it is listed.
            if !self.channels.contains_key(channel) {
                let channel = (format!("{pointer}/channel"), channel.clone());
                mentions.channels.push(channel);
            }
        }
        mentions
    }
}

impl OnlinePolicy {
    /// What it names.
    #[must_use]
    pub fn mentions(&self) -> Mentions {
        let locations = self.locations.keys();
        let locations = locations.map(|id| (format!("/locations/{id}"), id.clone()));
        let kinds = self.kinds.keys();
        let kinds = kinds.map(|kind| (format!("/kinds/{}", kind.as_str()), *kind));
        Mentions {
            locations: locations.collect(),
            kinds: kinds.collect(),
            ..Mentions::default()
        }
    }
}

impl Mentions {
    /// The products that are named.
    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.scopes
            .iter()
            .filter_map(|(_, scope)| scope.sku.as_ref())
    }

    /// Whether a category, class or department is named.
    #[must_use]
    pub fn names_groups(&self) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.any(|(_, s)| s.category.is_some() || s.class.is_some() || s.department.is_some())
    }

    /// The names that nothing has, the first ones, each with what to do.
    #[must_use]
    pub fn unknown(&self, known: &Known) -> Vec<PolicyError> {
        let mut warnings = Vec::new();
        for (pointer, id) in &self.channels {
            if !known.channels.contains(id) {
                let detail = format!("no order ever came from channel {id}; check its spelling");
                warnings.push(PolicyError::new(pointer.clone(), detail));
            }
        }
        for (pointer, scope) in &self.scopes {
            warnings.extend(of_scope(pointer, scope, known));
        }
        for (pointer, id) in &self.locations {
            warnings.extend(of_location(pointer.clone(), id, known));
        }
        for (pointer, kind) in &self.kinds {
            warnings.extend(of_kind(pointer.clone(), *kind, known));
        }
        warnings.truncate(MOST);
        warnings
    }
}

fn of_scope(pointer: &str, scope: &Scope, known: &Known) -> Vec<PolicyError> {
    let mut warnings = Vec::new();
    let groups = [
        ("category", &scope.category, &known.categories),
        ("class", &scope.class, &known.classes),
        ("department", &scope.department, &known.departments),
    ];
    for (field, named, there) in groups {
        let Some(named) = named.as_ref().filter(|named| !there.contains(*named)) else {
            continue;
        };
        let mut alike = there.iter().filter(|one| one.eq_ignore_ascii_case(named));
        let remedy = alike.next().map_or_else(
            || "check its spelling".to_owned(),
            |one| format!("write {one}, if that is meant"),
        );
        let detail = format!("no product has the {field} {named}; {remedy}");
        warnings.push(PolicyError::new(format!("{pointer}/{field}"), detail));
    }
    if let Some(sku) = &scope.sku {
        warnings.extend(of_sku(pointer, sku, scope, known));
    }
    if let Some(id) = &scope.location {
        warnings.extend(of_location(format!("{pointer}/location"), id, known));
        let other = known.locations.get(id).copied();
        let other = other.filter(|kind| scope.location_kind.is_some_and(|k| k != *kind));
        warnings.extend(other.map(|kind| {
            let detail = format!(
                "{id} is a {}, so the rule matches nothing; leave the kind out",
                kind.as_str()
            );
            PolicyError::new(format!("{pointer}/location_kind"), detail)
        }));
    } else if let Some(kind) = scope.location_kind {
        warnings.extend(of_kind(format!("{pointer}/location_kind"), kind, known));
    }
    warnings
}

/// A product that is not known, or is in another group than the scope says.
fn of_sku(pointer: &str, sku: &Sku, scope: &Scope, known: &Known) -> Option<PolicyError> {
    let Some(product) = known.products.get(sku) else {
        let detail = format!("no product {sku} is known; check its spelling, or import it");
        return Some(PolicyError::new(format!("{pointer}/sku"), detail));
    };
    let goods = Goods::from(product);
    let is = [
        ("category", scope.category.as_deref(), Some(goods.category)),
        ("class", scope.class.as_deref(), goods.class),
        (
            "department",
            scope.department.as_deref(),
            Some(goods.department),
        ),
    ];
    let mut elsewhere = is
        .into_iter()
        .filter(|(_, named, is)| named.is_some() && named != is);
    elsewhere.next().map(|(field, named, _)| {
        let named = named.unwrap_or_default();
        let detail = format!(
            "{sku} is not of the {field} {named}, so the rule matches nothing; leave the {field} \
             out"
        );
        PolicyError::new(format!("{pointer}/{field}"), detail)
    })
}

fn of_location(pointer: String, id: &LocationId, known: &Known) -> Option<PolicyError> {
    let detail = format!("no location {id} is known; check its spelling, or import it");
    (!known.locations.contains_key(id)).then(|| PolicyError::new(pointer, detail))
}

fn of_kind(pointer: String, kind: LocationKind, known: &Known) -> Option<PolicyError> {
    let detail = format!(
        "no location is a {}; the rule matches nothing yet",
        kind.as_str()
    );
    let there = known.locations.values().any(|one| *one == kind);
    (!there).then(|| PolicyError::new(pointer, detail))
}
