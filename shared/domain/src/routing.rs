//! Routing: where the goods of an order come from.
//!
//! A plan is a pure function of a snapshot and a policy. It keeps every
//! candidate with what spoke for and against it, so that a person can be told
//! why, and the same snapshot gives the same plan for ever: nothing here looks
//! at a clock, and there is no floating point.
//!
//! Where an address lies, how far it is without coordinates, and what sending
//! costs follow from the policy here, so that a draft of it can be tried on
//! snapshots that are kept.
//!
//! Level by level, the rules are all hard at first, and then one more soft rule
//! is given up. At each level one location that covers everything is preferred;
//! then the fewest that do together. Equals are spread by a hash of order and
//! location, so that no store gets all of them because of its name.
//!
//! Invariant: an assignment never exceeds what the hub may promise from that
//! location, no more than `max_locations` share an order, and their further
//! parcels cost no more than `max_split_cost`.

mod asking;
mod distance;
mod eligible;
mod known;
mod level;
mod score;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use asking::{RightsAsked, Spare, Spares, worth_asking};
pub use distance::Position;
pub use eligible::{HardRule, Rule, Verdict};
pub use score::Score;

use crate::ids::{LocationId, Sku};
use crate::opening::Opening;
use crate::policy::{RoutingPolicy, SoftRule};
use crate::product::{Area, LocationKind};
use crate::time::Timestamp;
use known::Known;
use level::Level;

/// What is to be sourced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// The order line.
    pub line: u32,
    /// The product.
    pub sku: Sku,
    /// How much, in thousandths; above zero.
    pub quantity: i64,
}

/// Where the goods go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The customer comes for them to this location.
    Pickup(LocationId),
    /// They are sent to a place.
    Ship {
        /// Where, if it is known.
        position: Option<Position>,
        /// The delivery zone, where the order names one; else it follows from
        /// the area.
        zone: Option<String>,
        /// The country and region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        area: Option<Area>,
    },
}

/// A location as it stood when the plan was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// Which one.
    pub location: LocationId,
    /// Where it stands, if that is known.
    pub position: Option<Position>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LocationKind>,
    /// The country and region that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// What the hub may promise from it now, in thousandths.
    pub usable: BTreeMap<Sku, i64>,
    /// Units that are free there, promisable or not, in thousandths.
    pub depth: BTreeMap<Sku, i64>,
    /// What its own customers are expected to buy until its next delivery, in
    /// thousandths.
    pub demand: BTreeMap<Sku, i64>,
    /// Order lines that it can still take on the trading day on which these
    /// would be due.
    pub free_capacity: u32,
    /// When the goods could be ready, worked on only while it is open.
    pub ready_at: Timestamp,
    /// Whether it is open when the plan is made; none in snapshots from before
    /// opening hours were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
    /// Whether it sells online now.
    pub selling_open: bool,
    /// Whether it has been silent for too long.
    pub suspended: bool,
    /// How old what is known of it is, in seconds.
    pub data_age_s: u32,
    /// Until when it is not offered this order again, after it rejected it.
    pub cooling_until: Option<Timestamp>,
}

/// Everything that a plan depends on beside the policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The order, as text; it only spreads equals.
    pub order: String,
    /// When the plan was made.
    pub now: Timestamp,
    /// What is to be sourced.
    pub wanted: Vec<Wanted>,
    /// Where it goes.
    pub destination: Destination,
    /// When it was promised to be there.
    pub promise_by: Option<Timestamp>,
    /// Whether several locations may share it.
    pub allow_split: bool,
    /// Whether a part may stay open.
    pub allow_partial: bool,
    /// The version of the policy that was in force.
    pub policy_version: u64,
    /// Every location that was looked at.
    pub candidates: Vec<Candidate>,
    /// The rights that stores were asked for before the plan was made; what came
    /// of it is in what the candidates may promise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<RightsAsked>,
}

/// A part of a line that comes from a location.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The order line.
    pub line: u32,
    /// Where from.
    pub location: LocationId,
    /// How much, in thousandths.
    pub quantity: i64,
}

/// A candidate and what spoke for and against it, at the level that was chosen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Considered {
    /// Which one.
    pub location: LocationId,
    /// Every rule, whether it holds, and why not.
    pub verdicts: Vec<Verdict>,
    /// How good it is; none for one that was out.
    pub score: Option<Score>,
    /// What the whole order would cost from it, in minor units; none without
    /// costs in the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i64>,
    /// How old what was known of it was, in seconds.
    pub data_age_s: u32,
}

/// Where the goods come from, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// By line and location.
    pub assignments: Vec<Assignment>,
    /// What no location covers, by line, in thousandths.
    pub unsourced: BTreeMap<u32, i64>,
    /// The soft rules that were given up for it.
    pub relaxed: Vec<SoftRule>,
    /// What parcels and handling of the assignments cost, in minor units; none
    /// without costs in the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i64>,
    /// Every candidate, by location.
    pub considered: Vec<Considered>,
    /// The version of the policy that decided.
    pub policy_version: u64,
}

impl Plan {
    /// How many locations share the order: each sends a parcel, or has something
    /// to be collected.
    #[must_use]
    pub fn parcels(&self) -> usize {
        let from = self.assignments.iter().map(|part| &part.location);
        from.collect::<BTreeSet<_>>().len()
    }

    /// Whether one location keeps all of the order.
    #[must_use]
    pub fn is_kept_by_one(&self) -> bool {
        self.unsourced.is_empty() && self.parcels() <= 1
    }
}

/// Decides where the goods of an order come from. When they cannot all be had
/// and nothing may stay open, nothing is assigned.
#[must_use]
pub fn plan(snapshot: &Snapshot, policy: &RoutingPolicy) -> Plan {
    let known = known::all(snapshot, policy);
    let mut best = Level::at(&known, snapshot, policy, &[]);
    for given_up in 1..=policy.relax.len() {
        if best.is_whole() {
            break;
        }
        let level = Level::at(&known, snapshot, policy, &policy.relax[..given_up]);
        if level.sourced() > best.sourced() {
            best = level;
        }
    }
    if !best.is_whole() && !snapshot.allow_partial {
        best.drop_assignments(snapshot);
    }
    let cost = policy.costs.is_some().then(|| best.cost(&known));
    let Level {
        relaxed,
        scores,
        mut assignments,
        mut open,
    } = best;
    assignments.sort();
    open.retain(|_, open| *open > 0);
    let considered = known.into_iter().map(|known| Considered {
        location: known.candidate.location.clone(),
        score: scores.get(&known.candidate.location).copied(),
        cost: known.cost,
        data_age_s: known.candidate.data_age_s,
        verdicts: known.verdicts,
    });
    Plan {
        assignments,
        unsourced: open,
        relaxed,
        cost,
        considered: considered.collect(),
        policy_version: snapshot.policy_version,
    }
}
