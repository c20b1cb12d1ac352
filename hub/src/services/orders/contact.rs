//! Who made an order: shown to those who may know, and erased.
//!
//! Invariant: what is erased is in no table here any more, and is taken back from
//! every location that was told.

use evertill_domain::DocumentId;
use evertill_domain::order::{LineState, OrderState, PromiseState};
use evertill_domain::rejection::Rejection;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::{self, Contact};
use evertill_storage::{private, webhooks};

use super::{OrderRefusal, known};
use crate::outgoing::messages;

/// Who made an order; `None` if that is not kept, or not any more.
///
/// # Errors
/// There is no such order, or the tables could not be read.
pub fn contact(conn: &Connection, document: &DocumentId) -> Result<Option<Contact>, OrderRefusal> {
    known(conn, document)?;
    Ok(contacts::of(conn, document)?)
}

/// Erases who made an order: here, in deliveries to webhooks that are kept, and at
/// the next contact at every location that was told. True if there was anything to
/// erase.
///
/// # Errors
/// There is no such order, or goods are still to come and it is not `forced`.
pub fn erase_contact(
    conn: &Connection,
    document: &DocumentId,
    forced: bool,
) -> Result<bool, OrderRefusal> {
    let order = known(conn, document)?;
    if !forced && is_open(&order) {
        let detail = "goods are still to come, or to be put back, and nobody could be told or \
                      reached; wait until it is done, cancel it, or send force=true";
        let refused = Rejection::new("", "still_open", detail).as_conflict();
        return Err(OrderRefusal::Rejected(refused.into()));
    }
    for (id, body) in webhooks::bodies_with(conn, &document.to_string())? {
        if let Some(body) = messages::without_customer(&body, document) {
            webhooks::set_body(conn, id, &body)?;
        }
    }
    Ok(private::erase(conn, document)?)
}

fn is_open(order: &OrderState) -> bool {
    let mut lines = order.lines.iter().map(LineState::open);
    lines.any(|open| open > 0) || order.promises.values().any(PromiseState::is_open)
}
