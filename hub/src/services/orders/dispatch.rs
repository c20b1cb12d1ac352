//! Shipments of locations without a node: a supplier or warehouse that ships for
//! us tells of it some other way, and the hub records it in its place.
//!
//! The decisions are those of a node; the goods move at the location, and its
//! promises end, in the entry of the step.
//!
//! Invariant: where a node lives, only that node records.

use std::collections::BTreeMap;

use evertill_domain::LocationId;
use evertill_domain::order::{
    FulfilmentState, FulfilmentStep, OrderState, PartCommand, PromiseId, StepCommand, StepContext,
    Work, shipment,
};
use evertill_domain::rejection::Rejection;
use evertill_domain::rights::PairCells;
use evertill_storage::projection::minters;

use super::revise::{At, Revised};
use super::{OrderRefusal, known};

/// Records what a location without a node did. A dispatch brings the steps before
/// it that nobody recorded.
///
/// # Errors
/// See [`OrderRefusal`]; a location with a node, and a step that is not a
/// location's, are refused.
pub fn dispatch(
    at: At<'_>,
    location: &LocationId,
    command: &StepCommand<FulfilmentStep>,
) -> Result<Revised, OrderRefusal> {
    let step = command.step;
    if matches!(
        step,
        FulfilmentStep::Offer | FulfilmentStep::ExpireClaim | FulfilmentStep::Cancel
    ) {
        let detail = format!("{step} is no event of a location; the hub does that by itself");
        return Err(OrderRefusal::Rejected(
            Rejection::new("/event", "not_a_location_s", detail).into(),
        ));
    }
    if minters::living(at.conn, location)?.is_some() {
        let detail = format!(
            "{location} has a node of its own; record it there, at /fulfilments/{}/{step}",
            at.document
        );
        let refused = Rejection::new("/location", "has_a_node", detail).as_conflict();
        return Err(OrderRefusal::Rejected(refused.into()));
    }
    if matches!(step, FulfilmentStep::Ship | FulfilmentStep::ShipPart) {
        prepare(at, location, command)?;
    }
    record(at, location, command)?;
    at.attend()?;
    at.revised()
}

fn record(
    at: At<'_>,
    location: &LocationId,
    command: &StepCommand<FulfilmentStep>,
) -> Result<(), OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let context = StepContext {
        location,
        now: at.now,
        products: &at.picture.products,
        extend_minutes: 0,
    };
    let bodies = shipment(&order, command, &context)?;
    at.write(&order, bodies, &PairCells::new())?;
    Ok(())
}

/// Takes what is about to leave through the steps that come before it.
fn prepare(
    at: At<'_>,
    location: &LocationId,
    command: &StepCommand<FulfilmentStep>,
) -> Result<(), OrderRefusal> {
    loop {
        let order = known(at.conn, &at.document)?;
        let missing = missing(&order, location, command);
        let Some((step, promises)) = missing.into_iter().next() else {
            return Ok(());
        };
        let mut before = StepCommand::of(step);
        before.parts = promises.into_iter().map(PartCommand::whole).collect();
        record(at, location, &before)?;
    }
}

/// The next step of each promise on its way to a parcel. Each step leads to a
/// state that asks for a later one, so they come to an end.
fn missing(
    order: &OrderState,
    location: &LocationId,
    command: &StepCommand<FulfilmentStep>,
) -> BTreeMap<FulfilmentStep, Vec<PromiseId>> {
    let named = |id: &PromiseId| {
        let mut parts = command.parts.iter();
        command.parts.is_empty() || parts.any(|part| part.promise == *id)
    };
    let mut steps: BTreeMap<FulfilmentStep, Vec<PromiseId>> = BTreeMap::new();
    for (id, promise) in order.promises_of(location) {
        let Work::Shipment(state) = promise.work else {
            continue;
        };
        if let Some(step) = towards_parcel(state).filter(|_| promise.kept() > 0 && named(id)) {
            steps.entry(step).or_default().push(*id);
        }
    }
    steps
}

const fn towards_parcel(state: FulfilmentState) -> Option<FulfilmentStep> {
    match state {
        FulfilmentState::Scheduled | FulfilmentState::ClaimExpired => Some(FulfilmentStep::Offer),
        FulfilmentState::Offered => Some(FulfilmentStep::Accept),
        FulfilmentState::Accepted => Some(FulfilmentStep::StartPick),
        FulfilmentState::Picking => Some(FulfilmentStep::Pick),
        FulfilmentState::Picked | FulfilmentState::ShortPicked | FulfilmentState::Unpacked => {
            Some(FulfilmentStep::Pack)
        }
        FulfilmentState::OnHold
        | FulfilmentState::Packed
        | FulfilmentState::PartiallyShipped
        | FulfilmentState::Shipped
        | FulfilmentState::Delivered
        | FulfilmentState::DeliveryFailed
        | FulfilmentState::ReturnedToSender
        | FulfilmentState::Rejected
        | FulfilmentState::Cancelled => None,
    }
}
