//! Orders: their bytes, folds, machines and decisions.

mod build;
mod bytes;
mod fold;
mod machine;
mod place;
mod revise;
mod work;
