//! What a session asks of the databases: the greeting, feed frames, reference and
//! private pages, and small notes to be kept.
//!
//! A store that asks nothing costs nothing here: an answer under way is a future
//! that its session drives, and there is no task and no channel beside it.
//!
//! Invariant: questions of one kind are answered in the order asked.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use evertill_journal::Watermark;
use evertill_storage::ingest::Peer;
use evertill_storage::projection::minters;
use evertill_storage::reference::{Cursor, Position};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableError, feed, journal, pickup, private};
use evertill_sync::{
    FeedFrame, Greeting, HubInput, NodeHello, PrivatePage, PrivatePosition, ReferencePage,
    ReferencePosition, ReferenceVersion, Refusal, RefusalCode,
};

use super::Shared;

/// Questions that may wait; a session asks far fewer at a time.
const QUEUE: usize = 32;

/// A question or a note.
#[derive(Debug)]
pub(super) enum Question {
    /// What to answer to a hello.
    Greet(Box<NodeHello>),
    /// Items of the location's feed.
    Feed {
        after: Watermark,
        max_items: usize,
        max_bytes: u64,
    },
    /// Changes of the location's private stream.
    Private {
        from: PrivatePosition,
        max_bytes: u64,
    },
    /// The node holds the feed up to here.
    FeedHeld(Watermark),
    /// The node's journal reaches this far.
    Announced(Box<NodeHello>, Watermark),
}

/// A page of reference data that a session asks for.
#[derive(Debug)]
pub(super) struct PageQuestion {
    pub(super) from: ReferencePosition,
    pub(super) max_bytes: u64,
}

/// The desks of one session.
pub(super) struct Desks {
    desk: Desk,
    questions: Line<Question>,
    /// A page is long to read, and holds up no other question.
    pages: Line<PageQuestion>,
}

/// An answer under way; a note that was kept has none.
type Answering = Pin<Box<dyn Future<Output = Option<HubInput>> + Send>>;

/// Questions that are answered one after another.
struct Line<Q> {
    under_way: Option<Answering>,
    waiting: VecDeque<Q>,
}

impl Desks {
    pub(super) fn open(shared: &Shared, peer: &Arc<Peer>) -> Self {
        let desk = Desk {
            shared: shared.clone(),
            peer: peer.clone(),
        };
        Self {
            desk,
            questions: Line::new(),
            pages: Line::new(),
        }
    }

    /// Asks; false if the session asks more than it may have open.
    pub(super) fn ask(&mut self, question: Question) -> bool {
        self.questions.ask(question)
    }

    /// Asks for a page; false if the session asks more than it may have open.
    pub(super) fn ask_page(&mut self, question: PageQuestion) -> bool {
        self.pages.ask(question)
    }

    /// Waits for the next answer, for ever while nothing is asked. Whoever gives
    /// up waiting loses none.
    pub(super) async fn answer(&mut self) -> HubInput {
        let desk = &self.desk;
        tokio::select! {
            answer = self.questions.answer(|question| {
                Box::pin(desk.clone().answer(question))
            }) => answer,
            answer = self.pages.answer(|question| {
                let shared = desk.shared.clone();
                Box::pin(async move { Some(page(&shared, question).await) })
            }) => answer,
        }
    }
}

impl<Q> Line<Q> {
    fn new() -> Self {
        Self {
            under_way: None,
            waiting: VecDeque::new(),
        }
    }

    fn ask(&mut self, question: Q) -> bool {
        let has_room = self.waiting.len() < QUEUE;
        if has_room {
            self.waiting.push_back(question);
        }
        has_room
    }

    async fn answer(&mut self, begin: impl Fn(Q) -> Answering) -> HubInput {
        loop {
            let under_way = match &mut self.under_way {
                Some(under_way) => under_way,
                none => match self.waiting.pop_front() {
                    Some(question) => none.insert(begin(question)),
                    None => std::future::pending().await,
                },
            };
            let answer = under_way.as_mut().await;
            self.under_way = None;
            if let Some(answer) = answer {
                return answer;
            }
        }
    }
}

#[derive(Clone)]
struct Desk {
    shared: Shared,
    peer: Arc<Peer>,
}

impl Desk {
    async fn answer(self, question: Question) -> Option<HubInput> {
        match question {
            Question::Greet(hello) => self.greet(&hello).await,
            Question::Feed {
                after,
                max_items,
                max_bytes,
            } => self.feed(after, max_items, max_bytes).await,
            Question::Private { from, max_bytes } => self.private(from, max_bytes).await,
            Question::FeedHeld(at) => self.note_feed(at).await,
            Question::Announced(hello, head) => self.note_head(&hello, head).await,
        }
    }

    async fn greet(&self, hello: &NodeHello) -> Option<HubInput> {
        if !self.shared.registry.is_free(self.peer.node).await {
            let detail = "another machine is connected under this certificate; if this one is a \
                          copy, enrol it anew in an empty folder";
            let refusal = Refusal::new(RefusalCode::AlreadyConnected, detail);
            return Some(HubInput::Greeting(Box::new(Err(refusal))));
        }
        let (hello, shared, peer) = (hello.clone(), self.shared.clone(), self.peer.clone());
        let read = self
            .shared
            .hub
            .store()
            .read(move |conn| greeting(conn, &shared, &peer, &hello))
            .await;
        Some(match read {
            Ok(greeting) => HubInput::Greeting(Box::new(greeting)),
            Err(error) => failed(&error),
        })
    }

