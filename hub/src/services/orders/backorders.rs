//! Lines that wait for supply: who gets goods when some can be promised again,
//! and when the others can expect theirs.
//!
//! Goods are handed out by the channels' priority, then in the order in which
//! orders came. Dates follow the same order, so that a date that was told holds
//! unless supply or somebody with a better right comes in between.
//!
//! Invariant: looking at a product twice does nothing the second time.

use std::collections::BTreeMap;

use evertill_domain::order::{
    Backordered, FulfilmentKind, OrderBody, OrderPlaced, OrderState, OrderStatus,
};
use evertill_domain::policy::ChannelPolicy;
use evertill_domain::rights::PairCells;
use evertill_domain::supply::{Peg, Pegged, Wait, in_turn, peg};
use evertill_domain::{DocumentId, LocationId, Quantity, Sku, Timestamp};
use evertill_storage::TableResult;
use evertill_storage::projection::backorders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::supply;

use super::OrderRefusal;
use super::revise::At;
use crate::services::grants::{self, Wish};
use crate::services::ground::{Ground, Picture};

/// Lines that get goods in one look at a product; the rest has its turn in the
/// next.
const AT_ONCE: usize = 50;
/// The arrival of an order that is just coming: after all that are there.
const NEW: i64 = i64::MAX;

/// Who waits for a product, and what is set aside for whom. `own` replaces what
/// is known of the lines of its order.
pub(crate) fn pegged(
    conn: &Connection,
    channels: &ChannelPolicy,
    sku: &Sku,
    now: Timestamp,
    own: Own,
) -> TableResult<Pegged> {
    let mut waits = waiting(conn, channels, sku)?;
    waits.retain(|wait| own.order.is_none() || wait.order != own.order);
    waits.extend(own.waits);
    Ok(peg(supply::of(conn, sku, now)?, waits))
}

/// Lines of one order that are about to wait; none by default.
#[derive(Default)]
pub(crate) struct Own {
    order: Option<DocumentId>,
    waits: Vec<Wait>,
}

fn waiting(conn: &Connection, channels: &ChannelPolicy, sku: &Sku) -> TableResult<Vec<Wait>> {
    let stored = backorders::of_sku(conn, sku)?.into_iter();
    let waits = stored.map(|wait| Wait {
        order: Some(wait.document),
        line: wait.line,
        quantity: wait.quantity,
        only: wait.only,
        priority: channels.priority(&wait.channel),
        arrival: wait.arrival,
    });
    Ok(waits.collect())
}

/// Promises what can be promised of a product to the lines that wait for it, asks
/// stores for what they can spare, and tells the others when to expect theirs.
/// `at` stands for the hub; its order counts for nothing.
pub(super) fn look_at(at: At<'_>, sku: &Sku) -> Result<(), OrderRefusal> {
    let all = hand_out(at, sku)?;
    ask_stores(at, sku)?;
    tell_dates(at, sku)?;
    if all {
        backorders::done(at.conn, sku)?;
    }
    Ok(())
}

/// False if there was not time for every line.
fn hand_out(at: At<'_>, sku: &Sku) -> Result<bool, OrderRefusal> {
    let mut turns = waiting(at.conn, &at.picture.selling.channels, sku)?;
    in_turn(&mut turns);
    let mut free = free(at, sku)?;
    let mut served = 0;
    for wait in turns {
        let there: i64 = match &wait.only {
            Some(only) => free.get(only).copied().unwrap_or_default(),
            None => free.values().sum(),
        };
        let Some(document) = wait.order.filter(|_| there > 0) else {
            continue;
        };
        let of = At { document, ..at };
        let order = super::known(at.conn, &document)?;
        if !may_have_goods(&order) {
            continue;
        }
        if served == AT_ONCE {
            return Ok(false);
        }
        let given = of.source_line(&order, wait.line)?;
        // Who can have nothing of it takes nobody's turn.
        served += usize::from(!given.is_empty());
        for (location, quantity) in given {
            *free.entry(location).or_default() -= quantity;
        }
    }
    Ok(true)
}

