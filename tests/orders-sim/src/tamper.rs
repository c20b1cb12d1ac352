//! How the deliberate mistakes are made.
//!
//! Invariant: without a bug nothing here does anything.

use std::fs;

use anyhow::{Context as _, Result};
use evertill_domain::order::{
    Effect, EndCause, FulfilmentStep, OrderBody, OrderState, PickupStep, PromiseEnded, PromiseId,
    StepCommand, StepContext, pickup, shipment,
};
use evertill_domain::rights::{End, PairCells};
use evertill_domain::{DocumentId, Money, Quantity, ReplicaId, Seq};
use evertill_hub::services::orders::{At, OrderRefusal};
use evertill_node::services::work::Step;
use evertill_storage::journal::{self, Write, append_with_rights};
use evertill_storage::projection::{orders as listed, rights};
use evertill_storage::{Store, TableError, feed};

use crate::bug::Bug;
use crate::line::{self, Faults};
use crate::lives::copy;
use crate::oracle::Touched;
use crate::truth::Pair;
use crate::world::World;

impl World {
    /// Makes the mistakes that are made at any time.
    pub(crate) fn tamper(&mut self) -> Result<()> {
        let Some(bug) = self.config.bug else {
            return Ok(());
        };
        let pairs = self.pairs(None);
        let pair = self.rng.pick(&pairs).clone();
        let at = self.rng.index(self.sites.len());
        match bug {
            Bug::EveryReplicaMints if self.step % 10 == 0 => {
                self.mint(Touched::Hub, &pair, 1_000)?;
                self.observe(Touched::Hub)
            }
            Bug::ReleaseTwice if self.step % 10 == 0 => {
                self.hub_sql("UPDATE cell SET release = release + 1000 WHERE used > release")?;
                self.observe(Touched::Hub)
            }
            Bug::BurnTwice if self.step % 10 == 0 => {
                self.hub_sql("UPDATE cell SET burn = burn + 1000 WHERE burn > 0")
            }
            Bug::ConflictWithoutException => {
                self.hub_sql("DELETE FROM exception WHERE key LIKE 'conflict:%'")
            }
            Bug::ConflictTwice => self.hub_sql(
                "INSERT INTO exception (kind, key, detail, owner, state, opened_at, due_at,
                   document, location)
                 SELECT kind, key, detail, owner, 'resolved', opened_at, due_at,
                   document, location FROM exception
                 WHERE key LIKE 'conflict:%' GROUP BY key HAVING count(*) = 1",
            ),
            Bug::GrantWithoutDebit if self.step % 10 == 0 => {
                let held = "UPDATE cell_sent SET sent = sent - 1000 WHERE sent > 0";
                sql(self.sites[at].node().store(), held.to_owned())
            }
            Bug::GrantBeforeDurable if self.step % 12 == 0 => self.forget_a_grant(at),
            Bug::ResumeOldCopy if self.step % 12 == 0 => self.resume_copy(at),
            Bug::SealIgnored => self.at_successors("DELETE FROM seal"),
            Bug::CountBeforeHello => self.call_themselves_minters(),
            Bug::MintBeforeCount => self.at_successors(
                "INSERT OR IGNORE INTO counted SELECT DISTINCT location, sku FROM stock",
            ),
            Bug::MintSafetyStock if self.step % 10 == 0 => self.mint_all(&pair),
            _ => Ok(()),
        }
    }

    /// Something happens to the tables of machines that took a place over.
    fn at_successors(&self, text: &str) -> Result<()> {
        for site in &self.sites {
            if self.books.lossy.contains(&site.location) && site.is_minter()? {
                sql(site.node().store(), text.to_owned())?;
            }
        }
        Ok(())
    }

    /// Fresh machines do as if the feed named them.
    fn call_themselves_minters(&self) -> Result<()> {
        for site in &self.sites {
            let author = site.author();
            sql(
                site.node().store(),
                format!(
                    "INSERT OR REPLACE INTO minter VALUES ('{}', {})",
                    author.location,
                    author.replica.0.cast_signed()
                ),
            )?;
        }
        Ok(())
    }

    /// Whatever lies there and nobody has a right to becomes one.
    fn mint_all(&mut self, pair: &Pair) -> Result<()> {
        let at = self.place_of(&pair.0);
        let figures = self.figures(pair);
        let room = figures.units - figures.rights - figures.live;
        if room > 0 && self.trades(at) && !self.books.awaits.contains(pair) {
            self.mint(Touched::Site(at), pair, room)?;
            self.observe(Touched::Site(at))?;
        }
        Ok(())
    }

    /// The head of a store's journal, which the hub has not seen yet.
    pub(crate) fn unseen(&self, at: usize) -> Result<Option<(ReplicaId, Seq)>> {
        if !self.has(Bug::CountAgainstNow) {
            return Ok(None);
        }
        let (own, node) = (self.sites[at].author().replica, self.sites[at].node());
        let head = node
            .store()
            .read_blocking(move |conn| journal::head(conn, own))?;
        Ok(Some((own, head.seq)))
    }

    /// What a machine has to do is forgotten before it could be done.
    pub(crate) fn forget(&self, bug: Bug, store: &Store) -> Result<()> {
        if self.has(bug) {
            sql(store, "DELETE FROM order_due".to_owned())?;
        }
        Ok(())
    }

    pub(crate) fn hub_sql(&self, text: &str) -> Result<()> {
        sql(self.hub.hub().store(), text.to_owned())
    }

    /// Somebody mints what no level asks for.
    pub(crate) fn mint(&self, who: Touched, pair: &Pair, quantity: i64) -> Result<()> {
        let (store, author, at_hub) = match who {
            Touched::Hub => (self.hub.hub().store(), self.hub.author(), true),
            Touched::Site(at) => (
                self.sites[at].node().store(),
                self.sites[at].author(),
                false,
            ),
        };
        let (author, pair, now) = (author.clone(), pair.clone(), self.hub.hub().now());
        store.write_blocking("mint", move |tx| {
            let cells = rights::cells(tx, &pair.0, &pair.1)?;
            let write = cells.mint(author.replica, quantity).map_err(unfit)?;
            let said = PairCells::from([(pair, write)]);
            let appended = append_with_rights(tx, &author, now, &[], &said)?;
            if at_hub {
                feed::publish(tx, &author, appended.at.seq)?;
            }
            Ok::<_, TableError>(())
        })?;
        Ok(())
    }

    /// What a node has burnt of a pair.
    pub(crate) fn burnt(&self, at: usize, pair: &Pair) -> Result<i64> {
        let (own, pair) = (self.sites[at].author().replica, pair.clone());
        Ok(self.sites[at].node().store().read_blocking(move |conn| {
            Ok::<_, TableError>(rights::cells(conn, &pair.0, &pair.1)?.own(own).burn)
        })?)
    }

    /// Takes the burn of a sale back at its node, and at the hub once it is there.
    pub(crate) fn unburn(&self, at: usize, pair: &Pair, burn: i64) -> Result<()> {
        let text = format!(
            "UPDATE cell SET burn = {burn} WHERE location = '{}' AND sku = '{}'",
            pair.0, pair.1
        );
        sql(self.sites[at].node().store(), text)
    }

    /// The hub gets a grant, and the node dies before it kept it.
    fn forget_a_grant(&mut self, at: usize) -> Result<()> {
        self.copy_folder(at)?;
        let pair = self.pairs(Some(at)).remove(0);
        self.receive(at, &pair.1, 4)?;
        self.sites[at].rounds()?;
        line::send_up(&self.hub, &self.sites[at], Faults::NONE)?;
        self.put_copy(at)
    }

    fn resume_copy(&mut self, at: usize) -> Result<()> {
        match self.copy.as_ref().map(|(of, _)| *of) {
            None => self.copy_folder(at),
            Some(of) => self.put_copy(of),
        }
    }

    fn copy_folder(&mut self, at: usize) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().to_owned();
        self.lines[at].seat = None;
        self.sites[at].kill_and(|dir| copy(dir, &target))?;
        self.copy = Some((at, folder));
        Ok(())
    }

    fn put_copy(&mut self, at: usize) -> Result<()> {
        let (_, folder) = self.copy.take().context("a copy was made")?;
        self.lines[at].seat = None;
        self.sites[at].kill_and(|dir| {
            fs::remove_dir_all(dir)?;
            fs::create_dir(dir)?;
            copy(folder.path(), dir)
        })
    }

    /// The goods leave, and nothing says that the promise is kept.
    pub(crate) fn hand_over_without_end(
        &self,
        at: usize,
        document: DocumentId,
        promise: PromiseId,
        step: Step,
    ) -> Result<()> {
        let site = &self.sites[at];
        let (author, now) = (site.author().clone(), site.node().now());
        site.node().store().write_blocking("hand over", move |tx| {
            let Some(order) = listed::load(tx, &document)? else {
                return Ok(());
            };
            let products = std::collections::BTreeMap::new();
            let context = StepContext {
                location: &author.location,
                now,
                products: &products,
                extend_minutes: 0,
            };
            let bodies = match step {
                Step::Pickup(_) => pickup(&order, &of(PickupStep::HandOver, promise), &context),
                Step::Shipment(_) => shipment(&order, &of(FulfilmentStep::Ship, promise), &context),
            };
            let mut bodies = bodies.unwrap_or_default();
            bodies.retain(|body| !matches!(body, OrderBody::PromiseEnded(_)));
            if bodies.is_empty() {
                return Ok(());
            }
            let writes = [Write::ExtendWith(document, order.events(now, None, bodies))];
            journal::append(tx, &author, now, &writes).map(drop)
        })?;
        Ok(())
    }

    /// The last step of an order is recorded once more.
    pub(crate) fn again(&self, at: usize, document: DocumentId) -> Result<()> {
        let site = &self.sites[at];
        let (author, now) = (site.author().clone(), site.node().now());
        site.node().store().write_blocking("once more", move |tx| {
            let Some(order) = listed::load(tx, &document)? else {
                return Ok(());
            };
            let head = journal::head(tx, author.replica)?;
            let Some(last) = journal::entry(tx, author.replica, head.seq)? else {
                return Ok(());
            };
            let mut bodies = Vec::new();
            for part in &last.entry.parts {
                for (_, bytes) in evertill_documents::read(&part.change).unwrap_or_default() {
                    if let Ok(evertill_domain::Event::Order(event)) =
                        evertill_domain::event::decode(&bytes)
                    {
                        bodies.push(event.body);
                    }
                }
            }
            let writes = [Write::ExtendWith(document, order.events(now, None, bodies))];
            journal::append(tx, &author, now, &writes).map(drop)
        })?;
        Ok(())
    }
}

