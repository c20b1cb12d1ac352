//! The hub: its writer and the shell around its sessions; and the wire.

use evertill_domain::ReplicaId;
use evertill_journal::Watermark;
use evertill_sync::{
    Channel, CloseReason, Decoded, Greeting, HubEffect, HubInput, Message, NodeInput,
    ReferenceVersion, RefusalCode, limits,
};

use crate::apply::ingest;
use crate::bug::Bug;
use crate::net::{ConnectionId, Way};
use crate::queue::{MINUTE, SECOND};
use crate::world::{Event, World};

/// What a connection may have unacknowledged: small, so that it matters.
const WINDOW: u64 = 4_000;
/// The hub's own replica.
const HUB: ReplicaId = ReplicaId(0xb0b);

impl World {
    pub(crate) fn start_hub(&mut self) {
        if !self.hub.up {
            self.hub.up = true;
            self.hub.life += 1;
        }
    }

    pub(crate) fn crash_hub(&mut self) {
        if !self.hub.up {
            return;
        }
        self.hub.up = false;
        self.hub.life += 1;
        let gone = std::mem::take(&mut self.hub.links);
        for id in gone.into_keys() {
            let delay = self.rng.between(0, 30 * SECOND);
            self.queue.after(delay, Event::NodeNotices(id));
        }
        self.hub.waiting.clear();
        self.hub.late.clear();
        self.hub.db.crash(&mut self.rng);
        let restart = self.rng.between(1, 60) * MINUTE;
        self.queue.after(restart, Event::StartHub);
    }

    fn sync_hub(&mut self) {
        if self.hub.db.begin_sync() {
            let latency = self.rng.between(1, 200);
            let life = self.hub.life;
            self.queue.after(latency, Event::HubSynced(life));
            if !self.calm && self.rng.chance(1, 60) {
                let delay = self.rng.between(0, latency + 50);
                self.queue.after(delay, Event::CrashHub);
            }
        }
    }

    pub(crate) fn hub_synced(&mut self, life: u64) {
        if self.hub.life != life || !self.hub.up {
            return;
        }
        self.hub.db.end_sync();
        let stable = self.hub.db.disk.stable();
        let waiting = std::mem::take(&mut self.hub.waiting);
        let (done, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(at, _)| *at <= stable);
        self.hub.waiting = later;
        for (_, id) in done {
            self.hub_input(id, HubInput::FrameCommitted);
        }
        for ops in std::mem::take(&mut self.hub.late) {
            if self.hub.db.commit(ops).is_err() {
                self.say(format_args!("late projections found no room"));
            }
        }
        self.sync_hub();
    }

    pub(crate) fn hub_input(&mut self, id: ConnectionId, input: HubInput) {
        let now = self.hub_clock();
        let Some((_, session)) = self.hub.links.get_mut(&id) else {
            return;
        };
        let effects = session.handle(now, input);
        if session.uncommitted_bytes() > limits::MAX_MESSAGE_BYTES as u64 {
            self.fail(
                "memory is bounded",
                "too much waits for the hub's writer".to_owned(),
            );
        }
        for effect in effects {
            self.hub_effect(id, effect);
        }
    }

    fn hub_effect(&mut self, id: ConnectionId, effect: HubEffect) {
        match effect {
            HubEffect::Send { channel, bytes } => self.carry(id, Way::Down, channel, bytes),
            HubEffect::Greet(hello) => {
                let greeting = Greeting {
                    hub: HUB,
                    watermark: self.hub.db.stable_head(hello.replica),
                    feed_head: Watermark::nothing(HUB),
                    feed_at: None,
                    reference: ReferenceVersion { hub: 1, version: 0 },
                    window: WINDOW,
                    clock: self.hub_clock(),
                    software: "sim".to_owned(),
                };
                self.hub_input(id, HubInput::Greeting(Box::new(Ok(greeting))));
            }
            HubEffect::CommitFrame { after, frame, .. } => self.write_frame(id, &after, &frame),
            HubEffect::WakeAt(at) => {
                let delay = at.as_millis() - self.hub_clock().as_millis();
                self.wake(id, Way::Down, delay);
            }
            HubEffect::Close(reason) => {
                self.say(format_args!("the hub closes {id}: {reason:?}"));
                if let CloseReason::Refused(refusal) = &reason
                    && matches!(
                        refusal.code,
                        RefusalCode::Malformed | RefusalCode::ChainBroken
                    )
                {
                    self.fail("the protocol is kept", refusal.detail.clone());
                }
                self.hub.links.remove(&id);
            }
            _ => {}
        }
    }

    fn write_frame(
        &mut self,
        id: ConnectionId,
        after: &Watermark,
        frame: &evertill_journal::Frame,
    ) {
        let bug = self.config.bug;
        let (mut entries, mut projections) = match ingest(&self.hub.db.tables, frame, after, bug) {
            Ok(ops) => ops,
            Err(detail) => return self.hub_input(id, HubInput::FrameRefused { detail }),
        };
        if bug == Some(Bug::AcknowledgeBeforeProjections) {
            self.hub.late.push(std::mem::take(&mut projections));
        }
        entries.append(&mut projections);
        if !entries.is_empty() && self.hub.db.commit(entries).is_err() {
            let detail = "the disk is full".to_owned();
            return self.hub_input(id, HubInput::Failed { detail });
        }
        let (written, stable) = (self.hub.db.disk.written(), self.hub.db.disk.stable());
        if bug == Some(Bug::HubAcknowledgesBeforeFsync) || written == stable {
            self.hub_input(id, HubInput::FrameCommitted);
        } else {
            self.hub.waiting.push((written, id));
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
        self.say(format_args!(
            "{way:?} {id} {} {} bytes",
            channel.name(),
            bytes.len()
        ));
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
