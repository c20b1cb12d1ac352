//! What holds of every plan, whatever the candidates are.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::opening::Opening;
use evertill_domain::policy::{CostPolicy, RoutingPolicy, SoftRule};
use evertill_domain::routing::{Candidate, Plan, Snapshot, Wanted, plan};
use evertill_domain::{LocationId, Sku, Timestamp};
use proptest::prelude::*;

use crate::routing::{NOW, candidate, sku, snapshot};

fn any_opening() -> impl Strategy<Value = Option<Opening>> {
    let later = |hours: i64| Opening::OpensAt(Timestamp::from_millis(NOW + hours * 3_600_000));
    prop_oneof![
        Just(None),
        Just(Some(Opening::Open)),
        Just(Some(Opening::Never)),
        (1_i64..100).prop_map(move |hours| Some(later(hours))),
    ]
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.1));
    let stock = (0_i64..6, 0_i64..6, 0_i64..4);
    let rest = (0_i64..900, 0_u32..3, 0_u32..9_000, any_opening());
    (0_u32..12, stock, rest, flags).prop_map(
        |(name, (tea, milk, demand), (km, free_capacity, data_age_s, opening), flags)| {
            let mut candidate = candidate(&format!("S{name:03}"), tea, km);
            candidate.usable.insert(sku("MILK"), milk * 1_000);
            candidate.depth.insert(sku("MILK"), milk * 1_000);
            candidate.demand.insert(sku("TEA"), demand * 1_000);
            Candidate {
                free_capacity,
                data_age_s,
                opening,
                selling_open: flags.0,
                suspended: flags.1,
                ..candidate
            }
        },
    )
}

prop_compose! {
    fn any_snapshot()(
        candidates in prop::collection::vec(any_candidate(), 0..12),
        tea in 1_i64..9,
        milk in 1_i64..9,
        allow_split: bool,
        allow_partial: bool,
    ) -> Snapshot {
        let mut asked = snapshot(tea, candidates);
        asked.wanted.push(Wanted { line: 2, sku: sku("MILK"), quantity: milk * 1_000 });
        asked.wanted.push(Wanted { line: 3, sku: sku("TEA"), quantity: 1_000 });
        asked.allow_split = allow_split;
        asked.allow_partial = allow_partial;
        asked.candidates.sort_by(|a, b| a.location.cmp(&b.location));
        asked.candidates.dedup_by(|a, b| a.location == b.location);
        asked
    }
}

prop_compose! {
    fn any_policy()(
        relax in Just(SoftRule::ALL.to_vec()).prop_shuffle(),
        given_up in 0_usize..=SoftRule::ALL.len(),
        max_locations in 1_u8..4,
        max_distance_km in prop::option::of(1_u32..900),
        max_split_cost in prop::option::of(0_u32..1_500),
        parcel in 0_u32..900,
    ) -> RoutingPolicy {
        let mut costs = CostPolicy::default();
        costs.default.parcel = parcel;
        costs.default.per_100_km = 20;
        RoutingPolicy {
            relax: relax[..given_up].to_vec(),
            max_locations,
            max_distance_km,
            max_split_cost,
            costs: Some(costs),
            ..RoutingPolicy::default()
        }
    }
}

fn places(found: &Plan) -> BTreeSet<&LocationId> {
    found
        .assignments
        .iter()
        .map(|part| &part.location)
        .collect()
}

fn sourced(found: &Plan) -> i64 {
    found.assignments.iter().map(|part| part.quantity).sum()
}

