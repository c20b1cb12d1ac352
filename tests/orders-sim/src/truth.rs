//! What is true of the whole chain, whoever knows it: the union of what the hub
//! and the machine of each store hold durably.
//!
//! Counters merge by max and the events of an order by key, so the union is what
//! every machine will see once the lines are whole. What a lost machine had told
//! nobody is not in it.
//!
//! Invariant: a machine's picture is read again after each step that it took part
//! in, and only then.

use std::collections::BTreeMap;

use anyhow::Result;
use evertill_domain::fold::{Placed, State, fold};
use evertill_domain::order::{OrderState, PromiseId, PromiseState};
use evertill_domain::rights::Cells;
use evertill_domain::{
    Bucket, DocumentId, EventKey, Hlc, LocationId, ReplicaId, Seq, Sku, Timestamp,
};
use evertill_storage::projection::{documents, promises, rights, stock};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds;
use evertill_storage::{Store, TableError, TableResult, journal};

use crate::ledger::Moved;

/// A product at a location.
pub(crate) type Pair = (LocationId, Sku);

type Events = BTreeMap<EventKey, Vec<u8>>;

/// What one machine holds.
#[derive(Default)]
pub(crate) struct Picture {
    versions: BTreeMap<DocumentId, i64>,
    orders: BTreeMap<DocumentId, Events>,
    pub(crate) cells: BTreeMap<Pair, Cells>,
    /// Units sellable or staged, and staged alone.
    pub(crate) units: BTreeMap<Pair, Moved>,
    /// What is kept for carts, in thousandths.
    pub(crate) kept: BTreeMap<Pair, i64>,
    /// What is promised and has not ended, as its tables say.
    pub(crate) live: BTreeMap<Pair, i64>,
    /// How far it holds each journal.
    pub(crate) heads: BTreeMap<ReplicaId, Seq>,
}

impl Picture {
    /// Reads again what changed; gives the orders that did.
    pub(crate) fn read(
        &mut self,
        store: &Store,
        pairs: &[Pair],
        now: Timestamp,
    ) -> Result<Vec<DocumentId>> {
        let (known, pairs) = (self.versions.clone(), pairs.to_vec());
        let (orders, read) = store.read_blocking(move |conn| {
            let mut read = Self::default();
            for (place, sku) in &pairs {
                let pair = (place.clone(), sku.clone());
                read.cells
                    .insert(pair.clone(), rights::cells(conn, place, sku)?);
                let figures = stock::of(conn, place, sku)?.unwrap_or_default();
                let held = Moved {
                    units: figures.sellable_or_staged(),
                    staged: figures.bucket(Bucket::Staged),
                };
                read.units.insert(pair.clone(), held);
                let live = promises::live(conn, place, sku)?;
                read.live.insert(pair.clone(), live);
                let kept = soft_holds::of_pair(conn, place, sku, now)?;
                read.kept.insert(pair, kept);
            }
            let journals = journal::journals(conn)?.into_iter();
            read.heads = journals.map(|held| (held.replica, held.head.seq)).collect();
            Ok::<_, TableError>((changed(conn, &known)?, read))
        })?;
        let before = std::mem::replace(self, read);
        (self.versions, self.orders) = (before.versions, before.orders);
        let mut touched = Vec::new();
        for (document, version, events) in orders {
            self.versions.insert(document, version);
            self.orders.insert(document, events);
            touched.push(document);
        }
        Ok(touched)
    }

    /// The orders that it holds.
    pub(crate) fn documents(&self) -> Vec<DocumentId> {
        self.orders.keys().copied().collect()
    }

    /// The rights of all that are not sealed and the promises, beyond the units:
    /// the debt of a pair, as this machine sees it.
    pub(crate) fn debt(&self, pair: &Pair) -> i64 {
        let rights = self.cells.get(pair).map_or(0, Cells::unsealed_rights);
        let live = self.live.get(pair).copied().unwrap_or_default();
        let units = self.units.get(pair).map_or(0, |held| held.units);
        (rights + live - units).max(0)
    }

