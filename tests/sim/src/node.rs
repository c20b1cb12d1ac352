//! A store: its till clients, its writer, and the shell around its session.

use std::rc::Rc;

use evertill_documents::{PART_CODEC, create};
use evertill_domain::{ActorId, Hlc};
use evertill_journal::{Compression, Control, Entry, Part, Sealed, Start, Watermark, pack};
use evertill_sync::{
    CloseReason, HubSession, NodeEffect, NodeInput, NodeSession, NodeStart, Note, PeerIdentity,
    ReferencePosition, reconnect_delay,
};

use crate::apply::receipt_number;
use crate::bug::Bug;
use crate::model::{Op, Sale};
use crate::net::{ConnectionId, Way};
use crate::queue::SECOND;
use crate::world::{Event, World};

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
        node.drawn = 0;
        let start = Start {
            actor,
            node: node.id,
            location: receipt_number(node.replica, 1).location,
            predecessor: None,
            registers: Vec::new(),
        };
        let life = node.life;
        let sealed = self.seal(store, Some(Control::Start(start)), Vec::new());
        let written = self.nodes[store]
            .db
            .commit(vec![Op::Entry(Rc::new(sealed))]);
        if written.is_err() {
            // Without room for its start entry a process cannot begin.
            self.nodes[store].up = false;
            self.queue.after(60 * SECOND, Event::StartNode(store));
            return;
        }
        self.sync_node(store);
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

    fn seal(&mut self, store: usize, control: Option<Control>, parts: Vec<Part>) -> Sealed {
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

    /// A client asks; it comes again until it has its answer.
    pub(crate) fn ask(&mut self, store: usize, operation: u64) {
        if self.answered.contains_key(&operation) {
            return;
        }
        self.queue.after(5 * SECOND, Event::Ask(store, operation));
        if !self.nodes[store].up {
            return;
        }
        let known = self.nodes[store].db.tables.answers.contains_key(&operation);
        let waits = self.nodes[store]
            .waiting
            .iter()
            .any(|(_, other)| *other == operation);
        if !known && !waits && !self.sell(store, operation) {
            return;
        }
        let node = &mut self.nodes[store];
        if known && node.db.disk.written() == node.db.disk.stable() {
            // Committed long ago, only the answer was lost on its way.
            self.answer(store, operation);
            return;
        }
        if !waits {
            node.waiting.push((node.db.disk.written(), operation));
        }
        self.sync_node(store);
        if self.config.bug == Some(Bug::AcknowledgeBeforeFsync) {
            self.answer(store, operation);
        }
        // Power likes to fail just when it matters.
        if !self.calm && self.rng.chance(1, 60) {
            let delay = self.rng.between(0, 12);
            self.queue.after(delay, Event::CrashNode(store));
        }
    }

    /// Decides and writes one sale; false if the disk is full.
    fn sell(&mut self, store: usize, operation: u64) -> bool {
        let bug = self.config.bug;
        let (sku, quantity) = (
            self.rng.next().to_be_bytes()[0] % 20,
            1 + (operation % 3) as u8,
        );
        let node = &mut self.nodes[store];
        node.drawn += 1;
        let number = if bug == Some(Bug::ReuseReceiptNumber) {
            node.drawn
        } else {
            node.db.tables.last_number + 1
        };
        let replica = node.replica;
        let seq = node.db.tables.head(replica).seq + 1;
        let sale = Sale {
            operation,
            number,
            sku,
            quantity,
        };
        let part = create(&node.actor, seq, 0, &[sale.encode()]);
        let sealed = self.seal(store, None, vec![part]);
        let mut ops = vec![
            Op::Entry(Rc::new(sealed)),
            Op::Project(replica, receipt_number(replica, number), sale),
            Op::Number(number),
        ];
        let answer = Op::Answer(operation, number);
        if bug != Some(Bug::ForgetIdempotencyKey) {
            ops.push(answer);
        }
        self.nodes[store].db.commit(ops).is_ok()
    }

    /// An entry with a good part and a bad one: kept, and applied by nobody.
    pub(crate) fn hostile_entry(&mut self, store: usize) {
        if !self.nodes[store].up {
            return;
        }
        let node = &self.nodes[store];
        let seq = node.db.tables.head(node.replica).seq + 1;
        let sale = Sale {
            operation: u64::MAX - seq,
            number: 1_000_000 + seq,
            sku: 1,
            quantity: 9,
        };
        let good = create(&node.actor, seq, 0, &[sale.encode()]);
        let mut bad = create(&node.actor, seq, 1, &[sale.encode()]);
        let place = self.rng.index(bad.change.len());
        bad.change[place] ^= 1 + (self.rng.next().to_be_bytes()[0] & 0x7f);
        let sealed = self.seal(store, None, vec![good, bad]);
        let replica = self.nodes[store].replica;
        let ops = vec![Op::Entry(Rc::new(sealed)), Op::Park(replica, seq)];
        if self.nodes[store].db.commit(ops).is_ok() {
            self.hostile.push((replica, seq));
            self.sync_node(store);
        }
    }

    fn sync_node(&mut self, store: usize) {
        let node = &mut self.nodes[store];
        let life = node.life;
        if node.db.begin_sync() {
            let latency = self.rng.between(1, 10);
            self.queue.after(latency, Event::NodeSynced(store, life));
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
        let head = node.db.stable_head(node.replica);
        let (done, later) = node
            .waiting
            .drain(..)
            .partition(|(written, _)| *written <= stable);
        node.waiting = later;
        let done: Vec<(usize, u64)> = done;
        for (_, operation) in done {
            // Some answers never reach their client, which asks again.
            if !self.rng.chance(1, 50) {
                self.answer(store, operation);
            }
        }
        self.node_input(store, NodeInput::Committed { head });
        self.sync_node(store);
    }

    fn answer(&mut self, store: usize, operation: u64) {
        let node = &self.nodes[store];
        let number = node.db.tables.answers.get(&operation).copied().or_else(|| {
            let find = |(_, other): &&(_, u64)| *other == operation;
            let receipt = node.db.tables.receipts.iter().rev().find(find);
            receipt.map(|(number, _)| number.seq)
        });
        let Some(number) = number else { return };
        self.say(format_args!(
            "store {store} answers {operation} with {number}"
        ));
        self.answered.insert(operation, (store, number));
    }

    pub(crate) fn dial(&mut self, store: usize, life: u64) {
        let now = self.queue.now();
        let node = &self.nodes[store];
        if node.life != life || !node.up || node.link.is_some() {
            return;
        }
        if !self.hub.up || !self.net.is_up(store, now) {
            self.redial(store);
            return;
        }
        let id = self.net.open(store);
        let location = receipt_number(self.nodes[store].replica, 1).location;
        let peer = PeerIdentity {
            node: self.nodes[store].id,
            location: location.clone(),
        };
        self.hub
            .links
            .insert(id, (store, HubSession::new(peer, self.hub_clock())));
        let wall = self.wall(store);
        let node = &mut self.nodes[store];
        let start = NodeStart {
            node: node.id,
            location,
            replica: node.replica,
            head: node.db.stable_head(node.replica),
            acknowledged: Watermark {
                seq: node.acknowledged,
                hash: node.db.stable_head(node.replica).hash,
            },
            feed: None,
            reference: ReferencePosition::default(),
            software: "sim".to_owned(),
        };
        node.link = Some((id, NodeSession::new(start, wall)));
        self.node_input(store, NodeInput::Opened { clock: wall });
    }

    fn redial(&mut self, store: usize) {
        let random = self.rng.next();
        let node = &mut self.nodes[store];
        let delay = reconnect_delay(node.attempt, random).cast_signed();
        node.attempt += 1;
        let life = node.life;
        self.queue.after(delay, Event::Dial(store, life));
    }

    pub(crate) fn node_of(&self, id: ConnectionId) -> Option<usize> {
        let holds = |link: &Option<(ConnectionId, NodeSession)>| {
            link.as_ref().is_some_and(|(other, _)| *other == id)
        };
        self.nodes.iter().position(|node| holds(&node.link))
    }

    pub(crate) fn node_woke(&mut self, id: ConnectionId) {
        if let Some(store) = self.node_of(id) {
            self.node_input(store, NodeInput::Woke);
        }
    }

    /// The node's own stack noticed that the connection is gone.
    pub(crate) fn node_lost(&mut self, id: ConnectionId) {
        if let Some(store) = self.node_of(id) {
            self.nodes[store].link = None;
            self.redial(store);
        }
    }

    pub(crate) fn node_input(&mut self, store: usize, input: NodeInput) {
        let now = self.wall(store);
        let Some((id, session)) = &mut self.nodes[store].link else {
            return;
        };
        let id = *id;
        for effect in session.handle(now, input) {
            self.node_effect(store, id, effect);
        }
    }

    fn node_effect(&mut self, store: usize, id: ConnectionId, effect: NodeEffect) {
        match effect {
            NodeEffect::Send { channel, bytes } => self.carry(id, Way::Up, channel, bytes),
            NodeEffect::LookUpOwn { seq } => {
                let node = &self.nodes[store];
                let at = usize::try_from(seq).unwrap_or(0).checked_sub(1);
                let journal = node.db.tables.journals.get(&node.replica);
                let own = at.and_then(|at| journal?.get(at)).map(|sealed| sealed.hash);
                self.node_input(store, NodeInput::OwnEntry { seq, hash: own });
            }
            NodeEffect::ReadJournal {
                after,
                max_entries,
                backlog,
                ..
            } => {
                let frame = self.read(store, &after, max_entries, backlog);
                self.node_input(store, NodeInput::JournalRead { frame });
            }
            NodeEffect::Acknowledged { at } => {
                let node = &mut self.nodes[store];
                node.attempt = 0;
                node.acknowledged = node.acknowledged.max(at.seq);
            }
            NodeEffect::Note(Note::HubLostEntries {
                acknowledged,
                holds,
            }) => {
                let what = format!("acknowledged {} but holds {}", acknowledged.seq, holds.seq);
                self.fail("the hub keeps what it acknowledged", what);
            }
            NodeEffect::WakeAt(at) => {
                let delay = at.as_millis() - self.wall(store).as_millis();
                self.wake(id, Way::Up, delay);
            }
            NodeEffect::Close(reason) => self.node_closed(store, id, &reason),
            _ => {}
        }
    }

    fn read(
        &self,
        store: usize,
        after: &Watermark,
        max_entries: usize,
        backlog: bool,
    ) -> Option<evertill_journal::Frame> {
        let node = &self.nodes[store];
        let unsynced = self.config.bug == Some(Bug::ShipUnsynced);
        let head = if unsynced {
            node.db.tables.head(node.replica)
        } else {
            node.db.stable_head(node.replica)
        };
        let journal = node.db.tables.journals.get(&node.replica)?;
        let from = usize::try_from(after.seq).ok()?;
        let to = usize::try_from(head.seq).ok()?.min(from + max_entries);
        let page: Vec<Sealed> = journal
            .get(from..to)?
            .iter()
            .map(|s| Sealed::clone(s))
            .collect();
        let started = journal[..from]
            .iter()
            .rev()
            .find_map(|s| s.entry.started_actor());
        let compression = if backlog {
            Compression::CatchUp
        } else {
            Compression::Live
        };
        pack(after, started, &page, compression, PART_CODEC).ok()
    }

    fn node_closed(&mut self, store: usize, id: ConnectionId, reason: &CloseReason) {
        self.say(format_args!("store {store} closes {id}: {reason:?}"));
        match reason {
            CloseReason::Protocol(what) => self.fail("the protocol is kept", what.clone()),
            CloseReason::Diverged(what) => {
                self.fail(
                    "the hub holds only what is durable at its node",
                    format!("{what:?}"),
                );
            }
            _ => {}
        }
        self.nodes[store].link = None;
        self.redial(store);
    }
}
