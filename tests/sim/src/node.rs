//! A store: its process lives, its clients and its writer.

use std::rc::Rc;

use evertill_domain::{ActorId, DocumentId, Hlc, NodeId, ReplicaId, Seq};
use evertill_journal::{Control, Entry, Part, Sealed, Start, Watermark};
use evertill_sync::{NodeInput, NodeSession, ReferencePosition};

use crate::bug::Bug;
use crate::command::{Answer, Operation};
use crate::net::ConnectionId;
use crate::queue::{HOUR, MINUTE, Millis, SECOND};
use crate::rng::Rng;
use crate::shop::{REGISTERS, location_id};
use crate::tables::{Database, Op};
use crate::world::{Event, World};

pub(crate) struct Node {
    pub(crate) db: Database,
    pub(crate) replica: ReplicaId,
    pub(crate) id: NodeId,
    pub(crate) actor: ActorId,
    pub(crate) up: bool,
    pub(crate) life: u64,
    pub(crate) clock: Millis,
    pub(crate) attempt: u32,
    /// What waits for the log to be stable up to some transaction.
    pub(crate) waiting: Vec<(usize, Wait)>,
    pub(crate) link: Option<(ConnectionId, NodeSession)>,
    /// What the hub acknowledged, at most; it may never hold less.
    pub(crate) acknowledged: Seq,
    /// Numbers drawn in this process life; only a deliberate bug looks at it.
    pub(crate) drawn: [u64; REGISTERS],
}

/// Who is told once something is stable.
#[derive(Clone, Debug)]
pub(crate) enum Wait {
    /// A client.
    Client(Operation, Answer),
    /// The session, of a page of the feed.
    Feed(ConnectionId, Watermark),
    /// The session, of a reference page.
    Staged(ConnectionId, ReferencePosition),
    /// The clerk who posted a count.
    Clerk(DocumentId, Seq),
}

impl Node {
    pub(crate) fn new(index: usize, rng: &mut Rng) -> Self {
        // The low byte tells the store apart; the code of its receipts is the top.
        let replica = ReplicaId((rng.next() & !0xff) | (index as u64 + 1));
        Self {
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
            drawn: [0; REGISTERS],
        }
    }
}

impl World {
    pub(crate) fn start_node(&mut self, store: usize) {
        let actor = ActorId(self.rng.bytes());
        let node = &mut self.nodes[store];
        if node.up {
            return;
        }
        node.up = true;
        node.life += 1;
        node.actor = actor;
        node.attempt = 0;
        node.drawn = [0; REGISTERS];
        let start = Start {
            actor,
            node: node.id,
            location: location_id(store),
            predecessor: None,
            registers: Vec::new(),
        };
        let life = node.life;
        let sealed = self.seal(store, Some(Control::Start(start)), Vec::new());
        let ops = vec![Op::Entry(Rc::new(sealed))];
        if self.write_node(store, ops).is_none() {
            // Without room for its start entry a process cannot begin.
            self.nodes[store].up = false;
            self.queue.after(60 * SECOND, Event::StartNode(store));
            return;
        }
        self.sync_node(store);
        self.plan_postings(store);
        self.queue.after(1, Event::Dial(store, life));
    }

    pub(crate) fn crash_node(&mut self, store: usize) {
        if !self.nodes[store].up {
            return;
        }
        let node = &mut self.nodes[store];
        node.up = false;
        node.life += 1;
        node.waiting.clear();
        node.link = None;
        node.db.crash(&mut self.rng);
        let restart = self.rng.between(1, 1_800) * SECOND;
        self.queue.after(restart, Event::StartNode(store));
    }

    /// The next entry of the store's own journal.
    pub(crate) fn seal(
        &mut self,
        store: usize,
        control: Option<Control>,
        parts: Vec<Part>,
    ) -> Sealed {
        let now = self.wall(store);
        let node = &self.nodes[store];
        let journal = node.db.tables.journals.get(&node.replica);
        let last = journal.and_then(|journal| journal.last());
        let hlc = last.map_or(Hlc(0), |sealed| sealed.entry.hlc).tick(now);
        let head = node.db.tables.head(node.replica);
        let entry = Entry {
            control,
            parts,
            ..Entry::after(node.replica, &head, hlc)
        };
        Sealed::seal(entry).expect("invariant: the simulator writes valid entries")
    }

    /// One transaction of a node: where the log ends then, or nothing if the
    /// disk has no room, which may happen at any write.
    pub(crate) fn write_node(&mut self, store: usize, ops: Vec<Op>) -> Option<usize> {
        let full = !self.calm && self.rng.chance(1, 400);
        let db = &mut self.nodes[store].db;
        if full || db.commit(ops).is_err() {
            self.say(format_args!("store {store} finds its disk full"));
            return None;
        }
        Some(db.disk.written())
    }

