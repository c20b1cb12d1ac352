//! The store, its shelf, its customers, and everything that any replica ever
//! made durable.

use std::collections::BTreeMap;

use evertill_domain::ReplicaId;
use evertill_domain::rights::CellWrite;

use super::bug::RightsBug;
use super::machine::Machine;
use super::view::{Entry, Fact, View};
use super::{Schedule, oracle, steps};
use crate::rng::Rng;

/// The hub's replica.
pub const HUB: ReplicaId = ReplicaId(1);
/// One unit.
pub const UNIT: i64 = 1_000;

/// Everything there is.
pub struct World {
    pub rng: Rng,
    pub bug: Option<RightsBug>,
    pub hub: Machine,
    /// Whatever the hub has committed, its own entries and the nodes', in order:
    /// the location's feed.
    pub log: Vec<Entry>,
    pub node: Machine,
    /// A copy of the node that a restore may bring back.
    pub copy: Option<Machine>,
    /// The head that the node announced in its last hello.
    pub announced: u64,
    pub safety_stock: i64,
    /// Most units that come in at once: few in some schedules, many in others.
    pub plenty: i64,
    /// What really stands on the shelf.
    pub shelf: i64,
    /// What customers believe is theirs, by promise.
    pub believed: BTreeMap<u64, i64>,
    /// Promises of the node that no second medium holds yet, by the entry that
    /// says so: nobody was told of them.
    pub untold: Vec<(u64, i64, u64)>,
    /// What each customer carried home.
    pub carried: BTreeMap<u64, i64>,
    /// The sum of all durable entries of the machines that live.
    pub union: View,
    /// Units that left without ending a promise or burning a right.
    pub uncovered: i64,
    pub next_promise: u64,
    pub next_replica: u64,
    pub outcome: Schedule,
}

impl World {
    pub fn new(seed: u64, bug: Option<RightsBug>) -> Self {
        let first = ReplicaId(2);
        let mut world = Self {
            rng: Rng::new(seed),
            bug,
            hub: Machine::new(HUB, HUB),
            log: Vec::new(),
            node: Machine::new(first, HUB),
            copy: None,
            announced: 0,
            safety_stock: 0,
            plenty: 8,
            shelf: 0,
            believed: BTreeMap::new(),
            untold: Vec::new(),
            carried: BTreeMap::new(),
            union: View::new(HUB),
            uncovered: 0,
            next_promise: 1,
            next_replica: 3,
            outcome: Schedule::default(),
        };
        world.safety_stock = world.rng.between(0, 2) * UNIT;
        world.plenty = world.rng.between(2, 8);
        world.hub_writes(vec![Fact::MinterNamed(first)], None);
        world
    }

    pub fn has(&self, bug: RightsBug) -> bool {
        self.bug == Some(bug)
    }

    /// One step of chance.
    pub fn step(&mut self) {
        steps::one(self);
        oracle::every_step(self);
    }

    /// The hub commits an entry of its own.
    pub fn hub_writes(&mut self, facts: Vec<Fact>, cells: Option<CellWrite>) {
        let entry = self.hub.write(facts, cells);
        self.log.push(entry.clone());
        oracle::durable(self, &entry);
    }

    /// The node commits an entry.
    pub fn node_writes(&mut self, facts: Vec<Fact>, cells: Option<CellWrite>) {
        let rights_before = self.node.rights();
        let entry = self.node.write(facts, cells);
        oracle::outflow_is_covered(self, &entry, rights_before);
        oracle::durable(self, &entry);
    }

    /// The hub takes up to `count` entries that the node has and it lacks.
    pub fn hub_reads(&mut self, count: usize) -> bool {
        let known = usize::try_from(self.hub.view.known(self.node.replica)).unwrap_or(usize::MAX);
        let entries: Vec<Entry> = self
            .node
            .journal
            .iter()
            .skip(known)
            .take(count)
            .cloned()
            .collect();
        for entry in &entries {
            self.hub.view.apply(entry);
            self.log.push(entry.clone());
        }
        !entries.is_empty()
    }

    /// The node takes up to `count` entries of its feed.
    pub fn node_reads(&mut self, count: usize) -> bool {
        let end = self.log.len().min(self.node.read.saturating_add(count));
        let entries = self.log.get(self.node.read..end).unwrap_or_default();
        for entry in entries {
            self.node.view.apply(entry);
        }
        let any = !entries.is_empty();
        self.node.read = end;
        any
    }

    /// The lines are whole, both sides do what they owe, until nothing changes.
    pub fn come_to_rest(&mut self) {
        for _ in 0..1_000 {
            steps::greet(self);
            let mut busy = self.hub_reads(usize::MAX) | self.node_reads(usize::MAX);
            steps::greet(self);
            for duty in steps::DUTIES {
                busy |= duty(self);
                oracle::every_step(self);
            }
            if self.outcome.violation.is_some() {
                return;
            }
            if !busy {
                return oracle::at_rest(self);
            }
        }
        oracle::violated(self, "comes to rest", "it never does".to_owned());
    }
}
