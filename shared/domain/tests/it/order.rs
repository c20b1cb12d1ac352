//! Orders: their bytes, folds, machines and decisions.

pub mod build;
mod bytes;
mod conflicts;
mod fold;
mod machine;
mod money;
mod parcels;
mod place;
mod property;
mod revise;
mod shop;
mod waiting;
mod work;
