//! The extract that ships with the project.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::basket::Basket;
use crate::extract::{FIRST_DAY, STORES, products as products_file, write};
use crate::money::cents;
use crate::product::{Catalogue, Product};
use crate::source::{self, Source};

/// Baskets of a busy store's week: those of all stores of the panel.
pub const WEEK: usize = 3_435;

/// The folder of the extract in the source tree.
#[must_use]
pub fn sample_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
}

/// The extract, ready to be sold.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its products.
    pub catalogue: Catalogue,
    /// Its baskets, by time.
    pub baskets: Vec<Basket>,
    /// Where the files for the hub's imports are.
    pub folder: PathBuf,
}

impl Sample {
    /// Reads the extract of the source tree.
    ///
    /// # Errors
    /// A file is missing or cannot be read.
    pub fn read() -> Result<Self> {
        let folder = sample_folder();
        let path = folder.join("baskets.csv");
        let reader = csv::Reader::from_path(&path);
        let mut reader = reader.with_context(|| format!("could not open {}", path.display()))?;
        Ok(Self {
            catalogue: products(&folder.join("products.csv"))?,
            baskets: source::baskets(&mut reader)?,
            folder,
        })
    }

    /// The extract with the baskets of a week of all stores of the panel in place
    /// of its own: [`WEEK`] of them from [`FIRST_DAY`] on, by time. Its files go
    /// to `folder`; locations and opening stock stay those of the extract.
    ///
    /// # Errors
    /// The panel or the extract cannot be read, or a file not be written.
    pub fn week(source: &Source, folder: &Path) -> Result<Self> {
        let own = Self::read()?;
        let panel = source.baskets().iter();
        let mut baskets: Vec<Basket> = panel
            .filter(|basket| basket.day() >= FIRST_DAY)
            .cloned()
            .collect();
        baskets.sort_by(|a, b| (&a.time, a.store, a.basket).cmp(&(&b.time, b.store, b.basket)));
        baskets.truncate(WEEK);
        let all: Vec<Basket> = baskets.iter().chain(&own.baskets).cloned().collect();
        let catalogue = source.catalogue(&all);
        write(folder, "products.csv", &products_file(&catalogue)?)?;
        for name in ["locations.csv", "stock.csv"] {
            write(folder, name, &std::fs::read_to_string(own.file(name))?)?;
        }
        Ok(Self {
            catalogue,
            baskets,
            folder: folder.to_owned(),
        })
    }

    /// The baskets of one of our locations, by time.
    #[must_use]
    pub fn of(&self, location: &str) -> Vec<&Basket> {
        let store = STORES.iter().find(|(_, known)| *known == location);
        let baskets = self.baskets.iter();
        baskets
            .filter(|basket| store.is_some_and(|(id, _)| *id == basket.store))
            .collect()
    }

    /// A file of the extract.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Reads products back from the form of an import.
fn products(path: &Path) -> Result<Catalogue> {
    let reader = csv::Reader::from_path(path);
    let mut reader = reader.with_context(|| format!("could not open {}", path.display()))?;
    let header: Vec<&str> = reader.headers()?.iter().collect();
    ensure!(
        header == Catalogue::HEADER,
        "{} has other columns",
        path.display()
    );
    let mut products = Vec::new();
    for record in reader.records() {
        let record = record?;
        let field = |place: usize| record.get(place).unwrap_or_default();
        products.push(Product {
            id: field(0).parse()?,
            name: field(2).to_owned(),
            department: field(3).to_owned(),
            category: field(4).to_owned(),
            price: cents(field(5))?,
            is_fuel: field(9) == "gal",
        });
    }
    Ok(Catalogue::from_products(products))
}
