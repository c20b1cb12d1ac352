//! What an order obliges its owner to do.
//!
//! An obligation is what is owed less what the events say was done: it goes
//! away when its effect is recorded, and comes back when a later event raises
//! what is owed. So whoever carries obligations out may run as often as it
//! likes, and nothing is paid twice.

use super::line::PromiseId;
use super::words::words;
use crate::ids::LocationId;
use crate::money::Money;

/// Something that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderObligation {
    /// Money goes back to the customer. Done by an
    /// [`Effect`](super::Effect) with the amount.
    Refund {
        /// How much is due now.
        amount: Money,
    },
    /// Money is to be collected again: the goods went out after it had gone
    /// back. Done by a payment of step `recollect`, or waived by a ruling.
    Recollect {
        /// How much is due now.
        amount: Money,
    },
    /// What is reserved is to be taken, because goods went out. Done by a
    /// payment of step `capture`.
    Capture {
        /// How much is due now.
        amount: Money,
    },
    /// What is reserved is to be given up. Done by a payment of step `void`.
    VoidAuthorization,
    /// A part of a line needs a promise, a backorder or a cancellation.
    Resource {
        /// The line.
        line: u32,
        /// How much, in thousandths.
        quantity: i64,
    },
    /// More is promised of a line than is wanted: cancel so much of its
    /// promises.
    Recall {
        /// The line.
        line: u32,
        /// How much, in thousandths.
        quantity: i64,
    },
    /// The location is to say that it will not hand a part of a promise over.
    /// Done by a [`Withdrawn`](super::Withdrawn) of the location.
    Withdraw {
        /// The promise.
        promise: PromiseId,
        /// The location.
        location: LocationId,
        /// How much, in thousandths.
        quantity: i64,
    },
    /// The maker of a promise is to take a part of it back. Done by a
    /// [`PromiseEnded`](super::PromiseEnded) with the cells of the same entry.
    Release {
        /// The promise.
        promise: PromiseId,
        /// The location.
        location: LocationId,
        /// How much, in thousandths.
        quantity: i64,
    },
    /// The customer is to be told. Done by an [`Effect`](super::Effect).
    Notify {
        /// What.
        what: Notice,
        /// About which part: a location, a line; empty for the whole order.
        subject: String,
    },
}

words!(
    /// What a customer is told.
    Notice, "notice" {
        /// The order was accepted.
        Confirmed = "confirmed",
        /// The goods can be collected.
        Ready = "ready",
        /// The goods are on their way.
        Shipped = "shipped",
        /// A part waits for supply.
        Delayed = "delayed",
        /// A part was cancelled.
        Cancelled = "cancelled",
        /// Money went back.
        Refunded = "refunded",
        /// The time to collect is over.
        NotCollected = "not_collected",
    }
);

impl OrderObligation {
    /// The obligation's name in its order: what an
    /// [`Effect`](super::Effect) names, and what an outbox keys its work by.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Refund { .. } => REFUND.to_owned(),
            Self::Recollect { .. } => "recollect".to_owned(),
            Self::Capture { .. } => "capture".to_owned(),
            Self::VoidAuthorization => "void".to_owned(),
            Self::Resource { line, .. } => format!("resource:{line}"),
            Self::Recall { line, .. } => format!("recall:{line}"),
            Self::Withdraw { promise, .. } => format!("withdraw:{promise}"),
            Self::Release { promise, .. } => format!("release:{promise}"),
            Self::Notify { what, subject } if subject.is_empty() => format!("notify:{what}"),
            Self::Notify { what, subject } => format!("notify:{what}:{subject}"),
        }
    }
}

/// The key of a refund.
pub(super) const REFUND: &str = "refund";
