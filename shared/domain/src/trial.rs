//! Trials: what a draft of a policy would have decided otherwise.
//!
//! A decision is kept with its snapshot, the facts behind its figures and the
//! policies that were in force. So it can be made again under a draft, each
//! decision by itself: what an earlier one would have left for a later one is
//! not carried over.
//!
//! Invariant: under the policies that were in force a decision comes out as it
//! did, or it is not tried at all and said to be so.

mod goods;
mod late;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use late::{Lateness, Step, StepKind, TimerTrial, steps};

use crate::availability::{Basis, at_location};
use crate::ids::{LocationId, Sku};
use crate::policy::{RoutingPolicy, Selling};
use crate::routing::{Assignment, Plan, Snapshot, plan};
use crate::time::Timestamp;

const MINUTE_MS: i64 = 60_000;

/// A decision as it was kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// What was known.
    pub snapshot: Snapshot,
    /// What was decided.
    pub plan: Plan,
    /// The routing policy that decided.
    pub routing: RoutingPolicy,
    /// What the figures were made from; decisions of earlier releases have none.
    pub basis: Option<Basis>,
}

/// Why a decision was not made again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Untried {
    /// It was recorded before the facts behind its figures were kept.
    RecordedBefore,
    /// This release decides otherwise under the same policies, or cannot read
    /// what was kept.
    OtherRelease,
}

/// A decision that was made again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retried {
    /// What would have been decided.
    pub plan: Plan,
    /// Why it is otherwise; empty if it is not.
    pub because: Vec<Because>,
}

/// One reason why a draft decides otherwise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Because {
    /// Where.
    pub location: Option<LocationId>,
    /// Of which product.
    pub sku: Option<Sku>,
    /// The rule of the draft, as a JSON pointer into it.
    pub rule: String,
    /// In words.
    pub detail: String,
    /// Whether it follows from recorded facts alone; an estimate of the rights
    /// that the hub would have held does not.
    pub is_exact: bool,
}

impl Retried {
    /// Whether what comes out is otherwise.
    #[must_use]
    pub fn is_otherwise(&self) -> bool {
        !self.because.is_empty()
    }

    /// Whether all of it follows from recorded facts.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.because.iter().all(|because| because.is_exact)
    }
}

/// Makes a decision again under `draft`, where `in_force` were in force; its
/// routing policy is the one that was recorded.
///
/// # Errors
/// See [`Untried`].
pub fn again(recorded: &Recorded, draft: &Selling, in_force: &Selling) -> Result<Retried, Untried> {
    let same = plan(&recorded.snapshot, &recorded.routing);
    if !is_same(&same, &recorded.plan) {
        return Err(Untried::OtherRelease);
    }
    let snapshot = if only_routes(draft, in_force) {
        recorded.snapshot.clone()
    } else {
        let basis = recorded.basis.as_ref().ok_or(Untried::RecordedBefore)?;
        under(&recorded.snapshot, basis, draft, in_force)?
    };
    let would_be = plan(&snapshot, &draft.routing);
    let because = if is_same(&would_be, &recorded.plan) {
        Vec::new()
    } else {
        why::because(recorded, (&snapshot, &would_be), draft, in_force)
    };
    Ok(Retried {
        plan: would_be,
        because,
    })
}

fn is_same(one: &Plan, other: &Plan) -> bool {
    one.assignments == other.assignments && one.unsourced == other.unsourced
}

fn only_routes(draft: &Selling, in_force: &Selling) -> bool {
    draft.safety_stock == in_force.safety_stock
        && draft.channels == in_force.channels
        && draft.online == in_force.online
        && draft.timers == in_force.timers
}

