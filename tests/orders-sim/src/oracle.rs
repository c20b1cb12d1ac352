//! The oracles that look at every step.
//!
//! The books stand beside the model: what is really on the shelves, and which
//! facts may have put somebody in debt. Machines know nothing of them.
//!
//! Invariant: an oracle compares what machines hold durably with the books; it
//! never asks a machine whether it did right.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use evertill_domain::order::{PromiseId, PromiseState};
use evertill_domain::rights::{PromiseParts, Seal};
use evertill_domain::{DocumentId, LocationId, ReplicaId, Sku, Timestamp};

use crate::machines::Site;
use crate::shop::{portion, safety_stock};
use crate::truth::{Figures, Pair, Picture};
use crate::world::World;

/// Who took part in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Touched {
    Hub,
    Site(usize),
}

/// What is really in a store, of one product, in portions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shelf {
    /// For everybody.
    pub(crate) free: i64,
    /// Put aside for customers.
    pub(crate) staged: i64,
    /// What the records have beyond the shelves: stolen, written off wrongly, or
    /// sold by a machine whose word is lost.
    pub(crate) unrecorded: i64,
    /// How much of it the records have among what is put aside.
    pub(crate) missing: i64,
}

/// What really lies ready for a promise, and what its customer really has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Physical {
    pub(crate) staged: i64,
    pub(crate) carried: i64,
}

