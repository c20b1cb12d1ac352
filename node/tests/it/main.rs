//! The node's binary, started for real.

mod kill;
mod sales;
mod serve;
mod shop;
mod voids;
mod wrong;
