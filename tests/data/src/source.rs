//! The whole panel, where a machine has it (`EVERTILL_DATA`).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use csv::{Reader, StringRecord};
use flate2::read::GzDecoder;

use crate::basket::{Basket, Line};
use crate::money::cents;
use crate::product::{Catalogue, Listed};

const SALES: &str = "transactions-2017-q1-q3.csv.gz";
const PRODUCTS: &str = "products.csv.gz";

/// The folder with the whole panel, if the environment names one that has it.
#[must_use]
pub fn raw_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("EVERTILL_DATA")?);
    folder.join(SALES).is_file().then_some(folder)
}

/// The whole panel.
#[derive(Debug)]
pub struct Source {
    baskets: Vec<Basket>,
    listed: BTreeMap<u64, Listed>,
}

impl Source {
    /// Reads the files of a folder.
    ///
    /// # Errors
    /// A file is missing, or a row cannot be read; the error names it.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            baskets: baskets(&mut open(&folder.join(SALES))?)?,
            listed: listed(&mut open(&folder.join(PRODUCTS))?)?,
        })
    }

    /// Every basket, in the source's order.
    #[must_use]
    pub fn baskets(&self) -> &[Basket] {
        &self.baskets
    }

    /// The products of some baskets, priced from them.
    #[must_use]
    pub fn catalogue(&self, baskets: &[Basket]) -> Catalogue {
        Catalogue::of(baskets, &self.listed)
    }

    /// Ids of every listed product.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.listed.len()
    }
}

fn open(path: &Path) -> Result<Reader<GzDecoder<File>>> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    Ok(Reader::from_reader(GzDecoder::new(file)))
}

/// Reads the columns of a sales file, and gathers rows into baskets.
pub(crate) fn baskets<R: std::io::Read>(reader: &mut Reader<R>) -> Result<Vec<Basket>> {
    let mut baskets: Vec<Basket> = Vec::new();
    let mut places: BTreeMap<(u32, u64), usize> = BTreeMap::new();
    let columns = Columns::of(
        reader,
        &[
            "transaction_timestamp",
            "store_id",
            "basket_id",
            "product_id",
            "quantity",
            "sales_value",
            "retail_disc",
            "coupon_disc",
            "coupon_match_disc",
        ],
    )?;
    for (row, record) in (2..).zip(reader.records()) {
        let record = record?;
        let [
            time,
            store,
            basket,
            product,
            quantity,
            value,
            retail,
            coupon,
            matched,
        ] = columns.fields(&record);
        let read = || -> Result<(u32, u64, Line)> {
            let line = Line {
                product: product.parse()?,
                quantity: quantity.parse()?,
                sales_value: cents(value)?,
                retail_disc: cents(retail)?,
                coupon_disc: cents(coupon)?,
                coupon_match_disc: cents(matched)?,
            };
            Ok((store.parse()?, basket.parse()?, line))
        };
        let (store, basket, line) = read().with_context(|| format!("row {row}"))?;
        let place = *places.entry((store, basket)).or_insert_with(|| {
            baskets.push(Basket {
                time: time.to_owned(),
                store,
                basket,
                lines: Vec::new(),
            });
            baskets.len() - 1
        });
        baskets[place].lines.push(line);
    }
    Ok(baskets)
}

fn listed<R: std::io::Read>(reader: &mut Reader<R>) -> Result<BTreeMap<u64, Listed>> {
    let columns = Columns::of(
        reader,
        &[
            "product_id",
            "department",
            "product_category",
            "product_type",
            "package_size",
        ],
    )?;
    let mut listed = BTreeMap::new();
    for (row, record) in (2..).zip(reader.records()) {
        let record = record?;
        let [id, department, category, kind, size] = columns.fields(&record);
        let id = id.parse().with_context(|| format!("row {row}"))?;
        let product = Listed {
            department: department.to_owned(),
            category: category.to_owned(),
            kind: kind.to_owned(),
            size: size.to_owned(),
        };
        listed.insert(id, product);
    }
    Ok(listed)
}

/// Where named columns stand.
struct Columns<const N: usize>([usize; N]);

impl<const N: usize> Columns<N> {
    fn of<R: std::io::Read>(reader: &mut Reader<R>, names: &[&str; N]) -> Result<Self> {
        let header = reader.headers()?;
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            let found = header.iter().position(|column| column == *name);
            *place = found.with_context(|| format!("there is no column {name}"))?;
        }
        Ok(Self(places))
    }

    fn fields<'r>(&self, record: &'r StringRecord) -> [&'r str; N] {
        self.0.map(|place| record.get(place).unwrap_or_default())
    }
}
