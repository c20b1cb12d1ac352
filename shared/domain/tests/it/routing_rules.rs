//! Opening hours, zones, costs and the service level in a plan, and decisions
//! that were kept by earlier releases.

use evertill_domain::opening::Opening;
use evertill_domain::policy::{RoutingPolicy, SoftRule};
use evertill_domain::product::Area;
use evertill_domain::routing::{
    Candidate, Destination, HardRule, Plan, Rule, Snapshot, Verdict, plan,
};
use evertill_domain::{LocationKind, Timestamp};
use serde_json::Value;

use crate::routing::{NOW, by_default, candidate, chosen, snapshot};

const HOUR_MS: i64 = 3_600_000;

fn policy(json: &str) -> RoutingPolicy {
    let policy: RoutingPolicy = serde_json::from_str(json).unwrap();
    assert_eq!(policy.validate(), []);
    policy
}

fn verdict(plan: &Plan, location: &str, rule: Rule) -> Verdict {
    let mut all = plan.considered.iter();
    let of = all.find(|c| c.location.as_str() == location).unwrap();
    let found = of.verdicts.iter().find(|verdict| verdict.rule == rule);
    found.unwrap().clone()
}

fn hours(plan: &Plan, location: &str) -> (bool, String) {
    let found = verdict(plan, location, Rule::Soft(SoftRule::OpeningHours));
    (found.holds, found.why)
}

/// A candidate that opens in so many hours and needs one more.
fn closed(location: &str, opens_in: i64) -> Candidate {
    let opens = NOW + opens_in * HOUR_MS;
    Candidate {
        opening: Some(Opening::OpensAt(Timestamp::from_millis(opens))),
        ready_at: Timestamp::from_millis(opens + HOUR_MS),
        ..candidate(location, 5, 1)
    }
}

fn in_area(mut candidate: Candidate, region: &str) -> Candidate {
    candidate.position = None;
    candidate.area = Some(area(region));
    candidate
}

fn area(region: &str) -> Area {
    Area {
        country: "US".to_owned(),
        region: region.to_owned(),
    }
}

fn to(zone: Option<&str>, region: Option<&str>) -> Destination {
    Destination::Ship {
        position: None,
        zone: zone.map(str::to_owned),
        area: region.map(area),
    }
}

#[test]
fn a_location_that_is_closed_for_long_is_asked_when_no_other_is_left() {
    let tomorrow = closed("S001", 9);
    let friday = closed("S002", 100);
    let mut never = candidate("S003", 5, 1);
    never.opening = Some(Opening::Never);
    never.ready_at = Timestamp::MAX;
    let mut odd = candidate("S004", 0, 1);
    odd.opening = Some(Opening::Unreadable("by appointment".to_owned()));
    let all = vec![tomorrow, friday.clone(), never.clone(), odd];
    let found = by_default(&snapshot(1, all));
    assert_eq!(chosen(&found), [("S001".to_owned(), 1)]);
    assert_eq!(found.relaxed, []);
    let opens = Timestamp::from_millis(NOW + 9 * HOUR_MS);
    let said = format!("it is closed and opens at {opens}");
    assert_eq!(hours(&found, "S001"), (true, said));
    assert!(!hours(&found, "S002").0);
    let (holds, why) = hours(&found, "S004");
    assert!(
        holds && why.contains("\"by appointment\" cannot be read"),
        "{why}"
    );
    // The one that opens on Friday is better than none; the one that never opens
    // is none.
    let found = by_default(&snapshot(1, vec![friday, never.clone()]));
    assert_eq!(chosen(&found), [("S002".to_owned(), 1)]);
    assert_eq!(found.relaxed.last(), Some(&SoftRule::OpeningHours));
    let found = by_default(&snapshot(1, vec![never]));
    assert_eq!(found.assignments, []);
    let opens = verdict(&found, "S003", Rule::Hard(HardRule::Opens));
    assert_eq!((opens.holds, opens.why.as_str()), (false, "it never opens"));
}

