//! What follows for a candidate from the snapshot and the policy, whatever is
//! chosen of the others: how far it is, what it costs, and which rules it keeps.
//!
//! Invariant: candidates are looked at in the order of their locations, each
//! location once.

use super::eligible::{self, Verdict};
use super::{Candidate, Destination, Snapshot};
use crate::policy::{CostRule, RoutingPolicy, Undelivered};
use crate::product::Area;

/// A candidate, looked at.
pub(super) struct Known<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) verdicts: Vec<Verdict>,
    /// Metres to the destination, by coordinates or else by zone.
    pub(super) metres: Option<u64>,
    /// What one parcel from there costs, in minor units; nothing where nothing
    /// is sent or costs are not known.
    pub(super) parcel: i64,
    /// What the whole order would cost from there.
    pub(super) cost: Option<i64>,
    rule: Option<&'a CostRule>,
}

impl Known<'_> {
    /// What so many lines in one parcel cost from there.
    pub(super) fn cost_of(&self, lines: usize) -> i64 {
        let handling = self.rule.map_or(0, |rule| rule.handling(lines));
        self.parcel.saturating_add(handling)
    }
}

/// How a destination lies to a candidate.
pub(super) struct Way<'a> {
    /// The zone that the goods are sent to.
    pub(super) zone: Option<&'a str>,
    /// Whether the candidate delivers there, and how far the zone is.
    pub(super) reach: Result<Option<u32>, Undelivered>,
    /// Metres, by coordinates or else by zone.
    pub(super) metres: Option<u64>,
}

/// Every candidate, by location.
pub(super) fn all<'a>(snapshot: &'a Snapshot, policy: &'a RoutingPolicy) -> Vec<Known<'a>> {
    let mut candidates: Vec<&Candidate> = snapshot.candidates.iter().collect();
    candidates.sort_by(|a, b| a.location.cmp(&b.location));
    candidates.dedup_by(|a, b| a.location == b.location);
    let candidates = candidates.into_iter();
    candidates
        .map(|candidate| look_at(candidate, snapshot, policy))
        .collect()
}

fn look_at<'a>(
    candidate: &'a Candidate,
    snapshot: &'a Snapshot,
    policy: &'a RoutingPolicy,
) -> Known<'a> {
    let way = way(candidate, snapshot, policy);
    let rule = policy.costs.as_ref();
    let rule = rule.map(|costs| costs.of(&candidate.location, candidate.kind));
    let parcel = match (&snapshot.destination, rule) {
        (Destination::Ship { .. }, Some(rule)) => rule.parcel(way.metres, way.zone),
        (Destination::Ship { .. }, None) | (Destination::Pickup(_), _) => 0,
    };
    let mut known = Known {
        candidate,
        verdicts: eligible::verdicts(candidate, &way, snapshot, policy),
        metres: way.metres,
        parcel,
        cost: None,
        rule,
    };
    known.cost = rule.map(|_| known.cost_of(snapshot.wanted.len()));
    known
}

fn way<'a>(candidate: &Candidate, snapshot: &'a Snapshot, policy: &'a RoutingPolicy) -> Way<'a> {
    let (position, zone, area) = match &snapshot.destination {
        Destination::Ship {
            position,
            zone,
            area,
        } => (*position, zone.as_deref(), area.as_ref()),
        Destination::Pickup(_) => (None, None, None),
    };
    let zone = zone.or_else(|| policy.zones.of_area(area?));
    let nowhere = Area::default();
    let from = candidate.area.as_ref().unwrap_or(&nowhere);
    let reach = match zone {
        Some(zone) => policy.zones.reach((&candidate.location, from), zone),
        None => Ok(None),
    };
    let known = position.zip(candidate.position);
    let metres = known.map(|(to, from)| from.metres_to(to));
    let by_zone = reach.ok().flatten().map(|far| u64::from(far) * 1_000);
    Way {
        zone,
        reach,
        metres: metres.or(by_zone),
    }
}
