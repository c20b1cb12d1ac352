//! How good a location is, compared with the others that are left.
//!
//! Each part runs from 0 for the worst candidate to 1,000 for the best, and the
//! total is their mean by weight. A part that is the same for all, or that
//! nothing is known about, is 1,000 for all and decides nothing.
//!
//! Invariant: scores are whole numbers and do not depend on the order of the
//! candidates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::eligible::spare;
use super::{Candidate, Known, Snapshot, Wanted};
use crate::ids::LocationId;
use crate::policy::RoutingWeights;

/// A score and its parts, 0 to 1,000 each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// How near it is.
    pub distance: u32,
    /// How many units it has.
    pub depth: u32,
    /// How much capacity is free.
    pub capacity: u32,
    /// How cheap it is.
    pub cost: u32,
    /// How early it is ready.
    pub service: u32,
    /// How much it has beyond its own demand.
    pub stockout: u32,
    /// The mean of the parts by weight.
    pub total: u32,
}

const BEST: i128 = 1_000;

/// The scores of these candidates among each other.
pub(super) fn of(
    chosen: &[&Known<'_>],
    snapshot: &Snapshot,
    weights: &RoutingWeights,
) -> BTreeMap<LocationId, Score> {
    let part = |figure: &dyn Fn(&Known<'_>) -> Option<i64>| {
        let figures: Vec<Option<i64>> = chosen.iter().map(|known| figure(known)).collect();
        let known = || figures.iter().flatten().copied();
        let (worst, best) = (known().min(), known().max());
        figures
            .iter()
            .map(|figure| scaled(*figure, worst, best))
            .collect::<Vec<u32>>()
    };
    let less = |figure: u64| Some(i64::try_from(figure).map_or(i64::MIN, |figure| -figure));
    let distance = part(&|known| known.metres.and_then(less));
    let units = |c: &Candidate, wanted: &Wanted| c.depth.get(&wanted.sku).copied();
    let depth = part(&|known| {
        let units = |wanted: &Wanted| units(known.candidate, wanted).unwrap_or_default();
        Some(sum(snapshot, units))
    });
    let capacity = part(&|known| Some(i64::from(known.candidate.free_capacity)));
    let cost = part(&|known| known.cost.map(|cost| -cost));
    let service = part(&|known| Some(-known.candidate.ready_at.as_millis()));
    let stockout = part(&|known| Some(sum(snapshot, |wanted| spare(known.candidate, wanted))));
    let scores = (0..chosen.len()).map(|i| {
        let mut score = Score {
            distance: distance[i],
            depth: depth[i],
            capacity: capacity[i],
            cost: cost[i],
            service: service[i],
            stockout: stockout[i],
            total: 0,
        };
        score.total = total(&score, weights);
        (chosen[i].candidate.location.clone(), score)
    });
    scores.collect()
}

fn sum(snapshot: &Snapshot, of: impl Fn(&Wanted) -> i64) -> i64 {
    let sum = snapshot.wanted.iter().map(of);
    sum.fold(0, i64::saturating_add)
}

/// Where a figure lies between the worst and the best.
fn scaled(figure: Option<i64>, worst: Option<i64>, best: Option<i64>) -> u32 {
    let part = match (figure, worst, best) {
        (Some(figure), Some(worst), Some(best)) if best > worst => {
            let span = i128::from(best) - i128::from(worst);
            (i128::from(figure) - i128::from(worst)) * BEST / span
        }
        // Nothing is known of this one, but of others.
        (None, Some(_), Some(_)) => 0,
        _ => BEST,
    };
    u32::try_from(part).unwrap_or_default()
}

fn total(score: &Score, weights: &RoutingWeights) -> u32 {
    let parts = [
        (score.distance, weights.distance),
        (score.depth, weights.depth),
        (score.capacity, weights.capacity),
        (score.cost, weights.cost),
        (score.service, weights.service),
        (score.stockout, weights.stockout),
    ];
    let all: u32 = parts.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let sum: u32 = parts
        .iter()
        .map(|(part, weight)| part * u32::from(*weight))
        .sum();
    sum.checked_div(all).unwrap_or_default()
}
