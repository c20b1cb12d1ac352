//! The node's end of one connection.
//!
//! `Opened` sends the hello; the hub's answer names how far it holds the
//! node's journal; the node looks up its own entry there. Only if the hashes
//! agree does it send `Ready` and ship what comes after. Feed frames and
//! reference pages are handed to the shell as they come and acknowledged when
//! the shell has them on stable storage.

mod interface;
mod journal;
mod receive;

use std::collections::VecDeque;

use evertill_domain::{ReplicaId, Seq, Timestamp};
use evertill_journal::{EntryHash, Watermark};

pub use self::interface::{NodeEffect, NodeInput, NodeStart};
use self::journal::JournalLane;
use crate::limits::{ANNOUNCE_EVERY_MS, HELLO_TIMEOUT_MS};
use crate::liveness::{Alarm, Liveness, Pulse, later};
use crate::{
    CloseReason, Divergence, HubHello, Message, NodeHello, Note, PROTOCOL, PROTOCOL_OLDEST,
    PrivatePosition, ReferencePosition, Whose, compare,
};

/// The node's end of one connection.
#[derive(Debug)]
pub struct NodeSession {
    start: NodeStart,
    phase: Phase,
    life: Liveness,
    alarm: Alarm,
    journal: JournalLane,
    feed: FeedLane,
    pages: PageLane,
    private: PrivateLane,
    announced: Watermark,
    /// When a head that no frame has carried by then is announced.
    announce_at: Option<Timestamp>,
}

#[derive(Debug)]
enum Phase {
    /// Waiting for the shell to say that the connection is up.
    Dialling,
    /// The hello is out.
    Greeting {
        since: Timestamp,
    },
    /// The hub answered; the own entry at its watermark is being looked up.
    Comparing {
        hello: Box<HubHello>,
    },
    /// Everything flows.
    Active {
        hub: ReplicaId,
    },
    Closed,
}

/// Feed frames on their way to stable storage.
#[derive(Debug)]
struct FeedLane {
    received: Option<Watermark>,
    committing: VecDeque<Watermark>,
}

/// Reference pages on their way to stable storage.
#[derive(Debug)]
struct PageLane {
    received: ReferencePosition,
    staging: VecDeque<ReferencePosition>,
}

/// The private page on its way to stable storage.
#[derive(Debug)]
struct PrivateLane {
    received: PrivatePosition,
    keeping: Option<PrivatePosition>,
}

impl NodeSession {
    /// A session for a connection that is being made at `now`.
    #[must_use]
    pub fn new(start: NodeStart, now: Timestamp) -> Self {
        Self {
            phase: Phase::Dialling,
            life: Liveness::new(now),
            alarm: Alarm::default(),
            journal: JournalLane::new(start.head),
            feed: FeedLane {
                received: start.feed.map(|feed| feed.at),
                committing: VecDeque::new(),
            },
            pages: PageLane {
                received: start.reference.clone(),
                staging: VecDeque::new(),
            },
            private: PrivateLane {
                received: start.private.unwrap_or_default(),
                keeping: None,
            },
            announced: start.head,
            announce_at: None,
            start,
        }
    }

