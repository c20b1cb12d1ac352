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
pub mod rights;
pub mod rng;
pub mod shop;
pub mod tables;
pub mod trace;
mod truth;
mod uplink;
mod world;

pub use bug::Bug;
pub use world::Config;

use command::Command;
use trace::Trace;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The first violated oracle and what it saw; nothing if all hold.
    pub violation: Option<(&'static str, String)>,
    /// Hash over everything that happened.
    pub trace: u64,
    /// What was answered.
    pub answered: Answered,
}

/// How many commands of each kind were answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answered {
    /// Sales.
    pub sales: u64,
    /// Returns of a line or a part of one.
    pub returns: u64,
    /// Voids.
    pub voids: u64,
    /// Movements without a sale.
    pub movements: u64,
    /// Events of a kind that only a later release knows.
    pub later: u64,
    /// Counts that were asked for and posted.
    pub counts: u64,
    /// Commands that were refused.
    pub refused: u64,
}

impl Answered {
    fn of(world: &world::World) -> Self {
        let mut sum = Self {
            counts: world.posted.len() as u64,
            refused: world.refused.len() as u64,
            ..Self::default()
        };
        for operation in world.answered.keys() {
            *match world.commands[operation].1 {
                Command::Sale(_) => &mut sum.sales,
                Command::Return(_) => &mut sum.returns,
                Command::Void { .. } => &mut sum.voids,
                Command::Move { .. } => &mut sum.movements,
                Command::Later => &mut sum.later,
            } += 1;
        }
        sum
    }

    /// The sum, kind by kind.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            sales: self.sales + other.sales,
            returns: self.returns + other.returns,
            voids: self.voids + other.voids,
            movements: self.movements + other.movements,
            later: self.later + other.later,
            counts: self.counts + other.counts,
            refused: self.refused + other.refused,
        }
    }
}

/// Runs one seed; `loud` prints every event.
#[must_use]
pub fn run(config: Config, loud: bool) -> Outcome {
    let mut world = world::World::new(config, Trace::new(false, loud));
    world.run();
    Outcome {
        violation: oracle::judge(&world),
        trace: world.trace.hash(),
        answered: Answered::of(&world),
    }
}
