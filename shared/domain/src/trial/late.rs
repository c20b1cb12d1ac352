//! How long recorded steps took, against timers.
//!
//! Each step has a beginning that the events name, and ends with what was to
//! happen, or with whatever ended the promise before: a cancelled order is late
//! for nothing more.
//!
//! Invariant: a promise has each of its steps at most once.

use std::collections::BTreeMap;

use crate::ids::{EventKey, LocationId};
use crate::order::{
    FulfilmentKind, FulfilmentStep, OrderBody, OrderEvent, OrderPlaced, PaymentStep, PickupStep,
    PromiseId,
};
use crate::policy::TimerPolicy;
use crate::time::Timestamp;

/// What a timer is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StepKind {
    /// From the offer until the store takes it on.
    Accept,
    /// From then until the goods are picked.
    Pick,
    /// From then until they are ready, or packed.
    Ready,
    /// From then until their customer has them.
    Collect,
    /// From a suspected breach until somebody looked.
    ShelfCheck,
    /// From an unpaid order until it is paid.
    Reservation,
    /// From the time by which an exception was due until it was resolved.
    Escalation,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Accept,
        Self::Pick,
        Self::Ready,
        Self::Collect,
        Self::ShelfCheck,
        Self::Reservation,
        Self::Escalation,
    ];

    /// Its timer, by name.
    #[must_use]
    pub const fn timer(self) -> &'static str {
        match self {
            Self::Accept => "accept_minutes",
            Self::Pick => "pick_minutes",
            Self::Ready => "ready_minutes",
            Self::Collect => "collect_minutes",
            Self::ShelfCheck => "shelf_check_minutes",
            Self::Reservation => "reservation_minutes",
            Self::Escalation => "escalation_minutes",
        }
    }

    /// How long it may take, in minutes.
    #[must_use]
    pub const fn minutes(self, policy: &TimerPolicy) -> u32 {
        match self {
            Self::Accept => policy.accept_minutes,
            Self::Pick => policy.pick_minutes,
            Self::Ready => policy.ready_minutes,
            Self::Collect => policy.collect_minutes,
            Self::ShelfCheck => policy.shelf_check_minutes,
            Self::Reservation => policy.reservation_minutes,
            Self::Escalation => policy.escalation_minutes,
        }
    }
}

/// A step that began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// Where; none for the whole order.
    pub location: Option<LocationId>,
    /// When it began.
    pub from: Timestamp,
    /// When it was done or ended; none while it is open.
    pub to: Option<Timestamp>,
}

/// A step against two sets of timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lateness {
    /// How long it took, or has taken, in seconds.
    pub took_s: i64,
    /// Whether it is late by the timers in force.
    pub is_late: bool,
    /// Whether it would have been late by the draft.
    pub would_be_late: bool,
}

impl Step {
    /// How late it is at `now`, by the timers in force and by a draft.
    #[must_use]
    pub fn lateness(
        &self,
        now: Timestamp,
        in_force: &TimerPolicy,
        draft: &TimerPolicy,
    ) -> Lateness {
        let to = self.to.unwrap_or(now).as_millis();
        let took_ms = to.saturating_sub(self.from.as_millis()).max(0);
        let beyond = |policy| took_ms > i64::from(self.kind.minutes(policy)) * super::MINUTE_MS;
        Lateness {
            took_s: took_ms / 1_000,
            is_late: beyond(in_force),
            would_be_late: beyond(draft),
        }
    }
}

/// What timers come to over many steps of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimerTrial {
    /// Steps that were looked at.
    pub steps: usize,
    /// Of these, late by the timers in force.
    pub late: usize,
    /// Late by the draft.
    pub would_be_late: usize,
}

impl TimerTrial {
    /// Counts a step.
    pub fn add(&mut self, lateness: Lateness) {
        self.steps += 1;
        self.late += usize::from(lateness.is_late);
        self.would_be_late += usize::from(lateness.would_be_late);
    }
}

/// The steps of an order, from its events in their order.
#[must_use]
pub fn steps<'a>(events: impl IntoIterator<Item = (EventKey, &'a OrderEvent)>) -> Vec<Step> {
    let mut read = Reading::default();
    for (key, event) in events {
        read.take(key, event);
    }
    read.steps()
}

/// What happened to a promise, in the order of the steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Accepted,
    Picked,
    Ready,
    Collected,
    Ended,
}

struct Course {
    location: LocationId,
    is_pickup: bool,
    offered: Timestamp,
    /// The first time of each mark.
    marks: BTreeMap<Mark, Timestamp>,
}

#[derive(Default)]
struct Reading {
    placed: Option<(Timestamp, OrderPlaced)>,
    courses: BTreeMap<PromiseId, Course>,
    sourced_at_once: bool,
    paid: Option<Timestamp>,
    given_up: Option<Timestamp>,
}

