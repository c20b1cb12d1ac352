//! What a customer is told about an order, for every state that it can be in.

use super::machine::{FulfilmentState, OrderStatus, PickupState};
use super::state::{OrderState, Work};
use super::words::words;

words!(
    /// What a customer is told.
    CustomerState, "customer state" {
        /// We have the order.
        Received = "received",
        /// We are working on it.
        Preparing = "preparing",
        /// A part of it waits for supply.
        Delayed = "delayed",
        /// It can be collected.
        ReadyForPickup = "ready_for_pickup",
        /// It was not collected in time.
        NotCollected = "not_collected",
        /// It is on its way.
        OnItsWay = "on_its_way",
        /// The carrier could not deliver it.
        DeliveryFailed = "delivery_failed",
        /// A part of it arrived.
        PartlyDone = "partly_done",
        /// All of it was collected or arrived.
        Done = "done",
        /// A cancellation is under way.
        Cancelling = "cancelling",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// We could not accept it.
        NotAccepted = "not_accepted",
    }
);

/// What the customer of an order is told. Holds are no business of theirs.
pub(super) fn customer_state(order: &OrderState) -> CustomerState {
    match order.status {
        OrderStatus::Draft | OrderStatus::Placed | OrderStatus::OnHold => CustomerState::Received,
        OrderStatus::AwaitingStock => CustomerState::Delayed,
        OrderStatus::CancelRequested => CustomerState::Cancelling,
        OrderStatus::Cancelled => CustomerState::Cancelled,
        OrderStatus::Rejected => CustomerState::NotAccepted,
        OrderStatus::Fulfilled => shipped(order).unwrap_or(CustomerState::Done),
        OrderStatus::Closed if order.lines.iter().all(|line| line.fulfilled == 0) => {
            CustomerState::Cancelled
        }
        OrderStatus::Closed => CustomerState::Done,
        OrderStatus::Released
        | OrderStatus::PartiallyFulfilled
        | OrderStatus::PartiallyCancelled => at_work(order),
    }
}

/// The least advanced state of the work that is still going on.
fn at_work(order: &OrderState) -> CustomerState {
    let open = order.promises.values();
    let open = open.filter(|promise| promise.kept() > 0 || promise.substitutes_staged() > 0);
    let least = open.map(|promise| of_work(promise.work)).min();
    if order.status == OrderStatus::PartiallyFulfilled && least != Some(CustomerState::NotCollected)
    {
        return CustomerState::PartlyDone;
    }
    least.unwrap_or(CustomerState::Preparing)
}

/// What of a fulfilled order is still with the carrier.
fn shipped(order: &OrderState) -> Option<CustomerState> {
    let settled = order.promises.values().filter(|p| p.parts.settled > 0);
    let states = settled.map(|promise| of_work(promise.work));
    states
        .filter(|state| {
            matches!(
                state,
                CustomerState::OnItsWay | CustomerState::DeliveryFailed
            )
        })
        .max()
}

const fn of_work(work: Work) -> CustomerState {
    match work {
        Work::Pickup(state) => of_pickup(state),
        Work::Shipment(state) => of_shipment(state),
    }
}

const fn of_pickup(state: PickupState) -> CustomerState {
    match state {
        PickupState::Requested
        | PickupState::Accepted
        | PickupState::Picking
        | PickupState::ShortPicked
        | PickupState::Rejected => CustomerState::Preparing,
        PickupState::Ready | PickupState::Arrived | PickupState::Extended => {
            CustomerState::ReadyForPickup
        }
        PickupState::PartiallyHandedOver => CustomerState::PartlyDone,
        PickupState::HandedOver => CustomerState::Done,
        PickupState::NoShow | PickupState::Expired => CustomerState::NotCollected,
        PickupState::Cancelled | PickupState::PutBack => CustomerState::Cancelled,
    }
}

const fn of_shipment(state: FulfilmentState) -> CustomerState {
    match state {
        FulfilmentState::Scheduled
        | FulfilmentState::Offered
        | FulfilmentState::ClaimExpired
        | FulfilmentState::Accepted
        | FulfilmentState::OnHold
        | FulfilmentState::Picking
        | FulfilmentState::Picked
        | FulfilmentState::Packed
        | FulfilmentState::Unpacked
        | FulfilmentState::ShortPicked
        | FulfilmentState::Rejected => CustomerState::Preparing,
        FulfilmentState::PartiallyShipped | FulfilmentState::Shipped => CustomerState::OnItsWay,
        FulfilmentState::Delivered => CustomerState::Done,
        FulfilmentState::DeliveryFailed => CustomerState::DeliveryFailed,
        FulfilmentState::ReturnedToSender | FulfilmentState::Cancelled => CustomerState::Cancelled,
    }
}
