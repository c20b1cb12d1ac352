//! A hub, its stores, their clients and everything that goes wrong.
//!
//! The decisions, events, sessions, frames, chains, feed items and the gate are
//! the real ones; disks, lines and clocks are models. All chance comes from the
//! seed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use evertill_domain::{DocumentId, ReplicaId, Seq, Timestamp};
use evertill_sync::Channel;

use crate::bug::Bug;
use crate::command::{Answer, Command, Operation};
use crate::hub::{HUB, Hub};
use crate::net::{ConnectionId, Net, Way};
use crate::node::Node;
use crate::queue::{DAY, Millis, Queue};
use crate::rng::Rng;
use crate::shop::{Reference, location_id};
use crate::tables::Requested;
use crate::trace::Trace;

/// What a run simulates.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Decides everything else.
    pub seed: u64,
    /// Days with sales and faults.
    pub days: i64,
    /// Stores.
    pub stores: usize,
    /// Commands of a store in a day, most of them sales.
    pub sales: u64,
    /// A deliberate mistake.
    pub bug: Option<Bug>,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client asks for what it wants, again and again until it is answered.
    Ask(usize, Operation),
    /// The hub's operator has something counted.
    AskForCount(Operation),
    /// A clerk posts a count that is on the task list.
    Post(usize, DocumentId),
    /// The hub's operator changes prices.
    NewPrices,
    /// The hub's operator revokes a node's certificate, or issues another.
    Revoke(usize, bool),
    NodeSynced(usize, u64),
    HubSynced(u64),
    Dial(usize, u64),
    Arrive(ConnectionId, Way, Channel, Vec<u8>),
    NodeWake(ConnectionId),
    HubWake(ConnectionId),
    OpenWindow(ConnectionId),
    StartNode(usize),
    StartHub,
    CrashNode(usize),
    CrashHub,
    Break(usize),
    NodeNotices(ConnectionId),
    HubNotices(ConnectionId),
    Partition(usize, Millis),
    FillNode(usize, bool),
    FillHub(bool),
    Jump(usize, Millis),
    Hostile(usize),
}

/// A count that the hub's operator wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) store: usize,
    pub(crate) product: usize,
    /// What the counter found, in thousandths.
    pub(crate) counted: i64,
    /// The hub's answer.
    pub(crate) answered: Option<Requested>,
}

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) queue: Queue<Event>,
    pub(crate) net: Net,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    pub(crate) nodes: Vec<Node>,
    pub(crate) hub: Hub,
    /// What each client wants.
    pub(crate) commands: BTreeMap<Operation, (usize, Command)>,
    /// The simulator's own list of what was answered, and by which store.
    pub(crate) answered: BTreeMap<Operation, (usize, Answer)>,
    /// What was refused for good.
    pub(crate) refused: BTreeSet<Operation>,
    pub(crate) asked: u64,
    pub(crate) counts: BTreeMap<Operation, Count>,
    /// Counts that a clerk saw posted: in which store, as which entry.
    pub(crate) posted: BTreeMap<DocumentId, (usize, Seq)>,
    pub(crate) hostile: Vec<(ReplicaId, Seq)>,
    /// When each session asked to be woken; a later request replaces it.
    pub(crate) wakes: BTreeMap<(ConnectionId, Way), Millis>,
    pub(crate) references: BTreeMap<u64, Rc<Reference>>,
    pub(crate) calm: bool,
    /// The first rule that was broken while running, if any.
    pub(crate) broken: Option<(&'static str, String)>,
}

/// Wall clock at the start of a run.
const EPOCH: Millis = 1_780_000_000_000;

impl World {
    pub(crate) fn new(config: Config, trace: Trace) -> Self {
        let mut rng = Rng::new(config.seed);
        let net = Net::new(config.stores, rng.fork());
        let nodes = (0..config.stores).map(|index| Node::new(index, &mut rng));
        let mut world = Self {
            nodes: nodes.collect(),
            config,
            queue: Queue::default(),
            net,
            rng,
            trace,
            hub: Hub::default(),
            commands: BTreeMap::new(),
            answered: BTreeMap::new(),
            refused: BTreeSet::new(),
            asked: 0,
            counts: BTreeMap::new(),
            posted: BTreeMap::new(),
            hostile: Vec::new(),
            wakes: BTreeMap::new(),
            references: BTreeMap::new(),
            calm: false,
            broken: None,
        };
        world.plan();
        world
    }

    /// Runs to the end of the last day and then until all is quiet.
    pub(crate) fn run(&mut self) {
        let end = self.config.days * DAY;
        while self.queue.next_at().is_some_and(|at| at <= end) && self.broken.is_none() {
            self.step();
        }
        self.calm = true;
        self.net.mend();
        self.hub.db.disk.full = false;
        for node in &mut self.nodes {
            node.db.disk.full = false;
        }
        for store in 0..self.config.stores {
            self.queue.after(0, Event::Revoke(store, false));
        }
        while self.queue.next_at().is_some_and(|at| at <= end + DAY)
            && self.unrest().is_some()
            && self.broken.is_none()
        {
            self.step();
        }
    }

