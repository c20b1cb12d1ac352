//! Making the extract: two weeks of the three stores that have most of them.
//!
//! Invariant: the same source gives the same files, byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::basket::Basket;
use crate::classes::Classes;
use crate::money::decimal;
use crate::product::Catalogue;
use crate::source::Source;

/// The stores of the extract: the source's id and our location.
pub const STORES: [(u32, &str); 3] = [(367, "S001"), (361, "S002"), (381, "S003")];
/// The first of its fourteen days.
pub const FIRST_DAY: &str = "2017-01-17";
const LAST_DAY: &str = "2017-01-30";

/// Writes the extract into a folder; gives what is in it.
///
/// # Errors
/// A file could not be written.
pub fn extract(source: &Source, folder: &Path) -> Result<Classes> {
    let chosen = |basket: &&Basket| {
        let days = FIRST_DAY..=LAST_DAY;
        STORES.iter().any(|(id, _)| *id == basket.store) && days.contains(&basket.day())
    };
    let mut baskets: Vec<Basket> = source.baskets().iter().filter(chosen).cloned().collect();
    baskets.sort_by(|a, b| (&a.time, a.store, a.basket).cmp(&(&b.time, b.store, b.basket)));
    let catalogue = source.catalogue(&baskets);
    let classes = Classes::of(&baskets, &catalogue);
    write(folder, "products.csv", &products(&catalogue)?)?;
    write(folder, "locations.csv", &locations()?)?;
    write(folder, "stock.csv", &stock(&baskets, &catalogue)?)?;
    write(folder, "baskets.csv", &rows(&baskets)?)?;
    write(folder, "classes.md", &classes.to_string())?;
    Ok(classes)
}

/// Writes a file of an extract.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

/// Products in the form of an import.
pub(crate) fn products(catalogue: &Catalogue) -> Result<String> {
    table(
        &Catalogue::HEADER,
        catalogue.products().map(super::Product::row),
    )
}

fn locations() -> Result<String> {
    let header = [
        "location",
        "name",
        "kind",
        "legal_entity",
        "tax_id",
        "address",
        "country",
        "region",
        "timezone",
        "currency",
        "latitude",
        "longitude",
        "opening_hours",
        "pick_capacity",
        "brand",
    ];
    let rows = STORES.iter().map(|(id, location)| {
        let name = format!("Store {id}");
        let known = [
            ("location", *location),
            ("name", name.as_str()),
            ("kind", "store"),
            ("country", "US"),
            ("timezone", "UTC"),
            ("currency", "USD"),
        ];
        header.map(|column| {
            let known = known.iter().find(|(name, _)| *name == column);
            known.map_or_else(String::new, |(_, value)| (*value).to_owned())
        })
    });
    table(&header, rows)
}

/// Opening stock: twice what each store sells of a product in the two weeks,
/// and two more.
fn stock(baskets: &[Basket], catalogue: &Catalogue) -> Result<String> {
    let mut sold: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    for basket in baskets {
        let found = STORES.iter().find(|(id, _)| *id == basket.store);
        let (_, location) = found.context("a basket of another store")?;
        for line in &basket.lines {
            *sold.entry((location, line.product)).or_default() += line.quantity;
        }
    }
    let rows = sold.into_iter().map(|((location, id), quantity)| {
        let product = catalogue.product(id);
        // Fuel is counted in thousandths, and opens with whole gallons.
        let quantity = if product.is_fuel {
            quantity.div_ceil(1_000)
        } else {
            quantity
        };
        [
            location.to_owned(),
            product.sku(),
            (2 * quantity + 2).to_string(),
            decimal(product.price * 7 / 10),
        ]
    });
    table(&["location", "sku", "quantity", "unit_cost"], rows)
}

/// The source's rows of the baskets, as they are.
fn rows(baskets: &[Basket]) -> Result<String> {
    let header = [
        "transaction_timestamp",
        "store_id",
        "basket_id",
        "product_id",
        "quantity",
        "sales_value",
        "retail_disc",
        "coupon_disc",
        "coupon_match_disc",
    ];
    let rows = baskets.iter().flat_map(|basket| {
        basket.lines.iter().map(|line| {
            [
                basket.time.clone(),
                basket.store.to_string(),
                basket.basket.to_string(),
                line.product.to_string(),
                line.quantity.to_string(),
                decimal(line.sales_value),
                decimal(line.retail_disc),
                decimal(line.coupon_disc),
                decimal(line.coupon_match_disc),
            ]
        })
    });
    table(&header, rows)
}

fn table<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(&row)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut text = String::new();
    write!(text, "{}", String::from_utf8(bytes)?)?;
    Ok(text)
}
