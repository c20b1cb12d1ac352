//! Taking an order in.
//!
//! Invariant: one name of one channel makes one order; a repeated body gets the
//! order that it made, another body under the name is refused.

use std::collections::BTreeMap;

use evertill_domain::order::{
    Backordered, FulfilmentKind, OrderObligation, OrderPlaced, OrderState, PaymentStatus,
    PlaceOrder, Sourcing, accept, opening, place as decide,
};
use evertill_domain::rejection::{Rejection, RejectionClass, Rejections};
use evertill_domain::routing::Wanted;
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::journal::{Author, Write, append_with_rights};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::{self, Contact};
use evertill_storage::selling::decisions::{self, Decision};
use evertill_storage::selling::intake;
use evertill_storage::selling::soft_holds::{self, SoftHold};
use evertill_storage::{TableResult, duties, feed, private};

use super::rounds::keep_messages;
use super::sourcing::{Order, Planned, plan_order};
use super::wishes::Asking;
use super::{OrderRefusal, Shortage, backorders, known, ships_without_a_node, short_lines};
use crate::services::ground::{Ground, Picture};
use crate::services::supply;
use crate::state::Hub;

/// An order that is there now.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Its document.
    pub document: DocumentId,
    /// The order.
    pub order: OrderState,
    /// Whether this call made it.
    pub is_new: bool,
}

/// Takes an order in: accepts it, plans it, uses up the rights and writes it, in
/// the caller's transaction.
///
/// # Errors
/// See [`OrderRefusal`]; nothing is kept then. [`OrderRefusal::WorthAsking`] only
/// where `asking` says that stores may be asked first.
pub fn place(
    conn: &Connection,
    (hub, author): (&Hub, &Author),
    picture: &Picture,
    (command, contact): (&PlaceOrder, &Contact),
    (digest, asking): (&[u8; 32], &Asking),
    now: Timestamp,
) -> Result<Arrived, OrderRefusal> {
    let name = (command.channel.as_str(), command.external_id.as_str());
    if let Some((document, before)) = intake::find(conn, name.0, name.1)? {
        if before != *digest {
            return Err(OrderRefusal::NameTaken {
                channel: name.0.to_owned(),
                external_id: name.1.to_owned(),
            });
        }
        let order = known(conn, &document)?;
        return Ok(Arrived {
            document,
            order,
            is_new: false,
        });
    }
    let accepted = accept(command, &picture.products, now)?;
    check_place(conn, picture, command)?;
    let soft = command.payment.status == PaymentStatus::Unpaid;
    let placed = accepted.placed.clone();
    let wanted = placed.lines.iter().map(|line| Wanted {
        line: line.line,
        sku: line.sku.clone(),
        quantity: line.quantity.thousandths(),
    });
    let order = Order {
        id: format!("{}/{}", name.0, name.1),
        placed: &placed,
        wanted: wanted.collect(),
        cooling: BTreeMap::new(),
        only: None,
        allow_partial: placed.fulfilment.allow_backorder,
        allow_split: placed.fulfilment.allow_split,
    };
    let ground = Ground::of(conn, hub, author.replica, picture, now)?;
    let mut planned = plan_order(&ground, picture, &order, now)?;
    planned.after_asking(asking);
    if asking.may_ask {
        let wishes = planned.worth_asking((conn, hub), &ground, picture)?;
        if !wishes.is_empty() {
            return Err(OrderRefusal::WorthAsking(wishes));
        }
    }
    let refused = |refused: Rejections| match refused.class() {
        RejectionClass::Conflict => short((conn, picture), hub, name, &planned, now),
        _ => OrderRefusal::Rejected(refused),
    };
    if soft && !planned.recorded.plan.unsourced.is_empty() && !placed.fulfilment.allow_backorder {
        return Err(short((conn, picture), hub, name, &planned, now));
    }
    let number = next_decision(conn)?;
    let sourcing = if soft {
        Sourcing {
            soft: true,
            ..Sourcing::default()
        }
    } else {
        Sourcing {
            promises: planned.promises(number, placed.fulfilment.promise_by),
            backorders: waits(conn, picture, &placed, &planned, now)?,
            soft: false,
        }
    };
    let bodies = decide(accepted, sourcing).map_err(refused)?;
    let cells = if soft {
        evertill_domain::rights::PairCells::new()
    } else {
        planned.cells(author.replica)?
    };
    let writes = [Write::OpenWith(opening(now, None, bodies))];
    let mut appended = append_with_rights(conn, author, now, &writes, &cells)?;
    feed::publish(conn, author, appended.at.seq)?;
    let document = appended.documents[0];
    let order = appended.orders.remove(&document);
    let order = order.ok_or_else(|| OrderRefusal::Unknown(document.to_string()))?;
    if soft {
        keep_soft(conn, &planned, command, &document, picture, now)?;
    }
    intake::record(conn, name, digest, &document)?;
    if *contact != Contact::default() {
        contacts::keep(conn, &document, contact)?;
    }
    remember(conn, &document, "placed", &planned, now)?;
    private::refresh(conn, &document, &order, now)?;
    keep_messages(conn, &document, &order, now)?;
    if !is_to_be_looked_after(&order) {
        duties::order_done(conn, &document)?;
    }
    Ok(Arrived {
        document,
        order,
        is_new: true,
    })
}