/// What can be promised of a product, by location.
fn free(at: At<'_>, sku: &Sku) -> TableResult<BTreeMap<LocationId, i64>> {
    let mut free = BTreeMap::new();
    let Some(product) = at.picture.products.get(sku) else {
        return Ok(free);
    };
    let ground = Ground::of(at.conn, at.hub, at.author.replica, at.picture, at.now)?;
    for location in &at.picture.locations {
        let pair = ground.pair(location, product, None)?;
        if pair.availability.atp > 0 {
            free.insert(location.id.clone(), pair.availability.atp);
        }
    }
    Ok(free)
}

/// An order that is on hold, or not paid, keeps its place and gets nothing.
fn may_have_goods(order: &OrderState) -> bool {
    !matches!(order.status, OrderStatus::OnHold)
        && !order.awaits_payment()
        && !order.cancel_requested
}

/// Stores hand on what they can spare; it comes with their journals, and the
/// product is looked at again.
fn ask_stores(at: At<'_>, sku: &Sku) -> TableResult<()> {
    let mut wanted: BTreeMap<Option<LocationId>, i64> = BTreeMap::new();
    for wait in backorders::of_sku(at.conn, sku)? {
        *wanted.entry(wait.only).or_default() += wait.quantity;
    }
    for (only, quantity) in wanted {
        let wish = Wish {
            wanted: BTreeMap::from([(sku.clone(), quantity)]),
            only,
        };
        grants::request(at.conn, (at.hub, at.author), at.picture, &wish, at.now)?;
    }
    Ok(())
}

/// Writes the dates that have changed into the orders.
fn tell_dates(at: At<'_>, sku: &Sku) -> Result<(), OrderRefusal> {
    let channels = &at.picture.selling.channels;
    let told: BTreeMap<(DocumentId, u32), Option<Timestamp>> = backorders::of_sku(at.conn, sku)?
        .into_iter()
        .map(|wait| ((wait.document, wait.line), wait.expected))
        .collect();
    for (wait, peg) in pegged(at.conn, channels, sku, at.now, Own::default())?.pegs {
        let Some(document) = wait.order else { continue };
        let before = told.get(&(document, wait.line)).copied().flatten();
        if before == peg.expected {
            continue;
        }
        let order = super::known(at.conn, &document)?;
        let bodies = backordered(&wait, peg).map(OrderBody::Backordered);
        At { document, ..at }.write(&order, bodies, &PairCells::new())?;
    }
    Ok(())
}

/// What a line is told of its wait.
fn backordered(wait: &Wait, peg: Peg) -> Option<Backordered> {
    Some(Backordered {
        line: wait.line,
        quantity: Quantity::from_thousandths(wait.quantity).ok()?,
        expected: peg.expected,
        supply: peg.supply,
    })
}

/// What the lines of an order are told that have to wait from now on: by line,
/// the product and how much waits, all in all. Zero ends a wait.
pub(super) fn told(
    (conn, picture): (&Connection, &Picture),
    placed: &OrderPlaced,
    order: Option<DocumentId>,
    lines: &BTreeMap<u32, (Sku, i64)>,
    now: Timestamp,
) -> TableResult<Vec<Backordered>> {
    let channels = &picture.selling.channels;
    let collected = placed.fulfilment.kind == FulfilmentKind::Pickup;
    let mut by_sku: BTreeMap<&Sku, Vec<Wait>> = BTreeMap::new();
    for (line, (sku, quantity)) in lines {
        by_sku.entry(sku).or_default().push(Wait {
            order,
            line: *line,
            quantity: *quantity,
            only: placed.fulfilment.location.clone().filter(|_| collected),
            priority: channels.priority(&placed.channel),
            arrival: NEW,
        });
    }
    let mut all = Vec::new();
    for (sku, waits) in by_sku {
        let pegs = pegged(conn, channels, sku, now, Own { order, waits })?.pegs;
        let own = pegs.into_iter().filter(|(wait, _)| wait.arrival == NEW);
        all.extend(own.filter_map(|(wait, peg)| backordered(&wait, peg)));
    }
    all.sort_by_key(|wait| wait.line);
    Ok(all)
}
