//! One run: time goes on, people do things, machines do their duties, lines carry
//! what they can.
//!
//! Invariant: the order of everything follows from the seed.

use std::path::Path;

use anyhow::{Result, ensure};
use evertill_domain::{Currency, DocumentId, Location, Money, Product, Timestamp};
use evertill_hub::live::Admitted;
use evertill_hub::services::{exceptions, orders};
use evertill_sim::rng::Rng;
use evertill_storage::rebuild;
use evertill_storage::reference::ReferenceError;

use crate::bug::Bug;
use crate::line::{self, Faults};
use crate::machines::{HubSite, Site, skus};
use crate::oracle::{Books, Touched};
use crate::truth::{Pair, Picture, Truth};
use crate::{Config, Done, Outcome};

/// Price of every product, in cents.
pub(crate) const PRICE: i64 = 160;
/// Steps of one day.
const STEPS: i64 = 48;

/// A line to a store.
pub(crate) struct Line {
    /// Until which step it is cut.
    pub(crate) cut_until: i64,
    /// Stands for the connection at the hub.
    pub(crate) seat: Option<Admitted>,
}

/// An order, as the customer knows it.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    pub(crate) document: DocumentId,
    pub(crate) quantity: i64,
    /// An unpaid cart.
    pub(crate) unpaid: bool,
    /// Whether the customer pays at the counter.
    pub(crate) at_counter: bool,
    /// What the customer has, in units.
    pub(crate) got: i64,
    /// What went back, in cents.
    pub(crate) refunded: i64,
}

pub(crate) struct World {
    pub(crate) config: Config,
    loud: bool,
    pub(crate) rng: Rng,
    pub(crate) now: i64,
    pub(crate) step: i64,
    pub(crate) hub: HubSite,
    pub(crate) sites: Vec<Site>,
    pub(crate) lines: Vec<Line>,
    pub(crate) orders: Vec<Ordered>,
    pub(crate) receipts: Vec<(usize, String, usize)>,
    pub(crate) named: u64,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) truth: Truth,
    pub(crate) books: Books,
    pub(crate) done: Done,
    pub(crate) trace: blake3::Hasher,
    pub(crate) violation: Option<(&'static str, String)>,
    /// A copy of a node's folder, for the bugs that set one back.
    pub(crate) copy: Option<(usize, tempfile::TempDir)>,
}

impl World {
    pub(crate) fn new(config: Config, loud: bool, dir: &Path) -> Result<Self> {
        let mut rng = Rng::new(config.seed);
        let now = 1_780_000_000_000;
        let at = Timestamp::from_millis(now);
        let hub = HubSite::new(&dir.join("hub"), at, &mut rng)?;
        let mut sites = Vec::new();
        for number in 1..=config.stores {
            let folder = dir.join(format!("s{number}"));
            sites.push(Site::new(number, &folder, at, &mut rng)?);
        }
        let price = Money::new(PRICE, Currency::USD)?;
        let places = sites.iter().map(|site| {
            let zone = "UTC".parse()?;
            let place = site.location.clone();
            anyhow::Ok(Location::with_defaults(place, Currency::USD, zone))
        });
        let places = places.collect::<Result<Vec<_>>>()?;
        hub.hub().reference().batch_blocking(None, |batch| {
            for sku in skus() {
                let product = Product {
                    price: Some(price),
                    ..Product::new(sku.clone(), sku.as_str())
                };
                batch.put_product(&product)?;
            }
            for place in &places {
                batch.put_location(place)?;
            }
            Ok::<_, ReferenceError>(())
        })?;
        let lines = sites.iter().map(|_| Line {
            cut_until: 0,
            seat: None,
        });
        let lines = lines.collect();
        let pictures = (0..=sites.len()).map(|_| Picture::default()).collect();
        let books = Books::new(&sites, &skus());
        Ok(Self {
            config,
            loud,
            rng,
            now,
            step: 0,
            hub,
            sites,
            lines,
            orders: Vec::new(),
            receipts: Vec::new(),
            named: 0,
            pictures,
            truth: Truth::default(),
            books,
            done: Done::default(),
            trace: blake3::Hasher::new(),
            violation: None,
            copy: None,
        })
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }

    /// The pairs of a store, or of all.
    pub(crate) fn pairs(&self, site: Option<usize>) -> Vec<Pair> {
        let places = self.sites.iter().enumerate();
        let places = places.filter(|(at, _)| site.is_none_or(|one| one == *at));
        let pairs = places.flat_map(|(_, site)| {
            let place = site.location.clone();
            skus().into_iter().map(move |sku| (place.clone(), sku))
        });
        pairs.collect()
    }

    /// Notes a step for the trace.
    pub(crate) fn note(&mut self, what: &str) {
        if self.loud {
            eprintln!("{:>4} {what}", self.step);
        }
        self.trace.update(what.as_bytes());
        self.trace.update(&self.now.to_be_bytes());
    }

    pub(crate) fn violated(&mut self, oracle: &'static str, what: impl std::fmt::Display) {
        if self.violation.is_none() {
            self.violation = Some((oracle, format!("step {}: {what}", self.step)));
        }
    }

    /// The whole run.
    pub(crate) fn live(&mut self) -> Result<()> {
        self.open()?;
        while self.step < self.config.days * STEPS && self.violation.is_none() {
            self.step += 1;
            self.pass(24 * 60 / STEPS);
            self.act()?;
            self.faults()?;
            for at in 0..self.sites.len() {
                if self.rng.chance(2, 3) {
                    self.carry(at, 2)?;
                }
            }
            self.duties()?;
            if self.step % 4 == 0 {
                self.look()?;
            }
            self.tamper()?;
        }
        if self.violation.is_none() {
            self.come_to_rest()?;
        }
        Ok(())
    }

