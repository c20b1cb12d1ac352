//! Which locations may take part, rule by rule.
//!
//! Invariant: every candidate gets a verdict on every rule, so that an
//! explanation has no gaps. Only of opening hours there is none in a snapshot
//! from before they were read: its plan stays as it was.

use serde::{Deserialize, Serialize};

use super::known::Way;
use super::{Candidate, Destination, Snapshot};
use crate::opening::Opening;
use crate::policy::{RoutingPolicy, SoftRule};

/// A rule that is never given up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HardRule {
    /// It is the place where the customer comes, or delivers to where the goods
    /// are sent.
    Destination,
    /// It sells online now.
    SellingOpen,
    /// It has not been silent for too long.
    NotSuspended,
    /// It has not rejected the order lately.
    NotCooling,
    /// The hub may promise something of the order from it.
    HasUnits,
    /// It opens within a year.
    Opens,
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
    /// Why not, in words; where it holds, what a person should know about it,
    /// mostly nothing.
    pub why: String,
}

/// A candidate's verdict on every rule.
pub(super) fn verdicts(
    candidate: &Candidate,
    way: &Way<'_>,
    snapshot: &Snapshot,
    policy: &RoutingPolicy,
) -> Vec<Verdict> {
    let verdict = |rule, failure: Option<String>| Verdict {
        rule,
        holds: failure.is_none(),
        why: failure.unwrap_or_default(),
    };
    let hard = [
        (HardRule::Destination, destination(candidate, way, snapshot)),
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
    let mut verdicts = Vec::with_capacity(hard.len() + SoftRule::ALL.len() + 1);
    verdicts.extend(hard.map(|(rule, failure)| verdict(Rule::Hard(rule), failure)));
    let opening = candidate.opening.as_ref();
    verdicts.extend(opening.map(|opening| {
        let opens = unless(*opening != Opening::Never, || "it never opens".to_owned());
        verdict(Rule::Hard(HardRule::Opens), opens)
    }));
    for rule in SoftRule::ALL {
        let failure = match rule {
            SoftRule::Distance => distance(way, policy),
            SoftRule::Capacity => unless(candidate.free_capacity > 0, || {
                "its capacity of the day is used up".to_owned()
            }),
            SoftRule::Service => service(candidate, snapshot),
            SoftRule::DataAge => data_age(candidate, policy),
            SoftRule::Stockout => stockout(candidate, snapshot),
            SoftRule::OpeningHours => {
                verdicts.extend(opening.map(|opening| hours(opening, snapshot, policy)));
                continue;
            }
        };
        verdicts.push(verdict(Rule::Soft(rule), failure));
    }
    verdicts
}

fn unless(holds: bool, why: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(why)
}

fn destination(candidate: &Candidate, way: &Way<'_>, snapshot: &Snapshot) -> Option<String> {
    match (&snapshot.destination, way.zone) {
        (Destination::Pickup(location), _) => unless(candidate.location == *location, || {
            format!("the customer comes to {location}")
        }),
        (Destination::Ship { .. }, Some(zone)) => unless(way.reach.is_ok(), || {
            format!("it does not deliver to zone {zone}")
        }),
        (Destination::Ship { .. }, None) => None,
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

fn distance(way: &Way<'_>, policy: &RoutingPolicy) -> Option<String> {
    let most = u64::from(policy.max_distance_km?) * 1_000;
    let metres = way.metres?;
    unless(metres <= most, || {
        format!(
            "it is {} km away, beyond {} km",
            metres / 1_000,
            most / 1_000
        )
    })
}

fn service(candidate: &Candidate, snapshot: &Snapshot) -> Option<String> {
    let by = snapshot.promise_by?;
    unless(candidate.ready_at <= by, || {
        format!("it would be ready at {}, after {by}", candidate.ready_at)
    })
}

fn data_age(candidate: &Candidate, policy: &RoutingPolicy) -> Option<String> {
    let most = policy.max_data_age_minutes.saturating_mul(60);
    unless(candidate.data_age_s <= most, || {
        let minutes = candidate.data_age_s / 60;
        format!("what is known of it is {minutes} minutes old")
    })
}

fn stockout(candidate: &Candidate, snapshot: &Snapshot) -> Option<String> {
    let sku = snapshot.wanted.iter().find_map(|wanted| {
        let left = spare(candidate, wanted).min(0);
        (left < 0).then_some(&wanted.sku)
    })?;
    Some(format!("its own customers are expected to want its {sku}"))
}

/// Whether it opens soon enough; what is said of its hours, also if it does.
fn hours(opening: &Opening, snapshot: &Snapshot, policy: &RoutingPolicy) -> Verdict {
    let (holds, why) = match opening {
        Opening::Unlisted | Opening::Open => (true, String::new()),
        Opening::Unreadable(text) => {
            let why =
                format!("its opening hours \"{text}\" cannot be read, so it counts as always open");
            (true, why)
        }
        Opening::OpensAt(opens) => {
            let closed_ms = opens.as_millis() - snapshot.now.as_millis();
            let most_ms = i64::from(policy.max_closed_hours) * 3_600_000;
            (
                closed_ms <= most_ms,
                format!("it is closed and opens at {opens}"),
            )
        }
        Opening::Never => (false, "it never opens".to_owned()),
    };
    Verdict {
        rule: Rule::Soft(SoftRule::OpeningHours),
        holds,
        why,
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
