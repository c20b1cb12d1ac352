//! Which locations may take part, rule by rule.
//!
//! Invariant: every candidate gets a verdict on every rule, so that an
//! explanation has no gaps.

use serde::{Deserialize, Serialize};

use super::{Candidate, Considered, Destination, Snapshot};
use crate::policy::{RoutingPolicy, SoftRule};

/// A rule that is never given up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HardRule {
    /// It is the place where the customer comes, or the goods are sent.
    Destination,
    /// It sells online now.
    SellingOpen,
    /// It has not been silent for too long.
    NotSuspended,
    /// It has not rejected the order lately.
    NotCooling,
    /// The hub may promise something of the order from it.
    HasUnits,
}

/// A rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "rule")]
pub enum Rule {
    /// Never given up.
    Hard(HardRule),
    /// Given up if the policy says so.
    Soft(SoftRule),
}

impl Rule {
    /// Whether it does not count at a level that gives these up.
    #[must_use]
    pub fn is_given_up(self, relaxed: &[SoftRule]) -> bool {
        match self {
            Self::Hard(_) => false,
            Self::Soft(rule) => relaxed.contains(&rule),
        }
    }
}

/// Whether a rule holds for a candidate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The rule.
    pub rule: Rule,
    /// Whether it holds.
    pub holds: bool,
    /// Why not, in words; empty if it holds.
    pub why: String,
}

/// A candidate with a verdict on every rule, and no score yet.
pub(super) fn consider(
    candidate: &Candidate,
    snapshot: &Snapshot,
    policy: &RoutingPolicy,
) -> Considered {
    let verdict = |rule, failure: Option<String>| Verdict {
        rule,
        holds: failure.is_none(),
        why: failure.unwrap_or_default(),
    };
    let hard = [
        (HardRule::Destination, destination(candidate, snapshot)),
        (
            HardRule::SellingOpen,
            unless(candidate.selling_open, || {
                "its online selling is closed".to_owned()
            }),
        ),
        (
            HardRule::NotSuspended,
            unless(!candidate.suspended, || {
                "it has been silent for too long".to_owned()
            }),
        ),
        (HardRule::NotCooling, cooling(candidate, snapshot)),
        (HardRule::HasUnits, units(candidate, snapshot)),
    ];
    let hard = hard.map(|(rule, failure)| verdict(Rule::Hard(rule), failure));
    let soft = SoftRule::ALL.map(|rule| {
        let failure = soft(rule, candidate, snapshot, policy);
        verdict(Rule::Soft(rule), failure)
    });
    Considered {
        location: candidate.location.clone(),
        verdicts: hard.into_iter().chain(soft).collect(),
        score: None,
        data_age_s: candidate.data_age_s,
    }
}

fn unless(holds: bool, why: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(why)
}

fn destination(candidate: &Candidate, snapshot: &Snapshot) -> Option<String> {
    match &snapshot.destination {
        Destination::Pickup(location) => unless(candidate.location == *location, || {
            format!("the customer comes to {location}")
        }),
        Destination::Ship { zone, .. } => {
            let zone = zone.as_ref()?;
            let delivers = candidate.zones.is_empty() || candidate.zones.contains(zone);
            unless(delivers, || format!("it does not deliver to zone {zone}"))
        }
    }
}

fn cooling(candidate: &Candidate, snapshot: &Snapshot) -> Option<String> {
    let until = candidate
        .cooling_until
        .filter(|until| *until > snapshot.now)?;
    Some(format!(
        "it rejected the order and is not asked before {until}"
    ))
}

fn units(candidate: &Candidate, snapshot: &Snapshot) -> Option<String> {
    let some = snapshot.wanted.iter().any(|wanted| {
        candidate
            .usable
            .get(&wanted.sku)
            .is_some_and(|usable| *usable > 0)
    });
    unless(some, || {
        "nothing of the order can be promised from it".to_owned()
    })
}

fn soft(
    rule: SoftRule,
    candidate: &Candidate,
    snapshot: &Snapshot,
    policy: &RoutingPolicy,
) -> Option<String> {
    match rule {
        SoftRule::Distance => {
            let most = u64::from(policy.max_distance_km?) * 1_000;
            let metres = metres(candidate, snapshot)?;
            unless(metres <= most, || {
                format!(
                    "it is {} km away, beyond {} km",
                    metres / 1_000,
                    most / 1_000
                )
            })
        }
        SoftRule::Capacity => unless(candidate.free_capacity > 0, || {
            "its capacity of the day is used up".to_owned()
        }),
        SoftRule::Service => {
            let by = snapshot.promise_by?;
            unless(candidate.ready_at <= by, || {
                format!("it would be ready at {}, after {by}", candidate.ready_at)
            })
        }
        SoftRule::DataAge => {
            let most = policy.max_data_age_minutes.saturating_mul(60);
            unless(candidate.data_age_s <= most, || {
                let minutes = candidate.data_age_s / 60;
                format!("what is known of it is {minutes} minutes old")
            })
        }
        SoftRule::Stockout => {
            let sku = snapshot.wanted.iter().find_map(|wanted| {
                let left = spare(candidate, wanted).min(0);
                (left < 0).then_some(&wanted.sku)
            })?;
            Some(format!("its own customers are expected to want its {sku}"))
        }
    }
}

/// Metres to the destination, if both places are known.
pub(super) fn metres(candidate: &Candidate, snapshot: &Snapshot) -> Option<u64> {
    match &snapshot.destination {
        Destination::Ship {
            position: Some(position),
            ..
        } => Some(candidate.position?.metres_to(*position)),
        Destination::Ship { position: None, .. } | Destination::Pickup(_) => None,
    }
}

/// What it would have left beyond its own expected demand if it gave as much of
/// the line as it can.
pub(super) fn spare(candidate: &Candidate, wanted: &super::Wanted) -> i64 {
    let of = |figures: &std::collections::BTreeMap<_, i64>| {
        figures.get(&wanted.sku).copied().unwrap_or_default()
    };
    let given = wanted.quantity.min(of(&candidate.usable)).max(0);
    if given == 0 {
        return 0;
    }
    of(&candidate.depth) - given - of(&candidate.demand)
}
