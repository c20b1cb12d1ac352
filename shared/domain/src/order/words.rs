//! The closed lists of words that order events use. A word has a stable name
//! over HTTP and a stable number on the wire; both are for ever.

/// An enum with a name and a number for each value: the position in the list is
/// the number on the wire, so new values go last.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal {
        $($(#[$word_doc:meta])* $word:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $word),+
        }

        impl $name {
            /// Every value, in wire order: the position is the stable number.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// The name in `snake_case`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text),+
                }
            }

            /// The stable number on the wire and in tables.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The value of a stable number, if there is one.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::IdError;

            fn from_str(text: &str) -> Result<Self, $crate::ids::IdError> {
                const RULE: &str = concat!("use one of", $(" ", $text),+);
                let found = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                found.ok_or_else(|| $crate::ids::IdError::new($what, text, RULE))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $crate::ids::text_conversions!($name, $crate::ids::IdError);
    };
}
pub(super) use words;

words!(
    /// Whether the customer takes something else where a line cannot be kept.
    Substitution, "substitution" {
        /// Never.
        None = "none",
        /// After they were asked.
        Ask = "ask",
        /// Without asking.
        Allow = "allow",
    }
);

words!(
    /// How the goods reach the customer.
    FulfilmentKind, "kind of fulfilment" {
        /// The customer collects them at a location.
        Pickup = "pickup",
        /// A location ships them.
        Ship = "ship",
    }
);

words!(
    /// What happened to a payment, see [`PaymentState`](super::PaymentState).
    PaymentStep, "payment step" {
        /// The amount is reserved at the payment provider.
        Authorize = "authorize",
        /// The amount was taken.
        Capture = "capture",
        /// The provider refused.
        Decline = "decline",
        /// The reservation was given up.
        Void = "void",
        /// The reservation ran out.
        Expire = "expire",
        /// The customer pays when they collect; nothing is taken yet.
        PayAtPickup = "pay_at_pickup",
        /// A terminal accepted it without asking its provider.
        AcceptOffline = "accept_offline",
        /// The provider refused what was accepted offline.
        DeclineLater = "decline_later",
        /// The customer's bank took it back.
        ChargeBack = "charge_back",
        /// An amount went back to the customer.
        Refund = "refund",
        /// What a hand-over after a refund still costs was taken again.
        Recollect = "recollect",
        /// A part of the amount was taken.
        CapturePart = "capture_part",
        /// A part of the amount went back.
        RefundPart = "refund_part",
    }
);

words!(
    /// How a customer pays.
    PaymentMethod, "payment method" {
        /// By card; only the provider's reference is known.
        Card = "card",
        /// By a wallet.
        Wallet = "wallet",
        /// By invoice.
        Invoice = "invoice",
        /// By bank transfer.
        Transfer = "transfer",
        /// By gift card.
        GiftCard = "gift_card",
        /// Cash, at the counter.
        Cash = "cash",
        /// Another way.
        Other = "other",
    }
);

words!(
    /// Why a part of a promise ended, or is to end.
    EndCause, "cause" {
        /// It was handed over at the counter.
        HandedOver = "handed_over",
        /// It was given to a carrier.
        Dispatched = "dispatched",
        /// The order or line was cancelled.
        Cancelled = "cancelled",
        /// The location rejected it.
        Rejected = "rejected",
        /// The location did not accept it in time.
        ClaimExpired = "claim_expired",
        /// Another location takes it.
        Resourced = "resourced",
        /// It was not found when it was picked.
        ShortPick = "short_pick",
        /// A shelf check did not find it, or nobody checked in time.
        NotFound = "not_found",
        /// The customer did not come.
        NoShow = "no_show",
        /// The time to collect it ran out.
        Expired = "expired",
        /// Another product went out for it.
        Substituted = "substituted",
        /// The replica that made it was sealed.
        Sealed = "sealed",
        /// The quantity of the line was lowered.
        Changed = "changed",
    }
);

words!(
    /// What the hub settles for good.
    RulingKind, "ruling" {
        /// The conflict that the ruling is about is settled as the fold has it.
        Settled = "settled",
        /// The order is rejected: nothing of it is kept.
        RejectOrder = "reject_order",
        /// The order is closed: nothing more is done about it.
        CloseOrder = "close_order",
        /// A cancellation that the customer asked for is refused.
        RefuseCancellation = "refuse_cancellation",
        /// Money that was to be collected again is given up.
        WaiveRecollection = "waive_recollection",
    }
);

words!(
    /// What happened to a pickup at its location, or is asked of it.
    PickupStep, "pickup step" {
        /// The location takes it on.
        Accept = "accept",
        /// The location cannot do it.
        Reject = "reject",
        /// Someone goes to fetch the goods.
        StartPick = "start_pick",
        /// Goods were put aside for the customer.
        Pick = "pick",
        /// Goods were put aside, and some were not found.
        ShortPick = "short_pick",
        /// The customer can come.
        Ready = "ready",
        /// The customer is there.
        Arrive = "arrive",
        /// The customer left without the goods.
        Leave = "leave",
        /// All of it was handed over.
        HandOver = "hand_over",
        /// A part of it was handed over.
        HandOverPart = "hand_over_part",
        /// The customer got more time.
        Extend = "extend",
        /// The customer did not come.
        NoShow = "no_show",
        /// The time to collect ran out.
        Expire = "expire",
        /// It was cancelled.
        Cancel = "cancel",
        /// The goods went back for sale.
        PutBack = "put_back",
    }
);

words!(
    /// What happened to an order that a location ships, or is asked of it.
    FulfilmentStep, "fulfilment step" {
        /// The location is asked.
        Offer = "offer",
        /// The location did not answer in time.
        ExpireClaim = "expire_claim",
        /// The location takes it on.
        Accept = "accept",
        /// The location cannot do it.
        Reject = "reject",
        /// It waits.
        Hold = "hold",
        /// It waits no longer.
        Resume = "resume",
        /// Someone goes to fetch the goods.
        StartPick = "start_pick",
        /// Goods were put aside.
        Pick = "pick",
        /// Goods were put aside, and some were not found.
        ShortPick = "short_pick",
        /// The goods are in parcels.
        Pack = "pack",
        /// The goods are out of their parcels again.
        Unpack = "unpack",
        /// All of it was given to the carrier.
        Ship = "ship",
        /// A part of it was given to the carrier.
        ShipPart = "ship_part",
        /// It arrived.
        Deliver = "deliver",
        /// The carrier could not deliver it.
        FailDelivery = "fail_delivery",
        /// The carrier brought it back.
        ReturnToSender = "return_to_sender",
        /// It was cancelled.
        Cancel = "cancel",
        /// The goods went back for sale.
        PutBack = "put_back",
    }
);
