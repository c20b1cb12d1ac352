//! What a hub's session takes and what it gives.

use evertill_domain::{LocationId, NodeId, Timestamp};
use evertill_journal::{Frame, Watermark};

use crate::{
    Channel, CloseReason, FeedFrame, Greeting, NodeHello, Note, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition, ReferenceVersion, Refusal,
};

/// Who the certificate says is connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerIdentity {
    /// The machine.
    pub node: NodeId,
    /// Its location.
    pub location: LocationId,
}

/// What happens to a hub's session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HubInput {
    /// A message arrived.
    Received {
        /// On which channel.
        channel: Channel,
        /// Its bytes, without the length prefix.
        bytes: Vec<u8>,
    },
    /// Answer to [`HubEffect::Greet`]: what to say, or why not to go on.
    Greeting(Box<Result<Greeting, Refusal>>),
    /// How many journal bytes this connection may have unacknowledged, from the
    /// room in the writer's queue. 0 stops the node once its credit is used up.
    Window {
        /// The number of bytes.
        bytes: u64,
    },
    /// Answer to [`HubEffect::CommitFrame`], in the order asked: the entries
    /// *and* their projections are on stable storage.
    FrameCommitted,
    /// Instead: the frame does not continue the chain that the hub holds, or
    /// holds another entry at a known place.
    FrameRefused {
        /// What is wrong, for both sides' logs.
        detail: String,
    },
    /// The location's feed reaches further, durably.
    FeedReaches {
        /// Its last item.
        head: Watermark,
    },
    /// Answer to [`HubEffect::ReadFeed`]; nothing if there is nothing after it.
    FeedRead {
        /// The frame, starting right after the position asked for.
        frame: Option<FeedFrame>,
    },
    /// A newer reference version is readable.
    ReferenceReaches {
        /// That version.
        version: ReferenceVersion,
    },
    /// Answer to [`HubEffect::ReadReference`]; nothing if the position is up to date.
    ReferenceRead {
        /// The page, from the position asked for.
        page: Option<ReferencePage>,
    },
    /// The location's private stream reaches further, durably.
    PrivateReaches {
        /// The number of its last change.
        version: u64,
    },
    /// Answer to [`HubEffect::ReadPrivate`]; nothing if the position is up to date.
    PrivateRead {
        /// The page, from the position asked for or from nothing.
        page: Option<PrivatePage>,
    },
    /// Instead of any answer: the database could not do it.
    Failed {
        /// What failed.
        detail: String,
    },
    /// A second connection of this node has said hello. The session asks for a
    /// sign of life and answers with [`HubEffect::Alive`], or closes as
    /// [`CloseReason::Superseded`].
    ProveAlive,
    /// Stop with this refusal: revoked, draining, superseded by a rule.
    Refuse(Refusal),
    /// The time asked for with [`HubEffect::WakeAt`] has come.
    Woke,
    /// The hub shuts down.
    Stop,
}

/// What a hub's session wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HubEffect {
    /// Send these bytes on this channel, after everything sent there before.
    Send {
        /// The channel.
        channel: Channel,
        /// An encoded [`Message`](crate::Message).
        bytes: Vec<u8>,
    },
    /// Read what is needed to answer this hello, in one snapshot; answer with
    /// [`HubInput::Greeting`]. Refuse what is revoked, unknown or quarantined.
    Greet(Box<NodeHello>),
    /// The hubs's hello went out and the node's journal agrees with it.
    Connected {
        /// What the node said.
        hello: Box<NodeHello>,
    },
    /// Verify the chain, gate each part, apply or park, commit; answer with
    /// [`HubInput::FrameCommitted`] or [`HubInput::FrameRefused`] in the order
    /// asked. Entries that the hub meanwhile holds (from an older connection)
    /// are not applied again, but must have the same hash.
    CommitFrame {
        /// The position that the frame continues.
        after: Watermark,
        /// The frame.
        frame: Frame,
        /// Its message's bytes, as counted against the credit.
        bytes: u64,
    },
    /// The node's journal reaches this far; the location is complete once that
    /// much is applied.
    HeadAnnounced {
        /// The node's last durable entry.
        head: Watermark,
    },
    /// Read feed items; answer with [`HubInput::FeedRead`].
    ReadFeed {
        /// Start right after this item.
        after: Watermark,
        /// At most so many items.
        max_items: usize,
        /// At most so many bytes, but at least one item.
        max_bytes: u64,
    },
    /// The node applied the feed durably up to here.
    FeedAcknowledged {
        /// The last item applied.
        at: Watermark,
    },
    /// Read a page; answer with [`HubInput::ReferenceRead`].
    ReadReference {
        /// Where the page starts. A position of another life of the hub is
        /// answered with a page from the beginning.
        from: ReferencePosition,
        /// At most so many bytes of rows, but at least one row.
        max_bytes: u64,
    },
    /// The node staged the reference stream durably up to here.
    ReferenceAcknowledged {
        /// Its position.
        position: ReferencePosition,
    },
    /// Read a private page; answer with [`HubInput::PrivateRead`].
    ReadPrivate {
        /// Where the page starts. A position of another life of the hub, or one
        /// that it never reached, is answered with a page from nothing.
        from: PrivatePosition,
        /// At most so many bytes of rows, but at least one row.
        max_bytes: u64,
    },
    /// Answer to [`HubInput::ProveAlive`]: this connection lives, so the other
    /// one is a clone's.
    Alive,
    /// Worth a line in the log.
    Note(Note),
    /// Send [`HubInput::Woke`] at this time. A later request replaces this one.
    WakeAt(Timestamp),
    /// The session is over; close the connection. Always the last effect.
    Close(CloseReason),
}
