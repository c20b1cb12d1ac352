//! Products: what the source lists, and what it does not say made up by rule.
//!
//! - SKU: the source's id. Barcode: a GTIN-13 of the company-internal prefix 04
//!   and the id.
//! - Price: the median of what one piece (or gallon) cost before discounts, over
//!   the rows at hand; 1.00 for what was never sold by quantity.
//! - Unit: gallon for what is sold in thousandths (department FUEL, or the
//!   catch-all `COUPON/MISC ITEMS` where it has quantities above 100), else each.
//! - Tax class: `zero` for food departments, `standard` for the rest.
//! - Cost: seven tenths of the price.
//!
//! An id that the list lacks (nearly all are coupons) gets a placeholder.

use std::collections::{BTreeMap, BTreeSet};

use crate::basket::Basket;
use crate::money::{Cents, decimal};

/// Quantities above this are thousandths of a gallon where the product may be fuel.
pub const FUEL_FROM: u64 = 100;

/// Departments whose goods are not taxed.
const FOOD: [&str; 9] = [
    "GROCERY",
    "PRODUCE",
    "MEAT",
    "MEAT-PCKGD",
    "DELI",
    "PASTRY",
    "SEAFOOD",
    "SEAFOOD-PCKGD",
    "SALAD BAR",
];

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The source's id.
    pub id: u64,
    /// What it is, for people.
    pub name: String,
    /// Its department.
    pub department: String,
    /// Its category.
    pub category: String,
    /// What one costs, before discounts.
    pub price: Cents,
    /// Whether it is sold in thousandths of a gallon.
    pub is_fuel: bool,
}

/// What the source's list says of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) department: String,
    pub(crate) category: String,
    pub(crate) kind: String,
    pub(crate) size: String,
}

/// Products by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    products: BTreeMap<u64, Product>,
}

impl Product {
    /// The SKU.
    #[must_use]
    pub fn sku(&self) -> String {
        self.id.to_string()
    }

    /// A GTIN-13 of prefix 04: 04, the id in ten digits, the check digit.
    #[must_use]
    pub fn barcode(&self) -> String {
        let body = format!("04{:010}", self.id);
        let digits = body.bytes().map(|digit| u32::from(digit - b'0'));
        let sum: u32 = digits
            .zip([1, 3].into_iter().cycle())
            .map(|(d, w)| d * w)
            .sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    }

    /// The unit, as an import writes it.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.is_fuel { "gal" } else { "each" }
    }

    /// The tax class.
    #[must_use]
    pub fn tax_class(&self) -> &'static str {
        if FOOD.contains(&self.department.as_str()) {
            "zero"
        } else {
            "standard"
        }
    }

    /// The fields of an import row, in the order of [`Catalogue::HEADER`].
    #[must_use]
    pub fn row(&self) -> [String; 10] {
        let cost = self.price * 7 / 10;
        [
            self.sku(),
            self.barcode(),
            self.name.clone(),
            self.department.clone(),
            self.category.clone(),
            decimal(self.price),
            decimal(cost),
            "USD".to_owned(),
            self.tax_class().to_owned(),
            self.unit().to_owned(),
        ]
    }
}

impl Catalogue {
    /// The columns of a product import.
    pub const HEADER: [&str; 10] = [
        "sku",
        "barcode",
        "name",
        "department",
        "category",
        "price",
        "cost",
        "currency",
        "tax_class",
        "unit",
    ];

    /// The products that some baskets sell, priced from them.
    pub(crate) fn of(baskets: &[Basket], listed: &BTreeMap<u64, Listed>) -> Self {
        let lines = || baskets.iter().flat_map(|basket| &basket.lines);
        let ids: BTreeSet<u64> = lines().map(|line| line.product).collect();
        let mut largest: BTreeMap<u64, u64> = BTreeMap::new();
        for line in lines() {
            let held = largest.entry(line.product).or_default();
            *held = line.quantity.max(*held);
        }
        let mut prices: BTreeMap<u64, Vec<Cents>> = BTreeMap::new();
        let is_fuel = |id: u64| may_be_fuel(listed.get(&id)) && largest[&id] > FUEL_FROM;
        for line in lines().filter(|line| line.quantity > 0) {
            let quantity = Cents::try_from(line.quantity).expect("quantities are small");
            let scale = if is_fuel(line.product) { 1_000 } else { 1 };
            let price = line.regular() * scale / quantity;
            prices.entry(line.product).or_default().push(price);
        }
        let product = |id: u64| Product {
            price: prices.get_mut(&id).map_or(100, |prices| median(prices)),
            is_fuel: is_fuel(id),
            ..named(id, listed.get(&id))
        };
        let mut product = product;
        Self::from_products(ids.into_iter().map(&mut product))
    }

    /// A catalogue of known products.
    pub fn from_products(products: impl IntoIterator<Item = Product>) -> Self {
        let products = products.into_iter().map(|product| (product.id, product));
        Self {
            products: products.collect(),
        }
    }

    /// One product.
    ///
    /// # Panics
    /// When the catalogue was made of other baskets.
    #[must_use]
    pub fn product(&self, id: u64) -> &Product {
        &self.products[&id]
    }

    /// Every product, by id.
    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }
}

fn may_be_fuel(listed: Option<&Listed>) -> bool {
    listed.is_some_and(|it| it.department == "FUEL" || it.category == "COUPON/MISC ITEMS")
}

fn median(prices: &mut [Cents]) -> Cents {
    prices.sort_unstable();
    prices[prices.len() / 2]
}

fn named(id: u64, listed: Option<&Listed>) -> Product {
    let Some(listed) = listed else {
        return Product {
            id,
            name: format!("Unlisted item {id}"),
            department: "UNLISTED".to_owned(),
            category: String::new(),
            price: 100,
            is_fuel: false,
        };
    };
    let parts = [&listed.kind, &listed.category, &listed.department];
    let what = parts.into_iter().find(|part| !part.is_empty());
    let what = what.map_or("Item", String::as_str);
    let name = match listed.size.as_str() {
        "" => format!("{what} {id}"),
        size => format!("{what} {size} {id}"),
    };
    Product {
        id,
        name,
        department: listed.department.clone(),
        category: listed.category.clone(),
        price: 100,
        is_fuel: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barcodes_are_valid_gtins() {
        for id in [25_671, 1_095_275, 18_316_298] {
            let product = named(id, None);
            let code = product.barcode();
            assert_eq!(code.len(), 13);
            let digits = code.bytes().map(|digit| u32::from(digit - b'0'));
            let sum: u32 = digits
                .zip([1, 3].into_iter().cycle())
                .map(|(d, w)| d * w)
                .sum();
            assert_eq!(sum % 10, 0, "{code}");
        }
    }
}
