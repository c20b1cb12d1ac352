//! The node's binary, started for real.

mod baskets;
mod commands;
mod figures;
mod kill;
mod labels;
mod metrics;
mod movements;
mod returns;
mod sales;
mod serve;
mod shop;
mod takings;
mod wrong;
