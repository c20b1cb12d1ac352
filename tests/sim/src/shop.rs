//! What the chain sells: a few products whose prices follow the version of the
//! reference data, and the taxes on them.
//!
//! Invariant: everything is a function of the version, so that a node that
//! holds a version and a client that remembers it mean the same prices.

use std::collections::BTreeMap;

use evertill_domain::policy::Policies;
use evertill_domain::tax::TaxRate;
use evertill_domain::{
    Currency, Location, LocationId, Money, Product, Rate, RegisterId, Sku, TaxClassName,
    TimeZoneName, Unit,
};

/// How many products there are.
pub const PRODUCTS: usize = 12;
/// Tills of a store.
pub const REGISTERS: usize = 2;

/// The taxes of product `index`, as code and rate in millionths.
#[must_use]
pub fn taxes(index: usize) -> &'static [(&'static str, u32)] {
    match index % 3 {
        0 => &[],
        1 => &[("T", 20_000)],
        _ => &[("T", 60_000), ("C", 12_500)],
    }
}

/// The price of product `index` in a version, in cents.
#[must_use]
pub fn price(index: usize, version: u64) -> i64 {
    let index = i64::try_from(index).unwrap_or(0);
    let version = i64::try_from(version % 1_000).unwrap_or(0);
    99 + 50 * index + (version * 7 + index * 3) % 40
}

/// Whether product `index` is weighed.
#[must_use]
pub const fn is_weighed(index: usize) -> bool {
    index % 4 == 3
}

/// The SKU of product `index`.
#[must_use]
pub fn sku(index: usize) -> Sku {
    let text = if is_weighed(index) {
        format!("HAM-{index}")
    } else {
        (1_000 + index).to_string()
    };
    text.parse().expect("invariant: a SKU")
}

/// The id of store `index`.
#[must_use]
pub fn location_id(store: usize) -> LocationId {
    let text = format!("S{:03}", store + 1);
    text.parse().expect("invariant: a location")
}

/// Store `index`; its trading day is that of UTC.
#[must_use]
pub fn location(store: usize) -> Location {
    Location::with_defaults(location_id(store), Currency::USD, TimeZoneName::utc())
}

/// The id of till `index`.
#[must_use]
pub fn register(index: usize) -> RegisterId {
    let text = (index + 1).to_string();
    text.parse().expect("invariant: a register")
}

/// An amount in cents.
#[must_use]
pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("invariant: small amounts")
}

/// The reference data of one version, as a node swaps it in.
#[derive(Debug)]
pub struct Reference {
    /// The version.
    pub version: u64,
    /// Every product.
    pub products: BTreeMap<Sku, Product>,
    /// Taxes and rounding.
    pub policies: Policies,
}

impl Reference {
    /// The data of a version.
    #[must_use]
    pub fn of(version: u64) -> Self {
        let mut policies = Policies::default();
        let mut products = BTreeMap::new();
        for index in 0..PRODUCTS {
            let mut product = Product::new(sku(index), format!("product {index}"));
            product.unit = if is_weighed(index) {
                Unit::Pound
            } else {
                Unit::Each
            };
            product.price = Some(usd(price(index, version)));
            product.tax_class = class(index);
            policies.tax.classes.insert(class(index), rates(index));
            products.insert(product.sku.clone(), product);
        }
        Self {
            version,
            products,
            policies,
        }
    }
}

fn class(index: usize) -> TaxClassName {
    let name = ["zero", "food", "standard"][index % 3];
    name.parse().expect("invariant: a tax class")
}

fn rates(index: usize) -> Vec<TaxRate> {
    let rate = |(code, millionths): &(&str, u32)| TaxRate {
        code: code.parse().expect("invariant: a tax code"),
        rate: Rate::from_millionths(*millionths).expect("invariant: a rate"),
    };
    taxes(index).iter().map(rate).collect()
}
