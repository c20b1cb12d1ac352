//! The own journal and its projections.

mod append;
mod crash;
mod figures;
mod rebuild;
pub(crate) mod world;
