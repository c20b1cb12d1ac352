//! What the node does for its routes: load, decide, commit.
//!
//! A service speaks of commands, views and refusals, never of HTTP. What it
//! decides, it decides outside the writer; what it writes is one closure on the
//! writer thread.
//!
//! Invariant: a refused command leaves no trace, and a repeated one changes
//! nothing.

pub mod commands;
pub mod counts;
pub mod customers;
pub mod days;
mod failure;
pub mod journal;
pub mod maintain;
pub mod marker;
pub mod movements;
mod once;
pub mod products;
pub mod receipts;
pub mod returns;
pub mod rights;
pub mod sales;
pub mod status;
pub mod stock;
pub mod tills;
pub mod work;

pub use failure::{Failure, Refusal};
pub use once::{Answer, Request};
