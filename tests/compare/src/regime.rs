//! What the hub believes it may promise, regime by regime.
//!
//! Invariant: a regime sees the records, never the shelf; only perfect
//! information sees the shelf.

use crate::demand::{Demand, STORES};
use crate::rights::Rights;
use crate::shop::Shop;

/// A way to decide what may be sold online.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Regime {
    /// Figures are taken over every fifteen minutes while the line is up.
    Periodic,
    /// One counter for tills and web, less a fixed buffer; a store that is cut
    /// off sells on and the counter stands still.
    Counter(i64),
    /// Rights.
    Evertill,
    /// The shelf itself, and orders that reach it at once, cut or not.
    Perfect,
}

/// Buffers that the sweep tries.
pub const BUFFERS: [i64; 5] = [1, 2, 3, 5, 8];
/// Seconds between two periodic takings-over.
pub const PERIOD: u64 = 900;

/// What the hub holds in one run.
#[derive(Debug)]
pub struct Hub {
    /// How it decides.
    pub regime: Regime,
    /// The rights, which only Evertill has.
    pub rights: Option<Rights>,
    /// What a record was when last heard.
    known: Vec<Vec<i64>>,
    /// What it promised and `known` does not account for.
    pending: Vec<Vec<i64>>,
    /// When a store was last heard.
    heard: Vec<u64>,
}

impl Hub {
    /// Before the week: it has heard of everything.
    #[must_use]
    pub fn new(regime: Regime, demand: &Demand, shop: &Shop) -> Self {
        let rights = (regime == Regime::Evertill).then(|| Rights::new(demand, shop));
        Self {
            regime,
            rights,
            known: shop.record.clone(),
            pending: vec![vec![0; demand.skus.len()]; STORES],
            heard: vec![0; STORES],
        }
    }

    /// Takes over the figures of a store: `unpicked` is promised and still in
    /// the record.
    pub fn hear(&mut self, store: usize, shop: &Shop, now: u64) {
        self.known[store].clone_from(&shop.record[store]);
        self.pending[store].clone_from(&shop.unpicked[store]);
        self.heard[store] = now;
    }

    /// Takes over one figure.
    pub fn hear_one(&mut self, store: usize, sku: usize, shop: &Shop, now: u64) {
        self.known[store][sku] = shop.record[store][sku];
        self.pending[store][sku] = shop.unpicked[store][sku];
        self.heard[store] = now;
    }

    /// Counts a promise.
    pub fn promised(&mut self, store: usize, sku: usize, pieces: i64) {
        self.pending[store][sku] += pieces;
        if let Some(rights) = &mut self.rights {
            rights.promise(store, sku, pieces);
        }
    }

    /// A promise that will not be kept is no longer counted.
    pub fn dropped(&mut self, store: usize, sku: usize, pieces: i64) {
        let pending = &mut self.pending[store][sku];
        *pending = (*pending - pieces).max(0);
    }

    /// What may be promised from a pair at `now`.
    #[must_use]
    pub fn usable(&self, store: usize, sku: usize, shop: &Shop, now: u64, is_up: bool) -> i64 {
        let counted = self.known[store][sku] - self.pending[store][sku];
        let usable = match self.regime {
            Regime::Periodic => counted,
            Regime::Counter(buffer) => counted - buffer,
            Regime::Perfect => shop.shelf[store][sku] - shop.unpicked[store][sku],
            Regime::Evertill => {
                let silent = if is_up { 0 } else { now - self.heard[store] };
                let rights = self.rights.as_ref();
                rights.map_or(0, |rights| rights.usable(store, sku, counted, silent))
            }
        };
        usable.max(0)
    }

    /// How long a store has been silent, in seconds.
    #[must_use]
    pub fn age(&self, store: usize, now: u64) -> u64 {
        now - self.heard[store]
    }
}