    /// Every store gets goods, its node joins, and the hub promises.
    fn open(&mut self) -> Result<()> {
        for at in 0..self.sites.len() {
            line::refer(&self.hub, &self.sites[at])?;
            for sku in skus() {
                let units = self.rng.between(3, 12);
                self.receive(at, &sku, units)?;
            }
            self.carry(at, 50)?;
        }
        self.duties()?;
        for at in 0..self.sites.len() {
            self.carry(at, 50)?;
        }
        self.duties()
    }

    /// Time goes on.
    pub(crate) fn pass(&mut self, minutes: i64) {
        self.now += minutes * 60_000;
        let now = Timestamp::from_millis(self.now);
        self.hub.set_clock(now);
        for site in &self.sites {
            site.set_clock(now);
        }
    }

    /// Lines fail and come back, processes die.
    fn faults(&mut self) -> Result<()> {
        let at = self.rng.index(self.sites.len());
        if self.lines[at].cut_until <= self.step && self.rng.chance(1, 12) {
            let steps = if self.rng.chance(1, 4) { 60 } else { 8 };
            let steps = self.rng.between(1, steps);
            self.lines[at].cut_until = self.step + steps;
            self.lines[at].seat = None;
            line::part(&self.sites[at]);
            self.note(&format!("line of {at} cut for {steps}"));
        }
        if self.rng.chance(1, 30) {
            self.kill_node(at)?;
        }
        if self.rng.chance(1, 40) {
            self.kill_hub()?;
        }
        Ok(())
    }

    fn kill_node(&mut self, at: usize) -> Result<()> {
        self.note(&format!("node {at} killed"));
        self.lines[at].seat = None;
        self.sites[at].kill()?;
        self.done.kills += 1;
        self.observe(Touched::Site(at))
    }

    fn kill_hub(&mut self) -> Result<()> {
        self.note("hub killed");
        for line in &mut self.lines {
            line.seat = None;
        }
        self.hub.kill()?;
        self.done.kills += 1;
        self.observe(Touched::Hub)
    }

    /// Carries some frames over a line that is not cut.
    pub(crate) fn carry(&mut self, at: usize, frames: usize) -> Result<bool> {
        if self.lines[at].cut_until > self.step {
            return Ok(false);
        }
        let faulty = frames < 50;
        if self.lines[at].seat.is_none() {
            self.lines[at].seat = Some(line::greet(&self.hub, &self.sites[at])?);
            line::refer(&self.hub, &self.sites[at])?;
        }
        let mut moved = false;
        for _ in 0..frames {
            let mut draw = || {
                if faulty {
                    Faults::drawn(&mut self.rng)
                } else {
                    Faults::NONE
                }
            };
            let (up, down) = (draw(), draw());
            let mut more = line::send_up(&self.hub, &self.sites[at], up)?;
            self.observe(Touched::Hub)?;
            // The hub may die between its commit and the feed.
            if faulty && self.rng.chance(1, 60) {
                self.kill_hub()?;
                return Ok(true);
            }
            let lose = self.has(Bug::FeedItemLost) && self.step > 20;
            more |= line::send_down(&self.hub, &self.sites[at], down, lose)?;
            self.counted(at)?;
            self.observe(Touched::Site(at))?;
            moved |= more;
            if !more {
                break;
            }
        }
        Ok(moved)
    }

    /// What machines do by themselves.
    pub(crate) fn duties(&mut self) -> Result<()> {
        self.forget(Bug::DutyForgotten, self.hub.hub().store())?;
        ensure!(self.hub.rounds()?, "rounds about orders never end");
        self.observe(Touched::Hub)?;
        for at in 0..self.sites.len() {
            self.forget(Bug::WithdrawalForgotten, self.sites[at].node().store())?;
            ensure!(self.sites[at].rounds()?, "rounds about rights never end");
            self.observe(Touched::Site(at))?;
        }
        self.settle_money()
    }

    /// Problems that nobody told of.
    pub(crate) fn look(&mut self) -> Result<()> {
        let (hub, author) = (self.hub.hub().clone(), self.hub.author().clone());
        let picture = self.hub.run(orders::picture(&hub, Vec::new()))?;
        let (state, now) = (hub.clone(), hub.now());
        let forget = self.has(Bug::BreachKeepsThePromise);
        hub.store().write_blocking("look for problems", move |tx| {
            orders::expire_claims(tx, (&state, &author), &picture, now)?;
            if forget {
                let sql = "UPDATE exception SET state = 'resolved' WHERE kind = 'suspected_breach'";
                tx.execute(sql, [])
                    .map_err(evertill_storage::TableError::from)?;
            }
            exceptions::look(tx, &state, &author, &picture, now)
        })?;
        self.observe(Touched::Hub)
    }

    /// What came of it.
    pub(crate) fn outcome(mut self) -> Result<Outcome> {
        let hub = self.hub.hub().store();
        let stores = self.sites.iter().map(|site| site.node().store());
        for store in std::iter::once(hub).chain(stores) {
            for (table, hash) in store.read_blocking(rebuild::fingerprint)? {
                self.trace.update(table.as_bytes());
                self.trace.update(&hash);
            }
        }
        Ok(Outcome {
            violation: self.violation,
            trace: *self.trace.finalize().as_bytes(),
            done: self.done,
        })
    }
}
