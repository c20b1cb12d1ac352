//! What a row's payload looks like: minicbor arrays with numbered fields.
//!
//! Rules that keep old and new machines together: the first field is the
//! layout's number, which rises only when older readers must refuse; new fields
//! are optional and last; numbers are never reused; fields an older reader does
//! not know are passed over.
//!
//! Invariant: decoding what was encoded gives an equal product or location.

use std::collections::BTreeMap;

use evertill_domain::{
    Barcode, Currency, Location, LocationId, LocationKind, Money, Product, Quantity, Sku, Unit,
};
use minicbor::{Decode, Encode};

/// The layout this release writes and the newest it reads.
const LAYOUT: u8 = 1;

#[derive(Encode, Decode)]
#[cbor(array)]
struct ProductFields<'a> {
    #[n(0)]
    layout: u8,
    #[b(1)]
    name: &'a str,
    #[b(2)]
    department: &'a str,
    #[b(3)]
    category: &'a str,
    #[b(4)]
    unit: &'a str,
    #[b(5)]
    tax_class: &'a str,
    /// ISO 4217 number of price and cost.
    #[n(6)]
    currency: Option<u16>,
    /// Minor units.
    #[n(7)]
    price: Option<i64>,
    #[n(8)]
    cost: Option<i64>,
    #[b(9)]
    barcodes: Option<Vec<&'a str>>,
    #[n(10)]
    minimum_age: Option<u8>,
    #[b(11)]
    parent: Option<&'a str>,
    /// Thousandths of `net_unit`.
    #[n(12)]
    net_content: Option<i64>,
    #[b(13)]
    net_unit: Option<&'a str>,
    #[n(14)]
    pack_quantity: Option<i64>,
    #[b(15)]
    attributes: Option<BTreeMap<&'a str, &'a str>>,
    /// Only where the cost is in another currency than the price.
    #[n(16)]
    cost_currency: Option<u16>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct LocationFields<'a> {
    #[n(0)]
    layout: u8,
    #[b(1)]
    name: &'a str,
    #[b(2)]
    kind: &'a str,
    #[b(3)]
    legal_entity: &'a str,
    #[b(4)]
    tax_id: &'a str,
    #[b(5)]
    address: &'a str,
    #[b(6)]
    country: &'a str,
    #[b(7)]
    region: &'a str,
    #[b(8)]
    time_zone: &'a str,
    #[n(9)]
    currency: u16,
    #[b(10)]
    opening_hours: &'a str,
    #[b(11)]
    brand: &'a str,
    #[n(12)]
    day_starts_at_minutes: u16,
    #[n(13)]
    pick_capacity: Option<u32>,
    #[n(14)]
    latitude: Option<String>,
    #[n(15)]
    longitude: Option<String>,
}

/// The payload of a product's row; its SKU is the row's key.
pub(super) fn encode_product(product: &Product) -> Vec<u8> {
    let price_currency = product.price.or(product.cost).map(Money::currency);
    let cost_currency = product.cost.map(Money::currency);
    let barcodes: Vec<&str> = product.barcodes.iter().map(Barcode::as_str).collect();
    let attributes: BTreeMap<&str, &str> = product
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    to_vec(&ProductFields {
        layout: LAYOUT,
        name: &product.name,
        department: &product.department,
        category: &product.category,
        unit: product.unit.as_str(),
        tax_class: product.tax_class.as_str(),
        currency: price_currency.map(Currency::numeric),
        price: product.price.map(Money::minor),
        cost: product.cost.map(Money::minor),
        barcodes: (!barcodes.is_empty()).then_some(barcodes),
        minimum_age: product.minimum_age,
        parent: product.parent.as_ref().map(Sku::as_str),
        net_content: product.net_content.map(Quantity::thousandths),
        net_unit: product.net_unit.map(Unit::as_str),
        pack_quantity: product.pack_quantity.map(Quantity::thousandths),
        attributes: (!attributes.is_empty()).then_some(attributes),
        cost_currency: cost_currency
            .filter(|currency| Some(*currency) != price_currency)
            .map(Currency::numeric),
    })
}

