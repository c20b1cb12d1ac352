//! Routing: where the goods of an order come from.
//!
//! A plan is a pure function of a snapshot and a policy. It keeps every
//! candidate with what spoke for and against it, so that a person can be told
//! why, and the same snapshot gives the same plan for ever: nothing here looks
//! at a clock, and there is no floating point.
//!
//! Level by level, the rules are all hard at first, and then one more soft rule
//! is given up. At each level one location that covers everything is preferred;
//! then the fewest that do together. Equals are spread by a hash of order and
//! location, so that no store gets all of them because of its name.
//!
//! Invariant: an assignment never exceeds what the hub may promise from that
//! location, and no more than `max_locations` share an order.

mod distance;
mod eligible;
mod score;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use distance::Position;
pub use eligible::{HardRule, Rule, Verdict};
pub use score::Score;

use crate::ids::{LocationId, Sku};
use crate::policy::{RoutingPolicy, SoftRule};
use crate::time::Timestamp;

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
        /// The delivery zone, if there are such.
        zone: Option<String>,
    },
}

/// A location as it stood when the plan was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// Which one.
    pub location: LocationId,
    /// Where it stands, if that is known.
    pub position: Option<Position>,
    /// Zones that it delivers to; any if there are none.
    pub zones: BTreeSet<String>,
    /// What the hub may promise from it now, in thousandths.
    pub usable: BTreeMap<Sku, i64>,
    /// Units that are free there, promisable or not, in thousandths.
    pub depth: BTreeMap<Sku, i64>,
    /// What its own customers are expected to buy until its next delivery, in
    /// thousandths.
    pub demand: BTreeMap<Sku, i64>,
    /// Order lines that it can still take today.
    pub free_capacity: u32,
    /// What one parcel from there costs, in minor units.
    pub cost: i64,
    /// When the goods could be ready or arrive.
    pub ready_at: Timestamp,
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
    /// Every candidate, by location.
    pub considered: Vec<Considered>,
    /// The version of the policy that decided.
    pub policy_version: u64,
}

/// Decides where the goods of an order come from. When they cannot all be had
/// and nothing may stay open, nothing is assigned.
#[must_use]
pub fn plan(snapshot: &Snapshot, policy: &RoutingPolicy) -> Plan {
    let mut best = Level::nothing(snapshot);
    for given_up in 0..=policy.relax.len() {
        let relaxed = &policy.relax[..given_up];
        let level = Level::at(snapshot, policy, relaxed);
        if level.is_whole() || level.sourced() > best.sourced() || given_up == 0 {
            best = level;
        }
        if best.is_whole() {
            break;
        }
    }
    if !best.is_whole() && !snapshot.allow_partial {
        best.drop_assignments(snapshot);
    }
    best.into_plan(snapshot)
}

/// What one level of relaxation gives.
struct Level {
    relaxed: Vec<SoftRule>,
    considered: Vec<Considered>,
    assignments: Vec<Assignment>,
    open: BTreeMap<u32, i64>,
}

impl Level {
    fn nothing(snapshot: &Snapshot) -> Self {
        Self {
            relaxed: Vec::new(),
            considered: Vec::new(),
            assignments: Vec::new(),
            open: wanted(snapshot),
        }
    }

    fn at(snapshot: &Snapshot, policy: &RoutingPolicy, relaxed: &[SoftRule]) -> Self {
        let mut considered: Vec<(&Candidate, Considered)> = snapshot
            .candidates
            .iter()
            .map(|candidate| (candidate, eligible::consider(candidate, snapshot, policy)))
            .collect();
        considered.sort_by(|(a, _), (b, _)| a.location.cmp(&b.location));
        considered.dedup_by(|(a, _), (b, _)| a.location == b.location);
        let is_in = |considered: &Considered| {
            let mut rules = considered.verdicts.iter();
            rules.all(|verdict| verdict.holds || verdict.rule.is_given_up(relaxed))
        };
        let chosen: Vec<&Candidate> = considered
            .iter()
            .filter(|(_, considered)| is_in(considered))
            .map(|(candidate, _)| *candidate)
            .collect();
        let scores = score::of(&chosen, snapshot, &policy.weights);
        for (candidate, considered) in &mut considered {
            considered.score = scores.get(&candidate.location).copied();
        }
        let mut level = Self {
            relaxed: relaxed.to_vec(),
            considered: considered.into_iter().map(|(_, c)| c).collect(),
            ..Self::nothing(snapshot)
        };
        level.assign(&ranked(chosen, &scores, &snapshot.order), snapshot, policy);
        level
    }

