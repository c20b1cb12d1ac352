//! The node's binary, started for real.

mod sales;
mod serve;
mod shop;
