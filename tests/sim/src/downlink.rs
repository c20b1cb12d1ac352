//! The shell around the hub's sessions, and the wire between both ends.

use evertill_journal::{Frame, Watermark};
use evertill_sync::{
    Channel, CloseReason, Decoded, FeedFrame, Greeting, HubEffect, HubInput, Message, NodeHello,
    NodeInput, ReferencePage, ReferencePosition, ReferenceVersion, RefusalCode, limits,
};

use crate::apply::ingest;
use crate::bug::Bug;
use crate::hub::{HUB, HubWait, REFERENCE, revoked};
use crate::net::{ConnectionId, Way};
use crate::queue::SECOND;
use crate::shop::location_id;
use crate::world::{Event, World};

/// What a connection may have unacknowledged: small, so that it matters.
const WINDOWS: [u64; 4] = [500, 1_500, 4_000, 20_000];

impl World {
    pub(crate) fn hub_input(&mut self, id: ConnectionId, input: HubInput) {
        let now = self.hub_clock();
        let Some((_, session)) = self.hub.links.get_mut(&id) else {
            return;
        };
        let effects = session.handle(now, input);
        if session.uncommitted_bytes() > limits::MAX_MESSAGE_BYTES as u64 {
            let what = "too much waits for the hub's writer".to_owned();
            self.fail("memory is bounded", what);
        }
        for effect in effects {
            self.hub_effect(id, effect);
        }
    }

    fn hub_effect(&mut self, id: ConnectionId, effect: HubEffect) {
        match effect {
            HubEffect::Send { channel, bytes } => self.carry(id, Way::Down, channel, bytes),
            HubEffect::Greet(hello) => self.greet(id, &hello),
            HubEffect::CommitFrame { after, frame, .. } => self.write_frame(id, &after, &frame),
            HubEffect::ReadFeed {
                after, max_items, ..
            } => {
                let frame = self.read_feed(id, &after, max_items);
                self.hub_input(id, HubInput::FeedRead { frame });
            }
            HubEffect::ReadReference { from, .. } => {
                let page = self.read_reference(&from);
                self.hub_input(id, HubInput::ReferenceRead { page });
            }
            HubEffect::WakeAt(at) => {
                let delay = at.as_millis() - self.hub_clock().as_millis();
                self.wake(id, Way::Down, delay);
            }
            HubEffect::Close(reason) => self.hub_closed(id, &reason),
            HubEffect::FeedAcknowledged { at } => {
                if let Some((store, _)) = self.hub.links.get(&id) {
                    let acked = self.hub.feed_acked.entry(*store).or_default();
                    *acked = at.seq.max(*acked);
                }
            }
            HubEffect::Connected { .. }
            | HubEffect::ReadPrivate { .. }
            | HubEffect::HeadAnnounced { .. }
            | HubEffect::ReferenceAcknowledged { .. }
            | HubEffect::Alive
            | HubEffect::Note(_) => {}
        }
    }

    /// The writer's queue fills up and empties; the window follows.
    pub(crate) fn squeeze(&mut self, id: ConnectionId) {
        if self.calm || !self.rng.chance(1, 20) {
            return;
        }
        let bytes = *self.rng.pick(&[0, 300, 2_000]);
        self.hub_input(id, HubInput::Window { bytes });
        let lasting = self.rng.between(0, 20 * SECOND);
        self.queue.after(lasting, Event::OpenWindow(id));
    }

    pub(crate) fn open_window(&mut self, id: ConnectionId) {
        let bytes = *self.rng.pick(&WINDOWS);
        self.hub_input(id, HubInput::Window { bytes });
    }

    fn hub_closed(&mut self, id: ConnectionId, reason: &CloseReason) {
        self.say(format_args!("the hub closes {id}: {reason:?}"));
        if let CloseReason::Refused(refusal) = reason
            && matches!(
                refusal.code,
                RefusalCode::Malformed | RefusalCode::ChainBroken
            )
        {
            self.fail("the protocol is kept", refusal.detail.clone());
        }
        self.hub.links.remove(&id);
    }

    fn greet(&mut self, id: ConnectionId, hello: &NodeHello) {
        let Some((store, _)) = self.hub.links.get(&id) else {
            return;
        };
        let db = &self.hub.db;
        if db.tables.revoked.contains(store) {
            return self.hub_input(id, HubInput::Greeting(Box::new(Err(revoked()))));
        }
        let feed_at = hello.feed.and_then(|feed| {
            let items = db.tables.feeds.get(&hello.location)?;
            let at = usize::try_from(feed.at.seq).ok()?.checked_sub(1)?;
            items.get(at).map(|item| item.at.hash)
        });
        let acked = self.hub.feed_acked.get(store).copied().unwrap_or(0);
        let holds = hello.feed.map_or(0, |feed| feed.at.seq);
        if holds < acked {
            let what = format!("acknowledged item {acked} but holds {holds}");
            return self.fail("a store keeps what it acknowledged", what);
        }
        let window = *self.rng.pick(&WINDOWS);
        let db = &self.hub.db;
        let greeting = Greeting {
            hub: HUB,
            watermark: db.stable.head(hello.replica),
            feed_head: db.stable.feed(HUB, &hello.location),
            feed_at,
            reference: ReferenceVersion {
                hub: REFERENCE,
                version: db.stable.version,
            },
            private: 0,
            window,
            clock: self.hub_clock(),
            software: "sim".to_owned(),
            pickup_key: None,
        };
        self.hub_input(id, HubInput::Greeting(Box::new(Ok(greeting))));
    }

