//! Why a draft decides otherwise: the rules of the draft at the places that gain
//! or lose a part of the order, in words.
//!
//! Invariant: a decision that comes out otherwise has at least one reason.

use std::collections::BTreeSet;

use super::goods::Changed;
use super::{Because, Recorded, shares, shift_ms};
use crate::ids::{LocationId, Sku};
use crate::policy::{Place, Selling, SoftRule};
use crate::routing::{HardRule, Plan, Rule, Snapshot};

/// Most reasons of one decision.
const MOST: usize = 10;

/// The reasons: first those of the goods, then those of the places.
pub(super) fn because(
    recorded: &Recorded,
    (snapshot, would_be): (&Snapshot, &Plan),
    draft: &Selling,
    in_force: &Selling,
) -> Vec<Because> {
    let moved = moved(&recorded.plan, would_be);
    let compared = Compared {
        recorded,
        snapshot,
        would_be,
        draft,
        in_force,
    };
    let mut reasons = compared.of_goods(|location| moved.contains(location));
    if reasons.is_empty() {
        // What changed elsewhere moved the order: a rival became better or worse.
        reasons = compared.of_goods(|_| true);
    }
    reasons.extend(compared.of_rules(&moved));
    if reasons.is_empty() {
        reasons = compared.of_ranking(&moved);
    }
    reasons.truncate(MOST);
    reasons
}

/// The locations that give more or less than they did.
fn moved(was: &Plan, would_be: &Plan) -> BTreeSet<LocationId> {
    let (before, after) = (shares(&was.assignments), shares(&would_be.assignments));
    let keys = before.keys().chain(after.keys());
    let moved = keys.filter(|key| before.get(key) != after.get(key));
    moved.map(|(location, _)| (*location).clone()).collect()
}

struct Compared<'a> {
    recorded: &'a Recorded,
    snapshot: &'a Snapshot,
    would_be: &'a Plan,
    draft: &'a Selling,
    in_force: &'a Selling,
}

impl Compared<'_> {
    /// Goods of which more or less could have been promised at some locations.
    fn of_goods(&self, at: impl Fn(&LocationId) -> bool) -> Vec<Because> {
        let before = self.recorded.snapshot.candidates.iter();
        let pairs = before.zip(&self.snapshot.candidates);
        let mut reasons = Vec::new();
        for (was, is) in pairs.filter(|(was, _)| at(&was.location)) {
            for (sku, usable) in &was.usable {
                if is.usable.get(sku) != Some(usable) {
                    reasons.extend(self.of_pair(&was.location, sku));
                }
            }
        }
        reasons
    }

    fn of_pair(&self, location: &LocationId, sku: &Sku) -> Vec<Because> {
        let (key, now) = ((location, sku), self.snapshot.now);
        let Some(basis) = &self.recorded.basis else {
            return Vec::new();
        };
        let figures = |policies| basis.figures(key, now, policies, self.in_force);
        let (Some(was), Some(is), Some(asked)) = (
            figures(self.in_force),
            figures(self.draft),
            basis.asked(key, now),
        ) else {
            return Vec::new();
        };
        let changed = Changed {
            asked,
            was,
            is,
            draft: self.draft,
        };
        changed.reasons()
    }

    /// Rules that a place meets now and did not, or the other way about.
    fn of_rules(&self, moved: &BTreeSet<LocationId>) -> Vec<Because> {
        let mut reasons = Vec::new();
        let before = &self.recorded.plan.considered;
        for is in &self.would_be.considered {
            let Some(was) = before.iter().find(|was| was.location == is.location) else {
                continue;
            };
            if !moved.contains(&is.location) {
                continue;
            }
            for (was, now) in was.verdicts.iter().zip(&is.verdicts) {
                // What can be promised is told by its goods.
                if was.holds == now.holds || now.rule == Rule::Hard(HardRule::HasUnits) {
                    continue;
                }
                let detail = if now.holds {
                    format!("{}: no longer that {}", is.location, was.why)
                } else {
                    format!("{}: {}", is.location, now.why)
                };
                reasons.push(Because {
                    location: Some(is.location.clone()),
                    sku: None,
                    rule: self.pointer(now.rule, &is.location),
                    detail,
                    is_exact: self.is_exact(now.rule, &is.location),
                });
            }
        }
        let (was, is) = (
            self.recorded.plan.relaxed.len(),
            self.would_be.relaxed.len(),
        );
        if was != is {
            reasons.push(Because {
                location: None,
                sku: None,
                rule: "/relax".to_owned(),
                detail: format!("{is} rules are given up ({was} before)"),
                is_exact: true,
            });
        }
        reasons
    }

    /// The scores at the places that gain or lose, and how many may share.
    fn of_ranking(&self, moved: &BTreeSet<LocationId>) -> Vec<Because> {
        let score = |plan: &Plan, location: &LocationId| {
            let mut found = plan.considered.iter().filter(|c| c.location == *location);
            found.next().and_then(|c| c.score).map(|score| score.total)
        };
        let mut reasons = Vec::new();
        if self.draft.routing.max_locations != self.recorded.routing.max_locations {
            reasons.push(Because {
                location: None,
                sku: None,
                rule: "/max_locations".to_owned(),
                detail: format!(
                    "an order comes from no more than {} of the locations ({} before)",
                    self.draft.routing.max_locations, self.recorded.routing.max_locations
                ),
                is_exact: true,
            });
        }
        for location in moved {
            let words = |score: Option<u32>| {
                score.map_or_else(|| "nothing".to_owned(), |score| score.to_string())
            };
            let was = words(score(&self.recorded.plan, location));
            let is = words(score(self.would_be, location));
            reasons.push(Because {
                location: Some(location.clone()),
                sku: None,
                rule: "/weights".to_owned(),
                detail: format!("{location} scores {is} ({was} before)"),
                is_exact: true,
            });
        }
        reasons
    }

    fn pointer(&self, rule: Rule, location: &LocationId) -> String {
        match rule {
            Rule::Soft(SoftRule::Distance) => "/max_distance_km".to_owned(),
            Rule::Soft(SoftRule::DataAge) => "/max_data_age_minutes".to_owned(),
            Rule::Hard(HardRule::NotSuspended) => {
                let asked = self.recorded.basis.as_ref();
                let place = asked.and_then(|basis| basis.places.get_key_value(location));
                let place = place.map(|(id, place)| Place {
                    id,
                    kind: place.situation.kind,
                });
                place.map_or_else(String::new, |place| {
                    format!("{}/silence_limit_minutes", self.draft.online.pointer(place))
                })
            }
            Rule::Hard(_) | Rule::Soft(_) => String::new(),
        }
    }

    /// When goods are ready is a sum of timers only where the store works without
    /// a break; elsewhere it is moved by as much as the sum is.
    fn is_exact(&self, rule: Rule, location: &LocationId) -> bool {
        if rule != Rule::Soft(SoftRule::Service) || shift_ms(self.draft, self.in_force) == 0 {
            return true;
        }
        let minutes = i64::from(self.in_force.timers.preparation_minutes());
        let candidates = &self.recorded.snapshot.candidates;
        let mut found = candidates.iter().filter(|c| c.location == *location);
        let ready = self.recorded.snapshot.now.as_millis() + minutes * super::MINUTE_MS;
        found.any(|candidate| candidate.ready_at.as_millis() == ready)
    }
}
