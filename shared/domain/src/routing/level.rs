//! One level of a plan: with some soft rules given up, who takes part and who
//! takes what.
//!
//! Invariant: what is assigned and what is open of a line make up what is
//! wanted of it.

use std::collections::{BTreeMap, BTreeSet};

use super::score::{self, Score};
use super::{Assignment, Candidate, Known, Snapshot};
use crate::ids::{LocationId, Sku};
use crate::policy::{RoutingPolicy, SoftRule};

/// What one level of relaxation gives.
pub(super) struct Level {
    pub(super) relaxed: Vec<SoftRule>,
    pub(super) scores: BTreeMap<LocationId, Score>,
    pub(super) assignments: Vec<Assignment>,
    pub(super) open: BTreeMap<u32, i64>,
}

impl Level {
    pub(super) fn at(
        known: &[Known<'_>],
        snapshot: &Snapshot,
        policy: &RoutingPolicy,
        relaxed: &[SoftRule],
    ) -> Self {
        let is_in = |known: &&Known<'_>| {
            let mut rules = known.verdicts.iter();
            rules.all(|verdict| verdict.holds || verdict.rule.is_given_up(relaxed))
        };
        let chosen: Vec<&Known<'_>> = known.iter().filter(is_in).collect();
        let scores = score::of(&chosen, snapshot, &policy.weights);
        let ranked = ranked(chosen, &scores, &snapshot.order);
        let mut level = Self {
            relaxed: relaxed.to_vec(),
            scores,
            assignments: Vec::new(),
            open: wanted(snapshot),
        };
        level.assign(&ranked, snapshot, policy);
        level
    }

    /// One location for everything, or the fewest that cover the most.
    fn assign(&mut self, ranked: &[&Known<'_>], snapshot: &Snapshot, policy: &RoutingPolicy) {
        let whole: i64 = self.open.values().sum();
        let single = ranked
            .iter()
            .find(|known| cover(known.candidate, snapshot, &self.open).1 == whole);
        if let Some(known) = single {
            return self.take(known.candidate, snapshot);
        }
        let most = if snapshot.allow_split {
            usize::from(policy.max_locations)
        } else {
            1
        };
        let mut left: Vec<&Known<'_>> = ranked.to_vec();
        let mut budget = policy.max_split_cost.map_or(i64::MAX, i64::from);
        for taken in 0..most {
            // The first of the best, so that a better score decides among equals.
            // Each parcel but the first one is what the split costs.
            let best = left
                .iter()
                .enumerate()
                .filter(|(_, known)| taken == 0 || known.parcel <= budget)
                .map(|(i, known)| (cover(known.candidate, snapshot, &self.open).1, i))
                .max_by_key(|(covered, i)| (*covered, std::cmp::Reverse(*i)));
            match best {
                Some((covered, i)) if covered > 0 => {
                    let known = left.remove(i);
                    if taken > 0 {
                        budget -= known.parcel;
                    }
                    self.take(known.candidate, snapshot);
                }
                _ => break,
            }
        }
    }

    fn take(&mut self, candidate: &Candidate, snapshot: &Snapshot) {
        for (line, quantity) in cover(candidate, snapshot, &self.open).0 {
            self.assignments.push(Assignment {
                line,
                location: candidate.location.clone(),
                quantity,
            });
            *self.open.entry(line).or_default() -= quantity;
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.open.values().all(|open| *open == 0)
    }

    pub(super) fn sourced(&self) -> i64 {
        self.assignments.iter().map(|part| part.quantity).sum()
    }

    pub(super) fn drop_assignments(&mut self, snapshot: &Snapshot) {
        self.assignments.clear();
        self.open = wanted(snapshot);
    }

    /// What the assignments cost: each location one parcel, and its lines.
    pub(super) fn cost(&self, known: &[Known<'_>]) -> i64 {
        let mut lines: BTreeMap<&LocationId, BTreeSet<u32>> = BTreeMap::new();
        for part in &self.assignments {
            lines.entry(&part.location).or_default().insert(part.line);
        }
        let costs = known.iter().filter_map(|known| {
            let lines = lines.get(&known.candidate.location)?;
            Some(known.cost_of(lines.len()))
        });
        costs.fold(0, i64::saturating_add)
    }
}

fn wanted(snapshot: &Snapshot) -> BTreeMap<u32, i64> {
    let mut open = BTreeMap::new();
    for wanted in &snapshot.wanted {
        *open.entry(wanted.line).or_default() += wanted.quantity.max(0);
    }
    open
}

/// What a candidate covers of what is open: by line, and in all. Lines of one
/// product share its units.
fn cover(
    candidate: &Candidate,
    snapshot: &Snapshot,
    open: &BTreeMap<u32, i64>,
) -> (Vec<(u32, i64)>, i64) {
    let mut used: BTreeMap<&Sku, i64> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut lines = BTreeSet::new();
    for wanted in &snapshot.wanted {
        if !lines.insert(wanted.line) {
            continue;
        }
        let asked = open.get(&wanted.line).copied().unwrap_or_default();
        let usable = candidate
            .usable
            .get(&wanted.sku)
            .copied()
            .unwrap_or_default();
        let used = used.entry(&wanted.sku).or_default();
        let quantity = asked.min(usable - *used).max(0);
        if quantity > 0 {
            *used += quantity;
            parts.push((wanted.line, quantity));
        }
    }
    let sum = parts.iter().map(|(_, quantity)| quantity).sum();
    (parts, sum)
}

/// The best first; equals in the order of a hash of order and location.
fn ranked<'a, 'c>(
    mut chosen: Vec<&'a Known<'c>>,
    scores: &BTreeMap<LocationId, Score>,
    order: &str,
) -> Vec<&'a Known<'c>> {
    chosen.sort_by_cached_key(|known| {
        let candidate = known.candidate;
        let total = scores
            .get(&candidate.location)
            .map_or(0, |score| score.total);
        let mut hasher = blake3::Hasher::new();
        hasher.update(order.as_bytes());
        hasher.update(&[0]);
        hasher.update(candidate.location.as_str().as_bytes());
        (std::cmp::Reverse(total), *hasher.finalize().as_bytes())
    });
    chosen
}
