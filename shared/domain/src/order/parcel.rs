//! What left a location for a customer: parcels, and hand-overs at the counter.
//!
//! A parcel is known from the packing, or from the dispatch of what was not
//! packed in it. Where it stands follows from the steps about its promises:
//! carriers speak of shipments, so what is delivered is said of a promise.
//!
//! Invariant: of no line more comes back than went out.

use super::line::PromiseId;
use super::words::words;
use crate::ids::{LocationId, ReceiptNumber, Sku};
use crate::time::Timestamp;

words!(
    /// Where a parcel stands.
    ParcelState, "parcel state" {
        /// It is packed and still there.
        Packed = "packed",
        /// The carrier has it.
        Shipped = "shipped",
        /// The customer has it.
        Delivered = "delivered",
        /// The carrier could not deliver it.
        DeliveryFailed = "delivery_failed",
        /// All of it was brought back.
        ReturnedToSender = "returned_to_sender",
    }
);

/// A parcel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parcel {
    /// From where.
    pub location: LocationId,
    /// Where it stands.
    pub state: ParcelState,
    /// The carrier's name for it.
    pub number: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// Who packed or sent it.
    pub by: Option<String>,
    /// When the carrier got it.
    pub shipped_at: Option<Timestamp>,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
}

impl Parcel {
    /// Whether the carrier got it.
    #[must_use]
    pub fn is_shipped(&self) -> bool {
        self.state != ParcelState::Packed
    }
}

/// What a parcel holds for one promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParcelLine {
    /// The promise.
    pub promise: PromiseId,
    /// The order's line.
    pub line: u32,
    /// The product: the line's, or what was taken in its place.
    pub sku: Sku,
    /// How much, in thousandths.
    pub quantity: i64,
    /// How much of it was brought back.
    pub returned: i64,
}

/// A hand-over to a customer at the counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandOver {
    /// Where.
    pub location: LocationId,
    /// When.
    pub at: Timestamp,
    /// Who handed it over.
    pub by: Option<String>,
    /// Whether someone else than the customer collected it.
    pub proxy: bool,
    /// Whether the customer's age was checked.
    pub age_checked: bool,
    /// The receipt that was paid with it.
    pub receipt: Option<ReceiptNumber>,
}
