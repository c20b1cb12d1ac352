//! Behaviour of the protocol, one module per behaviour.
#![allow(
    clippy::cast_possible_truncation,
    reason = "test journals have a few thousand entries"
)]

mod bytes;
mod credit;
mod downstream;
mod hello;
mod journal;
mod liveness;
mod pair;
mod private;
