//! Rights alone: one product in one store, its hub and the store's successive
//! nodes, through thousands of short schedules.
//!
//! The whole simulator runs weeks of trade and cannot run many; the argument of
//! `evertill_domain::rights` is about few steps in every order. So here entries
//! are what they say, lines are positions in a list, and a schedule is a few
//! hundred steps: goods received, sold, stolen, counted; rights minted, granted,
//! used and burned; promises made, cancelled, withdrawn, given back, handed over
//! and broken; copies restored, boxes replaced.
//!
//! Invariant: a failing seed fails again in the same way.

mod bug;
mod machine;
mod oracle;
mod promises;
mod steps;
mod view;
mod world;

pub use bug::RightsBug;

use world::World;

/// How a schedule ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schedule {
    /// The first violated oracle and what it saw.
    pub violation: Option<(&'static str, String)>,
    /// Promises that were made.
    pub promises: u64,
    /// Promises, or parts of them, that were handed over.
    pub hand_overs: u64,
    /// Promises that were given back.
    pub releases: u64,
    /// Promises that were broken.
    pub breaches: u64,
    /// Nodes that took the place of a lost or restored one.
    pub lives: u64,
}

/// Runs the schedule of a seed: `steps` steps of chance, then quiet.
#[must_use]
pub fn schedule(seed: u64, steps: u32, bug: Option<RightsBug>) -> Schedule {
    let mut world = World::new(seed, bug);
    for _ in 0..steps {
        world.step();
        if world.outcome.violation.is_some() {
            return world.outcome;
        }
    }
    world.come_to_rest();
    world.outcome
}
