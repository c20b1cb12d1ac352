//! What a location ships to a customer.

use super::super::words::{FulfilmentStep, words};
use super::machine;

words!(
    /// Where the part of an order stands that a location ships.
    FulfilmentState, "fulfilment state" {
        /// It is not to start before its time.
        Scheduled = "scheduled",
        /// The location is asked.
        Offered = "offered",
        /// The location did not answer in time.
        ClaimExpired = "claim_expired",
        /// The location takes it on.
        Accepted = "accepted",
        /// It waits.
        OnHold = "on_hold",
        /// Someone fetches the goods.
        Picking = "picking",
        /// The goods are put aside.
        Picked = "picked",
        /// The goods are in parcels.
        Packed = "packed",
        /// The goods are out of their parcels again.
        Unpacked = "unpacked",
        /// The carrier has a part of it.
        PartiallyShipped = "partially_shipped",
        /// The carrier has it. What was put aside beyond it, because a part of the
        /// promise was broken meanwhile, may have yet to go back.
        Shipped = "shipped",
        /// The customer has it.
        Delivered = "delivered",
        /// The carrier could not deliver it.
        DeliveryFailed = "delivery_failed",
        /// The carrier brought it back.
        ReturnedToSender = "returned_to_sender",
        /// The location cannot do it.
        Rejected = "rejected",
        /// Some goods were not found.
        ShortPicked = "short_picked",
        /// It was cancelled; goods that were put aside have yet to go back.
        Cancelled = "cancelled",
    }
);

machine!(FulfilmentState, FulfilmentStep, "fulfilment order", {
    Scheduled: Offer => Offered, Hold => OnHold, Cancel => Cancelled;
    Offered:
        Accept => Accepted, Reject => Rejected, ExpireClaim => ClaimExpired, Hold => OnHold,
        Cancel => Cancelled;
    ClaimExpired: Offer => Offered, Cancel => Cancelled;
    Accepted: StartPick => Picking, Hold => OnHold, Reject => Rejected, Cancel => Cancelled;
    OnHold: Resume => Accepted, Reject => Rejected, Cancel => Cancelled;
    Picking:
        Pick => Picked, ShortPick => ShortPicked, Hold => OnHold, Reject => Rejected,
        Cancel => Cancelled;
    Picked: Pick => Picked, ShortPick => ShortPicked, Pack => Packed, Cancel => Cancelled;
    ShortPicked:
        Pick => Picked, ShortPick => ShortPicked, Pack => Packed, Cancel => Cancelled;
    Packed:
        Unpack => Unpacked, Ship => Shipped, ShipPart => PartiallyShipped, Cancel => Cancelled;
    Unpacked: Pack => Packed, Cancel => Cancelled;
    PartiallyShipped: Ship => Shipped, ShipPart => PartiallyShipped, Cancel => Cancelled;
    Shipped:
        Deliver => Delivered, FailDelivery => DeliveryFailed, ReturnToSender => ReturnedToSender,
        PutBack => Shipped;
    DeliveryFailed:
        Deliver => Delivered, FailDelivery => DeliveryFailed, ReturnToSender => ReturnedToSender,
        PutBack => DeliveryFailed;
    Delivered: ReturnToSender => ReturnedToSender, PutBack => Delivered;
    ReturnedToSender: PutBack => ReturnedToSender;
    Rejected: PutBack => Rejected;
    Cancelled: PutBack => Cancelled;
});
