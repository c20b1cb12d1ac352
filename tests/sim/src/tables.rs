//! The database of a node or hub: tables that are the fold of a disk's log.
//!
//! Sources (journals, feeds, answers, positions) are written once; projections
//! are what [`effects`] adds up to and can be made again from the sources.
//!
//! Invariant: after a crash the tables are exactly what the surviving
//! transactions made.
//!
//! [`effects`]: evertill_domain::effects()

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use evertill_documents::{ChangeInfo, kind};
use evertill_domain::days::DayKey;
use evertill_domain::{
    ActorId, DayTotals, DocumentId, DocumentKind, Effects, Hlc, LocationId, ReceiptNumber,
    RegisterId, ReplicaId, Seq, StockKey,
};
use evertill_journal::{Control, EntryHash, Sealed, Watermark};
use evertill_sync::ReferencePosition;

use crate::command::{Answer, Operation};
use crate::disk::{Disk, Full};
use crate::rng::Rng;

/// Where a change stands: journal, entry, first event.
pub type Place = (ReplicaId, Seq, u32);

/// A change of a document that was applied.
#[derive(Clone, PartialEq, Debug)]
pub struct Applied {
    /// The document.
    pub document: DocumentId,
    /// Where the change stands.
    pub place: Place,
    /// The clock of its entry.
    pub hlc: Hlc,
    /// Its bytes.
    pub change: Vec<u8>,
    /// What its events add to the projections.
    pub effects: Vec<Effects>,
}

/// An item of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedItem {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its place in the chain.
    pub at: Watermark,
}

/// What the hub was asked to have counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requested {
    /// The count's document.
    pub document: DocumentId,
    /// The last entry of the store's journal that the counter had seen.
    pub seen: Seq,
}

/// One change of the tables.
#[derive(Clone, Debug)]
pub enum Op {
    /// An entry of some journal, the next one.
    Entry(Rc<Sealed>),
    /// That entry, or feed item by its origin, is kept but not applied.
    Park(ReplicaId, Seq),
    /// A change and what it adds.
    Apply(Rc<Applied>),
    /// The next item of a location's feed.
    Feed(LocationId, Rc<FeedItem>),
    /// The committed answer to an operation.
    Answer(Operation, Answer),
    /// The committed answer to the hub's operator.
    Requested(Operation, Requested),
    /// The last receipt number that a register drew.
    Number(RegisterId, u64),
    /// How far the reference stream is staged (node).
    Staged(ReferencePosition),
    /// The newest reference version (hub).
    Version(u64),
    /// Whether the certificate of a store's node is revoked (hub).
    Revoked(usize, bool),
}

/// The sums and lists that can be made again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Projections {
    /// Every document's changes by their places.
    pub documents: BTreeMap<DocumentId, BTreeMap<Place, Rc<Applied>>>,
    /// The documents of each receipt number; one, if all is well.
    pub receipts: BTreeMap<ReceiptNumber, Vec<DocumentId>>,
    /// Returns and voids by the number that they go back to.
    pub links: BTreeMap<ReceiptNumber, Vec<ReceiptNumber>>,
    /// The sum of all movements.
    pub stock: BTreeMap<StockKey, i64>,
    /// Day totals.
    pub days: BTreeMap<DayKey, DayTotals>,
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Every journal held.
    pub journals: BTreeMap<ReplicaId, Vec<Rc<Sealed>>>,
    /// The actor that writes each journal now.
    pub actors: BTreeMap<ReplicaId, ActorId>,
    /// Entries and feed items that are kept and not applied.
    pub parked: BTreeSet<(ReplicaId, Seq)>,
    /// Every feed held.
    pub feeds: BTreeMap<LocationId, Vec<Rc<FeedItem>>>,
    /// What the sources add up to.
    pub projections: Projections,
    /// Idempotency: answers by operation.
    pub answers: BTreeMap<Operation, Answer>,
    /// The same for the hub's operator.
    pub requested: BTreeMap<Operation, Requested>,
    /// The last number of each register.
    pub numbers: BTreeMap<RegisterId, u64>,
    /// How far the reference stream is staged.
    pub staged: ReferencePosition,
    /// The highest version that was swapped in, or that the hub has made.
    pub version: u64,
    /// Stores whose node is revoked.
    pub revoked: BTreeSet<usize>,
}

impl Projections {
    /// Adds a change.
    ///
    /// # Panics
    /// When a sum leaves 64 bits, which a simulated chain cannot reach.
    pub fn add(&mut self, applied: &Rc<Applied>) {
        let changes = self.documents.entry(applied.document).or_default();
        changes.insert(applied.place, Rc::clone(applied));
        for effects in &applied.effects {
            for delta in &effects.stock {
                let sum = self.stock.entry(delta.key.clone()).or_default();
                *sum = sum
                    .checked_add(delta.delta)
                    .expect("invariant: small stock");
            }
            if let Some(delta) = &effects.day {
                self.days
                    .entry(delta.key.clone())
                    .or_insert_with(|| DayTotals::new(delta.key.clone()))
                    .add(delta)
                    .expect("invariant: small totals");
            }
            if let Some(facts) = &effects.receipt {
                let documents = self.receipts.entry(facts.number.clone()).or_default();
                documents.push(applied.document);
                if let Some(original) = &facts.original {
                    let links = self.links.entry(original.clone()).or_default();
                    links.push(facts.number.clone());
                }
            }
        }
    }

