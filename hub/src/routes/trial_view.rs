//! What a draft would have decided otherwise, as it is shown.
//!
//! Invariant: every difference says why, and whether that follows from recorded
//! facts alone.

use evertill_domain::routing::Assignment;
use evertill_domain::trial::{Because, Sums};
use evertill_http::api::thousandths_text;
use evertill_storage::reference::PolicyName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::services::simulate::{Difference, LateStep, Timers, Trial};

/// What a draft would have decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialView {
    /// How many decisions were made again.
    decisions: usize,
    /// How many would have come out otherwise.
    changed: usize,
    /// Of these, how many rest on an estimate of the rights that the hub would
    /// have held; the others follow from recorded facts alone.
    estimated: usize,
    /// Orders that only the policy in force sourced in full.
    lost: usize,
    /// Orders that only the draft would have sourced in full, beside those that
    /// were refused.
    won: usize,
    /// Orders that would have come from more places.
    more_places: usize,
    /// Orders that would have come from fewer places.
    fewer_places: usize,
    /// Units that were promised in these decisions.
    units: String,
    /// Units that would have been promised.
    units_would_be: String,
    /// Orders that were refused for a lack of goods.
    refused: RefusedView,
    /// Decisions that were not made again.
    not_tried: NotTriedView,
    /// How long steps took, for a draft of `timers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    timers: Option<TimersView>,
    /// What would have been decided otherwise, the first ones: refused orders
    /// that would have been taken in, then the others, the newest first.
    differences: Vec<DifferenceView>,
    /// What is exact about all this, and what is not.
    notes: Vec<&'static str>,
}

/// Orders that were refused for a lack of goods and never taken in later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedView {
    /// How many were tried.
    orders: usize,
    /// How many would have been taken in.
    would_be_accepted: usize,
    /// Of these, how many rest on an estimate.
    estimated: usize,
    /// Units that would have been promised.
    units_would_be: String,
}

/// Decisions and refusals that were not made again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotTriedView {
    /// They were recorded before the facts behind their figures were kept.
    recorded_before: usize,
    /// This release cannot make them again as they were made.
    other_release: usize,
}

/// One decision that would have come out otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DifferenceView {
    /// The order; null for one that was refused.
    order: Option<String>,
    /// The channel of a refused order; null for others.
    channel: Option<String>,
    /// The channel's name for a refused order; null for others.
    external_id: Option<String>,
    /// When it was decided.
    at: String,
    /// How much of it was promised: `whole`, `partial` or `none`. What is not
    /// promised is refused, or waits where its customer allows that.
    outcome: &'static str,
    /// How much would have been promised.
    outcome_would_be: &'static str,
    /// From where the goods came.
    was: Vec<PartView>,
    /// From where they would have come.
    would_be: Vec<PartView>,
    /// Why.
    why: Vec<WhyView>,
}

/// A part of a line that comes from a location.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartView {
    /// The order's line.
    line: u32,
    /// From where.
    location: String,
    /// How much.
    quantity: String,
}

/// A rule of the draft that made the difference.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhyView {
    /// Where; null for the whole order.
    location: Option<String>,
    /// Of which product; null for all.
    sku: Option<String>,
    /// The rule, as a JSON pointer into the draft.
    #[schema(example = "/rules/3")]
    rule: String,
    /// In words.
    #[schema(example = "safety stock rule 3 withholds 2 of A at S001 (0 before)")]
    detail: String,
    /// Whether it follows from recorded facts alone.
    exact: bool,
}

/// How long steps took.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimersView {
    /// Each timer that something was measured against.
    measured: Vec<TimerView>,
    /// Timers that nothing recorded can be measured against.
    not_measured: Vec<&'static str>,
    /// Steps that are late by the draft or by the timers in force, not by both;
    /// the first ones.
    differences: Vec<LateView>,
}

/// One timer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimerView {
    /// Its name.
    #[schema(example = "accept_minutes")]
    timer: &'static str,
    /// Its minutes in force.
    minutes: u32,
    /// Its minutes in the draft.
    minutes_would_be: u32,
    /// Steps that began.
    steps: usize,
    /// Of these, late by the timer in force.
    late: usize,
    /// Late by the draft.
    would_be_late: usize,
}

/// A step that is late by one of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LateView {
    /// Its timer.
    timer: &'static str,
    /// The order; null for what is about none.
    order: Option<String>,
    /// Where; null for the whole order.
    location: Option<String>,
    /// When it began.
    from: String,
    /// When it was done; null while it is open.
    to: Option<String>,
    /// How long it took, or has taken, in minutes.
    took_minutes: i64,
    /// Whether it is late by the timer in force.
    late: bool,
    /// Whether it would be late by the draft.
    would_be_late: bool,
}

