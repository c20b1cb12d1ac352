//! evertill-sim: a chain in virtual time, with everything that goes wrong.
//!
//! A run is a function of its seed. The sessions of `evertill-sync`, the
//! frames and chains of `evertill-journal` and the gate of `evertill-documents`
//! are the real ones; disks, lines, clocks and clients are models that crash,
//! fill up, break, wait and jump. When the last day is over and all is quiet,
//! the oracles compare hub, stores and the simulator's own list of answers.
//!
//! Invariant: a failing seed fails again, in the same way, with the same trace.

mod apply;
pub mod bug;
pub mod disk;
mod hub;
pub mod model;
pub mod net;
mod node;
mod oracle;
pub mod queue;
pub mod rng;
pub mod trace;
mod world;

pub use bug::Bug;
pub use world::Config;

use trace::Trace;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The first violated oracle and what it saw; nothing if all hold.
    pub violation: Option<(&'static str, String)>,
    /// Hash over everything that happened.
    pub trace: u64,
    /// Sales that were answered.
    pub sales: u64,
}

/// Runs one seed; `loud` prints every event.
#[must_use]
pub fn run(config: Config, loud: bool) -> Outcome {
    let mut world = world::World::new(config, Trace::new(false, loud));
    world.run();
    Outcome {
        violation: oracle::judge(&world),
        trace: world.trace.hash(),
        sales: world.answered.len() as u64,
    }
}
