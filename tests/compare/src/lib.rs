//! What Evertill costs a merchant, and what it saves, on real baskets.
//!
//! Five ways to decide what a web shop may sell are run over the same week: the
//! same customers, deliveries, wrong records and cut lines, the same router and
//! the same second attempt when goods are missing. Only what the hub believes
//! it may promise differs. The last word is a difference, seed by seed: what
//! Evertill earns more or less than a counter with its best buffer.
//!
//! Invariant: a run is a pure function of demand, scenario, regime and seed; and
//! in each run the units are counted at the end, per store and product.

#![expect(
    clippy::missing_panics_doc,
    reason = "a run that breaks an invariant of the comparison stops, and says which"
)]

pub mod beside;
pub mod demand;
pub mod figure;
pub mod figures;
mod order;
pub mod outcome;
pub mod readme;
pub mod regime;
pub mod replenish;
pub mod report;
pub mod rights;
pub mod scenario;
pub mod shop;
mod source;
pub mod sweep;
pub mod verdict;
pub mod week;
