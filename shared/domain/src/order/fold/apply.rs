//! One event after the other.

use super::super::conflict::OrderConflictKind;
use super::super::event::{
    OrderBody, OrderEvent, PromiseCancelled, PromiseEnded, StepPart, StepRecorded,
};
use super::super::line::{HoldId, PromiseId};
use super::super::machine::{FulfilmentState, PickupState};
use super::super::state::{Hold, PromiseState, Work};
use super::super::waiting::Waiting;
use super::super::words::{FulfilmentStep, PickupStep, RulingKind};
use super::Fold;
use crate::ids::EventKey;
use crate::rights::{End, PromiseParts};
use crate::time::Timestamp;

impl Fold {
    /// Takes note of a promise, before anything else is read.
    pub(super) fn promise(&mut self, key: EventKey, event: &OrderEvent) {
        let OrderBody::Promised(promised) = &event.body else {
            return;
        };
        if self.order.line(promised.line).is_none() {
            let conflict = self.conflict(OrderConflictKind::UnknownLine, key);
            conflict.line = Some(promised.line);
            return;
        }
        let early = self.order.placed.fulfilment.not_before;
        let work = if self.is_pickup() {
            Work::Pickup(PickupState::Requested)
        } else if early.is_some_and(|time| time > event.at) {
            Work::Shipment(FulfilmentState::Scheduled)
        } else {
            Work::Shipment(FulfilmentState::Offered)
        };
        let promise = PromiseState {
            line: promised.line,
            location: promised.location.clone(),
            parts: PromiseParts::of(promised.quantity.thousandths()),
            cancelled: 0,
            staged: 0,
            substitutes: std::collections::BTreeMap::new(),
            substituted: 0,
            returned: 0,
            work,
            was_ready: false,
            waiting: None,
            extended_until: None,
            promise_by: promised.promise_by,
            given_back_at: None,
            decision: promised.decision.clone(),
            replaces: promised.replaces,
        };
        let id = PromiseId(key);
        self.order.promises.insert(id, promise);
        self.wait(id, event.at);
    }

    /// Applies an event, and notes what its promises wait for afterwards.
    pub(super) fn apply(&mut self, key: EventKey, event: &OrderEvent) {
        self.apply_body(key, event);
        match &event.body {
            OrderBody::PromiseCancelled(body) => self.wait(body.promise, event.at),
            OrderBody::Withdrawn(body) => self.wait(body.promise, event.at),
            OrderBody::PromiseEnded(body) => self.wait(body.promise, event.at),
            OrderBody::Pickup(StepRecorded { parts, .. })
            | OrderBody::Fulfilment(StepRecorded { parts, .. }) => {
                for part in parts {
                    self.wait(part.promise, event.at);
                }
            }
            OrderBody::Placed(_)
            | OrderBody::Promised(_)
            | OrderBody::Backordered(_)
            | OrderBody::HoldPlaced(_)
            | OrderBody::HoldReleased(_)
            | OrderBody::Payment(_)
            | OrderBody::CancelRequested(_)
            | OrderBody::LineCancelled(_)
            | OrderBody::LineChanged(_)
            | OrderBody::Effect(_)
            | OrderBody::Ruling(_) => {}
        }
    }

    /// A promise that waits for another step than before waits since `at`.
    fn wait(&mut self, promise: PromiseId, at: Timestamp) {
        if let Some(promise) = self.order.promises.get_mut(&promise) {
            let step = promise.awaited();
            if promise.waiting.map(|waiting| waiting.step) != step {
                promise.waiting = step.map(|step| Waiting { step, since: at });
            }
        }
    }

