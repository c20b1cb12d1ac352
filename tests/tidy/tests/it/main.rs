//! The tidy test: rules about the tree that no compiler checks.
//!
//! Each rule has a reason in its module; each failure says what to do.

mod documents;
mod layers;
mod supply;
mod tree;
