//! What a node's session takes and what it gives.

use evertill_domain::{LocationId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_journal::{EntryHash, Frame, Watermark};

use crate::{
    Channel, CloseReason, FeedFrame, FeedPosition, HubHello, Note, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition, ReferenceVersion,
};

/// What a node's session starts from, all of it durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeStart {
    /// The machine.
    pub node: NodeId,
    /// Its location.
    pub location: LocationId,
    /// The life of its database.
    pub replica: ReplicaId,
    /// The last entry of its journal.
    pub head: Watermark,
    /// What the hub has acknowledged in earlier sessions.
    pub acknowledged: Watermark,
    /// How far the hub's feed is applied.
    pub feed: Option<FeedPosition>,
    /// How far the reference stream is staged.
    pub reference: ReferencePosition,
    /// How far the private stream is kept; none tells the hub to send nothing of
    /// it.
    pub private: Option<PrivatePosition>,
    /// The node's software version.
    pub software: String,
}

/// What happens to a node's session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeInput {
    /// The connection is up and all channels can be written to.
    Opened {
        /// The wall clock, for the hub to compare with its own.
        clock: Timestamp,
    },
    /// A message arrived.
    Received {
        /// On which channel.
        channel: Channel,
        /// Its bytes, without the length prefix.
        bytes: Vec<u8>,
    },
    /// Answer to [`NodeEffect::LookUpOwn`].
    OwnEntry {
        /// The position that was asked for.
        seq: Seq,
        /// The hash of the node's own durable entry there, if it has one.
        hash: Option<EntryHash>,
    },
    /// The node's own journal reaches further, on stable storage.
    Committed {
        /// Its last entry.
        head: Watermark,
    },
    /// Answer to [`NodeEffect::ReadJournal`]: durable entries, packed; nothing
    /// if there are none after the position asked for.
    JournalRead {
        /// The frame, starting right after that position.
        frame: Option<Frame>,
    },
    /// Answer to [`NodeEffect::CommitFeed`]: items and projections are durable.
    FeedCommitted {
        /// The position after the last item of the frame.
        at: Watermark,
    },
    /// Answer to [`NodeEffect::StageReference`]: the rows are durable.
    ReferenceStaged {
        /// The node's position now.
        position: ReferencePosition,
    },
    /// Answer to [`NodeEffect::KeepPrivate`]: the rows are durable, and what they
    /// take back is gone.
    PrivateKept {
        /// The node's position now.
        position: PrivatePosition,
    },
    /// Instead of any answer: the database could not do it.
    Failed {
        /// What failed, for the log and the status page.
        detail: String,
    },
    /// A frame or page that the hub sent is not what it claims to be.
    PeerBroke {
        /// What is wrong with it.
        detail: String,
    },
    /// The time asked for with [`NodeEffect::WakeAt`] has come.
    Woke,
    /// The node shuts down, or takes another replica id.
    Stop,
}

/// What a node's session wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeEffect {
    /// Send these bytes on this channel, after everything sent there before.
    Send {
        /// The channel.
        channel: Channel,
        /// An encoded [`Message`](crate::Message).
        bytes: Vec<u8>,
    },
    /// Look up the hash of the own durable entry there; answer with
    /// [`NodeInput::OwnEntry`].
    LookUpOwn {
        /// The position.
        seq: Seq,
    },
    /// Read and pack durable entries; answer with [`NodeInput::JournalRead`].
    ReadJournal {
        /// Start right after this entry.
        after: Watermark,
        /// At most so many entries.
        max_entries: usize,
        /// At most so many bytes of entries, but at least one entry.
        max_bytes: u64,
        /// Whether this is a backlog rather than a sale that just happened:
        /// worth more effort in compressing.
        backlog: bool,
    },
    /// Verify the chain, gate, apply, commit; answer with
    /// [`NodeInput::FeedCommitted`] in the order asked.
    CommitFeed {
        /// The position that the frame continues.
        after: Watermark,
        /// The frame.
        frame: FeedFrame,
    },
    /// Stage the rows durably, swap the version in if the page completes it;
    /// answer with [`NodeInput::ReferenceStaged`] in the order asked.
    StageReference {
        /// The page.
        page: ReferencePage,
    },
    /// Keep the rows durably and forget what they take back; a page from nothing
    /// replaces everything. Answer with [`NodeInput::PrivateKept`].
    KeepPrivate {
        /// The page.
        page: PrivatePage,
    },
    /// The hub answered and the journals agree: the node is connected.
    Connected {
        /// What the hub said.
        hello: Box<HubHello>,
    },
    /// The hub holds the journal up to here, durably and with projections.
    /// After losing entries a hub may name less than before.
    Acknowledged {
        /// The last entry that it holds.
        at: Watermark,
    },
    /// The feed reaches this far at the hub.
    FeedReaches {
        /// Its last item.
        head: Watermark,
    },
    /// The newest reference version at the hub.
    ReferenceReaches {
        /// That version.
        version: ReferenceVersion,
    },
    /// Worth a line in the log.
    Note(Note),
    /// Send [`NodeInput::Woke`] at this time. A later request replaces this one.
    WakeAt(Timestamp),
    /// The session is over; close the connection. Always the last effect.
    Close(CloseReason),
}
