//! The oracles that look at every step.
//!
//! The books stand beside the model: what is really on the shelves, and which
//! facts may have put somebody in debt. Machines know nothing of them.
//!
//! Invariant: an oracle compares what machines hold durably with the books; it
//! never asks a machine whether it did right.

use std::collections::BTreeMap;

use anyhow::Result;
use evertill_domain::order::PromiseState;
use evertill_domain::rights::PromiseParts;
use evertill_domain::{Sku, Timestamp};

use crate::machines::Site;
use crate::truth::{Figures, Pair, Picture};
use crate::world::World;

/// Who took part in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Touched {
    Hub,
    Site(usize),
}

/// What is really in a store, of one product, in units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shelf {
    /// For everybody.
    pub(crate) free: i64,
    /// Put aside for customers.
    pub(crate) staged: i64,
    /// What the records have beyond the shelves: stolen, or written off wrongly.
    pub(crate) unrecorded: i64,
}

/// The books.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) shelves: BTreeMap<Pair, Shelf>,
    pub(crate) figures: BTreeMap<Pair, Figures>,
    /// By how much this step may put a pair in debt, in thousandths.
    pub(crate) may_owe: BTreeMap<Pair, i64>,
    /// What facts left uncovered so far.
    uncovered: BTreeMap<Pair, i64>,
    /// What counts found that are on their way to a store.
    pub(crate) asked: BTreeMap<Pair, Vec<i64>>,
    /// What clerks did not find so far.
    pub(crate) not_found: BTreeMap<Pair, i64>,
}

impl Books {
    pub(crate) fn new(sites: &[Site], skus: &[Sku]) -> Self {
        let mut books = Self::default();
        for site in sites {
            for sku in skus {
                let pair = (site.location.clone(), sku.clone());
                books.shelves.insert(pair.clone(), Shelf::default());
                books.figures.insert(pair, Figures::default());
            }
        }
        books
    }

    pub(crate) fn shelf(&mut self, pair: &Pair) -> &mut Shelf {
        self.shelves.entry(pair.clone()).or_default()
    }
}

/// How much of a promise was broken; hub and store may each have said so.
fn broken(parts: &PromiseParts) -> i64 {
    let most = parts.promised - parts.settled - parts.released;
    parts.breached.min(most.max(0))
}

impl World {
    /// Goods leave a store without ending a promise: what its node has no rights
    /// to burn for may be owed.
    pub(crate) fn outflow(&mut self, pair: &Pair, units: i64) {
        let at_node = self.books.figures.get(pair).map_or(0, |f| f.at_node);
        let owed = (units * 1_000 - at_node.max(0)).max(0);
        *self.books.may_owe.entry(pair.clone()).or_insert(0) += owed;
    }

    /// Reads again what a machine holds, and judges what became of every pair.
    pub(crate) fn observe(&mut self, touched: Touched) -> Result<()> {
        let (number, store, pairs) = match touched {
            Touched::Hub => (0, self.hub.hub().store().clone(), self.pairs(None)),
            Touched::Site(at) => (
                at + 1,
                self.sites[at].node().store().clone(),
                self.pairs(Some(at)),
            ),
        };
        let changed =
            self.pictures[number].read(&store, &pairs, Timestamp::from_millis(self.now))?;
        let pictures: Vec<&Picture> = self.pictures.iter().collect();
        for document in changed {
            self.truth.fold(document, &pictures);
        }
        for pair in &pairs {
            self.judge(pair);
        }
        self.books.may_owe.clear();
        Ok(())
    }

