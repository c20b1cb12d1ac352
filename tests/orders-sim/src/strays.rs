//! Machines that are gone and trade on somewhere, and what they tell when they
//! are found again.
//!
//! Invariant: what a sealed replica tells late counts as goods that moved, and
//! as nothing else.

use anyhow::{Result, ensure};
use evertill_domain::LocationId;
use evertill_hub::live::Admitted;
use evertill_storage::TableError;
use evertill_storage::rusqlite::Connection;

use crate::bug::Bug;
use crate::ledger::Ledger;
use crate::line::{self, Faults};
use crate::machines::Site;
use crate::oracle::Touched;
use crate::shop::portion;
use crate::world::World;

/// A machine that is gone and trades on somewhere.
pub(crate) struct Stray {
    pub(crate) at: usize,
    pub(crate) machine: Site,
    pub(crate) ledger: Ledger,
    /// Until which step somebody trades with it.
    pub(crate) trades_until: i64,
    /// When it is connected again; never, if nobody finds it.
    pub(crate) returns: Option<i64>,
    pub(crate) seat: Option<Admitted>,
}

impl World {
    /// Somebody trades with machines that nobody hears.
    pub(crate) fn strays_trade(&mut self) -> Result<()> {
        for at in 0..self.sites.len() {
            if self.astray[at] && self.sites[at].is_ready() && self.rng.chance(1, 4) {
                let mut book = self.unheard(at);
                book.sell(&mut self.sites[at], &mut self.books)?;
            }
        }
        for mut stray in std::mem::take(&mut self.strays) {
            if self.step < stray.trades_until {
                if self.rng.chance(1, 3) {
                    let mut book = self.unheard(stray.at);
                    book.sell(&mut stray.machine, &mut self.books)?;
                }
                if self.rng.chance(1, 3) {
                    self.hand_over_unheard(&mut stray)?;
                }
                ensure!(stray.machine.rounds()?, "a stray's rounds never end");
                stray.ledger.read(stray.machine.node().store())?;
            }
            self.strays.push(stray);
        }
        Ok(())
    }

    /// Machines that were found again tell what they know; in the end all that
    /// ever will.
    pub(crate) fn strays_return(&mut self) -> Result<()> {
        for mut stray in std::mem::take(&mut self.strays) {
            let gone = stray.returns.is_none() && self.step > stray.trades_until + 20;
            let back = stray.returns.is_some_and(|at| at <= self.step);
            if gone {
                continue;
            }
            if back && self.tells(&mut stray)? {
                self.note(&format!("the machine of {} has told all", stray.at));
                continue;
            }
            self.strays.push(stray);
        }
        let mut beside = std::mem::take(&mut self.books.left_beside);
        beside.retain(|(location, _), _| self.has_stray(location));
        self.books.left_beside = beside;
        Ok(())
    }

    /// Whether a machine of a location trades on elsewhere, or may come back.
    pub(crate) fn has_stray(&self, location: &LocationId) -> bool {
        let mut strays = self.strays.iter();
        strays.any(|stray| self.sites[stray.at].location == *location)
    }

    /// A machine that was found sends some of what it knows; true if that was
    /// all.
    fn tells(&mut self, stray: &mut Stray) -> Result<bool> {
        if stray.seat.is_none() {
            stray.seat = line::greet(&self.hub, &stray.machine, true)?;
            ensure!(stray.seat.is_some(), "a machine that was found is refused");
        }
        let replica = stray.ledger.replica;
        let held = line::held(&self.hub, replica)?.seq;
        let faults = Faults::drawn(&mut self.rng);
        let stock = self.stock_rows(Bug::LateFactsDropped)?;
        line::send_up(&self.hub, &stray.machine, faults)?;
        self.put_stock_rows(stock)?;
        let now = line::held(&self.hub, replica)?.seq;
        for noted in stray.ledger.between(held, now) {
            for (pair, moved) in &noted.moved {
                let size = portion(&pair.1);
                let rack = self.books.shelves.entry(pair.clone()).or_default();
                rack.unrecorded += moved.units / size;
                rack.missing += moved.staged / size;
                let out = (-moved.units).max(0);
                *self.books.may_owe.entry(pair.clone()).or_insert(0) += out;
                *self.books.told_late.entry(pair.clone()).or_insert(0) += out;
            }
            for (document, _) in &noted.counts {
                self.books.posted.insert(*document, replica);
            }
        }
        self.observe(Touched::Hub)?;
        Ok(now == stray.ledger.head())
    }
}

/// What the sellable and staged units of a hub's tables were.
pub(crate) type StockRows = Vec<(String, String, i64, i64)>;

impl World {
    /// The stock rows, for the bug that drops what was told late.
    fn stock_rows(&self, bug: Bug) -> Result<Option<StockRows>> {
        if !self.has(bug) {
            return Ok(None);
        }
        let rows = self.hub.hub().store().read_blocking(|conn: &Connection| {
            let mut select = conn
                .prepare("SELECT location, sku, sellable, staged FROM stock")
                .map_err(TableError::from)?;
            let rows = select.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            });
            let rows = rows.map_err(TableError::from)?;
            rows.collect::<Result<Vec<_>, _>>()
                .map_err(TableError::from)
        })?;
        Ok(Some(rows))
    }

    fn put_stock_rows(&self, rows: Option<StockRows>) -> Result<()> {
        for (location, sku, sellable, staged) in rows.into_iter().flatten() {
            self.hub_sql(&format!(
                "UPDATE stock SET customer = customer + sellable + staged - {sellable} - {staged},
                   sellable = {sellable}, staged = {staged}
                 WHERE location = '{location}' AND sku = '{sku}'"
            ))?;
        }
        Ok(())
    }
}
