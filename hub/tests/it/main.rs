//! The hub's binary, started for real.

mod availability;
mod backorders;
mod claims;
mod client;
mod commands;
mod desk;
mod events;
mod exceptions;
mod imports;
mod interface;
mod kill;
mod orders;
mod policies;
mod routing;
mod serve;
mod shipments;
mod store;
mod trials;
mod uploads;
mod views;
