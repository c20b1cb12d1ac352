//! The money of an order: what was recorded, and what it should come to.

use super::super::conflict::OrderConflictKind;
use super::super::event::{Effect, PaymentRecorded};
use super::super::obligation::REFUND;
use super::super::state::LineState;
use super::super::words::{PaymentStep, RulingKind};
use super::Fold;
use crate::ids::EventKey;
use crate::money::{Money, RoundingRule, share_so_far};

impl Fold {
    pub(super) fn pay(&mut self, key: EventKey, body: &PaymentRecorded) {
        let amount = body.amount;
        let money = &mut self.order.money;
        money.method = Some(body.method);
        match body.step {
            PaymentStep::Authorize => {
                money.authorized = amount;
                money.expires_at = body.expires_at;
            }
            PaymentStep::Capture | PaymentStep::CapturePart | PaymentStep::Recollect => {
                money.captured = plus(money.captured, amount);
            }
            PaymentStep::Void | PaymentStep::Expire | PaymentStep::Decline => {
                money.authorized = Money::zero(amount.currency());
                money.expires_at = None;
            }
            PaymentStep::DeclineLater | PaymentStep::ChargeBack => {
                money.captured = less(money.captured, amount);
            }
            PaymentStep::PayAtPickup => money.at_pickup = true,
            PaymentStep::AcceptOffline => {}
            PaymentStep::Refund | PaymentStep::RefundPart => {
                money.refunded = plus(money.refunded, amount);
                self.last_refund = Some(key);
            }
        }
        let step = self.by_amount(body.step);
        match self.order.payment_state.allowed(step) {
            Ok(next) => self.order.payment_state = next,
            Err(_) => {
                self.conflict(OrderConflictKind::ForbiddenStep, key);
            }
        }
    }

    pub(super) fn effect(&mut self, key: EventKey, body: &Effect) {
        let amount = body.amount;
        let done = self.effects.entry(body.obligation.clone()).or_default();
        *done = done.saturating_add(amount.map_or(0, Money::minor));
        let Some(amount) = amount.filter(|_| body.obligation == REFUND) else {
            return;
        };
        let refunded = self.order.money.refunded;
        self.order.money.refunded = plus(refunded, amount);
        self.last_refund = Some(key);
        let step = self.by_amount(PaymentStep::Refund);
        match self.order.payment_state.allowed(step) {
            Ok(next) => self.order.payment_state = next,
            Err(_) => {
                self.conflict(OrderConflictKind::ForbiddenStep, key);
            }
        }
    }

    /// Whether a capture or refund is of all or of a part is said by the sums,
    /// not by the word.
    fn by_amount(&self, step: PaymentStep) -> PaymentStep {
        let money = &self.order.money;
        match step {
            PaymentStep::Capture | PaymentStep::CapturePart => {
                if money.captured.minor() >= self.order.placed.total.minor() {
                    PaymentStep::Capture
                } else {
                    PaymentStep::CapturePart
                }
            }
            PaymentStep::Refund | PaymentStep::RefundPart => {
                if money.refunded.minor() >= money.captured.minor() {
                    PaymentStep::Refund
                } else {
                    PaymentStep::RefundPart
                }
            }
            other => other,
        }
    }

    /// What the order is worth now, and what went back beyond what was owed.
    pub(super) fn value(&mut self) {
        let rejected = self.rulings.contains(&RulingKind::RejectOrder);
        let wanted = |line: &LineState| line.ordered - line.cancelled;
        self.order.money.value = self.worth(wanted, !rejected);
        let money = &self.order.money;
        let owed = less(money.captured, money.value);
        let beyond = less(money.refunded, owed);
        if let Some(key) = self.last_refund
            && !beyond.is_zero()
        {
            self.conflict(OrderConflictKind::OverRefunded, key);
        }
    }

    /// What so much of every line comes to, with shipping if it is any.
    pub(super) fn worth(&self, quantity: fn(&LineState) -> i64, shipping: bool) -> Money {
        let placed = &self.order.placed;
        let mut worth = Money::zero(placed.currency);
        let mut any = false;
        for line in &self.order.lines {
            let part = quantity(line);
            any |= part > 0;
            let whole = line.line.quantity.thousandths();
            let total = line.line.total().ok();
            let share =
                total.and_then(|total| share_so_far(total, part, whole, RoundingRule::HalfUp).ok());
            worth = share.map_or(worth, |share| plus(worth, share));
        }
        match placed.shipping {
            Some(cost) if any && shipping => plus(worth, cost),
            _ => worth,
        }
    }
}

/// The sum; where the events of a broken writer meet another currency or leave
/// the limit, what there was.
pub(super) fn plus(one: Money, other: Money) -> Money {
    one.checked_add(other).unwrap_or(one)
}

/// The difference, never below zero.
pub(super) fn less(one: Money, other: Money) -> Money {
    let rest = one.checked_sub(other).unwrap_or(one);
    if rest.is_negative() {
        Money::zero(one.currency())
    } else {
        rest
    }
}
