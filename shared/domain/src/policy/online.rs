//! How much of a location's stock is promised to remote customers, and for how
//! long its word is good while it is silent.
//!
//! Invariant: a share is at most everything, and a location that is silent
//! beyond its limit promises nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scope::Place;
use super::units::beyond;
use super::{PolicyError, Units};
use crate::ids::LocationId;
use crate::product::LocationKind;
use crate::rights::Share;

/// Everything, in thousandths.
const WHOLE: u16 = 1_000;
/// A year.
const MOST_SILENCE_MINUTES: u32 = 365 * 24 * 60;
/// A hundred times what is expected.
const MOST_CAUTION_PER_MILLE: u32 = 100_000;
const SECONDS_A_DAY: i128 = 86_400;

/// The rules by location, by kind, and for the rest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnlinePolicy {
    /// Where nothing else is said.
    pub default: OnlineRule,
    /// For all locations of a kind.
    pub kinds: BTreeMap<LocationKind, OnlineRule>,
    /// For one location; it wins.
    pub locations: BTreeMap<LocationId, OnlineRule>,
}

/// What holds at a location.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnlineRule {
    /// The hub's part of all unused rights, in thousandths.
    pub share_per_mille: u16,
    /// Units that stay with the tills whatever the share says.
    pub keep: Units,
    /// Remote customers come first: the hub gets everything.
    pub web_first: bool,
    /// Minutes without a word after which nothing is promised from it. Those in
    /// which it is closed do not count: a shop may switch everything off at night.
    pub silence_limit_minutes: u32,
    /// How many times the expected sales at its tills are set aside while it is
    /// silent, in thousandths.
    pub caution_per_mille: u32,
}

impl Default for OnlineRule {
    fn default() -> Self {
        Self {
            share_per_mille: 900,
            keep: Units::whole(0),
            web_first: false,
            silence_limit_minutes: 180,
            caution_per_mille: 1_500,
        }
    }
}

impl OnlinePolicy {
    /// What holds at a location.
    #[must_use]
    pub fn of<'a>(&self, place: impl Into<Place<'a>>) -> &OnlineRule {
        let place = place.into();
        let of_kind = || self.kinds.get(&place.kind);
        let own = self.locations.get(place.id);
        own.or_else(of_kind).unwrap_or(&self.default)
    }

    /// Where the rule that holds at a location stands in the policy, as a JSON
    /// pointer.
    #[must_use]
    pub fn pointer<'a>(&self, place: impl Into<Place<'a>>) -> String {
        let place = place.into();
        if self.locations.contains_key(place.id) {
            format!("/locations/{}", place.id)
        } else if self.kinds.contains_key(&place.kind) {
            format!("/kinds/{}", place.kind.as_str())
        } else {
            "/default".to_owned()
        }
    }

    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(kind, rule)| (format!("/kinds/{}", kind.as_str()), rule));
        let locations = self.locations.iter();
        let locations = locations.map(|(id, rule)| (format!("/locations/{id}"), rule));
        let default = std::iter::once(("/default".to_owned(), &self.default));
        let all = default.chain(kinds).chain(locations);
        all.flat_map(|(pointer, rule)| rule.validate(&pointer))
            .collect()
    }
}

impl OnlineRule {
    /// How rights are shared, of a product that is promised in multiples of
    /// `quantum` thousandths.
    #[must_use]
    pub fn share(&self, quantum: i64) -> Share {
        Share {
            per_mille: if self.web_first {
                WHOLE
            } else {
                self.share_per_mille
            },
            keep: if self.web_first {
                0
            } else {
                self.keep.thousandths()
            },
            quantum,
        }
    }

    /// What its tills may have sold since it was last heard, in thousandths,
    /// rounded up: demand of a day × silence / a day × caution.
    #[must_use]
    pub fn expected_since_contact(&self, demand_per_day: i64, silent_s: u32) -> i64 {
        let expected = i128::from(demand_per_day.max(0))
            * i128::from(silent_s)
            * i128::from(self.caution_per_mille);
        let divisor = SECONDS_A_DAY * i128::from(WHOLE);
        i64::try_from((expected + divisor - 1) / divisor).unwrap_or(i64::MAX)
    }

    /// Whether it has been silent for too long, after so many seconds in which it
    /// was open.
    #[must_use]
    pub fn is_suspended(&self, silent_s: u32) -> bool {
        silent_s / 60 >= self.silence_limit_minutes
    }

    fn validate(&self, pointer: &str) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        if self.share_per_mille > WHOLE {
            let detail = "a share is at most 1000 thousandths; 700 is 70 %";
            errors.push(PolicyError::new(
                format!("{pointer}/share_per_mille"),
                detail,
            ));
        }
        if self.silence_limit_minutes == 0 {
            let detail = "must be at least 1; 180 is three hours";
            errors.push(PolicyError::new(
                format!("{pointer}/silence_limit_minutes"),
                detail,
            ));
        }
        if self.silence_limit_minutes > MOST_SILENCE_MINUTES {
            let detail = "a location that was silent for over a year tells nothing; write at most \
                          525600";
            errors.push(PolicyError::new(
                format!("{pointer}/silence_limit_minutes"),
                detail,
            ));
        }
        if self.caution_per_mille > MOST_CAUTION_PER_MILLE {
            let detail = "write at most 100000, a hundred times the expected sales; 1500 is one \
                          and a half times";
            errors.push(PolicyError::new(
                format!("{pointer}/caution_per_mille"),
                detail,
            ));
        }
        errors.extend(beyond(self.keep, || format!("{pointer}/keep")));
        errors
    }
}
