//! Where the goods of an order come from: the snapshot, the plan, and the rights
//! that the plan uses up.
//!
//! Invariant: what is promised is covered by the hub's rights in the very
//! transaction that writes it.

use std::collections::BTreeMap;

use evertill_domain::availability::{Basis, GoodsBasis, PairBasis, PlaceBasis};
use evertill_domain::order::{
    ChannelId, Destination as Where, FulfilmentKind, LinePromised, OrderPlaced,
};
use evertill_domain::product::Area;
use evertill_domain::rights::PairCells;
use evertill_domain::routing::{
    Assignment, Candidate, Destination, HardRule, Position, Rule, Snapshot, Verdict, Wanted, plan,
};
use evertill_domain::trial::{Recorded, usable as usable_of};
use evertill_domain::{Location, LocationId, Quantity, ReplicaId, Sku, Timestamp};
use evertill_storage::{TableError, TableResult};

use super::timing;
use crate::services::ground::{Ground, Pair, Picture};

/// What is to be sourced, and what is known of the order.
pub(super) struct Order<'a> {
    pub(super) id: String,
    pub(super) placed: &'a OrderPlaced,
    pub(super) wanted: Vec<Wanted>,
    /// Locations that gave the order back, and until when they are not asked.
    pub(super) cooling: BTreeMap<LocationId, Timestamp>,
    /// The only location that is asked, where a person chose it.
    pub(super) only: Option<LocationId>,
    /// Whether a part may stay open.
    pub(super) allow_partial: bool,
    /// Whether several locations may share it.
    pub(super) allow_split: bool,
}

/// A plan with what it was made from.
pub(super) struct Planned {
    pub(super) recorded: Recorded,
    pub(super) pairs: BTreeMap<(LocationId, Sku), Pair>,
}

/// Plans where the goods come from.
pub(super) fn plan_order(
    ground: &Ground<'_>,
    picture: &Picture,
    order: &Order<'_>,
    now: Timestamp,
) -> TableResult<Planned> {
    let placed = order.placed;
    let mut pairs = BTreeMap::new();
    let mut around = BTreeMap::new();
    let mut candidates = Vec::new();
    let asked = picture.locations.iter().filter(|location| {
        order.only.as_ref().is_none_or(|only| *only == location.id)
            && placed
                .fulfilment
                .location
                .as_ref()
                .is_none_or(|named| *named == location.id)
    });
    for location in asked {
        candidates.push(candidate(ground, picture, order, location, &mut pairs)?);
        let place = PlaceBasis {
            situation: ground.situation(location)?,
            pairs: BTreeMap::new(),
        };
        around.insert(location.id.clone(), place);
    }
    let destination = match (placed.fulfilment.kind, &placed.fulfilment.location) {
        (FulfilmentKind::Pickup, Some(location)) => Destination::Pickup(location.clone()),
        _ => shipped_to(placed.fulfilment.destination.as_ref()),
    };
    let selling = &picture.selling;
    let snapshot = Snapshot {
        order: order.id.clone(),
        now,
        wanted: order.wanted.clone(),
        destination,
        promise_by: placed.fulfilment.promise_by,
        allow_split: order.allow_split,
        allow_partial: order.allow_partial,
        policy_version: selling.routing_revision,
        candidates,
        asked: Vec::new(),
    };
    let plan = plan(&snapshot, &selling.routing);
    let basis = basis(picture, &placed.channel, around, &pairs);
    let recorded = Recorded {
        snapshot,
        plan,
        routing: selling.routing.clone(),
        basis: Some(basis),
    };
    Ok(Planned { recorded, pairs })
}

/// The facts behind the figures of a plan.
fn basis(
    picture: &Picture,
    channel: &ChannelId,
    places: BTreeMap<LocationId, PlaceBasis>,
    pairs: &BTreeMap<(LocationId, Sku), Pair>,
) -> Basis {
    let mut basis = Basis {
        channel: Some(channel.clone()),
        policies: picture.selling.revisions,
        goods: BTreeMap::new(),
        places,
    };
    for ((location, sku), pair) in pairs {
        if let Some(product) = picture.products.get(sku)
            && !basis.goods.contains_key(sku)
        {
            basis.goods.insert(sku.clone(), GoodsBasis::of(product));
        }
        if let Some(place) = basis.places.get_mut(location)
            && pair.basis != PairBasis::default()
        {
            place.pairs.insert(sku.clone(), pair.basis);
        }
    }
    basis
}

fn shipped_to(destination: Option<&Where>) -> Destination {
    let Some(destination) = destination else {
        return Destination::Ship {
            position: None,
            zone: None,
            area: None,
        };
    };
    let place = destination.latitude.zip(destination.longitude);
    Destination::Ship {
        position: place.map(|(latitude, longitude)| Position {
            latitude,
            longitude,
        }),
        zone: destination.zone.clone(),
        area: Some(Area {
            country: destination.country.clone().unwrap_or_default(),
            region: destination.region.clone().unwrap_or_default(),
        }),
    }
}

