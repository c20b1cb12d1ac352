//! Counts that the hub asks for: somebody walks along the shelves with a list,
//! and the store posts what that comes to when its feed brings it.
//!
//! A counter knows the records as the hub had them; what was sold since stays
//! sold, whenever the list arrives.
//!
//! Invariant: a count changes a record by what it found to be wrong, once.

use std::collections::BTreeMap;

use anyhow::Result;
use evertill_domain::count::{CountLine, CountRequest};
use evertill_domain::{Bucket, Event, Quantity, Sku, Unit};
use evertill_storage::journal::{self, Write};
use evertill_storage::projection::stock;
use evertill_storage::{TableError, feed};

use crate::oracle::Touched;
use crate::world::World;

impl World {
    /// The hub asks for a count of what is on a shelf; now and then the counter
    /// is mistaken.
    pub(crate) fn ask_for_count(&mut self, at: usize, sku: &Sku) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        let mistaken = i64::from(self.rng.chance(1, 4));
        let wrong = -self.books.shelf(&pair).unrecorded - mistaken;
        let (author, now) = (self.hub.author().clone(), self.hub.hub().now());
        let asked = pair.clone();
        let unseen = self.unseen(at)?;
        let store = self.hub.hub().store();
        let written = store.write_blocking("ask for a count", move |tx| {
            let figures = stock::of(tx, &asked.0, &asked.1)?.unwrap_or_default();
            let counted = figures.bucket(Bucket::Sellable) + wrong * 1_000;
            let Ok(counted) = Quantity::from_thousandths(counted) else {
                return Ok(false);
            };
            if counted.thousandths() < 0 {
                return Ok(false);
            }
            let journals = journal::journals(tx)?.into_iter().filter(|journal| {
                journal.location == asked.0 || journal.location == author.location
            });
            let seen = journals.map(|journal| (journal.replica, journal.head.seq));
            let mut seen: BTreeMap<_, _> = seen.collect();
            seen.extend(unseen);
            let request = CountRequest {
                location: asked.0,
                requested_at: now,
                by: None,
                reference: None,
                lines: vec![CountLine {
                    sku: asked.1,
                    unit: Unit::Each,
                    counted,
                    lot: None,
                }],
                seen: seen.into_iter().collect(),
            };
            let writes = [Write::Open(Event::CountRequested(request))];
            let appended = journal::append(tx, &author, now, &writes)?;
            feed::publish(tx, &author, appended.at.seq)?;
            Ok::<_, TableError>(true)
        })?;
        if written {
            self.note(&format!("a count of {sku} at {at} finds {wrong}"));
            self.books.asked.entry(pair).or_default().push(wrong);
        }
        self.observe(Touched::Hub)
    }

    /// After a page of its feed a store's records may have changed, by what the
    /// counts in it found and by nothing else.
    pub(crate) fn counted(&mut self, at: usize) -> Result<()> {
        for pair in self.pairs(Some(at)) {
            let (place, sku) = pair.clone();
            let node = self.sites[at].node().store();
            let figures = node.read_blocking(move |conn| stock::of(conn, &place, &sku))?;
            let now = figures.unwrap_or_default().sellable_or_staged();
            let before = self
                .books
                .figures
                .get(&pair)
                .map_or(0, |figures| figures.units);
            let changed = (now - before) / 1_000;
            let asked = self.books.asked.entry(pair.clone()).or_default();
            let mut sum = 0;
            let posted = asked.iter().position(|wrong| {
                sum += wrong;
                sum == changed
            });
            let Some(last) = posted.filter(|_| changed != 0) else {
                continue;
            };
            asked.drain(..=last);
            self.note(&format!("counts at {at} change {} by {changed}", pair.1));
            self.books.shelf(&pair).unrecorded += changed;
            self.outflow(&pair, (-changed).max(0));
        }
        Ok(())
    }
}
