//! The stores as they are: shelves, records, and where each unit went.
//!
//! Invariant: per pair, opening + delivered = on the shelf + sold + picked.

use crate::demand::{Demand, STORES};
use crate::replenish::{is_reviewed, levels, mornings};
use crate::scenario::{Dice, Scenario};

/// All stores. Indexed by store, then product; in pieces.
#[derive(Debug)]
pub struct Shop {
    /// Really there, and not picked.
    pub shelf: Vec<Vec<i64>>,
    /// What the store believes is there.
    pub record: Vec<Vec<i64>>,
    /// Promised, and not picked yet.
    pub unpicked: Vec<Vec<i64>>,
    picked: Vec<Vec<i64>>,
    sold: Vec<Vec<i64>>,
    brought: Vec<Vec<i64>>,
    levels: Vec<Vec<(i64, i64)>>,
    /// Ordered, and delivered the next morning.
    coming: Vec<Vec<i64>>,
    /// Mornings so far.
    day: u64,
}

impl Shop {
    /// As the week begins: a fortnight of real customers at the tills, with
    /// reviews and deliveries, and then some records wrong.
    #[must_use]
    pub fn open(demand: &Demand, scenario: Scenario, seed: u64) -> Self {
        let (mut stock, mut wrong) = (Dice::of(seed, 3), Dice::of(seed, 4));
        let pair = |store| {
            let skus = 0..demand.skus.len();
            skus.map(move |sku| levels(demand, scenario.cover, store, sku))
        };
        let levels: Vec<Vec<_>> = (0..STORES).map(|store| pair(store).collect()).collect();
        // Anywhere in the cycle of deliveries.
        let mut first = |(low, high): &(i64, i64)| {
            let span = u64::try_from(high - low).unwrap_or_default() + 1;
            high - i64::try_from(stock.below(span)).unwrap_or_default()
        };
        let shelf: Vec<Vec<i64>> = (levels.iter())
            .map(|pairs| pairs.iter().map(&mut first).collect())
            .collect();
        let nothing = vec![vec![0; demand.skus.len()]; STORES];
        let mut shop = Self {
            record: shelf.clone(),
            shelf,
            unpicked: nothing.clone(),
            picked: nothing.clone(),
            sold: nothing.clone(),
            brought: nothing.clone(),
            levels,
            coming: nothing.clone(),
            day: 0,
        };
        shop.warm(demand);
        (shop.brought, shop.sold) = (shop.shelf.clone(), nothing);
        for (store, records) in shop.record.iter_mut().enumerate() {
            for (sku, record) in records.iter_mut().enumerate() {
                let off = [-2, -1, 1, 2][usize::try_from(wrong.below(4)).unwrap_or_default()];
                let is_off = wrong.below(100) < scenario.error;
                *record = (shop.shelf[store][sku] + if is_off { off } else { 0 }).max(0);
            }
        }
        shop
    }

    fn warm(&mut self, demand: &Demand) {
        let mut mornings = mornings(demand.days_before).peekable();
        for visit in &demand.before {
            while mornings.next_if(|(_, at)| *at <= visit.at).is_some() {
                self.morning();
            }
            for line in &visit.lines {
                self.sell(visit.store, line.sku, line.pieces);
            }
        }
        mornings.for_each(|_| {
            self.morning();
        });
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

    /// Takes goods off the shelf for an order; where there are too few it takes
    /// none, and the record is set right. Answers whether they were there.
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

    /// What was ordered yesterday arrives, and what is due is reviewed. Answers
    /// the arrivals as (store, product, pieces).
    pub fn morning(&mut self) -> Vec<(usize, usize, i64)> {
        let mut arrived = Vec::new();
        for store in 0..STORES {
            for sku in 0..self.levels[store].len() {
                let pieces = std::mem::take(&mut self.coming[store][sku]);
                if pieces > 0 {
                    self.shelf[store][sku] += pieces;
                    self.record[store][sku] += pieces;
                    self.brought[store][sku] += pieces;
                    arrived.push((store, sku, pieces));
                }
                if is_reviewed(self.day, store, sku) {
                    self.review(store, sku);
                }
            }
        }
        self.day += 1;
        arrived
    }

    fn review(&mut self, store: usize, sku: usize) {
        let (low, high) = self.levels[store][sku];
        let position = self.record[store][sku] - self.unpicked[store][sku];
        if position <= low {
            self.coming[store][sku] = high - position;
        }
    }

    /// Pairs, and those of them with something on the shelf.
    #[must_use]
    pub fn available(&self) -> (i64, i64) {
        let all = || self.shelf.iter().flatten();
        let there = all().filter(|shelf| **shelf > 0);
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        (count(all().count()), count(there.count()))
    }

    /// Counts every unit. `kept` is what kept orders took, by pair.
    pub fn check(&self, kept: &[Vec<i64>]) {
        for (store, shelves) in self.shelf.iter().enumerate() {
            for (sku, shelf) in shelves.iter().enumerate() {
                let gone = self.sold[store][sku] + self.picked[store][sku];
                assert_eq!(self.brought[store][sku], shelf + gone, "units were lost");
                assert_eq!(self.picked[store][sku], kept[store][sku], "a unit twice");
                assert!(*shelf >= 0, "a shelf holds less than nothing");
                assert_eq!(self.unpicked[store][sku], 0, "a promise has no end");
            }
        }
    }
}