const ALONE: &str = "Each decision is made again by itself: goods that the draft would have left \
                     for later orders, or taken from them, are not carried over.";
const EXACT: &str = "At a location without a node the hub mints, and what it could have promised \
                     under the draft follows exactly from the recorded stock, rights and promises.";
const ESTIMATED: &str = "At a location with a node the rights that the hub would have held are \
                         estimated: its recorded rights, and the difference that the draft's \
                         safety stock and share make to its part of all unused rights. Rights \
                         that a store would have spared on request are not added.";
const REFUSED: &str = "Refused orders are kept for 30 days, at most 2,000, with the place of \
                       delivery rounded to a tenth of a degree.";
const TIMERS: &str = "Steps are measured against the timers in force now and against the draft; \
                      what stores and customers would have done under other timers is not known.";
const READY: &str = "Goods are ready later or earlier by as much as the sum of accept, pick and \
                     ready minutes changes; opening hours may add to that.";

/// The view of a trial.
pub(super) fn view(name: PolicyName, trial: Trial) -> TrialView {
    let (sums, refused) = (trial.orders, trial.refused);
    let mut notes = vec![ALONE, REFUSED];
    match name {
        PolicyName::SafetyStock | PolicyName::Online => notes.extend([EXACT, ESTIMATED]),
        PolicyName::Timers => notes.extend([TIMERS, READY]),
        PolicyName::Channels
        | PolicyName::Routing
        | PolicyName::Tax
        | PolicyName::Rounding
        | PolicyName::Movements
        | PolicyName::Barcode => {}
    }
    TrialView {
        decisions: sums.decisions,
        changed: sums.changed,
        estimated: sums.estimated,
        lost: sums.lost,
        won: sums.won,
        more_places: sums.more_places,
        fewer_places: sums.fewer_places,
        units: thousandths_text(sums.units),
        units_would_be: thousandths_text(sums.units_would_be),
        refused: refused_view(refused),
        not_tried: NotTriedView {
            recorded_before: sums.recorded_before + refused.recorded_before,
            other_release: sums.other_release + refused.other_release,
        },
        timers: trial.timers.map(timers),
        differences: trial.differences.into_iter().map(difference).collect(),
        notes,
    }
}

fn refused_view(sums: Sums) -> RefusedView {
    RefusedView {
        orders: sums.decisions,
        would_be_accepted: sums.won,
        estimated: sums.estimated,
        units_would_be: thousandths_text(sums.units_would_be),
    }
}

fn difference(found: Difference) -> DifferenceView {
    let parts = |parts: Vec<Assignment>| parts.iter().map(part).collect();
    let outcome = |whole, parts: &[Assignment]| match (whole, parts.is_empty()) {
        (true, _) => "whole",
        (false, false) => "partial",
        (false, true) => "none",
    };
    let (channel, external_id) = match found.refused {
        Some((channel, external_id)) => (Some(channel), Some(external_id)),
        None => (None, None),
    };
    DifferenceView {
        order: found.order.map(|order| order.to_string()),
        channel,
        external_id,
        at: found.at.to_string(),
        outcome: outcome(found.was_whole, &found.was),
        outcome_would_be: outcome(found.would_be_whole, &found.would_be),
        was: parts(found.was),
        would_be: parts(found.would_be),
        why: found.because.into_iter().map(why).collect(),
    }
}

fn part(part: &Assignment) -> PartView {
    PartView {
        line: part.line,
        location: part.location.to_string(),
        quantity: thousandths_text(part.quantity),
    }
}

fn why(because: Because) -> WhyView {
    WhyView {
        location: because.location.map(|location| location.to_string()),
        sku: because.sku.map(|sku| sku.to_string()),
        rule: because.rule,
        detail: because.detail,
        exact: because.is_exact,
    }
}

fn timers(found: Timers) -> TimersView {
    let measured = found
        .kinds
        .into_iter()
        .map(|(kind, minutes, sums)| TimerView {
            timer: kind.timer(),
            minutes: minutes.0,
            minutes_would_be: minutes.1,
            steps: sums.steps,
            late: sums.late,
            would_be_late: sums.would_be_late,
        });
    TimersView {
        measured: measured.collect(),
        not_measured: vec!["extend_minutes"],
        differences: found.late.into_iter().map(late).collect(),
    }
}

fn late(found: LateStep) -> LateView {
    LateView {
        timer: found.step.kind.timer(),
        order: found.order.map(|order| order.to_string()),
        location: found.step.location.map(|location| location.to_string()),
        from: found.step.from.to_string(),
        to: found.step.to.map(|to| to.to_string()),
        took_minutes: found.lateness.took_s / 60,
        late: found.lateness.is_late,
        would_be_late: found.lateness.would_be_late,
    }
}
