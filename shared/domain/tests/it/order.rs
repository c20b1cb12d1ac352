//! Orders: their bytes, folds, machines and decisions.

mod build;
mod bytes;
mod fold;
mod machine;
mod money;
mod place;
mod property;
mod revise;
mod work;
