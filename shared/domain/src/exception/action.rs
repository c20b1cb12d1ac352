//! What a person can do about an exception, and when.
//!
//! What is acknowledged, assigned to a person or resolved by word is so for every
//! kind. The actions here carry a remedy out, so each has a state in which it
//! makes sense: an offer that ended cannot be called back, and what nobody waits
//! for cannot be cancelled.
//!
//! Invariant: an action that is listed can be posted.

use super::ExceptionKind;
use crate::ids::EventKey;
use crate::order::{
    FulfilmentState, OrderObligation, OrderState, PickupStep, PromiseId, PromiseState, Work,
};

/// A remedy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ExceptionAction {
    /// The units are on the shelf: a count says how many.
    Found,
    /// The units are not there: as many promises are broken.
    Missing,
    /// A count says how many are on the shelf.
    Count,
    /// What was tried is tried again.
    Retry,
    /// A location that a person chose takes on what nobody has.
    SourceFrom,
    /// The promise is called back, and another location is looked for.
    ReSource,
    /// What nobody can keep is taken off the order.
    Cancel,
    /// The customer gets more time to collect.
    Extend,
    /// The promise stands.
    Keep,
    /// The order stands as its fold has it.
    Settle,
    /// The order stands, and money that is owed for it is given up.
    Waive,
    /// The entry is left out for good.
    Dismiss,
    /// Nothing is sold online from the location until somebody opens it again.
    CloseSelling,
    /// The money went back.
    Refunded,
}

impl ExceptionAction {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::Found,
        Self::Missing,
        Self::Count,
        Self::Retry,
        Self::SourceFrom,
        Self::ReSource,
        Self::Cancel,
        Self::Extend,
        Self::Keep,
        Self::Settle,
        Self::Waive,
        Self::Dismiss,
        Self::CloseSelling,
        Self::Refunded,
    ];

    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missing => "missing",
            Self::Count => "count",
            Self::Retry => "retry",
            Self::SourceFrom => "source_from",
            Self::ReSource => "re_source",
            Self::Cancel => "cancel",
            Self::Extend => "extend",
            Self::Keep => "keep",
            Self::Settle => "settle",
            Self::Waive => "waive",
            Self::Dismiss => "dismiss",
            Self::CloseSelling => "close_selling",
            Self::Refunded => "refunded",
        }
    }

    /// The action of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// Which part of an order an exception is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All of it, or nothing of an order.
    Whole,
    /// One promise.
    Promise(PromiseId),
    /// What one event contradicts.
    Event(EventKey),
}

/// What an exception is about, as it stands now.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What sort.
    pub kind: ExceptionKind,
    /// The order, if it is about one.
    pub order: Option<&'a OrderState>,
    /// Which part of the order.
    pub part: Part,
    /// Whether its case in quarantine is open.
    pub case_open: bool,
    /// Whether online selling at its location is open.
    pub selling_open: bool,
}

impl Situation<'_> {
    /// The remedies that can be carried out now.
    #[must_use]
    pub fn actions(&self) -> Vec<ExceptionAction> {
        let of_kind = self.kind.meaning().actions.iter().copied();
        of_kind.filter(|action| self.allows(*action)).collect()
    }

    /// Whether a remedy of the kind can be carried out now.
    #[must_use]
    pub fn allows(&self, action: ExceptionAction) -> bool {
        let quarantined = self.kind == ExceptionKind::QuarantinedEntry;
        match action {
            ExceptionAction::Found | ExceptionAction::Missing | ExceptionAction::Count => true,
            ExceptionAction::Retry | ExceptionAction::Dismiss if quarantined => self.case_open,
            ExceptionAction::Retry | ExceptionAction::SourceFrom => self.open() > 0,
            ExceptionAction::Dismiss => false,
            ExceptionAction::Cancel => match self.part {
                Part::Promise(_) => self.promise().is_some_and(|promise| promise.kept() > 0),
                Part::Whole | Part::Event(_) => self.open() > 0,
            },
            ExceptionAction::ReSource => self.promise().is_some_and(may_move),
            ExceptionAction::Extend => self.promise().is_some_and(may_wait),
            ExceptionAction::Keep => {
                let live = |promise: &PromiseState| promise.parts.live() > 0;
                self.promise().is_some_and(live)
            }
            ExceptionAction::Settle => self.contradicted(),
            ExceptionAction::Waive => {
                let collect = |owed: &OrderObligation| {
                    matches!(owed, OrderObligation::Recollect { .. }) && self.contradicted()
                };
                self.order
                    .is_some_and(|order| order.obligations.iter().any(collect))
            }
            ExceptionAction::CloseSelling => self.selling_open,
            ExceptionAction::Refunded => {
                let back = |owed: &OrderObligation| matches!(owed, OrderObligation::Refund { .. });
                self.order
                    .is_some_and(|order| order.obligations.iter().any(back))
            }
        }
    }

    /// What nobody has taken on, in thousandths.
    fn open(&self) -> i64 {
        let lines = self.order.iter().flat_map(|order| &order.lines);
        lines.map(|line| line.unallocated).sum()
    }

    fn promise(&self) -> Option<&PromiseState> {
        match self.part {
            Part::Promise(id) => self.order?.promises.get(&id),
            Part::Whole | Part::Event(_) => None,
        }
    }

    fn contradicted(&self) -> bool {
        let Part::Event(about) = self.part else {
            return false;
        };
        let conflicts = self.order.iter().flat_map(|order| &order.conflicts);
        conflicts.into_iter().any(|one| one.about == about)
    }
}

/// Whether another location can take a promise over: a shipment that is not on
/// its way. A pickup stays, because its customer chose the place.
fn may_move(promise: &PromiseState) -> bool {
    let Work::Shipment(state) = promise.work else {
        return false;
    };
    let gone = matches!(
        state,
        FulfilmentState::PartiallyShipped
            | FulfilmentState::Shipped
            | FulfilmentState::Delivered
            | FulfilmentState::DeliveryFailed
            | FulfilmentState::ReturnedToSender
    );
    promise.kept() > 0 && !gone
}

/// Whether a customer can be given more time to collect.
fn may_wait(promise: &PromiseState) -> bool {
    match promise.work {
        Work::Pickup(state) => state.allowed(PickupStep::Extend).is_ok() && promise.kept() > 0,
        Work::Shipment(_) => false,
    }
}
