//! What became of a week's orders.

/// What a cancellation after the promise costs the merchant, in cents:
/// apology, refund, a customer who may not come back.
pub const CANCELLATION: i64 = 1_500;
/// What each parcel beyond an order's first costs, in cents.
pub const SPLIT: i64 = 600;

/// Counts of one run; money in cents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Orders that customers placed.
    pub placed: u32,
    /// Orders that were accepted.
    pub accepted: u32,
    /// Accepted, and cancelled because goods were missing.
    pub cancelled: u32,
    /// Goods were missing, and came from elsewhere in time.
    pub resourced: u32,
    /// Kept, but later than promised.
    pub late: u32,
    /// Refused although the shelves had everything, unpromised.
    pub refused_available: u32,
    /// Refused because it was nowhere.
    pub refused_rightly: u32,
    /// Parcels beyond the first of an order.
    pub splits: u32,
    /// Units that customers at tills did not find.
    pub walk_in_short: u32,
    /// What kept orders are worth.
    pub revenue: i64,
}

impl Outcome {
    /// Accepted and not cancelled.
    #[must_use]
    pub const fn kept(&self) -> u32 {
        self.accepted - self.cancelled
    }

    /// Revenue less the cost of cancellations and of further parcels.
    #[must_use]
    pub fn money(&self) -> i64 {
        self.revenue - i64::from(self.cancelled) * CANCELLATION - i64::from(self.splits) * SPLIT
    }
}
