//! The retail model from the outside.

mod baskets;
mod event;
mod refused;
mod sale;
mod void;
