//! What people do about a problem.
//!
//! Invariant: an action and what it does are one write, and its history says who
//! did it and when.

use evertill_domain::Timestamp;
use evertill_domain::exception::ExceptionAction;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_http::api::{AmountText, QuantityText};
use evertill_storage::exceptions::{self, Exception};

use super::remedy::{Outcome, remedy};
use super::situation::actions;
use super::{GENERIC, Shown, shown};
use crate::services::orders::{At, OrderRefusal};

/// What an action is posted with.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Who is to look after it.
    pub to: Option<String>,
    /// In words.
    pub note: Option<String>,
    /// How many are on the shelf.
    pub counted: Option<QuantityText>,
    /// The location that is to take it on.
    pub to_location: Option<evertill_domain::LocationId>,
    /// The new time.
    pub until: Option<Timestamp>,
    /// How much went back.
    pub amount: Option<AmountText>,
    /// Proof of a payment.
    pub reference: Option<String>,
}

impl Asked {
    /// What was said, if anything was.
    pub(super) fn words(&self) -> Option<&str> {
        let words = self.note.as_deref();
        words.filter(|words| !words.trim().is_empty())
    }
}

/// Somebody acts on a problem.
///
/// # Errors
/// There is none, it is resolved, the action does not belong to it, its state
/// does not allow it, or something that the action needs is missing.
pub fn act(at: At<'_>, id: i64, action: &str, asked: &Asked) -> Result<Shown, OrderRefusal> {
    let (conn, now, by) = (at.conn, at.now, at.by.unwrap_or(exceptions::SYSTEM));
    let unknown = || {
        let missing = Rejection::new("", "not_found", format!("there is no exception {id}"));
        OrderRefusal::Rejected(missing.as_not_found().into())
    };
    let found = exceptions::find(conn, id)?.ok_or_else(unknown)?;
    let own = own_action(&found, action)?;
    if found.resolved.is_some() {
        let detail = format!("exception {id} is resolved already");
        let done = Rejection::new("", "resolved", detail).as_conflict();
        return Err(OrderRefusal::Rejected(done.into()));
    }
    let words = asked.words();
    match own {
        Some(own) => {
            refuse_unless_allowed(at, &found, own)?;
            let said = (by, action, words);
            match remedy(at, &found, own, asked)? {
                Outcome::Done => exceptions::resolve(conn, id, said, now)?,
                Outcome::UnderWay => exceptions::acknowledge(conn, id, said, now)?,
            }
        }
        None if action == "assign" => {
            let to = asked.to.as_deref().filter(|to| !to.trim().is_empty());
            let to = to.ok_or_else(|| missing("/to", "say who looks after it"))?;
            exceptions::assign(conn, id, (by, to), words, now)?;
        }
        None if action == "resolve" => {
            let words = words.ok_or_else(|| missing("/note", "say how it was resolved"))?;
            exceptions::resolve_by_word(conn, &found, (by, action, words), now)?;
        }
        None => exceptions::acknowledge(conn, id, (by, action, words), now)?,
    }
    shown(conn, id)?.ok_or_else(unknown)
}

/// The remedy of a name; `None` for what can be done about every problem.
fn own_action(found: &Exception, action: &str) -> Result<Option<ExceptionAction>, OrderRefusal> {
    let own = found.opening.kind.meaning().actions;
    let named = ExceptionAction::named(action).filter(|named| own.contains(named));
    if named.is_some() || GENERIC.contains(&action) {
        return Ok(named);
    }
    let own = own.iter().map(|action| action.as_str());
    let known: Vec<&str> = GENERIC.into_iter().chain(own).collect();
    let detail = format!("use one of {}", known.join(", "));
    let unknown = Rejection::new("", "unknown_action", detail).as_not_found();
    Err(OrderRefusal::Rejected(unknown.into()))
}

fn refuse_unless_allowed(
    at: At<'_>,
    found: &Exception,
    action: ExceptionAction,
) -> Result<(), OrderRefusal> {
    let allowed = actions(at.conn, found)?;
    if allowed.contains(&action.as_str()) {
        return Ok(());
    }
    let detail = format!(
        "exception {} does not allow {} now; allowed: {}",
        found.id,
        action.as_str(),
        allowed.join(", ")
    );
    let refused = Rejection::new("", "action_not_allowed", detail).as_conflict();
    Err(OrderRefusal::Rejected(refused.into()))
}

pub(super) fn missing(pointer: &str, remedy: &str) -> OrderRefusal {
    OrderRefusal::Rejected(Rejection::new(pointer, "missing", remedy).into())
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