    fn apply_body(&mut self, key: EventKey, event: &OrderEvent) {
        match &event.body {
            OrderBody::Placed(_) | OrderBody::Promised(_) => {}
            OrderBody::Backordered(body) => {
                if let Some(line) = self.line(body.line, key) {
                    line.expected = body.expected;
                    self.backordered
                        .insert(body.line, body.quantity.thousandths());
                }
            }
            OrderBody::HoldPlaced(body) => {
                let hold = Hold {
                    kind: body.kind.clone(),
                    reason: body.reason.clone(),
                    released: false,
                };
                self.order.holds.insert(HoldId(key), hold);
            }
            OrderBody::HoldReleased(body) => match self.order.holds.get_mut(&body.hold) {
                Some(hold) => {
                    hold.released = true;
                    self.order.resumed_at = self.order.resumed_at.max(Some(event.at));
                }
                None => {
                    self.conflict(OrderConflictKind::UnknownHold, key);
                }
            },
            OrderBody::Payment(body) => self.pay(key, body),
            OrderBody::CancelRequested(_) => self.order.cancel_requested = true,
            OrderBody::LineCancelled(body) => {
                if self.line(body.line, key).is_some() {
                    let (sum, _) = self.cancelled.entry(body.line).or_insert((0, key));
                    *sum += body.quantity.thousandths();
                }
            }
            OrderBody::LineChanged(body) => {
                let quantity = body.quantity.thousandths();
                if let Some(line) = self.line(body.line, key) {
                    line.ordered = line.ordered.max(quantity);
                }
            }
            OrderBody::PromiseCancelled(body) => self.cancel_promise(key, body),
            OrderBody::Withdrawn(body) => {
                let quantity = body.quantity.thousandths();
                if let Some(promise) = self.known(body.promise, key) {
                    promise.parts.withdraw(quantity);
                }
            }
            OrderBody::PromiseEnded(body) => {
                self.end(key, body);
                if matches!(body.how, End::Released | End::Breached) {
                    self.given_back([body.promise], event.at);
                }
            }
            OrderBody::Pickup(step) => {
                self.hand_over(event, step);
                self.pickup(key, step);
                if matches!(step.step, PickupStep::Reject | PickupStep::ShortPick) {
                    self.given_back(step.parts.iter().map(|part| part.promise), event.at);
                }
            }
            OrderBody::Fulfilment(step) => {
                self.parcel(event, step);
                self.shipment(key, step);
                if matches!(
                    step.step,
                    FulfilmentStep::Reject
                        | FulfilmentStep::ExpireClaim
                        | FulfilmentStep::ShortPick
                ) {
                    self.given_back(step.parts.iter().map(|part| part.promise), event.at);
                }
            }
            OrderBody::Effect(body) => self.effect(key, body),
            OrderBody::Ruling(body) => self.rule(body.kind, body.about),
        }
    }

    /// Notes when promises were first given back.
    fn given_back(&mut self, promises: impl IntoIterator<Item = PromiseId>, at: Timestamp) {
        for id in promises {
            if let Some(promise) = self.order.promises.get_mut(&id) {
                promise.given_back_at.get_or_insert(at);
            }
        }
    }

    fn cancel_promise(&mut self, key: EventKey, body: &PromiseCancelled) {
        let quantity = body.quantity.thousandths();
        if let Some(promise) = self.known(body.promise, key) {
            promise.cancelled += quantity;
        }
    }

    /// A part of a promise ended. What was not live any more is said as a
    /// conflict; the end is summed all the same.
    fn end(&mut self, key: EventKey, body: &PromiseEnded) {
        let Some(promise) = self.known(body.promise, key) else {
            return;
        };
        let given_up = promise.parts.released + promise.parts.breached > 0;
        let line = promise.line;
        let beyond = promise.parts.end(body.how, body.quantity.thousandths());
        if beyond == 0 {
            return;
        }
        let kind = match body.how {
            End::Settled if given_up => OrderConflictKind::HandOverAfterEnd,
            End::Settled => OrderConflictKind::DuplicateHandOver,
            End::Released | End::Breached => OrderConflictKind::EndedTwice,
        };
        let conflict = self.conflict(kind, key);
        conflict.promise = Some(body.promise);
        conflict.line = Some(line);
        conflict.quantity = beyond;
    }

    fn pickup(&mut self, key: EventKey, step: &StepRecorded<PickupStep>) {
        for (i, part) in step.parts.iter().enumerate() {
            let first = is_first(&step.parts[..i], part);
            let Some(promise) = self.known(part.promise, key) else {
                continue;
            };
            let next = match promise.work {
                Work::Pickup(state) => state.allowed(step.step).ok(),
                Work::Shipment(_) => None,
            };
            let fits = next.is_some() || !first;
            // Goods that went out or back are out or back, whatever came first.
            let next = next.or(match step.step {
                PickupStep::HandOver => Some(PickupState::HandedOver),
                PickupStep::HandOverPart => Some(PickupState::PartiallyHandedOver),
                PickupStep::PutBack => Some(PickupState::PutBack),
                _ => None,
            });
            if let Some(next) = next.filter(|_| first) {
                promise.work = Work::Pickup(next);
            }
            promise.was_ready |= step.step == PickupStep::Ready;
            if step.step == PickupStep::Extend && step.until.is_some() {
                promise.promise_by = step.until;
                promise.extended_until = step.until;
            }
            match step.step {
                PickupStep::Pick | PickupStep::ShortPick => stage(promise, part),
                PickupStep::HandOver | PickupStep::HandOverPart => take_out(promise, part),
                PickupStep::PutBack => put_back(promise, part),
                _ => {}
            }
            self.unless_fits(fits, key, part);
        }
    }

