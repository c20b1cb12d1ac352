//! What the events of an order say against each other.

use super::line::PromiseId;
use super::words::words;
use crate::ids::EventKey;

words!(
    /// Why an event of an order needs a person.
    OrderConflictKind, "conflict" {
        /// It names a line that the order does not have.
        UnknownLine = "unknown_line",
        /// It names a promise that nobody here knows.
        UnknownPromise = "unknown_promise",
        /// It names a hold that nobody here knows.
        UnknownHold = "unknown_hold",
        /// A machine does not allow the step after what came before.
        ForbiddenStep = "forbidden_step",
        /// More was handed over than was promised, or by all places together than
        /// was ordered: one of them did not know yet that another one had it.
        DuplicateHandOver = "duplicate_hand_over",
        /// It was handed over after the promise had been broken or given back.
        HandOverAfterEnd = "hand_over_after_end",
        /// A part of a promise ended twice.
        EndedTwice = "ended_twice",
        /// The customer has what was cancelled: the hand-over stands.
        CancelledAfterHandOver = "cancelled_after_hand_over",
        /// More is promised of the line than is wanted.
        OverPromised = "over_promised",
        /// More money went back than was owed.
        OverRefunded = "over_refunded",
    }
);

/// A contradiction that a person or a ruling settles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OrderConflict {
    /// What is wrong.
    pub kind: OrderConflictKind,
    /// The event it is about: with the kind, the conflict's identity.
    pub about: EventKey,
    /// The promise it is about.
    pub promise: Option<PromiseId>,
    /// The line it is about.
    pub line: Option<u32>,
    /// How much it is about, in thousandths; 0 where it is no quantity.
    pub quantity: i64,
}
