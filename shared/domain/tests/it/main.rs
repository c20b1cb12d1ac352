//! The retail model from the outside.

mod baskets;
mod event;
mod refused;
mod sale;
mod stock_events;
mod void;
