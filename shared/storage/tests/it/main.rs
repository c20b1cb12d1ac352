//! The storage crate over real files.

mod backup;
mod kernel;
mod ledger;
mod reference;
mod tables;
