//! Rights that are worth asking for before a plan is accepted.
//!
//! The hub plans with the rights that it holds. A store that is connected may
//! hold the others, and hands them on at once when it is asked; then an order
//! that would be split comes from one place. Asking costs the order a moment. So
//! nobody is asked unless the plan would leave less open, or have fewer parcels.
//!
//! Invariant: no more is asked for than can be spared, and nothing for a plan
//! that one location keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Plan, Snapshot, plan};
use crate::ids::{LocationId, Sku};
use crate::policy::RoutingPolicy;

/// What a location that is connected could hand on of a product, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spare {
    /// Rights that it can hand on.
    pub rights: i64,
    /// What the hub may promise from it when it has handed them all on.
    pub usable: i64,
}

/// What could be handed on, by location and product.
pub type Spares = BTreeMap<LocationId, BTreeMap<Sku, Spare>>;

/// Rights that a location is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RightsAsked {
    /// Who is asked.
    pub location: LocationId,
    /// For rights of what.
    pub sku: Sku,
    /// How many, in thousandths.
    pub quantity: i64,
}

/// The rights to ask for before `found`, the plan of the snapshot, is accepted;
/// none if more rights make no better plan.
#[must_use]
pub fn worth_asking(
    snapshot: &Snapshot,
    found: &Plan,
    policy: &RoutingPolicy,
    spares: &Spares,
) -> Vec<RightsAsked> {
    if found.is_kept_by_one() || spares.is_empty() {
        return Vec::new();
    }
    let better = plan(&with_spares(snapshot, spares), policy);
    if is_better(&better, found) {
        missing(snapshot, &better, spares)
    } else {
        Vec::new()
    }
}

/// The snapshot as if everything that can be spared had been handed on.
fn with_spares(snapshot: &Snapshot, spares: &Spares) -> Snapshot {
    let mut snapshot = snapshot.clone();
    for candidate in &mut snapshot.candidates {
        for (sku, spare) in spares.get(&candidate.location).into_iter().flatten() {
            let usable = candidate.usable.entry(sku.clone()).or_default();
            *usable = spare.usable.max(*usable);
        }
    }
    snapshot
}

/// Whether a plan leaves less open, or has fewer parcels and gives up no more
/// rules for it.
fn is_better(one: &Plan, other: &Plan) -> bool {
    let open = |plan: &Plan| -> i64 { plan.unsourced.values().sum() };
    match open(one).cmp(&open(other)) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => {
            one.parcels() < other.parcels() && one.relaxed.len() <= other.relaxed.len()
        }
        std::cmp::Ordering::Greater => false,
    }
}

/// What the better plan assigns and the hub may not promise yet.
fn missing(snapshot: &Snapshot, better: &Plan, spares: &Spares) -> Vec<RightsAsked> {
    let mut assigned: BTreeMap<(&LocationId, &Sku), i64> = BTreeMap::new();
    for part in &better.assignments {
        let mut wanted = snapshot.wanted.iter();
        if let Some(wanted) = wanted.find(|wanted| wanted.line == part.line) {
            *assigned.entry((&part.location, &wanted.sku)).or_default() += part.quantity;
        }
    }
    let asked = assigned
        .into_iter()
        .filter_map(|((location, sku), wanted)| {
            let mut candidates = snapshot.candidates.iter();
            let candidate = candidates.find(|candidate| candidate.location == *location)?;
            let held = candidate.usable.get(sku).copied().unwrap_or_default();
            let spare = spares.get(location)?.get(sku)?;
            // Where a channel gets a part of what there is, a right that is handed on
            // is not one that it may use: then all that can be spared is needed.
            let is_shared_on = spare.usable - held < spare.rights;
            let quantity = if is_shared_on {
                spare.rights
            } else {
                wanted - held
            };
            (wanted > held).then(|| RightsAsked {
                location: location.clone(),
                sku: sku.clone(),
                quantity,
            })
        });
    asked.collect()
}