/// What of a new order waits for supply.
fn waits(
    conn: &Connection,
    picture: &Picture,
    placed: &OrderPlaced,
    planned: &Planned,
    now: Timestamp,
) -> TableResult<Vec<Backordered>> {
    let open = planned.recorded.plan.unsourced.iter();
    let lines = open.filter_map(|(number, quantity)| {
        let line = placed.lines.iter().find(|line| line.line == *number)?;
        Some((*number, (line.sku.clone(), *quantity)))
    });
    backorders::told((conn, picture), placed, None, &lines.collect(), now)
}

/// Customers collect where somebody can hand over: not where nobody has a node to
/// do it with.
fn check_place(
    conn: &Connection,
    picture: &Picture,
    command: &PlaceOrder,
) -> Result<(), OrderRefusal> {
    let fulfilment = &command.fulfilment;
    let Some(location) = fulfilment
        .location
        .as_ref()
        .filter(|_| fulfilment.kind == FulfilmentKind::Pickup)
    else {
        return Ok(());
    };
    if !ships_without_a_node(conn, picture, location)? {
        return Ok(());
    }
    let detail = format!(
        "customers cannot collect at {location}: it ships, and has no node to hand over with; \
         name a store, or have it shipped"
    );
    let refused = Rejection::new("/fulfilment/location", "no_pickup_there", detail).as_conflict();
    Err(OrderRefusal::Rejected(refused.into()))
}

/// Whether a round has anything to do about an order: nothing, for most that
/// have just been promised.
fn is_to_be_looked_after(order: &OrderState) -> bool {
    let mut owed = order.obligations.iter();
    !order.conflicts.is_empty()
        || owed.any(|owed| {
            matches!(
                owed,
                OrderObligation::Resource { .. }
                    | OrderObligation::Recall { .. }
                    | OrderObligation::Withdraw { .. }
                    | OrderObligation::Release { .. }
            )
        })
}

/// The refusal of an order that cannot be promised in full, which is kept beside
/// the orders: another policy might have had it.
fn short(
    at: (&Connection, &Picture),
    hub: &Hub,
    (channel, external_id): (&str, &str),
    planned: &Planned,
    now: Timestamp,
) -> OrderRefusal {
    let name = (channel.to_owned(), external_id.to_owned());
    hub.refused().note(name, planned.recorded.clone(), now);
    insufficient(at, planned, now)
}

/// The refusal of what cannot be promised in full.
pub(super) fn insufficient(
    (conn, picture): (&Connection, &Picture),
    planned: &Planned,
    now: Timestamp,
) -> OrderRefusal {
    let next = |sku: &_| supply::next(conn, &picture.selling.channels, sku, now);
    match short_lines(&planned.available(), next) {
        Ok(lines) => {
            let against = if lines.is_empty() {
                planned.against()
            } else {
                Vec::new()
            };
            OrderRefusal::Insufficient(Shortage { lines, against })
        }
        Err(error) => error.into(),
    }
}

/// The number that the next decision gets.
pub(super) fn next_decision(conn: &Connection) -> TableResult<i64> {
    decisions::last(conn).map(|last| last + 1)
}

/// Keeps why the goods come from where they do.
pub(super) fn remember(
    conn: &Connection,
    document: &DocumentId,
    cause: &str,
    planned: &Planned,
    now: Timestamp,
) -> TableResult<()> {
    let decision = Decision {
        id: 0,
        document: *document,
        at: now,
        cause: cause.to_owned(),
        snapshot: json(&planned.recorded.snapshot),
        policy: json(&planned.recorded.routing),
        plan: json(&planned.recorded.plan),
        basis: planned.recorded.basis.as_ref().map(json),
    };
    decisions::record(conn, &decision).map(drop)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: a plan is plain JSON")
}

/// Keeps the goods of an unpaid order for a while, without a promise.
fn keep_soft(
    conn: &Connection,
    planned: &Planned,
    command: &PlaceOrder,
    document: &DocumentId,
    picture: &Picture,
    now: Timestamp,
) -> TableResult<()> {
    let minutes = i64::from(picture.selling.timers.reservation_minutes);
    let until = Timestamp::from_millis(now.as_millis() + minutes * 60_000);
    for part in &planned.recorded.plan.assignments {
        let wanted = planned.recorded.snapshot.wanted.iter();
        let Some(wanted) = wanted.clone().find(|wanted| wanted.line == part.line) else {
            continue;
        };
        soft_holds::keep(
            conn,
            &SoftHold {
                document: Some(*document),
                line: Some(part.line),
                channel: command.channel.to_string(),
                location: part.location.clone(),
                sku: wanted.sku.clone(),
                quantity: part.quantity,
                expires_at: command.hold_until.unwrap_or(until),
            },
        )?;
    }
    Ok(())
}
