//! What a hub and its stores do together.

mod enrolment;
mod line;
mod reference;
mod revocation;
mod sales;
mod stock;
