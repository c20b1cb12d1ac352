//! evertill-sim: a chain in virtual time, with everything that goes wrong.
//!
//! A run is a function of its seed. The decisions, events, effects and folds of
//! `evertill-domain`, the sessions of `evertill-sync`, the frames and chains of
//! `evertill-journal`, the gate of `evertill-documents` and the feed items of
//! `evertill-storage` are the real ones; disks, tables, lines, clocks and clients
//! are models that crash, fill up, break, wait and jump. When the last day is
//! over and all is quiet, the oracles compare hub, stores and a ground truth
//! that is made of nothing but what clients asked for and were answered.
//!
//! Invariant: a failing seed fails again, in the same way, with the same trace.

#![expect(
    clippy::missing_panics_doc,
    reason = "every expect states an invariant of the simulator itself"
)]

mod apply;
pub mod bug;
mod carry_out;
pub mod command;
pub mod disk;
mod downlink;
mod faults;
mod hub;
pub mod net;
mod node;
mod oracle;
pub mod queue;
pub mod rng;
pub mod shop;
pub mod tables;
pub mod trace;
mod truth;
mod uplink;
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
    /// Commands that were answered.
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