/// The snapshot as it would have been under a draft.
fn under(
    snapshot: &Snapshot,
    basis: &Basis,
    draft: &Selling,
    in_force: &Selling,
) -> Result<Snapshot, Untried> {
    let mut snapshot = snapshot.clone();
    let now = snapshot.now;
    let shifted = shift_ms(draft, in_force);
    for candidate in &mut snapshot.candidates {
        let location = candidate.location.clone();
        for (sku, usable) in &mut candidate.usable {
            let of = |policies| usable_under(basis, (&location, sku), now, policies, in_force);
            if of(in_force) != Some(*usable) {
                return Err(Untried::OtherRelease);
            }
            *usable = of(draft).ok_or(Untried::OtherRelease)?;
        }
        if basis.is_suspended(&location, in_force) != Some(candidate.suspended) {
            return Err(Untried::OtherRelease);
        }
        let suspended = basis.is_suspended(&location, draft);
        candidate.suspended = suspended.ok_or(Untried::OtherRelease)?;
        let ready_at = candidate.ready_at.as_millis().saturating_add(shifted);
        candidate.ready_at = Timestamp::from_millis(ready_at);
    }
    Ok(snapshot)
}

/// By how much later goods are ready under a draft, in milliseconds.
fn shift_ms(draft: &Selling, in_force: &Selling) -> i64 {
    let minutes = |policies: &Selling| i64::from(policies.timers.preparation_minutes());
    (minutes(draft) - minutes(in_force)) * MINUTE_MS
}

fn usable_under(
    basis: &Basis,
    (location, sku): (&LocationId, &Sku),
    now: Timestamp,
    policies: &Selling,
    in_force: &Selling,
) -> Option<i64> {
    let figures = basis.figures((location, sku), now, policies, in_force)?;
    let atp = at_location(location.clone(), &figures).atp;
    let quantum = basis.goods.get(sku)?.quantum;
    Some(usable(atp, quantum))
}

/// What of an availability can be promised, in whole quanta.
#[must_use]
pub const fn usable(atp: i64, quantum: i64) -> i64 {
    let atp = if atp > 0 { atp } else { 0 };
    let quantum = if quantum < 1 { 1 } else { quantum };
    atp - atp.rem_euclid(quantum)
}

/// What a draft comes to over many decisions; quantities in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// Decisions that were made again.
    pub decisions: usize,
    /// Those that would have come out otherwise.
    pub changed: usize,
    /// Of these, those that rest on an estimate.
    pub estimated: usize,
    /// Only the policies in force had all of it.
    pub lost: usize,
    /// Only the draft would have had all of it.
    pub won: usize,
    /// Those that would have come from more places.
    pub more_places: usize,
    /// Those that would have come from fewer places.
    pub fewer_places: usize,
    /// Units that were promised.
    pub units: i64,
    /// Units that would have been promised.
    pub units_would_be: i64,
    /// Decisions that were kept before their facts were.
    pub recorded_before: usize,
    /// Decisions that this release cannot make again.
    pub other_release: usize,
}

impl Sums {
    /// Counts a decision.
    pub fn add(&mut self, was: &Plan, tried: &Result<Retried, Untried>) {
        let retried = match tried {
            Ok(retried) => retried,
            Err(Untried::RecordedBefore) => {
                self.recorded_before += 1;
                return;
            }
            Err(Untried::OtherRelease) => {
                self.other_release += 1;
                return;
            }
        };
        let would_be = &retried.plan;
        self.decisions += 1;
        self.units += promised(was);
        self.units_would_be += promised(would_be);
        if !retried.is_otherwise() {
            return;
        }
        self.changed += 1;
        self.estimated += usize::from(!retried.is_exact());
        let (before, after) = (was.unsourced.is_empty(), would_be.unsourced.is_empty());
        self.lost += usize::from(before && !after);
        self.won += usize::from(!before && after);
        let (from, to) = (places(was), places(would_be));
        self.more_places += usize::from(to > from);
        self.fewer_places += usize::from(to < from);
    }
}

fn promised(plan: &Plan) -> i64 {
    plan.assignments.iter().map(|part| part.quantity).sum()
}

fn places(plan: &Plan) -> usize {
    let places = plan.assignments.iter().map(|part| &part.location);
    places.collect::<BTreeSet<_>>().len()
}

/// What each location gives of each line.
fn shares(parts: &[Assignment]) -> BTreeMap<(&LocationId, u32), i64> {
    let mut shares = BTreeMap::new();
    for part in parts {
        *shares.entry((&part.location, part.line)).or_insert(0) += part.quantity;
    }
    shares
}
