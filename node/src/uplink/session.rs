//! One connection: the shell of a [`NodeSession`].
//!
//! Questions to the databases go to desks of their own, so that a reference
//! snapshot being swapped in delays no sale on its way up. Inputs are handled
//! one at a time, effects in order.
//!
//! Invariant: the session hears of a commit only after it is on stable storage.

use std::collections::VecDeque;

use evertill_domain::Timestamp;
use evertill_storage::journal::{self, Author};
use evertill_storage::{ReadError, TableError, feed, private};
use evertill_sync::{
    Channel, CloseReason, FeedPosition, NodeEffect, NodeInput, NodeSession, NodeStart, Note, Retry,
};
use evertill_transport::{Connection, Receiver, Sender, SteadyClock};
use tokio::sync::{mpsc, watch};

use super::acknowledgements::Acknowledgements;
use super::desk::{self, Desks};
use crate::services::work;
use crate::state::{HubContact, Node};

/// Answers of the desks that may wait for the session.
const ANSWERS: usize = 64;

/// How a connection ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether the hub and this node had agreed to go on.
    pub(super) reached: bool,
    /// Why, in words.
    pub(super) reason: String,
    /// When to come again.
    pub(super) retry: Retry,
}

impl Ended {
    /// The line broke, or never was.
    pub(super) fn before_hello(reason: String) -> Self {
        Self {
            reached: false,
            reason,
            retry: Retry::Backoff,
        }
    }
}

/// Talks to the hub until the connection ends.
pub(super) async fn run(
    node: &Node,
    connection: Connection,
    mut stop: watch::Receiver<bool>,
) -> Ended {
    let limits = Channel::ALL.map(Channel::max_message_bytes);
    let (sender, mut receiver) = match connection.open(limits).await {
        Ok(halves) => halves,
        Err(closed) => return Ended::before_hello(closed.to_string()),
    };
    let Some(author) = node.author() else {
        return Ended::before_hello("this node has not begun its journal".to_owned());
    };
    let start = match start_of(node, &author).await {
        Ok(start) => start,
        Err(error) => return Ended::before_hello(error),
    };
    let clock = SteadyClock::starting_at(node.now());
    let (answered, answers) = mpsc::channel(ANSWERS);
    let feed_held = start.feed.map_or(0, |feed| feed.at.seq);
    let mut shell = Shell {
        node,
        feed_held,
        session: NodeSession::new(start, clock.now()),
        desks: desk::open(node, &author, &answered),
        acknowledgements: Acknowledgements::open(node, author.replica),
        sender,
        wake: None,
        reached: false,
        feed_reaches: 0,
        author,
        clock,
    };
    let reason = shell.talk(&mut receiver, answers, &mut stop).await;
    shell.end(reason).await
}

