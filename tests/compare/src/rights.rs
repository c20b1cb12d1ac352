//! The rights of all pairs, by the domain's own decisions: one view at each
//! node, one at the hub, merged when the line is up.
//!
//! What a node mints and hands on is `tend`'s, what a debt destroys is
//! `settle`'s, and what the web may promise is `at_location`'s: the functions
//! that node and hub call in the product.
//!
//! Invariant: no replica's rights are negative in any view, and what is promised
//! or promisable never exceeds recorded units and uncovered outflows; every
//! change asserts it.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::availability::{LocationFigures, at_location};
use evertill_domain::rights::{
    Cells, Position, Terms, answer_request, burn_of_outflow, settle, tend,
};
use evertill_domain::routing::Spare;
use evertill_domain::{LocationId, ReplicaId};

use crate::demand::{Demand, STORES};
use crate::regime::{Dial, PIECE};
use crate::shop::Shop;

const HUB: ReplicaId = ReplicaId(1);
/// The node of the pair's store.
const NODE: ReplicaId = ReplicaId(2);

/// One pair as node and hub see it, in thousandths.
#[derive(Clone, Debug, Default)]
struct Pair {
    at_node: Cells,
    at_hub: Cells,
    /// Promises that have not ended, as the node knows.
    live_at_node: i64,
    /// As the hub knows.
    live_at_hub: i64,
    /// Units that left although promised, or were found missing.
    uncovered: i64,
    /// Ends that the node recorded and the hub has not seen.
    ended_unseen: i64,
    units: i64,
    /// What its tills sell in a day.
    daily: i64,
}

/// All pairs.
#[derive(Debug)]
pub struct Rights {
    pairs: Vec<Vec<Pair>>,
    /// Pairs that node and hub may see differently, by store.
    stirred: Vec<BTreeSet<usize>>,
    stores: Vec<LocationId>,
    dial: Dial,
}

impl Rights {
    /// The first level, minted and shared.
    #[must_use]
    pub fn new(demand: &Demand, shop: &Shop, dial: Dial) -> Self {
        let mut rights = Self {
            pairs: Vec::new(),
            stirred: vec![BTreeSet::new(); STORES],
            stores: demand.stores.clone(),
            dial,
        };
        // Pairs of equal records begin alike.
        let mut opened: BTreeMap<i64, Pair> = BTreeMap::new();
        for (store, records) in shop.record.iter().enumerate() {
            let pair = |(sku, record): (usize, &i64)| Pair {
                daily: demand.daily(store, sku),
                ..opened
                    .entry(*record)
                    .or_insert_with(|| Pair::open(*record, dial))
                    .clone()
            };
            rights
                .pairs
                .push(records.iter().enumerate().map(pair).collect());
        }
        rights
    }

    /// What the hub may promise, in pieces. `known` is what the record said
    /// when last heard, in pieces.
    #[must_use]
    pub fn usable(&self, store: usize, sku: usize, known: i64, silent: u64) -> i64 {
        self.with_more((store, sku), known, silent, 0)
    }

    /// What the node of a pair, whose line is up, could hand on.
    #[must_use]
    pub fn spare(&self, store: usize, sku: usize, known: i64) -> Spare {
        let share = self.dial.rule.share(PIECE);
        let held = self.pairs[store][sku].at_hub.rights(NODE);
        let rights = answer_request(share, held, i64::MAX);
        Spare {
            rights,
            usable: self.with_more((store, sku), known, 0, rights) * PIECE,
        }
    }

    /// What the hub may promise with `more` rights than it has.
    fn with_more(&self, (store, sku): (usize, usize), known: i64, silent: u64, more: i64) -> i64 {
        let pair = &self.pairs[store][sku];
        let silent = u32::try_from(silent).unwrap_or(u32::MAX);
        let position = Position {
            cells: &pair.at_hub,
            live_promises: pair.live_at_hub,
            units: known * PIECE,
        };
        let rule = &self.dial.rule;
        let expected = rule.expected_since_contact(pair.daily, silent);
        let figures = LocationFigures {
            on_hand: known * PIECE,
            sellable_or_staged: known * PIECE,
            promised: pair.live_at_hub,
            safety_stock: self.dial.safety * PIECE,
            // A part of a piece that may be gone is a piece that may be gone.
            expected_since_contact: (expected + PIECE - 1) / PIECE * PIECE,
            debt: position.debt(),
            suspended: rule.is_suspended(silent),
            hub_rights: pair.at_hub.rights(HUB).max(0) + more,
            ..LocationFigures::default()
        };
        at_location(self.stores[store].clone(), &figures).atp / PIECE
    }