    /// Durable items after a position.
    fn read_feed(&self, id: ConnectionId, after: &Watermark, max: usize) -> Option<FeedFrame> {
        let (store, _) = self.hub.links.get(&id)?;
        let location = location_id(*store);
        let stable = self.hub.db.stable.feed(HUB, &location).seq;
        let feed = self.hub.db.tables.feeds.get(&location)?;
        let from = usize::try_from(after.seq).ok()?;
        let to = usize::try_from(stable).ok()?.min(from + max);
        let items = feed.get(from..to).filter(|items| !items.is_empty())?;
        Some(FeedFrame {
            hub: HUB,
            first_seq: after.seq + 1,
            items: items.iter().map(|item| item.bytes.clone()).collect(),
            head: items.last()?.at.hash,
        })
    }

    /// A page of the newest durable version; two pages bring one version.
    fn read_reference(&self, from: &ReferencePosition) -> Option<ReferencePage> {
        let newest = self.hub.db.stable.version;
        let page = |to| {
            Some(ReferencePage {
                from: from.clone(),
                to,
                rows: newest.to_be_bytes().to_vec(),
            })
        };
        let staged = from
            .cursor
            .as_deref()
            .and_then(|cursor| cursor.try_into().ok());
        if let Some(target) = staged.map(u64::from_be_bytes) {
            return page(ReferencePosition {
                hub: REFERENCE,
                version: target,
                cursor: None,
            });
        }
        let half = ReferencePosition {
            hub: REFERENCE,
            version: from.version,
            cursor: Some(newest.to_be_bytes().to_vec()),
        };
        (from.version < newest).then(|| page(half)).flatten()
    }

    fn write_frame(&mut self, id: ConnectionId, after: &Watermark, frame: &Frame) {
        let bug = self.config.bug;
        let Some((store, _)) = self.hub.links.get(&id) else {
            return;
        };
        let store = *store;
        let now = self.queue.now();
        if self
            .hub
            .revoked
            .get(&store)
            .is_some_and(|at| now > at + SECOND)
        {
            let what = format!("store {store} still writes at the hub");
            self.fail("a revoked node is cut off within a second", what);
        }
        let location = location_id(store);
        let taken = ingest(&self.hub.db.tables, frame, after, &location, bug);
        let (mut entries, mut projections) = match taken {
            Ok(ops) => ops,
            Err(detail) => return self.hub_input(id, HubInput::FrameRefused { detail }),
        };
        if bug == Some(Bug::AcknowledgeBeforeProjections) {
            self.hub.late.push(std::mem::take(&mut projections));
        }
        entries.append(&mut projections);
        if !entries.is_empty() && self.write_hub(entries).is_none() {
            let detail = "the disk is full".to_owned();
            return self.hub_input(id, HubInput::Failed { detail });
        }
        if bug == Some(Bug::HubAcknowledgesBeforeFsync) || self.hub.db.is_stable() {
            self.hub_input(id, HubInput::FrameCommitted);
        } else {
            let written = self.hub.db.disk.written();
            self.hub.waiting.push((written, HubWait::Frame(id)));
        }
        self.sync_hub();
    }

    /// Puts a message on the wire.
    pub(crate) fn carry(&mut self, id: ConnectionId, way: Way, channel: Channel, bytes: Vec<u8>) {
        let now = self.queue.now();
        if let Some(at) = self.net.send(id, way, channel, now) {
            self.queue.at(at, Event::Arrive(id, way, channel, bytes));
        }
    }

    pub(crate) fn arrive(&mut self, id: ConnectionId, way: Way, channel: Channel, bytes: Vec<u8>) {
        if !self.net.arrives(id, way, channel, self.queue.now()) {
            return;
        }
        let length = bytes.len();
        let name = channel.name();
        self.say(format_args!("{way:?} {id} {name} {length} bytes"));
        if way == Way::Up {
            self.hub_input(id, HubInput::Received { channel, bytes });
        } else if let Some(store) = self.node_of(id) {
            let bytes = self.misread_credit(channel, bytes);
            self.node_input(store, NodeInput::Received { channel, bytes });
        }
    }

    /// A node with the bug takes any credit for boundless.
    fn misread_credit(&self, channel: Channel, bytes: Vec<u8>) -> Vec<u8> {
        if self.config.bug != Some(Bug::IgnoreCredit) {
            return bytes;
        }
        match Message::decode(channel, &bytes) {
            Ok(Decoded::Message(Message::HubHello(mut hello))) => {
                hello.credit = u64::MAX;
                Message::HubHello(hello).encode()
            }
            _ => bytes,
        }
    }
}