fn of<S>(step: S, promise: PromiseId) -> StepCommand<S> {
    let part = evertill_domain::order::PartCommand {
        promise,
        quantity: None,
        substitute: None,
        agreed: false,
        lot: None,
    };
    StepCommand {
        parts: vec![part],
        ..StepCommand::of(step)
    }
}

/// Gives back at once what a store has not withdrawn yet.
pub(crate) fn release_now(at: At<'_>, order: &OrderState) -> Result<(), OrderRefusal> {
    for (id, promise) in &order.promises {
        let Some(line) = order.line(promise.line) else {
            continue;
        };
        let Ok(quantity) = Quantity::from_thousandths(promise.to_withdraw()) else {
            continue;
        };
        if promise.to_withdraw() == 0 {
            continue;
        }
        let pair = (promise.location.clone(), line.line.sku.clone());
        let cells = rights::cells(at.conn, &pair.0, &pair.1)?;
        let write = cells.release(at.author.replica, promise.to_withdraw());
        let ended = OrderBody::PromiseEnded(PromiseEnded {
            promise: *id,
            quantity,
            how: End::Released,
            cause: EndCause::Cancelled,
            location: promise.location.clone(),
        });
        let said = PairCells::from([(pair, write.map_err(unfit)?)]);
        at.write(order, [ended], &said)?;
    }
    Ok(())
}

/// The same refund, said twice.
pub(crate) fn refund_again(
    at: At<'_>,
    order: &OrderState,
    amount: Money,
) -> Result<(), OrderRefusal> {
    let effect = OrderBody::Effect(Effect {
        obligation: "refund".to_owned(),
        amount: Some(amount),
        reference: None,
    });
    Ok(at.write(order, [effect], &PairCells::new())?)
}

fn unfit(error: impl std::fmt::Display) -> TableError {
    TableError::Unfit {
        reason: error.to_string(),
    }
}

fn sql(store: &Store, text: String) -> Result<()> {
    store.write_blocking("tamper", move |tx| {
        tx.execute(&text, []).map(drop).map_err(TableError::from)
    })?;
    Ok(())
}
