//! What each promise waits for, since when, and by when it is due.
//!
//! The fold notes the step that a promise waits for and the time of the event
//! that made it wait: that is all a timer needs. The timers themselves are a
//! policy and change, so they are applied when somebody asks.
//!
//! Invariant: a promise waits for one step at a time, and for none when nothing
//! of it can be expected.

use super::machine::{FulfilmentState, OrderStatus, PickupState};
use super::state::{OrderState, PromiseState, Work};
use super::words::words;
use crate::policy::TimerPolicy;
use crate::time::Timestamp;

words!(
    /// The step that a promise waits for.
    AwaitedStep, "awaited step" {
        /// The location takes it on.
        Accept = "accept",
        /// The goods are put aside.
        Pick = "pick",
        /// The customer is told that they are ready, or they are packed.
        Ready = "ready",
        /// The customer collects them, or they are put back.
        Collect = "collect",
        /// The carrier takes them.
        Ship = "ship",
    }
);

/// What a promise waits for, as its fold says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The step.
    pub step: AwaitedStep,
    /// When the event was recorded after which it was waited for.
    pub since: Timestamp,
}

/// What a promise waits for, as its order says: the step with what its time is
/// counted from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The step.
    pub step: AwaitedStep,
    /// Where its timer starts; `None` for a step that has none.
    pub since: Option<Timestamp>,
    /// The time that was named to the customer, where that counts for the step.
    pub by: Option<Timestamp>,
}

impl PromiseState {
    /// The step that has to come next; `None` if nothing of the promise can be
    /// expected, or nobody has to do anything.
    #[must_use]
    pub fn awaited(&self) -> Option<AwaitedStep> {
        let expected = self.kept() + self.substitutes_staged();
        if expected <= 0 {
            return None;
        }
        let staged = self.put_aside();
        let pick = if staged > 0 && self.kept() <= staged {
            AwaitedStep::Ready
        } else {
            AwaitedStep::Pick
        };
        match self.work {
            Work::Pickup(state) => match state {
                PickupState::Requested => Some(AwaitedStep::Accept),
                PickupState::Accepted | PickupState::Picking | PickupState::ShortPicked => {
                    Some(pick)
                }
                PickupState::Ready
                | PickupState::Arrived
                | PickupState::PartiallyHandedOver
                | PickupState::Extended
                | PickupState::NoShow
                | PickupState::Expired => Some(AwaitedStep::Collect),
                PickupState::HandedOver
                | PickupState::Cancelled
                | PickupState::PutBack
                | PickupState::Rejected => None,
            },
            Work::Shipment(state) => match state {
                FulfilmentState::Scheduled | FulfilmentState::Offered => Some(AwaitedStep::Accept),
                FulfilmentState::Accepted
                | FulfilmentState::Picking
                | FulfilmentState::Picked
                | FulfilmentState::ShortPicked
                | FulfilmentState::Unpacked => Some(pick),
                FulfilmentState::Packed | FulfilmentState::PartiallyShipped => {
                    Some(AwaitedStep::Ship)
                }
                FulfilmentState::OnHold
                | FulfilmentState::ClaimExpired
                | FulfilmentState::Shipped
                | FulfilmentState::Delivered
                | FulfilmentState::DeliveryFailed
                | FulfilmentState::ReturnedToSender
                | FulfilmentState::Rejected
                | FulfilmentState::Cancelled => None,
            },
        }
    }
}

/// What a promise of an order waits for. An order that is held waits for its
/// hold, so nothing of it is late; its timers start again when it is released.
#[must_use]
pub fn wait(order: &OrderState, promise: &PromiseState) -> Option<Wait> {
    let waiting = promise.waiting?;
    let over = matches!(order.status, OrderStatus::Closed | OrderStatus::Rejected);
    if over || order.active_holds().next().is_some() {
        return None;
    }
    let mut since = waiting.since.max(order.resumed_at.unwrap_or(waiting.since));
    let scheduled = promise.work == Work::Shipment(FulfilmentState::Scheduled);
    if scheduled && let Some(start) = order.placed.fulfilment.not_before {
        since = since.max(start);
    }
    let (since, by) = match waiting.step {
        AwaitedStep::Accept | AwaitedStep::Pick | AwaitedStep::Ready => {
            (Some(since), promise.promise_by)
        }
        AwaitedStep::Ship => (None, promise.promise_by),
        AwaitedStep::Collect => match promise.extended_until {
            Some(until) => (None, Some(until)),
            None => (Some(since), None),
        },
    };
    Some(Wait {
        step: waiting.step,
        since,
        by,
    })
}

impl Wait {
    /// By when the step is due; `None` if nothing says so.
    #[must_use]
    pub fn due(&self, timers: &TimerPolicy) -> Option<Timestamp> {
        let minutes = self.step.minutes(timers);
        let timer = self.since.zip(minutes);
        let timer = timer.map(|(since, minutes)| after(since, minutes));
        timer.into_iter().chain(self.by).min()
    }
}

impl AwaitedStep {
    /// How many minutes the step may take; `None` if only what was named to the
    /// customer counts.
    #[must_use]
    pub const fn minutes(self, timers: &TimerPolicy) -> Option<u32> {
        match self {
            Self::Accept => Some(timers.accept_minutes),
            Self::Pick => Some(timers.pick_minutes),
            Self::Ready => Some(timers.ready_minutes),
            Self::Collect => Some(timers.collect_minutes),
            Self::Ship => None,
        }
    }
}

/// The end of a timer. It runs by the clock, whether the store is open or not.
fn after(since: Timestamp, minutes: u32) -> Timestamp {
    Timestamp::from_millis(since.as_millis() + i64::from(minutes) * 60_000)
}
