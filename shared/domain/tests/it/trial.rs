//! Trials: under the policies in force a decision comes out as it did, and under
//! a draft it says which rule makes the difference.

mod late;
mod rights;

use evertill_domain::availability::{
    Basis, GoodsBasis, PairBasis, PlaceBasis, Situation, at_location,
};
use evertill_domain::policy::{Selling, Units};
use evertill_domain::routing::{Snapshot, plan};
use evertill_domain::trial::{Recorded, Retried, Sums, Untried, again, usable};
use evertill_domain::{LocationId, Sku, Timestamp};
use proptest::prelude::*;
use serde_json::json;

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

pub fn store(name: &str) -> LocationId {
    name.parse().unwrap()
}

/// A location whose node, if it has one, handed the hub so many rights.
pub fn place(units: i64, hub_rights: i64, hub_mints: bool) -> PlaceBasis {
    let pair = PairBasis {
        on_hand: units * 1_000,
        units: units * 1_000,
        outstanding: hub_rights * 1_000,
        hub_rights: hub_rights * 1_000,
        ..PairBasis::default()
    };
    PlaceBasis {
        situation: Situation {
            hub_mints,
            ..Situation::default()
        },
        pairs: [(sku("TEA"), pair)].into(),
    }
}

fn basis(places: &[(&str, PlaceBasis)]) -> Basis {
    let goods = GoodsBasis {
        category: "HOT".to_owned(),
        class: Some("A".to_owned()),
        quantum: 1_000,
        ..GoodsBasis::default()
    };
    Basis {
        channel: Some("web".parse().unwrap()),
        goods: [(sku("TEA"), goods)].into(),
        places: places
            .iter()
            .map(|(name, place)| (store(name), place.clone()))
            .collect(),
        ..Basis::default()
    }
}

/// What was decided for some pieces of TEA.
fn decided(pieces: i64, basis: Basis, in_force: &Selling) -> Recorded {
    let now: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
    let candidates: Vec<_> = basis
        .places
        .keys()
        .map(|id| {
            let figures = basis.figures((id, &sku("TEA")), now, in_force, in_force);
            let atp = at_location(id.clone(), &figures.unwrap()).atp;
            json!({
                "location": id, "position": null, "zones": [],
                "usable": {"TEA": usable(atp, 1_000)}, "depth": {"TEA": 9_000}, "demand": {},
                "free_capacity": 10, "cost": 0, "ready_at": "2027-01-15T09:45:00Z",
                "selling_open": true, "suspended": basis.is_suspended(id, in_force).unwrap(),
                "data_age_s": 0, "cooling_until": null,
            })
        })
        .collect();
    let snapshot: Snapshot = serde_json::from_value(json!({
        "order": "web/W-1", "now": now,
        "wanted": [{"line": 1, "sku": "TEA", "quantity": pieces * 1_000}],
        "destination": {"ship": {"position": null, "zone": null}},
        "promise_by": null, "allow_split": true, "allow_partial": false,
        "policy_version": 0, "candidates": candidates,
    }))
    .unwrap();
    Recorded {
        plan: plan(&snapshot, &in_force.routing),
        snapshot,
        routing: in_force.routing.clone(),
        basis: Some(basis),
    }
}

fn tried(recorded: &Recorded, draft: &Selling) -> Retried {
    again(recorded, draft, &Selling::default()).unwrap()
}

fn reasons(retried: &Retried) -> Vec<(&str, &str)> {
    let because = retried.because.iter();
    because
        .map(|because| (because.rule.as_str(), because.detail.as_str()))
        .collect()
}

fn withholding(units: &str, scope: &serde_json::Value) -> Selling {
    let policy = json!({"rules": [{"scope": scope, "units": units}]});
    Selling {
        safety_stock: serde_json::from_value(policy).unwrap(),
        ..Selling::default()
    }
}

#[test]
fn a_safety_stock_moves_an_order_and_says_which_rule_did() {
    let in_force = Selling::default();
    let places = [("S001", place(3, 0, true)), ("S002", place(9, 0, true))];
    let recorded = decided(3, basis(&places), &in_force);
    let from = recorded.plan.assignments[0].location.clone();
    let draft = withholding("2", &json!({"class": "A", "location": from}));
    let retried = tried(&recorded, &draft);
    let detail = format!("safety stock rule 0 withholds 2 of TEA at {from} (0 before)");
    if from == store("S001") {
        assert_eq!(reasons(&retried), [("/rules/0", detail.as_str())]);
        assert_eq!(retried.plan.assignments[0].location, store("S002"));
    } else {
        assert!(!retried.is_otherwise(), "nine less two are enough");
    }
    assert!(retried.is_exact());
}

