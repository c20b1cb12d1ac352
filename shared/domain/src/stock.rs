//! Stock: buckets, movements between them, and the keys that sums are kept
//! under.
//!
//! Stock is the sum of all movements, each recorded once where it happened. A
//! movement takes from one bucket what it puts into another, so the sum over
//! all buckets of a location never changes; `on_hand` is the sum of the
//! physical ones and may be negative.
//!
//! Invariant: a [`Movement`] has a positive quantity and two different buckets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{IdError, LocationId, Sku, text_conversions};
use crate::quantity::Quantity;

/// Where units are, or where they came from or went to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Bucket {
    /// On the sales floor.
    Sellable,
    /// Picked for a customer.
    Staged,
    /// Arrived, not yet put away.
    Receiving,
    /// Held for inspection.
    QualityControl,
    /// Broken.
    Damaged,
    /// Held back, for example by a recall.
    Quarantined,
    /// On the way between locations.
    InTransit,
    /// With the supplier (virtual).
    Supplier,
    /// With the customer (virtual).
    Customer,
    /// Lost without a trace (virtual).
    Shrinkage,
    /// The other side of a correction (virtual).
    Adjustment,
    /// The other side of opening stock (virtual).
    Opening,
}

impl Bucket {
    /// Every bucket, in wire order: the position is the stable number.
    pub const ALL: [Self; 12] = [
        Self::Sellable,
        Self::Staged,
        Self::Receiving,
        Self::QualityControl,
        Self::Damaged,
        Self::Quarantined,
        Self::InTransit,
        Self::Supplier,
        Self::Customer,
        Self::Shrinkage,
        Self::Adjustment,
        Self::Opening,
    ];

    /// Whether units in it stand in the building: what `on_hand` sums.
    #[must_use]
    pub const fn is_physical(self) -> bool {
        match self {
            Self::Sellable
            | Self::Staged
            | Self::Receiving
            | Self::QualityControl
            | Self::Damaged
            | Self::Quarantined => true,
            Self::InTransit
            | Self::Supplier
            | Self::Customer
            | Self::Shrinkage
            | Self::Adjustment
            | Self::Opening => false,
        }
    }

    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sellable => "sellable",
            Self::Staged => "staged",
            Self::Receiving => "receiving",
            Self::QualityControl => "quality_control",
            Self::Damaged => "damaged",
            Self::Quarantined => "quarantined",
            Self::InTransit => "in_transit",
            Self::Supplier => "supplier",
            Self::Customer => "customer",
            Self::Shrinkage => "shrinkage",
            Self::Adjustment => "adjustment",
            Self::Opening => "opening",
        }
    }

    /// The stable number on the wire and in tables.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The bucket of a stable number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for Bucket {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use sellable, staged, receiving, quality_control, damaged, quarantined, \
                    in_transit, supplier, customer, shrinkage, adjustment or opening";
        let found = Self::ALL.into_iter().find(|bucket| bucket.as_str() == text);
        found.ok_or_else(|| IdError::new("bucket", text, rule))
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(Bucket, IdError);

/// Why units moved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MovementReason {
    /// Sold.
    Sale,
    /// Brought back by a customer.
    Return,
    /// A receipt was voided after the fact.
    Void,
    /// Stock at the start of recording.
    Opening,
    /// A delivery arrived or was put away.
    Receiving,
    /// A correction by a person.
    Adjustment,
    /// A count found another figure.
    CountDifference,
    /// Broken or spoilt.
    Damage,
    /// Turned up again.
    Found,
    /// Thrown away or given up.
    WriteOff,
}

impl MovementReason {
    /// Every reason, in wire order: the position is the stable number.
    pub const ALL: [Self; 10] = [
        Self::Sale,
        Self::Return,
        Self::Void,
        Self::Opening,
        Self::Receiving,
        Self::Adjustment,
        Self::CountDifference,
        Self::Damage,
        Self::Found,
        Self::WriteOff,
    ];

    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Return => "return",
            Self::Void => "void",
            Self::Opening => "opening",
            Self::Receiving => "receiving",
            Self::Adjustment => "adjustment",
            Self::CountDifference => "count_difference",
            Self::Damage => "damage",
            Self::Found => "found",
            Self::WriteOff => "write_off",
        }
    }

    /// The stable number on the wire and in tables.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The reason of a stable number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for MovementReason {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use sale, return, void, opening, receiving, adjustment, count_difference, \
                    damage, found or write_off";
        let found = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        found.ok_or_else(|| IdError::new("movement reason", text, rule))
    }
}

impl fmt::Display for MovementReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(MovementReason, IdError);

/// Units of one SKU going from one bucket to another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Movement {
    /// What moved.
    pub sku: Sku,
    /// Where it was.
    pub from: Bucket,
    /// Where it is now.
    pub to: Bucket,
    /// How much, above zero, in thousandths of the product's unit.
    pub quantity: Quantity,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
    /// Whose goods they are; `None` is the location's own entity.
    pub owner: Option<String>,
}

impl Movement {
    /// The two changes this movement makes to the stock of `location`: minus
    /// at `from`, plus at `to`. They sum to zero.
    #[must_use]
    pub fn deltas(&self, location: &LocationId) -> [StockDelta; 2] {
        let key = |bucket| StockKey {
            location: location.clone(),
            sku: self.sku.clone(),
            bucket,
            owner: self.owner.clone(),
            lot: self.lot.clone(),
        };
        let thousandths = self.quantity.thousandths();
        [
            StockDelta {
                key: key(self.from),
                delta: -thousandths,
            },
            StockDelta {
                key: key(self.to),
                delta: thousandths,
            },
        ]
    }
}

/// What a stock figure is kept under.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StockKey {
    /// The location.
    pub location: LocationId,
    /// The product.
    pub sku: Sku,
    /// The bucket.
    pub bucket: Bucket,
    /// Whose goods; `None` is the location's own entity.
    pub owner: Option<String>,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// A change of one stock figure.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StockDelta {
    /// The figure.
    pub key: StockKey,
    /// The change in thousandths of the product's unit.
    pub delta: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_reasons_have_stable_names_and_numbers() {
        for (code, bucket) in Bucket::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(bucket.code()), code);
            assert_eq!(Bucket::from_code(bucket.code()), Some(bucket));
            assert_eq!(bucket.to_string().parse::<Bucket>().unwrap(), bucket);
        }
        for (code, reason) in MovementReason::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(reason.code()), code);
            assert_eq!(MovementReason::from_code(reason.code()), Some(reason));
            assert_eq!(
                reason.to_string().parse::<MovementReason>().unwrap(),
                reason
            );
        }
        assert_eq!(Bucket::from_code(12), None);
        assert_eq!(MovementReason::from_code(10), None);
        assert!(
            "shelf"
                .parse::<Bucket>()
                .unwrap_err()
                .to_string()
                .contains("sellable")
        );
        assert!("theft".parse::<MovementReason>().is_err());
    }

    #[test]
    fn a_movement_takes_what_it_gives() {
        let movement = Movement {
            sku: "A".parse().unwrap(),
            from: Bucket::Sellable,
            to: Bucket::Customer,
            quantity: Quantity::ONE,
            lot: None,
            owner: None,
        };
        let [out, into] = movement.deltas(&"S001".parse().unwrap());
        assert_eq!((out.key.bucket, out.delta), (Bucket::Sellable, -1_000));
        assert_eq!((into.key.bucket, into.delta), (Bucket::Customer, 1_000));
    }
}
