//! The storage crate over real files.

mod kernel;
mod ledger;
mod reference;
mod tables;
