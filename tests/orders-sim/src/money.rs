//! Money: what goes back to customers, what is collected again, and how it is
//! written.
//!
//! Invariant: money moves when the hub says that it is owed.

use anyhow::Result;
use evertill_domain::Money;
use evertill_domain::order::{OrderObligation, PaymentMethod, PaymentRecorded, PaymentStep};
use evertill_hub::services::orders;

use crate::bug::Bug;
use crate::world::World;

impl World {
    /// Money goes back where the hub says that it is owed.
    pub(crate) fn settle_money(&mut self) -> Result<()> {
        for at in 0..self.orders.len() {
            let document = self.orders[at].document;
            let Some(order) = self.truth.orders.get(&document) else {
                continue;
            };
            let again = order.obligations.iter().find_map(|owed| match owed {
                OrderObligation::Recollect { amount } => Some(*amount),
                _ => None,
            });
            let owed = order.obligations.iter().find_map(|owed| match owed {
                OrderObligation::Refund { amount } => Some(*amount),
                _ => None,
            });
            if let Some(amount) = again {
                let payment = payment(PaymentStep::Recollect, amount);
                self.revise(document, move |at| orders::pay(at, payment))?;
                self.note(&format!("order {at}: {} collected again", amount.minor()));
            }
            let Some(amount) = owed else { continue };
            let twice = self.has(Bug::RefundTwice);
            let done = self.revise(document, move |at| {
                let revised = orders::refund(at, amount, None)?;
                if twice {
                    crate::tamper::refund_again(at, &revised.order, amount)?;
                }
                Ok(revised)
            })?;
            if done.is_some() {
                self.note(&format!("order {at}: {} went back", amount.minor()));
                self.orders[at].refunded += amount.minor();
            }
        }
        Ok(())
    }
}

/// A payment by card.
pub(crate) fn payment(step: PaymentStep, amount: Money) -> PaymentRecorded {
    PaymentRecorded {
        step,
        amount,
        method: PaymentMethod::Card,
        reference: None,
        expires_at: None,
        receipt: None,
    }
}

/// An amount as JSON has it.
pub(crate) fn cents(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