    /// Takes one input and gives what it asks for, in order.
    ///
    /// `now` should not jump: a shell derives it from a monotonic clock. If it
    /// does jump, the worst that happens is a reconnect.
    pub fn handle(&mut self, now: Timestamp, input: NodeInput) -> Vec<NodeEffect> {
        let mut out = Vec::new();
        if matches!(self.phase, Phase::Closed) {
            return out;
        }
        if let Err(reason) = self.step(now, input, &mut out) {
            self.close(reason, &mut out);
            return out;
        }
        self.announce(now, &mut out);
        if let Some(at) = self.alarm.arm(self.due()) {
            out.push(NodeEffect::WakeAt(at));
        }
        out
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    fn step(
        &mut self,
        now: Timestamp,
        input: NodeInput,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        match input {
            NodeInput::Opened { clock } => self.opened(now, clock, out),
            NodeInput::Received { channel, bytes } => {
                self.life.heard(now);
                return self.received(channel, &bytes, out);
            }
            NodeInput::OwnEntry { seq, hash } => return self.compare(seq, hash, out),
            NodeInput::Committed { head } => {
                self.journal.reaches(head);
                self.pump(out);
            }
            NodeInput::JournalRead { frame } => {
                self.journal.read(self.start.replica, frame)?;
                self.pump(out);
            }
            NodeInput::FeedCommitted { at } => return self.feed_committed(at, out),
            NodeInput::ReferenceStaged { position } => return self.reference_staged(position, out),
            NodeInput::PrivateKept { position } => return self.private_kept(position, out),
            NodeInput::Failed { detail } => return Err(CloseReason::Storage(detail)),
            NodeInput::PeerBroke { detail } => return Err(CloseReason::Protocol(detail)),
            NodeInput::Woke => {
                self.alarm.rang();
                return self.woke(now, out);
            }
            NodeInput::Stop => {
                send(out, &Message::Bye);
                return Err(CloseReason::Stopped);
            }
        }
        Ok(())
    }

    fn opened(&mut self, now: Timestamp, clock: Timestamp, out: &mut Vec<NodeEffect>) {
        self.phase = Phase::Greeting { since: now };
        self.life = Liveness::new(now);
        self.announced = self.journal.head();
        let start = &self.start;
        let hello = NodeHello {
            protocol: PROTOCOL,
            oldest: PROTOCOL_OLDEST,
            node: start.node,
            location: start.location.clone(),
            replica: start.replica,
            head: self.journal.head(),
            feed: start.feed,
            reference: start.reference.clone(),
            clock,
            software: start.software.clone(),
            private: start.private,
        };
        send(out, &Message::NodeHello(Box::new(hello)));
    }

    /// The hub answered: before anything else, does it hold *this* journal?
    fn greeted(&mut self, hello: Box<HubHello>, out: &mut Vec<NodeEffect>) {
        let seq = hello.watermark.seq;
        self.phase = Phase::Comparing { hello };
        out.push(NodeEffect::LookUpOwn { seq });
    }

    fn compare(
        &mut self,
        seq: Seq,
        own: Option<EntryHash>,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        let Phase::Comparing { hello } = &self.phase else {
            return Ok(());
        };
        let hello = hello.clone();
        let holds = hello.watermark;
        if seq != holds.seq {
            return Err(CloseReason::Storage(format!(
                "the journal answered for entry {seq} when asked for entry {}",
                holds.seq
            )));
        }
        if let Some(kind) = compare(&holds, own) {
            let divergence = Divergence {
                whose: Whose::Node,
                kind,
                peer_holds: holds,
                own,
            };
            send(out, &Message::Diverged(divergence));
            return Err(CloseReason::Diverged(divergence));
        }
        self.activate(hello, out);
        Ok(())
    }

    fn activate(&mut self, hello: Box<HubHello>, out: &mut Vec<NodeEffect>) {
        let holds = hello.watermark;
        if holds.seq < self.start.acknowledged.seq {
            out.push(NodeEffect::Note(Note::HubLostEntries {
                acknowledged: self.start.acknowledged,
                holds,
            }));
        }
        self.phase = Phase::Active { hub: hello.hub };
        self.feed
            .received
            .get_or_insert(Watermark::nothing(hello.hub));
        self.journal.open(holds, hello.credit);
        send(out, &Message::Ready);
        out.push(NodeEffect::Connected { hello });
        out.push(NodeEffect::Acknowledged { at: holds });
        self.pump(out);
    }

    fn pump(&mut self, out: &mut Vec<NodeEffect>) {
        if matches!(self.phase, Phase::Active { .. }) {
            self.journal.pump(out);
        }
    }

    fn woke(&mut self, now: Timestamp, out: &mut Vec<NodeEffect>) -> Result<(), CloseReason> {
        match self.phase {
            Phase::Greeting { since } if now >= later(since, HELLO_TIMEOUT_MS) => {
                return Err(CloseReason::NoHello);
            }
            _ => {}
        }
        match self.life.check(now) {
            Pulse::Fine => Ok(()),
            Pulse::Ping(nonce) => {
                send(out, &Message::Ping(nonce));
                Ok(())
            }
            Pulse::Dead | Pulse::Unproven => Err(CloseReason::Silent),
        }
    }

    /// Tells the hub about entries that no frame carried within a while.
    fn announce(&mut self, now: Timestamp, out: &mut Vec<NodeEffect>) {
        let head = self.journal.head();
        let news = matches!(self.phase, Phase::Active { .. })
            && head.seq > self.announced.seq
            && head.seq > self.journal.shipped().seq;
        match self.announce_at {
            _ if !news => self.announce_at = None,
            None => self.announce_at = Some(later(now, ANNOUNCE_EVERY_MS)),
            Some(at) if now < at => {}
            Some(_) => {
                self.announced = head;
                self.announce_at = None;
                send(out, &Message::JournalHead(head));
            }
        }
    }

    fn due(&self) -> Timestamp {
        let mut due = self.life.due();
        if let Phase::Greeting { since } = self.phase {
            due = due.min(later(since, HELLO_TIMEOUT_MS));
        }
        self.announce_at.map_or(due, |at| due.min(at))
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<NodeEffect>) {
        self.phase = Phase::Closed;
        out.push(NodeEffect::Close(reason));
    }
}

fn send(out: &mut Vec<NodeEffect>, message: &Message) {
    out.push(NodeEffect::Send {
        channel: message.channel(),
        bytes: message.encode(),
    });
}
