//! The desks: each answers one kind of question of the session, in the order
//! asked, from the databases.
//!
//! Invariant: one answer for each question; a queue is never longer than the
//! session has questions open.

use evertill_documents::PART_CODEC;
use evertill_domain::Seq;
use evertill_journal::{Compression, Frame, Watermark, pack};
use evertill_storage::feed::{self, Page};
use evertill_storage::ingest::IngestError;
use evertill_storage::journal::{self, Author};
use evertill_storage::reference::{Cursor, Page as Rows, Position};
use evertill_storage::{TableError, private};
use evertill_sync::{
    FeedFrame, NodeInput, PrivatePage, PrivatePosition, ReferencePage, ReferencePosition,
};
use tokio::sync::mpsc;

use crate::services::counts;
use crate::state::Node;

/// Questions that may wait at one desk; a session asks far fewer at a time.
const QUEUE: usize = 32;

/// Where to read the journal, and how much.
#[derive(Debug)]
pub(super) struct JournalRange {
    pub(super) after: Watermark,
    pub(super) max_entries: usize,
    pub(super) max_bytes: u64,
    pub(super) backlog: bool,
}

/// The ways to the desks. Dropping them closes the desks.
#[derive(Debug)]
pub(super) struct Desks {
    journal: mpsc::Sender<JournalQuestion>,
    feed: mpsc::Sender<FromFeed>,
    reference: mpsc::Sender<ReferencePage>,
}

/// What comes on the feed's channel; taken in its order.
#[derive(Debug)]
enum FromFeed {
    Frame(FeedFrame),
    Private(PrivatePage),
}

#[derive(Debug)]
enum JournalQuestion {
    Own(Seq),
    Range(JournalRange),
}

/// Opens the desks of one connection; answers go to `answered`.
pub(super) fn open(node: &Node, author: &Author, answered: &mpsc::Sender<NodeInput>) -> Desks {
    let (journal, questions) = mpsc::channel(QUEUE);
    let (feed, frames) = mpsc::channel(QUEUE);
    let (reference, pages) = mpsc::channel(QUEUE);
    let (node, author) = (node.clone(), author.clone());
    tokio::spawn(journal_desk(
        node.clone(),
        author.clone(),
        questions,
        answered.clone(),
    ));
    tokio::spawn(feed_desk(node.clone(), author, frames, answered.clone()));
    tokio::spawn(reference_desk(node, pages, answered.clone()));
    Desks {
        journal,
        feed,
        reference,
    }
}

impl Desks {
    /// Asks for the hash of an own entry.
    pub(super) fn look_up(&self, seq: Seq) {
        ask(&self.journal, JournalQuestion::Own(seq));
    }

    /// Asks for a frame of own entries.
    pub(super) fn read_journal(&self, range: JournalRange) {
        ask(&self.journal, JournalQuestion::Range(range));
    }

    /// Asks to take in a frame of the feed.
    pub(super) fn commit_feed(&self, frame: FeedFrame) {
        ask(&self.feed, FromFeed::Frame(frame));
    }

    /// Asks to keep a page of the private stream.
    pub(super) fn keep_private(&self, page: PrivatePage) {
        ask(&self.feed, FromFeed::Private(page));
    }

    /// Asks to stage a page of reference data.
    pub(super) fn stage(&self, page: ReferencePage) {
        ask(&self.reference, page);
    }
}

fn ask<T>(desk: &mpsc::Sender<T>, question: T) {
    let taken = desk.try_send(question).is_ok();
    assert!(
        taken || desk.is_closed(),
        "invariant: a session keeps fewer than {QUEUE} questions open"
    );
}

async fn journal_desk(
    node: Node,
    author: Author,
    mut questions: mpsc::Receiver<JournalQuestion>,
    answered: mpsc::Sender<NodeInput>,
) {
    while let Some(question) = questions.recv().await {
        let own = author.clone();
        let answer = node
            .store()
            .read(move |conn| match question {
                JournalQuestion::Own(seq) => {
                    let hash = journal::entry_hash(conn, own.replica, seq)?;
                    Ok(NodeInput::OwnEntry { seq, hash })
                }
                JournalQuestion::Range(range) => {
                    let frame = frame(conn, &own, &range)?;
                    Ok::<_, TableError>(NodeInput::JournalRead { frame })
                }
            })
            .await;
        let answer = answer.unwrap_or_else(|error| failed(&error));
        if answered.send(answer).await.is_err() {
            return;
        }
    }
}

