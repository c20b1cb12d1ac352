//! Delivery zones: which locations and addresses lie in them, and which of them
//! are delivered to from where.
//!
//! Zones stand in for coordinates where there are none, and say where nobody
//! delivers. A location that lies in no zone delivers everywhere.
//!
//! Invariant: an address lies in one zone at most.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::ids::LocationId;
use crate::product::Area;

/// The zones by name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zones(pub BTreeMap<String, Zone>);

/// A zone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Zone {
    /// Locations that lie in it, beside those of its regions and countries.
    pub locations: BTreeSet<LocationId>,
    /// Regions that lie in it, as locations and addresses name them: `NY`, or
    /// `US-NY` for the one of that country.
    pub regions: BTreeSet<String>,
    /// Countries that lie in it, where no zone has the region.
    pub countries: BTreeSet<String>,
    /// Zones that its locations deliver to, and how far it is, in kilometres.
    /// They deliver within their own zone in any case, over no distance unless
    /// it is listed.
    pub delivers_to: BTreeMap<String, u32>,
}

impl Zones {
    /// The zone that an address or a location lies in, by its region, or else by
    /// its country.
    #[must_use]
    pub fn of_area(&self, area: &Area) -> Option<&str> {
        let whole = format!("{}-{}", area.country, area.region);
        let regional = |zone: &Zone| {
            !area.region.is_empty()
                && (zone.regions.contains(&area.region) || zone.regions.contains(&whole))
        };
        let national = |zone: &Zone| zone.countries.contains(&area.country);
        let find = |fits: &dyn Fn(&Zone) -> bool| {
            let mut zones = self.0.iter();
            zones.find(|(_, zone)| fits(zone)).map(|(name, _)| name)
        };
        let found = find(&regional).or_else(|| find(&national));
        found.map(String::as_str)
    }

    /// How far a zone is from a location, in kilometres; `Err` if the location
    /// does not deliver to it, `None` if it lies in no zone.
    pub(crate) fn reach(
        &self,
        (location, area): (&LocationId, &Area),
        to: &str,
    ) -> Result<Option<u32>, Undelivered> {
        let by_area = self.of_area(area);
        let own = self.0.iter().filter(|(name, zone)| {
            zone.locations.contains(location) || by_area == Some(name.as_str())
        });
        let mut lies_in_one = false;
        let mut nearest: Option<u32> = None;
        for (name, zone) in own {
            lies_in_one = true;
            let listed = zone.delivers_to.get(to).copied();
            let far = listed.or_else(|| (name == to).then_some(0));
            nearest = nearest.into_iter().chain(far).min();
        }
        if lies_in_one && nearest.is_none() {
            return Err(Undelivered);
        }
        Ok(nearest)
    }

    pub(super) fn validate(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        let mut places: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (name, zone) in &self.0 {
            let pointer = format!("/zones/{}", name.replace('~', "~0").replace('/', "~1"));
            if name.trim().is_empty() {
                let detail = "a zone needs a name, such as north";
                errors.push(PolicyError::new(pointer.clone(), detail));
            }
            for to in zone.delivers_to.keys() {
                if !self.0.contains_key(to) {
                    let pointer = format!("{pointer}/delivers_to/{to}");
                    let detail = format!("there is no zone {to}; list it under /zones first");
                    errors.push(PolicyError::new(pointer, detail));
                }
            }
            let regions = zone.regions.iter().map(|region| ("regions", region));
            let countries = zone.countries.iter().map(|country| ("countries", country));
            for (kind, place) in regions.chain(countries) {
                if let Some(other) = places.insert((kind, place), name) {
                    let pointer = format!("{pointer}/{kind}");
                    let detail = format!("{place} lies in zone {other} too; keep it in one");
                    errors.push(PolicyError::new(pointer, detail));
                }
            }
        }
        errors
    }
}

/// A location does not deliver to a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Undelivered;

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(json: &str) -> Zones {
        serde_json::from_str(json).unwrap()
    }

    fn area(country: &str, region: &str) -> Area {
        Area {
            country: country.to_owned(),
            region: region.to_owned(),
        }
    }

    #[test]
    fn an_address_lies_in_the_zone_of_its_region_or_else_of_its_country() {
        let zones =
            zones(r#"{"east": {"regions": ["US-NY", "NJ"]}, "rest": {"countries": ["US"]}}"#);
        for (country, region, zone) in [
            ("US", "NY", Some("east")),
            ("US", "NJ", Some("east")),
            ("US", "TX", Some("rest")),
            ("US", "", Some("rest")),
            ("CA", "NY", None),
            ("", "", None),
        ] {
            let found = zones.of_area(&area(country, region));
            assert_eq!(found, zone, "{country} {region}");
        }
    }

    #[test]
    fn a_location_reaches_its_own_zone_those_listed_and_from_none_all() {
        let zones = zones(
            r#"{"east": {"locations": ["S001", "S002"], "delivers_to": {"west": 4000}},
                "near": {"locations": ["S002"], "delivers_to": {"west": 900, "near": 5}},
                "west": {"regions": ["CA"]}}"#,
        );
        let reach = |location: &str, region: &str, to: &str| {
            zones.reach((&location.parse().unwrap(), &area("US", region)), to)
        };
        assert_eq!(reach("S001", "", "east"), Ok(Some(0)));
        assert_eq!(reach("S001", "", "west"), Ok(Some(4000)));
        assert_eq!(reach("S002", "", "west"), Ok(Some(900)));
        assert_eq!(reach("S002", "", "near"), Ok(Some(5)));
        assert_eq!(reach("S001", "", "near"), Err(Undelivered));
        assert_eq!(reach("S003", "CA", "east"), Err(Undelivered));
        assert_eq!(reach("S003", "", "east"), Ok(None));
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        let wrong = zones(
            r#"{"a": {"regions": ["NY"], "delivers_to": {"c": 1}},
                "b": {"regions": ["NY"], "countries": ["US"]}, " ": {}}"#,
        );
        let errors = wrong.validate();
        let pointers: Vec<&str> = errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/zones/ ", "/zones/a/delivers_to/c", "/zones/b/regions"]
        );
    }
}