    /// What keeps the world from being at rest: something asked for that is not
    /// done, stable and known to everybody.
    pub(crate) fn unrest(&self) -> Option<String> {
        let hub = &self.hub.db;
        let open = self.asked - (self.answered.len() + self.refused.len()) as u64;
        if open > 0 {
            return Some(format!("{open} commands are without answer"));
        }
        let settled = |count: &Count| {
            let answer = count.answered;
            answer.is_some_and(|answer| self.posted.contains_key(&answer.document))
        };
        if let Some((operation, count)) = self.counts.iter().find(|(_, count)| !settled(count)) {
            return Some(format!("count {operation} is open: {count:?}"));
        }
        if !self.hub.up || !hub.is_stable() || !hub.tables.revoked.is_empty() {
            return Some("the hub is down, busy or keeps a store out".to_owned());
        }
        (0..self.nodes.len()).find_map(|store| self.unrest_of(store))
    }

    fn unrest_of(&self, store: usize) -> Option<String> {
        let (node, hub) = (&self.nodes[store], &self.hub.db.tables);
        let (own, location) = (&node.db.tables, location_id(store));
        let head = own.head(node.replica).seq;
        let feeds = [own, hub].map(|tables| tables.feed_head(HUB, &location).seq);
        let what = if !node.up || !node.db.is_stable() {
            "it is down or busy".to_owned()
        } else if node.acknowledged != head {
            format!("{} of {head} entries are acknowledged", node.acknowledged)
        } else if own.version != hub.version {
            format!("prices are {} of {}", own.version, hub.version)
        } else if feeds[0] != feeds[1] {
            format!("the feed is at {} of {}", feeds[0], feeds[1])
        } else {
            return None;
        };
        Some(format!("store {store}: {what}"))
    }

    pub(crate) fn wall(&self, store: usize) -> Timestamp {
        Timestamp::from_millis(EPOCH + self.queue.now() + self.nodes[store].clock)
    }

    /// The hub's clock, which is right, as are those of clients.
    pub(crate) fn hub_clock(&self) -> Timestamp {
        Timestamp::from_millis(EPOCH + self.queue.now())
    }

    /// The reference data of a version.
    pub(crate) fn reference(&mut self, version: u64) -> Rc<Reference> {
        let made = self.references.entry(version);
        Rc::clone(made.or_insert_with(|| Rc::new(Reference::of(version))))
    }

    pub(crate) fn say(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.line(self.queue.now(), what);
    }

    pub(crate) fn fail(&mut self, oracle: &'static str, what: String) {
        self.broken.get_or_insert((oracle, what));
    }

    fn step(&mut self) {
        let Some(event) = self.queue.pop() else {
            return;
        };
        match event {
            Event::Ask(store, operation) => self.ask(store, operation),
            Event::AskForCount(operation) => self.ask_for_count(operation),
            Event::Post(store, document) => self.post(store, document),
            Event::NewPrices => self.new_prices(),
            Event::Revoke(store, revoked) => self.revoke(store, revoked),
            Event::NodeSynced(store, life) => self.node_synced(store, life),
            Event::HubSynced(life) => self.hub_synced(life),
            Event::Dial(store, life) => self.dial(store, life),
            Event::Arrive(id, way, channel, bytes) => self.arrive(id, way, channel, bytes),
            Event::NodeWake(id) if self.is_due(id, Way::Up) => self.node_woke(id),
            Event::HubWake(id) if self.is_due(id, Way::Down) => {
                self.hub_input(id, evertill_sync::HubInput::Woke);
            }
            Event::NodeWake(_) | Event::HubWake(_) => {}
            Event::OpenWindow(id) => self.open_window(id),
            Event::StartNode(store) => self.start_node(store),
            Event::StartHub => self.start_hub(),
            Event::NodeNotices(id) => self.node_lost(id),
            Event::HubNotices(id) => drop(self.hub.links.remove(&id)),
            fault => self.strike(&fault),
        }
    }

    /// Plans the wake-up of one end of a connection, in place of any earlier plan.
    pub(crate) fn wake(&mut self, id: ConnectionId, way: Way, delay: Millis) {
        let at = self.queue.now() + delay.max(0);
        self.wakes.insert((id, way), at);
        let event = match way {
            Way::Up => Event::NodeWake(id),
            Way::Down => Event::HubWake(id),
        };
        self.queue.at(at, event);
    }

    fn is_due(&mut self, id: ConnectionId, way: Way) -> bool {
        let due = self.wakes.get(&(id, way)) == Some(&self.queue.now());
        due && self.wakes.remove(&(id, way)).is_some()
    }
}
