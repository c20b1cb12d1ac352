//! The machines of a chain: one hub and its stores' nodes, each with its real
//! databases in a folder of its own.
//!
//! Invariant: a machine that was killed keeps nothing but its folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use evertill_domain::{LocationId, NodeId, Timestamp};
use evertill_hub::services::orders::Resting;
use evertill_hub::state::Hub;
use evertill_node::services::{Request, journal, marker};
use evertill_node::state::Node;
use evertill_sim::rng::Rng;
use evertill_storage::journal::Author;
use evertill_storage::projection::minters;
use evertill_storage::surroundings::MadeUp;
use evertill_storage::{Store, StoreOptions, Surroundings, registers};
use tokio::runtime::Runtime;

/// The till of every store.
const REGISTER: &str = "R1";

const RUNS: &str = "invariant: between two steps every machine runs";

/// What a machine's process is made of.
struct Life {
    dir: PathBuf,
    around: MadeUp,
    runtime: Runtime,
}

impl Life {
    fn new(dir: &Path, now: Timestamp, rng: &mut Rng) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            around: MadeUp::new(now, rng.bytes()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::MadeUp(self.around.clone())
    }
}

/// The hub.
pub(crate) struct HubSite {
    life: Life,
    held: Option<(Hub, Author)>,
    pub(crate) resting: Resting,
}

impl HubSite {
    pub(crate) fn new(dir: &Path, now: Timestamp, rng: &mut Rng) -> Result<Self> {
        let life = Life::new(dir, now, rng)?;
        let held = Some(open_hub(&life)?);
        Ok(Self {
            life,
            held,
            resting: Resting::new(),
        })
    }

    /// Ends the process and starts the next one on the same folder.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.held = None;
        self.held = Some(open_hub(&self.life)?);
        self.resting.clear();
        Ok(())
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.held.as_ref().expect(RUNS).0
    }

    pub(crate) fn author(&self) -> &Author {
        &self.held.as_ref().expect(RUNS).1
    }

    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.life.around.set(now);
    }

    /// Runs what a service does, to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.life.runtime.block_on(work)
    }

    /// Makes rounds about orders until one finds nothing; false if they never
    /// end.
    pub(crate) fn rounds(&mut self) -> Result<bool> {
        let hub = &self.held.as_ref().expect(RUNS).0;
        for _ in 0..500 {
            let round = evertill_hub::services::orders::round(hub, &mut self.resting);
            if !self.life.runtime.block_on(round)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn open_hub(life: &Life) -> Result<(Hub, Author)> {
    let store = Store::open(
        &life.dir,
        &StoreOptions {
            readers: 1,
            ..StoreOptions::hub()
        },
    )?;
    let hub = Hub::open_in(store, life.surroundings())?;
    let author = hub.author()?;
    Ok((hub, author))
}

/// A store's machine, and what is really in the store.
pub(crate) struct Site {
    life: Life,
    pub(crate) location: LocationId,
    pub(crate) id: NodeId,
    held: Option<(Node, Author)>,
    requests: u64,
    /// By how much its clock is wrong, in milliseconds.
    pub(crate) skew: i64,
}

impl Site {
    /// The first machine of a store.
    pub(crate) fn new(number: u64, dir: &Path, now: Timestamp, rng: &mut Rng) -> Result<Self> {
        let location: LocationId = format!("S{number:03}").parse()?;
        Self::enrol(NodeId(number), location, dir, now, rng)
    }

    /// A machine out of the box: another node at the same location, with
    /// nothing in its folder.
    pub(crate) fn enrol(
        id: NodeId,
        location: LocationId,
        dir: &Path,
        now: Timestamp,
        rng: &mut Rng,
    ) -> Result<Self> {
        let life = Life::new(dir, now, rng)?;
        let held = open_node(&life, id, &location)?;
        let till = REGISTER.parse()?;
        held.0.store().write_blocking("make a till", move |tx| {
            registers::issue_token(tx, &till, now)
        })?;
        Ok(Self {
            life,
            location,
            id,
            held: Some(held),
            requests: 0,
            skew: 0,
        })
    }

    /// Ends the process and starts the next one on the same folder.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.kill_and(|_| Ok(()))
    }

    /// Ends the process, does something to its folder, and starts it again.
    pub(crate) fn kill_and(&mut self, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.held = None;
        change(&self.life.dir)?;
        self.held = Some(open_node(&self.life, self.id, &self.location)?);
        Ok(())
    }

    pub(crate) fn node(&self) -> &Node {
        &self.held.as_ref().expect(RUNS).0
    }

    pub(crate) fn author(&self) -> &Author {
        &self.held.as_ref().expect(RUNS).1
    }

    pub(crate) fn set_clock(&self, now: Timestamp) {
        let shown = now.as_millis() + self.skew;
        self.life.around.set(Timestamp::from_millis(shown));
    }

    /// Runs what a service does, to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.life.runtime.block_on(work)
    }

    /// A request of the store's till under a new key.
    pub(crate) fn request(&mut self, path: &str) -> Result<Request> {
        self.requests += 1;
        let key = format!("{}-{}-{}", self.location, self.id, self.requests);
        Ok(Request {
            till: REGISTER.parse()?,
            method: "POST".to_owned(),
            path: path.to_owned(),
            digest: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
        })
    }

    /// Looks after rights until there is nothing left to do; false if there
    /// always is.
    pub(crate) fn rounds(&self) -> Result<bool> {
        for _ in 0..100 {
            let round = evertill_node::services::rights::round(self.node());
            if !self.life.runtime.block_on(round)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Brings the marker beside the database up to date.
    pub(crate) fn mark(&self) {
        self.run(marker::put(self.node()));
    }

    /// Whether the location's feed, as this machine has read it, names it as
    /// the one that mints there.
    pub(crate) fn is_minter(&self) -> Result<bool> {
        let (own, place) = (self.author().replica, self.location.clone());
        let named = self
            .node()
            .store()
            .read_blocking(move |conn| minters::of(conn, &place))?;
        Ok(named == Some(own))
    }

    /// Whether it knows any product: what came out of the box sells nothing.
    pub(crate) fn is_ready(&self) -> bool {
        self.node().reference().live().version > 0
    }
}

fn open_node(life: &Life, id: NodeId, location: &LocationId) -> Result<(Node, Author)> {
    let store = Store::open(
        &life.dir,
        &StoreOptions {
            readers: 1,
            ..StoreOptions::node()
        },
    )?;
    let node = Node::open_in(store, life.surroundings())?;
    let author = journal::start(&node, id, location.clone())?;
    Ok((node, author))
}
