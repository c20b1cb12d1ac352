//! A hub, its stores, their clients and everything that goes wrong.
//!
//! The sessions, frames, chains and the gate are the real ones; disks, lines
//! and clocks are models. All chance comes from the seed.

use std::collections::BTreeMap;

use evertill_domain::{ActorId, NodeId, ReplicaId, Timestamp};
use evertill_sync::{Channel, HubSession, NodeSession};

use crate::bug::Bug;
use crate::model::Database;
use crate::net::{ConnectionId, Net, Way};
use crate::queue::{DAY, HOUR, MINUTE, Millis, Queue, SECOND};
use crate::rng::Rng;
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
    /// Sales of a store in a day.
    pub sales: u64,
    /// A deliberate mistake.
    pub bug: Option<Bug>,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client asks for its sale, again and again until it is answered.
    Ask(usize, u64),
    NodeSynced(usize, u64),
    HubSynced(u64),
    Dial(usize, u64),
    Arrive(ConnectionId, Way, Channel, Vec<u8>),
    NodeWake(ConnectionId),
    HubWake(ConnectionId),
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

pub(crate) struct Node {
    pub(crate) db: Database,
    pub(crate) replica: ReplicaId,
    pub(crate) id: NodeId,
    pub(crate) actor: ActorId,
    pub(crate) up: bool,
    pub(crate) life: u64,
    pub(crate) clock: Millis,
    pub(crate) attempt: u32,
    pub(crate) waiting: Vec<(usize, u64)>,
    pub(crate) link: Option<(ConnectionId, NodeSession)>,
    /// What the hub acknowledged, at most; it may never hold less.
    pub(crate) acknowledged: u64,
    /// Numbers drawn in this process life; only a deliberate bug looks at it.
    pub(crate) drawn: u64,
}

