//! Stock of the whole chain.
//!
//! Invariant: figures and completeness are of one moment.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use evertill_domain::{LocationId, Sku, Unit};
use evertill_storage::projection::promises;
use evertill_storage::projection::stock::{self, StockFilter, StockItem};
use evertill_storage::{TableError, completeness};

use super::ViewError;
use super::ground::Picture;
use crate::state::Hub;

/// Stock of one SKU at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Where, what and how much.
    pub item: StockItem,
    /// What is pledged to orders, in thousandths.
    pub promised: i64,
    /// What is withheld from remote promises, in thousandths.
    pub safety_stock: i64,
    /// What it is counted in; pieces if master data does not know it.
    pub unit: Unit,
    /// Whether everything that the location last announced is counted.
    pub complete: bool,
}

/// A place in the list of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockPosition {
    location: LocationId,
    sku: Sku,
}

/// A text that is no place in the list of stock.
#[derive(Debug, thiserror::Error)]
#[error("this is not a position in a list of stock")]
pub struct NotAPosition;

impl StockPosition {
    /// The place of an item.
    #[must_use]
    pub fn of(stock: &Stock) -> Self {
        Self {
            location: stock.item.location.clone(),
            sku: stock.item.sku.clone(),
        }
    }
}

impl fmt::Display for StockPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.location, self.sku)
    }
}

impl FromStr for StockPosition {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (location, sku) = text.split_once('/').ok_or(NotAPosition)?;
        Ok(Self {
            location: location.parse().map_err(|_| NotAPosition)?,
            sku: sku.parse().map_err(|_| NotAPosition)?,
        })
    }
}

/// Stock that ever moved, by location and SKU, at most `limit` after a place.
///
/// # Errors
/// A database failed.
pub async fn page(
    hub: &Hub,
    location: Option<LocationId>,
    sku: Option<Sku>,
    after: Option<StockPosition>,
    limit: usize,
) -> Result<Vec<Stock>, ViewError> {
    let (items, incomplete) = hub
        .store()
        .read(move |conn| {
            let filter = StockFilter {
                location: location.as_ref(),
                sku: sku.as_ref(),
            };
            let after = after.as_ref().map(|at| (&at.location, &at.sku));
            let items = stock::page(conn, filter, after, limit)?;
            let items = items.into_iter().map(|item| {
                let promised = promises::live(conn, &item.location, &item.sku)?;
                Ok((item, promised))
            });
            let items = items.collect::<Result<Vec<_>, TableError>>()?;
            Ok::<_, TableError>((items, completeness::incomplete(conn)?))
        })
        .await?;
    let skus: Vec<Sku> = items.iter().map(|(item, _)| item.sku.clone()).collect();
    let stocked = items.iter().map(|(item, _)| item.location.clone());
    let stocked: Vec<LocationId> = stocked.collect::<BTreeSet<_>>().into_iter().collect();
    let picture = hub
        .reference()
        .read(move |view| Picture::of(view, &skus, &stocked))
        .await?;
    let products = &picture.products;
    let withheld = |item: &StockItem| {
        let place = products
            .get(&item.sku)
            .zip(picture.location(&item.location));
        let rules = &picture.selling.safety_stock;
        place.map_or(0, |(product, location)| {
            rules.of(product, location).0.thousandths()
        })
    };
    let stock = |(item, promised): (StockItem, i64)| Stock {
        promised,
        safety_stock: withheld(&item),
        unit: products
            .get(&item.sku)
            .map_or(Unit::Each, |product| product.unit),
        complete: !incomplete.contains(&item.location),
        item,
    };
    Ok(items.into_iter().map(stock).collect())
}
