//! The goods that steps move.
//!
//! ```text
//! pick              sellable → staged
//! what is not found sellable → quarantined
//! hand-over, ship   staged → customer
//! … with a receipt  staged → sellable     the receipt takes them on from there
//! put back          staged → sellable
//! return to sender  customer → quality_control
//! ```
//!
//! A hand-over that is paid at the counter is recorded with a receipt in the
//! same entry, and a receipt takes its goods from the floor. So the step puts
//! them there, and the goods leave once.
//!
//! Invariant: what moves follows from the event alone.

use super::event::{OrderBody, OrderEvent, StepPart, StepRecorded};
use super::words::{FulfilmentStep, PickupStep};
use crate::ids::LocationId;
use crate::quantity::Quantity;
use crate::stock::{Bucket, Movement};

impl OrderEvent {
    /// Where goods moved with this event, and which; `None` when it is about
    /// none.
    #[must_use]
    pub fn movements(&self) -> Option<(&LocationId, Vec<Movement>)> {
        match &self.body {
            OrderBody::Pickup(step) => Some((&step.location, moved(step, way_of_pickup(step)))),
            OrderBody::Fulfilment(step) => {
                Some((&step.location, moved(step, way_of_shipment(step.step))))
            }
            _ => None,
        }
    }
}

/// From where to where the goods of a step go.
type Way = Option<(Bucket, Bucket)>;

const PICK: Way = Some((Bucket::Sellable, Bucket::Staged));
const OUT: Way = Some((Bucket::Staged, Bucket::Customer));
const BACK: Way = Some((Bucket::Staged, Bucket::Sellable));

const fn way_of_pickup(step: &StepRecorded<PickupStep>) -> Way {
    match step.step {
        PickupStep::Pick | PickupStep::ShortPick => PICK,
        PickupStep::HandOver | PickupStep::HandOverPart if step.receipt.is_some() => BACK,
        PickupStep::HandOver | PickupStep::HandOverPart => OUT,
        PickupStep::PutBack => BACK,
        PickupStep::Accept
        | PickupStep::Reject
        | PickupStep::StartPick
        | PickupStep::Ready
        | PickupStep::Arrive
        | PickupStep::Leave
        | PickupStep::Extend
        | PickupStep::NoShow
        | PickupStep::Expire
        | PickupStep::Cancel => None,
    }
}

const fn way_of_shipment(step: FulfilmentStep) -> Way {
    match step {
        FulfilmentStep::Pick | FulfilmentStep::ShortPick => PICK,
        FulfilmentStep::Ship | FulfilmentStep::ShipPart => OUT,
        FulfilmentStep::PutBack => BACK,
        FulfilmentStep::ReturnToSender => Some((Bucket::Customer, Bucket::QualityControl)),
        FulfilmentStep::Offer
        | FulfilmentStep::ExpireClaim
        | FulfilmentStep::Accept
        | FulfilmentStep::Reject
        | FulfilmentStep::Hold
        | FulfilmentStep::Resume
        | FulfilmentStep::StartPick
        | FulfilmentStep::Pack
        | FulfilmentStep::Unpack
        | FulfilmentStep::Deliver
        | FulfilmentStep::FailDelivery
        | FulfilmentStep::Cancel => None,
    }
}

fn moved<S>(step: &StepRecorded<S>, way: Way) -> Vec<Movement> {
    let mut movements = Vec::with_capacity(step.parts.len());
    for part in &step.parts {
        if let Some((from, to)) = way {
            movements.extend(movement(part, part.quantity, from, to));
        }
        if way == PICK {
            let (from, to) = (Bucket::Sellable, Bucket::Quarantined);
            movements.extend(movement(part, part.short, from, to));
        }
    }
    movements
}

fn movement(part: &StepPart, quantity: Quantity, from: Bucket, to: Bucket) -> Option<Movement> {
    quantity.is_positive().then(|| Movement {
        sku: part.sku.clone(),
        from,
        to,
        quantity,
        lot: part.lot.clone(),
        owner: None,
    })
}
