//! How the hub chooses where an order's goods come from.
//!
//! A profile says which rules a location must meet, which of them may be given
//! up when nothing else is left and in which order, and what makes one location
//! better than another.
//!
//! Invariant: a rule stands in `relax` at most once, so every level of a plan
//! gives up one rule more than the one before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CostPolicy, PolicyError, Zones};

/// Minutes of a year.
const YEAR: u32 = 365 * 24 * 60;
/// Minutes of ninety days.
const QUARTER: u32 = 90 * 24 * 60;
/// The farthest that two places on earth lie apart, in kilometres.
const HALFWAY_ROUND_KM: u32 = 20_038;

/// A rule that can be given up. The others never are: a location that does not
/// deliver there, sells nothing online, never opens, is suspended, rejected the
/// order lately, or has no unit to promise is out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftRule {
    /// No farther than `max_distance_km`.
    Distance,
    /// Some of the day's capacity is left.
    Capacity,
    /// The goods can be ready before they were promised.
    Service,
    /// What is known of it is younger than `max_data_age_minutes`.
    DataAge,
    /// It keeps what its own customers are expected to want.
    Stockout,
    /// It is open, or opens within `max_closed_hours`.
    OpeningHours,
}

impl SoftRule {
    /// Every rule, in the order in which verdicts are listed.
    pub const ALL: [Self; 6] = [
        Self::Distance,
        Self::Capacity,
        Self::Service,
        Self::DataAge,
        Self::Stockout,
        Self::OpeningHours,
    ];
}

/// How much each part of a score counts; only their proportion matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingWeights {
    /// Near is good.
    pub distance: u16,
    /// Many units are good.
    pub depth: u16,
    /// Free capacity is good.
    pub capacity: u16,
    /// Cheap is good.
    pub cost: u16,
    /// Ready early is good.
    pub service: u16,
    /// Units beyond its own expected demand are good.
    pub stockout: u16,
}

impl Default for RoutingWeights {
    fn default() -> Self {
        Self {
            distance: 4,
            depth: 2,
            capacity: 2,
            cost: 2,
            service: 2,
            stockout: 3,
        }
    }
}

impl RoutingWeights {
    fn all(&self) -> [u16; 6] {
        [
            self.distance,
            self.depth,
            self.capacity,
            self.cost,
            self.service,
            self.stockout,
        ]
    }
}

/// A routing profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingPolicy {
    /// How much each part of a score counts.
    pub weights: RoutingWeights,
    /// Rules that are given up when nothing covers the order, the first first;
    /// a rule that is not listed is never given up.
    pub relax: Vec<SoftRule>,
    /// How far goods travel at most; no limit if left out.
    pub max_distance_km: Option<u32>,
    /// How old what is known of a location may be.
    pub max_data_age_minutes: u32,
    /// How long a location may still be closed when it is asked.
    pub max_closed_hours: u32,
    /// How many locations may share an order at most.
    pub max_locations: u8,
    /// What all parcels of an order but its first one may cost at most, in minor
    /// units; no limit if left out. It needs `costs`.
    pub max_split_cost: Option<u32>,
    /// What it costs to send goods from where; if left out, cost decides
    /// nothing.
    pub costs: Option<CostPolicy>,
    /// The delivery zones.
    pub zones: Zones,
    /// How long a location may take to accept.
    pub claim_timeout_minutes: u32,
    /// How long a location that rejected an order is not offered it again.
    pub cool_down_minutes: u32,
    /// Offers after which a person decides.
    pub max_attempts: u32,
}

impl Default for RoutingPolicy {
    fn default() -> Self {
        Self {
            weights: RoutingWeights::default(),
            relax: vec![
                SoftRule::Stockout,
                SoftRule::DataAge,
                SoftRule::Capacity,
                SoftRule::Distance,
                SoftRule::OpeningHours,
            ],
            max_distance_km: None,
            max_data_age_minutes: 60,
            // From Saturday evening over a holiday to Tuesday morning.
            max_closed_hours: 72,
            max_locations: 3,
            max_split_cost: None,
            costs: None,
            zones: Zones::default(),
            claim_timeout_minutes: 30,
            cool_down_minutes: 240,
            max_attempts: 5,
        }
    }
}

impl RoutingPolicy {
    /// What is wrong with the profile; nothing for one that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        let mut wrong = |condition, pointer: String, detail: &str| {
            if condition {
                errors.push(PolicyError::new(pointer, detail));
            }
        };
        let mut seen = BTreeSet::new();
        for (i, rule) in self.relax.iter().enumerate() {
            let again = !seen.insert(*rule);
            wrong(
                again,
                format!("/relax/{i}"),
                "the rule is given up already; list it once",
            );
        }
        let nothing = self.weights.all().iter().all(|weight| *weight == 0);
        wrong(
            nothing,
            "/weights".to_owned(),
            "nothing counts; give at least one part a weight above 0",
        );
        let at_least_one = "must be at least 1";
        for (field, value) in [
            ("max_locations", u32::from(self.max_locations)),
            ("max_attempts", self.max_attempts),
            ("claim_timeout_minutes", self.claim_timeout_minutes),
            ("max_data_age_minutes", self.max_data_age_minutes),
            ("max_closed_hours", self.max_closed_hours),
        ] {
            wrong(value == 0, format!("/{field}"), at_least_one);
        }
        for (field, value, most, meaning) in [
            (
                "max_data_age_minutes",
                self.max_data_age_minutes,
                YEAR,
                "a year",
            ),
            (
                "claim_timeout_minutes",
                self.claim_timeout_minutes,
                QUARTER,
                "90 days",
            ),
            (
                "cool_down_minutes",
                self.cool_down_minutes,
                QUARTER,
                "90 days",
            ),
            ("max_attempts", self.max_attempts, 1_000, "1000 offers"),
        ] {
            let detail = format!("write at most {most}, which is {meaning}");
            wrong(value > most, format!("/{field}"), &detail);
        }
        wrong(
            self.max_distance_km > Some(HALFWAY_ROUND_KM),
            "/max_distance_km".to_owned(),
            "no place is farther than 20038 km; leave it out for no limit",
        );
        wrong(
            self.max_distance_km == Some(0),
            "/max_distance_km".to_owned(),
            "must be at least 1, or be left out for no limit",
        );
        wrong(
            self.max_split_cost.is_some() && self.costs.is_none(),
            "/max_split_cost".to_owned(),
            "it needs costs; say under /costs what a parcel costs",
        );
        errors.extend(self.zones.validate());
        let costs = self.costs.iter();
        errors.extend(costs.flat_map(|costs| costs.validate(&self.zones)));
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_used_and_nonsense_is_named() {
        assert_eq!(RoutingPolicy::default().validate(), []);
        let nonsense = RoutingPolicy {
            relax: vec![SoftRule::Capacity, SoftRule::Capacity],
            max_locations: 0,
            max_distance_km: Some(0),
            max_split_cost: Some(100),
            ..RoutingPolicy::default()
        };
        let pointers: Vec<String> = nonsense.validate().into_iter().map(|e| e.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/relax/1",
                "/max_locations",
                "/max_distance_km",
                "/max_split_cost"
            ]
        );
    }
}
