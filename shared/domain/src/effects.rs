//! What one event adds to the projections: stock, day totals, receipt lists.
//!
//! Node, hub, rebuild and simulator all take it from here, so a figure can only
//! differ where the events differ. Effects are sums: applied in any order they
//! give the same tables.
//!
//! Invariant: the deltas of one event sum to zero over the buckets of each
//! (location, SKU, owner, lot).

use std::collections::BTreeMap;

use crate::days::{self, DayDelta};
use crate::event::Event;
use crate::ids::{LocationId, ReceiptNumber};
use crate::money::Money;
use crate::order::OrderEvent;
use crate::receipt::Receipt;
use crate::stock::{Movement, StockDelta, StockKey};

/// What one event adds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Changes of stock figures: each figure once, in order, none zero.
    pub stock: Vec<StockDelta>,
    /// What it adds to a trading day.
    pub day: Option<DayDelta>,
    /// What a list of receipts needs to know.
    pub receipt: Option<ReceiptFacts>,
}

/// A receipt, as a list of receipts knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptFacts {
    /// Its printed number.
    pub number: ReceiptNumber,
    /// The receipt that it returns or voids.
    pub original: Option<ReceiptNumber>,
    /// What the customer paid; negative for a return or void.
    pub total: Money,
}

/// What this event adds to the projections. An event of an unknown kind adds
/// nothing.
///
/// Figures stay far inside 64 bits, because an event has at most 500 lines and
/// each quantity and amount has its own limit.
#[must_use]
pub fn effects(event: &Event) -> Effects {
    match event {
        Event::Receipt(receipt) => of_receipt(receipt),
        Event::Movements(record) => of_movements(&record.location, &record.lines),
        Event::CountPosted(posted) => of_movements(&posted.location, &posted.movements()),
        Event::Order(event) => of_order(event),
        // A request says what was counted; the posting says what it changes.
        Event::CountRequested(_) | Event::ReplicaSealed(_) | Event::Unknown { .. } => {
            Effects::default()
        }
    }
}

fn of_receipt(receipt: &Receipt) -> Effects {
    Effects {
        stock: stock_deltas(&receipt.number.location, &receipt.movements()),
        day: Some(days::of_receipt(receipt)),
        receipt: Some(ReceiptFacts {
            number: receipt.number.clone(),
            original: receipt.kind.original().cloned(),
            total: receipt.total(),
        }),
    }
}

/// Steps of pickups and shipments move goods; everything else about an order
/// is agreed, not moved.
fn of_order(event: &OrderEvent) -> Effects {
    let step = event.movements();
    step.map_or_else(Effects::default, |(location, movements)| {
        of_movements(location, &movements)
    })
}

fn of_movements(location: &LocationId, movements: &[Movement]) -> Effects {
    Effects {
        stock: stock_deltas(location, movements),
        ..Effects::default()
    }
}

/// The sum of some movements of one location, figure by figure.
fn stock_deltas(location: &LocationId, movements: &[Movement]) -> Vec<StockDelta> {
    let mut sums: BTreeMap<StockKey, i64> = BTreeMap::new();
    for delta in movements.iter().flat_map(|m| m.deltas(location)) {
        *sums.entry(delta.key).or_default() += delta.delta;
    }
    sums.into_iter()
        .filter(|(_, delta)| *delta != 0)
        .map(|(key, delta)| StockDelta { key, delta })
        .collect()
}