proptest! {
    #[test]
    fn no_location_gives_more_than_may_be_promised_from_it(
        asked in any_snapshot(), policy in any_policy(),
    ) {
        let found = plan(&asked, &policy);
        let mut used: BTreeMap<(&LocationId, &Sku), i64> = BTreeMap::new();
        let mut sourced: BTreeMap<u32, i64> = BTreeMap::new();
        for part in &found.assignments {
            let wanted = asked.wanted.iter().find(|wanted| wanted.line == part.line).unwrap();
            *used.entry((&part.location, &wanted.sku)).or_default() += part.quantity;
            *sourced.entry(part.line).or_default() += part.quantity;
        }
        for ((location, sku), quantity) in used {
            let from = asked.candidates.iter().find(|c| c.location == *location).unwrap();
            prop_assert!(quantity > 0 && quantity <= from.usable[sku]);
            prop_assert!(from.selling_open && !from.suspended);
            prop_assert!(from.opening != Some(Opening::Never));
        }
        for wanted in &asked.wanted {
            let open = found.unsourced.get(&wanted.line).copied().unwrap_or_default();
            let have = sourced.get(&wanted.line).copied().unwrap_or_default();
            prop_assert_eq!(have + open, wanted.quantity);
        }
    }

    #[test]
    fn an_order_is_shared_by_few_and_comes_whole_or_not_at_all(
        asked in any_snapshot(), policy in any_policy(),
    ) {
        let found = plan(&asked, &policy);
        let most = if asked.allow_split { usize::from(policy.max_locations) } else { 1 };
        prop_assert!(places(&found).len() <= most);
        let whole = found.unsourced.is_empty();
        prop_assert!(asked.allow_partial || whole || found.assignments.is_empty());
        if let Some(limit) = policy.max_split_cost {
            // The dearest parcel may be the first one; the others are what the
            // split costs.
            let costs = found.considered.iter().filter(|c| places(&found).contains(&c.location));
            let mut costs: Vec<i64> = costs.filter_map(|c| c.cost).collect();
            costs.sort_unstable();
            costs.pop();
            prop_assert!(costs.iter().sum::<i64>() <= i64::from(limit));
        }
    }

    #[test]
    fn every_candidate_is_explained_and_their_order_does_not_matter(
        mut asked in any_snapshot(), policy in any_policy(), seed in 0_usize..12,
    ) {
        let found = plan(&asked, &policy);
        prop_assert_eq!(found.considered.len(), asked.candidates.len());
        for considered in &found.considered {
            let from = asked.candidates.iter().find(|c| c.location == considered.location);
            let rules = if from.unwrap().opening.is_some() { 12 } else { 10 };
            prop_assert_eq!(considered.verdicts.len(), rules);
            let mut verdicts = considered.verdicts.iter();
            prop_assert!(verdicts.all(|v| v.holds || !v.why.is_empty()));
            let out = considered.verdicts.iter().any(|v| {
                !v.holds && !v.rule.is_given_up(&found.relaxed)
            });
            prop_assert_eq!(considered.score.is_none(), out);
        }
        let middle = seed.min(asked.candidates.len());
        asked.candidates.rotate_left(middle);
        prop_assert_eq!(&plan(&asked, &policy), &found);
        asked.candidates.reverse();
        prop_assert_eq!(&plan(&asked, &policy), &found);
    }

    #[test]
    fn giving_up_more_rules_never_sources_less(
        mut asked in any_snapshot(), mut policy in any_policy(),
    ) {
        asked.allow_partial = true;
        let all = std::mem::take(&mut policy.relax);
        let mut before = sourced(&plan(&asked, &policy));
        for rule in all {
            policy.relax.push(rule);
            let found = plan(&asked, &policy);
            prop_assert!(sourced(&found) >= before);
            prop_assert!(policy.relax.starts_with(&found.relaxed));
            before = sourced(&found);
        }
    }

    #[test]
    fn a_stored_decision_replays_to_the_letter(
        asked in any_snapshot(), policy in any_policy(),
    ) {
        let text = |found: &Plan| serde_json::to_string(found).unwrap();
        let found = text(&plan(&asked, &policy));
        let stored = serde_json::to_string(&(&asked, &policy)).unwrap();
        let (asked, policy): (Snapshot, RoutingPolicy) = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(text(&plan(&asked, &policy)), found);
    }
}
