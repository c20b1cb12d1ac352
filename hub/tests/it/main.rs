//! The hub's binary, started for real.

mod client;
mod commands;
mod imports;
mod policies;
mod serve;
mod store;
mod uploads;
mod views;
