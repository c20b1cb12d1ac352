//! Events that a store or the hub records, and changes that extend a document.

use evertill_documents::{Document, append};
use evertill_domain::count::{CountLine, CountPosted, CountRequest, CountResult};
use evertill_domain::movement::MovementRecord;
use evertill_domain::{Bucket, Event, Movement, MovementReason, Quantity, Unit, event};
use evertill_journal::Part;

use super::world::Forger;
use crate::ledger::world::now;

fn pieces(count: i64) -> Quantity {
    Quantity::from_thousandths(count * 1_000).unwrap()
}

/// Goods received at a location.
pub(crate) fn received(location: &str, sku: &str, thousandths: i64) -> Event {
    Event::Movements(MovementRecord {
        location: location.parse().unwrap(),
        reason: MovementReason::Receiving,
        at: now(),
        business_date: "2026-07-01".parse().unwrap(),
        by: None,
        reference: None,
        lines: vec![Movement {
            sku: sku.parse().unwrap(),
            from: Bucket::Supplier,
            to: Bucket::Sellable,
            quantity: Quantity::from_thousandths(thousandths).unwrap(),
            lot: None,
            owner: None,
        }],
    })
}

pub(crate) fn request(location: &str, sku: &str, counted: i64) -> Event {
    Event::CountRequested(CountRequest {
        location: location.parse().unwrap(),
        requested_at: now(),
        by: None,
        reference: None,
        lines: vec![CountLine {
            sku: sku.parse().unwrap(),
            unit: Unit::Each,
            counted: pieces(counted),
            lot: None,
        }],
        seen: Vec::new(),
    })
}

pub(crate) fn posted(location: &str, sku: &str, counted: i64, expected: i64) -> Event {
    Event::CountPosted(CountPosted {
        location: location.parse().unwrap(),
        posted_at: now(),
        lines: vec![CountResult {
            sku: sku.parse().unwrap(),
            counted: pieces(counted),
            expected: expected * 1_000,
            lot: None,
        }],
    })
}

/// Adds an event to a document whose changes are given.
pub(crate) fn extend(forger: &mut Forger, opening: &[&Part], event: &Event) -> Part {
    let changes = opening.iter().map(|part| &part.change);
    let document = Document::load(opening[0].document, changes).unwrap();
    let part = append(
        &document,
        &forger.actor,
        forger.next(),
        0,
        &[event::encode(event)],
    );
    forger.push(None, vec![part.clone()]);
    part
}
