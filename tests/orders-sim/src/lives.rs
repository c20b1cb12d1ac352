//! Machines that are lost, and those that take their places: fires, thieves, old
//! copies put back in place.
//!
//! What a machine had told nobody is gone from every record with it, though not
//! from the shelves: the books take it for goods that nobody recorded, until
//! somebody counts them or the machine turns up after all.
//!
//! Invariant: what is lost is lost from the books at the same moment, and no
//! sooner.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use evertill_domain::order::PromiseId;
use evertill_domain::{DocumentId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_node::services::marker;
use evertill_storage::TableError;
use evertill_storage::projection::{counts, orders as listed};

use crate::ledger::Ledger;
use crate::line;
use crate::machines::Site;
use crate::oracle::Touched;
use crate::shop::portion;
use crate::strays::Stray;
use crate::truth::Pair;
use crate::world::World;

/// Ids of the machines that come later lie beyond those of the first ones.
const LATER: u64 = 1_000;

/// A replica that is lost and not sealed yet.
pub(crate) struct Lost {
    pub(crate) at: usize,
    pub(crate) replica: ReplicaId,
    /// When somebody next looks after it.
    pub(crate) due: i64,
    /// Who has spoken first.
    pub(crate) proposed: Option<&'static str>,
}

/// A copy of a store's folder.
pub(crate) struct Backup {
    folder: tempfile::TempDir,
    replica: ReplicaId,
    head: Seq,
}

impl World {
    /// Machines are lost, and people look after what was lost before.
    pub(crate) fn mishaps(&mut self) -> Result<()> {
        self.seal_what_is_lost(false)?;
        self.strays_trade()?;
        self.strays_return()?;
        self.count_what_awaits(false)?;
        for at in 0..self.sites.len() {
            if self.astray[at] && self.rng.chance(1, 20) {
                self.burn(at)?;
            }
        }
        let at = self.rng.index(self.sites.len());
        if self.backups[at].is_none() && self.rng.chance(1, 12) && self.is_settled(at)? {
            self.back_up(at)?;
        }
        if !self.rng.chance(1, 45) || !self.is_settled(at)? {
            return Ok(());
        }
        match self.rng.below(6) {
            0 | 1 => self.burn(at),
            2 | 3 => self.steal_box(at),
            4 => self.set_back(at, true),
            _ => self.set_back(at, false),
        }
    }

    /// Whether a store trades with a machine that mints, and nothing of an
    /// earlier one is left to do.
    fn is_settled(&self, at: usize) -> Result<bool> {
        let busy = self.lost.iter().any(|lost| lost.at == at)
            || self.strays.iter().any(|stray| stray.at == at);
        Ok(!busy && self.trades(at) && self.sites[at].is_minter()?)
    }

    /// The machine of a store is gone, and a fresh one comes out of its box.
    fn fresh_box(&mut self, at: usize) -> Result<Site> {
        self.boxes += 1;
        let number = self.boxes;
        let (location, now) = (self.sites[at].location.clone(), self.now);
        let folder = self.root.join(format!("box{number}"));
        let id = NodeId(LATER + number);
        let now = Timestamp::from_millis(now);
        let fresh = Site::enrol(id, location, &folder, now, &mut self.rng)?;
        let steps = self.rng.between(0, 10);
        self.lines[at].cut_until = self.lines[at].cut_until.max(self.step + steps);
        self.lines[at].seat = None;
        let former = std::mem::replace(&mut self.sites[at], fresh);
        self.astray[at] = false;
        self.backups[at] = None;
        self.lose(at, former.author().replica);
        Ok(former)
    }

    fn lose(&mut self, at: usize, replica: ReplicaId) {
        let due = self.step + self.rng.between(1, 8);
        self.lost.push(Lost {
            at,
            replica,
            due,
            proposed: None,
        });
        self.done.losses += 1;
    }

    /// The machine burns, with whatever it had told nobody.
    pub(crate) fn burn(&mut self, at: usize) -> Result<()> {
        self.note(&format!("the machine of {at} burns"));
        drop(self.fresh_box(at)?);
        self.forget_machine(at)
    }

    /// The machine is carried away, and somebody trades on with it.
    fn steal_box(&mut self, at: usize) -> Result<()> {
        let returns = self.rng.chance(2, 3);
        self.note(&format!(
            "the machine of {at} is gone; found again: {returns}"
        ));
        let machine = self.fresh_box(at)?;
        line::part(&machine);
        let trades_until = self.step + self.rng.between(0, 12);
        let returns = returns.then(|| trades_until + self.rng.between(1, 40));
        let ledger = self.ledgers[at].clone();
        self.strays.push(Stray {
            at,
            machine,
            ledger,
            trades_until,
            returns,
            seat: None,
        });
        self.forget_machine(at)
    }

    fn back_up(&mut self, at: usize) -> Result<()> {
        let folder = tempfile::tempdir_in(&self.root)?;
        let target = folder.path().to_owned();
        let (replica, head) = (
            self.sites[at].author().replica,
            line::head(&self.sites[at])?,
        );
        self.lines[at].seat = None;
        self.sites[at].kill_and(|dir| copy(dir, &target))?;
        self.backups[at] = Some(Backup {
            folder,
            replica,
            head: head.seq,
        });
        self.note(&format!("{at} is copied at entry {}", head.seq));
        self.observe(Touched::Site(at))
    }

    /// An old copy of the folder is put in its place; its marker with it, or not.
    /// What the hub has not heard of the copy it never hears, so no copy is used
    /// that has such entries.
    fn set_back(&mut self, at: usize, keeps_marker: bool) -> Result<()> {
        let Some(backup) = self.backups[at].take() else {
            return Ok(());
        };
        let replica = self.sites[at].author().replica;
        let (head, known) = (
            line::head(&self.sites[at])?,
            line::held(&self.hub, replica)?,
        );
        if backup.replica != replica || known.seq < backup.head {
            return Ok(());
        }
        self.note(&format!(
            "{at} is set back from {} to {}, marker kept: {keeps_marker}",
            head.seq, backup.head
        ));
        self.sites[at].mark();
        self.lines[at].seat = None;
        self.sites[at].kill_and(|dir| {
            let marker = fs::read(dir.join(marker::FILE))?;
            fs::remove_dir_all(dir)?;
            fs::create_dir(dir)?;
            copy(backup.folder.path(), dir)?;
            if keeps_marker {
                fs::write(dir.join(marker::FILE), marker)?;
            }
            Ok(())
        })?;
        let now = self.sites[at].author().replica;
        if keeps_marker {
            ensure!(
                now != replica,
                "a node that was set back does not notice it"
            );
            self.lose(at, replica);
        } else {
            self.astray[at] = known.seq > backup.head;
            self.done.losses += 1;
        }
        self.forget_machine(at)
    }

    /// What the machine of a store had told nobody is in no record any more.
    /// People put back what lies ready and is on no list.
    fn forget_machine(&mut self, at: usize) -> Result<()> {
        let before = std::mem::take(&mut self.pictures[at + 1]).documents();
        self.ledgers[at] = Ledger::of(self.sites[at].author().replica);
        self.announced[at] = (self.ledgers[at].replica, 0);
        self.fold(before);
        if !self.astray[at] {
            self.look_at(Touched::Site(at))?;
        }
        let place = self.sites[at].location.clone();
        self.books.lossy.insert(place.clone());
        let staged = self.staged_by_record(at)?;
        for pair in self.pairs(Some(at)) {
            let size = portion(&pair.1);
            let rack = self.books.shelves.entry(pair.clone()).or_default();
            for promise in self.truth.promise_ids(&pair) {
                let listed = staged.get(&promise).copied().unwrap_or_default() / size;
                let goods = self.books.goods.entry(promise).or_default();
                let loose = (goods.staged - listed).max(0);
                goods.staged -= loose;
                rack.staged -= loose;
                rack.free += loose;
            }
            self.reconcile(&pair);
            let now = self.figures(&pair);
            let uncovered = self.books.uncovered.get(&pair).copied().unwrap_or_default();
            if now.debt() > uncovered {
                let what = format!("{pair:?}: {now:?}, {uncovered} uncovered");
                self.violated("a loss puts nobody in debt", what);
            }
            self.books.figures.insert(pair, now);
        }
        let posted = self.counts_that_are_held(at)?;
        let asked = &self.books.asked;
        self.books.posted.retain(|document, _| {
            let here = asked.get(document).is_some_and(|(pair, _)| pair.0 == place);
            !here || posted.contains(document)
        });
        self.books.may_owe.clear();
        Ok(())
    }

    /// What the records have beyond the shelves follows from both.
    fn reconcile(&mut self, pair: &Pair) {
        let (now, size) = (self.figures(pair), portion(&pair.1));
        let rack = self.books.shelf(pair);
        rack.unrecorded = now.units / size - rack.free - rack.staged;
        rack.missing = now.staged / size - rack.staged;
    }

    /// What lies ready for each promise of a store, as the hub has it.
    fn staged_by_record(&self, at: usize) -> Result<BTreeMap<PromiseId, i64>> {
        let place = self.sites[at].location.clone();
        let orders = self.orders.iter().map(|order| order.document);
        let orders: Vec<_> = orders.collect();
        let store = self.hub.hub().store();
        Ok(store.read_blocking(move |conn| {
            let mut staged = BTreeMap::new();
            for document in orders {
                let Some(order) = listed::load(conn, &document)? else {
                    continue;
                };
                let here = order.promises_of(&place);
                staged.extend(here.map(|(id, promise)| (*id, promise.staged)));
            }
            Ok::<_, TableError>(staged)
        })?)
    }

    /// The counts of a store that the hub has.
    fn counts_that_are_held(&self, at: usize) -> Result<Vec<DocumentId>> {
        let place = self.sites[at].location.clone();
        let asked = self.books.asked.iter();
        let asked: Vec<_> = asked
            .filter(|(_, (pair, _))| pair.0 == place)
            .map(|(document, _)| *document)
            .collect();
        let store = self.hub.hub().store();
        Ok(store.read_blocking(move |conn| {
            let open = counts::open(conn, &place, 10_000)?;
            let held = asked
                .into_iter()
                .filter(|document| !open.contains(document));
            Ok::<_, TableError>(held.collect())
        })?)
    }

    /// The last machines are found, or never will be.
    pub(crate) fn find_strays(&mut self) -> Result<()> {
        for at in 0..self.sites.len() {
            if self.astray[at] {
                self.burn(at)?;
            }
        }
        let step = self.step;
        self.strays.retain(|stray| stray.returns.is_some());
        for stray in &mut self.strays {
            stray.trades_until = step;
            stray.returns = Some(step);
        }
        Ok(())
    }

    /// What is left to do about lost machines; gives how much was done.
    pub(crate) fn look_after_lives(&mut self) -> Result<usize> {
        let waiting = self.strays.len();
        self.strays_return()?;
        let done = self.seal_what_is_lost(true)? + self.count_what_awaits(true)?;
        Ok(done + waiting + self.books.awaits.len())
    }
}

/// Puts the files of a folder into another one.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