    /// How much of what is promised has no unit, and no unused right to pay for
    /// it. What left beyond the records alone is owed to nobody.
    pub(crate) fn unbacked(&self, pair: &Pair) -> i64 {
        let rights = self.cells.get(pair).map_or(0, Cells::unsealed_rights);
        let live = self.live.get(pair).copied().unwrap_or_default();
        (self.debt(pair) - rights.max(0)).clamp(0, live)
    }
}

fn changed(
    conn: &Connection,
    known: &BTreeMap<DocumentId, i64>,
) -> TableResult<Vec<(DocumentId, i64, Events)>> {
    let listed: Vec<([u8; 16], i64)> = conn
        .prepare_cached("SELECT document, version FROM customer_order ORDER BY document")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .map_err(TableError::from)?;
    let mut found = Vec::new();
    for (document, version) in listed {
        let document = DocumentId::from_bytes(document);
        if known.get(&document) == Some(&version) {
            continue;
        }
        let mut events = Events::new();
        for change in documents::changes(conn, &document)? {
            let read = evertill_documents::read(&change);
            let read = read.map_err(|error| TableError::Damaged {
                what: "an order".to_owned(),
                detail: error.to_string(),
            })?;
            events.extend(read);
        }
        found.push((document, version, events));
    }
    Ok(found)
}

/// The union of all pictures.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) orders: BTreeMap<DocumentId, OrderState>,
}

/// What is true of one pair, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Units sellable or staged.
    pub(crate) units: i64,
    /// Unused rights of everybody.
    pub(crate) rights: i64,
    /// Those of the location's node.
    pub(crate) at_node: i64,
    /// What is promised and has not ended.
    pub(crate) live: i64,
    /// What was ever minted.
    pub(crate) minted: i64,
    /// What was ever broken.
    pub(crate) breached: i64,
    /// What was ever promised.
    pub(crate) promised: i64,
    /// What was ever given back.
    pub(crate) released: i64,
    /// The hub's counters of the two.
    pub(crate) used: (i64, i64),
    /// What the hub burned.
    pub(crate) hub_burn: i64,
    /// Staged units.
    pub(crate) staged: i64,
    /// Whether a replica holds less than nothing.
    pub(crate) is_negative: bool,
}

impl Figures {
    /// What is promised or promisable beyond the units.
    pub(crate) fn debt(&self) -> i64 {
        (self.rights + self.live - self.units).max(0)
    }
}

impl Truth {
    /// Folds an order anew from what every machine holds of it.
    pub(crate) fn fold(&mut self, document: DocumentId, pictures: &[&Picture]) {
        let mut events = Events::new();
        for picture in pictures {
            let held = picture.orders.get(&document);
            events.extend(held.into_iter().flatten().map(|(k, b)| (*k, b.clone())));
        }
        let placed = events.iter().map(|(key, bytes)| Placed {
            key: *key,
            hlc: Hlc::default(),
            parents: Vec::new(),
            bytes,
        });
        match fold(placed).state {
            State::Order(order) => drop(self.orders.insert(document, *order)),
            _ => drop(self.orders.remove(&document)),
        }
    }

    /// The names of a pair's promises.
    pub(crate) fn promise_ids(&self, pair: &Pair) -> Vec<PromiseId> {
        self.named(pair).map(|(id, _)| *id).collect()
    }

    /// Those that have not ended.
    pub(crate) fn live_ids(&self, pair: &Pair) -> Vec<PromiseId> {
        let live = self.named(pair).filter(|(_, p)| p.parts.live() > 0);
        live.map(|(id, _)| *id).collect()
    }

    fn named<'a>(
        &'a self,
        pair: &'a Pair,
    ) -> impl Iterator<Item = (&'a PromiseId, &'a PromiseState)> {
        self.orders.values().flat_map(move |order| {
            order.promises_of(&pair.0).filter(move |(_, promise)| {
                let line = order.line(promise.line);
                line.is_some_and(|line| line.line.sku == pair.1)
            })
        })
    }

    /// The promises of a pair, with how they ended for whoever knows all.
    pub(crate) fn promises<'a>(&'a self, pair: &'a Pair) -> impl Iterator<Item = &'a PromiseState> {
        self.named(pair).map(|(_, promise)| promise)
    }
}
