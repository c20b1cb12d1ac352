//! The messages and their bytes.
//!
//! A message is a minicbor array `[kind, body]`, the body an array of numbered
//! fields: new ones come last and are optional, numbers are never reused. A
//! reader skips fields it does not know and reports kinds it does not know, so
//! old and new sides meet in every rollout.
//!
//! Invariant: `decode` is total. Any bytes give a message, an unknown kind or
//! an error; never a panic, and never more memory than the bytes themselves.

mod fields;
mod read;
mod write;

use evertill_journal::Watermark;

use crate::{
    Channel, Divergence, FeedFrame, HubHello, NodeHello, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition, ReferenceVersion, Refusal,
};

/// A message of the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Control, node to hub: the first message.
    NodeHello(Box<NodeHello>),
    /// Control, hub to node: the answer.
    HubHello(Box<HubHello>),
    /// Control, node to hub: the watermark agrees; the hub may send.
    Ready,
    /// Control, hub to node: the hub does not go on.
    Refused(Refusal),
    /// Control, either way: the sender's chain is not what the peer holds.
    Diverged(Divergence),
    /// Control, node to hub: how far the journal reaches.
    JournalHead(Watermark),
    /// Control, hub to node: how far the feed reaches.
    FeedHead(Watermark),
    /// Control, hub to node: the newest reference version.
    ReferenceHead(ReferenceVersion),
    /// Control, either way: answer with a pong of the same number.
    Ping(u64),
    /// Control, either way: answer to a ping.
    Pong(u64),
    /// Control, either way: the sender stops in good order.
    Bye,

    /// Journal, node to hub: an encoded [`evertill_journal::Frame`].
    JournalFrame(Vec<u8>),
    /// Journal, hub to node: durable with its projections up to here.
    JournalAck {
        /// The last entry of a committed frame.
        at: Watermark,
        /// The new credit limit, counted from the connection's start.
        credit: u64,
    },
    /// Journal, hub to node: the new credit limit.
    Credit(u64),
    /// Journal, node to hub: the next frame message has this many bytes and
    /// does not fit into the credit.
    CreditWanted(u64),

    /// Feed, hub to node.
    FeedFrame(FeedFrame),
    /// Feed, node to hub: applied durably up to here.
    FeedAck(Watermark),

    /// Reference, hub to node.
    ReferencePage(ReferencePage),
    /// Reference, node to hub: staged durably up to here.
    ReferenceAck(ReferencePosition),

    /// Feed, hub to node: who ordered.
    PrivatePage(PrivatePage),
    /// Feed, node to hub: kept durably up to here.
    PrivateAck(PrivatePosition),
}

/// What some bytes turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// A message of this version.
    Message(Message),
    /// A well-formed message of a kind that only a newer version knows.
    Unknown {
        /// Its kind number.
        kind: u32,
    },
}

/// Bytes that are no message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageError {
    /// Longer than the channel allows.
    #[error("a message of {bytes} bytes on the {} channel is longer than {limit}", channel.name())]
    TooLong {
        /// Where it arrived.
        channel: Channel,
        /// Its length.
        bytes: usize,
        /// The channel's limit.
        limit: usize,
    },
    /// Not a minicbor array of the right shape.
    #[error("a message on the {} channel cannot be read: {detail}", channel.name())]
    Malformed {
        /// Where it arrived.
        channel: Channel,
        /// What is wrong with it.
        detail: String,
    },
    /// A known message that belongs elsewhere.
    #[error(
        "message kind {kind} belongs on the {} channel, not on {}",
        expected.name(),
        channel.name()
    )]
    WrongChannel {
        /// Where it arrived.
        channel: Channel,
        /// Where it belongs.
        expected: Channel,
        /// Its kind number.
        kind: u32,
    },
}

/// Kind numbers; a number is never reused.
pub(crate) mod kind {
    pub const NODE_HELLO: u32 = 1;
    pub const HUB_HELLO: u32 = 2;
    pub const READY: u32 = 3;
    pub const REFUSED: u32 = 4;
    pub const DIVERGED: u32 = 5;
    pub const JOURNAL_HEAD: u32 = 6;
    pub const FEED_HEAD: u32 = 7;
    pub const REFERENCE_HEAD: u32 = 8;
    pub const PING: u32 = 9;
    pub const PONG: u32 = 10;
    pub const BYE: u32 = 11;
    pub const JOURNAL_FRAME: u32 = 20;
    pub const JOURNAL_ACK: u32 = 21;
    pub const CREDIT: u32 = 22;
    pub const CREDIT_WANTED: u32 = 23;
    pub const FEED_FRAME: u32 = 30;
    pub const FEED_ACK: u32 = 31;
    pub const REFERENCE_PAGE: u32 = 40;
    pub const REFERENCE_ACK: u32 = 41;
    pub const PRIVATE_PAGE: u32 = 50;
    pub const PRIVATE_ACK: u32 = 51;
}

impl Message {
    /// The channel on which this message travels.
    #[must_use]
    pub fn channel(&self) -> Channel {
        channel_of(self.kind()).unwrap_or(Channel::Control)
    }

    /// The number on the wire.
    #[must_use]
    pub fn kind(&self) -> u32 {
        match self {
            Self::NodeHello(_) => kind::NODE_HELLO,
            Self::HubHello(_) => kind::HUB_HELLO,
            Self::Ready => kind::READY,
            Self::Refused(_) => kind::REFUSED,
            Self::Diverged(_) => kind::DIVERGED,
            Self::JournalHead(_) => kind::JOURNAL_HEAD,
            Self::FeedHead(_) => kind::FEED_HEAD,
            Self::ReferenceHead(_) => kind::REFERENCE_HEAD,
            Self::Ping(_) => kind::PING,
            Self::Pong(_) => kind::PONG,
            Self::Bye => kind::BYE,
            Self::JournalFrame(_) => kind::JOURNAL_FRAME,
            Self::JournalAck { .. } => kind::JOURNAL_ACK,
            Self::Credit(_) => kind::CREDIT,
            Self::CreditWanted(_) => kind::CREDIT_WANTED,
            Self::FeedFrame(_) => kind::FEED_FRAME,
            Self::FeedAck(_) => kind::FEED_ACK,
            Self::ReferencePage(_) => kind::REFERENCE_PAGE,
            Self::ReferenceAck(_) => kind::REFERENCE_ACK,
            Self::PrivatePage(_) => kind::PRIVATE_PAGE,
            Self::PrivateAck(_) => kind::PRIVATE_ACK,
        }
    }

    /// The bytes of the message. Texts are cut at their limit.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        write::encode(self)
    }

    /// Reads what arrived on `channel`.
    ///
    /// # Errors
    /// [`MessageError`] if the bytes are too long, malformed, or a known message
    /// of another channel.
    pub fn decode(channel: Channel, bytes: &[u8]) -> Result<Decoded, MessageError> {
        read::decode(channel, bytes)
    }
}

/// Where a known kind belongs.
fn channel_of(number: u32) -> Option<Channel> {
    match number {
        kind::NODE_HELLO..=kind::BYE => Some(Channel::Control),
        kind::JOURNAL_FRAME..=kind::CREDIT_WANTED => Some(Channel::Journal),
        kind::FEED_FRAME..=kind::FEED_ACK | kind::PRIVATE_PAGE..=kind::PRIVATE_ACK => {
            Some(Channel::Feed)
        }
        kind::REFERENCE_PAGE..=kind::REFERENCE_ACK => Some(Channel::Reference),
        _ => None,
    }
}
