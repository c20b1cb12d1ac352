//! Steps of pickups and shipments that are late.
//!
//! What each promise waits for, and since when, is in a table; how long it may
//! wait is a policy. So only what is late and was not told is read.
//!
//! Invariant: of each promise and step at most one problem is open, and none once
//! the step was done or got more time.

use evertill_domain::Timestamp;
use evertill_domain::exception::{ExceptionKind, Part};
use evertill_domain::order::{AwaitedStep, OrderState, PromiseState};
use evertill_domain::policy::TimerPolicy;
use evertill_storage::TableResult;
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::projection::{orders, waiting};
use evertill_storage::rusqlite::Connection;

use super::AT_ONCE;
use super::situation::part_of;

/// Settles what was done, and opens what is late.
pub(super) fn late(conn: &Connection, timers: &TimerPolicy, now: Timestamp) -> TableResult<()> {
    settle_done(conn, timers, now)?;
    for late in waiting::late(conn, timers, now, AT_ONCE)? {
        let Some(order) = orders::load(conn, &late.document)? else {
            continue;
        };
        let Some((promise, due)) = order.promises.get(&late.promise).zip(late.wait.due(timers))
        else {
            continue;
        };
        let opening = Opening {
            kind: ExceptionKind::LateStep,
            key: waiting::late_key(&late.promise, late.wait.step),
            location: Some(late.location),
            sku: order.line(promise.line).map(|line| line.line.sku.clone()),
            document: Some(late.document),
            detail: in_words(&order, promise, late.wait.step, due),
        };
        exceptions::open(conn, &opening, now)?;
    }
    Ok(())
}

fn settle_done(conn: &Connection, timers: &TimerPolicy, now: Timestamp) -> TableResult<()> {
    for found in exceptions::open_of_kind(conn, ExceptionKind::LateStep)? {
        let opening = &found.opening;
        let (Some(document), Part::Promise(promise)) = (opening.document, part_of(opening)) else {
            continue;
        };
        let wait = waiting::of(conn, &document, &promise)?;
        let same = wait.filter(|wait| waiting::late_key(&promise, wait.step) == opening.key);
        let how = match same.map(|wait| wait.due(timers)) {
            Some(Some(due)) if due < now => continue,
            Some(_) => "there is more time for the step",
            None => "the step was done, or is not waited for any more",
        };
        exceptions::gone(conn, &opening.key, how, now)?;
    }
    Ok(())
}

/// What is late, and what to do about it.
fn in_words(
    order: &OrderState,
    promise: &PromiseState,
    step: AwaitedStep,
    due: Timestamp,
) -> String {
    let remedy = match step {
        AwaitedStep::Accept => "accept it, or reject it so that it can go elsewhere",
        AwaitedStep::Pick => "put the goods aside, or say what is missing",
        AwaitedStep::Ready => "tell the customer that it is ready, or pack it",
        AwaitedStep::Collect => "ask the customer; say no_show and put the goods back",
        AwaitedStep::Ship => "give it to the carrier",
    };
    format!(
        "order {} is {} and the step {step} was due at {due}: {remedy}",
        order.placed.external_id,
        promise.work.as_str(),
    )
}
