//! Exceptions: typed problems that a person owns.
//!
//! What each kind means to people stands here in one table: whose it is, how
//! soon it is due, what to do, and which actions settle it. What opens one, and
//! what becomes of it, is decided where its facts are.
//!
//! Invariant: every kind has an owner, a time, a suggestion and an action that
//! settles it.

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
    /// The actions that settle it, beside `resolve`.
    pub actions: &'static [&'static str],
}

/// The role that overdue exceptions go to.
pub const ESCALATION: &str = "regional_manager";

impl ExceptionKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
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
        let (owner, due_minutes, suggestion, actions): (_, _, _, &'static [&'static str]) =
            match self {
                Self::SuspectedBreach => (
                    "store",
                    120,
                    "Look on the shelf. Found: count it. Missing: say so, and the promise is \
                     made anew elsewhere.",
                    &["found", "missing"],
                ),
                Self::Breach => (
                    "customer_service",
                    60,
                    "See that the order is sourced again, or tell the customer and refund.",
                    &["retry"],
                ),
                Self::ShortPick => (
                    "store",
                    24 * 60,
                    "Count the product: the shelf has less than was recorded.",
                    &[],
                ),
                Self::LateStep => (
                    "store",
                    30,
                    "Do the next step, or reject the order so that another store takes it.",
                    &[],
                ),
                Self::DuplicateHandOver | Self::CancelledAfterHandOver | Self::OrderConflict => (
                    "customer_service",
                    24 * 60,
                    "Read the order, settle what is owed with the customer, then settle the \
                     conflict.",
                    &["settle"],
                ),
                Self::NoCandidate => (
                    "operator",
                    60,
                    "Assign a location by hand, wait for supply, or cancel the line.",
                    &["retry"],
                ),
                Self::QuarantinedEntry => (
                    "operator",
                    240,
                    "Read the reason in the quarantine; retry or dismiss the case there.",
                    &[],
                ),
                Self::SilentLocation => (
                    "operator",
                    60,
                    "Call the store; see whether its node and its line work.",
                    &[],
                ),
                Self::SealedPromise => (
                    "operator",
                    60,
                    "Ask the customer and the store; source again or cancel.",
                    &[],
                ),
                Self::NegativeStock => (
                    "store",
                    24 * 60,
                    "Count the product: more left than was recorded.",
                    &[],
                ),
                Self::WildClock => ("operator", 24 * 60, "Set the node's clock right.", &[]),
            };
        Meaning {
            owner,
            due_minutes,
            suggestion,
            actions,
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
    }
}
