//! One connection: the shell of a [`HubSession`].
//!
//! Invariant: the session hears of a commit only after it is on stable storage;
//! its node is on the list of the connected from the hello's agreement to the
//! end of the connection.

use std::collections::VecDeque;
use std::sync::Arc;

use evertill_domain::Timestamp;
use evertill_journal::Frame;
use evertill_storage::ingest::Peer;
use evertill_sync::{
    Channel, CloseReason, HubEffect, HubInput, HubSession, NodeHello, Note, PeerIdentity, Refusal,
    RefusalCode,
};
use evertill_transport::{Connection, PeerCertificate, Receiver, Revocations, Sender, SteadyClock};
use tokio::sync::{mpsc, oneshot, watch};

use super::Shared;
use super::committer::{Job, Taken};
use super::desk::{Desks, PageQuestion, Question, newest};
use super::registry::{Mailbox, Order, Seat};
use crate::live::{Admitted, Connected};

/// Answers of the committer that may wait for the session.
const ANSWERS: usize = 64;

/// Talks to a node until the connection ends.
pub(super) async fn run(
    shared: Shared,
    certificate: PeerCertificate,
    connection: Connection,
    mut stop: watch::Receiver<bool>,
) {
    let limits = Channel::ALL.map(Channel::max_message_bytes);
    let (sender, mut receiver) = match connection.accept(limits).await {
        Ok(halves) => halves,
        Err(closed) => {
            tracing::info!(node = %certificate.node, reason = %closed, "a node hung up early");
            return;
        }
    };
    let peer = Arc::new(Peer {
        node: certificate.node,
        location: certificate.location.clone(),
    });
    let identity = PeerIdentity {
        node: peer.node,
        location: peer.location.clone(),
    };
    // Watched from before the look, so that no revocation falls in between.
    let revoked = Revoked {
        list: shared.hub.revocations().clone(),
        changes: shared.hub.revocations().changes(),
        fingerprint: certificate.fingerprint,
    };
    let clock = SteadyClock::starting_at(shared.hub.now());
    let (answered, answers) = flume::bounded(ANSWERS);
    let mailbox = Mailbox::new();
    let mut shell = Shell {
        session: HubSession::new(identity, clock.now()),
        desks: Desks::open(&shared, &peer),
        orders: mailbox.sender,
        proofs: Vec::new(),
        seat: None,
        admitted: None,
        hello: None,
        crowded: VecDeque::new(),
        wake: None,
        answered,
        shared,
        peer,
        sender,
        clock,
    };
    let inboxes = Inboxes {
        answers,
        orders: mailbox.orders,
        revoked,
    };
    let reason = shell.talk(&mut receiver, inboxes, &mut stop).await;
    tracing::info!(
        node = %shell.peer.node,
        location = %shell.peer.location,
        reason,
        "a node is no longer connected"
    );
    for job in &shell.crowded {
        shell.shared.committer.forget(job);
    }
    shell.sender.close(&reason).await;
}

/// Waits until the process is told to stop.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could tell is gone only when the process ends anyway.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn revoked() -> Refusal {
    let detail = "this machine's certificate is revoked; enrol it anew if it is yours";
    Refusal::new(RefusalCode::Revoked, detail)
}

struct Inboxes {
    answers: flume::Receiver<Taken>,
    orders: mpsc::Receiver<Order>,
    revoked: Revoked,
}

/// Whether this connection's certificate still counts.
struct Revoked {
    list: Revocations,
    changes: watch::Receiver<u64>,
    fingerprint: [u8; 32],
}

impl Revoked {
    /// Waits until the certificate is revoked. It may be already: the handshake
    /// looked a while ago.
    async fn told(&mut self) {
        while !self.list.contains(&self.fingerprint) {
            if self.changes.changed().await.is_err() {
                // No list, no revocations: the process ends.
                std::future::pending::<()>().await;
            }
        }
    }
}