    async fn feed(&self, after: Watermark, max_items: usize, max_bytes: u64) -> Option<HubInput> {
        let (own, location) = (self.shared.author.replica, self.peer.location.clone());
        let read = self
            .shared
            .hub
            .store()
            .read(move |conn| feed::read(conn, own, &location, after.seq, max_items, max_bytes))
            .await;
        Some(match read {
            Ok(page) => HubInput::FeedRead {
                frame: page.map(|page| FeedFrame {
                    hub: page.hub,
                    first_seq: page.first_seq,
                    items: page.items,
                    head: page.head,
                }),
            },
            Err(error) => failed(&error),
        })
    }

    async fn private(&self, from: PrivatePosition, max_bytes: u64) -> Option<HubInput> {
        let (own, location) = (self.shared.author.replica, self.peer.location.clone());
        let held = private::Position {
            hub: from.hub,
            version: from.version,
        };
        let read = self
            .shared
            .hub
            .store()
            .read(move |conn| private::page(conn, own, &location, held, max_bytes))
            .await;
        let out = |position: private::Position| PrivatePosition {
            hub: position.hub,
            version: position.version,
        };
        Some(match read {
            Ok(page) => HubInput::PrivateRead {
                page: page.map(|page| PrivatePage {
                    from: out(page.from),
                    to: out(page.to),
                    rows: page.rows,
                }),
            },
            Err(error) => failed(&error),
        })
    }

    async fn note_feed(&self, at: Watermark) -> Option<HubInput> {
        let (own, peer) = (self.shared.author.replica, self.peer.clone());
        let now = self.shared.hub.now();
        let written = self
            .shared
            .hub
            .store()
            .write("note what a node holds", move |tx| {
                feed::acknowledge(tx, own, &peer.location, peer.node, &at, now)
            })
            .await;
        written.err().map(|error| failed(&error))
    }

    async fn note_head(&self, hello: &NodeHello, head: Watermark) -> Option<HubInput> {
        let (replica, peer) = (hello.replica, self.peer.clone());
        let (author, now) = (self.shared.author.clone(), self.shared.hub.now());
        let written = self
            .shared
            .hub
            .store()
            .write("note what a node announced", move |tx| {
                let home = (peer.node, &peer.location);
                journal::set_announced(tx, replica, home, &head, now)?;
                // The first machine of a location mints there. Another life takes
                // its place only when the first one is sealed.
                if minters::of(tx, &peer.location)?.is_none() {
                    feed::name_minter(tx, &author, &peer.location, replica)?;
                }
                Ok::<_, TableError>(())
            })
            .await;
        written.err().map(|error| failed(&error))
    }
}

/// What to say to a hello, from one snapshot.
fn greeting(
    conn: &Connection,
    shared: &Shared,
    peer: &Peer,
    hello: &NodeHello,
) -> Result<Result<Greeting, Refusal>, TableError> {
    let state = journal::state(conn, hello.replica)?;
    if let Some(state) = &state {
        if (state.node, &state.location) != (peer.node, &peer.location) {
            let detail = format!(
                "replica {} belongs to node {} of {}; restore the folder that belongs to this \
                 machine",
                hello.replica, state.node, state.location
            );
            return Ok(Err(Refusal::new(RefusalCode::IdentityMismatch, detail)));
        }
        if state.stopped {
            let detail = format!(
                "the journal of replica {} is stopped; settle its case in the hub's quarantine",
                hello.replica
            );
            return Ok(Err(Refusal::new(RefusalCode::ReplicaQuarantined, detail)));
        }
    }
    let own = shared.author.replica;
    let feed_at = match &hello.feed {
        Some(position) if position.hub == own => {
            feed::hash_at(conn, own, &peer.location, position.at.seq)?
        }
        Some(_) | None => None,
    };
    let nothing = Watermark::nothing(hello.replica);
    Ok(Ok(Greeting {
        hub: own,
        watermark: state.map_or(nothing, |state| state.head),
        feed_head: feed::head(conn, own, &peer.location)?,
        feed_at,
        reference: newest(shared),
        private: private::head_of(conn, &peer.location)?,
        window: *shared.committer.window().borrow(),
        clock: shared.hub.now(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        pickup_key: pickup::master(conn)?.map(|master| master.of(&peer.location)),
    }))
}

/// The newest reference version.
pub(super) fn newest(shared: &Shared) -> ReferenceVersion {
    let live = shared.hub.reference().live();
    ReferenceVersion {
        hub: live.hub,
        version: live.version,
    }
}

async fn page(shared: &Shared, question: PageQuestion) -> HubInput {
    if question.from.is_at(&newest(shared)) {
        return HubInput::ReferenceRead { page: None };
    }
    // A cursor that cannot be read is not ours: start over.
    let cursor = question.from.cursor.as_deref().map(Cursor::decode);
    let position = match cursor {
        Some(Err(_)) => Position::default(),
        cursor => Position {
            hub: question.from.hub,
            version: question.from.version,
            cursor: cursor.and_then(Result::ok),
        },
    };
    let max_bytes = usize::try_from(question.max_bytes).unwrap_or(usize::MAX);
    let page = match shared.hub.reference().page_after(position, max_bytes).await {
        Ok(page) => page,
        Err(error) => return failed(&error),
    };
    match page.encode() {
        Ok(rows) => HubInput::ReferenceRead {
            page: Some(ReferencePage {
                from: position_out(&page.from()),
                to: position_out(&page.to()),
                rows,
            }),
        },
        Err(error) => failed(&error),
    }
}

fn position_out(position: &Position) -> ReferencePosition {
    ReferencePosition {
        hub: position.hub,
        version: position.version,
        cursor: position.cursor.as_ref().map(Cursor::encode),
    }
}

fn failed(error: &dyn std::error::Error) -> HubInput {
    tracing::error!(error = %error, "a store's session cannot go on");
    HubInput::Failed {
        detail: error.to_string(),
    }
}
