//! What it costs to send goods from a location: handling of each order line,
//! and a parcel, by distance or by zone.
//!
//! All amounts are minor units of one currency, the one that the retailer
//! reckons its costs in; they are compared with each other and charged to
//! nobody.
//!
//! Invariant: a cost is never below zero, and does not depend on what else is
//! sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PolicyError, Zones};
use crate::ids::LocationId;
use crate::product::LocationKind;

/// The costs by location, by kind, and for the rest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostPolicy {
    /// Where nothing else is said.
    pub default: CostRule,
    /// For all locations of a kind.
    pub kinds: BTreeMap<LocationKind, CostRule>,
    /// For one location; it wins.
    pub locations: BTreeMap<LocationId, CostRule>,
}

/// What holds at a location, in minor units.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostRule {
    /// Handling of one order line, shipped or collected.
    pub per_line: u32,
    /// One parcel, however far it goes.
    pub parcel: u32,
    /// On top for each 100 km that a parcel goes; nothing where the distance is
    /// not known.
    pub per_100_km: u32,
    /// On top for a parcel to a zone, in place of the distance.
    pub zones: BTreeMap<String, u32>,
}

impl CostPolicy {
    /// What holds at a location.
    #[must_use]
    pub fn of(&self, location: &LocationId, kind: Option<LocationKind>) -> &CostRule {
        let of_kind = || self.kinds.get(&kind?);
        let own = self.locations.get(location);
        own.or_else(of_kind).unwrap_or(&self.default)
    }

    pub(super) fn validate(&self, zones: &Zones) -> Vec<PolicyError> {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(kind, rule)| (format!("/costs/kinds/{}", kind.as_str()), rule));
        let locations = self.locations.iter();
        let locations = locations.map(|(id, rule)| (format!("/costs/locations/{id}"), rule));
        let default = std::iter::once(("/costs/default".to_owned(), &self.default));
        let mut errors = Vec::new();
        for (pointer, rule) in default.chain(kinds).chain(locations) {
            let unknown = rule
                .zones
                .keys()
                .filter(|zone| !zones.0.contains_key(*zone));
            errors.extend(unknown.map(|zone| {
                let detail = format!("there is no zone {zone}; list it under /zones first");
                PolicyError::new(format!("{pointer}/zones/{zone}"), detail)
            }));
        }
        errors
    }
}

impl CostRule {
    /// Handling of so many order lines.
    #[must_use]
    pub fn handling(&self, lines: usize) -> i64 {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        i64::from(self.per_line).saturating_mul(lines)
    }

    /// One parcel over so many metres, if that is known, to a zone, if it is one.
    /// A begun minor unit counts whole.
    #[must_use]
    pub fn parcel(&self, metres: Option<u64>, zone: Option<&str>) -> i64 {
        let listed = zone.and_then(|zone| self.zones.get(zone));
        let way = match (listed, metres) {
            (Some(extra), _) => i64::from(*extra),
            (None, Some(metres)) => {
                let extra = u64::from(self.per_100_km).saturating_mul(metres);
                i64::try_from(extra.div_ceil(100_000)).unwrap_or(i64::MAX)
            }
            (None, None) => 0,
        };
        way.saturating_add(i64::from(self.parcel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_wins_over_its_kind_and_a_zone_over_the_distance() {
        let policy: CostPolicy = serde_json::from_str(
            r#"{"default": {"per_line": 50, "parcel": 400, "per_100_km": 30},
                "kinds": {"warehouse": {"parcel": 300, "zones": {"north": 120}}},
                "locations": {"W002": {"parcel": 1}}}"#,
        )
        .unwrap();
        let of = |location: &str, kind| policy.of(&location.parse().unwrap(), kind).clone();
        let store = of("S001", Some(LocationKind::Store));
        assert_eq!(store, of("S001", None));
        assert_eq!(
            (store.handling(3), store.parcel(None, Some("north"))),
            (150, 400)
        );
        assert_eq!(store.parcel(Some(100_000), None), 430);
        assert_eq!(store.parcel(Some(100_001), None), 431);
        let warehouse = of("W001", Some(LocationKind::Warehouse));
        assert_eq!(warehouse.parcel(Some(900_000), Some("north")), 420);
        assert_eq!(warehouse.parcel(Some(900_000), Some("south")), 300);
        assert_eq!(of("W002", Some(LocationKind::Warehouse)).parcel, 1);
        let errors = policy.validate(&Zones::default());
        assert_eq!(errors[0].pointer, "/costs/kinds/warehouse/zones/north");
        assert_eq!(errors.len(), 1);
    }
}