    /// What the gate asks about a document: its changes, and what it is.
    #[must_use]
    pub fn known(&self, document: &DocumentId) -> (Vec<ChangeInfo>, Option<DocumentKind>) {
        let changes = self.documents.get(document).into_iter().flatten();
        let (mut infos, mut opened) = (Vec::new(), None);
        for (_, applied) in changes {
            let info = ChangeInfo::read(&applied.change).expect("invariant: it passed the gate");
            if info.deps.is_empty() {
                opened = kind(&applied.change).ok();
            }
            infos.push(info);
        }
        (infos, opened)
    }
}

impl Tables {
    /// How far a journal is held.
    #[must_use]
    pub fn head(&self, replica: ReplicaId) -> Watermark {
        let last = self.journals.get(&replica).and_then(|j| j.last());
        last.map_or(Watermark::nothing(replica), |sealed| sealed.watermark())
    }

    /// The own hash of an entry.
    #[must_use]
    pub fn hash_at(&self, replica: ReplicaId, seq: Seq) -> Option<EntryHash> {
        let at = usize::try_from(seq).ok()?.checked_sub(1)?;
        Some(self.journals.get(&replica)?.get(at)?.hash)
    }

    /// How far a feed is held.
    #[must_use]
    pub fn feed_head(&self, hub: ReplicaId, location: &LocationId) -> Watermark {
        let last = self.feeds.get(location).and_then(|feed| feed.last());
        last.map_or(Watermark::nothing(hub), |item| item.at)
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Entry(sealed) => {
                let replica = sealed.entry.replica;
                if let Some(Control::Start(start)) = &sealed.entry.control {
                    self.actors.insert(replica, start.actor);
                }
                let journal = self.journals.entry(replica).or_default();
                journal.push(Rc::clone(sealed));
            }
            Op::Park(replica, seq) => {
                self.parked.insert((*replica, *seq));
            }
            Op::Apply(applied) => self.projections.add(applied),
            Op::Feed(location, item) => {
                let feed = self.feeds.entry(location.clone()).or_default();
                feed.push(Rc::clone(item));
            }
            Op::Answer(operation, answer) => {
                self.answers.insert(*operation, answer.clone());
            }
            Op::Requested(operation, requested) => {
                self.requested.insert(*operation, *requested);
            }
            Op::Number(register, number) => {
                self.numbers.insert(register.clone(), *number);
            }
            Op::Staged(position) => {
                // What a reader sees never goes back to an older version.
                self.version = self.version.max(position.version);
                self.staged = position.clone();
            }
            Op::Version(version) => self.version = *version,
            Op::Revoked(store, true) => {
                self.revoked.insert(*store);
            }
            Op::Revoked(store, false) => {
                self.revoked.remove(store);
            }
        }
    }
}

/// How far everything is on stable storage.
#[derive(Clone, Debug, Default)]
pub struct Stable {
    heads: BTreeMap<ReplicaId, Watermark>,
    feeds: BTreeMap<LocationId, Watermark>,
    /// How far the reference stream is staged.
    pub staged: ReferencePosition,
    /// The reference version.
    pub version: u64,
}

impl Stable {
    /// How far a journal is held.
    #[must_use]
    pub fn head(&self, replica: ReplicaId) -> Watermark {
        let head = self.heads.get(&replica).copied();
        head.unwrap_or(Watermark::nothing(replica))
    }

    /// How far a feed is held.
    #[must_use]
    pub fn feed(&self, hub: ReplicaId, location: &LocationId) -> Watermark {
        let head = self.feeds.get(location).copied();
        head.unwrap_or(Watermark::nothing(hub))
    }

    fn of(tables: &Tables) -> Self {
        let heads = tables.journals.keys();
        let feeds = tables.feeds.iter();
        Self {
            heads: heads.map(|id| (*id, tables.head(*id))).collect(),
            feeds: feeds
                .filter_map(|(location, feed)| Some((location.clone(), feed.last()?.at)))
                .collect(),
            staged: tables.staged.clone(),
            version: tables.version,
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
    /// How much of it survives a crash for certain.
    pub stable: Stable,
    syncing: Option<(usize, Stable)>,
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
        if self.syncing.is_some() || self.is_stable() {
            return false;
        }
        self.syncing = Some((self.disk.written(), Stable::of(&self.tables)));
        true
    }

    /// The sync ended.
    pub fn end_sync(&mut self) {
        if let Some((written, stable)) = self.syncing.take() {
            self.disk.synced(written);
            self.stable = stable;
        }
    }

    /// Whether everything written is on stable storage.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.disk.written() == self.disk.stable()
    }

    /// Power fails; the tables are made again from what survived.
    pub fn crash(&mut self, rng: &mut Rng) {
        self.disk.crash(rng);
        let mut tables = Tables::default();
        for op in self.disk.transactions().flatten() {
            tables.apply(op);
        }
        self.stable = Stable::of(&tables);
        self.tables = tables;
        self.syncing = None;
    }
}
