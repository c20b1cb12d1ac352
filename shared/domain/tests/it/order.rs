//! Orders: their bytes, folds, machines and decisions.

pub mod build;
mod bytes;