pub(crate) struct Hub {
    pub(crate) db: Database,
    pub(crate) up: bool,
    pub(crate) life: u64,
    pub(crate) links: BTreeMap<ConnectionId, (usize, HubSession)>,
    pub(crate) waiting: Vec<(usize, ConnectionId)>,
    /// Projections that a deliberate bug writes after the acknowledgement.
    pub(crate) late: Vec<Vec<crate::model::Op>>,
}

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) queue: Queue<Event>,
    pub(crate) net: Net,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    pub(crate) nodes: Vec<Node>,
    pub(crate) hub: Hub,
    /// The simulator's own list: operation to the receipt number answered.
    pub(crate) answered: BTreeMap<u64, (usize, u64)>,
    pub(crate) asked: u64,
    pub(crate) hostile: Vec<(ReplicaId, u64)>,
    /// When each session asked to be woken; a later request replaces it.
    pub(crate) wakes: BTreeMap<(ConnectionId, Way), Millis>,
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
        let nodes = (0..config.stores)
            .map(|index| new_node(index, &mut rng))
            .collect();
        let mut world = Self {
            config,
            queue: Queue::default(),
            net,
            rng,
            trace,
            nodes,
            hub: Hub {
                db: Database::default(),
                up: false,
                life: 0,
                links: BTreeMap::new(),
                waiting: Vec::new(),
                late: Vec::new(),
            },
            answered: BTreeMap::new(),
            asked: 0,
            hostile: Vec::new(),
            wakes: BTreeMap::new(),
            calm: false,
            broken: None,
        };
        world.plan();
        world
    }

    /// Plans openings, sales and faults.
    fn plan(&mut self) {
        let end = self.config.days * DAY;
        self.queue.at(0, Event::StartHub);
        for store in 0..self.config.stores {
            self.queue.at(0, Event::StartNode(store));
            let sales = self.config.sales * self.config.days.unsigned_abs();
            for _ in 0..sales {
                self.asked += 1;
                let at = self.rng.between(MINUTE, end);
                self.queue.at(at, Event::Ask(store, self.asked));
            }
            for _ in 0..3 * self.config.days {
                let at = self.rng.between(0, end);
                let event = self.fault(store, at);
                self.queue.at(at, event);
            }
            let at = self.rng.between(HOUR, end);
            self.queue.at(at, Event::Hostile(store));
        }
        for _ in 0..self.config.days {
            let at = self.rng.between(0, end);
            self.queue.at(at, Event::CrashHub);
        }
        let at = self.rng.between(0, end);
        self.queue.at(at, Event::FillHub(true));
        self.queue.at(at + HOUR, Event::FillHub(false));
    }

    fn fault(&mut self, store: usize, at: Millis) -> Event {
        match self.rng.below(6) {
            0 => Event::CrashNode(store),
            1 => {
                let lasting = *self.rng.pick(&[10 * SECOND, MINUTE, HOUR, DAY, 3 * DAY]);
                Event::Partition(store, at + lasting)
            }
            2 => {
                self.queue.at(at + HOUR, Event::FillNode(store, false));
                Event::FillNode(store, true)
            }
            3 => Event::Jump(store, self.rng.between(-30 * HOUR, 30 * HOUR)),
            _ => Event::Break(store),
        }
    }

    /// Runs to the end of the last day and then until all is quiet.
    pub(crate) fn run(&mut self) {
        let end = self.config.days * DAY;
        while self.queue.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.calm = true;
        self.net.mend();
        self.hub.db.disk.full = false;
        for node in &mut self.nodes {
            node.db.disk.full = false;
        }
        while self.queue.next_at().is_some_and(|at| at <= end + DAY) && !self.is_quiet() {
            self.step();
        }
    }

    /// Whether every sale is answered and the hub has acknowledged every entry.
    pub(crate) fn is_quiet(&self) -> bool {
        self.answered.len() as u64 == self.asked
            && self.hub.up
            && self.hub.db.disk.written() == self.hub.db.disk.stable()
            && self.nodes.iter().all(|node| {
                let head = node.db.tables.head(node.replica).seq;
                node.up
                    && node.acknowledged == head
                    && node.db.stable_head(node.replica).seq == head
            })
    }

    pub(crate) fn wall(&self, store: usize) -> Timestamp {
        Timestamp::from_millis(EPOCH + self.queue.now() + self.nodes[store].clock)
    }

    pub(crate) fn hub_clock(&self) -> Timestamp {
        Timestamp::from_millis(EPOCH + self.queue.now())
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
            Event::NodeSynced(store, life) => self.node_synced(store, life),
            Event::HubSynced(life) => self.hub_synced(life),
            Event::Dial(store, life) => self.dial(store, life),
            Event::Arrive(id, way, channel, bytes) => self.arrive(id, way, channel, bytes),
            Event::NodeWake(id) if self.is_due(id, Way::Up) => self.node_woke(id),
            Event::HubWake(id) if self.is_due(id, Way::Down) => {
                self.hub_input(id, evertill_sync::HubInput::Woke);
            }
            Event::NodeWake(_) | Event::HubWake(_) => {}
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

    fn strike(&mut self, fault: &Event) {
        if self.calm {
            return;
        }
        self.say(format_args!("fault {fault:?}"));
        match *fault {
            Event::CrashNode(store) => self.crash_node(store),
            Event::CrashHub => self.crash_hub(),
            Event::Break(store) => self.cut(store),
            Event::Partition(store, until) => self.net.partition(store, until),
            Event::FillNode(store, full) => self.nodes[store].db.disk.full = full,
            Event::FillHub(full) => self.hub.db.disk.full = full,
            Event::Jump(store, by) => self.nodes[store].clock += by,
            Event::Hostile(store) => self.hostile_entry(store),
            _ => {}
        }
    }

    /// A connection breaks: each side learns of it at its own time, or never.
    fn cut(&mut self, store: usize) {
        let Some((id, _)) = &self.nodes[store].link else {
            return;
        };
        let id = *id;
        self.net.break_off(id, self.queue.now());
        let delay = self.rng.between(0, 5 * SECOND);
        self.queue.after(delay, Event::NodeNotices(id));
        if self.rng.chance(2, 3) {
            let delay = self.rng.between(0, 20 * SECOND);
            self.queue.after(delay, Event::HubNotices(id));
        }
    }
}

fn new_node(index: usize, rng: &mut Rng) -> Node {
    // The low byte tells the store apart; the code of its receipts is the top.
    let replica = ReplicaId((rng.next() & !0xff) | (index as u64 + 1));
    Node {
        db: Database::default(),
        replica,
        id: NodeId(rng.next()),
        actor: ActorId(rng.bytes()),
        up: false,
        life: 0,
        clock: 0,
        attempt: 0,
        waiting: Vec::new(),
        link: None,
        acknowledged: 0,
        drawn: 0,
    }
}