/// What the session starts from, all of it durable.
async fn start_of(node: &Node, author: &Author) -> Result<NodeStart, String> {
    let own = author.clone();
    let read = node.store().read(move |conn| {
        let state = journal::state(conn, own.replica)?;
        let feed = feed::position(conn, &own.location)?;
        Ok::<_, TableError>((state, feed, private::position(conn)?))
    });
    let (state, feed, private) = read
        .await
        .map_err(|error: ReadError<TableError>| error.to_string())?;
    let state = state.ok_or("this node has not begun its journal")?;
    let position = node.reference().position().await;
    let position = position.map_err(|error| error.to_string())?;
    Ok(NodeStart {
        node: author.node,
        location: author.location.clone(),
        replica: author.replica,
        head: state.head,
        acknowledged: state.acknowledged,
        feed: feed.map(|(hub, at)| FeedPosition { hub, at }),
        reference: desk::position_out(&position),
        private: Some(desk::private_out(private)),
        software: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

struct Shell<'a> {
    node: &'a Node,
    author: Author,
    session: NodeSession,
    desks: Desks,
    acknowledgements: Acknowledgements,
    sender: Sender,
    clock: SteadyClock,
    wake: Option<Timestamp>,
    reached: bool,
    feed_reaches: u64,
    feed_held: u64,
}

/// Why the talking stopped.
enum Stopped {
    /// The session is over.
    Closed(CloseReason),
    /// The line is gone.
    Lost(String),
}

impl Shell<'_> {
    async fn talk(
        &mut self,
        receiver: &mut Receiver,
        mut answers: mpsc::Receiver<NodeInput>,
        stop: &mut watch::Receiver<bool>,
    ) -> Stopped {
        let mut commits = self.node.store().commits();
        let opened = NodeInput::Opened {
            clock: self.node.now(),
        };
        let mut inputs = VecDeque::from([opened]);
        loop {
            while let Some(input) = inputs.pop_front() {
                if let Some(stopped) = self.handle(input) {
                    return stopped;
                }
            }
            let (clock, wake) = (self.clock, self.wake);
            let input = tokio::select! {
                message = receiver.receive() => match message {
                    Ok((channel, bytes)) => {
                        self.heard();
                        NodeInput::Received { channel: Channel::ALL[channel], bytes }
                    }
                    Err(closed) => return Stopped::Lost(closed.to_string()),
                },
                Some(answer) = answers.recv() => answer,
                Ok(()) = commits.changed() => match self.head().await {
                    Ok(head) => NodeInput::Committed { head },
                    Err(error) => NodeInput::Failed { detail: error.to_string() },
                },
                () = clock.sleep_until(wake) => {
                    self.wake = None;
                    NodeInput::Woke
                }
                () = told(stop) => NodeInput::Stop,
            };
            inputs.push_back(input);
        }
    }

    /// Gives the session one input and carries out what it asks for.
    fn handle(&mut self, input: NodeInput) -> Option<Stopped> {
        let applied = match &input {
            NodeInput::FeedCommitted { at } => Some(at.seq),
            _ => None,
        };
        let effects = self.session.handle(self.clock.now(), input);
        if let Some(seq) = applied {
            self.feed_held = seq;
            self.behind(self.feed_reaches.saturating_sub(seq));
        }
        effects
            .into_iter()
            .find_map(|effect| self.carry_out(effect))
    }

    fn carry_out(&mut self, effect: NodeEffect) -> Option<Stopped> {
        match effect {
            NodeEffect::Send { channel, bytes } => {
                let place = Channel::ALL.iter().position(|known| *known == channel);
                let place = place.expect("invariant: every channel is listed");
                // The length of a message travels with it.
                metrics::counter!("uplink_bytes_total").increment(4 + bytes.len() as u64);
                if let Err(closed) = self.sender.send(place, bytes) {
                    return Some(Stopped::Lost(closed.to_string()));
                }
            }
            NodeEffect::LookUpOwn { seq } => self.desks.look_up(seq),
            NodeEffect::ReadJournal {
                after,
                max_entries,
                max_bytes,
                backlog,
            } => self.desks.read_journal(desk::JournalRange {
                after,
                max_entries,
                max_bytes,
                backlog,
            }),
            NodeEffect::CommitFeed { after: _, frame } => self.desks.commit_feed(frame),
            NodeEffect::StageReference { page } => self.desks.stage(page),
            NodeEffect::KeepPrivate { page } => self.desks.keep_private(page),
            NodeEffect::Connected { hello } => {
                self.reached = true;
                let held = self.node.hub();
                self.node.set_hub(HubContact {
                    connected: true,
                    agreed: true,
                    last_contact: Some(self.node.now()),
                    ..held
                });
                tracing::info!(hub = %hello.hub, version = hello.software, "connected to the hub");
                if let Some(key) = hello.pickup_key {
                    tokio::spawn(work::keep_key(self.node.clone(), key));
                }
            }
            NodeEffect::Acknowledged { at } => self.acknowledgements.note(at),
            NodeEffect::FeedReaches { head } => {
                self.feed_reaches = head.seq;
                self.behind(head.seq.saturating_sub(self.feed_held));
            }
            NodeEffect::ReferenceReaches { version } => {
                tracing::debug!(version = version.version, "the hub has reference data");
            }
            NodeEffect::Note(note) => log(&note),
            NodeEffect::WakeAt(at) => self.wake = Some(at),
            NodeEffect::Close(reason) => return Some(Stopped::Closed(reason)),
        }
        None
    }

    async fn end(self, stopped: Stopped) -> Ended {
        self.acknowledgements.flush().await;
        let (reason, retry) = match stopped {
            Stopped::Closed(reason) => (describe(&reason), reason.retry()),
            Stopped::Lost(reason) => (reason, Retry::Backoff),
        };
        self.sender.close(&reason).await;
        Ended {
            reached: self.reached,
            reason,
            retry,
        }
    }

    async fn head(&self) -> Result<evertill_journal::Watermark, ReadError<TableError>> {
        let replica = self.author.replica;
        let read = move |conn: &_| journal::head(conn, replica);
        self.node.store().read(read).await
    }

    fn heard(&self) {
        let held = self.node.hub();
        self.node.set_hub(HubContact {
            last_contact: Some(self.node.now()),
            ..held
        });
    }

    fn behind(&self, behind: u64) {
        let held = self.node.hub();
        self.node.set_hub(HubContact { behind, ..held });
    }
}

/// Waits until the process is told to stop.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could tell is gone only when the process ends anyway.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn log(note: &Note) {
    match note {
        Note::UnknownMessage { channel, kind } => {
            tracing::info!(
                channel = channel.name(),
                kind,
                "the hub sent a message of a newer version; it is ignored"
            );
        }
        Note::HubLostEntries {
            acknowledged,
            holds,
        } => tracing::warn!(
            acknowledged = acknowledged.seq,
            holds = holds.seq,
            "the hub holds less than it once confirmed; the entries are sent again"
        ),
    }
}

fn describe(reason: &CloseReason) -> String {
    match reason {
        CloseReason::RefusedByPeer(refusal) => format!("the hub refuses: {}", refusal.detail),
        CloseReason::Refused(refusal) => format!("refused: {}", refusal.detail),
        CloseReason::Diverged(divergence) => {
            format!("the journals do not agree: {divergence:?}; ask for support")
        }
        CloseReason::NoHello => "the hub did not answer the hello".to_owned(),
        CloseReason::Silent => "the hub fell silent".to_owned(),
        CloseReason::Protocol(detail) => format!("the hub broke the protocol: {detail}"),
        CloseReason::Storage(detail) => format!("this node's database failed: {detail}"),
        CloseReason::Superseded => "a newer connection took over".to_owned(),
        CloseReason::PeerStopped => "the hub said goodbye".to_owned(),
        CloseReason::Stopped => "this node stops".to_owned(),
    }
}
