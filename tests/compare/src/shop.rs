//! The stores as they are: shelves, records, and where each unit went.
//!
//! Invariant: per pair, opening + delivered = on the shelf + sold + picked.

use crate::demand::Demand;
use crate::scenario::Drawn;

/// All stores. Indexed by store, then product; in pieces.
#[derive(Debug)]
pub struct Shop {
    /// Really there, and not picked.
    pub shelf: Vec<Vec<i64>>,
    /// What the store believes is there.
    pub record: Vec<Vec<i64>>,
    /// Promised, and not picked yet.
    pub unpicked: Vec<Vec<i64>>,
    /// Picked for orders, and not put back.
    pub picked: Vec<Vec<i64>>,
    sold: Vec<Vec<i64>>,
    brought: Vec<Vec<i64>>,
}

impl Shop {
    /// As the week begins.
    #[must_use]
    pub fn new(drawn: &Drawn) -> Self {
        let nothing: Vec<Vec<i64>> = drawn.shelf.iter().map(|s| vec![0; s.len()]).collect();
        Self {
            shelf: drawn.shelf.clone(),
            record: drawn.record.clone(),
            unpicked: nothing.clone(),
            picked: nothing.clone(),
            sold: nothing,
            brought: drawn.shelf.clone(),
        }
    }

    /// A customer takes what there is of `wanted`: a till refuses nothing, and
    /// does not know what is promised. Answers what was sold.
    pub fn sell(&mut self, store: usize, sku: usize, wanted: i64) -> i64 {
        let pieces = wanted.min(self.shelf[store][sku]);
        self.shelf[store][sku] -= pieces;
        self.record[store][sku] -= pieces;
        self.sold[store][sku] += pieces;
        pieces
    }

    /// Takes goods off the shelf for an order; `false`, and a record set right,
    /// if they are not there.
    pub fn pick(&mut self, store: usize, sku: usize, pieces: i64) -> bool {
        self.unpicked[store][sku] -= pieces;
        if self.shelf[store][sku] < pieces {
            self.record[store][sku] = self.shelf[store][sku];
            return false;
        }
        self.shelf[store][sku] -= pieces;
        self.record[store][sku] -= pieces;
        self.picked[store][sku] += pieces;
        true
    }

    /// Puts picked goods back.
    pub fn put_back(&mut self, store: usize, sku: usize, pieces: i64) {
        self.shelf[store][sku] += pieces;
        self.record[store][sku] += pieces;
        self.picked[store][sku] -= pieces;
    }

    /// Goods arrive by the (s, S) rule, ordered by what the record says.
    pub fn deliver(&mut self, demand: &Demand, store: usize, sku: usize) -> i64 {
        let (low, high) = demand.levels(store, sku);
        let position = self.record[store][sku] - self.unpicked[store][sku];
        if position > low {
            return 0;
        }
        let pieces = high - position;
        self.shelf[store][sku] += pieces;
        self.record[store][sku] += pieces;
        self.brought[store][sku] += pieces;
        pieces
    }

    /// Counts every unit. `kept` is what kept orders took, by pair.
    pub fn check(&self, kept: &[Vec<i64>]) {
        for (store, shelves) in self.shelf.iter().enumerate() {
            for (sku, shelf) in shelves.iter().enumerate() {
                let gone = self.sold[store][sku] + self.picked[store][sku];
                assert_eq!(self.brought[store][sku], shelf + gone, "units were lost");
                assert_eq!(self.picked[store][sku], kept[store][sku], "a unit twice");
                assert!(*shelf >= 0, "a shelf holds less than nothing");
            }
        }
    }
}
