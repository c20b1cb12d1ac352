//! What was ordered, and how it is to reach the customer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::words::{FulfilmentKind, Substitution};
use crate::ids::{EventKey, IdError, LocationId, Sku, text_conversions, text_id};
use crate::money::{Money, MoneyError, extend_price};
use crate::quantity::{Quantity, Unit};
use crate::tax::TaxAmount;
use crate::time::Timestamp;

text_id!(
    /// Where orders come from, such as `web` or `marketplace-1`.
    ChannelId,
    "channel",
    "use 1 to 32 small letters, digits, underscores or hyphens, such as web",
    |text| is_word(text)
);

text_id!(
    /// What sort of hold, such as `fraud`, `payment`, `address` or `manual`.
    HoldKind,
    "kind of hold",
    "use 1 to 32 small letters, digits, underscores or hyphens, such as fraud",
    |text| is_word(text)
);

fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

macro_rules! named_by_event {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub EventKey);

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        text_conversions!($name, IdError);
    };
}

named_by_event!(
    /// A promise: the key of the [`LinePromised`](super::LinePromised) that
    /// made it.
    PromiseId
);

named_by_event!(
    /// A hold: the key of the [`HoldPlaced`](super::HoldPlaced) that put it on
    /// the order.
    HoldId
);

/// One line of an order, as the channel sent it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderLine {
    /// Its number in the order, from 1.
    pub line: u32,
    /// What.
    pub sku: Sku,
    /// How much, above zero, in thousandths of the unit.
    pub quantity: Quantity,
    /// What it is counted in.
    pub unit: Unit,
    /// Price of one unit.
    pub unit_price: Money,
    /// What the whole line is reduced by; not below zero.
    pub discount: Option<Money>,
    /// The taxes of the whole line, as the channel computed them.
    pub taxes: Vec<TaxAmount>,
    /// Whether something else may be given.
    pub substitution: Substitution,
    /// The channel's own name for the line; unique in the order.
    pub external_line_id: String,
}

impl OrderLine {
    /// What the customer pays for the whole line: quantity × price − discount,
    /// and the taxes that prices do not include.
    ///
    /// # Errors
    /// [`MoneyError`] when currencies meet or an amount is too large.
    pub fn total(&self) -> Result<Money, MoneyError> {
        let mut total = extend_price(self.quantity, self.unit_price)?;
        if let Some(discount) = self.discount {
            total = total.checked_sub(discount)?;
        }
        for tax in self.taxes.iter().filter(|tax| !tax.included) {
            total = total.checked_add(tax.amount)?;
        }
        Ok(total)
    }
}

/// How and when the goods are to reach the customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fulfilment {
    /// Collected or shipped.
    pub kind: FulfilmentKind,
    /// Where it is collected, or what must ship it; `None` leaves it to routing.
    pub location: Option<LocationId>,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// The customer was told to have it by this time.
    pub promise_by: Option<Timestamp>,
    /// Whether parts may come from several locations or at several times.
    pub allow_split: bool,
    /// Whether what is not there may wait for supply.
    pub allow_backorder: bool,
    /// Where it is shipped to.
    pub destination: Option<Destination>,
}

/// Where a shipment goes, coarsely: no street and no name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Destination {
    /// The country, two capital letters of ISO 3166.
    pub country: Option<String>,
    /// The region within it.
    pub region: Option<String>,
    /// The retailer's shipping zone.
    pub zone: Option<String>,
    /// Latitude in millionths of a degree, north positive.
    pub latitude: Option<i64>,
    /// Longitude in millionths of a degree, east positive.
    pub longitude: Option<i64>,
}
