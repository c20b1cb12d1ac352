//! What is due: owed, less what was carried out.

use super::super::machine::{FulfilmentState, OrderStatus, PaymentState, PickupState};
use super::super::obligation::{Notice, OrderObligation};
use super::super::state::{LineState, Work};
use super::super::words::RulingKind;
use super::Fold;
use super::money::less;
use crate::money::Money;

impl Fold {
    pub(super) fn owe(&mut self) {
        let mut due = Vec::new();
        self.owe_money(&mut due);
        self.owe_goods(&mut due);
        self.owe_promises(&mut due);
        let notices = self.notices().into_iter();
        let notices = notices.map(|(what, subject)| OrderObligation::Notify { what, subject });
        due.extend(notices.filter(|notice| !self.effects.contains_key(&notice.key())));
        self.order.obligations = due;
    }

    /// A refund is what was taken beyond the order's value. Money that went
    /// back before goods turned out to be with the customer is collected again.
    fn owe_money(&self, due: &mut Vec<OrderObligation>) {
        let money = &self.order.money;
        let held = less(money.captured, money.refunded);
        let refund = less(held, money.value);
        if !refund.is_zero() {
            due.push(OrderObligation::Refund { amount: refund });
        }
        let keep = smaller(money.value, money.captured);
        let again = less(keep, held);
        let waived = self.rulings.contains(&RulingKind::WaiveRecollection);
        if !again.is_zero() && !waived {
            due.push(OrderObligation::Recollect { amount: again });
        }
        let reserved = matches!(
            self.order.payment_state,
            PaymentState::Authorized | PaymentState::PartiallyCaptured
        );
        if !reserved || money.authorized.is_zero() {
            return;
        }
        let out = self.worth(|line: &LineState| line.fulfilled, true);
        let capture = less(smaller(out, money.authorized), money.captured);
        if !capture.is_zero() {
            due.push(OrderObligation::Capture { amount: capture });
        } else if money.value.is_zero() && money.captured.is_zero() {
            due.push(OrderObligation::VoidAuthorization);
        }
    }

    fn owe_goods(&self, due: &mut Vec<OrderObligation>) {
        let closed = matches!(
            self.order.status,
            OrderStatus::Closed | OrderStatus::Rejected
        );
        for line in &self.order.lines {
            let number = line.line.line;
            if line.unallocated > 0 && !closed {
                due.push(OrderObligation::Resource {
                    line: number,
                    quantity: line.unallocated,
                });
            }
            if line.surplus > 0 {
                due.push(OrderObligation::Recall {
                    line: number,
                    quantity: line.surplus,
                });
            }
        }
    }

    fn owe_promises(&self, due: &mut Vec<OrderObligation>) {
        for (id, promise) in &self.order.promises {
            let (promise_id, location) = (*id, promise.location.clone());
            if promise.to_withdraw() > 0 {
                due.push(OrderObligation::Withdraw {
                    promise: promise_id,
                    location: location.clone(),
                    quantity: promise.to_withdraw(),
                });
            }
            if promise.parts.releasable() > 0 {
                due.push(OrderObligation::Release {
                    promise: promise_id,
                    location,
                    quantity: promise.parts.releasable(),
                });
            }
        }
    }

    /// What the customer should have been told by now.
    fn notices(&self) -> Vec<(Notice, String)> {
        let order = &self.order;
        let mut notices = Vec::new();
        let accepted = !matches!(order.status, OrderStatus::OnHold | OrderStatus::Rejected);
        if accepted {
            notices.push((Notice::Confirmed, String::new()));
        }
        for promise in order.promises.values() {
            let subject = promise.location.to_string();
            match promise.work {
                Work::Pickup(_) if promise.was_ready => {
                    notices.push((Notice::Ready, subject.clone()));
                }
                Work::Shipment(_) if promise.was_ready => {
                    notices.push((Notice::Shipped, subject.clone()));
                }
                Work::Pickup(_) | Work::Shipment(_) => {}
            }
            let late = matches!(
                promise.work,
                Work::Pickup(PickupState::NoShow | PickupState::Expired)
                    | Work::Shipment(FulfilmentState::ReturnedToSender)
            );
            if late {
                notices.push((Notice::NotCollected, subject));
            }
        }
        for line in &order.lines {
            let subject = line.line.line.to_string();
            if line.backordered > 0 {
                notices.push((Notice::Delayed, subject.clone()));
            }
            if line.cancelled > 0 {
                notices.push((Notice::Cancelled, subject));
            }
        }
        let refunded = order.money.refunded;
        if !refunded.is_zero() {
            notices.push((Notice::Refunded, refunded.minor().to_string()));
        }
        notices.sort();
        notices.dedup();
        notices
    }
}

fn smaller(one: Money, other: Money) -> Money {
    if one.minor() <= other.minor() {
        one
    } else {
        other
    }
}