    /// The hub promises.
    pub fn promise(&mut self, store: usize, sku: usize, pieces: i64) {
        let pair = &mut self.pairs[store][sku];
        let usable = pair.at_hub.rights(HUB);
        let write = pair.at_hub.promise(HUB, pieces * PIECE, usable);
        let write = write.expect("invariant: no more is promised than there are rights");
        pair.at_hub.apply(HUB, &write);
        pair.live_at_hub += pieces * PIECE;
        self.stirred[store].insert(sku);
    }

    /// The record of a store changes by `pieces`, without settling a promise. If
    /// the line is up, [`contact`](Self::contact) follows and the minter looks
    /// after the pair then; else it does so at once.
    pub fn moved(&mut self, store: usize, sku: usize, pieces: i64, is_up: bool) {
        let pair = &mut self.pairs[store][sku];
        pair.units += pieces * PIECE;
        let outflow = (-pieces).max(0) * PIECE;
        let burn = burn_of_outflow(outflow, pair.at_node.rights(NODE));
        pair.at_node.apply_burn(NODE, burn);
        pair.uncovered += outflow - burn;
        if !is_up {
            pair.tend(self.dial, 0);
        }
        self.stirred[store].insert(sku);
    }

    /// A promise ends at the node: its units leave with it, or are missing. The
    /// record falls by `record_fall`; below zero it rises.
    pub fn ended(
        &mut self,
        (store, sku): (usize, usize),
        pieces: i64,
        record_fall: i64,
        is_up: bool,
    ) {
        let pair = &mut self.pairs[store][sku];
        pair.live_at_node -= pieces * PIECE;
        pair.ended_unseen += pieces * PIECE;
        let settled = pieces.min(record_fall);
        pair.units -= settled * PIECE;
        self.moved(store, sku, settled - record_fall, is_up);
    }

    /// Node and hub exchange what they know, a debt is settled, and the node
    /// answers a wish for `asked` pieces more. Answers whether a promise may be
    /// broken, so that somebody should look at the shelf.
    pub fn contact(&mut self, store: usize, sku: usize, asked: i64) -> bool {
        self.stirred[store].remove(&sku);
        self.pairs[store][sku].contact(self.dial, asked * PIECE)
    }

    /// The pairs of a store that have changed since it was last heard.
    #[must_use]
    pub fn stirred(&self, store: usize) -> Vec<usize> {
        self.stirred[store].iter().copied().collect()
    }
}

impl Pair {
    /// As the week begins: minted, shared, and heard of.
    fn open(record: i64, dial: Dial) -> Self {
        let mut pair = Self {
            units: record * PIECE,
            ..Self::default()
        };
        pair.contact(dial, 0);
        pair
    }

    fn contact(&mut self, dial: Dial, asked: i64) -> bool {
        self.live_at_hub -= std::mem::take(&mut self.ended_unseen);
        self.at_hub.merge(&self.at_node);
        let position = Position {
            cells: &self.at_hub,
            live_promises: self.live_at_hub,
            units: self.units,
        };
        let settlement = settle(&position, HUB, NODE, 0);
        if settlement.burn > 0 {
            let write = self.at_hub.burn(HUB, settlement.burn);
            let write = write.expect("invariant: a settlement burns what is held");
            self.at_hub.apply(HUB, &write);
        }
        self.at_node.merge(&self.at_hub);
        self.live_at_node = self.live_at_hub;
        self.tend(dial, asked);
        self.at_hub.merge(&self.at_node);
        self.check();
        settlement.suspected > 0
    }

    /// The minter looks after the pair; the hub asks for `asked` more.
    fn tend(&mut self, dial: Dial, asked: i64) {
        let position = Position {
            cells: &self.at_node,
            live_promises: self.live_at_node,
            units: self.units,
        };
        let terms = Terms {
            safety_stock: dial.safety * PIECE,
            share: dial.rule.share(PIECE),
            awaits_count: false,
        };
        let write = tend(&position, NODE, Some(HUB), (terms, asked));
        if let Some(write) = write.expect("invariant: nothing is sealed here") {
            self.at_node.apply(NODE, &write);
        }
    }

    /// The oracle, on the union of both views.
    fn check(&self) {
        let held = [HUB, NODE].map(|replica| self.at_hub.rights(replica));
        assert!(held.iter().all(|rights| *rights >= 0), "rights below zero");
        let outstanding = held.iter().sum::<i64>() + self.live_at_hub;
        assert!(
            outstanding <= self.units + self.uncovered,
            "{outstanding} are promised or promisable, {} are there, {} uncovered",
            self.units,
            self.uncovered
        );
        assert!(self.live_at_hub >= 0, "a promise ended twice");
    }
}
