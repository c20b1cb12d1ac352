//! The order as a whole.

use super::super::words::words;
use super::machine;

words!(
    /// Where an order stands as a whole; the fold derives it from the lines.
    OrderStatus, "order state" {
        /// It is being put together and not yet binding.
        Draft = "draft",
        /// It was accepted, and nothing is promised yet.
        Placed = "placed",
        /// It waits until every hold is released.
        OnHold = "on_hold",
        /// It waits for supply.
        AwaitingStock = "awaiting_stock",
        /// Locations are working on it.
        Released = "released",
        /// The customer has a part of it.
        PartiallyFulfilled = "partially_fulfilled",
        /// The customer has all of it that is still wanted.
        Fulfilled = "fulfilled",
        /// Nothing more is done about it.
        Closed = "closed",
        /// A cancellation waits for what a location says.
        CancelRequested = "cancel_requested",
        /// A part of it is not wanted any more.
        PartiallyCancelled = "partially_cancelled",
        /// None of it is wanted any more.
        Cancelled = "cancelled",
        /// It was refused.
        Rejected = "rejected",
    }
);

words!(
    /// What can be done with an order as a whole.
    OrderStep, "order step" {
        /// Accept it.
        Place = "place",
        /// Put a hold on it.
        Hold = "hold",
        /// Release its last hold.
        ReleaseHold = "release_hold",
        /// Let it wait for supply.
        AwaitStock = "await_stock",
        /// Let locations work on it.
        Release = "release",
        /// Change what is ordered.
        Change = "change",
        /// Give the customer a part of it.
        FulfilPart = "fulfil_part",
        /// Give the customer the rest of it.
        Fulfil = "fulfil",
        /// Ask for its cancellation.
        RequestCancel = "request_cancel",
        /// Cancel a part of it.
        CancelPart = "cancel_part",
        /// Cancel the rest of it.
        Cancel = "cancel",
        /// Refuse the cancellation that was asked for.
        RefuseCancel = "refuse_cancel",
        /// Refuse it.
        Reject = "reject",
        /// Close it.
        Close = "close",
    }
);

machine!(OrderStatus, OrderStep, "order", {
    Draft: Place => Placed, Reject => Rejected, Cancel => Cancelled;
    Placed:
        Hold => OnHold, AwaitStock => AwaitingStock, Release => Released, Change => Placed,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled,
        Cancel => Cancelled, Reject => Rejected;
    OnHold:
        Hold => OnHold, ReleaseHold => Placed, Change => OnHold,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled,
        Cancel => Cancelled, Reject => Rejected;
    AwaitingStock:
        Hold => OnHold, Release => Released, Change => AwaitingStock,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled,
        Cancel => Cancelled, Reject => Rejected;
    Released:
        Hold => OnHold, AwaitStock => AwaitingStock, Change => Released,
        FulfilPart => PartiallyFulfilled, Fulfil => Fulfilled,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled, Cancel => Cancelled;
    PartiallyFulfilled:
        Hold => OnHold, AwaitStock => AwaitingStock, Change => PartiallyFulfilled,
        FulfilPart => PartiallyFulfilled, Fulfil => Fulfilled,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled;
    PartiallyCancelled:
        Hold => OnHold, AwaitStock => AwaitingStock, Release => Released,
        Change => PartiallyCancelled, FulfilPart => PartiallyFulfilled, Fulfil => Fulfilled,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled, Cancel => Cancelled;
    CancelRequested:
        FulfilPart => PartiallyFulfilled, Fulfil => Fulfilled,
        RequestCancel => CancelRequested, CancelPart => PartiallyCancelled,
        Cancel => Cancelled, RefuseCancel => Released;
    Fulfilled: Close => Closed;
    Cancelled: Close => Closed;
    Rejected: Close => Closed;
    Closed: ;
});
