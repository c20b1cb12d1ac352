//! Timers against how long steps really took.
//!
//! Invariant: a step is measured from what its events say, by the timers in
//! force now and by the draft alike.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::exception::ExceptionKind;
use evertill_domain::policy::TimerPolicy;
use evertill_domain::trial::{Lateness, Step, StepKind, TimerTrial, steps};
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions;
use evertill_storage::{TableResult, exceptions};

use super::{MOST, PAGE, TrialError};
use crate::services::policies;
use crate::state::Hub;
use evertill_storage::reference::PolicyName;

/// What a draft of timers comes to.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    /// Each timer: what it measures, its minutes in force and in the draft, and
    /// the sums.
    pub kinds: Vec<(StepKind, (u32, u32), TimerTrial)>,
    /// Steps that are late by one of the two only, the first ones.
    pub late: Vec<LateStep>,
}

/// A step that is late by the timers in force or by the draft, not by both.
#[derive(Clone, Debug)]
pub struct LateStep {
    /// The order; none for what is about no order.
    pub order: Option<DocumentId>,
    /// The step.
    pub step: Step,
    /// How long it took.
    pub lateness: Lateness,
}

/// Measures every step of the orders that were decided since a time, and every
/// exception that was opened since.
pub(super) async fn measure(
    hub: &Hub,
    draft: TimerPolicy,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Timers, TrialError> {
    let in_force = policies::show(hub, PolicyName::Timers).await?.policy;
    let in_force: TimerPolicy = serde_json::from_value(in_force).unwrap_or_default();
    let now = hub.now();
    let mut sums: BTreeMap<StepKind, TimerTrial> = BTreeMap::new();
    let mut late = Vec::new();
    let mut add = |order: Option<DocumentId>, step: Step| {
        let lateness = step.lateness(now, &in_force, &draft);
        sums.entry(step.kind).or_default().add(lateness);
        if lateness.is_late != lateness.would_be_late && late.len() < limit {
            late.push(LateStep {
                order,
                step,
                lateness,
            });
        }
    };
    let mut seen = BTreeSet::new();
    let mut before: Option<i64> = None;
    for _ in 0..MOST.div_ceil(PAGE) {
        let known = std::mem::take(&mut seen);
        let (page, known, last) = hub
            .store()
            .read(move |conn| orders_before(conn, since, before, known))
            .await?;
        seen = known;
        for (order, step) in page {
            add(Some(order), step);
        }
        let Some(last) = last else { break };
        before = Some(last);
    }
    let opened = hub
        .store()
        .read(move |conn| exceptions::timings(conn, since, MOST))
        .await?;
    for timing in opened {
        let looked = timing.kind == ExceptionKind::SuspectedBreach.as_str();
        if looked {
            let step = step(StepKind::ShelfCheck, &timing, timing.opened_at);
            add(timing.document, step);
        }
        let until = timing.resolved_at.unwrap_or(now);
        if until > timing.due_at {
            let step = step(StepKind::Escalation, &timing, timing.due_at);
            add(timing.document, step);
        }
    }
    let kinds = StepKind::ALL.into_iter().map(|kind| {
        let minutes = (kind.minutes(&in_force), kind.minutes(&draft));
        (kind, minutes, sums.remove(&kind).unwrap_or_default())
    });
    Ok(Timers {
        kinds: kinds.collect(),
        late,
    })
}

fn step(kind: StepKind, timing: &exceptions::Timing, from: Timestamp) -> Step {
    Step {
        kind,
        location: timing.location.clone(),
        from,
        to: timing.resolved_at,
    }
}

type Page = (Vec<(DocumentId, Step)>, BTreeSet<DocumentId>, Option<i64>);

/// The steps of the orders of some decisions, each order once.
fn orders_before(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<i64>,
    mut seen: BTreeSet<DocumentId>,
) -> TableResult<Page> {
    let page = decisions::documents(conn, since, before, PAGE)?;
    let last = page.last().map(|(id, _)| *id);
    let mut found = Vec::new();
    for (_, document) in page {
        if !seen.insert(document) {
            continue;
        }
        let events = orders::events(conn, &document)?;
        let events = events.iter().map(|(key, event)| (*key, event));
        found.extend(steps(events).into_iter().map(|step| (document, step)));
    }
    Ok((found, seen, last))
}
