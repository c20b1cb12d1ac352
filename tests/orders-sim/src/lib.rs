//! The chain with orders, in virtual time: one real hub and real nodes with their
//! databases in one process, driven by a seed.
//!
//! Unlike `tests/sim`, which puts its own shells around the pure parts, everything
//! here but the sockets is what runs in a shop: the services, the journal, ingest,
//! the feeds. People sell, order, cancel, pick, collect and steal; lines are cut
//! and processes killed; and the oracles compare what machines say with what is
//! really on the shelves.
//!
//! Invariant: a seed repeats itself to the byte, and every deliberate bug is
//! caught.

mod bug;
mod clerk;
mod counts;
mod ledger;
mod line;
mod lives;
mod machines;
mod money;
mod oracle;
mod people;
mod rest;
mod seals;
mod shop;
mod strays;
mod tamper;
mod truth;
mod unheard;
mod world;

use anyhow::Result;

pub use bug::Bug;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What everything follows from.
    pub seed: u64,
    /// Days of trade.
    pub days: i64,
    /// How many stores there are.
    pub stores: u64,
    /// The deliberate mistake.
    pub bug: Option<Bug>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The oracle that was violated, and how; none if all held.
    pub violation: Option<(&'static str, String)>,
    /// A hash of every step and of what all machines hold in the end.
    pub trace: [u8; 32],
    /// What was done.
    pub done: Done,
}

/// How often things were done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Sales at tills.
    pub sales: u64,
    /// Orders that were taken in.
    pub orders: u64,
    /// Orders that were refused for a lack of goods.
    pub short: u64,
    /// Units that reached those who ordered them.
    pub delivered: i64,
    /// Cancellations that were accepted.
    pub cancelled: u64,
    /// Parts of promises that were broken.
    pub breaches: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Conflicts of orders.
    pub conflicts: u64,
    /// Times that rights were made.
    pub mints: u64,
    /// Machines that were lost, or set back.
    pub losses: u64,
    /// Replicas that were sealed.
    pub seals: u64,
}

impl Done {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            sales: self.sales + other.sales,
            orders: self.orders + other.orders,
            short: self.short + other.short,
            delivered: self.delivered + other.delivered,
            cancelled: self.cancelled + other.cancelled,
            breaches: self.breaches + other.breaches,
            kills: self.kills + other.kills,
            conflicts: self.conflicts + other.conflicts,
            mints: self.mints + other.mints,
            losses: self.losses + other.losses,
            seals: self.seals + other.seals,
        }
    }
}

/// Runs one seed to its end, or to the first violation; a loud run tells every
/// step on standard error.
///
/// # Errors
/// The folder for the databases could not be made; whatever goes wrong after
/// that is a violation.
pub fn run(config: Config, loud: bool) -> Result<Outcome> {
    let folder = match std::path::Path::new("/dev/shm") {
        memory if memory.is_dir() => tempfile::tempdir_in(memory),
        _ => tempfile::tempdir(),
    }?;
    let mut world = world::World::new(config, loud, folder.path())?;
    if let Err(error) = world.live() {
        world.violated("nothing fails", format!("{error:#}"));
    }
    world.outcome()
}