    /// Begins a sync; power likes to fail just then.
    pub(crate) fn sync_node(&mut self, store: usize) {
        let node = &mut self.nodes[store];
        let life = node.life;
        if node.db.begin_sync() {
            let latency = self.rng.between(1, 10);
            self.queue.after(latency, Event::NodeSynced(store, life));
            if !self.calm && self.rng.chance(1, 80) {
                let delay = self.rng.between(0, 12);
                self.queue.after(delay, Event::CrashNode(store));
            }
        }
        if self.config.bug == Some(Bug::ShipUnsynced) {
            let head = self.nodes[store].db.tables.head(self.nodes[store].replica);
            self.node_input(store, NodeInput::Committed { head });
        }
    }

    pub(crate) fn node_synced(&mut self, store: usize, life: u64) {
        let node = &mut self.nodes[store];
        if node.life != life || !node.up {
            return;
        }
        node.db.end_sync();
        let stable = node.db.disk.stable();
        let head = node.db.stable.head(node.replica);
        let waiting = std::mem::take(&mut node.waiting);
        let (done, later) = waiting.into_iter().partition(|(at, _)| *at <= stable);
        node.waiting = later;
        let done: Vec<(usize, Wait)> = done;
        for (_, wait) in done {
            self.tell(store, wait);
        }
        self.node_input(store, NodeInput::Committed { head });
        self.sync_node(store);
    }

    pub(crate) fn tell(&mut self, store: usize, wait: Wait) {
        let linked = |node: &Node, id| node.link.as_ref().is_some_and(|(link, _)| *link == id);
        match wait {
            Wait::Client(operation, answer) => {
                // Some answers never reach their client, which asks again.
                if !self.rng.chance(1, 50) {
                    self.answer(store, operation, answer);
                }
            }
            Wait::Feed(id, at) if linked(&self.nodes[store], id) => {
                self.plan_postings(store);
                self.node_input(store, NodeInput::FeedCommitted { at });
            }
            Wait::Staged(id, position) if linked(&self.nodes[store], id) => {
                self.node_input(store, NodeInput::ReferenceStaged { position });
            }
            Wait::Feed(..) => self.plan_postings(store),
            Wait::Staged(..) => {}
            Wait::Clerk(document, seq) => {
                self.posted.insert(document, (store, seq));
            }
        }
    }

    /// A client asks; it comes again until it has its answer.
    pub(crate) fn ask(&mut self, store: usize, operation: Operation) {
        let again = self.answered.contains_key(&operation);
        if self.refused.contains(&operation) {
            return;
        }
        if !again {
            self.queue.after(5 * SECOND, Event::Ask(store, operation));
        }
        if !self.nodes[store].up {
            return;
        }
        let node = &self.nodes[store];
        let known = node.db.tables.answers.get(&operation).cloned();
        let waits = node
            .waiting
            .iter()
            .any(|(_, wait)| matches!(wait, Wait::Client(other, _) if *other == operation));
        if waits {
            return;
        }
        let answer = match known {
            Some(answer) if self.nodes[store].db.is_stable() => {
                // Committed long ago, only the answer was lost on its way.
                return self.answer(store, operation, answer);
            }
            Some(answer) => answer,
            None => match self.carry_out(store, operation) {
                Some(answer) => answer,
                None => return,
            },
        };
        let node = &mut self.nodes[store];
        let written = node.db.disk.written();
        node.waiting
            .push((written, Wait::Client(operation, answer.clone())));
        if self.config.bug == Some(Bug::AcknowledgeBeforeFsync) {
            self.answer(store, operation, answer);
        }
        self.sync_node(store);
    }

    /// The client hears; should it hear twice, then the same.
    fn answer(&mut self, store: usize, operation: Operation, answer: Answer) {
        let printed = answer.receipt.as_ref();
        let printed = printed.map_or_else(String::new, |receipt| receipt.number.to_string());
        self.say(format_args!(
            "store {store} answers {operation} with entry {} {printed}",
            answer.seq
        ));
        match self.answered.get(&operation) {
            Some((_, first)) if *first != answer => {
                let what = format!("{operation} was answered in two ways");
                self.fail("a repeated request gets the first answer", what);
            }
            Some(_) => {}
            None => {
                self.answered.insert(operation, (store, answer));
                if self.rng.chance(1, 20) {
                    // The client did not notice and comes back much later.
                    let delay = self.rng.between(SECOND, 2 * HOUR);
                    self.queue.after(delay, Event::Ask(store, operation));
                }
            }
        }
    }

    /// A clerk looks at the task list now and then.
    pub(crate) fn plan_postings(&mut self, store: usize) {
        for document in self.open_counts(store) {
            let delay = self.rng.between(SECOND, 20 * MINUTE);
            self.queue.after(delay, Event::Post(store, document));
        }
    }
}