/// Reads a product's row; the error says what is wrong with it.
pub(super) fn decode_product(key: &str, payload: &[u8]) -> Result<Product, String> {
    let fields: ProductFields<'_> = minicbor::decode(payload).map_err(words)?;
    check_layout(fields.layout)?;
    let currency = fields.currency;
    let cost_currency = fields.cost_currency.or(currency);
    Ok(Product {
        sku: key.parse().map_err(words)?,
        name: fields.name.to_owned(),
        department: fields.department.to_owned(),
        category: fields.category.to_owned(),
        unit: fields.unit.parse().map_err(words)?,
        tax_class: fields.tax_class.parse().map_err(words)?,
        price: money(fields.price, currency)?,
        cost: money(fields.cost, cost_currency)?,
        barcodes: parse_all(fields.barcodes.unwrap_or_default())?,
        minimum_age: fields.minimum_age,
        parent: parse(fields.parent)?,
        attributes: fields
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        net_content: quantity(fields.net_content)?,
        net_unit: parse(fields.net_unit)?,
        pack_quantity: quantity(fields.pack_quantity)?,
    })
}

/// The payload of a location's row; its id is the row's key.
pub(super) fn encode_location(location: &Location) -> Vec<u8> {
    to_vec(&LocationFields {
        layout: LAYOUT,
        name: &location.name,
        kind: location.kind.as_str(),
        legal_entity: &location.legal_entity,
        tax_id: &location.tax_id,
        address: &location.address,
        country: &location.country,
        region: &location.region,
        time_zone: location.time_zone.as_str(),
        currency: location.currency.numeric(),
        opening_hours: &location.opening_hours,
        brand: &location.brand,
        day_starts_at_minutes: location.day_starts_at_minutes,
        pick_capacity: location.pick_capacity,
        latitude: location.latitude.map(|degrees| degrees.to_string()),
        longitude: location.longitude.map(|degrees| degrees.to_string()),
    })
}

/// Reads a location's row; the error says what is wrong with it.
pub(super) fn decode_location(key: &str, payload: &[u8]) -> Result<Location, String> {
    let fields: LocationFields<'_> = minicbor::decode(payload).map_err(words)?;
    check_layout(fields.layout)?;
    let id: LocationId = key.parse().map_err(words)?;
    let kind = [
        LocationKind::Store,
        LocationKind::Warehouse,
        LocationKind::Supplier,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == fields.kind)
    .ok_or_else(|| format!("unknown kind of location \"{}\"", fields.kind))?;
    Ok(Location {
        id,
        name: fields.name.to_owned(),
        kind,
        legal_entity: fields.legal_entity.to_owned(),
        tax_id: fields.tax_id.to_owned(),
        address: fields.address.to_owned(),
        country: fields.country.to_owned(),
        region: fields.region.to_owned(),
        time_zone: fields.time_zone.parse().map_err(words)?,
        currency: currency(fields.currency)?,
        latitude: parse(fields.latitude.as_deref())?,
        longitude: parse(fields.longitude.as_deref())?,
        opening_hours: fields.opening_hours.to_owned(),
        pick_capacity: fields.pick_capacity,
        brand: fields.brand.to_owned(),
        day_starts_at_minutes: fields.day_starts_at_minutes,
    })
}

fn to_vec<T: Encode<()>>(fields: &T) -> Vec<u8> {
    minicbor::to_vec(fields).expect("invariant: writing to memory does not fail")
}

fn check_layout(layout: u8) -> Result<(), String> {
    if layout <= LAYOUT {
        Ok(())
    } else {
        Err(format!(
            "it has layout {layout}, this release reads up to {LAYOUT}"
        ))
    }
}

fn currency(numeric: u16) -> Result<Currency, String> {
    Currency::from_numeric(numeric).ok_or_else(|| format!("no currency has the number {numeric}"))
}

fn money(minor: Option<i64>, numeric: Option<u16>) -> Result<Option<Money>, String> {
    let Some(minor) = minor else { return Ok(None) };
    let numeric = numeric.ok_or("it has an amount without a currency")?;
    Money::new(minor, currency(numeric)?)
        .map(Some)
        .map_err(words)
}

fn quantity(thousandths: Option<i64>) -> Result<Option<Quantity>, String> {
    thousandths
        .map(Quantity::from_thousandths)
        .transpose()
        .map_err(words)
}

fn parse<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, String>
where
    T::Err: std::fmt::Display,
{
    text.map(str::parse).transpose().map_err(words)
}

fn parse_all<T: std::str::FromStr>(texts: Vec<&str>) -> Result<Vec<T>, String>
where
    T::Err: std::fmt::Display,
{
    texts
        .into_iter()
        .map(|text| text.parse().map_err(words))
        .collect()
}

/// An error in its own words; by value, so that it fits `map_err`.
#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
