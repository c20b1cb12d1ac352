//! Documents: what the changes inside journal entries mean.
//!
//! A document is a flat automerge map from event key to event bytes. A change
//! adds events to it and never touches an earlier one, so every change has one
//! possible shape and, for its events and place in history, one possible byte
//! form. This crate writes that form ([`create`], [`append`]), reads it back
//! ([`read`], [`Document`]), leaves out of it what a peer can recompute
//! ([`PART_CODEC`]), and lets nothing else in ([`gate::check`]).
//!
//! Invariant: the bytes of an accepted change are a function of its events, the
//! place in the journal that wrote it, and the changes it builds on.

mod chunk;
mod document;
pub mod gate;
mod leb;
mod short;

pub use chunk::{ChangeInfo, ReadError, read};
pub use document::{Document, LoadError, append, create, kind};
pub use short::PART_CODEC;
