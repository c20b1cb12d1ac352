//! The storage crate over real files.

mod kernel;
mod reference;
mod tables;
