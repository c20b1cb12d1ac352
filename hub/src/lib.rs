//! The regional hub: it merges every store's journal and shows what they come to.
//!
//! Invariant: the library holds everything but `main`, so that tests and tools
//! use the same functions as the binary.

pub mod cli;
pub mod downlink;
pub mod imports;
pub mod live;
pub mod outgoing;
pub mod routes;
pub mod serve;
pub mod services;
pub mod state;
mod upkeep;
