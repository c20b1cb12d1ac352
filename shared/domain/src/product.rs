//! Master data: products and locations, as imports write them and decisions
//! read them.
//!
//! Invariant: every field holds a validated type, so a decision need not check
//! master data again.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::barcode::Barcode;
use crate::ids::{LocationId, Sku, text_id};
use crate::money::{Currency, Money};
use crate::quantity::{Quantity, Unit};
use crate::time::TimeZoneName;

text_id!(
    /// The name of a tax class: 1 to 32 of `a-z`, `0-9`, `_`, `-`.
    TaxClassName,
    "tax class",
    "use 1 to 32 small letters, digits, underscores or hyphens, such as standard",
    |text| is_tax_class(text)
);

fn is_tax_class(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

impl TaxClassName {
    /// The class `zero`, which always exists and charges nothing.
    #[must_use]
    pub fn zero() -> Self {
        "zero"
            .parse()
            .expect("invariant: \"zero\" is a valid tax class name")
    }
}

/// One thing that can be sold and counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Product {
    /// Its stock-keeping unit.
    pub sku: Sku,
    /// Its name on the receipt.
    pub name: String,
    /// Department, as the retailer groups it; may be empty.
    pub department: String,
    /// Category within the department; may be empty.
    pub category: String,
    /// What it is counted in.
    pub unit: Unit,
    /// Its tax class.
    pub tax_class: TaxClassName,
    /// Price of one unit; `None` if the till must be told.
    pub price: Option<Money>,
    /// Cost of one unit.
    pub cost: Option<Money>,
    /// Codes that scan as this product.
    #[serde(default)]
    pub barcodes: Vec<Barcode>,
    /// Age the customer must have reached, in years.
    #[serde(default)]
    pub minimum_age: Option<u8>,
    /// The product this one is a variant of.
    #[serde(default)]
    pub parent: Option<Sku>,
    /// Variant attributes such as size and colour.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// How much is in it, in thousandths of `net_unit`, for unit prices.
    #[serde(default)]
    pub net_content: Option<Quantity>,
    /// The unit of `net_content`.
    #[serde(default)]
    pub net_unit: Option<Unit>,
    /// How many pieces a delivery pack holds.
    #[serde(default)]
    pub pack_quantity: Option<Quantity>,
}

impl Product {
    /// A product counted in pieces, with tax class `zero` and nothing else
    /// known about it.
    #[must_use]
    pub fn new(sku: Sku, name: impl Into<String>) -> Self {
        Self {
            sku,
            name: name.into(),
            department: String::new(),
            category: String::new(),
            unit: Unit::Each,
            tax_class: TaxClassName::zero(),
            price: None,
            cost: None,
            barcodes: Vec::new(),
            minimum_age: None,
            parent: None,
            attributes: BTreeMap::new(),
            net_content: None,
            net_unit: None,
            pack_quantity: None,
        }
    }

    /// What `thousandths` of it weigh, in grams, rounded up: what is sold by weight,
    /// or pieces whose net content is one. `None` where that is not known.
    #[must_use]
    pub fn net_grams(&self, thousandths: i64) -> Option<i64> {
        let (unit, each) = match self.unit {
            Unit::Each => (self.net_unit?, self.net_content?.thousandths()),
            unit => (unit, 1_000),
        };
        let nanograms: i128 = match unit {
            Unit::Kilogram => 1_000_000_000_000,
            Unit::Gram => 1_000_000_000,
            Unit::Pound => 453_592_370_000,
            Unit::Ounce => 28_349_523_125,
            Unit::Each
            | Unit::Litre
            | Unit::Millilitre
            | Unit::Gallon
            | Unit::Metre
            | Unit::Foot => return None,
        };
        let product = i128::from(thousandths) * i128::from(each) * nanograms;
        let per_gram = 1_000_000 * 1_000_000_000;
        i64::try_from((product + per_gram - 1).div_euclid(per_gram)).ok()
    }
}

