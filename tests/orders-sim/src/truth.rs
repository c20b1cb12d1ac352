//! What is true of the whole chain, whoever knows it: the union of what all
//! machines hold durably.
//!
//! Counters merge by max and the events of an order by key, so the union is what
//! every machine will see once the lines are whole.
//!
//! Invariant: a machine's picture is read again after each step that it took part
//! in, and only then.

use std::collections::BTreeMap;

use anyhow::Result;
use evertill_domain::fold::{Placed, State, fold};
use evertill_domain::order::{OrderState, PromiseState};
use evertill_domain::rights::Cells;
use evertill_domain::{Bucket, DocumentId, EventKey, Hlc, LocationId, Sku, Timestamp};
use evertill_storage::projection::{documents, rights, stock};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds;
use evertill_storage::{Store, TableError, TableResult};

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
    pub(crate) units: BTreeMap<Pair, (i64, i64)>,
    /// What is kept for carts, in thousandths.
    pub(crate) kept: BTreeMap<Pair, i64>,
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
        let (orders, cells, units, kept) = store.read_blocking(move |conn| {
            let mut cells = BTreeMap::new();
            let (mut units, mut kept) = (BTreeMap::new(), BTreeMap::new());
            for (place, sku) in &pairs {
                let pair = (place.clone(), sku.clone());
                cells.insert(pair.clone(), rights::cells(conn, place, sku)?);
                let figures = stock::of(conn, place, sku)?.unwrap_or_default();
                let staged = figures.bucket(Bucket::Staged);
                units.insert(pair.clone(), (figures.sellable_or_staged(), staged));
                kept.insert(pair, soft_holds::of_pair(conn, place, sku, now)?);
            }
            Ok::<_, TableError>((changed(conn, &known)?, cells, units, kept))
        })?;
        (self.cells, self.units, self.kept) = (cells, units, kept);
        let mut touched = Vec::new();
        for (document, version, events) in orders {
            self.versions.insert(document, version);
            self.orders.insert(document, events);
            touched.push(document);
        }
        Ok(touched)
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
        if let State::Order(order) = fold(placed).state {
            self.orders.insert(document, *order);
        }
    }

    /// The promises of a pair, with how they ended for whoever knows all.
    pub(crate) fn promises<'a>(&'a self, pair: &'a Pair) -> impl Iterator<Item = &'a PromiseState> {
        self.orders.values().flat_map(move |order| {
            let promises = order.promises_of(&pair.0).map(|(_, promise)| promise);
            promises.filter(move |promise| {
                let line = order.line(promise.line);
                line.is_some_and(|line| line.line.sku == pair.1)
            })
        })
    }
}
