//! The own journal and its projections.

mod append;
mod crash;
mod figures;
mod histories;
mod rebuild;
pub(crate) mod world;
