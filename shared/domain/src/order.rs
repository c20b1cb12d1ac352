//! Orders: what remote customers asked for, what was promised to them, and
//! what became of it.
//!
//! An order is a document with many writers: the hub, and the locations that
//! take part. Its events are immutable; [`fold`](crate::fold::fold) reads them
//! into an [`OrderState`], the same on every replica that has them. What a
//! writer decides ([`accept`] and [`place`], [`cancel`], [`pickup`] …) is a list
//! of [`OrderBody`]; [`OrderState::events`] makes events of them, which are
//! written in one entry.
//!
//! A promise and a hold are named by the key of the event that made them
//! ([`PromiseId`], [`HoldId`]): unique among all writers without drawing a
//! number, and known as soon as the entry is written.
//!
//! Nothing that names a person is in an event: of a customer only an opaque
//! reference, of a destination only where it lies.
//!
//! Invariant: an event says what its writer saw or decided; sums and states
//! are the fold's alone.

mod card;
mod check;
mod code;
mod conflict;
mod customer;
mod event;
mod fold;
mod give_up;
mod goods;
mod line;
mod machine;
mod obligation;
mod parcel;
mod place;
mod revise;
mod state;
mod waiting;
mod words;
mod work;

pub use card::{is_international_phone, looks_like_card_number, refuse_card_numbers};
pub use check::Recorder;
pub use code::PickupKey;
pub use conflict::{OrderConflict, OrderConflictKind};
pub use customer::CustomerState;
pub use event::{
    Backordered, CancelRequested, Effect, HoldPlaced, HoldReleased, LineCancelled, LineChanged,
    LinePromised, OrderBody, OrderEvent, OrderPlaced, PaymentRecorded, PromiseCancelled,
    PromiseEnded, Ruling, StepPart, StepRecorded, Withdrawn,
};
pub use fold::read;
pub use give_up::{cancel_promise, cancel_unallocated};
pub use line::{ChannelId, Destination, Fulfilment, HoldId, HoldKind, OrderLine, PromiseId};
pub use machine::{
    Forbidden, FulfilmentState, OrderStatus, OrderStep, PaymentState, PickupState,
    ReservationState, ReservationStep,
};
pub use obligation::{Notice, OrderObligation};
pub use parcel::{HandOver, Parcel, ParcelLine, ParcelState};
pub use place::{
    Accepted, PaymentStatus, PlaceLine, PlaceOrder, PlacePayment, Sourcing, accept, place,
};
pub use revise::{
    Cancellation, cancel, change, give_up_uncollected, hold, recall, record_payment, release,
    release_hold, source,
};
pub use state::{Hold, LineState, MoneyState, OrderState, PromiseState, Work, opening};
pub use waiting::{AwaitedStep, Wait, Waiting, wait};
pub use words::{
    EndCause, FulfilmentKind, FulfilmentStep, PaymentMethod, PaymentStep, PickupStep, RulingKind,
    Substitution,
};
pub use work::{Paid, PartCommand, StepCommand, StepContext, pickup, shipment, withdraw};
