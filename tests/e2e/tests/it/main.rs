//! What a hub and its stores do together.

mod enrolment;
mod idle;
mod line;
mod reference;
mod revocation;
mod sales;
mod stock;
