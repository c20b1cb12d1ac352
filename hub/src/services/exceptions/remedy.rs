//! The remedies, each carried out through the service of its noun.
//!
//! Invariant: a remedy that is refused leaves no trace.

use evertill_domain::exception::{ExceptionAction, ExceptionKind, Part};
use evertill_domain::order::OrderObligation;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::{LocationId, Timestamp};
use evertill_storage::exceptions::{self, Exception};
use evertill_storage::quarantine::{CaseState, SettleError};

use super::act::{Asked, missing};
use super::breach::break_promises;
use super::situation::{case_of, order_of, part_of};
use crate::imports;
use crate::services::availability::set_selling;
use crate::services::orders::{self, At, OrderRefusal, remedy as orders_remedy};
use crate::services::quarantine::{Settle, settle};

/// What came of a remedy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The problem is gone.
    Done,
    /// It is on its way: the problem resolves itself when it has worked.
    UnderWay,
}

/// Carries a remedy out that the problem's state allows.
pub(super) fn remedy(
    at: At<'_>,
    found: &Exception,
    action: ExceptionAction,
    asked: &Asked,
) -> Result<Outcome, OrderRefusal> {
    let at = At {
        document: found.opening.document.unwrap_or(at.document),
        ..at
    };
    match action {
        ExceptionAction::Found => count(at, found, asked),
        ExceptionAction::Count => {
            let below = found.opening.kind == ExceptionKind::NegativeStock;
            let counted = count(at, found, asked)?;
            Ok(if below { counted } else { Outcome::Done })
        }
        ExceptionAction::Missing => {
            let pair = found
                .opening
                .location
                .as_ref()
                .zip(found.opening.sku.as_ref());
            pair.map_or(Ok(()), |(location, sku)| break_promises(at, location, sku))?;
            Ok(Outcome::Done)
        }
        ExceptionAction::Retry | ExceptionAction::Dismiss => match case_of(&found.opening) {
            Some(case) => settle_case(at, case, action),
            None => Ok(done_if(orders_remedy::retry(at)?)),
        },
        ExceptionAction::SourceFrom => {
            orders_remedy::source_from(at, to_location(asked)?)?;
            Ok(Outcome::Done)
        }
        ExceptionAction::ReSource
        | ExceptionAction::Cancel
        | ExceptionAction::Extend
        | ExceptionAction::Keep
        | ExceptionAction::Settle
        | ExceptionAction::Waive => of_part(at, found, action, asked).map(|()| Outcome::Done),
        ExceptionAction::CloseSelling => close_selling(at, found, asked),
        ExceptionAction::Refunded => refunded(at, found, asked),
    }
}

const fn done_if(done: bool) -> Outcome {
    if done {
        Outcome::Done
    } else {
        Outcome::UnderWay
    }
}

/// A remedy about one part of an order.
fn of_part(
    at: At<'_>,
    found: &Exception,
    action: ExceptionAction,
    asked: &Asked,
) -> Result<(), OrderRefusal> {
    let reason = asked.words().unwrap_or("nobody can keep it");
    match (action, part_of(&found.opening)) {
        (ExceptionAction::ReSource, Part::Promise(promise)) => {
            orders_remedy::re_source(at, promise, asked.to_location.as_ref())
        }
        (ExceptionAction::Cancel, Part::Promise(promise)) => {
            orders_remedy::cancel_promise(at, promise, reason)
        }
        (ExceptionAction::Cancel, _) => orders_remedy::cancel_unallocated(at, reason),
        (ExceptionAction::Extend, Part::Promise(promise)) => {
            let until = asked.until.unwrap_or_else(|| extended(at));
            orders_remedy::extend(at, promise, until)
        }
        (ExceptionAction::Settle | ExceptionAction::Waive, Part::Event(about)) => {
            orders_remedy::settle(at, about, action == ExceptionAction::Waive)
        }
        // The promise stands: nothing is done about it.
        _ => Ok(()),
    }
}

/// By as much as the policy lets a customer have it extended.
fn extended(at: At<'_>) -> Timestamp {
    let minutes = i64::from(at.picture.selling.timers.extend_minutes);
    Timestamp::from_millis(at.now.as_millis() + minutes * 60_000)
}

