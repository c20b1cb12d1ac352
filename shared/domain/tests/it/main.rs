//! The retail model from the outside.

mod availability;
mod baskets;
mod effects;
mod event;
mod fold;
mod giveback;
mod golden;
mod movements;
mod order;
mod promising;
mod refused;
mod rights;
mod routing;
mod routing_asking;
mod routing_laws;
mod routing_rules;
mod sale;
mod stock_events;
mod trial;
mod void;
