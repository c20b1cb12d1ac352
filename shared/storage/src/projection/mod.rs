//! Projections: tables that are computed from events and can be thrown away.
//!
//! Each noun has a module with the part that writes (used by [`crate::apply`]
//! alone) and the queries.
//!
//! Invariant: databases that hold the same entries hold the same rows.

pub mod backorders;
pub mod counts;
pub mod days;
pub mod documents;
pub mod minters;
pub mod orders;
pub mod promises;
pub mod receipts;
pub mod registers;
pub mod rights;
pub mod seals;
pub mod stock;
pub mod waiting;
