//! The four channels of a connection.

/// One bidirectional ordered stream of messages. Nothing orders two channels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// Hello, refusals, head announcements, liveness. Opened first.
    Control,
    /// The node's journal upstream; acknowledgements and credit downstream.
    Journal,
    /// The location's feed and its private stream downstream; acknowledgements
    /// upstream.
    Feed,
    /// Reference pages downstream; acknowledgements upstream.
    Reference,
}

impl Channel {
    /// All channels in the order in which a node opens them.
    pub const ALL: [Self; 4] = [Self::Control, Self::Journal, Self::Feed, Self::Reference];

    /// Longest message that may travel here, in bytes. A transport refuses a
    /// length claim above it before it reads on.
    #[must_use]
    pub fn max_message_bytes(self) -> usize {
        match self {
            Self::Control => crate::limits::MAX_CONTROL_BYTES,
            Self::Journal | Self::Feed | Self::Reference => crate::limits::MAX_MESSAGE_BYTES,
        }
    }

    /// The word used in logs and errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Journal => "journal",
            Self::Feed => "feed",
            Self::Reference => "reference",
        }
    }
}