    /// One location for everything, or the fewest that cover the most.
    fn assign(&mut self, ranked: &[&Candidate], snapshot: &Snapshot, policy: &RoutingPolicy) {
        let whole: i64 = self.open.values().sum();
        let single = ranked
            .iter()
            .find(|candidate| cover(candidate, snapshot, &self.open).1 == whole);
        if let Some(candidate) = single {
            return self.take(candidate, snapshot);
        }
        let most = if snapshot.allow_split {
            usize::from(policy.max_locations)
        } else {
            1
        };
        let mut left: Vec<&Candidate> = ranked.to_vec();
        for _ in 0..most {
            // The first of the best, so that a better score decides among equals.
            let best = left
                .iter()
                .enumerate()
                .map(|(i, candidate)| (cover(candidate, snapshot, &self.open).1, i))
                .max_by_key(|(covered, i)| (*covered, std::cmp::Reverse(*i)));
            match best {
                Some((covered, i)) if covered > 0 => {
                    let candidate = left.remove(i);
                    self.take(candidate, snapshot);
                }
                _ => break,
            }
        }
    }

    fn take(&mut self, candidate: &Candidate, snapshot: &Snapshot) {
        for (line, quantity) in cover(candidate, snapshot, &self.open).0 {
            self.assignments.push(Assignment {
                line,
                location: candidate.location.clone(),
                quantity,
            });
            *self.open.entry(line).or_default() -= quantity;
        }
    }

    fn is_whole(&self) -> bool {
        self.open.values().all(|open| *open == 0)
    }

    fn sourced(&self) -> i64 {
        self.assignments.iter().map(|part| part.quantity).sum()
    }

    fn drop_assignments(&mut self, snapshot: &Snapshot) {
        self.assignments.clear();
        self.open = wanted(snapshot);
    }

    fn into_plan(mut self, snapshot: &Snapshot) -> Plan {
        self.assignments.sort();
        self.open.retain(|_, open| *open > 0);
        Plan {
            assignments: self.assignments,
            unsourced: self.open,
            relaxed: self.relaxed,
            considered: self.considered,
            policy_version: snapshot.policy_version,
        }
    }
}

fn wanted(snapshot: &Snapshot) -> BTreeMap<u32, i64> {
    let mut open = BTreeMap::new();
    for wanted in &snapshot.wanted {
        *open.entry(wanted.line).or_default() += wanted.quantity.max(0);
    }
    open
}

/// What a candidate covers of what is open: by line, and in all. Lines of one
/// product share its units.
fn cover(
    candidate: &Candidate,
    snapshot: &Snapshot,
    open: &BTreeMap<u32, i64>,
) -> (Vec<(u32, i64)>, i64) {
    let mut used: BTreeMap<&Sku, i64> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut lines = BTreeSet::new();
    for wanted in &snapshot.wanted {
        if !lines.insert(wanted.line) {
            continue;
        }
        let asked = open.get(&wanted.line).copied().unwrap_or_default();
        let usable = candidate
            .usable
            .get(&wanted.sku)
            .copied()
            .unwrap_or_default();
        let used = used.entry(&wanted.sku).or_default();
        let quantity = asked.min(usable - *used).max(0);
        if quantity > 0 {
            *used += quantity;
            parts.push((wanted.line, quantity));
        }
    }
    let sum = parts.iter().map(|(_, quantity)| quantity).sum();
    (parts, sum)
}

/// The best first; equals in the order of a hash of order and location.
fn ranked<'a>(
    mut chosen: Vec<&'a Candidate>,
    scores: &BTreeMap<LocationId, Score>,
    order: &str,
) -> Vec<&'a Candidate> {
    chosen.sort_by_cached_key(|candidate| {
        let total = scores
            .get(&candidate.location)
            .map_or(0, |score| score.total);
        let mut hasher = blake3::Hasher::new();
        hasher.update(order.as_bytes());
        hasher.update(&[0]);
        hasher.update(candidate.location.as_str().as_bytes());
        (std::cmp::Reverse(total), *hasher.finalize().as_bytes())
    });
    chosen
}