/// The books.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) shelves: BTreeMap<Pair, Shelf>,
    pub(crate) goods: BTreeMap<PromiseId, Physical>,
    pub(crate) figures: BTreeMap<Pair, Figures>,
    /// By how much this step may put a pair in debt, in thousandths.
    pub(crate) may_owe: BTreeMap<Pair, i64>,
    /// What facts left uncovered so far.
    pub(crate) uncovered: BTreeMap<Pair, i64>,
    /// The counts that were asked for, and by how many portions each changes the
    /// record.
    pub(crate) asked: BTreeMap<DocumentId, (Pair, i64)>,
    /// The counts that were posted, and by whom.
    pub(crate) posted: BTreeMap<DocumentId, ReplicaId>,
    /// What clerks did not find so far.
    pub(crate) not_found: BTreeMap<Pair, i64>,
    /// What has to be counted before rights are made for it.
    pub(crate) awaits: BTreeSet<Pair>,
    /// Counters of sealed replicas, as they stood.
    pub(crate) sealed: BTreeMap<(Pair, ReplicaId), Seal>,
    /// What sealed machines told late and a minter may not have read yet.
    pub(crate) told_late: BTreeMap<Pair, i64>,
    /// What left a location while its minter was astray, which did not see it.
    pub(crate) left_beside: BTreeMap<Pair, i64>,
    /// Where facts were lost with a machine.
    pub(crate) lossy: BTreeSet<LocationId>,
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
    pub(crate) fn outflow(&mut self, pair: &Pair, portions: i64) {
        let at_node = self.books.figures.get(pair).map_or(0, |f| f.at_node);
        let out = portions * portion(&pair.1);
        let owed = (out - at_node.max(0)).max(0);
        *self.books.may_owe.entry(pair.clone()).or_insert(0) += owed;
        if self.has_stray(&pair.0) {
            *self.books.left_beside.entry(pair.clone()).or_insert(0) += out;
        }
    }

    /// Reads again what a machine holds, and judges what became of every pair.
    pub(crate) fn observe(&mut self, touched: Touched) -> Result<()> {
        // What a machine that went astray says is heard by nobody.
        let unheard = matches!(touched, Touched::Site(at) if self.astray[at]);
        if !unheard {
            for pair in self.look_at(touched)? {
                self.judge(&pair);
            }
        }
        self.books.may_owe.clear();
        Ok(())
    }

    /// Reads again what a machine holds; gives the pairs that it knows of.
    pub(crate) fn look_at(&mut self, touched: Touched) -> Result<Vec<Pair>> {
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
        if let Touched::Site(at) = touched {
            self.ledgers[at].read(&store)?;
        }
        self.fold(changed);
        Ok(pairs)
    }

    /// Folds orders anew from what is held of them.
    pub(crate) fn fold(&mut self, documents: Vec<DocumentId>) {
        let pictures: Vec<&Picture> = self.pictures.iter().collect();
        for document in documents {
            self.truth.fold(document, &pictures);
        }
    }

    /// Where a store is in the list.
    pub(crate) fn place_of(&self, location: &LocationId) -> usize {
        let at = self
            .sites
            .iter()
            .position(|site| site.location == *location);
        at.unwrap_or_default()
    }

    pub(crate) fn figures(&self, pair: &Pair) -> Figures {
        let at = self.place_of(&pair.0);
        let node = self.sites[at].author().replica;
        let (hub, own) = (&self.pictures[0], &self.pictures[at + 1]);
        let mut cells = hub.cells.get(pair).cloned().unwrap_or_default();
        if let Some(own) = own.cells.get(pair) {
            cells.merge(own);
        }
        let held = hub.units.get(pair).copied().unwrap_or_default();
        let heard = hub.heads.get(&node).copied().unwrap_or_default();
        let unsent = self.ledgers[at].after(heard, pair);
        let replicas: Vec<_> = cells.replicas().collect();
        let parts = || self.truth.promises(pair).map(|promise| promise.parts);
        let at_hub = cells.own(self.hub.author().replica);
        Figures {
            units: held.units + unsent.units,
            staged: held.staged + unsent.staged,
            rights: cells.unsealed_rights(),
            at_node: cells.rights(node),
            live: parts().map(|parts| parts.live()).sum(),
            minted: replicas.iter().map(|r| cells.own(*r).mint).sum(),
            breached: parts().map(|parts| broken(&parts)).sum(),
            promised: parts().map(|parts| parts.promised).sum(),
            released: parts().map(|parts| parts.released).sum(),
            used: (at_hub.used, at_hub.release),
            hub_burn: at_hub.burn,
            is_negative: replicas.iter().any(|r| cells.rights(*r) < 0),
        }
    }

    fn judge(&mut self, pair: &Pair) {
        let now = self.figures(pair);
        let before = self.books.figures.insert(pair.clone(), now.clone());
        let before = before.unwrap_or_default();
        let name = format!("{} at {}", pair.1, pair.0);
        let sum = |of: &BTreeMap<Pair, i64>| of.get(pair).copied().unwrap_or_default();
        let rise = now.debt() - before.debt();
        // What a machine minted while it was astray was covered as it saw things.
        let late = sum(&self.books.told_late) + sum(&self.books.left_beside);
        let allowed = sum(&self.books.may_owe);
        let unread = if now.minted > before.minted { late } else { 0 };
        if rise > allowed + unread {
            let what = format!("{name}: {before:?} became {now:?}, {allowed} may be owed");
            self.violated("only facts put somebody in debt", what);
        }
        *self.books.uncovered.entry(pair.clone()).or_insert(0) += rise.max(0);
        self.mints(pair, &name, (&before, &now), late);
        if now.is_negative {
            self.violated("rights are never negative", format!("{name}: {now:?}"));
        }
        if now.used != (now.promised, now.released) {
            self.violated("rights are conserved", format!("{name}: {now:?}"));
        }
        let (uncovered, not_found) = (sum(&self.books.uncovered), sum(&self.books.not_found));
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
        if now.hub_burn > before.hub_burn {
            self.settles(pair, &name);
        }
        let goods = *self.books.shelf(pair);
        let really = (goods.free + goods.staged + goods.unrecorded) * portion(&pair.1);
        let staged = (goods.staged + goods.missing) * portion(&pair.1);
        if now.units != really || now.staged != staged {
            let what = format!("{name}: {now:?}; really {goods:?}");
            self.violated("records are the shelves and what nobody recorded", what);
        }
        self.carts_are_kept(pair, &name);
        self.seals_stand(pair, &name);
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

    /// Rights are made for units that nobody has a right to, and of which it is
    /// known that they are there.
    fn mints(&mut self, pair: &Pair, name: &str, (before, now): (&Figures, &Figures), late: i64) {
        if now.minted <= before.minted {
            return;
        }
        self.done.mints += 1;
        let kept = safety_stock(&pair.1);
        if now.rights + now.live + kept > now.units + late {
            let what = format!("{name}: {before:?} became {now:?}");
            self.violated("nothing is minted in debt", what);
        }
        if self.books.awaits.contains(pair) {
            let what = format!("{name}: {before:?} became {now:?}");
            self.violated("nothing is minted before it is counted", what);
        }
    }

    /// The hub settled a debt: it had heard what the store had announced.
    fn settles(&mut self, pair: &Pair, name: &str) {
        let at = self.place_of(&pair.0);
        let (replica, announced) = self.announced[at];
        let heard = self.pictures[0].heads.get(&replica).copied();
        let is_lost = self.books.sealed.contains_key(&(pair.clone(), replica));
        if !is_lost && heard.unwrap_or_default() < announced {
            let what = format!("{name}: {heard:?} of {announced} entries");
            self.violated("the hub settles when it has heard all", what);
        }
    }

    /// The rights of a sealed replica stay as they were.
    fn seals_stand(&mut self, pair: &Pair, name: &str) {
        let Some(cells) = self.pictures[0].cells.get(pair) else {
            return;
        };
        let sealed = self.books.sealed.iter();
        let mut of_pair = sealed.filter(|((sealed, _), _)| sealed == pair);
        let moved = of_pair.find(|((_, replica), seal)| cells.seal_of(*replica) != **seal);
        if let Some(((_, replica), seal)) = moved {
            let what = format!("{name}: {seal:?} became {:?}", cells.seal_of(*replica));
            self.violated("the rights of a sealed replica stand", what);
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