impl Reading {
    fn take(&mut self, key: EventKey, event: &OrderEvent) {
        let at = event.at;
        match &event.body {
            OrderBody::Placed(placed) => self.placed = Some((at, (**placed).clone())),
            OrderBody::Promised(promised) => {
                let placed = self.placed.as_ref();
                let fulfilment = placed.map(|(_, placed)| &placed.fulfilment);
                let not_before = fulfilment.and_then(|fulfilment| fulfilment.not_before);
                self.sourced_at_once |= placed.is_some_and(|(first, _)| *first == at);
                let course = Course {
                    location: promised.location.clone(),
                    is_pickup: fulfilment.is_some_and(|f| f.kind == FulfilmentKind::Pickup),
                    offered: not_before.map_or(at, |not_before| not_before.max(at)),
                    marks: BTreeMap::new(),
                };
                self.courses.insert(PromiseId(key), course);
            }
            OrderBody::Backordered(_) => {
                let placed = self.placed.as_ref();
                self.sourced_at_once |= placed.is_some_and(|(first, _)| *first == at);
            }
            OrderBody::Pickup(step) => {
                if let Some(mark) = of_pickup(step.step) {
                    self.mark(step.parts.iter().map(|part| part.promise), mark, at);
                }
            }
            OrderBody::Fulfilment(step) => {
                if let Some(mark) = of_shipment(step.step) {
                    self.mark(step.parts.iter().map(|part| part.promise), mark, at);
                }
            }
            OrderBody::PromiseCancelled(body) => self.mark([body.promise], Mark::Ended, at),
            OrderBody::Withdrawn(body) => self.mark([body.promise], Mark::Ended, at),
            OrderBody::PromiseEnded(body) => self.mark([body.promise], Mark::Ended, at),
            OrderBody::Payment(body) => {
                let pays = matches!(
                    body.step,
                    PaymentStep::Authorize
                        | PaymentStep::Capture
                        | PaymentStep::CapturePart
                        | PaymentStep::PayAtPickup
                        | PaymentStep::AcceptOffline
                );
                if pays {
                    self.paid.get_or_insert(at);
                }
            }
            OrderBody::CancelRequested(_) | OrderBody::LineCancelled(_) => {
                self.given_up.get_or_insert(at);
            }
            OrderBody::HoldPlaced(_)
            | OrderBody::HoldReleased(_)
            | OrderBody::LineChanged(_)
            | OrderBody::Effect(_)
            | OrderBody::Ruling(_) => {}
        }
    }

    fn mark(&mut self, promises: impl IntoIterator<Item = PromiseId>, mark: Mark, at: Timestamp) {
        for promise in promises {
            if let Some(course) = self.courses.get_mut(&promise) {
                course.marks.entry(mark).or_insert(at);
            }
        }
    }

    fn steps(self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.courses.values().flat_map(Course::steps).collect();
        if let Some((from, placed)) = self.placed
            && !self.sourced_at_once
            && placed.hold_until.is_none()
        {
            steps.push(Step {
                kind: StepKind::Reservation,
                location: None,
                from,
                to: self.paid.or(self.given_up),
            });
        }
        steps
    }
}

impl Course {
    fn steps(&self) -> Vec<Step> {
        let at = |mark| self.marks.get(&mark).copied();
        let chain = [
            (StepKind::Accept, Some(self.offered), Mark::Accepted),
            (StepKind::Pick, at(Mark::Accepted), Mark::Picked),
            (StepKind::Ready, at(Mark::Picked), Mark::Ready),
            (StepKind::Collect, at(Mark::Ready), Mark::Collected),
        ];
        let steps = chain.into_iter().filter_map(|(kind, from, until)| {
            let from = from.filter(|_| kind != StepKind::Collect || self.is_pickup)?;
            // What is recorded out of order ends no step before it began.
            let later = self.marks.range(until..).map(|(_, at)| *at);
            Some(Step {
                kind,
                location: Some(self.location.clone()),
                from,
                to: later.min().map(|to| to.max(from)),
            })
        });
        steps.collect()
    }
}

fn of_pickup(step: PickupStep) -> Option<Mark> {
    match step {
        PickupStep::Accept => Some(Mark::Accepted),
        PickupStep::Pick | PickupStep::ShortPick => Some(Mark::Picked),
        PickupStep::Ready => Some(Mark::Ready),
        PickupStep::HandOver | PickupStep::Extend | PickupStep::NoShow | PickupStep::Expire => {
            Some(Mark::Collected)
        }
        PickupStep::Reject | PickupStep::Cancel | PickupStep::PutBack => Some(Mark::Ended),
        PickupStep::StartPick
        | PickupStep::Arrive
        | PickupStep::Leave
        | PickupStep::HandOverPart => None,
    }
}

/// A shipment is ready when it is packed; no timer is about what carriers do.
fn of_shipment(step: FulfilmentStep) -> Option<Mark> {
    match step {
        FulfilmentStep::Accept => Some(Mark::Accepted),
        FulfilmentStep::Pick | FulfilmentStep::ShortPick => Some(Mark::Picked),
        FulfilmentStep::Pack => Some(Mark::Ready),
        FulfilmentStep::ExpireClaim
        | FulfilmentStep::Reject
        | FulfilmentStep::Cancel
        | FulfilmentStep::PutBack => Some(Mark::Ended),
        FulfilmentStep::Offer
        | FulfilmentStep::Hold
        | FulfilmentStep::Resume
        | FulfilmentStep::StartPick
        | FulfilmentStep::Unpack
        | FulfilmentStep::Ship
        | FulfilmentStep::ShipPart
        | FulfilmentStep::Deliver
        | FulfilmentStep::FailDelivery
        | FulfilmentStep::ReturnToSender => None,
    }
}
