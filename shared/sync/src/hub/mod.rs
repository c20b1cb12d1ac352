//! The hub's end of one connection.
//!
//! It waits for the node's hello, has the shell read what it needs to answer,
//! and says how far it holds the node's journal. Frames go to the writer and
//! are acknowledged on its word alone. Once the node has said that the journals
//! agree, the location's feed, the reference stream and the private stream flow
//! down, each with a few frames in flight.
//!
//! On `Close` with a divergence of the node, or with a refusal `ChainBroken`,
//! the shell quarantines the replica; nobody else is concerned.

mod down;
mod interface;
mod journal;
mod receive;

use evertill_domain::Timestamp;

use self::down::{FeedDown, PagesDown, PrivateDown};
pub use self::interface::{HubEffect, HubInput, PeerIdentity};
use self::journal::Intake;
use crate::limits::HELLO_TIMEOUT_MS;
use crate::liveness::{Alarm, Liveness, Pulse, later};
use crate::{
    CloseReason, Divergence, Greeting, HubHello, Message, NodeHello, Refusal, RefusalCode, Whose,
    compare,
};

/// The hub's end of one connection.
#[derive(Debug)]
pub struct HubSession {
    peer: PeerIdentity,
    opened: Timestamp,
    phase: Phase,
    life: Liveness,
    alarm: Alarm,
    intake: Intake,
    feed: FeedDown,
    pages: PagesDown,
    private: PrivateDown,
}

#[derive(Debug)]
enum Phase {
    /// Nothing said yet.
    Waiting,
    /// The shell reads what to answer.
    Greeting {
        hello: Box<NodeHello>,
    },
    /// The answer is out; the node compares.
    Greeted {
        hello: Box<NodeHello>,
    },
    /// Everything flows.
    Active,
    Closed,
}

impl HubSession {
    /// A session for a connection whose certificate names `peer`, accepted at `now`.
    #[must_use]
    pub fn new(peer: PeerIdentity, now: Timestamp) -> Self {
        Self {
            peer,
            opened: now,
            phase: Phase::Waiting,
            life: Liveness::new(now),
            alarm: Alarm::default(),
            intake: Intake::default(),
            feed: FeedDown::default(),
            pages: PagesDown::default(),
            private: PrivateDown::default(),
        }
    }

