//! How a pickup or shipment is shown.
//!
//! Invariant: `allowed` names exactly the events that a clerk can record now.

use std::collections::BTreeMap;

use evertill_domain::order::{FulfilmentStep, OrderState, PickupStep, PromiseState, Work, wait};
use evertill_domain::policy::TimerPolicy;
use evertill_domain::{DocumentId, LocationId, Money, Product, Sku, Timestamp};
use evertill_http::api::{
    AddressBody, CustomerView, WorkLineView, WorkView, hand_over_view, parcel_views,
    thousandths_text,
};
use evertill_storage::private::Customer;

use super::Kind;

/// The earliest time that something of the order is promised for here.
pub(super) fn due(order: &OrderState, location: &LocationId, kind: Kind) -> Option<Timestamp> {
    let here = order.promises_of(location);
    let open = here.filter(|(_, promise)| kind.is(promise) && promise.kept() > 0);
    open.filter_map(|(_, promise)| promise.promise_by).min()
}

/// What is shown of an order here; none if nothing of this kind is.
pub(super) fn view(
    id: &DocumentId,
    order: &OrderState,
    location: &LocationId,
    kind: Kind,
    products: &BTreeMap<Sku, Product>,
    (timers, at): (&TimerPolicy, Timestamp),
) -> Option<WorkView> {
    let here: Vec<_> = order
        .promises_of(location)
        .filter(|(_, promise)| kind.is(promise))
        .collect();
    let open = here.iter().find(|(_, promise)| promise.kept() > 0);
    let (_, least) = open.or_else(|| here.last())?;
    let promise_by = due(order, location, kind);
    let waits = here.iter().filter_map(|(_, promise)| {
        let found = wait(order, promise)?;
        Some((found.due(timers)?, found.step))
    });
    let next = waits.min();
    let to_pay = Money::new(order.to_pay(), order.placed.currency).ok();
    let going = here
        .iter()
        .filter(|(_, promise)| promise.kept() > 0 || promise.put_aside() > 0);
    let mut allowed = steps_of(least);
    for (_, promise) in going {
        let more = steps_of(promise).into_iter();
        let more: Vec<_> = more.filter(|step| !allowed.contains(step)).collect();
        allowed.extend(more);
    }
    let ages = here.iter().filter_map(|(_, promise)| {
        let line = order.line(promise.line)?;
        products.get(&line.line.sku)?.minimum_age
    });
    Some(WorkView {
        id: id.to_string(),
        channel: order.placed.channel.to_string(),
        external_id: order.placed.external_id.clone(),
        state: least.work.as_str(),
        promise_by: promise_by.map(|by| by.to_string()),
        next_step: next.map(|(_, step)| step.as_str()),
        due_at: next.map(|(due, _)| due.to_string()),
        late: next.is_some_and(|(due, _)| due < at),
        on_hold: order.active_holds().next().is_some(),
        to_pay: to_pay
            .filter(|to_pay| !to_pay.is_zero())
            .map(Money::to_decimal_string),
        currency: order.placed.currency.code(),
        minimum_age: ages.max(),
        customer: None,
        address: None,
        lines: here
            .iter()
            .filter_map(|(id, promise)| {
                let line = &order.line(promise.line)?.line;
                let swaps = promise.substitutes.iter();
                Some(WorkLineView {
                    promise: id.to_string(),
                    sku: line.sku.to_string(),
                    name: products.get(&line.sku).map(|product| product.name.clone()),
                    unit: line.unit.as_str(),
                    quantity: thousandths_text(promise.kept()),
                    staged: thousandths_text(promise.staged),
                    state: promise.work.as_str(),
                    substitution: line.substitution.as_str(),
                    substitutes: swaps
                        .filter(|(_, staged)| **staged > 0)
                        .map(|(sku, staged)| (sku.to_string(), thousandths_text(*staged)))
                        .collect(),
                })
            })
            .collect(),
        parcels: parcel_views(order, Some(location)).collect(),
        hand_overs: order
            .hand_overs
            .iter()
            .filter(|hand_over| hand_over.location == *location)
            .map(hand_over_view)
            .collect(),
        allowed,
        receipt: None,
    })
}

/// Adds who ordered, for a clerk who has the order before them.
pub(super) fn with_customer(mut view: WorkView, customer: &Customer) -> WorkView {
    view.customer = Some(CustomerView {
        name: customer.name.clone(),
        phone: customer.phone.clone(),
    });
    view.address = address(customer);
    view
}

/// Adds only what the customer is called, for lists.
pub(super) fn with_name(mut view: WorkView, customer: &Customer) -> WorkView {
    view.customer = Some(CustomerView {
        name: customer.name.clone(),
        phone: None,
    });
    view
}

/// Where it is shipped, if that is known and can be read.
pub(super) fn address(customer: &Customer) -> Option<AddressBody> {
    let text = customer.address.as_ref()?;
    serde_json::from_str(text)
        .inspect_err(|_| tracing::warn!("an address cannot be read; upgrade this node"))
        .ok()
}

/// The steps that a clerk can record of a promise. What the hub decides is none,
/// and nothing goes back where nothing lies ready.
fn steps_of(promise: &PromiseState) -> Vec<&'static str> {
    let steps: Vec<&'static str> = match promise.work {
        Work::Pickup(state) => state.steps().map(PickupStep::as_str).collect(),
        Work::Shipment(state) => state.steps().map(FulfilmentStep::as_str).collect(),
    };
    let hubs = ["cancel", "offer", "expire_claim"];
    steps
        .into_iter()
        .filter(|step| !hubs.contains(step))
        .filter(|step| *step != FulfilmentStep::PutBack.as_str() || promise.put_aside() > 0)
        .collect()
}
