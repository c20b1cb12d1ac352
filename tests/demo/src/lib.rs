//! A hub and three stores on sample data, for the demo, its tour and the
//! benchmark.

pub mod account;
pub mod chain;
pub mod promises;
pub mod tour;
