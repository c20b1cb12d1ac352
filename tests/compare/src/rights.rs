//! The rights of all pairs, by the domain's own cells: one view at each node,
//! one at the hub, merged when the line is up.
//!
//! Invariant: no replica's rights are negative in any view, and what is promised
//! or promisable never exceeds recorded units and uncovered outflows; every
//! change asserts it.

use evertill_domain::ReplicaId;
use evertill_domain::policy::OnlineRule;
use evertill_domain::rights::{
    Cells, Position, Terms, answer_request, burn_of_outflow, settle, tend,
};

use crate::demand::{Demand, STORES};
use crate::shop::Shop;

const HUB: ReplicaId = ReplicaId(1);
/// Cells count thousandths.
const PIECE: i64 = 1_000;

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
    /// To be released when the node is next heard.
    withdrawn: i64,
    units: i64,
    /// What its tills sell in a day.
    daily: i64,
}

/// All pairs.
#[derive(Debug)]
pub struct Rights {
    pairs: Vec<Vec<Pair>>,
    rule: OnlineRule,
}

fn node(store: usize) -> ReplicaId {
    ReplicaId(100 + store as u64)
}

impl Rights {
    /// The first level, minted and shared by the default policy.
    #[must_use]
    pub fn new(demand: &Demand, shop: &Shop) -> Self {
        let pair = |store: usize, sku: usize| Pair {
            units: shop.record[store][sku] * PIECE,
            daily: demand.earlier[store][sku] * PIECE / demand.earlier_days,
            ..Pair::default()
        };
        let skus = 0..demand.skus.len();
        let pairs = (0..STORES)
            .map(|store| skus.clone().map(|sku| pair(store, sku)).collect())
            .collect();
        let rule = OnlineRule::default();
        let mut rights = Self { pairs, rule };
        for store in 0..STORES {
            for sku in skus.clone() {
                rights.contact(store, sku);
            }
        }
        rights
    }

    /// What the hub may promise: its rights, and no more than the records leave
    /// after what tills may have sold during a silence. `counted` in pieces.
    #[must_use]
    pub fn usable(&self, store: usize, sku: usize, counted: i64, silent: u64) -> i64 {
        let pair = &self.pairs[store][sku];
        let silent = u32::try_from(silent).unwrap_or(u32::MAX);
        if self.rule.is_suspended(silent) {
            return 0;
        }
        let expected = self.rule.expected_since_contact(pair.daily, silent);
        pair.at_hub
            .rights(HUB)
            .min(counted * PIECE - expected)
            .max(0)
            / PIECE
    }

    /// A node whose line is up answers a request for more rights.
    pub fn request(&mut self, store: usize, sku: usize, pieces: i64) {
        let share = self.rule.share(PIECE);
        let pair = &mut self.pairs[store][sku];
        let held = pair.at_node.rights(node(store));
        let granted = answer_request(share, held, pieces * PIECE);
        if granted > 0 {
            let write = pair.at_node.transfer(node(store), HUB, granted, held);
            let write = write.expect("invariant: no more is granted than is held");
            pair.at_node.apply(node(store), &write);
            self.contact(store, sku);
        }
    }

    /// The hub promises.
    pub fn promise(&mut self, store: usize, sku: usize, pieces: i64) {
        let pair = &mut self.pairs[store][sku];
        let usable = pair.at_hub.rights(HUB);
        let write = pair.at_hub.promise(HUB, pieces * PIECE, usable);
        let write = write.expect("invariant: no more is promised than there are rights");
        pair.at_hub.apply(HUB, &write);
        pair.live_at_hub += pieces * PIECE;
    }

    /// The record of a store changes by `pieces`, without settling a promise.
    pub fn moved(&mut self, store: usize, sku: usize, pieces: i64) {
        let pair = &mut self.pairs[store][sku];
        pair.units += pieces * PIECE;
        let outflow = (-pieces).max(0) * PIECE;
        let burn = burn_of_outflow(outflow, pair.at_node.rights(node(store)));
        pair.at_node.apply_burn(node(store), burn);
        pair.uncovered += outflow - burn;
        self.tend(store, sku);
    }

    /// A promise ends at the node: its units leave with it, or are missing
    /// (`record_fall` below what was promised).
    pub fn ended(&mut self, store: usize, sku: usize, pieces: i64, record_fall: i64) {
        let pair = &mut self.pairs[store][sku];
        pair.live_at_node -= pieces * PIECE;
        pair.ended_unseen += pieces * PIECE;
        pair.units -= pieces.min(record_fall) * PIECE;
        self.moved(store, sku, pieces.min(record_fall) - record_fall);
    }

    /// A promise was cancelled before it was picked: its right comes back once
    /// the node has been heard.
    pub fn cancelled(&mut self, store: usize, sku: usize, pieces: i64) {
        self.pairs[store][sku].withdrawn += pieces * PIECE;
    }

    fn tend(&mut self, store: usize, sku: usize) {
        let share = self.rule.share(PIECE);
        let pair = &mut self.pairs[store][sku];
        let position = Position {
            cells: &pair.at_node,
            live_promises: pair.live_at_node,
            units: pair.units,
        };
        let terms = Terms {
            safety_stock: 0,
            share,
            awaits_count: false,
        };
        let write = tend(&position, node(store), Some(HUB), (terms, 0));
        if let Some(write) = write.expect("invariant: nothing is sealed here") {
            pair.at_node.apply(node(store), &write);
        }
    }

    /// Node and hub exchange what they know; a debt is settled. Answers whether
    /// a promise may be broken, so that somebody should look at the shelf.
    pub fn contact(&mut self, store: usize, sku: usize) -> bool {
        let pair = &mut self.pairs[store][sku];
        pair.live_at_hub -= std::mem::take(&mut pair.ended_unseen);
        let withdrawn = std::mem::take(&mut pair.withdrawn);
        if withdrawn > 0 {
            let write = pair.at_hub.release(HUB, withdrawn);
            pair.at_hub
                .apply(HUB, &write.expect("invariant: nothing is sealed here"));
            pair.live_at_hub -= withdrawn;
        }
        pair.at_hub.merge(&pair.at_node);
        let position = Position {
            cells: &pair.at_hub,
            live_promises: pair.live_at_hub,
            units: pair.units,
        };
        let settlement = settle(&position, HUB, node(store), 0);
        if settlement.burn > 0 {
            let write = pair.at_hub.burn(HUB, settlement.burn);
            let write = write.expect("invariant: a settlement burns what is held");
            pair.at_hub.apply(HUB, &write);
        }
        pair.at_node.merge(&pair.at_hub);
        pair.live_at_node = pair.live_at_hub;
        self.tend(store, sku);
        let pair = &mut self.pairs[store][sku];
        pair.at_hub.merge(&pair.at_node);
        pair.check(store);
        settlement.suspected > 0
    }
}

impl Pair {
    /// The oracle, on the union of both views.
    fn check(&self, store: usize) {
        let held = [self.at_hub.rights(HUB), self.at_hub.rights(node(store))];
        assert!(held.iter().all(|rights| *rights >= 0), "rights below zero");
        let outstanding = self.at_hub.unsealed_rights() + self.live_at_hub;
        assert!(
            outstanding <= self.units + self.uncovered,
            "{outstanding} are promised or promisable, {} are there, {} uncovered",
            self.units,
            self.uncovered
        );
        assert!(self.live_at_hub >= 0, "a promise ended twice");
    }
}
