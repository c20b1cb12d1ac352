//! The machines of an order: which step may follow which state.
//!
//! Each machine is an enum of states and one table of (state, step, next). A
//! step that the table does not hold is refused with the state and with what is
//! allowed. Nothing goes back: what undoes a step is a step of its own.
//!
//! Decisions ask the tables before they write. The fold asks them too, but a
//! fact is never refused: goods that were handed over are handed over, and what
//! the table says against it becomes a conflict.
//!
//! Invariant: a table holds each (state, step) once.

mod order;
mod payment;
mod pickup;
mod reservation;
mod shipment;

pub use order::{OrderStatus, OrderStep};
pub use payment::PaymentState;
pub use pickup::PickupState;
pub use reservation::{ReservationState, ReservationStep};
pub use shipment::FulfilmentState;

use crate::rejection::Rejection;

/// A step that the state does not allow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the {machine} is {state} and cannot {step} now; allowed: {}",
    if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") }
)]
pub struct Forbidden {
    /// The machine, in words.
    pub machine: &'static str,
    /// The state it is in.
    pub state: &'static str,
    /// The step that was asked for.
    pub step: &'static str,
    /// The steps that the state allows.
    pub allowed: Vec<&'static str>,
}

impl Forbidden {
    /// The refusal of the command field at `pointer`: a conflict with the
    /// state.
    #[must_use]
    pub fn rejection(&self, pointer: &str) -> Rejection {
        Rejection::new(pointer, "forbidden_step", self.to_string()).as_conflict()
    }
}

/// Gives a state enum its table.
macro_rules! machine {
    ($state:ident, $step:ident, $machine:literal, {
        $($from:ident: $($by:ident => $to:ident),* $(,)?;)+
    }) => {
        impl $state {
            /// Every allowed step: (state, step, next state).
            pub const TABLE: &'static [(Self, $step, Self)] = &[
                $($((Self::$from, $step::$by, Self::$to),)*)+
            ];

            /// The state after a step.
            ///
            /// # Errors
            /// [`Forbidden`](super::Forbidden) when this state does not allow
            /// it.
            pub fn allowed(self, step: $step) -> Result<Self, super::Forbidden> {
                let row = Self::TABLE.iter().find(|row| row.0 == self && row.1 == step);
                row.map(|row| row.2).ok_or_else(|| super::Forbidden {
                    machine: $machine,
                    state: self.as_str(),
                    step: step.as_str(),
                    allowed: self.steps().map($step::as_str).collect(),
                })
            }

            /// The steps that this state allows.
            pub fn steps(self) -> impl Iterator<Item = $step> {
                Self::TABLE.iter().filter(move |row| row.0 == self).map(|row| row.1)
            }
        }
    };
}
use machine;
