//! What became of a week.

use crate::scenario::Scenario;

/// What the merchant earns of what a customer pays, in per cent: the sample's
/// costs are 70 % of its prices.
pub const MARGIN: i64 = 30;
/// What each parcel beyond an order's first costs, in cents.
pub const SPLIT: i64 = 600;
/// What an order costs that is kept later than promised, in cents.
pub const LATE: i64 = 500;

/// Counts of one run; money in cents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Orders that customers wanted to place.
    pub placed: i64,
    /// Orders of which everything was promised.
    pub whole: i64,
    /// Orders of which something was promised, and the rest not offered.
    pub partly: i64,
    /// Orders of which nothing was offered.
    pub refused: i64,
    /// Orders of which something was promised and then cancelled.
    pub broken: i64,
    /// Orders of which something was missing, and all of it came from elsewhere
    /// in time.
    pub resourced: i64,
    /// Orders that were kept, but later than promised.
    pub late: i64,
    /// Pieces that were wanted online.
    pub wanted: i64,
    /// Pieces that were promised.
    pub promised: i64,
    /// Pieces that were promised and then cancelled.
    pub cancelled: i64,
    /// Pieces that were not offered although they lay on a shelf, unpromised.
    pub unsold: i64,
    /// Parcels beyond the first of an order.
    pub splits: i64,
    /// Pieces that customers at tills wanted.
    pub till_wanted: i64,
    /// Pieces that they did not find.
    pub till_short: i64,
    /// What customers paid for goods of orders.
    pub paid_online: i64,
    /// What customers paid at tills.
    pub paid_till: i64,
    /// Pairs of store and product that were looked at in the evenings.
    pub looked_at: i64,
    /// Those of them that had something on the shelf.
    pub available: i64,
}

impl Outcome {
    /// Orders of which something was promised.
    #[must_use]
    pub const fn accepted(&self) -> i64 {
        self.whole + self.partly
    }

    /// The margin of all that was sold, at tills too, less what late and broken
    /// promises and further parcels cost.
    #[must_use]
    pub const fn money(&self, scenario: &Scenario) -> i64 {
        (self.paid_online + self.paid_till) * MARGIN / 100
            - self.broken * scenario.broken
            - self.late * LATE
            - self.splits * SPLIT
    }
}