#[test]
fn the_one_that_is_ready_sooner_is_better_and_too_late_is_said() {
    let mut asked = snapshot(1, vec![closed("S001", 9), candidate("S002", 5, 1)]);
    assert_eq!(chosen(&by_default(&asked)), [("S002".to_owned(), 1)]);
    asked.candidates.pop();
    assert_eq!(
        by_default(&asked).assignments.len(),
        1,
        "nothing was promised"
    );
    let by = Timestamp::from_millis(NOW + 9 * HOUR_MS);
    asked.promise_by = Some(by);
    let found = by_default(&asked);
    assert_eq!(found.assignments, []);
    let late = verdict(&found, "S001", Rule::Soft(SoftRule::Service));
    let ready = Timestamp::from_millis(NOW + 10 * HOUR_MS);
    assert_eq!(
        late.why,
        format!("it would be ready at {ready}, after {by}")
    );
    // Unless the policy gives the promised time up.
    let lenient = policy(r#"{"relax": ["service"]}"#);
    assert_eq!(plan(&asked, &lenient).assignments.len(), 1);
}

#[test]
fn zones_say_who_delivers_and_how_far_it_is_without_coordinates() {
    let zones = policy(
        r#"{"max_distance_km": 500, "zones": {
            "east": {"regions": ["NY"], "delivers_to": {"middle": 300, "west": 4000}},
            "middle": {"regions": ["US-OH"], "delivers_to": {"east": 300}},
            "west": {"regions": ["CA"], "locations": ["S004"]}}}"#,
    );
    let all = vec![
        in_area(candidate("S001", 5, 0), "NY"),
        in_area(candidate("S002", 5, 0), "OH"),
        in_area(candidate("S003", 5, 0), "CA"),
    ];
    let mut asked = snapshot(1, all);
    asked.destination = to(None, Some("NY"));
    let found = plan(&asked, &zones);
    assert_eq!(chosen(&found), [("S001".to_owned(), 1)]);
    let scores = |found: &Plan| -> Vec<Option<u32>> {
        let all = found.considered.iter();
        all.map(|c| c.score.map(|score| score.distance)).collect()
    };
    assert_eq!(scores(&found), [Some(1_000), Some(0), None]);
    let out = verdict(&found, "S003", Rule::Hard(HardRule::Destination));
    assert_eq!(out.why, "it does not deliver to zone east");
    // The order's own zone goes before its region; too far is given up last.
    asked.destination = to(Some("west"), Some("NY"));
    asked.candidates.pop();
    let found = plan(&asked, &zones);
    assert_eq!(chosen(&found), [("S001".to_owned(), 1)]);
    assert!(found.relaxed.contains(&SoftRule::Distance));
    let far = verdict(&found, "S001", Rule::Soft(SoftRule::Distance));
    assert_eq!(far.why, "it is 4000 km away, beyond 500 km");
    // A location that lies in no zone delivers everywhere.
    asked.candidates = vec![candidate("S009", 5, 0)];
    assert_eq!(plan(&asked, &zones).assignments.len(), 1);
    // Known coordinates go before the zone's distance.
    asked.candidates = vec![Candidate {
        area: Some(area("NY")),
        ..candidate("S001", 5, 10)
    }];
    let Destination::Ship { position, .. } = snapshot(1, Vec::new()).destination else {
        panic!("it is shipped");
    };
    asked.destination = Destination::Ship {
        position,
        zone: Some("west".to_owned()),
        area: None,
    };
    assert_eq!(plan(&asked, &zones).relaxed, []);
}

#[test]
fn the_cheaper_one_is_chosen_and_a_split_must_be_worth_its_parcels() {
    let costs = r#"{"weights": {"distance": 0, "depth": 0, "capacity": 0, "cost": 1, "service": 0,
        "stockout": 0},
        "costs": {"default": {"per_line": 50, "parcel": 400, "per_100_km": 100},
                  "kinds": {"warehouse": {"parcel": 200}}}"#;
    let mut warehouse = candidate("W001", 2, 600);
    warehouse.kind = Some(LocationKind::Warehouse);
    let near = candidate("S001", 2, 100);
    let mut asked = snapshot(1, vec![warehouse.clone(), near.clone()]);
    let free = policy(&format!("{costs}}}"));
    let found = plan(&asked, &free);
    assert_eq!(
        (chosen(&found), found.cost),
        (vec![("W001".to_owned(), 1)], Some(200))
    );
    let of: Vec<Option<i64>> = found.considered.iter().map(|c| c.cost).collect();
    let kilometres = asked.candidates[1].position.unwrap();
    let Destination::Ship {
        position: Some(there),
        ..
    } = asked.destination
    else {
        panic!("it is shipped");
    };
    let metres = i64::try_from(kilometres.metres_to(there)).unwrap();
    let near_costs = 50 + 400 + (metres + 999) / 1_000;
    assert_eq!(of, [Some(near_costs), Some(200)]);
    // Two pieces are at each: three need both, and the second parcel costs.
    asked.wanted[0].quantity = 3_000;
    let found = plan(&asked, &free);
    assert_eq!(found.assignments.len(), 2);
    assert_eq!(found.cost, Some(near_costs + 200));
    let within = |minor: i64| policy(&format!("{costs}, \"max_split_cost\": {minor}}}"));
    let strict = within(near_costs - 50 - 1);
    let found = plan(&asked, &strict);
    assert_eq!((found.assignments.len(), found.unsourced.len()), (0, 1));
    let enough = within(near_costs - 50);
    assert_eq!(plan(&asked, &enough).assignments.len(), 2);
    // Who collects needs no parcel.
    asked.wanted[0].quantity = 1_000;
    asked.destination = Destination::Pickup("S001".parse().unwrap());
    assert_eq!(plan(&asked, &free).cost, Some(50));
}

/// A decision as it was kept before opening hours, zones and costs.
#[test]
fn a_decision_of_an_earlier_release_replays_identically() {
    let kept: Value = serde_json::from_str(include_str!("../golden/decision.v1.json")).unwrap();
    let snapshot: Snapshot = serde_json::from_value(kept["snapshot"].clone()).unwrap();
    let policy: RoutingPolicy = serde_json::from_value(kept["policy"].clone()).unwrap();
    let found = plan(&snapshot, &policy);
    assert_eq!(serde_json::to_value(&found).unwrap(), kept["plan"]);
    assert!(!found.assignments.is_empty() && !found.relaxed.is_empty());
}