#[test]
fn what_was_refused_may_be_won_and_what_was_sold_lost() {
    let in_force = withholding("2", &json!({}));
    let refused = decided(3, basis(&[("S001", place(3, 0, true))]), &in_force);
    assert_eq!(refused.plan.assignments, []);
    let draft = Selling::default();
    let won = again(&refused, &draft, &in_force).unwrap();
    assert!(won.plan.unsourced.is_empty());
    assert_eq!(
        reasons(&won),
        [(
            "/default",
            "the default safety stock withholds 0 of TEA at S001 (2 before)"
        )]
    );
    let sold = decided(3, basis(&[("S001", place(3, 0, true))]), &draft);
    let lost = tried(&sold, &in_force);
    let mut sums = Sums::default();
    sums.add(&refused.plan, &Ok(won));
    sums.add(&sold.plan, &Ok(lost));
    assert_eq!(
        (sums.decisions, sums.changed, sums.won, sums.lost),
        (2, 2, 1, 1)
    );
    assert_eq!((sums.units, sums.units_would_be), (3_000, 3_000));
    assert_eq!(
        (sums.estimated, sums.more_places, sums.fewer_places),
        (0, 1, 1)
    );
}

#[test]
fn channels_exclude_share_and_reserve() {
    let in_force = Selling::default();
    let recorded = decided(8, basis(&[("S001", place(9, 0, true))]), &in_force);
    let draft = |policy: serde_json::Value| Selling {
        channels: serde_json::from_value(policy).unwrap(),
        ..Selling::default()
    };
    let excluded = json!({"exclusions": [{"channel": "web", "scope": {"category": "HOT"}}]});
    let shared = json!({"channels": {"web": {"priority": 1, "share_per_mille": 500}}});
    let reserved = json!({"reserves": [
        {"channel": "market", "units": "1", "from": "2026-01-01T00:00:00Z",
         "to": "2026-02-01T00:00:00Z"},
        {"channel": "market", "units": "4", "from": "2027-01-01T00:00:00Z",
         "to": "2027-02-01T00:00:00Z"}]});
    for (policy, rule, detail) in [
        (
            excluded,
            "/exclusions/0",
            "exclusion 0 keeps web from selling TEA at S001",
        ),
        (
            shared,
            "/channels/web/share_per_mille",
            "the share of web keeps 5 of TEA at S001 from web (0 before)",
        ),
        (
            reserved,
            "/reserves/1",
            "reserve 1 keeps 4 of TEA at S001 from web (0 before)",
        ),
    ] {
        let retried = tried(&recorded, &draft(policy));
        assert_eq!(retried.plan.assignments, []);
        assert_eq!(reasons(&retried), [(rule, detail)]);
        assert!(retried.is_exact());
    }
}

#[test]
fn a_share_of_rights_is_an_estimate_and_a_limit_of_silence_is_not() {
    let in_force = Selling::default();
    // Ten pieces: nine rights at the hub, one at the node.
    let mut kept = place(10, 9, false);
    kept.pairs.get_mut(&sku("TEA")).unwrap().outstanding = 10_000;
    kept.situation.silent_s = 3_600;
    let recorded = decided(7, basis(&[("S001", kept)]), &in_force);
    assert!(recorded.plan.unsourced.is_empty());
    let draft = |rule: serde_json::Value| Selling {
        online: serde_json::from_value(json!({"locations": {"S001": rule}})).unwrap(),
        ..Selling::default()
    };
    let smaller = tried(&recorded, &draft(json!({"share_per_mille": 300})));
    assert_eq!(
        reasons(&smaller),
        [(
            "/locations/S001/share_per_mille",
            "the hub would have held about 3 rights of TEA at S001 (9 before): its share is 300 \
             thousandths, and 0 stay at the tills"
        )]
    );
    assert!(!smaller.is_exact());
    // What of it the store was closed does not count.
    let mut by_day = recorded.clone();
    let places = &mut by_day.basis.as_mut().unwrap().places;
    places.values_mut().next().unwrap().situation.silent_open_s = Some(1_740);
    let open = tried(&by_day, &draft(json!({"silence_limit_minutes": 30})));
    assert!(open.plan.unsourced.is_empty(), "{:?}", reasons(&open));
    let silent = tried(&recorded, &draft(json!({"silence_limit_minutes": 30})));
    assert_eq!(
        reasons(&silent)[0],
        (
            "/locations/S001/silence_limit_minutes",
            "S001 was silent for 60 minutes, beyond its limit of 30"
        )
    );
    assert!(silent.is_exact());
}

