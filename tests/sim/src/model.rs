//! The database of a node or hub: tables that are the fold of a disk's log.
//!
//! Invariant: after a crash the tables are exactly what the surviving
//! transactions made.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use evertill_domain::{ActorId, ReceiptNumber, ReplicaId};
use evertill_journal::{Control, Sealed, Watermark};

use crate::disk::{Disk, Full};
use crate::rng::Rng;

/// What a sale says, as the bytes of its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sale {
    /// The client's operation.
    pub operation: u64,
    /// The receipt's running number.
    pub number: u64,
    /// What was sold.
    pub sku: u8,
    /// How many.
    pub quantity: u8,
}

impl Sale {
    /// The event's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = HEAD.to_vec();
        bytes.extend(self.operation.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes.extend([self.sku, self.quantity]);
        bytes
    }

    /// Reads an event; `None` if it is none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (operation, rest) = bytes.strip_prefix(&HEAD)?.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let [sku, quantity] = rest else { return None };
        Some(Self {
            operation: u64::from_be_bytes(*operation),
            number: u64::from_be_bytes(*number),
            sku: *sku,
            quantity: *quantity,
        })
    }
}

/// `[1000, 18 bytes]`: an event of a kind that only the simulator knows.
const HEAD: [u8; 5] = [0x82, 0x19, 0x03, 0xe8, 0x52];

/// One change of the tables.
#[derive(Clone, Debug)]
pub enum Op {
    /// An entry of some journal, the next one.
    Entry(Rc<Sealed>),
    /// That entry is kept but not applied.
    Park(ReplicaId, u64),
    /// What a sale adds to the projections.
    Project(ReplicaId, ReceiptNumber, Sale),
    /// The committed answer to an operation.
    Answer(u64, u64),
    /// The last receipt number drawn.
    Number(u64),
}

/// The tables.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tables {
    /// Every journal held.
    pub journals: BTreeMap<ReplicaId, Vec<Rc<Sealed>>>,
    /// The actor that writes each journal now.
    pub actors: BTreeMap<ReplicaId, ActorId>,
    /// Entries that are kept and not applied.
    pub parked: BTreeSet<(ReplicaId, u64)>,
    /// Projection: each receipt as often as it was applied.
    pub receipts: Vec<(ReceiptNumber, u64)>,
    /// Projection: stock as the sum of movements.
    pub stock: BTreeMap<(ReplicaId, u8), i64>,
    /// Idempotency: operation to receipt number.
    pub answers: BTreeMap<u64, u64>,
    /// The last receipt number drawn.
    pub last_number: u64,
}

impl Tables {
    /// How far a journal is held.
    #[must_use]
    pub fn head(&self, replica: ReplicaId) -> Watermark {
        let last = self
            .journals
            .get(&replica)
            .and_then(|journal| journal.last());
        last.map_or(Watermark::nothing(replica), |sealed| sealed.watermark())
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Entry(sealed) => {
                let replica = sealed.entry.replica;
                if let Some(Control::Start(start)) = &sealed.entry.control {
                    self.actors.insert(replica, start.actor);
                }
                self.journals
                    .entry(replica)
                    .or_default()
                    .push(Rc::clone(sealed));
            }
            Op::Park(replica, seq) => {
                self.parked.insert((*replica, *seq));
            }
            Op::Project(replica, number, sale) => {
                self.receipts.push((number.clone(), sale.operation));
                *self.stock.entry((*replica, sale.sku)).or_default() -= i64::from(sale.quantity);
            }
            Op::Answer(operation, number) => {
                self.answers.insert(*operation, *number);
            }
            Op::Number(number) => self.last_number = *number,
        }
    }
}

/// Tables over a disk.
#[derive(Debug, Default)]
pub struct Database {
    /// The disk.
    pub disk: Disk<Vec<Op>>,
    /// The tables, with everything written.
    pub tables: Tables,
    stable_heads: BTreeMap<ReplicaId, Watermark>,
    syncing: Option<(usize, BTreeMap<ReplicaId, Watermark>)>,
}

impl Database {
    /// One transaction; not stable yet.
    ///
    /// # Errors
    /// [`Full`]: nothing was written.
    pub fn commit(&mut self, ops: Vec<Op>) -> Result<(), Full> {
        if self.disk.full {
            return Err(Full);
        }
        for op in &ops {
            self.tables.apply(op);
        }
        self.disk.append(ops)
    }

    /// Begins a sync; false if one is running or nothing is to be done.
    pub fn begin_sync(&mut self) -> bool {
        if self.syncing.is_some() || self.disk.written() == self.disk.stable() {
            return false;
        }
        self.syncing = Some((self.disk.written(), self.heads()));
        true
    }

    /// The sync ended.
    pub fn end_sync(&mut self) {
        if let Some((written, heads)) = self.syncing.take() {
            self.disk.synced(written);
            self.stable_heads = heads;
        }
    }

    /// How far a journal is held on stable storage.
    #[must_use]
    pub fn stable_head(&self, replica: ReplicaId) -> Watermark {
        let head = self.stable_heads.get(&replica).copied();
        head.unwrap_or(Watermark::nothing(replica))
    }

    /// Power fails; the tables are made again from what survived.
    pub fn crash(&mut self, rng: &mut Rng) {
        self.disk.crash(rng);
        let mut tables = Tables::default();
        for op in self.disk.transactions().flatten() {
            tables.apply(op);
        }
        self.tables = tables;
        self.syncing = None;
        self.stable_heads = self.heads();
    }

    fn heads(&self) -> BTreeMap<ReplicaId, Watermark> {
        let replicas = self.tables.journals.keys();
        replicas
            .map(|replica| (*replica, self.tables.head(*replica)))
            .collect()
    }
}
