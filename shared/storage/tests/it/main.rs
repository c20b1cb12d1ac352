//! The storage crate over real files.

mod backup;
mod exchange;
mod kernel;
mod ledger;
mod reference;
mod tables;
