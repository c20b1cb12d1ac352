//! Exceptions: typed problems that a person owns.
//!
//! What each kind means to people stands here in one table: whose it is, how
//! soon it is due, what to do, and which actions settle it. What opens one, and
//! what becomes of it, is decided where its facts are.
//!
//! Invariant: every kind has an owner, a time, a suggestion and an action that
//! settles it.

mod action;

pub use action::{ExceptionAction, Part, Situation};

/// What sort of problem.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ExceptionKind {
    /// More is promised of a product than there is; nobody looked yet.
    SuspectedBreach,
    /// A promise was broken: the unit is not there.
    Breach,
    /// A clerk did not find what was promised.
    ShortPick,
    /// A step of a pickup or shipment is late.
    LateStep,
    /// More was handed over than was promised.
    DuplicateHandOver,
    /// The customer has what was cancelled.
    CancelledAfterHandOver,
    /// The events of an order contradict each other in another way.
    OrderConflict,
    /// No location can take a part of an order on.
    NoCandidate,
    /// An entry could not be taken.
    QuarantinedEntry,
    /// A location has been silent for too long.
    SilentLocation,
    /// A promise hangs on a replica that was sealed.
    SealedPromise,
    /// Less than nothing is on hand.
    NegativeStock,
    /// A node's clock is far off.
    WildClock,
    /// Money that is owed to a customer did not go back.
    RefundDue,
}

/// What a kind means to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// The role that owns it first.
    pub owner: &'static str,
    /// Minutes until it is due.
    pub due_minutes: u32,
    /// What to do, in words.
    pub suggestion: &'static str,
    /// The remedies that can be carried out for it, beside `resolve`.
    pub actions: &'static [ExceptionAction],
}

/// The roles that an overdue exception goes to, one after the other.
pub const ESCALATION: [&str; 2] = ["regional_manager", "head_office"];

impl ExceptionKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::SuspectedBreach,
        Self::Breach,
        Self::ShortPick,
        Self::LateStep,
        Self::DuplicateHandOver,
        Self::CancelledAfterHandOver,
        Self::OrderConflict,
        Self::NoCandidate,
        Self::QuarantinedEntry,
        Self::SilentLocation,
        Self::SealedPromise,
        Self::NegativeStock,
        Self::WildClock,
        Self::RefundDue,
    ];

    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuspectedBreach => "suspected_breach",
            Self::Breach => "breach",
            Self::ShortPick => "short_pick",
            Self::LateStep => "late_step",
            Self::DuplicateHandOver => "duplicate_hand_over",
            Self::CancelledAfterHandOver => "cancelled_after_hand_over",
            Self::OrderConflict => "order_conflict",
            Self::NoCandidate => "no_candidate",
            Self::QuarantinedEntry => "quarantined_entry",
            Self::SilentLocation => "silent_location",
            Self::SealedPromise => "sealed_promise",
            Self::NegativeStock => "negative_stock",
            Self::WildClock => "wild_clock",
            Self::RefundDue => "refund_due",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What it means to people.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        let (owner, due_minutes, suggestion): (_, _, _) = match self {
            Self::SuspectedBreach => (
                "store",
                120,
                "Look on the shelf. Found: say how many are there, as counted. Missing: say so, \
                 and the promise is made anew elsewhere.",
            ),
            Self::Breach => (
                "customer_service",
                60,
                "Have a location that you choose take it on, or cancel what nobody has: the \
                 refund is owed then, and the customer is told.",
            ),
            Self::ShortPick => (
                "store",
                24 * 60,
                "Count the product: the shelf has less than was recorded.",
            ),
            Self::LateStep => (
                "store",
                30,
                "Do the step. A shipment can be given to another store, a customer who has not \
                 come can get more time; if they do not come, say no_show and put the goods back.",
            ),
            Self::DuplicateHandOver | Self::CancelledAfterHandOver | Self::OrderConflict => (
                "customer_service",
                24 * 60,
                "Read the order, settle what is owed with the customer, then settle the conflict.",
            ),
            Self::NoCandidate => (
                "operator",
                60,
                "Have a location that you choose take it on, wait for supply and retry, or cancel \
                 what nobody has.",
            ),
            Self::QuarantinedEntry => (
                "operator",
                240,
                "Read the reason in the quarantine; retry the case once its cause is gone, or \
                 dismiss it.",
            ),
            Self::SilentLocation => (
                "operator",
                60,
                "Call the store; see whether its node and its line work. Close its selling if it \
                 will take long.",
            ),
            Self::SealedPromise => (
                "operator",
                60,
                "Ask the customer and the store. Keep the promise if the goods are there, else \
                 source it again or cancel it.",
            ),
            Self::NegativeStock => (
                "store",
                24 * 60,
                "Count the product: more left than was recorded.",
            ),
            Self::WildClock => ("operator", 24 * 60, "Set the node's clock right."),
            Self::RefundDue => (
                "customer_service",
                24 * 60,
                "Pay the refund, then say that it was refunded.",
            ),
        };
        Meaning {
            owner,
            due_minutes,
            suggestion,
            actions: self.remedies(),
        }
    }

    const fn remedies(self) -> &'static [ExceptionAction] {
        use ExceptionAction as Do;
        match self {
            Self::SuspectedBreach => &[Do::Found, Do::Missing],
            Self::Breach | Self::NoCandidate => &[Do::Retry, Do::SourceFrom, Do::Cancel],
            Self::ShortPick | Self::NegativeStock => &[Do::Count],
            Self::LateStep => &[Do::ReSource, Do::Extend, Do::Cancel],
            Self::DuplicateHandOver | Self::CancelledAfterHandOver | Self::OrderConflict => {
                &[Do::Settle, Do::Waive]
            }
            Self::QuarantinedEntry => &[Do::Retry, Do::Dismiss],
            Self::SilentLocation => &[Do::CloseSelling],
            Self::SealedPromise => &[Do::ReSource, Do::Cancel, Do::Keep],
            Self::WildClock => &[],
            Self::RefundDue => &[Do::Refunded],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_way_out() {
        for kind in ExceptionKind::ALL {
            assert_eq!(ExceptionKind::named(kind.as_str()), Some(kind));
            let meaning = kind.meaning();
            assert!(!meaning.owner.is_empty() && meaning.due_minutes > 0);
            assert!(meaning.suggestion.ends_with('.'));
        }
        for action in ExceptionAction::ALL {
            assert_eq!(ExceptionAction::named(action.as_str()), Some(action));
            let mut kinds = ExceptionKind::ALL.into_iter();
            assert!(kinds.any(|kind| kind.meaning().actions.contains(&action)));
        }
    }
}
