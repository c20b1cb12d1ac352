//! Real sales for demo, tests and benchmarks: a small extract that ships with
//! the project, and the whole panel where a machine has it.
//!
//! Both go through one mapping ([`Basket::sale`], [`Product`]), so what a test
//! sells on a laptop is what a larger run sells from the whole data.
//!
//! Invariant: no row is lost on the way; what is unusual is classed and counted
//! ([`Classes`]).

mod basket;
mod classes;
mod extract;
mod money;
mod product;
mod sample;
mod source;

pub use basket::{Basket, Line};
pub use classes::Classes;
pub use extract::{FIRST_DAY, STORES, extract};
pub use money::{Cents, decimal};
pub use product::{Catalogue, Product};
pub use sample::{Sample, WEEK, sample_folder};
pub use source::{Source, raw_folder};
