//! One run: time goes on, people do things, machines do their duties, lines carry
//! what they can.
//!
//! Invariant: the order of everything follows from the seed.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use evertill_domain::exception::ExceptionKind;
use evertill_domain::{DocumentId, ReplicaId, Seq, Sku, Timestamp};
use evertill_hub::live::Admitted;
use evertill_hub::services::{exceptions, orders};
use evertill_sim::rng::Rng;
use evertill_storage::{TableError, completeness, rebuild};

use crate::bug::Bug;
use crate::ledger::Ledger;
use crate::line::{self, Faults};
use crate::lives::{Backup, Lost};
use crate::machines::{HubSite, Site};
use crate::oracle::{Books, Touched};
use crate::shop::{plenty, set_up, skus};
use crate::strays::Stray;
use crate::truth::{Pair, Picture, Truth};
use crate::{Config, Done, Outcome};

/// Things that people do in a step.
const ACTS: usize = 2;
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
    pub(crate) sku: Sku,
    /// In portions, as all that people count.
    pub(crate) quantity: i64,
    /// An unpaid cart.
    pub(crate) unpaid: bool,
    /// Whether the customer pays at the counter.
    pub(crate) at_counter: bool,
    /// What the customer has.
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
    pub(crate) receipts: Vec<(usize, String, Sku)>,
    pub(crate) named: u64,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) truth: Truth,
    pub(crate) books: Books,
    pub(crate) done: Done,
    pub(crate) trace: blake3::Hasher,
    pub(crate) violation: Option<(&'static str, String)>,
    /// A copy of a node's folder, for the bugs that set one back.
    pub(crate) copy: Option<(usize, tempfile::TempDir)>,
    /// Where machines' folders are.
    pub(crate) root: PathBuf,
    /// How many machines there were.
    pub(crate) boxes: u64,
    /// What each store's machine wrote.
    pub(crate) ledgers: Vec<Ledger>,
    /// What each store's machine last told the hub of its journal's reach.
    pub(crate) announced: Vec<(ReplicaId, Seq)>,
    /// Copies of stores' folders.
    pub(crate) backups: Vec<Option<Backup>>,
    /// Whether a store's machine was set back, marker and all: it will never
    /// agree with the hub again.
    pub(crate) astray: Vec<bool>,
    /// Replicas that are lost and not sealed yet.
    pub(crate) lost: Vec<Lost>,
    /// Machines that are gone and trade on somewhere.
    pub(crate) strays: Vec<Stray>,
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
        set_up(hub.hub(), sites.iter().map(|site| &site.location), at)?;
        let replicas = sites.iter().map(|site| site.author().replica);
        let ledgers: Vec<Ledger> = replicas.map(Ledger::of).collect();
        let announced = ledgers.iter().map(|ledger| (ledger.replica, 0)).collect();
        let count = sites.len();
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
            root: dir.to_owned(),
            boxes: config.stores,
            ledgers,
            announced,
            backups: (0..count).map(|_| None).collect(),
            astray: vec![false; count],
            lost: Vec::new(),
            strays: Vec::new(),
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
            for _ in 0..ACTS {
                self.act()?;
            }
            self.faults()?;
            self.mishaps()?;
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
                let units = self.rng.between(3, 12) * plenty(&sku);
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

    /// Lines fail and come back, processes die, clocks are set wrong and right.
    fn faults(&mut self) -> Result<()> {
        let at = self.rng.index(self.sites.len());
        if self.rng.chance(1, 40) {
            let hours = self.rng.between(-30, 30);
            let is_right = self.sites[at].skew == 0;
            self.sites[at].skew = if is_right { hours * 3_600_000 } else { 0 };
        }
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
        if self.lines[at].seat.is_none() && !self.connect(at)? {
            return Ok(false);
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
            self.announce(at)?;
            self.observe(Touched::Hub)?;
            // The hub may die between its commit and the feed.
            if faulty && self.rng.chance(1, 60) {
                self.kill_hub()?;
                return Ok(true);
            }
            let lose = self.has(Bug::FeedItemLost) && self.step > 20;
            more |= line::send_down(&self.hub, &self.sites[at], down, lose)?;
            // The node may die between its commit and what it does about it.
            if faulty && self.rng.chance(1, 80) {
                self.kill_node(at)?;
                return Ok(true);
            }
            self.post_counts(at)?;
            self.observe(Touched::Site(at))?;
            moved |= more;
            if !more {
                break;
            }
        }
        Ok(moved)
    }

    /// The store's machine says hello; false if the two do not agree.
    fn connect(&mut self, at: usize) -> Result<bool> {
        let compares = !self.has(Bug::ResumeOldCopy);
        self.lines[at].seat = line::greet(&self.hub, &self.sites[at], compares)?;
        if self.lines[at].seat.is_none() {
            if !self.astray[at] {
                let what = format!("{} is refused", self.sites[at].location);
                self.violated("whoever was not set back is known again", what);
            }
            return Ok(false);
        }
        if self.astray[at] {
            let what = format!("{} goes on", self.sites[at].location);
            self.violated("a machine that was set back is found out", what);
        }
        self.announce(at)?;
        line::refer(&self.hub, &self.sites[at])?;
        self.observe(Touched::Hub)?;
        self.post_counts(at)?;
        self.observe(Touched::Site(at))?;
        Ok(true)
    }

    /// Notes what the hub was told of a journal's reach.
    fn announce(&mut self, at: usize) -> Result<()> {
        let site = &self.sites[at];
        self.announced[at] = (site.author().replica, line::head(site)?.seq);
        Ok(())
    }

    /// What machines do by themselves.
    pub(crate) fn duties(&mut self) -> Result<()> {
        self.forget(Bug::DutyForgotten, self.hub.hub().store())?;
        if self.has(Bug::SettleInCatchUp) {
            self.hub_sql(
                "UPDATE journal SET announced_seq = head_seq, announced_hash = head_hash",
            )?;
        }
        ensure!(self.hub.rounds()?, "rounds about orders never end");
        self.observe(Touched::Hub)?;
        for at in 0..self.sites.len() {
            self.forget(Bug::WithdrawalForgotten, self.sites[at].node().store())?;
            ensure!(self.sites[at].rounds()?, "rounds about rights never end");
            if self.rng.chance(3, 4) {
                self.sites[at].mark();
            }
            self.observe(Touched::Site(at))?;
        }
        self.settle_money()
    }

    /// Problems that nobody told of.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.succeed()?;
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
        self.observe(Touched::Hub)?;
        self.suspicions()
    }

    /// What only promises can cover is looked for on the shelf.
    fn suspicions(&mut self) -> Result<()> {
        let store = self.hub.hub().store();
        let (untold, open) = store.read_blocking(|conn| {
            let kind = ExceptionKind::SuspectedBreach;
            let open = evertill_storage::exceptions::open_of_kind(conn, kind)?;
            Ok::<_, TableError>((completeness::incomplete(conn)?, open))
        })?;
        for pair in self.pairs(None) {
            let key = exceptions::breach_key(&pair.0, &pair.1);
            let is_open = open.iter().any(|one| one.opening.key == key);
            let unbacked = self.pictures[0].unbacked(&pair);
            if unbacked > 0 && !is_open && !untold.contains(&pair.0) {
                let what = format!("{pair:?}: {unbacked}");
                self.violated("what only promises can cover is looked for", what);
            }
        }
        Ok(())
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
