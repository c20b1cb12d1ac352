//! The retail model from the outside.

mod baskets;
mod refused;
mod sale;
mod void;