    fn figures(&self, pair: &Pair) -> (Figures, i64) {
        let at = self.sites.iter().position(|site| site.location == pair.0);
        let at = at.unwrap_or_default();
        let node = self.sites[at].author().replica;
        let mut cells = self.pictures[0]
            .cells
            .get(pair)
            .cloned()
            .unwrap_or_default();
        if let Some(own) = self.pictures[at + 1].cells.get(pair) {
            cells.merge(own);
        }
        let (units, staged) = self.pictures[at + 1]
            .units
            .get(pair)
            .copied()
            .unwrap_or_default();
        let replicas: Vec<_> = cells.replicas().collect();
        let sum = |of: &dyn Fn(_) -> i64| replicas.iter().map(|r| of(*r)).sum::<i64>();
        let figures = Figures {
            units,
            rights: sum(&|r| cells.rights(r)),
            at_node: cells.rights(node),
            live: self.truth.promises(pair).map(|p| p.parts.live()).sum(),
            minted: sum(&|r| cells.own(r).mint),
            breached: self.truth.promises(pair).map(|p| broken(&p.parts)).sum(),
            is_negative: replicas.iter().any(|r| cells.rights(*r) < 0),
        };
        (figures, staged)
    }

    fn judge(&mut self, pair: &Pair) {
        let (now, staged) = self.figures(pair);
        let before = self.books.figures.insert(pair.clone(), now.clone());
        let before = before.unwrap_or_default();
        let name = format!("{} at {}", pair.1, pair.0);
        let rise = now.debt() - before.debt();
        let allowed = self.books.may_owe.get(pair).copied().unwrap_or_default();
        if rise > allowed {
            let what = format!("{name}: {before:?} became {now:?}, {allowed} may be owed");
            self.violated("only facts put somebody in debt", what);
        }
        *self.books.uncovered.entry(pair.clone()).or_insert(0) += rise.max(0);
        if now.minted > before.minted && now.debt() > 0 {
            let what = format!("{name}: {before:?} became {now:?}");
            self.violated("nothing is minted in debt", what);
        }
        if now.is_negative {
            self.violated("rights are never negative", format!("{name}: {now:?}"));
        }
        let uncovered = self.books.uncovered.get(pair).copied().unwrap_or_default();
        let not_found = self.books.not_found.get(pair).copied().unwrap_or_default();
        if now.breached > uncovered + not_found {
            let what = format!(
                "{name}: {} was broken; facts left {uncovered} uncovered, {not_found} was not found",
                now.breached
            );
            self.violated("breaches are at most the uncovered facts", what);
        }
        if now.breached > before.breached {
            self.done.breaches += 1;
        }
        let goods = *self.books.shelf(pair);
        let really = (goods.free + goods.staged + goods.unrecorded) * 1_000;
        if now.units != really || staged != goods.staged * 1_000 {
            let what = format!("{name}: {now:?}, {staged} staged; really {goods:?}");
            self.violated("records are the shelves and what nobody recorded", what);
        }
        self.carts_are_kept(pair, &name);
        let early = |promise: &&PromiseState| promise.parts.released > promise.parts.withdrawn;
        let early = self.truth.promises(pair).find(early).cloned();
        if let Some(promise) = early {
            let what = format!("{name}: {promise:?}");
            self.violated("a promise is given back after its store withdrew it", what);
        }
        // What customers believe: a promise that nobody took back or broke.
        let believed: i64 = self.truth.promises(pair).map(PromiseState::kept).sum();
        if believed > now.units.max(0) + now.debt() {
            let what = format!("{name}: {believed} is believed, {now:?}");
            self.violated("no unit is promised twice", what);
        }
    }

    /// What is kept for carts stays theirs, unless a fact took it.
    fn carts_are_kept(&mut self, pair: &Pair, name: &str) {
        let kept = self.pictures[0].kept.get(pair).copied().unwrap_or_default();
        let own = self.hub.author().replica;
        let cells = self.pictures[0].cells.get(pair);
        let held = cells.map_or(0, |cells| cells.rights(own));
        let uncovered = self.books.uncovered.get(pair).copied().unwrap_or_default();
        if uncovered == 0 && kept > held {
            let what = format!("{name}: {kept} is kept, the hub holds {held}");
            self.violated("what a cart keeps is sold to nobody else", what);
        }
    }
}
