//! What a problem is about, as it stands now, and so what can be done about it.
//!
//! Invariant: an action that is listed can be posted.

use evertill_domain::exception::{ExceptionAction, ExceptionKind, Part, Situation};
use evertill_domain::order::OrderState;
use evertill_storage::exceptions::{Exception, Opening};
use evertill_storage::projection::orders;
use evertill_storage::quarantine::{self, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, selling};

use super::GENERIC;

/// The actions that can be posted now.
pub(super) fn actions(conn: &Connection, found: &Exception) -> TableResult<Vec<&'static str>> {
    if found.resolved.is_some() {
        return Ok(Vec::new());
    }
    let order = order_of(conn, &found.opening)?;
    let own = situation(conn, &found.opening, order.as_ref())?.actions();
    let own = own.into_iter().map(ExceptionAction::as_str);
    Ok(GENERIC.into_iter().chain(own).collect())
}

/// The order that a problem is about.
pub(super) fn order_of(conn: &Connection, opening: &Opening) -> TableResult<Option<OrderState>> {
    let document = opening.document.as_ref();
    let order = document.map(|document| orders::load(conn, document));
    Ok(order.transpose()?.flatten())
}

fn situation<'a>(
    conn: &Connection,
    opening: &Opening,
    order: Option<&'a OrderState>,
) -> TableResult<Situation<'a>> {
    let case = match case_of(opening) {
        Some(id) => quarantine::find(conn, id)?,
        None => None,
    };
    let closed = selling::closed(conn)?;
    let closed = closed
        .iter()
        .any(|closed| Some(&closed.location) == opening.location.as_ref());
    Ok(Situation {
        kind: opening.kind,
        order,
        part: part_of(opening),
        case_open: case.is_some_and(|case| case.state == CaseState::Open),
        selling_open: !closed,
    })
}

/// The case in quarantine that a problem is about.
pub(super) fn case_of(opening: &Opening) -> Option<i64> {
    opening.key.strip_prefix("quarantine:")?.parse().ok()
}

/// The part of an order that a problem is about: its key names it.
pub(super) fn part_of(opening: &Opening) -> Part {
    let mut words = opening.key.split(':');
    let promise = |word: Option<&str>| {
        let id = word.and_then(|word| word.parse().ok());
        id.map_or(Part::Whole, Part::Promise)
    };
    match opening.kind {
        ExceptionKind::LateStep | ExceptionKind::SealedPromise | ExceptionKind::ShortPick => {
            promise(words.nth(1))
        }
        ExceptionKind::DuplicateHandOver
        | ExceptionKind::CancelledAfterHandOver
        | ExceptionKind::OrderConflict => {
            let about = words.next_back().and_then(|word| word.parse().ok());
            about.map_or(Part::Whole, Part::Event)
        }
        ExceptionKind::SuspectedBreach
        | ExceptionKind::Breach
        | ExceptionKind::NoCandidate
        | ExceptionKind::QuarantinedEntry
        | ExceptionKind::SilentLocation
        | ExceptionKind::NegativeStock
        | ExceptionKind::WildClock
        | ExceptionKind::RefundDue => Part::Whole,
    }
}
