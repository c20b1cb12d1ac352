//! Units set aside for a cart or an order.

use super::super::words::words;
use super::machine;

words!(
    /// Where a reservation stands.
    ReservationState, "reservation state" {
        /// An unpaid cart has it for a time; it is no promise.
        Soft = "soft",
        /// It is a promise.
        Committed = "committed",
        /// The customer has the goods.
        Consumed = "consumed",
        /// It was given back.
        Released = "released",
        /// Its time ran out.
        Expired = "expired",
        /// There were no goods.
        Shorted = "shorted",
    }
);

words!(
    /// What can be done with a reservation.
    ReservationStep, "reservation step" {
        /// Make it a promise.
        Commit = "commit",
        /// Give the customer the goods.
        Consume = "consume",
        /// Give it back.
        Release = "release",
        /// Let its time run out.
        Expire = "expire",
        /// Find that there are no goods.
        Short = "short",
    }
);

machine!(ReservationState, ReservationStep, "reservation", {
    Soft: Commit => Committed, Release => Released, Expire => Expired;
    Committed: Consume => Consumed, Release => Released, Short => Shorted;
    Consumed: ;
    Released: ;
    Expired: ;
    Shorted: ;
});