    fn shipment(&mut self, key: EventKey, step: &StepRecorded<FulfilmentStep>) {
        for (i, part) in step.parts.iter().enumerate() {
            let first = is_first(&step.parts[..i], part);
            let Some(promise) = self.known(part.promise, key) else {
                continue;
            };
            let next = match promise.work {
                Work::Shipment(state) => state.allowed(step.step).ok(),
                Work::Pickup(_) => None,
            };
            let fits = next.is_some() || !first;
            let next = next.or(match step.step {
                FulfilmentStep::Ship => Some(FulfilmentState::Shipped),
                FulfilmentStep::ShipPart => Some(FulfilmentState::PartiallyShipped),
                FulfilmentStep::ReturnToSender => Some(FulfilmentState::ReturnedToSender),
                _ => None,
            });
            if let Some(next) = next.filter(|_| first) {
                promise.work = Work::Shipment(next);
            }
            match step.step {
                FulfilmentStep::Pick | FulfilmentStep::ShortPick => stage(promise, part),
                FulfilmentStep::Ship | FulfilmentStep::ShipPart => {
                    promise.was_ready = true;
                    take_out(promise, part);
                }
                FulfilmentStep::PutBack => put_back(promise, part),
                FulfilmentStep::ReturnToSender => promise.returned += part.quantity.thousandths(),
                _ => {}
            }
            self.unless_fits(fits, key, part);
        }
    }

    fn unless_fits(&mut self, fits: bool, key: EventKey, part: &StepPart) {
        if !fits {
            let conflict = self.conflict(OrderConflictKind::ForbiddenStep, key);
            conflict.promise = Some(part.promise);
            conflict.quantity = part.quantity.thousandths();
        }
    }

    fn rule(&mut self, kind: RulingKind, about: Option<EventKey>) {
        self.settled.extend(about);
        self.rulings.insert(kind);
        if kind == RulingKind::RefuseCancellation {
            self.order.cancel_requested = false;
        }
    }

    fn line(&mut self, number: u32, key: EventKey) -> Option<&mut super::super::state::LineState> {
        if self.order.line(number).is_none() {
            self.conflict(OrderConflictKind::UnknownLine, key).line = Some(number);
            return None;
        }
        let index = usize::try_from(number - 1).ok()?;
        self.order.lines.get_mut(index)
    }

    fn known(&mut self, promise: PromiseId, key: EventKey) -> Option<&mut PromiseState> {
        if !self.order.promises.contains_key(&promise) {
            let conflict = self.conflict(OrderConflictKind::UnknownPromise, key);
            conflict.promise = Some(promise);
        }
        self.order.promises.get_mut(&promise)
    }
}

/// Whether a part is the first of its promise in the step: a step is taken once,
/// however many products it moves.
fn is_first(before: &[StepPart], part: &StepPart) -> bool {
    before.iter().all(|other| other.promise != part.promise)
}

fn stage(promise: &mut PromiseState, part: &StepPart) {
    let quantity = part.quantity.thousandths();
    if part.substitute {
        *promise.substitutes.entry(part.sku.clone()).or_default() += quantity;
    } else {
        promise.staged += quantity;
    }
}

fn take_out(promise: &mut PromiseState, part: &StepPart) {
    let quantity = part.quantity.thousandths();
    unstage(promise, part);
    if part.substitute {
        promise.substituted += quantity;
    }
}

fn put_back(promise: &mut PromiseState, part: &StepPart) {
    unstage(promise, part);
}

fn unstage(promise: &mut PromiseState, part: &StepPart) {
    let quantity = part.quantity.thousandths();
    if !part.substitute {
        promise.staged = (promise.staged - quantity).max(0);
    } else if let Some(staged) = promise.substitutes.get_mut(&part.sku) {
        *staged = (*staged - quantity).max(0);
    }
}
