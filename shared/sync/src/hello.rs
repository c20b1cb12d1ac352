//! What each side says first.

use evertill_domain::order::PickupKey;
use evertill_domain::{LocationId, NodeId, ReplicaId, Timestamp};
use evertill_journal::{EntryHash, Watermark};

use crate::{
    FeedPosition, PrivatePosition, ReferencePosition, ReferenceVersion, Refusal, RefusalCode,
};

/// The newest protocol version that this build speaks.
pub const PROTOCOL: u16 = 1;
/// The oldest protocol version that this build still speaks.
pub const PROTOCOL_OLDEST: u16 = 1;

/// The node's hello: who it is and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeHello {
    /// Newest protocol version it speaks.
    pub protocol: u16,
    /// Oldest protocol version it still speaks.
    pub oldest: u16,
    /// The machine; must be the certificate's.
    pub node: NodeId,
    /// Its location; must be the certificate's.
    pub location: LocationId,
    /// The life of its database.
    pub replica: ReplicaId,
    /// The last entry of its journal that is on stable storage.
    pub head: Watermark,
    /// How far it holds the hub's feed; nothing at first contact.
    pub feed: Option<FeedPosition>,
    /// How far it holds the reference stream.
    pub reference: ReferencePosition,
    /// Its wall clock, so that a wrong one is seen at the hub.
    pub clock: Timestamp,
    /// Its software version.
    pub software: String,
    /// How far it holds its private stream; none from a node that knows of no
    /// such stream, to which nothing of it is sent.
    pub private: Option<PrivatePosition>,
}

impl NodeHello {
    /// The protocol version to speak with this node, or why there is none.
    pub(crate) fn agree(&self) -> Result<u16, Refusal> {
        let spoken = self.protocol.min(PROTOCOL);
        if spoken >= self.oldest.max(PROTOCOL_OLDEST) {
            return Ok(spoken);
        }
        Err(Refusal::new(
            RefusalCode::ProtocolUnsupported,
            format!(
                "The node speaks protocol {} to {}, the hub {PROTOCOL_OLDEST} to {PROTOCOL}: \
                 upgrade the older of the two.",
                self.oldest, self.protocol
            ),
        ))
    }
}

/// The hub's hello, its answer to the node's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HubHello {
    /// The protocol version spoken from now on.
    pub protocol: u16,
    /// The life of the hub's database.
    pub hub: ReplicaId,
    /// How far the hub holds the node's journal, durably and with projections.
    pub watermark: Watermark,
    /// The last item of the location's feed.
    pub feed_head: Watermark,
    /// The newest reference version.
    pub reference: ReferenceVersion,
    /// Journal bytes that the node may send, counted from the connection's start.
    pub credit: u64,
    /// The hub's wall clock.
    pub clock: Timestamp,
    /// The hub's software version.
    pub software: String,
    /// The key behind the location's pickup codes. It travels here because it
    /// is a secret: nothing of it is ever in a journal or feed.
    pub pickup_key: Option<PickupKey>,
}

/// What the hub's shell reads, in one database snapshot, to answer a hello.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Greeting {
    /// The life of the hub's database.
    pub hub: ReplicaId,
    /// How far the hub holds the journal of the hello's replica; seq 0 with the
    /// replica's genesis hash if it holds nothing.
    pub watermark: Watermark,
    /// The last item of the location's feed; seq 0 with the hub's genesis hash
    /// if there is none.
    pub feed_head: Watermark,
    /// The hub's own hash at the seq of the hello's feed position, if it has an
    /// item there.
    pub feed_at: Option<EntryHash>,
    /// The newest reference version.
    pub reference: ReferenceVersion,
    /// The number of the last change in the location's private stream; 0 if there
    /// never was one.
    pub private: u64,
    /// Journal bytes that this connection may have unacknowledged.
    pub window: u64,
    /// The hub's wall clock.
    pub clock: Timestamp,
    /// The hub's software version.
    pub software: String,
    /// The key behind the location's pickup codes.
    pub pickup_key: Option<PickupKey>,
}
