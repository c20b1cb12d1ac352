//! The shell around a node's session: what the session asks of the store's
//! database and of the line.

use evertill_documents::PART_CODEC;
use evertill_journal::{Compression, Frame, Sealed, Watermark, pack};
use evertill_sync::{
    CloseReason, FeedFrame, FeedPosition, HubSession, NodeEffect, NodeInput, NodeSession,
    NodeStart, Note, PeerIdentity, ReferencePage, RefusalCode, Retry, reconnect_delay,
};

use crate::apply::take_feed;
use crate::bug::Bug;
use crate::hub::HUB;
use crate::net::{ConnectionId, Way};
use crate::node::Wait;
use crate::queue::MINUTE;
use crate::shop::location_id;
use crate::tables::Op;
use crate::world::{Event, World};

impl World {
    pub(crate) fn dial(&mut self, store: usize, life: u64) {
        let now = self.queue.now();
        let node = &self.nodes[store];
        if node.life != life || !node.up || node.link.is_some() {
            return;
        }
        if !self.hub.up || !self.net.is_up(store, now) {
            self.redial(store, Retry::Backoff);
            return;
        }
        let id = self.net.open(store);
        let location = location_id(store);
        let peer = PeerIdentity {
            node: self.nodes[store].id,
            location: location.clone(),
        };
        let session = HubSession::new(peer, self.hub_clock());
        self.hub.links.insert(id, (store, session));
        let wall = self.wall(store);
        let node = &mut self.nodes[store];
        let head = node.db.stable.head(node.replica);
        let feed = node.db.stable.feed(HUB, &location);
        let start = NodeStart {
            node: node.id,
            location,
            replica: node.replica,
            head,
            acknowledged: Watermark {
                seq: node.acknowledged,
                hash: head.hash,
            },
            feed: (feed.seq > 0).then_some(FeedPosition { hub: HUB, at: feed }),
            reference: node.db.stable.staged.clone(),
            // Nobody orders here, so there is nobody to know.
            private: None,
            software: "sim".to_owned(),
        };
        node.link = Some((id, NodeSession::new(start, wall)));
        self.node_input(store, NodeInput::Opened { clock: wall });
    }

    fn redial(&mut self, store: usize, retry: Retry) {
        let random = self.rng.next();
        let node = &mut self.nodes[store];
        let delay = match retry {
            Retry::Backoff => reconnect_delay(node.attempt, random).cast_signed(),
            Retry::Slow => MINUTE,
            Retry::Never => return,
        };
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
            self.redial(store, Retry::Backoff);
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
                let hash = node.db.tables.hash_at(node.replica, seq);
                self.node_input(store, NodeInput::OwnEntry { seq, hash });
            }
            NodeEffect::ReadJournal {
                after,
                max_entries,
                max_bytes,
                backlog,
            } => {
                let frame = self.read(store, &after, max_entries, max_bytes, backlog);
                self.node_input(store, NodeInput::JournalRead { frame });
            }
            NodeEffect::CommitFeed { after, frame } => {
                self.commit_feed(store, id, &after, &frame);
            }
            NodeEffect::StageReference { page } => self.stage(store, id, page),
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
            NodeEffect::Connected { .. }
            | NodeEffect::KeepPrivate { .. }
            | NodeEffect::FeedReaches { .. }
            | NodeEffect::ReferenceReaches { .. }
            | NodeEffect::Note(_) => {}
        }
    }

    fn read(
        &self,
        store: usize,
        after: &Watermark,
        max_entries: usize,
        max_bytes: u64,
        backlog: bool,
    ) -> Option<Frame> {
        let node = &self.nodes[store];
        let head = if self.config.bug == Some(Bug::ShipUnsynced) {
            node.db.tables.head(node.replica)
        } else {
            node.db.stable.head(node.replica)
        };
        let journal = node.db.tables.journals.get(&node.replica)?;
        let from = usize::try_from(after.seq).ok()?;
        let to = usize::try_from(head.seq).ok()?.min(from + max_entries);
        let mut bytes = 0;
        let page: Vec<Sealed> = journal
            .get(from..to)?
            .iter()
            .take_while(|sealed| {
                let first = bytes == 0;
                bytes += sealed.bytes.len() as u64;
                first || bytes <= max_bytes
            })
            .map(|sealed| Sealed::clone(sealed))
            .collect();
        let started = journal[..from]
            .iter()
            .rev()
            .find_map(|sealed| sealed.entry.started_actor());
        let compression = if backlog {
            Compression::CatchUp
        } else {
            Compression::Live
        };
        pack(after, started, &page, compression, PART_CODEC).ok()
    }

    /// A page of the feed: verified, gated, written; acknowledged once stable.
    fn commit_feed(
        &mut self,
        store: usize,
        id: ConnectionId,
        after: &Watermark,
        frame: &FeedFrame,
    ) {
        let Some(at) = frame.end() else {
            return;
        };
        let tables = &self.nodes[store].db.tables;
        let ops = match take_feed(tables, &location_id(store), frame, after) {
            Ok(ops) => ops,
            Err(detail) => return self.node_input(store, NodeInput::PeerBroke { detail }),
        };
        self.write_or_fail(store, ops, Wait::Feed(id, at));
    }

    fn stage(&mut self, store: usize, id: ConnectionId, page: ReferencePage) {
        let ops = vec![Op::Staged(page.to.clone())];
        self.write_or_fail(store, ops, Wait::Staged(id, page.to));
    }

    fn write_or_fail(&mut self, store: usize, ops: Vec<Op>, wait: Wait) {
        let written = if ops.is_empty() {
            Some(self.nodes[store].db.disk.written())
        } else {
            self.write_node(store, ops)
        };
        let Some(written) = written else {
            let detail = "the disk is full".to_owned();
            return self.node_input(store, NodeInput::Failed { detail });
        };
        let db = &self.nodes[store].db;
        let early = self.config.bug == Some(Bug::AcknowledgeFeedBeforeFsync);
        if early || db.disk.stable() >= written {
            self.tell(store, wait);
        } else {
            self.nodes[store].waiting.push((written, wait));
        }
        self.sync_node(store);
        // What comes down is rare, so power fails over it more often.
        if !self.calm && self.rng.chance(1, 15) {
            let delay = self.rng.between(0, 12);
            self.queue.after(delay, Event::CrashNode(store));
        }
    }

    fn node_closed(&mut self, store: usize, id: ConnectionId, reason: &CloseReason) {
        self.say(format_args!("store {store} closes {id}: {reason:?}"));
        match reason {
            CloseReason::Protocol(what) => self.fail("the protocol is kept", what.clone()),
            CloseReason::Diverged(what) => {
                let oracle = "each side holds only what is durable at the other";
                self.fail(oracle, format!("{what:?}"));
            }
            CloseReason::RefusedByPeer(refusal) if refusal.code == RefusalCode::HubDiverged => {
                self.fail("the feed is kept", refusal.detail.clone());
            }
            _ => {}
        }
        self.nodes[store].link = None;
        self.redial(store, reason.retry());
    }
}