/// What a location is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LocationKind {
    /// Sells to customers.
    #[default]
    Store,
    /// Holds stock for stores and shipments.
    Warehouse,
    /// Ships for us.
    Supplier,
}

impl LocationKind {
    /// The name in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Warehouse => "warehouse",
            Self::Supplier => "supplier",
        }
    }
}

/// A store, warehouse or supplier. Free-text fields may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LocationKind,
    /// The company that trades there.
    pub legal_entity: String,
    /// That company's tax number.
    pub tax_id: String,
    /// Street address.
    pub address: String,
    /// Country, as the retailer writes it.
    pub country: String,
    /// Region or state.
    pub region: String,
    /// Its time zone.
    pub time_zone: TimeZoneName,
    /// The currency its tills take.
    pub currency: Currency,
    /// Degrees north.
    #[serde(default)]
    pub latitude: Option<Decimal>,
    /// Degrees east.
    #[serde(default)]
    pub longitude: Option<Decimal>,
    /// Opening hours, as the retailer writes them; see
    /// [`opening`](crate::opening).
    pub opening_hours: String,
    /// Order lines it can pick in an hour.
    #[serde(default)]
    pub pick_capacity: Option<u32>,
    /// The brand it trades under.
    pub brand: String,
    /// When the trading day starts, in minutes after local midnight.
    #[serde(default)]
    pub day_starts_at_minutes: u16,
}

/// A country and a region within it, as the retailer's master data and its
/// channels write them; empty where it is not known.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Area {
    /// The country.
    pub country: String,
    /// The region or state.
    pub region: String,
}

impl Location {
    /// Where it is, coarsely.
    #[must_use]
    pub fn area(&self) -> Area {
        Area {
            country: self.country.clone(),
            region: self.region.clone(),
        }
    }

    /// A store of which only the id is known: named like its id, trading in
    /// `currency` in `time_zone`, its day starting at midnight.
    #[must_use]
    pub fn with_defaults(id: LocationId, currency: Currency, time_zone: TimeZoneName) -> Self {
        Self {
            name: id.to_string(),
            id,
            kind: LocationKind::Store,
            legal_entity: String::new(),
            tax_id: String::new(),
            address: String::new(),
            country: String::new(),
            region: String::new(),
            time_zone,
            currency,
            latitude: None,
            longitude: None,
            opening_hours: String::new(),
            pick_capacity: None,
            brand: String::new(),
            day_starts_at_minutes: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn master_data_survives_serde() {
        let mut product = Product::new("1082310".parse().unwrap(), "Milk");
        product.price = Some(Money::new(161, Currency::USD).unwrap());
        let json = serde_json::to_string(&product).unwrap();
        assert_eq!(serde_json::from_str::<Product>(&json).unwrap(), product);
        let location = Location::with_defaults(
            "S001".parse().unwrap(),
            Currency::USD,
            "America/New_York".parse().unwrap(),
        );
        let json = serde_json::to_string(&location).unwrap();
        assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), location);
    }

    #[test]
    fn weights_are_known_of_what_is_weighed_and_of_pieces_with_a_net_weight() {
        let mut product = Product::new("A".parse().unwrap(), "Butter");
        assert_eq!(product.net_grams(2_000), None);
        product.net_content = Some(Quantity::from_thousandths(250_000).unwrap());
        product.net_unit = Some(Unit::Gram);
        assert_eq!(product.net_grams(2_000), Some(500));
        product.net_unit = Some(Unit::Millilitre);
        assert_eq!(product.net_grams(2_000), None);
        product.unit = Unit::Pound;
        assert_eq!(product.net_grams(1_500), Some(681), "680.4, rounded up");
    }

    #[test]
    fn tax_class_names_are_small() {
        assert_eq!(TaxClassName::zero().as_str(), "zero");
        assert!("Standard".parse::<TaxClassName>().is_err());
        assert!("".parse::<TaxClassName>().is_err());
    }
}
