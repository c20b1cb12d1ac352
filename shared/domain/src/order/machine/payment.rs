//! The money of an order.

use super::super::words::{PaymentStep, words};
use super::machine;

words!(
    /// Where the payment of an order stands.
    PaymentState, "payment state" {
        /// Nothing is paid yet.
        Pending = "pending",
        /// The amount is reserved.
        Authorized = "authorized",
        /// A part of it was taken.
        PartiallyCaptured = "partially_captured",
        /// It was taken.
        Captured = "captured",
        /// A part went back.
        PartiallyRefunded = "partially_refunded",
        /// All went back.
        Refunded = "refunded",
        /// The reservation was given up.
        Voided = "voided",
        /// The provider refused.
        Declined = "declined",
        /// The reservation ran out.
        Expired = "expired",
        /// A terminal accepted it without asking.
        OfflineAccepted = "offline_accepted",
        /// The provider refused what was accepted offline.
        DeclinedLater = "declined_later",
        /// The customer's bank took it back.
        ChargedBack = "charged_back",
    }
);

machine!(PaymentState, PaymentStep, "payment", {
    Pending:
        PayAtPickup => Pending, Authorize => Authorized, Capture => Captured,
        CapturePart => PartiallyCaptured, Decline => Declined, Void => Voided,
        Expire => Expired, AcceptOffline => OfflineAccepted;
    Authorized:
        Authorize => Authorized, Capture => Captured, CapturePart => PartiallyCaptured,
        Decline => Declined, Void => Voided, Expire => Expired;
    PartiallyCaptured:
        Authorize => PartiallyCaptured, Capture => Captured, CapturePart => PartiallyCaptured,
        Refund => Refunded, RefundPart => PartiallyRefunded, ChargeBack => ChargedBack;
    Captured:
        Capture => Captured, Refund => Refunded, RefundPart => PartiallyRefunded,
        Recollect => Captured, ChargeBack => ChargedBack;
    PartiallyRefunded:
        Capture => Captured, CapturePart => PartiallyRefunded, Refund => Refunded,
        RefundPart => PartiallyRefunded, Recollect => Captured, ChargeBack => ChargedBack;
    Refunded: Recollect => Captured;
    Voided:
        PayAtPickup => Pending, Authorize => Authorized, Capture => Captured,
        CapturePart => PartiallyCaptured;
    Declined:
        PayAtPickup => Pending, Authorize => Authorized, Capture => Captured,
        CapturePart => PartiallyCaptured, Decline => Declined, AcceptOffline => OfflineAccepted;
    Expired:
        PayAtPickup => Pending, Authorize => Authorized, Capture => Captured,
        CapturePart => PartiallyCaptured;
    OfflineAccepted: Capture => Captured, CapturePart => PartiallyCaptured,
        DeclineLater => DeclinedLater;
    DeclinedLater: Authorize => Authorized, Capture => Captured, CapturePart => PartiallyCaptured;
    ChargedBack: Recollect => Captured;
});