/// The entries after a place, packed; on a reader's thread, because packing a
/// backlog is work.
fn frame(
    conn: &evertill_storage::rusqlite::Connection,
    author: &Author,
    range: &JournalRange,
) -> Result<Option<Frame>, TableError> {
    let after = range.after;
    let entries = journal::entries_after(
        conn,
        author.replica,
        after.seq,
        range.max_entries,
        range.max_bytes,
    )?;
    if entries.is_empty() {
        return Ok(None);
    }
    let writer = journal::actor_at(conn, author.replica, after.seq)?;
    let compression = if range.backlog {
        Compression::CatchUp
    } else {
        Compression::Live
    };
    let packed = pack(&after, writer, &entries, compression, PART_CODEC);
    packed.map(Some).map_err(|error| TableError::Damaged {
        what: format!("the journal after entry {}", after.seq),
        detail: error.to_string(),
    })
}

async fn feed_desk(
    node: Node,
    author: Author,
    mut arrived: mpsc::Receiver<FromFeed>,
    answered: mpsc::Sender<NodeInput>,
) {
    post_counts(&node).await;
    while let Some(arrived) = arrived.recv().await {
        let frame = match arrived {
            FromFeed::Frame(frame) => frame,
            FromFeed::Private(page) => {
                if answered
                    .send(keep_private(&node, page).await)
                    .await
                    .is_err()
                {
                    return;
                }
                continue;
            }
        };
        if answered
            .send(take_in(&node, &author, frame).await)
            .await
            .is_err()
        {
            return;
        }
        post_counts(&node).await;
    }
}

/// A count that could not be posted, because the disk was full or the process
/// ended, is still due and tried again with the next page, and at the next
/// connection.
async fn post_counts(node: &Node) {
    if let Err(error) = counts::post_due(node).await {
        tracing::warn!(%error, "the counts that the hub asked for could not be posted yet");
    }
}

async fn take_in(node: &Node, author: &Author, frame: FeedFrame) -> NodeInput {
    let (location, now) = (author.location.clone(), node.now());
    let page = Page {
        hub: frame.hub,
        first_seq: frame.first_seq,
        items: frame.items,
        head: frame.head,
    };
    let taken = node
        .store()
        .write("take in the feed", move |tx| {
            feed::commit(tx, &location, &page, now)
        })
        .await;
    match taken {
        Ok(Ok(committed)) => NodeInput::FeedCommitted { at: committed.at },
        Ok(Err(IngestError::Refused(refusal))) => NodeInput::PeerBroke {
            detail: refusal.to_string(),
        },
        Ok(Err(error @ IngestError::Table(_))) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// Keeps who ordered, and forgets whom the hub takes back.
async fn keep_private(node: &Node, page: PrivatePage) -> NodeInput {
    let rows = match private::decode(&page.rows) {
        Ok(rows) => rows,
        Err(error) => {
            return NodeInput::PeerBroke {
                detail: error.to_string(),
            };
        }
    };
    let way = (position_in(page.from), position_in(page.to));
    let kept = node
        .store()
        .write("keep who ordered", move |tx| private::keep(tx, way, &rows))
        .await;
    match kept {
        Ok(()) => NodeInput::PrivateKept { position: page.to },
        Err(error) => failed(&error),
    }
}

async fn reference_desk(
    node: Node,
    mut pages: mpsc::Receiver<ReferencePage>,
    answered: mpsc::Sender<NodeInput>,
) {
    while let Some(page) = pages.recv().await {
        let answer = match Rows::decode(&page.rows) {
            Ok(rows) => match node.reference().stage(rows).await {
                Ok(position) => NodeInput::ReferenceStaged {
                    position: position_out(&position),
                },
                Err(error) => failed(&error),
            },
            Err(error) => NodeInput::PeerBroke {
                detail: error.to_string(),
            },
        };
        if answered.send(answer).await.is_err() {
            return;
        }
    }
}

fn failed(error: &dyn std::error::Error) -> NodeInput {
    tracing::warn!(error = %error, "the line to the hub pauses");
    NodeInput::Failed {
        detail: error.to_string(),
    }
}

fn position_in(position: PrivatePosition) -> private::Position {
    private::Position {
        hub: position.hub,
        version: position.version,
    }
}

/// A place in the private stream as the protocol carries it.
pub(super) fn private_out(position: private::Position) -> PrivatePosition {
    PrivatePosition {
        hub: position.hub,
        version: position.version,
    }
}

/// A place in the reference stream as the protocol carries it.
pub(super) fn position_out(position: &Position) -> ReferencePosition {
    ReferencePosition {
        hub: position.hub,
        version: position.version,
        cursor: position.cursor.as_ref().map(Cursor::encode),
    }
}
