//! What the hub does, apart from how it was asked: the command line, the
//! control socket and HTTP call the same functions.
//!
//! Invariant: a service loads, decides and commits; it knows neither flags nor
//! status codes.

pub mod commands;
pub mod doctor;
pub mod import;
pub mod keys;
pub mod policies;