struct Shell {
    shared: Shared,
    peer: Arc<Peer>,
    session: HubSession,
    desks: Desks,
    answered: flume::Sender<Taken>,
    orders: mpsc::Sender<Order>,
    /// Who waits to hear that this connection lives.
    proofs: Vec<oneshot::Sender<()>>,
    seat: Option<Seat>,
    admitted: Option<Admitted>,
    hello: Option<Box<NodeHello>>,
    /// Frames that found no room at the committer; the node has few under way.
    crowded: VecDeque<Job>,
    sender: Sender,
    clock: SteadyClock,
    wake: Option<Timestamp>,
}

impl Shell {
    async fn talk(
        &mut self,
        receiver: &mut Receiver,
        mut inboxes: Inboxes,
        stop: &mut watch::Receiver<bool>,
    ) -> String {
        let mut feeds = self.shared.feeds.clone();
        let mut versions = self.shared.hub.reference().changes();
        let mut window = self.shared.committer.window();
        let committer = self.shared.committer.clone();
        let mut inputs = VecDeque::new();
        loop {
            while let Some(input) = inputs.pop_front() {
                if let Some(reason) = self.handle(input) {
                    return reason;
                }
            }
            let (clock, wake) = (self.clock, self.wake);
            let input = tokio::select! {
                () = inboxes.revoked.told() => Some(HubInput::Refuse(revoked())),
                room = committer.room(), if !self.crowded.is_empty() => {
                    if let Some(job) = self.crowded.pop_front() {
                        room.send(job);
                    }
                    None
                }
                message = receiver.receive(), if self.crowded.is_empty() => match message {
                    Ok((channel, bytes)) => {
                        Some(HubInput::Received { channel: Channel::ALL[channel], bytes })
                    }
                    Err(closed) => return closed.to_string(),
                },
                answer = self.desks.answer() => Some(answer),
                Ok(taken) = inboxes.answers.recv_async() => Some(taken.into()),
                Some(order) = inboxes.orders.recv() => Some(self.obey(order)),
                Ok(()) = feeds.changed() => {
                    let heads = feeds.borrow_and_update();
                    let private = heads.private.get(&self.peer.location).copied();
                    inputs.extend(private.map(|version| HubInput::PrivateReaches { version }));
                    let head = heads.feeds.get(&self.peer.location).copied();
                    head.map(|head| HubInput::FeedReaches { head })
                }
                Ok(()) = versions.changed() => {
                    Some(HubInput::ReferenceReaches { version: newest(&self.shared) })
                }
                Ok(()) = window.changed() => {
                    Some(HubInput::Window { bytes: *window.borrow_and_update() })
                }
                () = clock.sleep_until(wake) => {
                    self.wake = None;
                    Some(HubInput::Woke)
                }
                () = told(stop) => Some(HubInput::Stop),
            };
            inputs.extend(input);
        }
    }

    fn obey(&mut self, order: Order) -> HubInput {
        match order {
            Order::ProveAlive(proof) => {
                self.proofs.push(proof);
                HubInput::ProveAlive
            }
            Order::Refuse(refusal) => HubInput::Refuse(refusal),
        }
    }

    /// Gives the session one input and carries out what it asks for; gives the
    /// reason when that was the end.
    fn handle(&mut self, input: HubInput) -> Option<String> {
        if matches!(&input, HubInput::Greeting(answer) if answer.is_ok()) {
            let seat = self
                .shared
                .registry
                .seat(self.peer.node, self.orders.clone());
            self.seat = Some(seat);
        }
        let effects = self.session.handle(self.clock.now(), input);
        effects
            .into_iter()
            .find_map(|effect| self.carry_out(effect))
    }