#[test]
fn a_routing_draft_names_its_own_rule_and_needs_no_figures() {
    let in_force = Selling::default();
    let places = [("S001", place(3, 0, true)), ("S002", place(3, 0, true))];
    let mut recorded = decided(5, basis(&places), &in_force);
    assert_eq!(recorded.plan.assignments.len(), 2);
    recorded.basis = None;
    let mut draft = Selling::default();
    draft.routing.max_locations = 1;
    let retried = tried(&recorded, &draft);
    assert_eq!(
        reasons(&retried)[0],
        (
            "/max_locations",
            "an order comes from no more than 1 of the locations (3 before)"
        )
    );
    let other = withholding("1", &json!({}));
    let untried = again(&recorded, &other, &in_force);
    assert_eq!(untried, Err(Untried::RecordedBefore));
}

#[test]
fn what_this_release_does_not_make_the_same_is_not_tried() {
    let in_force = Selling::default();
    let mut recorded = decided(2, basis(&[("S001", place(3, 0, true))]), &in_force);
    let draft = withholding("1", &json!({}));
    recorded.snapshot.candidates[0].usable = [(sku("TEA"), 2_000)].into();
    assert_eq!(
        again(&recorded, &draft, &in_force),
        Err(Untried::OtherRelease)
    );
    recorded.plan.assignments.clear();
    assert_eq!(
        again(&recorded, &in_force, &in_force),
        Err(Untried::OtherRelease)
    );
}

proptest! {
    #[test]
    fn under_the_policies_in_force_nothing_changes(
        stores in prop::collection::vec(
            (0_i64..12, 0_i64..12, 0_i64..12, 0_i64..4, any::<bool>(), 0_u32..400_000), 1..5),
        pieces in 1_i64..12, withheld in 0_u32..4, share in 0_u16..1_000, own in 0_u16..1_000,
    ) {
        let mut in_force = Selling::default();
        in_force.safety_stock.default = Units::whole(withheld);
        in_force.online.default.share_per_mille = share;
        in_force.channels = serde_json::from_value(json!({
            "channels": {"web": {"priority": 1, "share_per_mille": own}}
        })).unwrap();
        let places: Vec<(String, PlaceBasis)> = stores
            .iter()
            .enumerate()
            .map(|(i, (units, hub, node, promised, hub_mints, silent_s))| {
                let mut found = place(*units, *hub, *hub_mints);
                found.situation.silent_s = *silent_s;
                let pair = found.pairs.get_mut(&sku("TEA")).unwrap();
                pair.promised = promised * 1_000;
                pair.outstanding = (hub + node + promised) * 1_000;
                pair.demand_per_day = 2_500;
                (format!("S{i:03}"), found)
            })
            .collect();
        let places: Vec<(&str, PlaceBasis)> =
            places.iter().map(|(name, place)| (name.as_str(), place.clone())).collect();
        let recorded = decided(pieces, basis(&places), &in_force);
        // A copy, so that it is compared and not recognized.
        let retried = again(&recorded, &in_force.clone(), &in_force).unwrap();
        prop_assert_eq!(&retried.plan, &recorded.plan);
        prop_assert!(!retried.is_otherwise());
        let text = serde_json::to_string(&recorded).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Recorded>(&text).unwrap(), &recorded);
        // Whatever else is drafted, a difference says why.
        let mut draft = in_force.clone();
        draft.safety_stock.default = Units::whole(withheld + 1);
        let retried = again(&recorded, &draft, &in_force).unwrap();
        let same = retried.plan.assignments == recorded.plan.assignments
            && retried.plan.unsourced == recorded.plan.unsourced;
        prop_assert_eq!(retried.is_otherwise(), !same);
    }
}
