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
use evertill_domain::{Bucket, DocumentId, Event, Quantity, Sku};
use evertill_node::services::counts;
use evertill_storage::journal::{self, Write};
use evertill_storage::projection::stock;
use evertill_storage::{TableError, feed};

use crate::oracle::Touched;
use crate::shop::{portion, unit};
use crate::truth::Pair;
use crate::world::World;

impl World {
    /// The hub asks for a count of what is on a shelf; now and then the counter
    /// is mistaken.
    pub(crate) fn ask_for_count(&mut self, at: usize, sku: &Sku) -> Result<()> {
        let mistaken = i64::from(self.rng.chance(1, 4));
        self.ask(at, sku, mistaken)
    }

    /// The counts of what is to be counted after a machine was lost.
    pub(crate) fn count_what_awaits(&mut self, carefully: bool) -> Result<usize> {
        let awaits: Vec<Pair> = self.books.awaits.iter().cloned().collect();
        let mut asked = 0;
        for pair in awaits {
            let at = self.place_of(&pair.0);
            let open = |(document, (asked, _)): (&DocumentId, &(Pair, i64))| {
                *asked == pair && !self.books.posted.contains_key(document)
            };
            let is_open = self.books.asked.iter().any(open);
            let able = !self.astray[at] && self.sites[at].is_minter()?;
            if able && !is_open && (carefully || self.rng.chance(1, 6)) {
                let mistaken = i64::from(!carefully && self.rng.chance(1, 4));
                self.ask(at, &pair.1, mistaken)?;
                asked += 1;
            }
        }
        Ok(asked)
    }

    fn ask(&mut self, at: usize, sku: &Sku, mistaken: i64) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        let goods = *self.books.shelf(&pair);
        let wrong = goods.missing - goods.unrecorded - mistaken;
        let (author, now) = (self.hub.author().clone(), self.hub.hub().now());
        let asked = pair.clone();
        let unseen = self.unseen(at)?;
        let store = self.hub.hub().store();
        let written = store.write_blocking("ask for a count", move |tx| {
            // What a lost machine told late goes to the store first, so that the
            // store knows what the counter has seen.
            while feed::succeed(tx, &author, &asked.0, 500)? == feed::Succession::Returning {}
            let figures = stock::of(tx, &asked.0, &asked.1)?.unwrap_or_default();
            let counted = figures.bucket(Bucket::Sellable) + wrong * portion(&asked.1);
            let Ok(counted) = Quantity::from_thousandths(counted) else {
                return Ok(None);
            };
            if counted.thousandths() < 0 {
                return Ok(None);
            }
            let journals = journal::journals(tx)?.into_iter().filter(|journal| {
                journal.location == asked.0 || journal.location == author.location
            });
            let seen = journals.map(|journal| (journal.replica, journal.head.seq));
            let mut seen: BTreeMap<_, _> = seen.collect();
            seen.extend(unseen);
            let unit = unit(&asked.1);
            let request = CountRequest {
                location: asked.0,
                requested_at: now,
                by: None,
                reference: None,
                lines: vec![CountLine {
                    sku: asked.1,
                    unit,
                    counted,
                    lot: None,
                }],
                seen: seen.into_iter().collect(),
            };
            let writes = [Write::Open(Event::CountRequested(request))];
            let appended = journal::append(tx, &author, now, &writes)?;
            feed::publish(tx, &author, appended.at.seq)?;
            Ok::<_, TableError>(appended.documents.first().copied())
        })?;
        if let Some(document) = written {
            self.note(&format!("a count of {sku} at {at} finds {wrong}"));
            self.books.asked.insert(document, (pair, wrong));
        }
        self.observe(Touched::Hub)
    }

    /// A store posts the counts that its feed brought: each changes the record by
    /// what its counter found, and by nothing else.
    pub(crate) fn post_counts(&mut self, at: usize) -> Result<()> {
        let site = &self.sites[at];
        site.run(counts::post_due(site.node()))?;
        if self.astray[at] {
            return Ok(());
        }
        let (store, replica) = (site.node().store().clone(), site.author().replica);
        for noted in self.ledgers[at].read(&store)? {
            for (document, pair) in &noted.counts {
                let moved = noted.moved.get(pair).copied().unwrap_or_default();
                let found = moved.units / portion(&pair.1);
                let wrong = self.books.asked.get(document).map(|(_, wrong)| *wrong);
                if wrong != Some(found) {
                    let what = format!("{document} of {pair:?}: {wrong:?}, posted {found}");
                    self.violated("a count changes a record by what it found", what);
                }
                // A lost machine may have posted it too, and tell so late.
                let before = self.books.posted.insert(*document, replica);
                if let Some(before) = before.filter(|before| *before == replica) {
                    let what = format!("{document} of {pair:?}: {before} and {replica}");
                    self.violated("a count is posted once", what);
                }
                self.note(&format!("a count at {at} changes {} by {found}", pair.1));
                self.books.shelf(pair).unrecorded += found;
                self.outflow(pair, (-found).max(0));
                self.books.awaits.remove(pair);
            }
        }
        Ok(())
    }
}
