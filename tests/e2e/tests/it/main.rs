//! What a hub and its stores do together.

mod asking;
mod backlog;
mod broken;
mod chaos;
mod customers;
mod enrolment;
mod fulfilment;
mod idle;
mod line;
mod orders;
mod reference;
mod revocation;
mod sales;
mod stock;
mod succession;
mod transitions;
mod wrong_commands;
mod wrong_requests;
