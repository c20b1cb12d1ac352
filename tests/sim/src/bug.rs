//! Deliberate mistakes of a shell, to prove that the oracles see them.

/// A mistake that a run can be told to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// The node answers the client before the sale is on stable storage.
    AcknowledgeBeforeFsync,
    /// The hub acknowledges frames before they are on stable storage.
    HubAcknowledgesBeforeFsync,
    /// The hub acknowledges entries and writes their projections afterwards.
    AcknowledgeBeforeProjections,
    /// The node ships entries that are not on stable storage.
    ShipUnsynced,
    /// The hub takes an entry for known because some journal reached its seq.
    DedupeBySeqAlone,
    /// The hub loses the last entry of each frame of several.
    DropFrameTail,
    /// The idempotency key is not part of the sale's transaction.
    ForgetIdempotencyKey,
    /// Receipt numbers are counted in memory, from the process start.
    ReuseReceiptNumber,
    /// The good part of an entry with a bad one is applied.
    ApplyParkedParts,
    /// The node sends whatever it has, whatever the hub granted.
    IgnoreCredit,
    /// The node acknowledges the feed before it is on stable storage.
    AcknowledgeFeedBeforeFsync,
    /// A count is posted against the stock of now, not of when it was counted.
    PostAgainstNow,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::AcknowledgeBeforeFsync,
        Self::HubAcknowledgesBeforeFsync,
        Self::AcknowledgeBeforeProjections,
        Self::ShipUnsynced,
        Self::DedupeBySeqAlone,
        Self::DropFrameTail,
        Self::ForgetIdempotencyKey,
        Self::ReuseReceiptNumber,
        Self::ApplyParkedParts,
        Self::IgnoreCredit,
        Self::AcknowledgeFeedBeforeFsync,
        Self::PostAgainstNow,
    ];
}
