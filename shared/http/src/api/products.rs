//! A product as a till sees it.
//!
//! Invariant: the cost of goods is not shown at a till.

use std::collections::BTreeMap;

use evertill_domain::{Money, Product};
use serde::Serialize;
use utoipa::ToSchema;

/// A product; texts that nobody filled in are empty, figures null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductView {
    /// Its stock-keeping unit.
    pub sku: String,
    /// Codes that scan as this product.
    pub barcodes: Vec<String>,
    /// Its name on the receipt.
    pub name: String,
    /// Department, as the retailer groups it.
    pub department: String,
    /// Category within the department.
    pub category: String,
    /// Price of one unit; null if the till must be told.
    #[schema(example = "6.25")]
    pub price: Option<String>,
    /// The currency of the price.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<&'static str>,
    /// Its tax class.
    pub tax_class: String,
    /// What it is counted in.
    #[schema(value_type = String, example = "each")]
    pub unit: &'static str,
    /// The product this one is a variant of.
    pub parent: Option<String>,
    /// Variant attributes such as size and colour.
    pub attributes: BTreeMap<String, String>,
    /// How much is in it, in `net_unit`.
    pub net_content: Option<String>,
    /// The unit of `net_content`.
    #[schema(value_type = Option<String>)]
    pub net_unit: Option<&'static str>,
    /// Age the customer must have reached, in years.
    pub minimum_age: Option<u8>,
    /// How many pieces a delivery pack holds.
    pub pack_quantity: Option<String>,
}

impl ProductView {
    /// The view of a product.
    #[must_use]
    pub fn of(product: &Product) -> Self {
        Self {
            sku: product.sku.to_string(),
            barcodes: product.barcodes.iter().map(ToString::to_string).collect(),
            name: product.name.clone(),
            department: product.department.clone(),
            category: product.category.clone(),
            price: product.price.map(Money::to_decimal_string),
            currency: product.price.map(|price| price.currency().code()),
            tax_class: product.tax_class.to_string(),
            unit: product.unit.as_str(),
            parent: product.parent.as_ref().map(ToString::to_string),
            attributes: product.attributes.clone(),
            net_content: product.net_content.map(|content| content.to_string()),
            net_unit: product.net_unit.map(evertill_domain::Unit::as_str),
            minimum_age: product.minimum_age,
            pack_quantity: product.pack_quantity.map(|pack| pack.to_string()),
        }
    }
}