    /// Takes one input and gives what it asks for, in order. As with the node,
    /// `now` should come from a clock that does not jump.
    pub fn handle(&mut self, now: Timestamp, input: HubInput) -> Vec<HubEffect> {
        let mut out = Vec::new();
        if matches!(self.phase, Phase::Closed) {
            return out;
        }
        if let Err(reason) = self.step(now, input, &mut out) {
            if let CloseReason::Refused(refusal) = &reason {
                send(&mut out, &Message::Refused(refusal.clone()));
            }
            self.phase = Phase::Closed;
            out.push(HubEffect::Close(reason));
            return out;
        }
        if let Some(at) = self.alarm.arm(self.due()) {
            out.push(HubEffect::WakeAt(at));
        }
        out
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// Bytes of frames that were received and not committed.
    #[must_use]
    pub fn uncommitted_bytes(&self) -> u64 {
        self.intake.uncommitted_bytes()
    }

    fn step(
        &mut self,
        now: Timestamp,
        input: HubInput,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        match input {
            HubInput::Received { channel, bytes } => {
                self.life.heard(now);
                return self.received(channel, &bytes, out);
            }
            HubInput::Greeting(answer) => return self.greet(*answer, out),
            HubInput::Window { bytes } => self.window(bytes, out),
            HubInput::FrameCommitted => return self.intake.committed(out),
            HubInput::FrameRefused { detail } => {
                return Err(refuse(RefusalCode::ChainBroken, detail));
            }
            HubInput::FeedReaches { head } => {
                self.feed.reaches(head);
                self.pump(out);
                if let Some(head) = self.feed.unannounced() {
                    send(out, &Message::FeedHead(head));
                }
            }
            HubInput::FeedRead { frame } => {
                self.feed.read(frame, out)?;
                self.pump(out);
            }
            HubInput::ReferenceReaches { version } => {
                self.pages.reaches(version);
                self.pump(out);
                if let Some(version) = self.pages.unannounced() {
                    send(out, &Message::ReferenceHead(version));
                }
            }
            HubInput::ReferenceRead { page } => {
                self.pages.read(page, out)?;
                self.pump(out);
            }
            HubInput::PrivateReaches { version } => {
                self.private.reaches(version);
                self.pump(out);
            }
            HubInput::PrivateRead { page } => {
                self.private.read(page, out)?;
                self.pump(out);
            }
            HubInput::Failed { detail } => return Err(refuse(RefusalCode::Storage, detail)),
            HubInput::ProveAlive => {
                let nonce = self.life.demand(now);
                send(out, &Message::Ping(nonce));
            }
            HubInput::Refuse(refusal) => return Err(CloseReason::Refused(refusal)),
            HubInput::Woke => {
                self.alarm.rang();
                return self.woke(now, out);
            }
            HubInput::Stop => {
                send(out, &Message::Bye);
                return Err(CloseReason::Stopped);
            }
        }
        Ok(())
    }

    /// The node's hello: is it who the certificate says, do we speak its language?
    fn hello(
        &mut self,
        hello: Box<NodeHello>,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        hello.agree().map_err(CloseReason::Refused)?;
        if hello.node != self.peer.node || hello.location != self.peer.location {
            return Err(refuse(
                RefusalCode::IdentityMismatch,
                format!(
                    "The certificate is for node {} at {}, the hello names node {} at {}: enrol \
                     this machine again.",
                    self.peer.node, self.peer.location, hello.node, hello.location
                ),
            ));
        }
        out.push(HubEffect::Greet(hello.clone()));
        self.phase = Phase::Greeting { hello };
        Ok(())
    }

    fn greet(
        &mut self,
        answer: Result<Greeting, Refusal>,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        let Phase::Greeting { hello } = &self.phase else {
            return Ok(());
        };
        let hello = hello.clone();
        let greeting = answer.map_err(CloseReason::Refused)?;
        if let Some(divergence) = feed_divergence(&hello, &greeting) {
            send(out, &Message::Diverged(divergence));
            return Err(CloseReason::Diverged(divergence));
        }
        let credit = self.intake.open(hello.replica, &greeting);
        let protocol = hello.agree().map_err(CloseReason::Refused)?;
        self.feed.open(&hello, &greeting);
        self.pages.open(&hello, &greeting);
        self.private.open(&hello, &greeting);
        let answer = HubHello {
            protocol,
            hub: greeting.hub,
            watermark: greeting.watermark,
            feed_head: greeting.feed_head,
            reference: greeting.reference,
            credit,
            clock: greeting.clock,
            software: greeting.software,
            pickup_key: greeting.pickup_key,
        };
        send(out, &Message::HubHello(Box::new(answer)));
        self.phase = Phase::Greeted { hello };
        Ok(())
    }

    /// The node found its journal as the hub holds it.
    fn ready(&mut self, out: &mut Vec<HubEffect>) {
        let Phase::Greeted { hello } = std::mem::replace(&mut self.phase, Phase::Active) else {
            self.phase = Phase::Active;
            return;
        };
        let head = hello.head;
        out.push(HubEffect::Connected { hello });
        out.push(HubEffect::HeadAnnounced { head });
        self.intake.announce(head);
        self.pump(out);
    }

    fn window(&mut self, bytes: u64, out: &mut Vec<HubEffect>) {
        let grant = self.intake.set_window(bytes);
        let greeted = matches!(self.phase, Phase::Greeted { .. } | Phase::Active);
        if let (Some(up_to), true) = (grant, greeted) {
            send(out, &Message::Credit(up_to));
        }
    }

    fn pump(&mut self, out: &mut Vec<HubEffect>) {
        if matches!(self.phase, Phase::Active) {
            self.feed.pump(out);
            self.pages.pump(out);
            self.private.pump(out);
        }
    }

    fn woke(&mut self, now: Timestamp, out: &mut Vec<HubEffect>) -> Result<(), CloseReason> {
        if now >= self.hello_due() && !matches!(self.phase, Phase::Active) {
            return Err(CloseReason::NoHello);
        }
        match self.life.check(now) {
            Pulse::Fine => Ok(()),
            Pulse::Ping(nonce) => {
                send(out, &Message::Ping(nonce));
                Ok(())
            }
            Pulse::Dead => Err(CloseReason::Silent),
            Pulse::Unproven => Err(CloseReason::Superseded),
        }
    }

    fn hello_due(&self) -> Timestamp {
        later(self.opened, HELLO_TIMEOUT_MS)
    }

    fn due(&self) -> Timestamp {
        let due = self.life.due();
        if matches!(self.phase, Phase::Active) {
            due
        } else {
            due.min(self.hello_due())
        }
    }
}

/// Whether the node holds a feed that is not this hub's.
fn feed_divergence(hello: &NodeHello, greeting: &Greeting) -> Option<Divergence> {
    let held = hello.feed?;
    let kind = if held.hub == greeting.hub {
        compare(&held.at, greeting.feed_at)?
    } else {
        crate::DivergenceKind::Replaced
    };
    Some(Divergence {
        whose: Whose::Hub,
        kind,
        peer_holds: held.at,
        own: greeting.feed_at,
    })
}

fn refuse(code: RefusalCode, detail: impl Into<String>) -> CloseReason {
    CloseReason::Refused(Refusal::new(code, detail))
}

fn send(out: &mut Vec<HubEffect>, message: &Message) {
    out.push(HubEffect::Send {
        channel: message.channel(),
        bytes: message.encode(),
    });
}
