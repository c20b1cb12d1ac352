//! The own journal and its projections.

mod append;
mod rebuild;
pub(crate) mod world;
