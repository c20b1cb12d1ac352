//! The own journal and its projections.

mod append;
pub(crate) mod world;
