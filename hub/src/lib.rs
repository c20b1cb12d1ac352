//! The hub: the regional hub: merges every store's journal.
//!
//! Invariant: the library holds everything but the command line, so that tests
//! and tools use the same functions as the binary.

pub mod imports;
pub mod serve;
