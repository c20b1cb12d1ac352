//! What a customer collects, at the location that has it ready.

use super::super::words::{PickupStep, words};
use super::machine;

words!(
    /// Where a pickup stands.
    PickupState, "pickup state" {
        /// The location is asked.
        Requested = "requested",
        /// The location takes it on.
        Accepted = "accepted",
        /// Someone fetches the goods.
        Picking = "picking",
        /// Some goods were not found.
        ShortPicked = "short_picked",
        /// The customer can come.
        Ready = "ready",
        /// The customer is there.
        Arrived = "arrived",
        /// The customer has a part of it.
        PartiallyHandedOver = "partially_handed_over",
        /// The customer has it. What was put aside beyond it, because a part of
        /// the promise was broken meanwhile, may have yet to go back.
        HandedOver = "handed_over",
        /// The customer got more time.
        Extended = "extended",
        /// The customer did not come.
        NoShow = "no_show",
        /// The time to collect ran out.
        Expired = "expired",
        /// It was cancelled; goods that were put aside have yet to go back.
        Cancelled = "cancelled",
        /// The goods went back for sale.
        PutBack = "put_back",
        /// The location cannot do it.
        Rejected = "rejected",
    }
);

machine!(PickupState, PickupStep, "pickup", {
    Requested: Accept => Accepted, Reject => Rejected, Expire => Expired, Cancel => Cancelled;
    Accepted: StartPick => Picking, Reject => Rejected, Expire => Expired, Cancel => Cancelled;
    Picking:
        Pick => Picking, ShortPick => ShortPicked, Ready => Ready, Reject => Rejected,
        Cancel => Cancelled;
    ShortPicked:
        Pick => ShortPicked, ShortPick => ShortPicked, Ready => Ready, Cancel => Cancelled;
    Ready:
        Arrive => Arrived, HandOver => HandedOver, HandOverPart => PartiallyHandedOver,
        Extend => Extended, NoShow => NoShow, Expire => Expired, Cancel => Cancelled;
    Arrived:
        Leave => Ready, HandOver => HandedOver, HandOverPart => PartiallyHandedOver,
        Cancel => Cancelled;
    PartiallyHandedOver:
        Arrive => Arrived, HandOver => HandedOver, HandOverPart => PartiallyHandedOver,
        Extend => Extended, NoShow => NoShow, Expire => Expired, Cancel => Cancelled;
    Extended:
        Arrive => Arrived, HandOver => HandedOver, HandOverPart => PartiallyHandedOver,
        Extend => Extended, NoShow => NoShow, Expire => Expired, Cancel => Cancelled;
    NoShow:
        Arrive => Arrived, Extend => Extended, Cancel => Cancelled, PutBack => PutBack;
    Expired: Extend => Extended, Cancel => Cancelled, PutBack => PutBack;
    Cancelled: PutBack => PutBack;
    HandedOver: PutBack => HandedOver;
    PutBack: ;
    Rejected: PutBack => PutBack;
});