fn to_location(asked: &Asked) -> Result<&LocationId, OrderRefusal> {
    let to = asked.to_location.as_ref();
    to.ok_or_else(|| missing("/to_location", "name the location that takes it on"))
}

/// Posts what somebody counted on the shelf, as a stock file is posted.
fn count(at: At<'_>, found: &Exception, asked: &Asked) -> Result<Outcome, OrderRefusal> {
    let opening = &found.opening;
    let counted = asked.counted.as_ref();
    let counted =
        counted.ok_or_else(|| missing("/counted", "say how many are on the shelf, staged not"))?;
    let product = opening
        .sku
        .as_ref()
        .and_then(|sku| at.picture.products.get(sku));
    let location = opening.location.as_ref();
    let location = location.and_then(|location| at.picture.location(location));
    let (Some(location), Some(product)) = (location, product) else {
        let detail = "its product or location is not listed any more; import it first";
        let unlisted = Rejection::new("", "not_listed", detail).as_conflict();
        return Err(OrderRefusal::Rejected(unlisted.into()));
    };
    let quantity = counted
        .read("/counted", product.unit)
        .map_err(Rejections::from)?;
    if quantity.thousandths() < 0 {
        let detail = "nobody counts less than nothing; send zero or more";
        let negative = Rejection::new("/counted", "negative", detail);
        return Err(OrderRefusal::Rejected(negative.into()));
    }
    let reference = format!("exception {}", found.id);
    let what = (location, product, quantity);
    if imports::correct(at.conn, at.author, what, (&reference, at.by), at.now)? {
        return Ok(Outcome::UnderWay);
    }
    if opening.kind == ExceptionKind::ShortPick {
        return Ok(Outcome::Done);
    }
    let detail = "that is what the records say already, and it is not enough; count again";
    let same = Rejection::new("/counted", "as_recorded", detail);
    Err(OrderRefusal::Rejected(same.into()))
}

fn settle_case(at: At<'_>, case: i64, action: ExceptionAction) -> Result<Outcome, OrderRefusal> {
    let how = if action == ExceptionAction::Retry {
        Settle::Retry
    } else {
        Settle::Dismiss
    };
    let by = at.by.unwrap_or(exceptions::SYSTEM);
    let settled = settle(at.conn, case, how, by, at.now).map_err(|error| match error {
        SettleError::Table(error) => OrderRefusal::Table(error),
        SettleError::Unknown { .. } => {
            let unknown = Rejection::new("", "not_found", error.to_string()).as_not_found();
            OrderRefusal::Rejected(unknown.into())
        }
        SettleError::Settled { .. } => {
            let settled = Rejection::new("", "case_settled", error.to_string()).as_conflict();
            OrderRefusal::Rejected(settled.into())
        }
    })?;
    Ok(done_if(settled.case.state != CaseState::Open))
}

/// The location stays silent, and its problem open, until it is heard again.
fn close_selling(at: At<'_>, found: &Exception, asked: &Asked) -> Result<Outcome, OrderRefusal> {
    let by = at.by.unwrap_or(exceptions::SYSTEM);
    if let Some(location) = &found.opening.location {
        let reason = asked.words().unwrap_or("the location is silent");
        set_selling(
            at.conn,
            location,
            false,
            Some(reason.to_owned()),
            (by, at.now),
        )?;
    }
    Ok(Outcome::UnderWay)
}

/// Records that money went back: all that is owed, unless a part is named.
fn refunded(at: At<'_>, found: &Exception, asked: &Asked) -> Result<Outcome, OrderRefusal> {
    let order = order_of(at.conn, &found.opening)?;
    let mut obligations = order.iter().flat_map(|order| &order.obligations);
    let owed = obligations.find_map(|owed| match owed {
        OrderObligation::Refund { amount } => Some(*amount),
        _ => None,
    });
    let amount = match (&asked.amount, owed) {
        (Some(amount), _) => amount
            .read("/amount", at.currency()?)
            .map_err(Rejections::from)?,
        (None, Some(owed)) => owed,
        (None, None) => return Ok(Outcome::Done),
    };
    let after = orders::refund(at, amount, asked.reference.clone())?.order;
    let mut left = after.obligations.iter();
    Ok(done_if(!left.any(|owed| {
        matches!(owed, OrderObligation::Refund { .. })
    })))
}
