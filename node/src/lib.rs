//! The node: a store's machine: tills, pickup counter and stock room, with or without the hub.
//!
//! Invariant: the library holds everything but the command line, so that tests
//! and tools use the same functions as the binary.

pub mod cli;
pub mod routes;
pub mod serve;
pub mod services;
pub mod state;
pub mod upkeep;
pub mod uplink;
