//! What a replica knows: the sum of the entries that reached it.
//!
//! Invariant: an entry counts once, however often it comes; own and foreign
//! entries take the same path.

use std::collections::BTreeMap;

use evertill_domain::ReplicaId;
use evertill_domain::rights::{CellWrite, Cells, End, Position, PromiseParts, Seal};

/// Something an entry says beside its writer's counters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// Goods came or left: the net change of sellable + staged.
    Units(i64),
    /// The outflow of this entry burned so many rights of its writer.
    Burned(i64),
    /// The writer promised units.
    Promised { id: u64, quantity: i64 },
    /// The customer or the hub does not want it any more.
    Cancelled { id: u64 },
    /// The minter will not hand it over.
    Withdrawn { id: u64, quantity: i64 },
    /// A part of it ended.
    Ended { id: u64, quantity: i64, how: End },
    /// A node's life is over, its counters stand for good.
    Sealed { replica: ReplicaId, seal: Seal },
    /// From here on this replica mints.
    MinterNamed(ReplicaId),
}

/// One transaction of one replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub writer: ReplicaId,
    pub seq: u64,
    pub facts: Vec<Fact>,
    pub cells: Option<CellWrite>,
}

/// A promise as known here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    pub maker: ReplicaId,
    pub parts: PromiseParts,
    pub cancelled: bool,
}

/// All that a replica knows about the product.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub cells: Cells,
    pub promises: BTreeMap<u64, Promise>,
    pub units: i64,
    pub minter: ReplicaId,
    pub known: BTreeMap<ReplicaId, u64>,
}

impl View {
    pub fn new(minter: ReplicaId) -> Self {
        Self {
            cells: Cells::default(),
            promises: BTreeMap::new(),
            units: 0,
            minter,
            known: BTreeMap::new(),
        }
    }

    pub fn known(&self, replica: ReplicaId) -> u64 {
        self.known.get(&replica).copied().unwrap_or_default()
    }

    /// Takes an entry unless it is known. Events first, then cells: the counters
    /// that an entry says already hold the burns of its events.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.seq <= self.known(entry.writer) {
            return;
        }
        self.known.insert(entry.writer, entry.seq);
        for fact in &entry.facts {
            self.take(entry.writer, fact);
        }
        if let Some(cells) = &entry.cells {
            self.cells.apply(entry.writer, cells);
        }
    }

    fn take(&mut self, writer: ReplicaId, fact: &Fact) {
        match fact {
            Fact::Units(delta) => self.units += delta,
            Fact::Burned(quantity) => self.cells.apply_burn(writer, *quantity),
            Fact::Promised { id, quantity } => {
                let promise = Promise {
                    maker: writer,
                    parts: PromiseParts::of(*quantity),
                    cancelled: false,
                };
                self.promises.insert(*id, promise);
            }
            Fact::Cancelled { id } => self.promise(*id, |promise| promise.cancelled = true),
            Fact::Withdrawn { id, quantity } => {
                self.promise(*id, |promise| promise.parts.withdraw(*quantity));
            }
            Fact::Ended { id, quantity, how } => self.promise(*id, |promise| {
                promise.parts.end(*how, *quantity);
            }),
            Fact::Sealed { replica, seal } => self.cells.seal(*replica, seal.clone()),
            Fact::MinterNamed(replica) => self.minter = *replica,
        }
    }

    fn promise(&mut self, id: u64, change: impl FnOnce(&mut Promise)) {
        if let Some(promise) = self.promises.get_mut(&id) {
            change(promise);
        }
    }

    pub fn live(&self) -> i64 {
        self.promises.values().map(|p| p.parts.live()).sum()
    }

    pub fn position(&self) -> Position<'_> {
        Position {
            cells: &self.cells,
            live_promises: self.live(),
            units: self.units,
        }
    }

    /// How far rights and promises exceed the units; negative when units are
    /// left to mint.
    pub fn excess(&self) -> i64 {
        self.position().outstanding() - self.units
    }
}