    fn carry_out(&mut self, effect: HubEffect) -> Option<String> {
        let overrun = || Some("the session asked more than it may".to_owned());
        match effect {
            HubEffect::Send { channel, bytes } => {
                let place = Channel::ALL.iter().position(|known| *known == channel);
                let place = place.expect("invariant: every channel is listed");
                if let Err(closed) = self.sender.send(place, bytes) {
                    return Some(closed.to_string());
                }
            }
            HubEffect::Greet(hello) => {
                if !self.desks.ask(Question::Greet(hello)) {
                    return overrun();
                }
            }
            HubEffect::Connected { hello } => self.connected(hello),
            HubEffect::CommitFrame {
                after: _,
                frame,
                bytes,
            } => self.commit(frame, bytes),
            HubEffect::HeadAnnounced { head } => self.announced(head),
            HubEffect::ReadFeed {
                after,
                max_items,
                max_bytes,
            } => {
                let question = Question::Feed {
                    after,
                    max_items,
                    max_bytes,
                };
                if !self.desks.ask(question) {
                    return overrun();
                }
            }
            HubEffect::FeedAcknowledged { at } => {
                // The next acknowledgement says more than a lost one.
                self.desks.ask(Question::FeedHeld(at));
            }
            HubEffect::ReadReference { from, max_bytes } => {
                if !self.desks.ask_page(PageQuestion { from, max_bytes }) {
                    return overrun();
                }
            }
            HubEffect::ReadPrivate { from, max_bytes } => {
                if !self.desks.ask(Question::Private { from, max_bytes }) {
                    return overrun();
                }
            }
            HubEffect::ReferenceAcknowledged { position } => tracing::debug!(
                node = %self.peer.node,
                version = position.version,
                "a node holds reference data"
            ),
            HubEffect::Alive => {
                for proof in self.proofs.drain(..) {
                    // Who asked may have given up.
                    let _ = proof.send(());
                }
            }
            HubEffect::Note(note) => self.log(&note),
            HubEffect::WakeAt(at) => self.wake = Some(at),
            HubEffect::Close(reason) => return Some(self.describe(&reason)),
        }
        None
    }

    /// Queues a frame for the committer, behind those that found no room.
    fn commit(&mut self, frame: Frame, bytes: u64) {
        let committer = &self.shared.committer;
        let job = committer.job(&self.peer, frame, bytes, &self.answered);
        if self.crowded.is_empty() {
            self.crowded.extend(committer.try_queue(job));
        } else {
            self.crowded.push_back(job);
        }
    }

    fn connected(&mut self, hello: Box<NodeHello>) {
        tracing::info!(
            node = %hello.node,
            location = %hello.location,
            version = hello.software,
            "a node is connected"
        );
        let orders = self.orders.clone();
        let cut = move || {
            // A full mailbox means that the session is ending already.
            let _ = orders.try_send(Order::Refuse(revoked()));
        };
        let connected = Connected {
            replica: hello.replica,
            since: self.shared.hub.now(),
            version: hello.software.clone(),
            cut: Arc::new(cut),
        };
        self.admitted = Some(self.shared.hub.live().admit(self.peer.node, connected));
        let head = hello.head;
        self.hello = Some(hello);
        self.announced(head);
    }

    fn announced(&mut self, head: evertill_journal::Watermark) {
        if let Some(hello) = &self.hello {
            // A later announcement says more than a lost one.
            self.desks.ask(Question::Announced(hello.clone(), head));
        }
    }

    fn log(&self, note: &Note) {
        tracing::info!(node = %self.peer.node, note = ?note, "a node's session noted something");
    }

    fn describe(&self, reason: &CloseReason) -> String {
        match reason {
            CloseReason::RefusedByPeer(refusal) => format!("the node refuses: {}", refusal.detail),
            CloseReason::Refused(refusal) => refusal.detail.clone(),
            CloseReason::Diverged(divergence) => {
                tracing::error!(
                    node = %self.peer.node,
                    location = %self.peer.location,
                    divergence = ?divergence,
                    "a node's journal and what the hub holds of it do not agree"
                );
                "the journals do not agree".to_owned()
            }
            CloseReason::NoHello => "it said no hello".to_owned(),
            CloseReason::Silent => "it fell silent".to_owned(),
            CloseReason::Protocol(detail) => format!("it broke the protocol: {detail}"),
            CloseReason::Storage(detail) => format!("the hub's database failed: {detail}"),
            CloseReason::Superseded => "a newer connection took over".to_owned(),
            CloseReason::PeerStopped => "it said goodbye".to_owned(),
            CloseReason::Stopped => "the hub stops".to_owned(),
        }
    }
}
