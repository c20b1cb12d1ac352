//! What people do about a problem.
//!
//! Invariant: an action and what it does are one write, and its history says who
//! did it and when.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{OrderBody, Ruling, RulingKind};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::rights::PairCells;
use evertill_storage::duties;
use evertill_storage::exceptions::{self, Exception, Opening};
use evertill_storage::projection::orders;

use super::breach::break_promises;
use super::{Shown, shown};
use crate::services::orders::{At, OrderRefusal};

/// Somebody acts on a problem.
///
/// # Errors
/// There is none, it is resolved, or the action does not belong to it.
pub fn act(
    at: At<'_>,
    id: i64,
    action: &str,
    (to, words): (Option<&str>, Option<&str>),
) -> Result<Shown, OrderRefusal> {
    let (conn, now, by) = (at.conn, at.now, at.by.unwrap_or(exceptions::SYSTEM));
    let refuse = |pointer: &str, code, detail: String| {
        let refused = Rejection::new(pointer, code, detail);
        OrderRefusal::Rejected(refused.into())
    };
    let unknown = || {
        let missing = Rejection::new("", "not_found", format!("there is no exception {id}"));
        OrderRefusal::Rejected(missing.as_not_found().into())
    };
    let found = exceptions::find(conn, id)?.ok_or_else(unknown)?;
    let meaning = found.opening.kind.meaning();
    let own = meaning.actions.contains(&action);
    if !own && !matches!(action, "acknowledge" | "assign" | "resolve") {
        let mut known = vec!["acknowledge", "assign", "resolve"];
        known.extend(meaning.actions);
        let detail = format!("use one of {}", known.join(", "));
        let unknown = Rejection::new("", "unknown_action", detail).as_not_found();
        return Err(OrderRefusal::Rejected(unknown.into()));
    }
    if found.resolved.is_some() {
        let done = Rejection::new(
            "",
            "resolved",
            format!("exception {id} is resolved already"),
        );
        return Err(OrderRefusal::Rejected(done.as_conflict().into()));
    }
    match action {
        "acknowledge" => exceptions::acknowledge(conn, id, by, words, now)?,
        "assign" => {
            let to = to.filter(|to| !to.trim().is_empty());
            let to =
                to.ok_or_else(|| refuse("/to", "missing", "say who looks after it".to_owned()))?;
            exceptions::assign(conn, id, (by, to), words, now)?;
        }
        "resolve" => {
            let words = words.filter(|words| !words.trim().is_empty());
            let words = words
                .ok_or_else(|| refuse("/note", "missing", "say how it was resolved".to_owned()))?;
            exceptions::resolve(conn, id, (by, action, Some(words)), now)?;
        }
        _ => {
            own_action(at, &found, action)?;
            exceptions::resolve(conn, id, (by, action, words), now)?;
        }
    }
    shown(conn, id)?.ok_or_else(unknown)
}

/// What only this kind of problem knows.
fn own_action(at: At<'_>, found: &Exception, action: &str) -> Result<(), OrderRefusal> {
    let opening = &found.opening;
    match (opening.kind, action, &opening.location, &opening.sku) {
        (ExceptionKind::SuspectedBreach, "missing", Some(location), Some(sku)) => {
            break_promises(at, location, sku)
        }
        (_, "settle", ..) => settle_conflict(at, opening),
        (_, "retry", ..) => {
            let again = opening.document.as_ref();
            let noted = again.map_or(Ok(()), |document| duties::note_order(at.conn, document));
            Ok(noted?)
        }
        // Found: the count that follows says how much there is.
        _ => Ok(()),
    }
}

/// The hub rules that a conflict stands as the order has it.
fn settle_conflict(at: At<'_>, opening: &Opening) -> Result<(), OrderRefusal> {
    let about = opening
        .key
        .rsplit(':')
        .next()
        .and_then(|key| key.parse().ok());
    let Some((document, about)) = opening.document.zip(about) else {
        return Ok(());
    };
    let Some(order) = orders::load(at.conn, &document)? else {
        return Ok(());
    };
    let ruling = OrderBody::Ruling(Ruling {
        kind: RulingKind::Settled,
        about: Some(about),
        reason: None,
    });
    At { document, ..at }.write(&order, [ruling], &PairCells::new())?;
    Ok(())
}

/// Checks a note before it is kept.
///
/// # Errors
/// It is too long, or looks like a card number.
pub fn check_note(note: Option<&str>) -> Result<(), Rejections> {
    let texts = note.iter().map(|note| ("/note".to_owned(), *note));
    let mut refused = evertill_domain::order::refuse_card_numbers(texts);
    if note.is_some_and(|note| note.len() > 500) {
        let detail = "it is longer than 500 bytes; shorten it";
        refused.push(Rejection::new("/note", "too_long", detail));
    }
    Rejections::unless_empty(refused)
}