fn candidate(
    ground: &Ground<'_>,
    picture: &Picture,
    order: &Order<'_>,
    location: &Location,
    pairs: &mut BTreeMap<(LocationId, Sku), Pair>,
) -> TableResult<Candidate> {
    let (mut usable, mut depth, mut demand) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for wanted in &order.wanted {
        let Some(product) = picture.products.get(&wanted.sku) else {
            continue;
        };
        let key = (location.id.clone(), wanted.sku.clone());
        if pairs.contains_key(&key) {
            continue;
        }
        let pair = ground.pair(location, product, Some(&order.placed.channel))?;
        let quantum = product.unit.rights_quantum();
        usable.insert(
            wanted.sku.clone(),
            usable_of(pair.availability.atp, quantum),
        );
        depth.insert(wanted.sku.clone(), pair.free);
        demand.insert(wanted.sku.clone(), pair.demand_per_day);
        pairs.insert(key, pair);
    }
    let timers = &picture.selling.timers;
    let timing = timing::of(ground, location, &order.placed.fulfilment, timers)?;
    let position = location.latitude.zip(location.longitude);
    Ok(Candidate {
        location: location.id.clone(),
        position: position.and_then(|(north, east)| Position::from_degrees(north, east)),
        kind: Some(location.kind),
        area: Some(location.area()),
        usable,
        depth,
        demand,
        free_capacity: timing.free_capacity,
        ready_at: timing.ready_at,
        opening: Some(timing.opening),
        selling_open: ground.is_open(&location.id),
        suspended: ground.is_suspended(location),
        data_age_s: ground.silent_s(&location.id),
        cooling_until: order.cooling.get(&location.id).copied(),
    })
}

impl Planned {
    /// The rights that the plan uses, as counters of the hub. Where the hub mints
    /// it mints what is missing in the same write.
    ///
    /// # Errors
    /// The rights do not cover the plan: a fault of ours, nothing is written.
    pub(super) fn cells(&self, hub: ReplicaId) -> TableResult<PairCells> {
        let mut sums: BTreeMap<(LocationId, Sku), i64> = BTreeMap::new();
        for part in &self.recorded.plan.assignments {
            let wanted = self.recorded.snapshot.wanted.iter();
            let sku = wanted.clone().find(|wanted| wanted.line == part.line);
            let sku = sku.expect("invariant: a plan assigns lines that are wanted");
            let key = (part.location.clone(), sku.sku.clone());
            *sums.entry(key).or_default() += part.quantity;
        }
        let mut said = PairCells::new();
        for (key, quantity) in sums {
            let pair = &self.pairs[&key];
            let unfit = |error: evertill_domain::rights::RightsError| TableError::Unfit {
                reason: format!("rights of {} at {}: {error}", key.1, key.0),
            };
            let mut cells = pair.cells.clone();
            let mut write = cells.mint(hub, pair.mintable).map_err(unfit)?;
            cells.apply(hub, &write);
            let usable = cells.rights(hub);
            write.join(cells.promise(hub, quantity, usable).map_err(unfit)?);
            said.insert(key, write);
        }
        Ok(said)
    }

    /// The promises of the plan.
    pub(super) fn promises(
        &self,
        decision: i64,
        promise_by: Option<Timestamp>,
    ) -> Vec<LinePromised> {
        let ready = |location: &LocationId| {
            let candidates = self.recorded.snapshot.candidates.iter();
            let mut found = candidates.filter(|candidate| candidate.location == *location);
            found.next().map(|candidate| candidate.ready_at)
        };
        let parts = self.recorded.plan.assignments.iter();
        parts
            .filter_map(|part: &Assignment| {
                Some(LinePromised {
                    line: part.line,
                    location: part.location.clone(),
                    quantity: Quantity::from_thousandths(part.quantity).ok()?,
                    promise_by: promise_by.or_else(|| ready(&part.location)),
                    decision: Some(decision.to_string()),
                    replaces: None,
                })
            })
            .collect()
    }

    /// How much the plan assigns of a line, in thousandths.
    pub(super) fn assigned(&self, line: u32) -> i64 {
        let parts = self.recorded.plan.assignments.iter();
        let parts = parts.filter(|part| part.line == line);
        parts.map(|part| part.quantity).sum()
    }

    /// What speaks against each location that has any of it.
    pub(super) fn against(&self) -> Vec<(LocationId, String)> {
        let has_units =
            |verdict: &Verdict| verdict.holds || verdict.rule != Rule::Hard(HardRule::HasUnits);
        let mut against = Vec::new();
        for considered in &self.recorded.plan.considered {
            let mut verdicts = considered.verdicts.iter();
            let fails = verdicts.clone().find(|verdict| {
                !verdict.holds && !verdict.rule.is_given_up(&self.recorded.plan.relaxed)
            });
            if let Some(verdict) = fails.filter(|_| verdicts.all(has_units)) {
                against.push((considered.location.clone(), verdict.why.clone()));
            }
        }
        against
    }

    /// What could be promised of the products that are not there in full: at one
    /// location, unless it may be split.
    pub(super) fn available(&self) -> BTreeMap<Sku, i64> {
        let mut wanted: BTreeMap<&Sku, i64> = BTreeMap::new();
        for line in &self.recorded.snapshot.wanted {
            *wanted.entry(&line.sku).or_default() += line.quantity;
        }
        let mut available = BTreeMap::new();
        for (sku, wanted) in wanted {
            let atp = self.recorded.snapshot.candidates.iter();
            let atp = atp.map(|candidate| candidate.usable.get(sku).copied().unwrap_or_default());
            let most: i64 = if self.recorded.snapshot.allow_split {
                atp.sum()
            } else {
                atp.max().unwrap_or_default()
            };
            if most < wanted {
                available.insert(sku.clone(), most);
            }
        }
        available
    }
}
